"""Lines of funnels against R packages: equal where they are right, both numbers where not.

FunnelPlotR 0.6.0, PHEindicatormethods 2.1.0, funnelR 0.1.0, and reference values
of the published interpolation and of corrected adjusted limits. Their phi, tau² and
trimmed scores are compared in test_overdispersion.py.

We have no interval of a unit's own value, so the two files of intervals
(phe_proportion_wilson_ci, phe_rate_byar_ci) are read the other way round: the ends of
a unit's interval are the targets whose limits the unit lies on.
"""

import csv
from collections import Counter
from itertools import groupby, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special

import spcbench
from spcbench.numeric.between_units import between_variance
from spcbench.numeric.funnel_lines import funnel_lines, lines_by_events
from spcbench.numeric.funnel_scales import scores
from spcbench.numeric.funnel_tails import p_values
from spcbench.numeric.overdispersion import variance_ratios, winsorised
from spcbench.numeric.segments import Segments

GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "golden"
RTOL = 1e-9  # same closed form, other order of operations
BISECTED = 5e-5  # PHEindicatormethods stops its bisection early
LEVELS = (0.025, 0.001)
# FunnelPlotR has its z to 6 decimals, and the corrected reference limits have them from it.
PRINTED = tuple(special.ndtr([-1.959964, -3.090232]))
SIDES = ("lower", "upper")


@pytest.fixture(scope="module")
def golden():
    """Read a golden file as lists of rows by case: ``golden("phe_funnel_limits.csv")``."""

    def read(name, by="case_id"):
        path = GOLDEN / name
        if not path.exists():
            pytest.skip("the golden folder is not beside this repository")
        with path.open(newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
        return {key: list(part) for key, part in groupby(rows, key=lambda row: row[by])}

    return read


def numbers(rows, name):
    return np.array([float(row[name] or "nan") for row in rows])


def test_the_published_interpolation(golden):
    read, compared = golden("reference_spiegelhalter_exact_limits.csv"), 0
    for case, rows in read.items():
        data_type = "proportion" if "binomial" in case else "ratio"
        tail = numbers(rows, "p")
        for p in (0.025, 0.001):
            for side, probability in (("lower", p), ("upper", 1 - p)):
                part = [row for row, one in zip(rows, tail, strict=True) if one == probability]
                lines = funnel_lines(
                    data_type,
                    numbers(part, "denominator"),
                    numbers(part, "target"),
                    alphas=[p],
                    method="spiegelhalter",
                )
                found = getattr(lines, f"{side}_unclipped")[0]
                np.testing.assert_allclose(found, numbers(part, "limit"), rtol=RTOL, atol=1e-12)
                compared += found.size
    assert compared == 432


def test_the_upper_line_of_ours_is_not_the_published_one(golden):
    rows = golden("reference_spiegelhalter_exact_limits.csv")["medpar_died_binomial_exact"]
    rows = [row for row in rows if float(row["p"]) == 0.975]
    size, target = numbers(rows, "denominator"), numbers(rows, "target")
    ours = funnel_lines("proportion", size, target, alphas=[0.025], method="exact").upper[0]
    inside = ours < 1
    # The mirror image lies one count further out, and agrees with the exact tail.
    np.testing.assert_allclose((ours - 1 / size)[inside], numbers(rows, "limit")[inside], rtol=1e-9)
    # Five of five at a target of 95 %, which is 77 of 100 units in control.
    found = {
        method: funnel_lines("proportion", 5.0, 0.95, alphas=[0.001], method=method).upper[0, 0]
        for method in ("spiegelhalter", "exact")
    }
    assert found == {"spiegelhalter": pytest.approx(0.9997, abs=5e-5), "exact": 1.0}


def test_funnelr_normal_limits_but_for_the_clipping(golden):
    rows = golden("funnelr_binomial_limits.csv", by="method")["approximate"]
    size, target = numbers(rows, "d"), numbers(rows, "benchmark")
    lines = funnel_lines("proportion", size, target, alphas=LEVELS, method="normal")
    for level, names in enumerate(WHOLE):
        for side, name in zip(SIDES, names, strict=True):
            found = getattr(lines, f"{side}_unclipped")[level]
            np.testing.assert_allclose(found, numbers(rows, name), rtol=RTOL)
    # Of two cases: theirs as it stands, ours within what can be.
    assert float(rows[0]["lo"]) == pytest.approx(-0.314827, abs=1e-6)
    assert lines.lower[0, 0] == 0.0


WHOLE = (("lo", "up"), ("lo2", "up2"))


def test_funnelr_exact_limits_are_the_whole_counts_between_ours(golden):
    read = golden("funnelr_binomial_limits.csv", by="method")
    rows = read["exact"]
    size, target = numbers(rows, "d"), numbers(rows, "benchmark")
    lines = funnel_lines("proportion", size, target, alphas=LEVELS, method="exact")
    count = np.arange(size.max() + 1)[:, None]
    for level, (low, high) in enumerate(WHOLE):
        np.testing.assert_allclose(np.ceil(lines.lower[level] * size), numbers(rows, low) * size)
        np.testing.assert_allclose(np.floor(lines.upper[level] * size), numbers(rows, high) * size)
        # So both flag the same units.
        ours = (count / size < lines.lower[level]) | (count / size > lines.upper[level])
        whole = count < np.round(numbers(rows, low) * size)
        whole |= count > np.round(numbers(rows, high) * size)
        np.testing.assert_array_equal(ours & (count <= size), whole & (count <= size))
    (at,) = np.flatnonzero(size == 8)
    assert (float(rows[at]["up"]), round(lines.upper[0, at], 4)) == (0.625, 0.7465)
    assert {case: len(rows) for case, rows in read.items()} == {"exact": 69, "approximate": 69}


def test_phe_limits(golden):
    read = golden("phe_funnel_limits.csv")
    rows = read["ae1_breach_proportion"]
    lines = funnel_lines(
        "proportion",
        numbers(rows, "x"),
        numbers(rows, "baseline") / 100,
        alphas=LEVELS,
        method="normal",
    )
    compare_phe(lines, rows, 100, rtol=RTOL)
    rows = read["medpar_died_los_crude_rate"]
    lines = lines_by_events(numbers(rows, "x"), numbers(rows, "baseline"), alphas=LEVELS)
    compare_phe(lines, rows, 1, rtol=BISECTED)
    for (level, sigma), side in product(enumerate("23"), SIDES):
        found = 1000 * numbers(rows, "x") / getattr(lines, side)[level]
        expected = numbers(rows, f"{side}_{sigma}s_population_1_year")
        np.testing.assert_allclose(found, expected, rtol=BISECTED)


def test_phe_proportions_of_few_cases_are_outside_by_chance(golden):
    row = golden("phe_funnel_limits.csv")["ae1_breach_proportion"][0]
    target = float(row["baseline"]) / 100
    ours = funnel_lines("proportion", float(row["x"]), target, alphas=LEVELS, method="exact")
    # One case of one lies above theirs, as 18 of 100 do.
    assert (row["x"], round(target, 2)) == ("1", 0.18)
    assert float(row["upper_2s_limit"]) == pytest.approx(94.50, abs=0.005)
    assert 100 * ours.upper[0, 0] == 100.0


def test_phe_rates_are_drawn_against_events_seen(golden):
    """The lines differ, the verdicts do not: see the test of significance."""
    row = golden("phe_funnel_limits.csv")["medpar_died_los_crude_rate"][9]
    unit = next(
        row
        for row in golden("phe_funnel_significance.csv")["medpar_died_los_crude_rate"]
        if row["unit"] == "030030"
    )
    assert (row["x"], unit["numerator"], unit["denominator"]) == ("10", "10", "369")
    days = float(unit["denominator"]) / 1000
    ours = funnel_lines("rate", days, float(row["baseline"]), alphas=LEVELS, method="exact")
    assert float(row["upper_3s_limit"]) == pytest.approx(117.62, abs=0.005)
    assert ours.upper[1, 0] == pytest.approx(69.92, abs=0.005)


def compare_phe(lines, rows, multiplier, *, rtol):
    assert len(rows) == 100
    for level, sigma in enumerate("23"):
        for side in SIDES:
            found = getattr(lines, side)[level] * multiplier
            expected = numbers(rows, f"{side}_{sigma}s_limit")
            # Its Wilson form loses digits in a square root near 0.
            np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-9)


def test_phe_significance(golden):
    seen = Counter()
    for case, rows in golden("phe_funnel_significance.csv").items():
        count, size = numbers(rows, "numerator"), numbers(rows, "denominator")
        data_type, method = ("proportion", "normal") if "proportion" in case else ("rate", "exact")
        target = count.sum() / size.sum()
        p = p_values(data_type, count, size, target, method=method)
        side = np.where(count / size > target, "High", "Low")
        level = np.where(p < 0.002, "0.001", np.where(p < 0.05, "0.025", ""))
        found = [
            f"{one} ({by})" if by else "Not significant"
            for one, by in zip(side, level, strict=True)
        ]
        assert found == [row["significance"] for row in rows], case
        seen[case] += len(rows)
    assert sum(seen.values()) == 191


def test_wilsons_interval_of_phe_is_our_normal_limits_turned_round(golden):
    rows = [
        row for part in golden("phe_proportion_wilson_ci.csv", "provnum").values() for row in part
    ]
    size, value = numbers(rows, "n"), numbers(rows, "value")
    for alpha, level in zip(LEVELS, ("95_0", "99_8"), strict=True):
        # A unit lies on the upper line of the target at the lower end of its interval.
        for end, side in (("lower", "upper"), ("upper", "lower")):
            bound = numbers(rows, f"{end}{level}cl")
            lines = funnel_lines("proportion", size, bound, alphas=[alpha], method="normal")
            found = getattr(lines, f"{side}_unclipped")[0]
            some = (bound > 0) & (bound < 1)  # no line goes through a target of 0 or 1
            np.testing.assert_allclose(found[some], value[some], rtol=RTOL, atol=1e-12)
            assert some.sum() >= 34
    (one,) = [row for row in rows if row["provnum"] == "030012"]
    assert (one["died"], one["n"]) == ("12", "21")
    target = 0.3431438127090301  # of all providers
    # Significant by interval, and by our normal limits; not by the exact ones.
    assert float(one["lower95_0cl"]) == pytest.approx(0.365, abs=5e-4)
    assert p_values("proportion", 12, 21, target, method="normal")[0] == pytest.approx(
        0.0276, abs=5e-5
    )
    assert p_values("proportion", 12, 21, target, method="exact")[0] == pytest.approx(
        0.0536, abs=5e-5
    )


def test_byars_interval_of_phe_is_wider_than_the_exact_one(golden):
    rows = [row for part in golden("phe_rate_byar_ci.csv", "provnum").values() for row in part]
    count, size = numbers(rows, "died"), numbers(rows, "los") / 1000
    few = count < 10  # there the peer takes the exact interval
    for alpha, level in zip(LEVELS, ("95_0", "99_8"), strict=True):
        for end in SIDES:
            bound = numbers(rows, f"{end}{level}cl")
            p = p_values("rate", count, size, bound, method="exact") / (2 * alpha)
            np.testing.assert_allclose(p[few & (bound > 0)], 1.0, rtol=RTOL)
            assert (p[~few] < 1).all()
            assert p[~few].min() > 0.9
    assert few.sum() == 22
    one = next(row for row in rows if row["provnum"] == "030002")
    exact = special.gammaincinv(float(one["died"]), 0.001) / float(one["los"]) * 1000
    assert float(one["lower99_8cl"]) == pytest.approx(12.881, abs=5e-4)
    assert exact == pytest.approx(12.937, abs=5e-4)
    assert p_values("rate", 19, 0.642, exact, method="exact")[0] == pytest.approx(0.002, rel=RTOL)


def of_funnelplotr(golden):
    """Cases of FunnelPlotR: name, target, tau², multiplier, units."""
    cases, units = golden("funnelplotr_cases.csv"), golden("funnelplotr_units.csv")
    for case, (about,) in cases.items():
        multiplier = 1000.0 if "x1000" in case else 100.0 if "x100" in case else 1.0
        yield case, float(about["target"]), float(about["tau2"]), multiplier, units[case]


KIND = {"SR": "ratio", "PR": "proportion", "RC": "two_counts"}


def kind_of(case):
    return next(kind for mark, kind in KIND.items() if f"_{mark}" in case)


def theirs(rows, level, *, adjusted):
    """Their two lines of a level: 95 or 99 (which means 99.8)."""
    names = (f"OD{level}LCL", f"OD{level}UCL") if adjusted else (f"LCL{level}", f"UCL{level}")
    return [numbers(rows, name) for name in names]


def as_theirs(case, size, target, tau2=None):
    """Lines by FunnelPlotR's formulas, the wrong ones included; unadjusted without tau²."""
    kind, adjusted = kind_of(case), tau2 is not None
    options = {"method": "normal", "alphas": PRINTED, "tau2": tau2 or 0.0}
    if kind == "two_counts":
        # A standard error of 1/(2√n) on the scale of logarithms, whatever the ratio.
        options |= {"standard_error": 0.5 / np.sqrt(size)}
    elif kind == "proportion":
        options |= {"method": "arcsine"}
    elif not adjusted:
        # Its chi² limits are quantiles of 2.5 % and 0.1 %, not of its printed z.
        options |= {"method": "chi2", "alphas": LEVELS}
    elif "CQC" in case:
        options |= {"scale": "sqrt"}
    lines = funnel_lines(kind, size, target, **options)
    low, high = lines.lower_unclipped, lines.upper_unclipped
    return (np.sqrt(low), np.sqrt(high)) if "CQC" in case and adjusted else (low, high)


def size_of(case, rows):
    size = numbers(rows, "denominator")
    return np.round(size, 2) if "SHMI" in case else size


def test_every_limit_of_funnelplotr_by_its_own_formulas(golden):
    """Those of SR/CQC (adjusted) and of RC are wrong: the tests of corrected limits follow."""
    agreed, total = Counter(), Counter()
    for case, target, tau2, multiplier, rows in of_funnelplotr(golden):
        for between in (None, tau2):
            made = as_theirs(case, size_of(case, rows), target, between)
            for level, name in enumerate(("95", "99")):
                expected = theirs(rows, name, adjusted=between is not None)
                for found, limit in zip(made, expected, strict=True):
                    what = kind_of(case), between is not None
                    # A root below 0 stays there with them.
                    agreed[what] += agreeing(found[level] * multiplier, np.maximum(limit, 0.0))
                    total[what] += limit.size
    assert total == {
        (kind, adjusted): limits
        for kind, limits in (("ratio", 3320), ("proportion", 4036), ("two_counts", 1960))
        for adjusted in (False, True)
    }
    # Two units of one case each, in six cases: the edge that the peer repairs by hand; and, once
    # adjusted, the lower limit of the largest unit of another case.
    away = {("proportion", False): 12, ("proportion", True): 13}
    assert {
        what: total[what] - agreed[what] for what in total if total[what] > agreed[what]
    } == away


def test_every_outlier_of_funnelplotr_by_its_own_limits(golden):
    cases, flagged = golden("funnelplotr_cases.csv"), Counter()
    for case, target, tau2, _, rows in of_funnelplotr(golden):
        (about,) = cases[case]
        size = size_of(case, rows)
        # Asked for both kinds of limits it judges by the adjusted ones, whatever phi is.
        between = tau2 if about["draw_adjusted"] == "TRUE" else None
        level = 0 if "lim95" in case else 1
        low, high = (made[level] for made in as_theirs(case, size, target, between))
        value, names = numbers(rows, "numerator") / size, [row["group"] for row in rows]
        outside = {
            one for one, out in zip(names, (value < low) | (value > high), strict=True) if out
        }
        outliers = {one for one in about["outliers"].split(";") if one}
        assert outliers == {row["group"] for row in rows if row["outlier"] == "1"}
        # One case of one, which is 34 of 100: above the edge that the peer repairs by hand.
        edge = {"030033"} if case == "medpar_died_PR_lim95" else set()
        assert outliers - outside == edge, case
        assert outside <= outliers, case
        flagged[kind_of(case)] += len(outliers)
    assert flagged == {"ratio": 215, "proportion": 155, "two_counts": 218}


def agreeing(found, expected):
    return int(np.isclose(found, expected, rtol=RTOL, atol=1e-12).sum())


def test_arcsine_edge_cells_that_funnelplotr_repairs_by_hand(golden):
    read = {case: (target, tau2, rows) for case, target, tau2, _, rows in of_funnelplotr(golden)}
    for case, unit, column, side, level, wrong, right in (
        ("aea_breach_PR", "R1H", "OD99LCL", "lower", 1, 0.00037139, 0.0),
        ("medpar_died_PR_trim0.1", "030033", "OD95UCL", "upper", 0, 0.99824252, 1.0),
    ):
        target, tau2, rows = read[case]
        row = next(row for row in rows if row["group"] == unit)
        lines = funnel_lines(
            "proportion",
            float(row["denominator"]),
            target,
            alphas=PRINTED,
            method="arcsine",
            tau2=tau2,
        )
        assert float(row[column]) == pytest.approx(wrong, rel=1e-4)
        assert getattr(lines, side)[level, 0] == right


def reference(golden, case):
    rows = golden("reference_corrected_od_limits.csv")[case]
    about = golden("funnelplotr_cases.csv")[case][0]
    units = {row["group"]: row for row in golden("funnelplotr_units.csv")[case]}
    size = np.array([float(units[row["group"]]["denominator"]) for row in rows])
    return rows, size, float(about["target"]), float(about["tau2"])


def assert_flagged(rows, low, high):
    value = numbers(rows, "rr")
    flagged = (value < low) | (value > high)
    assert flagged.tolist() == [row["outlier998_limits"] == "TRUE" for row in rows]


@pytest.mark.parametrize(
    "case", ["medpar_los_SR_CQC", "medpar_los_SR_CQC_lim95", "medpar_died_SR_CQC"]
)
def test_corrected_square_root_limits(golden, case):
    rows, size, target, tau2 = reference(golden, case)
    lines = funnel_lines(
        "ratio", size, target, alphas=PRINTED, method="normal", tau2=tau2, scale="sqrt"
    )
    for level, name in enumerate(("95", "998")):
        np.testing.assert_allclose(lines.lower[level], numbers(rows, f"l{name}"), rtol=1e-9)
        np.testing.assert_allclose(lines.upper[level], numbers(rows, f"u{name}"), rtol=1e-9)
    assert_flagged(rows, lines.lower[1], lines.upper[1])
    # Theirs, left on the scale of roots: nearer to 1 by about half.
    root = np.sqrt(lines.upper[1])
    np.testing.assert_allclose(numbers(rows, "funnelplotr_u998"), root, rtol=RTOL)


@pytest.mark.parametrize("case", ["medpar_died_los_RC", "medpar_los_RC_trim0.1", "ae1_adm_RC"])
def test_corrected_limits_of_two_counts(golden, case):
    rows, size, target, tau2 = reference(golden, case)
    lines = funnel_lines(
        "two_counts", size * (1 + target), target, alphas=PRINTED, method="normal", tau2=tau2
    )
    for level, name in enumerate(("95", "998")):
        for side, mark in zip(SIDES, "lu", strict=True):
            found = getattr(lines, f"{side}_unclipped")[level]
            np.testing.assert_allclose(found, numbers(rows, f"{mark}{name}"), rtol=1e-9)
    assert_flagged(rows, lines.lower_unclipped[1], lines.upper_unclipped[1])
    # Theirs: a standard error of 1/(2√n) on the scale of logarithms, whatever the ratio.
    wrong = funnel_lines(
        "two_counts",
        size,
        target,
        alphas=PRINTED[1:],
        method="normal",
        tau2=tau2,
        standard_error=0.5 / np.sqrt(size),
    )
    np.testing.assert_allclose(
        wrong.upper_unclipped[0], numbers(rows, "funnelplotr_u998"), rtol=RTOL
    )


def test_how_many_units_the_wrong_limits_flag(golden):
    found = {}
    for case in ("medpar_los_SR_CQC", "medpar_died_SR_CQC", "medpar_died_los_RC"):
        rows, size, target, tau2 = reference(golden, case)
        kind, scale = ("ratio", "sqrt") if "CQC" in case else ("two_counts", "log")
        size = size if kind == "ratio" else size * (1 + target)
        options = {"method": "normal", "tau2": tau2, "scale": scale}
        lines = funnel_lines(kind, size, target, alphas=PRINTED[1:], **options)
        value = numbers(rows, "rr")
        low, high = numbers(rows, "funnelplotr_l998"), numbers(rows, "funnelplotr_u998")
        found[case] = tuple(
            int(((value < below) | (value > above)).sum())
            for below, above in (
                (low, high),
                (lines.lower_unclipped[0], lines.upper_unclipped[0]),
                (lines.lower[0], lines.upper[0]),
            )
        )
    # Theirs; the corrected formula; ours. The last four of the formula have no deaths at all,
    # of 2 to 95 days: below every logarithm, but likely by chance.
    assert found == {
        "medpar_los_SR_CQC": (17, 2, 2),
        "medpar_died_SR_CQC": (6, 0, 0),
        "medpar_died_los_RC": (14, 4, 0),
    }


def test_unadjusted_crude_rates_that_funnelplotr_flags_nearly_all(golden):
    rows = golden("funnelplotr_units.csv")["medpar_died_los_RC_x1000_noadj"]
    count, size = numbers(rows, "numerator"), numbers(rows, "denominator")
    target = count.sum() / size.sum()
    assert sum(row["outlier"] == "1" for row in rows) == 47
    for kind, whole in (("rate", size), ("two_counts", size + count)):
        p = p_values(kind, count, whole, target, method="exact")
        assert int((p < 0.002).sum()) == 0, kind


def units_of(golden, case):
    return {row["group"]: row for row in golden("funnelplotr_units.csv")[case]}


def test_none_at_all_is_outside_for_funnelplotr_however_likely(golden):
    rows = golden("funnelplotr_units.csv")["medpar_died_SR_SHMI"]
    value, size = numbers(rows, "rr"), size_of("SHMI", rows)
    lines = funnel_lines("ratio", size, 1.0, alphas=LEVELS, method="exact")
    ours = (value < lines.lower[1]) | (value > lines.upper[1])
    assert (sum(row["outlier"] == "1" for row in rows), int(ours.sum())) == (5, 0)
    one = units_of(golden, "medpar_died_SR_SHMI")["032003"]
    assert (one["numerator"], one["denominator"], one["outlier"]) == ("0", "0.27", "1")
    assert float(one["OD99LCL"]) == pytest.approx(0.0026, abs=5e-5)
    assert p_values("ratio", 0, 0.27, 1.0, method="exact")[0] == 1.0
    assert np.exp(-0.27) > 0.76  # how often chance has none


def test_limits_of_funnelplotr_by_chi_squared_flag_none_of_one_expected(golden):
    one = units_of(golden, "medpar_died_SR_SHMI")["030025"]
    assert (one["numerator"], one["denominator"]) == ("0", "1.1")
    ours = funnel_lines("ratio", 1.1, 1.0, alphas=LEVELS, method="exact")
    assert float(one["LCL99"]) == pytest.approx(0.0018, abs=5e-5)
    assert ours.lower[1, 0] == 0.0
    assert np.exp(-1.1) > 0.33  # how often chance has none


def test_limits_of_funnelplotr_become_narrower_by_adjusting(golden):
    (about,) = golden("funnelplotr_cases.csv")["medpar_died_SR_SHMI"]
    one = units_of(golden, "medpar_died_SR_SHMI")["030022"]
    assert (about["tau2"], one["numerator"], one["denominator"]) == ("0", "10", "16.4")
    plain, adjusted = float(one["LCL99"]), float(one["OD99LCL"])
    assert (plain, adjusted) == pytest.approx((0.406, 0.466), abs=5e-4)
    ours = [
        funnel_lines("ratio", 16.4, 1.0, alphas=LEVELS, method="exact", tau2=tau2).lower[1, 0]
        for tau2 in (0.0, 0.01, 0.1)
    ]
    assert ours[0] == pytest.approx(0.302, abs=5e-4)
    assert ours[0] > ours[1] > ours[2]


def test_ratios_of_funnelplotr_leave_out_the_outer_tenths(golden):
    (about,) = golden("funnelplotr_cases.csv")["medpar_los_SR_SHMI"]
    rows = golden("funnelplotr_units.csv")["medpar_los_SR_SHMI"]
    one = scores("ratio", numbers(rows, "numerator"), size_of("SHMI", rows), 1.0)
    funnel = Segments.from_lengths([len(rows)])
    kept = winsorised(one.z, funnel, share=0.1) * one.standard_error
    tau2 = between_variance(kept, one.standard_error, funnel)[0]
    phi = variance_ratios(one.z, funnel).trimmed[0]
    assert (float(about["phi"]), phi) == pytest.approx((8.53, 10.94), abs=0.005)
    assert (float(about["tau2"]), tau2) == pytest.approx((0.0284, 0.0376), abs=5e-5)


def test_a_missing_numerator_costs_the_others_nothing(golden):
    trials = golden("bad_input_behaviour.csv", by="package")["FunnelPlotR"]
    (theirs,) = [row for row in trials if (row["call"], row["case"]) == ("PR", "na_num")]
    assert "units_out=12" in theirs["result"]
    assert "NA_outlier=12" in theirs["result"]
    counts = pd.DataFrame(
        {
            "measure": "one",
            "unit": [f"U{at:02d}" for at in range(12)],
            "period": "2024-01-01",
            "numerator": [None, 20, 21, 22, 19, 18, 20, 23, 21, 20, 19, 60],
            "denominator": 100,
        }
    )
    units = spcbench.funnels(counts, better="lower").units
    assert units["position"].isna().tolist() == [True] + [False] * 11
    assert units["position"].iloc[-1] == "above_998"


def test_scores_of_funnelplotr(golden):
    compared = 0
    for case, target, _, _, rows in of_funnelplotr(golden):
        kind = kind_of(case)
        count, size = numbers(rows, "numerator"), numbers(rows, "denominator")
        if "SHMI" in case:
            size = np.round(size, 2)
        if kind == "two_counts":
            size = size + count
        scale = {"ratio": "log" if "SHMI" in case else "sqrt", "proportion": "arcsine"}.get(kind)
        found = scores(kind, count, size, target, scale=scale)
        their_z, their_s = numbers(rows, "Uzscore"), numbers(rows, "s_zscore")
        known = np.isfinite(their_z)
        np.testing.assert_allclose(found.z[known], their_z[known], rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(found.standard_error, their_s, rtol=1e-9)
        compared += int(known.sum())
    assert compared > 2200


def test_the_grid_of_funnelplotr(golden):
    cases, compared = golden("funnelplotr_cases.csv"), 0
    for case, rows in golden("funnelplotr_limits_grid.csv").items():
        size = numbers(rows, "number_seq")
        target, tau2 = float(cases[case][0]["target"]), float(cases[case][0]["tau2"])
        for mark, made in (
            ("", as_theirs(case, size, target)),
            ("od", as_theirs(case, size, target, tau2)),
        ):
            for (level, digits), (side, found) in product(
                enumerate(("95", "998")), zip("lu", made, strict=True)
            ):
                expected = np.maximum(numbers(rows, f"{mark}{side}l{digits}"), 0.0)
                # Angles: a size beside a bound, which the peer repairs by hand.
                most = 1 if kind_of(case) == "proportion" else 0
                away = expected.size - agreeing(found[level], expected)
                assert away <= most, (case, mark, side, digits)
                compared += expected.size
    assert compared == 8 * 5334
