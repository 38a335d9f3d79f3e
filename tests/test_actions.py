"""Each note on each chart, with the points before and after it."""

import types
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import spcbench as sb
from spcbench import tables
from spcbench.actions import difference_of_shares
from spcbench.errors import InputError
from spcbench.plugin import hookimpl
from spcbench.plugin.host import PluginHost, default_host

MONTHS = pd.date_range("2022-01-01", periods=36, freq="MS")


def counts(numerator=None, denominator=10, unit="A", measure="warm", **more):
    made = np.where(np.arange(36) < 18, 6, 8) if numerator is None else numerator
    return pd.DataFrame(
        {
            "measure": measure,
            "unit": unit,
            "period": MONTHS,
            "numerator": made,
            "denominator": denominator,
            **more,
        }
    )


def comment(date, **given):
    return sb.note("comment", date=date, reason=given.pop("reason", "Box on the ward"), **given)


def rebase(date, **given):
    return sb.note("rebase", date=date, reason="New rota", author="A. Shah", **given)


def actions(notes, table=None, **options):
    table = counts() if table is None else table
    return sb.control_charts(table, notes=notes, better="higher", **options).actions


def test_twelve_points_before_and_after_the_first_day_of_a_period():
    (line,) = actions([comment("2023-07-01")]).to_dict("records")

    assert (line["first_before"], line["last_before"]) == (MONTHS[6], MONTHS[17])
    assert (line["first_after"], line["last_after"]) == (MONTHS[18], MONTHS[29])
    assert (line["numerator_before"], line["denominator_before"]) == (72, 120)
    assert (line["numerator_after"], line["denominator_after"]) == (96, 120)
    assert line["difference"] == pytest.approx(0.2)
    assert line["text"] == "Box on the ward"


def test_a_period_in_which_the_date_falls_later_is_on_neither_side():
    (line,) = actions([comment("2023-07-02")]).to_dict("records")

    assert line["last_before"] == MONTHS[17]
    assert line["first_after"] == MONTHS[19]
    assert (line["periods_before"], line["periods_after"]) == (12, 12)


def test_windows_end_where_a_phase_does():
    found = actions([rebase("2022-07-01"), comment("2022-10-01"), rebase("2023-01-01")])
    first, middle, last = found.to_dict("records")

    assert (first["periods_before"], first["periods_after"]) == (6, 6)
    assert (middle["first_before"], middle["last_before"]) == (MONTHS[6], MONTHS[8])
    assert (middle["first_after"], middle["last_after"]) == (MONTHS[9], MONTHS[11])
    assert (last["periods_before"], last["periods_after"]) == (6, 12)


def test_a_comment_in_the_month_of_a_rebase_looks_back_over_it():
    found = actions([rebase("2023-07-01"), comment("2023-07-20")])

    assert found["periods_before"].to_list() == [12, 12]
    assert found["numerator_before"].to_list() == [72, 72]
    assert found["first_after"].to_list() == [MONTHS[18], MONTHS[19]]


def test_a_comment_just_before_a_rebase_looks_ahead_into_the_new_phase():
    line, _ = actions([rebase("2023-07-01"), comment("2023-06-20")]).to_dict("records")
    assert (line["first_after"], line["periods_after"]) == (MONTHS[18], 12)


def test_points_that_are_not_used_are_in_no_window():
    closed = sb.note("exclude", date="2023-06-01", reason="Closed", author="B. Lee")
    table = counts()
    table.loc[16, ["numerator", "denominator"]] = 0  # nobody was eligible in May 2023
    (_, line) = actions([closed, comment("2023-07-01")], table).to_dict("records")

    assert (line["first_before"], line["last_before"]) == (MONTHS[4], MONTHS[15])
    assert (line["periods_before"], line["denominator_before"]) == (12, 120)


def test_decisions_about_limits_are_listed_without_windows():
    held = sb.note("freeze", date=None, reason="First year", author="A", points=12)
    closed = sb.note("exclude", date="2023-06-01", reason="Closed", author="B. Lee")
    found = actions([closed, held])

    assert found["action"].to_list() == ["freeze", "exclude"]  # a note without a date comes first
    assert found[["periods_before", "periods_after"]].eq(0).all(axis=None)
    assert found[["value_before", "value_after", "difference"]].isna().all(axis=None)


def test_a_note_on_every_unit_is_a_row_on_each_chart():
    table = pd.concat([counts(unit="A"), counts(unit="B"), counts(unit="C").iloc[24:]])
    found = actions([comment("2023-07-01"), comment("2023-08-01", unit="B")], table)

    assert found[["unit", "date"]].astype(str).to_numpy().tolist() == [
        ["A", "2023-07-01"],
        ["B", "2023-07-01"],
        ["B", "2023-08-01"],
    ]


def test_the_ends_of_a_series():
    first, last = actions([rebase("2022-01-01"), comment("2024-12-20")]).to_dict("records")

    assert (first["periods_before"], first["periods_after"]) == (0, 12)
    assert pd.isna(first["value_before"])
    assert pd.isna(first["difference"])
    assert (last["periods_before"], last["periods_after"]) == (12, 0)
    assert pd.isna(last["first_after"])


def test_a_signal_counts_only_if_it_begins_after():
    step = actions([comment("2023-07-01")], chart="p").iloc[0]
    assert step["special_cause_after"]
    assert step["verdicts_after"] == "improvement"

    later = actions([comment("2024-01-01")], chart="p").iloc[0]  # the run began in July 2023
    assert not later["special_cause_after"]
    assert later["verdicts_after"] == ""


def test_a_signal_counts_only_if_it_begins_in_the_window():
    (line,) = actions([comment("2022-03-01")], chart="p").to_dict("records")
    assert line["last_after"] == MONTHS[13]  # all is as before until July 2023
    assert line["verdicts_after"] == ""


@pytest.mark.parametrize("chart", ["p", "np", "u"])
def test_periods_that_reach_into_the_next_are_not_added_up(chart):
    numerator = np.where(np.arange(36) == 17, 90, np.where(np.arange(36) < 18, 72, 96))
    denominator = np.where(np.arange(36) == 17, 900, 120)
    rolling = counts(numerator, denominator, period_end=MONTHS + pd.DateOffset(months=12, days=-1))
    (line,) = actions([comment("2023-07-01")], rolling, chart=chart).to_dict("records")

    sums = ["numerator_before", "denominator_before", "numerator_after", "denominator_after"]
    assert all(pd.isna(line[name]) for name in sums)
    assert line["value_before"] == pytest.approx((11 * 0.6 + 0.1) / 12)  # the mean, unweighted
    assert line["value_after"] == pytest.approx(0.8)
    assert np.isnan([line["difference_lower"], line["difference_upper"]]).all()


def test_periods_that_end_before_the_next_are_added_up():
    apart = counts(period_end=MONTHS + pd.DateOffset(months=1, days=-1))
    other = apart.assign(unit="B", period_end=MONTHS + pd.DateOffset(months=2))
    found = actions([comment("2023-07-01")], pd.concat([apart, other])).set_index("unit")
    assert found["denominator_before"].to_list()[0] == 120
    assert pd.isna(found.loc["B", "denominator_before"])
    assert found["difference_lower"].isna().to_list() == [False, True]


def test_values_on_a_scale_of_their_own_say_nothing_of_the_level():
    plugin = types.ModuleType("own_scale")
    plugin.SPCBENCH_API = 1
    own = replace(default_host().chart("i"), id="own_scale", scale="own")

    @hookimpl
    def spcbench_charts():
        return [own]

    plugin.spcbench_charts = spcbench_charts
    host = PluginHost.of(plugin)
    (line,) = actions([comment("2023-07-01")], chart="own_scale", host=host).to_dict("records")
    assert (line["periods_before"], line["periods_after"]) == (12, 12)
    assert np.isnan([line["value_before"], line["value_after"]]).all()


def test_the_interval_is_newcombes():
    # Newcombe (1998), Statistics in Medicine 17:873, table II, example (a): 56/70 and 48/80.
    found = difference_of_shares(48, 80, 56, 70)
    assert found.difference == pytest.approx(0.2)
    assert round(float(found.lower), 4) == 0.0524
    assert round(float(found.upper), 4) == 0.3339


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((0, 10, 0, 10), (-0.2775, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((10, 10, 0, 10), (0.6075, 1.0)),
    ],
)
def test_the_interval_in_the_other_published_examples(given, expected):
    # The same table, examples (b) to (h); the paper subtracts the second share from the first.
    x, m, y, n = given
    found = difference_of_shares(y, n, x, m)
    assert (round(float(found.lower), 4), round(float(found.upper), 4)) == expected


def test_no_interval_without_counts_and_no_counts_that_cannot_be():
    found = difference_of_shares([5, np.nan, 0], [10, 10, 0], [5, 5, 5], [10, 10, 10])
    assert np.isnan(found.lower).tolist() == [False, True, True]
    assert found.difference[0] == 0.0
    with pytest.raises(InputError, match="every numerator must lie between 0"):
        difference_of_shares(11, 10, 1, 10)


def test_a_share_of_opportunities_has_a_difference_and_no_interval():
    (line,) = actions([comment("2023-07-01")], counts(variance=9.0)).to_dict("records")

    assert line["difference"] == pytest.approx(0.2)
    assert np.isnan(line["difference_lower"])


@pytest.mark.parametrize(
    ("chart", "before", "after"),
    [
        ("i", 0.6, 0.8),  # the mean of the plotted values
        ("u", 0.6, 0.8),
        ("np", 0.6, 0.8),  # of shares of cases the share, whatever is plotted
        ("c", 6.0, 8.0),
        ("ewma", np.nan, np.nan),  # smoothed over the date
        ("mr", np.nan, np.nan),  # distances say nothing about the level
    ],
)
def test_other_charts_have_means_and_no_interval(chart, before, after):
    (line,) = actions([comment("2023-07-01")], chart=chart).to_dict("records")

    assert [line["value_before"], line["value_after"]] == pytest.approx(
        [before, after], nan_ok=True
    )
    assert np.isnan(line["difference_lower"]) == (chart != "np")


def test_denominators_weigh_the_value_of_a_window():
    denominator = np.where(np.arange(36) == 17, 100, 10)
    numerator = np.where(np.arange(36) == 17, 0, 6)
    (line,) = actions([comment("2023-07-01")], counts(numerator, denominator)).to_dict("records")

    assert line["value_before"] == pytest.approx(66 / 210)


def test_without_notes_the_table_is_empty_and_has_its_types():
    found = sb.control_charts(counts(), better="higher").actions
    assert found.empty
    assert list(found.columns) == tables.ACTIONS.names
    noted = actions([comment("2023-07-01")])
    assert noted.dtypes.astype(str).to_list() == found.dtypes.astype(str).to_list()


def test_row_order_of_the_counts_does_not_matter():
    table = pd.concat([counts(unit="A"), counts(unit="B")])
    notes = [comment("2023-07-01"), rebase("2023-01-01")]
    mixed = table.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(actions(notes, table), actions(notes, mixed))


def test_many_units_together_equal_each_alone():
    draw = np.random.default_rng(5)
    parts = [
        counts(draw.integers(0, 11, 36), unit=unit, measure=measure)
        for measure in ("early", "warm")
        for unit in ("A", "B", "C")
    ]
    notes = [comment("2023-07-12"), rebase("2022-11-01"), comment("2024-02-01", unit="B")]
    together = actions(notes, pd.concat(parts))
    alone = [
        sb.control_charts(
            pd.concat(parts), notes=notes, better="higher", measure=measure, unit=unit
        ).actions
        for measure in ("early", "warm")
        for unit in ("A", "B", "C")
    ]
    pd.testing.assert_frame_equal(together, pd.concat(alone, ignore_index=True))
