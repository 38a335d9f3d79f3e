"""Signals of rare events: run lengths by simulation, sums by hand; staff, cases, pages."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

import spcbench
from spcbench.errors import InputError, OptionError
from spcbench.plugin import default_host
from spcbench_mis.scheme_data import Window, scheme
from spcbench_mis.scheme_due import MONTHS, due_counts
from spcbench_mis.signals import SETTINGS, SIGNAL_COLUMNS, event_signals, signals_section
from spcbench_mis.training import training_counts, training_forecast


def site(events, births=300, unit="RJ121", first="2020-01-01"):
    return pd.DataFrame(
        {
            "measure": "mis-events:term_death",
            "unit": unit,
            "period": pd.date_range(first, periods=len(events), freq="MS"),
            "numerator": events,
            "denominator": births,
        }
    )


# ------------------------------------------------------------------------- the two levels


def test_the_sum_by_hand():
    """K is (2 mu - mu) / ln 2 = mu / ln 2; the sum starts afresh after level 2."""
    counts = site([0, 1, 2, 4, 0, 1])
    found = event_signals(counts, reference_rate=0.002)
    points = found.cusum.points
    allowance = 0.6 / np.log(2)
    by_hand, total = [], 0.0
    for events, limit in zip(counts["numerator"], points["ucl"], strict=True):
        total = max(0.0, total + events - allowance)
        by_hand.append(total)
        total = 0.0 if total > limit else total
    # The design may move K by 0.2 % to fit a lattice, at each of six steps.
    assert points["value"].to_numpy() == pytest.approx(by_hand, abs=6 * 0.002 * allowance)
    assert found.signals[["level", "new", "events"]].to_numpy().tolist() == [[2, True, 4]]
    assert found.vlad.points["value"].to_numpy() == pytest.approx(
        np.cumsum(0.6 - counts["numerator"])
    )


def test_above_level_1_is_new_only_once():
    found = event_signals(site([0, 1, 2, 2, 1, 0]), reference_rate=0.002).signals
    assert found["level"].to_list() == [1, 1]
    assert found["new"].to_list() == [True, False]
    assert list(found.columns) == list(SIGNAL_COLUMNS)
    assert (found["value"] > found["level_1"]).all()
    assert (found["value"] <= found["level_2"]).all()


def test_the_picture_has_both_levels():
    from matplotlib.text import Text

    found = event_signals(site([0, 1, 2, 4, 0, 0]), reference_rate=0.002)
    figure = found.cusum.plot(unit="RJ121").draw()
    texts = {one.get_text().strip() for one in figure.findobj(Text)}
    assert {"Level 1 1.4", "Level 2 3.4"} <= texts


@pytest.mark.parametrize("mean", [0.25, 0.6, 1.5])
def test_run_lengths_are_those_that_were_asked_for(mean):
    """800 sites whose rate never rises: months to the first signal of each level."""
    dice = np.random.default_rng(20)
    sites, length = 800, 700
    events = dice.poisson(mean, (sites, length))
    counts = pd.concat(
        [site(events[place], unit=f"S{place:04}", first="1950-01-01") for place in range(sites)]
    ).assign(expected=mean)
    charts = spcbench.control_charts(
        counts.assign(denominator=pd.NA), chart="poisson_cusum", settings=SETTINGS, better="lower"
    )
    points = charts.points
    value = points["value"].to_numpy().reshape(sites, length)
    for limit, wanted in (("upper_warning", 20.0), ("ucl", 100.0)):
        above = value > points[limit].to_numpy().reshape(sites, length)
        first = np.where(above.any(axis=1), above.argmax(axis=1) + 1, length)
        # Counts are whole: the shortest length that is long enough may be longer, never shorter
        # than 3 standard errors below. At 700 months hardly a run is cut off (exp(-7)).
        error = first.std() / np.sqrt(sites)
        assert first.mean() > wanted - 3.0 * error
        assert first.mean() < 1.35 * wanted + 3.0 * error


def test_a_doubled_rate_is_found_sooner_than_a_false_signal_comes():
    dice = np.random.default_rng(5)
    length = 400

    def mean_first(rate):
        parts = [
            site(dice.poisson(rate, length), unit=f"S{one:03}", first="1970-01-01")
            for one in range(200)
        ]
        found = event_signals(pd.concat(parts), reference_rate=0.002).signals
        firsts = found[found["level"].eq(2)].groupby("unit")["period"].min()
        months = (firsts.dt.year - 1970) * 12 + firsts.dt.month
        return months.reindex([f"S{one:03}" for one in range(200)]).fillna(length).mean()

    assert mean_first(1.2) < 0.3 * mean_first(0.6)


@pytest.mark.parametrize(
    ("counts", "rate", "error", "message"),
    [
        (site([1]), None, OptionError, "reference_rate is missing"),
        (site([1]), 2.0, OptionError, "between 0 and 0.1, not 2.0 (2 per 1,000 is 0.002)"),
        (site([1]), True, OptionError, "not True"),
        (site([0, 0], births=0), 0.002, InputError, "no row has a count of events"),
    ],
)  # fmt: skip
def test_what_cannot_be_charted_is_refused(counts, rate, error, message):
    with pytest.raises(error) as caught:
        event_signals(counts, reference_rate=rate)
    assert message in str(caught.value)


def test_a_month_that_is_not_known_is_no_month_without_events():
    counts = site([1, 2, 3, 1])
    counts = counts.astype({"numerator": "Int64", "denominator": "Int64"})
    counts.loc[2, ["numerator", "denominator"]] = pd.NA
    points = event_signals(counts, reference_rate=0.002).cusum.points
    assert points["status"].astype(str).to_list()[2] == "no_data"
    assert points["value"].isna().to_list() == [False, False, True, False]


def test_days_between_events_come_from_a_list_of_cases():
    cases = pd.DataFrame(
        {
            "trust": "RJ1",
            "day": ["2025-01-10", "2025-01-31", "2025-03-02", "2025-03-05"],
            "pmrt_eligible": [True, True, False, True],
            "mnsi_qualifying": [False, True, False, True],
            "term_death": [False] * 4,
        }
    )
    waits = spcbench.event_counts(
        cases, packs=["mis-events"], unit_column="trust", date_column="day", event="met",
        between="days", measures=["sa1_death", "sa10_case"],
    ).counts  # fmt: skip
    known = waits[waits["status"].eq("ok")]
    assert known[["measure", "value"]].to_numpy().tolist() == [
        ["mis-events@1:sa10_case.days_between_met", 33.0],
        ["mis-events@1:sa1_death.days_between_met", 21.0],
        ["mis-events@1:sa1_death.days_between_met", 33.0],
    ]


# ------------------------------------------------------------------------------- training

STAFF = pd.DataFrame(
    {
        "staff": [f"invented {n}" for n in range(10)],
        "measure": "sa8_fm_midwives",
        "attended": [*["2024-10-15"] * 3, "2024-12-31", *["2025-06-01"] * 5, ""],
    }
)


def test_training_runs_out_to_the_day():
    made = training_forecast(STAFF, on=date(2025, 9, 1), until=date(2025, 12, 31), unit="RJ1")
    assert made["on"].to_list() == [
        date(2025, 9, 1), date(2025, 9, 30), date(2025, 10, 31), date(2025, 11, 30),
        date(2025, 12, 31),
    ]  # fmt: skip
    # In date until 14 October; and until 30 December.
    assert made["in_date"].to_list() == [9, 9, 6, 6, 5]
    assert made["to_attend"].to_list() == [0, 0, 3, 3, 4]
    assert made["expired"].to_list() == [0, 0, 3, 3, 4]
    last_day = training_forecast(STAFF, on=date(2025, 10, 14), until=date(2025, 10, 15), unit="X")
    assert last_day["in_date"].to_list() == [9]
    day_after = training_forecast(STAFF, on=date(2025, 10, 15), until=date(2025, 10, 15), unit="X")
    assert day_after["in_date"].to_list() == [6]


def test_counts_of_training_are_those_of_the_forecast():
    counts = training_counts(STAFF, on=date(2025, 9, 1), unit="RJ1")
    assert counts.to_numpy().tolist() == [
        ["mis:sa8_fm_midwives", "RJ1", *[pd.Timestamp("2025-09-01")] * 2, 9, 10]
    ]
    charts = spcbench.control_charts(counts, host=default_host())
    assert charts.summary["chart"].astype(str).to_list() == ["run"]
    advice = charts.advice.set_index("code").loc["chart_chosen", "message"]
    assert "the share in date is a stock" in advice


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attended": "2025-09-02"}, "row 2, column attended: 2025-09-02 lies after 2025-09-01"),
        ({"attended": "15/10/2024"}, "row 2, column attended: '15/10/2024' is not a date"),
        ({"measure": "fire"}, "row 2, column measure: 'fire' is no training measure"),
        ({"measure": "sa1_parent_views"}, "'sa1_parent_views' is no training measure"),
        ({"staff": " "}, "row 2, column staff: is empty"),
        ({"staff": "invented 1"}, "row 3: 'invented 1' stands in sa8_fm_midwives already"),
    ],
)  # fmt: skip
def test_a_list_of_staff_says_where_it_is_wrong(change, message):
    staff = STAFF.copy()
    for name, value in change.items():
        staff.loc[0, name] = value
    with pytest.raises(InputError) as caught:
        training_forecast(staff, on=date(2025, 9, 1), until=date(2025, 9, 1), unit="RJ1")
    assert message in str(caught.value)


def test_the_dates_of_a_forecast_are_in_order():
    with pytest.raises(OptionError, match="ends on 2025-08-31, before it begins on 2025-09-01"):
        training_forecast(STAFF, on=date(2025, 9, 1), until=date(2025, 8, 31), unit="RJ1")
    with pytest.raises(InputError, match="the list of staff has no column 'attended'"):
        training_forecast(STAFF[["staff", "measure"]], on=date(2025, 9, 1),
                          until=date(2025, 9, 1), unit="RJ1")  # fmt: skip


# ------------------------------------------------------------------------------- due cases

WINDOW = Window(title="", first=date(2024, 12, 1), last=date(2025, 11, 30))
CASES = pd.DataFrame(
    {
        "event": ["2024-11-30", "2024-12-01", "2025-02-28", "2025-05-30", "2025-05-31",
                  "2025-08-10"],
        "done": [None, "2025-06-01", "2025-08-29", None, "2025-06-02", None],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("on", "numbers"),
    [
        (date(2025, 5, 1), (0, 0, 2, None)),  # done early is not counted before the time is up
        (date(2025, 5, 31), (0, 0, 4, None)),  # another case of today would be due on the last day
        (date(2025, 6, 1), (0, 0, 4, 4)),  # the last day of the first is not over
        (date(2025, 6, 2), (1, 1, 4, 4)),
        (date(2025, 8, 28), (1, 1, 5, 4)),
        (date(2025, 8, 29), (1, 2, 5, 4)),
        (date(2025, 11, 30), (1, 2, 5, 4)),
        (date(2025, 12, 1), (2, 4, 5, 4)),  # 31 May and six months is 30 November
        (date(2026, 11, 30), (2, 4, 5, 4)),  # what is due after the end is never counted
    ],
)
def test_reviews_are_due_after_six_months(on, numbers):
    found = due_counts(CASES, months=MONTHS["sa1_published_6m"], on=on, window=WINDOW)
    assert (
        found.numerator, found.denominator, found.eligible, found.expected_total
    ) == numbers  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event": None}, "row 3, column event: the date is missing"),
        ({"event": "1/2/2025"}, "row 3, column event: '1/2/2025' is not a date"),
        ({"done": "2024-11-01"}, "row 3, column done: 2024-11-01 lies before the case, 2024-12-01"),
    ],
)
def test_a_list_of_cases_says_where_it_is_wrong(change, message):
    cases = CASES.copy()
    for name, value in change.items():
        cases.loc[1, name] = value
    with pytest.raises(InputError) as caught:
        due_counts(cases, months=6, on=date(2025, 9, 1), window=WINDOW)
    assert message in str(caught.value)


def test_the_months_of_the_items_are_items():
    assert set(MONTHS) <= {item.id for item in scheme().items}


# ---------------------------------------------------------------------------- stocks


def counted(measure="mis:sa10_mnsi_reported"):
    return pd.DataFrame(
        {
            "measure": measure,
            "unit": "RJ1",
            "period": pd.date_range("2024-12-01", periods=12, freq="MS"),
            "numerator": 1,
            "denominator": 1,
        }
    )


def test_a_funnel_of_a_stock_takes_the_latest_of_each_trust():
    one, other = counted("mis:sa8_fm_midwives"), counted("mis:sa8_fm_midwives")
    other = other.assign(unit="RJ2", denominator=2).iloc[:-1]  # its last month is missing
    units = spcbench.funnels(pd.concat([one, other], ignore_index=True)).units.set_index("unit")
    assert units.loc[["RJ1", "RJ2"], "denominator"].tolist() == [1, 2]
    assert units.loc[["RJ1", "RJ2"], "last"].dt.month.tolist() == [11, 10]
    flow = spcbench.funnels(counted().assign(denominator=2)).units
    assert flow["denominator"].tolist() == [24]


def test_the_report_of_signals_holds_both_levels():
    days = pd.date_range("2025-01-01", periods=8, freq="MS")
    counts = pd.DataFrame(
        {
            "measure": "mis-events:term_death", "unit": "RJ121", "period": days,
            "numerator": [0, 2, 2, 3, 0, 0, 0, 0], "denominator": 300,
        }
    )  # fmt: skip
    found = event_signals(counts, reference_rate=0.002)
    section = signals_section(found)
    table, levels = section.tables
    assert levels.frame[["unit", "year", "births"]].to_numpy().tolist() == [
        ["RJ121", "2025", "300.00"]
    ]
    assert table.frame["level"].tolist() == found.signals["level"].tolist()
    assert {1, 2} <= set(table.frame["level"])
    assert "both levels are lines" in section.text[0]
    assert section.results == (found.cusum, found.vlad)
    quiet = signals_section(event_signals(counts.assign(numerator=0), reference_rate=0.002))
    assert [table.id for table in quiet.tables] == ["event_levels"]
    assert quiet.text[0] == "No month has a signal of level 1 or 2."
