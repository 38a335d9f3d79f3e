"""How often chance alone puts a unit outside: every probability added up, none simulated."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from spcbench.numeric import exact, exact_poisson, small_counts
from spcbench.numeric.chance import BINOMIAL, POISSON
from spcbench.numeric.funnel_lines import funnel_lines
from spcbench.numeric.funnel_tails import p_values

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"
LEVELS = (0.025, 0.001)
CASES = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
SHARES = np.array([0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995])
EXPECTED = np.array(
    [0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000]
)
MOST = {"exact": 1.0, "mid_p": 2.0}
"""What each method promises: flagged on one side at most so many times the nominal share."""


def grid(kind):
    """Counts, sizes, targets and the chance of each count: arrays that broadcast."""
    if kind == "ratio":
        count = np.arange(2000.0)[:, None]
        yield count, EXPECTED, np.ones_like(EXPECTED), stats.poisson.pmf(count, EXPECTED)
        return
    for cases in CASES:
        count = np.arange(cases + 1.0)[:, None]
        size = np.full(SHARES.shape, float(cases))
        yield count, size, SHARES, stats.binom.pmf(count, cases, SHARES)


def shares_outside(kind, method):
    """True over nominal share: arrays of shape (levels, sides, sizes, targets)."""
    made = []
    for count, size, target, chance in grid(kind):
        lines = funnel_lines(kind, size, target, alphas=LEVELS, method=method)
        made.append(
            [
                [
                    np.where(side, chance, 0.0).sum(axis=0) / alpha
                    for side in (count / size < lower, count / size > upper)
                ]
                for lower, upper, alpha in zip(lines.lower, lines.upper, LEVELS, strict=True)
            ]
        )
    return np.stack(made, axis=2)


@pytest.mark.parametrize("kind", ["proportion", "ratio"])
@pytest.mark.parametrize("method", MOST)
def test_chance_puts_no_more_units_outside_than_promised(kind, method):
    found = shares_outside(kind, method)
    cells = 11 * 13 if kind == "proportion" else 19
    assert found.shape[2] * found.shape[3] == cells
    # 1e-9: the sum of up to 10,000 probabilities.
    assert found.max() <= MOST[method] * (1 + 1e-9)
    # Nearly used up somewhere: limits that flag nothing would pass too.
    assert found.max() > 0.95 * MOST[method]


@pytest.mark.parametrize("kind", ["proportion", "ratio"])
@pytest.mark.parametrize("method", MOST)
def test_p_values_flag_no_more_than_promised(kind, method):
    for count, size, target, chance in grid(kind):
        p = p_values(
            kind,
            *(part.ravel() for part in np.broadcast_arrays(count, size)),
            np.broadcast_to(target, chance.shape).ravel(),
            method=method,
        )
        p = p.reshape(chance.shape)
        high = count > size * target
        for alpha in LEVELS:
            for side in (high, ~high):
                flagged = np.where(side & (p < 2 * alpha), chance, 0.0).sum(axis=0)
                assert flagged.max() <= MOST[method] * alpha * (1 + 1e-9)


LAWS = {"proportion": (exact, BINOMIAL), "ratio": (exact_poisson, POISSON)}


def last_counts(kind, side):
    """Of each cell of the grid a count far out, which is at its limit for a certain alpha."""
    for _, size, target, _ in grid(kind):
        law = stats.poisson(size) if kind == "ratio" else stats.binom(size, target)
        count = law.ppf(0.01) if side < 0 else law.isf(0.01)
        for row in np.flatnonzero((count > 0) | (side < 0)):
            yield count[row], size[row], target[row]


@pytest.mark.parametrize("kind", LAWS)
@pytest.mark.parametrize("side", [-1, 1])
def test_a_tail_of_exactly_alpha_is_not_outside_exact_limits(kind, side):
    module, _ = LAWS[kind]
    checked = 0
    for count, size, target in last_counts(kind, side):
        tail = module.at_most if side < 0 else module.at_least
        alpha = float(tail(count, size, target))
        if not 0 < alpha < 0.5:
            continue
        lines = funnel_lines(kind, size, target, alphas=[alpha], method="exact")
        on, next_one = count / size, (count + side) / size
        if side < 0:
            assert lines.lower[0, 0] <= on
            assert next_one < lines.lower[0, 0] or count == 0
        else:
            assert lines.upper[0, 0] >= on
            assert next_one > lines.upper[0, 0] or next_one > 1
        checked += 1
    assert checked > 10


@pytest.mark.parametrize("kind", LAWS)
@pytest.mark.parametrize("side", [-1, 1])
def test_half_a_tail_of_exactly_alpha_is_outside_mid_p_limits(kind, side):
    """And twice nominal is reached, not passed, where no count lies further out."""
    _, law = LAWS[kind]
    checked = 0
    for count, size, target in last_counts(kind, side):
        tail = small_counts.low_tail if side < 0 else small_counts.high_tail
        alpha = float(tail(law, count, size, target, method="mid_p"))
        if not 0 < alpha < 0.25:
            continue
        lines = funnel_lines(kind, size, target, alphas=[alpha], method="mid_p")
        whole = law.at_most if side < 0 else law.at_least
        assert float(whole(count, size, target)) <= 2 * alpha
        if side < 0:
            assert count / size < lines.lower[0, 0]
        else:
            assert count / size > lines.upper[0, 0]
        checked += 1
    assert checked > 10


def test_by_hand_at_one_half():
    # Five of five at one half: 1/32. At that very alpha it is not outside, just above it is.
    nothing, one = (
        funnel_lines("proportion", 5.0, 0.5, alphas=[alpha], method="exact").upper[0, 0]
        for alpha in (1 / 32, np.nextafter(1 / 32, 1))
    )
    assert nothing == 1.0
    assert one < 1.0
    # Mid-P counts half of it, so 1/64 is enough.
    assert funnel_lines("proportion", 5.0, 0.5, alphas=[1 / 64], method="mid_p").upper[0, 0] < 1.0


def rows_of_page(title):
    text = PAGE.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(
    ("kind", "title"), [("proportion", "Proportions"), ("ratio", "Rates and ratios")]
)
def test_the_page_says_what_was_added_up(kind, title):
    told = rows_of_page(title)
    assert len(told) == 12
    for name, level, one, both, median in told:
        found = shares_outside(kind, name.strip("`"))[{"95 %": 0, "99.8 %": 1}[level]]
        together = found.sum(axis=0) / 2
        for cell, value in ((one, found.max()), (both, together.max())):
            number = re.match(r"[\d.]+", cell)[0]
            assert float(number) == pytest.approx(value, rel=0.005, abs=0.005), (name, level)
        assert float(median) == pytest.approx(np.median(together), abs=0.005)
