"""Lines of funnels against R packages: equal where they are right, both numbers where not.

FunnelPlotR 0.6.0, PHEindicatormethods 2.1.0, funnelR 0.1.0, and reference values
of the published interpolation and of corrected adjusted limits.
"""

import csv
from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from spcbench.numeric.funnel_lines import funnel_lines, lines_by_events
from spcbench.numeric.funnel_scales import scores
from spcbench.numeric.funnel_tails import p_values

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


def test_funnelr(golden):
    read = golden("funnelr_binomial_limits.csv", by="method")
    rows = read["approximate"]
    size, target = numbers(rows, "d"), numbers(rows, "benchmark")
    lines = funnel_lines("proportion", size, target, alphas=LEVELS, method="normal")
    columns = (("lo", "up"), ("lo2", "up2"))
    for level, names in enumerate(columns):
        for side, name in zip(SIDES, names, strict=True):
            found = getattr(lines, f"{side}_unclipped")[level]
            np.testing.assert_allclose(found, numbers(rows, name), rtol=RTOL)
    # Its exact limits are whole counts: those between which our smooth lines run.
    rows = read["exact"]
    size, target = numbers(rows, "d"), numbers(rows, "benchmark")
    lines = funnel_lines("proportion", size, target, alphas=LEVELS, method="exact")
    for level, (low, high) in enumerate(columns):
        np.testing.assert_allclose(np.ceil(lines.lower[level] * size), numbers(rows, low) * size)
        np.testing.assert_allclose(np.floor(lines.upper[level] * size), numbers(rows, high) * size)
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


def test_unadjusted_limits_of_funnelplotr(golden):
    compared, total = Counter(), Counter()
    for case, target, _, multiplier, rows in of_funnelplotr(golden):
        kind, size = kind_of(case), numbers(rows, "denominator")
        if kind == "two_counts":
            continue  # wrong: the next tests
        if "SHMI" in case:
            size = np.round(size, 2)
        method = "chi2" if kind == "ratio" else "arcsine"
        # Its chi² limits are quantiles of 2.5 % and 0.1 %, not of its printed z.
        alphas = LEVELS if kind == "ratio" else PRINTED
        lines = funnel_lines(kind, size, target, alphas=alphas, method=method)
        for level, name in enumerate(("95", "99")):
            expected = theirs(rows, name, adjusted=False)
            for side, limit in zip(SIDES, expected, strict=True):
                found = getattr(lines, side)[level] * multiplier
                compared[kind] += agreeing(found, limit)
                total[kind] += found.size
    assert compared["ratio"] == total["ratio"] == 3320
    # Two units of one case each, in six cases: the edge that the peer repairs by hand.
    assert total["proportion"] == 4036
    assert total["proportion"] - compared["proportion"] == 12


def agreeing(found, expected):
    return int(np.isclose(found, expected, rtol=RTOL, atol=1e-12).sum())


def test_adjusted_limits_of_funnelplotr_that_are_right(golden):
    compared, total = Counter(), Counter()
    for case, target, tau2, multiplier, rows in of_funnelplotr(golden):
        kind, size = kind_of(case), numbers(rows, "denominator")
        if kind == "two_counts" or "CQC" in case:
            continue  # wrong: the next tests
        if "SHMI" in case:
            size = np.round(size, 2)
        scale = "log" if kind == "ratio" else "arcsine"
        lines = funnel_lines(
            kind, size, target, alphas=PRINTED, method="normal", tau2=tau2, scale=scale
        )
        for level, name in enumerate(("95", "99")):
            for side, limit in zip(SIDES, theirs(rows, name, adjusted=True), strict=True):
                found = getattr(lines, f"{side}_unclipped")[level] * multiplier
                compared[kind] += agreeing(found, limit)
                total[kind] += found.size
    assert compared["ratio"] == total["ratio"] == 1768
    # Those 12 again, and the lower limit of the largest unit of another case.
    assert total["proportion"] == 4036
    assert total["proportion"] - compared["proportion"] == 13


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
    p = p_values("rate", count, size, target, method="exact")
    assert sum(row["outlier"] == "1" for row in rows) == 47
    assert int((p < 0.002).sum()) == 0


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
    cases = golden("funnelplotr_cases.csv")
    for case, rows in golden("funnelplotr_limits_grid.csv").items():
        kind, size = kind_of(case), numbers(rows, "number_seq")
        if kind == "two_counts":
            continue
        target, tau2 = float(cases[case][0]["target"]), float(cases[case][0]["tau2"])
        method = "chi2" if kind == "ratio" else "arcsine"
        alphas = LEVELS if kind == "ratio" else PRINTED
        plain = funnel_lines(kind, size, target, alphas=alphas, method=method)
        columns = {"ll95": plain.lower[0], "ul95": plain.upper[0]}
        columns |= {"ll998": plain.lower[1], "ul998": plain.upper[1]}
        if "CQC" not in case:
            scale = "log" if kind == "ratio" else "arcsine"
            wide = funnel_lines(
                kind, size, target, alphas=PRINTED, method="normal", tau2=tau2, scale=scale
            )
            columns |= {"odll95": wide.lower_unclipped[0], "odul95": wide.upper_unclipped[0]}
            columns |= {"odll998": wide.lower_unclipped[1], "odul998": wide.upper_unclipped[1]}
        for name, found in columns.items():
            expected = numbers(rows, name)
            # Angles: a size beside a bound, which the peer repairs by hand.
            most = 0 if kind == "ratio" else 1
            assert expected.size - agreeing(found, expected) <= most, (case, name)
