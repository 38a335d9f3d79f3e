"""The stable shift algorithm: golden breaks and limits, by hand, and what always holds."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spcbench.numeric.phase_limits import drawn_from, first_rows, plotted
from spcbench.numeric.phases import StepOptions, may_step, step_changes
from spcbench.numeric.segments import Segments

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
RTOL = 1e-9  # same closed forms; the peer works in per cent

CHARTS = {"C": "c", "C'": "c_prime", "P": "p", "P'": "p_prime", "XMR": "i", "MR": "mr"}
NUMBERS = {
    "period_min": "period",
    "baseline_length": "baseline",
    "shift_rule_threshold": "shift",
    "max_exclusions": "max_exclusions",
}
FLAGS = {
    "no_regrets": "no_regrets",
    "overhanging_reversions": "overhanging",
    "establish_every_shift": "every_shift",
    "baseline_only": "baseline_only",
}
SCREENING = {"Inf": "iterative", "0L": "none"}

# ------------------------------------------------------------------------- golden: autospc


@cache
def table(name):
    if not (GOLDEN / name).exists():
        pytest.skip("the golden values are not here")
    with (GOLDEN / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def grouped(name, *keys):
    groups = defaultdict(list)
    for row in table(name):
        groups[tuple(row[key] for key in keys)].append(row)
    return groups


def floats(rows, name):
    return np.array([float(row[name]) if row[name] not in ("", "NA") else np.nan for row in rows])


def options_of(call):
    """StepOptions that say what the arguments of an R call say."""
    made = {}
    for theirs, ours in NUMBERS.items():
        if found := re.search(rf"{theirs} ?= ?(\d+)", call):
            made[ours] = int(found[1])
    for theirs, ours in FLAGS.items():
        if found := re.search(rf"{theirs} ?= ?(TRUE|FALSE)", call):
            made[ours] = found[1] == "TRUE"
    if found := re.search(r"mr_screen_max_loops ?= ?(\w+)", call):
        made["screening"] = SCREENING[found[1]]
    return StepOptions(**made)


def series_of(case):
    """Chart, numerator and denominator of a case."""
    rows, call = table("input/" + case["dataset"]), case["call"]
    chart = CHARTS[re.search(r'chart_type="([^"]+)"', call)[1]]
    top = re.search(r"[ ,]y=(\w+)", call)
    bottom = re.search(r", n=(\w+)", call)
    name = {"n2": "n"}.get(top[1], top[1]) if top else "y"
    return chart, floats(rows, name), floats(rows, bottom[1]) if bottom else None


def assert_as_golden(steps, rows, case, chart):
    starts = ";".join(str(1 + at) for at in [0, *(step.start for step in steps.accepted)])
    assert starts == case["period_starts"]
    scale = 100 if chart.startswith("p") else 1
    for name, ours in (("cl", steps.centre), ("lcl", steps.lcl), ("ucl", steps.ucl)):
        np.testing.assert_allclose(ours * scale, floats(rows, name), rtol=RTOL, err_msg=name)
    for name, ours in (
        ("excluded", steps.excluded),
        ("rule1", steps.outside),
        ("rule2", steps.shifted),
    ):
        np.testing.assert_array_equal(ours, [row[name] == "TRUE" for row in rows], err_msg=name)


def tries(log):
    """Start, opposing, unfinished and outcome of every trial that the peer's log tells of."""
    made = []
    for row in log:
        code = row["log_entry"].lstrip("0")
        if re.fullmatch(r"600[01]{2}", code):
            made.append([int(row["counter"]) - 1, code[3] == "1", code[4] == "1"])
        elif code in ("700", "710"):
            made[-1].append(code == "700")
    return made


def own_tries(steps):
    return [[one.start, one.opposing, one.unfinished, one.accepted] for one in steps.trials]


def test_every_assorted_case_of_autospc():
    points, logs = grouped("autospc_points.csv", "case_id"), grouped("autospc_log.csv", "case_id")
    for case in table("autospc_cases.csv"):
        key, options = (case["case_id"],), options_of(case["call"])
        chart, top, bottom = series_of(case)
        steps = step_changes(top, bottom, chart=chart, options=options)
        assert_as_golden(steps, points[key], case, chart)
        if chart == "i":
            # autospc draws the moving ranges beside an XMR chart, and what it logs then is
            # the walk over those: not the one that made the breaks of the chart.
            steps = step_changes(top, chart="mr", options=options)
        assert own_tries(steps) == tries(logs[key]), case["case_id"]
    assert len(table("autospc_cases.csv")) >= 33


def test_the_log_of_an_xmr_chart_is_that_of_its_moving_ranges():
    (case,) = (one for one in table("autospc_cases.csv") if one["case_id"] == "ed_att_XMR")
    log = tries(grouped("autospc_log.csv", "case_id")[case["case_id"],])
    chart, top, _ = series_of(case)
    ours = [one.start for one in step_changes(top, chart=chart).accepted]

    assert case["period_starts"] == "1;23;46;71"
    assert ours == [22, 45, 70]
    assert log == [[56, True, False, False], [57, True, False, False]]  # theirs: none accepted


def test_every_trust_of_autospc():
    points = grouped("autospc_ae130_points.csv", "setting", "org_code")
    cases = table("autospc_ae130_cases.csv")
    for case in cases:
        rows, chart = points[case["setting"], case["org_code"]], CHARTS[case["chart_type"]]
        proportion = chart == "p_prime"
        top = floats(rows, "y_numerator" if proportion else "y")
        steps = step_changes(
            top,
            floats(rows, "n") if proportion else None,
            chart=chart,
            options=options_of(case["extra_args"] + ", period_min=12"),
        )
        assert_as_golden(steps, rows, case, chart)
    assert len(cases) >= 310


# ------------------------------------------------------------------------------- by hand

LOW = [10.0, 12.0, 11.0] * 8
HIGH = [30.0, 32.0, 31.0] * 8


def step(values, **options):
    return step_changes(np.array(values), chart="i", options=StepOptions(**options))


def test_a_step_by_hand():
    (one,) = step(LOW + HIGH).accepted
    # Moving ranges 2, 1, 1, 2, 1, 1 …: 27 over the 20 of 21 points, over 1.128.
    wide = 3 * (2 * 7 + 13) / 20 / 1.128
    found = step(LOW + HIGH)

    assert (one.start, one.last, one.before, one.after) == (24, 44, 11.0, 31.0)
    assert (one.run, one.points, one.excluded, one.rises) == (24, 21, 0, True)
    assert (one.opposing, one.unfinished, one.accepted) == (False, False, True)
    np.testing.assert_allclose(found.ucl[:24], 11 + wide)
    np.testing.assert_allclose(found.lcl[24:], 31 - wide)
    assert not found.outside.any()
    assert not found.shifted.any()  # each level has its own centre


def test_limits_go_on_after_their_period():
    found = step(LOW + HIGH[:20])  # one point too few for a level of its own

    assert found.trials == ()
    assert (found.centre == 11).all()
    assert found.outside.tolist() == [False] * 24 + [True] * 20
    assert found.shifted.tolist() == [False] * 24 + [True] * 20


def test_one_point_fewer_than_needed_is_no_step():
    assert len(step(LOW + HIGH[:21]).accepted) == 1
    assert step(LOW + HIGH[:20]).accepted == ()


def test_a_run_of_seven_is_no_shift():
    def walk(length):
        values = LOW + HIGH[:length] + [11.0, 10.0, 12.0] * 8
        return [one.start for one in step(values, no_regrets=False).trials]

    assert walk(7) == []
    assert walk(8)[0] == 24


def test_a_return_speaks_against_a_step():
    values = LOW + HIGH[:10] + LOW[:20]
    first = step(values).trials[0]

    assert (first.start, first.opposing, first.accepted) == (24, True, False)
    assert step(values, every_shift=True).trials[0].accepted


def test_a_return_that_only_later_data_complete():
    # The level falls back 5 points before the trial period ends, and stays down for 10.
    values = LOW + HIGH[:16] + LOW[:10] + HIGH[:10]

    assert step(values).trials[0].opposing
    alone = step(values, overhanging=False).trials[0]
    assert (alone.opposing, alone.accepted) == (False, True)


def test_no_regrets_waits_for_the_end_of_a_stretch():
    values = LOW + HIGH[:16] + LOW[:5]  # down again for the last 5 of 21: it could go on
    waiting = step(values).trials[0]

    assert (waiting.opposing, waiting.unfinished, waiting.accepted) == (False, True, False)
    assert step(values, no_regrets=False).trials[0].accepted
    assert step(values + HIGH[:1]).trials[0].accepted  # the stretch ended after 5


def test_a_suggestion_is_not_taken_back():
    values = LOW + HIGH[:21]
    (one,) = step(values).accepted

    for later in (LOW, HIGH, [21.0, 23.0] * 12):
        again = step(values + later).accepted[0]
        assert (again.start, again.before, again.after) == (one.start, one.before, one.after)


def test_baseline_and_baseline_only():
    assert [one.start for one in step(LOW + HIGH, baseline=24).accepted] == [24]
    mixed = step(LOW + HIGH, baseline=30, max_exclusions=0)
    assert mixed.centre[0] == pytest.approx((24 * 11 + 6 * 31) / 30)
    assert mixed.trials == ()  # 18 points are left after the baseline
    assert step(LOW + HIGH, baseline_only=True).trials == ()


def test_the_furthest_points_leave_the_limits():
    values = LOW + HIGH
    values[3], values[9] = 90.0, 60.0
    found = step(values)

    assert np.flatnonzero(found.excluded).tolist() == [3, 9]
    assert found.outside[[3, 9]].all()
    assert step(values, max_exclusions=1).excluded.sum() == 1
    assert not step(values, max_exclusions=0).excluded.any()
    assert found.centre[0] == pytest.approx((sum(values[:21]) - 150) / 19)


def test_no_more_points_leave_than_there_is_room_for():
    values = np.array([10.0, 12.0] * 12)
    values[[2, 8, 14, 20]] = 200.0  # equally far: the first three go
    period = plotted(values, None, "i", Segments.from_lengths([24]))
    drawn = drawn_from(period.rows(first_rows(np.array([0]), 24)), screening="iterative")

    assert drawn.excluded.sum() <= 3
    for most in (1, 2):
        part = drawn_from(period.rows(first_rows(np.array([0]), 24)), max_exclusions=most)
        assert part.excluded.sum() <= most


def test_moving_ranges_reach_over_excluded_points_and_not_over_missing_ones():
    values = np.array([4.0, np.nan, 3.0, 90.0, 4.0, 6.0, 5.0, 7.0, 6.0, 4.0, 3.0, 5.0])
    period = plotted(values, None, "i", Segments.from_lengths([12]))
    drawn = drawn_from(period.rows(first_rows(np.array([0]), 12)), screening="none")

    assert np.flatnonzero(drawn.excluded[0]).tolist() == [3]
    # 3→4 over the excluded 90; nothing over the missing second point.
    assert drawn.spread[0] == pytest.approx(np.mean([1, 2, 1, 2, 1, 2, 1, 2]) / 1.128)


# ------------------------------------------------------------------------------- the edges


@pytest.mark.parametrize("chart", ["p", "p_prime", "c", "c_prime", "i", "mr"])
@pytest.mark.parametrize("rows", [0, 1, 2, 20])
def test_too_few_points_have_no_limits(chart, rows):
    found = step_changes(np.full(rows, 3.0), np.full(rows, 9.0), chart=chart)

    assert found.trials == ()
    assert np.isnan(found.centre).all()
    assert found.centre.size == found.outside.size == rows
    assert not (found.outside | found.shifted).any()


def test_no_data_at_all():
    found = step_changes(np.full(60, np.nan), np.full(60, 9.0))

    assert found.trials == ()
    assert np.isnan(found.centre).all()


def test_just_enough_points_have_limits():
    values = np.array(LOW[:21])
    assert np.isfinite(step_changes(values, chart="i").ucl).all()
    values[4] = np.nan
    assert np.isnan(step_changes(values, chart="i").centre).all()


@pytest.mark.parametrize("chart", ["p", "p_prime"])
@pytest.mark.parametrize(("top", "centre"), [(10.0, 1.0), (0.0, 0.0)])
def test_all_or_none_for_two_years_and_then_not(top, centre, chart):
    cases = np.full(48, 10.0)
    met = np.full(48, top)
    met[24:] = 5.0 + np.arange(24) % 2

    (one,) = step_changes(met, cases, chart=chart).accepted
    assert (one.start, one.before) == (24, centre)
    assert one.rises == (top == 0)
    steady = step_changes(np.full(48, top), cases, chart=chart)
    assert (steady.centre == centre).all()
    assert not (steady.outside | steady.excluded | steady.shifted).any()


def test_one_miss_among_full_months():
    met, cases = np.full(48, 10.0), np.full(48, 10.0)
    met[20] = 9.0
    found = step_changes(met, cases)

    assert found.trials == ()
    # Without the miss nothing varies, and limits of no width would flag every later miss.
    assert np.flatnonzero(found.excluded).tolist() == [20]
    assert np.isnan(found.ucl).all()


def test_screening_that_would_leave_only_zeros_is_not_done():
    met = np.full(21, 10.0)
    met[10] = 9.0
    period = plotted(met, np.full(21, 10.0), "p_prime", Segments.from_lengths([21]))
    drawn = drawn_from(period.rows(first_rows(np.array([0]), 21)), max_exclusions=0)

    # Two moving ranges of 0.1, in units of a point of size 1.
    np.testing.assert_allclose(drawn.spread, 2 * 0.1 * np.sqrt(10) / 20 / 1.128)


@pytest.mark.parametrize(("cases", "steps"), [(10.0, 0), (200.0, 1)])
def test_a_run_of_full_months_is_a_shift_only_where_chance_makes_it_rare(cases, steps):
    cases = np.full(48, cases)
    met = cases.copy()
    met[[1, 5, 8, 11, 14, 17]] -= cases[:6] / 10  # 97 %: with 10 cases most months are full
    found = [
        step_changes(met, cases, options=StepOptions(neutral_bounds=neutral)).accepted
        for neutral in (False, True)
    ]

    assert [len(one) for one in found] == [1, steps]
    told = [
        may_step(met, cases, Segments.from_lengths([48]), options=StepOptions(neutral_bounds=one))
        for one in (False, True)
    ]
    assert [bool(one[0]) for one in told] == [True, steps == 1]


def test_months_without_a_case_are_neutral_where_they_are_usual():
    events = np.zeros(48)
    events[[3, 9, 16, 20]] = 1.0
    options = [StepOptions(max_exclusions=0, neutral_bounds=one) for one in (False, True)]
    found = [step_changes(events, chart="c", options=one).accepted for one in options]

    assert [len(one) for one in found] == [1, 0]


def test_a_share_that_never_varies_has_no_limits():
    cases = np.tile([10.0, 20.0, 30.0, 70.0], 12)
    found = step_changes(np.round(0.3 * cases), cases)

    np.testing.assert_allclose(found.centre, 0.3)
    assert np.isnan(found.ucl).all()
    assert not (found.outside | found.excluded | found.shifted).any()


def test_a_missing_point_breaks_a_run():
    values = np.array(LOW + HIGH[:15] + LOW[:12])
    whole = step_changes(values, chart="i")
    values[31] = np.nan  # 7 on either side
    broken = step_changes(values, chart="i")

    assert whole.trials[0].start == 24
    assert broken.trials == ()
    assert np.isnan(broken.ucl[31])
    assert broken.centre[31] == 11.0


def test_alternating_gaps_never_make_a_run():
    values = np.array((LOW + HIGH) * 2)
    values[1::2] = np.nan
    found = step_changes(values, chart="i", options=StepOptions(period=12))

    assert found.trials == ()
    assert np.isfinite(found.centre).all()
    assert np.isnan(found.ucl).all()  # no two points in a row, so no moving range


def test_missing_rows_count_for_length_and_not_for_points():
    values = np.array(LOW + HIGH + HIGH[:3])
    values[40:43] = np.nan
    (one,) = step_changes(values, chart="i").accepted

    assert (one.start, one.last, one.points) == (24, 44, 18)
    values[45:48] = np.nan  # now 21 points with data remain from row 24 on: just enough
    assert len(step_changes(values, chart="i").accepted) == 1
    values[48] = np.nan
    assert step_changes(values, chart="i").accepted == ()


def test_a_denominator_of_none_is_no_data():
    met, cases = np.tile([8.0, 9.0, 7.0], 16), np.full(48, 10.0)
    met[5] = cases[5] = 0.0
    missing = met.copy()
    missing[5] = np.nan

    one, other = step_changes(met, cases), step_changes(missing, cases)
    np.testing.assert_array_equal(one.ucl, other.ucl)
    assert np.isnan(one.ucl[5])


def test_upper_limits_of_shares_end_at_one_after_their_period():
    met = np.tile([9.0, 10.0, 6.0], 16)
    found = step_changes(met, np.full(48, 10.0))

    assert found.ucl[0] > 1  # as autospc draws it where limits are calculated
    assert found.ucl[21:].max() == 1
    assert found.lcl.min() >= 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chart": "u"}, "chart must be one of p, p_prime, c, c_prime, i, mr, not 'u'"),
        ({"chart": "p"}, "chart 'p' needs denominators"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        step_changes(np.ones(48), **arguments)


@pytest.mark.parametrize("wrong", [{"period": 1}, {"baseline": 1}, {"shift": 1}])
def test_wrong_options(wrong):
    with pytest.raises(ValueError, match="period, baseline and shift must be at least 2"):
        StepOptions(**wrong)


# ----------------------------------------------------------------------------- what holds


@st.composite
def shares(draw):
    """Numerators and denominators of one series with a step, gaps and empty months."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    size = draw(st.integers(1, 90))
    cases = random.integers(1, 200, size)
    level = np.where(np.arange(size) < draw(st.integers(0, 90)), 0.4, draw(st.floats(0, 1)))
    met = random.binomial(cases, level).astype(float)
    met[random.random(size) < draw(st.sampled_from([0, 0.02, 0.3]))] = np.nan
    return met, cases.astype(float)


@settings(max_examples=60, deadline=None)
@given(shares(), st.sampled_from(["p", "p_prime", "c", "c_prime", "i", "mr"]))
def test_what_always_holds(series, chart):
    met, cases = series
    before = met.copy()
    found = step_changes(met, cases, chart=chart, options=StepOptions(period=12))

    np.testing.assert_array_equal(met, before)
    drawn = ~np.isnan(found.ucl)
    slack = 1e-12 * np.abs(found.centre[drawn])
    assert (found.lcl[drawn] <= found.centre[drawn] + slack).all()
    assert (found.centre[drawn] <= found.ucl[drawn] + slack).all() or chart.startswith("p")
    starts = [one.start for one in found.trials]
    assert starts == sorted(set(starts))
    for one in found.accepted:
        assert one.start >= 12
        assert one.run >= 8
        assert (one.opposing, one.unfinished) == (False, False)


@settings(max_examples=40, deadline=None)
@given(st.lists(shares(), min_size=1, max_size=6), st.sampled_from(["p_prime", "c", "i", "mr"]))
def test_many_series_are_told_as_each_alone(many, chart):
    options = StepOptions(period=12)
    met, cases = (np.concatenate(part) for part in zip(*many, strict=True))
    segments = Segments.from_lengths([one.size for one, _ in many])
    alone = [
        bool(step_changes(top, size, chart=chart, options=options).trials) for top, size in many
    ]

    told = may_step(met, cases, segments, chart=chart, options=options)

    assert (told | ~np.array(alone)).all()  # never passes over a series with a trial
    first = [
        may_step(t, s, Segments.from_lengths([t.size]), chart=chart, options=options)[0]
        for t, s in many
    ]
    np.testing.assert_array_equal(told, first)


def test_later_data_hardly_ever_move_a_suggestion():
    random, options = np.random.default_rng(2025), StepOptions(period=12)
    made = kept = 0
    for _ in range(400):
        jumps = random.normal(0, 2, 90) * (random.random(90) < 0.05)
        values = random.normal(0, 1, 90) + np.cumsum(jumps)
        late = {one.start for one in step_changes(values, chart="i", options=options).accepted}
        early = step_changes(values[:60], chart="i", options=options).accepted
        made += len(early)
        kept += sum(one.start in late for one in early)

    assert made > 300
    assert kept / made > 0.995


def test_blocks_do_not_matter(monkeypatch):
    random = np.random.default_rng(4)
    values = random.normal(20, 3, 50 * 60)
    segments = Segments.from_lengths([60] * 50)
    values[segments.spread(np.arange(50) % 2 == 0) & (np.arange(3000) % 60 > 30)] += 9
    whole = may_step(values, None, segments, chart="i")
    monkeypatch.setattr(Segments.blocks, "__defaults__", (100,))

    assert whole.any()
    assert not whole.all()
    np.testing.assert_array_equal(may_step(values, None, segments, chart="i"), whole)
    assert may_step(np.zeros(0), None, Segments.from_lengths([]), chart="i").size == 0
    only = StepOptions(baseline_only=True)
    assert not may_step(values, None, segments, chart="i", options=only).any()
