"""Each rule of the signal system by hand, run lengths by a chain of our own, and bad input."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.stats import poisson

from spcbench.cli import main
from spcbench.errors import InputError, OptionError
from spcbench_mis.signals import LEVEL_COLUMNS, event_signals, signals_section


def site(events, births, first="2024-01-01", unit="RJ121"):
    """Months of one site; None is a month whose events are not known."""
    months = pd.date_range(first, periods=len(events), freq="MS")
    return pd.DataFrame(
        {
            "measure": "mis-events:term_death",
            "unit": unit,
            "period": months,
            "numerator": pd.array(events, dtype="Int64"),
            "denominator": pd.array(np.broadcast_to(births, len(events)), dtype="Int64"),
        }
    )


def two_years(events, before=300, now=300):
    """Births of 2024, and events and births of 2025."""
    return site([None] * 12 + events, [before] * 12 + [now] * len(events))


def allowance(expected):
    """K = (2 mu - mu) / (ln 2 mu - ln mu), here without any rounding."""
    return expected / np.log(2)


# ------------------------------------------------------------------- what is to be expected


def test_a_month_expects_the_rate_times_the_mean_births_of_the_year_before():
    before = [280, 320, 300, 340, 260, 300, 310, 290, 300, 300, 350, 250]
    assert np.mean(before) == 300
    counts = site([None] * 12 + [0, 1, 2], [*before, 900, 10, 500])
    found = event_signals(counts, reference_rate=0.002)
    assert tuple(found.levels) == LEVEL_COLUMNS
    (row,) = found.levels.to_dict("records")
    assert (row["year"], row["births"], row["births_of"], row["months"]) == (2025, 300, 2024, 12)
    assert row["expected"] == pytest.approx(0.002 * 300)
    points = found.cusum.points
    # Births of the month itself have no part in it: one K and one pair of levels all year.
    assert points["ucl"].nunique() == points["upper_warning"].nunique() == 1
    by_hand = [0.0, 1 - allowance(0.6), 3 - 2 * allowance(0.6)]
    assert points["value"].to_list() == pytest.approx(by_hand, abs=0.01)
    assert found.vlad.points["value"].to_list() == pytest.approx([0.6, 0.2, -1.2])
    assert found.notes == ()


def test_levels_change_in_january_and_the_sum_is_carried_over():
    counts = site([None] * 12 + [0] * 11 + [3] + [1, 0], [300] * 12 + [600] * 14)
    found = event_signals(counts, reference_rate=0.002)
    points = found.cusum.points
    assert points["ucl"].to_numpy()[:12].tolist() == [points["ucl"].iloc[0]] * 12
    assert points["ucl"].iloc[12] == points["ucl"].iloc[13] != points["ucl"].iloc[11]
    assert found.levels["expected"].to_list() == pytest.approx([0.6, 1.2])
    assert found.levels["births_of"].to_list() == [2024, 2025]
    assert found.levels["level_2"].to_list() == [points["ucl"].iloc[0], points["ucl"].iloc[13]]
    december = 3 - allowance(0.6)
    january = december + 1 - allowance(1.2)
    assert points["value"].to_numpy()[-3:] == pytest.approx([december, january, 0.0], abs=0.02)


def test_without_the_year_before_the_year_itself_stands_in_and_that_is_said():
    counts = site([0, 1, 0, 0] * 5, [310, 290] * 6 + [400] * 8)  # all of 2024, part of 2025
    found = event_signals(counts, reference_rate=0.002)
    assert found.levels["births"].to_list() == [300, 300]
    assert found.levels["births_of"].to_list() == [2024, 2024]
    assert found.notes == (
        "No births of the year before for RJ121 2024: the mean of that year's own months is "
        "used, so its levels may move as months are added.",
    )
    assert found.notes[0] in signals_section(found).text


def test_a_part_of_the_year_before_is_used_and_that_is_said():
    counts = site([None, None, 0, 0, 0], [280, 320, 500, 500, 500], first="2024-11-01")
    found = event_signals(counts, reference_rate=0.002)
    assert found.levels[["births", "months"]].to_numpy().tolist() == [[300, 2]]
    assert found.notes == (
        "Births of fewer than 12 months of the year before for RJ121 2025 (2 of 2024).",
    )


def test_births_of_this_year_need_not_be_known():
    counts = two_years([0, 1, 2, 4, 0, 0], now=None)
    found = event_signals(counts, reference_rate=0.002)
    assert found.signals[["level", "events"]].to_numpy().tolist() == [[2, 4]]


def test_rates_may_change_by_year_as_the_system_has_them():
    counts = site([None] * 12 + [0] * 14, 300)
    found = event_signals(counts, reference_rate={2025: 0.002, 2026: 0.0015})
    assert found.levels["expected"].to_list() == pytest.approx([0.6, 0.45])
    with pytest.raises(OptionError, match="reference_rate has none for 2026; it has 2025"):
        event_signals(counts, reference_rate={2025: 0.002})


# ------------------------------------------------------------------------------ the signals


def test_no_level_1_in_a_month_without_events():
    found = event_signals(two_years([0, 2, 2, 0, 1, 0, 0]), reference_rate=0.002)
    value = found.cusum.points["value"].to_numpy()
    level_1, level_2 = found.levels.loc[0, ["level_1", "level_2"]]
    k = allowance(0.6)
    assert value == pytest.approx(
        [0, 2 - k, 4 - 2 * k, 4 - 3 * k, 5 - 4 * k, 5 - 5 * k, 0], abs=0.02
    )
    assert value[2] > level_1
    assert value[4] > level_1
    assert value.max() < level_2
    assert found.signals["period"].dt.month.to_list() == [3, 5]
    # Of a higher sum the month without events lies above level 1 too: still no signal there.
    found = event_signals(two_years([0, 2, 2, 1, 0, 1, 0, 0]), reference_rate=0.002)
    value = found.cusum.points["value"].to_numpy()
    assert (value[2:6] > level_1).all()
    assert found.signals["period"].dt.month.to_list() == [3, 4, 6]
    assert found.signals["level"].to_list() == [1, 1, 1]
    assert found.signals["new"].to_list() == [True, False, False]


def test_after_level_2_the_sum_begins_anew_and_what_follows_is_new():
    found = event_signals(two_years([0, 5, 3, 0, 0]), reference_rate=0.002)
    k = allowance(0.6)
    value = found.cusum.points["value"].to_numpy()
    assert value == pytest.approx([0, 5 - k, 3 - k, 3 - 2 * k, 3 - 3 * k], abs=0.02)
    assert found.signals[["level", "new"]].to_numpy().tolist() == [[2, True], [1, True]]


def test_level_2_may_come_in_january_without_events_where_the_level_falls():
    """As in the published source, whose rule of no events is of level 1 only."""
    births = [1200] * 12 + [30] * 12 + [30] * 2
    counts = site([None] * 12 + [0] * 10 + [4, 7] + [0, 0], births)
    found = event_signals(counts, reference_rate=0.002)
    first = found.levels.iloc[0]
    december, january = found.cusum.points["value"].to_numpy()[11:13]
    assert december < first["level_2"]
    assert january > found.levels["level_2"].iloc[1]
    assert found.signals[["level", "events"]].to_numpy()[-1].tolist() == [2, 0]
    assert found.signals["period"].iloc[-1] == pd.Timestamp("2026-01-01")


def test_a_month_not_known_leaves_the_sum_and_is_named():
    counts = two_years([2, 2, None, 1, 0])
    counts["status"] = ["ok"] * 14 + ["suppressed"] + ["ok"] * 2
    found = event_signals(counts, reference_rate=0.002)
    k = allowance(0.6)
    value = found.cusum.points["value"].to_numpy()
    assert value == pytest.approx(
        [2 - k, 4 - 2 * k, np.nan, 5 - 3 * k, 5 - 4 * k], abs=0.02, nan_ok=True
    )
    assert found.signals["new"].to_list() == [True, False]
    assert found.notes == (
        "Suppressed, not known or without births: RJ121 Mar 2025. The sum stays as it was there, "
        "so it may be too low.",
    )


def test_few_months_have_no_levels_and_that_is_said():
    found = event_signals(two_years([3, 3]), reference_rate=0.002)
    assert found.signals.empty
    assert found.notes == ("Fewer than 3 months are known of RJ121: no levels and no signals yet.",)


def test_each_site_has_its_own_births_and_brain_injury_its_own_chart():
    both = pd.concat([two_years([0, 1, 0]), two_years([0, 1, 0], before=600).assign(unit="RJ122")])
    found = event_signals(both.assign(measure="mis-events:brain_injury"), reference_rate=0.001)
    assert found.levels["expected"].to_list() == pytest.approx([0.3, 0.6])
    assert found.cusum.display["mis-events:brain_injury"].title.startswith("Brain injury")
    assert found.vlad.points["value"].to_list() == pytest.approx([0.3, -0.4, -0.1, 0.6, 0.2, 0.8])


# ---------------------------------------------------------------------------- run lengths


def run_length(mean, fall, limit):
    """Months until a sum first exceeds a limit: an exact chain on the multiples of 1/d."""
    step = Fraction(fall).limit_denominator(5000)
    assert float(step) == pytest.approx(fall, abs=1e-9)
    d, down = step.denominator, step.numerator
    states = int(limit * d + 1e-9) + 1
    stays = np.zeros((states, states))
    for state in range(states):
        for events in range((states + down) // d + 2):
            to = max(0, state + events * d - down)
            if to < states:
                stays[state, to] += poisson.pmf(events, mean)
    return np.linalg.solve(np.eye(states) - stays, np.ones(states))[0]


@pytest.mark.parametrize(
    ("births", "lengths"),
    [
        (125, (23.8, 107.7, 7.6, 16.6)),
        (300, (20.3, 102.3, 4.9, 9.8)),
        (750, (25.7, 106.3, 3.4, 5.5)),
    ],
)
def test_run_lengths_by_an_exact_chain(births, lengths):
    """Of the table in docs/mis.md: both levels without a rise, and when the rate has doubled."""
    found = event_signals(two_years([50, 0, 0], before=births), reference_rate=0.002)
    fall = 50 - found.cusum.points["value"].iloc[0]
    level_1, level_2 = found.levels.loc[0, ["level_1", "level_2"]]
    mean = 0.002 * births
    # K is that of a mean up to 1 % higher, moved by up to 0.2 % more.
    assert fall == pytest.approx(allowance(mean), rel=0.012)
    made = [run_length(m, fall, h) for m in (mean, 2 * mean) for h in (level_1, level_2)]
    assert made == pytest.approx(lengths, abs=0.05)
    assert made[0] >= 20
    assert made[1] >= 100


# ------------------------------------------------------------------------------- bad input


def signals(*options):
    return CliRunner().invoke(main, ["mis-signals", "events.csv", *options, "-o", "s.html"])


HEAD = "measure,unit,period,numerator,denominator\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["2025-01-01,0,300", "2025-02-01,1,0"], "line 3, column 'denominator': 1 of 0 cannot be"),
        (["2025-01-01,0,300", "2025-02-01,301,300"], "events.csv, line 3, column 'numerator' "
         "(RJ121, Feb 2025): 301 events of 300 births cannot be"),
        (["2025-01-01,0,300", "2025-04-01,1,300"], "events.csv, line 3, column 'period' "
         "(RJ121, Apr 2025): the month before is not in the table"),
        (["2025-01-01,0,300", "2025-01-01,1,300"], "line 2 and events.csv, line 3 are both"),
        (["2025-01-15,0,300", "2025-01-16,1,300"], "events.csv, line 2, column 'period' (RJ121, "
         "Jan 2025) and events.csv, line 3, column 'period' (RJ121, Jan 2025) are of one month"),
        (["2025-01-01,0,", "2025-02-01,1,"], "RJ121 has events in 2025, but no births in 2024 or"),
        (["2025-01-01,,300", "2025-02-01,,300"], "there is nothing but denominator"),
        (["2025-01-01,-1,300"], "line 2, column 'numerator'"),
        (["2025-01-01,0.5,300"], "line 2, column 'numerator'"),
        (["Jan,0,300"], "line 2, column 'period'"),
    ],
)  # fmt: skip
def test_a_file_says_where_it_is_wrong(tmp_path, monkeypatch, rows, message):
    monkeypatch.chdir(tmp_path)
    lines = [f"mis-events:term_death,RJ121,{row}\n" for row in rows]
    (tmp_path / "events.csv").write_text(HEAD + "".join(lines), encoding="utf-8")
    done = signals("--rate", "0.002")
    assert done.exit_code == 1, done.output
    assert message in " ".join(done.output.split())
    assert not (tmp_path / "s.html").exists()


@pytest.mark.parametrize("mark", ["*", "<5"])
def test_suppressed_counts_of_a_file_are_told(tmp_path, monkeypatch, mark):
    monkeypatch.chdir(tmp_path)
    rows = [f"2024-{m:02}-01,,300" for m in range(1, 13)]
    rows += [f"2025-{m:02}-01,{n}," for m, n in enumerate([0, 1, mark, 0], start=1)]
    lines = [f"mis-events:term_death,RJ121,{row}\n" for row in rows]
    (tmp_path / "events.csv").write_text(HEAD + "".join(lines), encoding="utf-8")
    refused = signals("--rate", "0.002")
    assert refused.exit_code == 1
    assert "events.csv, line 16, column 'numerator'" in refused.output
    done = signals("--rate", "0.002", "--suppressed", mark)
    assert done.exit_code == 0, done.output
    assert "no signal" in done.output
    assert "Suppressed, not known or without births: RJ121 Mar 2025." in done.output


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (["2"], "between 0 and 0.1, not 2.0 (2 per 1,000 is 0.002)"),
        (["0"], "between 0 and 0.1, not 0.0"),
        (["nan"], "between 0 and 0.1, not nan"),
        (["2 per 1000"], "is neither a number such as 0.002 nor a year with one"),
        (["0.002", "0.001"], "is neither a number such as 0.002 nor a year with one"),
        (["2025=0.002", "2025=0.001"], "names a year twice"),
        (["2024=0.002"], "reference_rate has none for 2025; it has 2024"),
        ([], "reference_rate is missing"),
    ],
)
def test_wrong_rates(tmp_path, monkeypatch, rates, message):
    monkeypatch.chdir(tmp_path)
    two_years([0, 1, 0]).to_csv("events.csv", index=False)
    done = signals(*[part for rate in rates for part in ("--rate", rate)])
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.output.split())


def test_one_rate_is_not_for_several_measures_nor_beside_expected_events():
    both = pd.concat([two_years([0, 1, 0]), two_years([0, 1, 0]).assign(measure="hie")])
    with pytest.raises(OptionError, match=r"hold 2 measures .* choose one"):
        event_signals(both, reference_rate=0.002)
    with pytest.raises(OptionError, match="give one of them"):
        event_signals(two_years([0, 1, 0]).assign(expected=0.6), reference_rate=0.002)
    own = both.assign(expected=0.6)
    found = event_signals(own)
    assert found.levels.empty
    assert found.cusum.points["measure"].nunique() == 2
    with pytest.raises(InputError, match="a number above 0 is needed where events are counted"):
        event_signals(own.assign(expected=np.nan))


def test_published_counts_are_refused_because_they_are_rounded():
    counts = two_years([0, 5, 0]).assign(published="small")
    with pytest.raises(InputError, match="rounded to fives"):
        event_signals(counts, reference_rate=0.002)


def test_a_closed_unit_has_no_months_without_events():
    counts = site([None] * 12 + [2, 0, 0, 1], [300] * 12 + [300, 0, 0, 300])
    found = event_signals(counts, reference_rate=0.002)
    k = allowance(0.6)
    value = found.cusum.points["value"].to_numpy()
    assert value == pytest.approx([2 - k, np.nan, np.nan, 3 - 2 * k], abs=0.02, nan_ok=True)
    assert "RJ121 Feb 2025, RJ121 Mar 2025" in found.notes[0]
