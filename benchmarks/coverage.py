"""How often funnels cry wolf: units with nothing wrong that lie outside the limits.

Run ``python benchmarks/coverage.py`` (some four minutes; ``--quick``: half a minute, with
fewer simulated funnels). Prints the tables of docs/coverage.md:

1. chance alone, by adding up exact probabilities: true over nominal share outside;
2. units that differ by more than chance, simulated: honest units outside, outliers found;
3. whole funnels of 140 honest units with any q-value of 0.05 or less, simulated.

Everything is seeded. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import dataclass

import numpy as np
from scipy import stats

from spcbench.numeric.between_units import between_variance
from spcbench.numeric.funnel_lines import funnel_lines
from spcbench.numeric.funnel_scales import Scores, scores
from spcbench.numeric.funnel_tails import p_values
from spcbench.numeric.overdispersion import consistency, variance_ratios, winsorised
from spcbench.numeric.segments import Flags, Floats, Segments

LEVELS = {"95": 0.025, "99.8": 0.001}
CASES = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
SHARES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
EXPECTED = (0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
PROPORTIONS = ("exact", "mid_p", "jeffreys", "spiegelhalter", "normal", "arcsine")
RATIOS = ("exact", "mid_p", "jeffreys", "spiegelhalter", "normal", "chi2")

SEED = 1
UNITS = 140
SIZES = np.round(np.geomspace(20, 5000, UNITS))
"""Cases of the units: evenly spread in their logarithm; median 316, quartiles 79 and 1,258."""

SHIFT = 4.0
"""How far an outlier is moved up, in standard deviations of chance and units together."""


# ---------------------------------------------------------------- 1. chance alone, enumerated


def outside(
    data_type: str, method: str, *, count: Floats, size: Floats, target: Floats, chance: Floats
) -> Floats:
    """True over nominal share: `chance` has shape (counts, targets), (levels, 3, targets) made.

    The sides are below, above and both together.
    """
    value = count[:, None] / size
    lines = funnel_lines(data_type, size, target, alphas=list(LEVELS.values()), method=method)
    made = []
    for level, alpha in enumerate(LEVELS.values()):
        low = np.where(value < lines.lower[level], chance, 0.0).sum(axis=0) / alpha
        high = np.where(value > lines.upper[level], chance, 0.0).sum(axis=0) / alpha
        made.append([low, high, (low + high) / 2.0])
    return np.array(made)


def of_proportions(method: str) -> Floats:
    """Shape (levels, sides, cases, shares)."""
    made = []
    for cases in CASES:
        count, share = np.arange(cases + 1.0), np.array(SHARES)
        chance = stats.binom.pmf(count[:, None], cases, share)
        size = np.full(share.shape, float(cases))
        made.append(
            outside("proportion", method, count=count, size=size, target=share, chance=chance)
        )
    return np.stack(made, axis=2)


def of_ratios(method: str) -> Floats:
    """Shape (levels, sides, expected)."""
    count, mean = np.arange(2000.0), np.array(EXPECTED, dtype=np.float64)
    chance = stats.poisson.pmf(count[:, None], mean)
    one = np.ones_like(mean)
    return outside("ratio", method, count=count, size=mean, target=one, chance=chance)


def largest(found: Floats, names: list[str]) -> str:
    """The largest of some ratios and the cell it is in; ties by rounding go to the first."""
    at = int(np.argmax(np.round(found.ravel(), 9)))
    return f"{figure(found.ravel()[at])} ({names[at]})"


def figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def show_enumerated(title: str, found: dict[str, Floats], cells: list[str]) -> None:
    """One row per method and level: largest on one side, largest of both together, median."""
    print(f"\n{title}: true over nominal share of units outside\n")
    print("| limits | level | one side, largest | both sides, largest | both sides, median |")
    print("|---|---|---|---|---|")
    sides = [f"{side}, {cell}" for side, cell in itertools.product(("below", "above"), cells)]
    for method, table in found.items():
        for level, name in enumerate(LEVELS):
            low, high, both = table[level].reshape(3, -1)
            one = largest(np.concatenate([low, high]), sides)
            print(
                f"| `{method}` | {name} % | {one} | {largest(both, cells)} "
                f"| {np.median(both):.2f} |"
            )


def show_by_size(title: str, found: dict[str, Floats], sizes: tuple[float, ...]) -> None:
    """Largest one-sided ratio at 99.8 % at each size, whatever the target."""
    print(f"\n{title}, 99.8 %: the largest one-sided ratio by size\n")
    print("| size |", " | ".join(f"`{method}`" for method in found), "|")
    print("|---|" + "---|" * len(found))
    for at, size in enumerate(sizes):
        cells = (figure(float(table[1][:2, at].max())) for table in found.values())
        print(f"| {size:,} |", " | ".join(cells), "|")


def enumerate_chance() -> None:
    proportions = {method: of_proportions(method) for method in PROPORTIONS}
    cells = [f"{100 * p:g} % of {n:,}" for n, p in itertools.product(CASES, SHARES)]
    show_enumerated(f"Proportions ({len(cells)} cells)", proportions, cells)
    show_by_size("Proportions", proportions, CASES)
    ratios = {method: of_ratios(method) for method in RATIOS}
    cells = [f"{mean:g} expected" for mean in EXPECTED]
    show_enumerated(f"Rates and ratios ({len(cells)} cells)", ratios, cells)
    show_by_size("Rates and ratios", ratios, EXPECTED)
    exact = max(float(part["exact"].max()) for part in (proportions, ratios))
    half = max(float(part["mid_p"].max()) for part in (proportions, ratios))
    print(f"\nThe largest ratio of exact limits is {exact:.4f}, of mid-P limits {half:.4f}.")


# ------------------------------------------------------ 2. units that differ, simulated


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is simulated: `ratio` is the variance of a unit of median size, over chance alone."""

    ratio: float
    outliers: float = 0.0
    share: float = 0.2
    sizes: Floats

    @property
    def tau2(self) -> float:
        chance = self.share * (1.0 - self.share) / float(np.median(self.sizes))
        return (self.ratio - 1.0) * chance


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Many funnels end to end; arrays of shape (units,)."""

    count: Floats
    size: Floats
    target: Floats
    shifted: Flags
    segments: Segments
    scored: Scores


@dataclass(frozen=True, kw_only=True)
class Way:
    """How overdispersion is allowed for; without `corrected` trimmed variances stay too small."""

    how: str = "none"
    method: str = "dl"
    winsorise: float = 0.0
    corrected: bool = False

    def __str__(self) -> str:
        if self.how == "none":
            return "none"
        word = f"{self.how}, {self.method}" if self.how == "additive" else self.how
        drawn_in = f"{100 * self.winsorise:g} % drawn in" if self.winsorise else "all scores"
        return f"{word}, {drawn_in}" + (", corrected" if self.corrected else "")


TRIMMINGS = ((0.1, False), (0.1, True), (0.0, False))
WAYS = (
    Way(),
    *(Way(how="multiplicative", winsorise=at, corrected=fair) for at, fair in TRIMMINGS),
    *(
        Way(how="additive", method=method, winsorise=at, corrected=fair)
        for method in ("dl", "pm", "reml")
        for at, fair in TRIMMINGS
    ),
)


def drawn(scene: Scene, funnels: int, seed: int) -> Drawn:
    """Units with proportions from a beta, counts from a binomial, and some shifted up."""
    draw = np.random.default_rng([SEED, seed])
    size = np.tile(scene.sizes, funnels)
    share = np.full(size.size, scene.share)
    if scene.tau2 > 0:
        precision = scene.share * (1.0 - scene.share) / scene.tau2 - 1.0
        share = draw.beta(scene.share * precision, (1.0 - scene.share) * precision, size.size)
    shifted = np.zeros((funnels, scene.sizes.size), dtype=np.bool_)
    some = round(scene.outliers * scene.sizes.size)
    which = np.argsort(draw.random(shifted.shape), axis=1)[:, :some]
    np.put_along_axis(shifted, which, True, axis=1)
    total = np.sqrt(scene.share * (1.0 - scene.share) / size + scene.tau2)
    share = np.where(shifted.ravel(), np.minimum(share + SHIFT * total, 1.0), share)
    count = draw.binomial(size.astype(np.int64), share).astype(np.float64)
    segments = Segments.from_lengths([scene.sizes.size] * funnels)
    target = segments.spread(segments.sums(count) / segments.sums(size))
    return Drawn(
        count=count,
        size=size,
        target=target,
        shifted=shifted.ravel(),
        segments=segments,
        scored=scores("proportion", count, size, target),
    )


def estimates(way: Way, one: Drawn) -> tuple[Floats, Floats]:
    """tau² and phi of each funnel; 0 and 1 where the way does not use them."""
    z, error, funnels = one.scored.z, one.scored.standard_error, one.segments
    tau2, phi = np.zeros(len(funnels)), np.ones(len(funnels))
    if way.how == "multiplicative":
        found = variance_ratios(z, funnels, share=way.winsorise)
        phi = found.consistent if way.corrected else found.trimmed
    if way.how == "additive":
        kept = winsorised(z, funnels, share=way.winsorise)
        if way.corrected:
            kept = kept / np.sqrt(consistency(way.winsorise, trimming="winsorise"))
        tau2 = between_variance(kept * error, error, funnels, method=way.method)
    return tau2, phi


def shares_outside(way: Way, one: Drawn, tau2: Floats, phi: Floats, *, limits: str) -> Floats:
    """Percent of honest units outside, then of outliers above, each by level."""
    spread, value = one.segments.spread, one.count / one.size
    lines = funnel_lines(
        "proportion",
        one.size,
        one.target,
        alphas=list(LEVELS.values()),
        method=limits,
        tau2=spread(tau2),
        phi=spread(phi),
    )
    above = value > lines.upper
    either = above | (value < lines.lower)
    found = above[:, one.shifted].mean(axis=1) if one.shifted.any() else np.full(2, np.nan)
    return np.concatenate([100 * either[:, ~one.shifted].mean(axis=1), 100 * found])


def row(way: Way, one: Drawn, truth: float, *, limits: str) -> str:
    tau2, phi = estimates(way, one)
    shares = shares_outside(way, one, tau2, phi, limits=limits)
    added = way.how == "additive"
    cells = [
        f"{way}" + ("" if limits == "exact" else f", {limits} limits"),
        f"{100 * tau2.mean() / truth:.0f} %" if added and truth else "-",
        f"{100 * np.mean(tau2 == 0):.0f} %" if added else "-",
        *(f"{part:.2f}" for part in shares[:2]),
        *("-" if np.isnan(part) else f"{part:.0f}" for part in shares[2:]),
    ]
    return "| " + " | ".join(cells) + " |"


def show_scene(
    scene: Scene,
    funnels: int,
    seed: int,
    *,
    ways: tuple[Way, ...] = WAYS,
    limits: tuple[str, ...] = ("exact",),
) -> None:
    one = drawn(scene, funnels, seed)
    ratios = variance_ratios(one.scored.z, one.segments)
    print(
        f"\nRatio {scene.ratio:g}, {100 * scene.outliers:g} % outliers, target "
        f"{100 * scene.share:g} %, {scene.sizes.min():,.0f} to {scene.sizes.max():,.0f} cases: "
        f"phi {ratios.raw.mean():.2f}, drawn in {ratios.trimmed.mean():.2f}; "
        f"the test says adjust for {100 * ratios.warranted.mean():.1f} % of funnels\n"
    )
    print("| allowed for | tau² of truth | tau² is 0 | honest 95 | 99.8 | found 95 | 99.8 |")
    print("|---|---|---|---|---|---|---|")
    for way, kind in itertools.product(ways, limits):
        print(row(way, one, scene.tau2, limits=kind), flush=True)


def simulate_units(funnels: int) -> None:
    scenes = [
        Scene(ratio=ratio, outliers=outliers, sizes=SIZES)
        for ratio, outliers in itertools.product((1.0, 1.5, 2.0, 4.0), (0.0, 0.05))
    ]
    for seed, scene in enumerate(scenes):
        show_scene(scene, funnels, seed)
    print("\nUnits of one size, as the published expectations have them:")
    few = tuple(way for way in WAYS if way.method == "dl" and way.how != "multiplicative")
    for seed, ratio in enumerate((1.0, 1.5, 2.0), start=100):
        equal = Scene(ratio=ratio, sizes=np.full(UNITS, 1000.0))
        show_scene(equal, 2 * funnels, seed, ways=few, limits=("exact", "normal"))
    print("\nA rare event, exact limits beside normal ones:")
    rare = Scene(ratio=2.0, share=0.02, sizes=SIZES)
    show_scene(rare, funnels, 200, ways=few, limits=("exact", "normal"))


# --------------------------------------------------------------- 3. q-values, simulated


def any_small_q(p: Floats) -> float:
    """Percent of funnels with a Benjamini–Hochberg q-value of 0.05 or less."""
    ordered = np.sort(p.reshape(-1, UNITS), axis=1)
    rank = np.arange(1, UNITS + 1)
    return float(100 * (ordered <= 0.05 * rank / UNITS).any(axis=1).mean())


def simulate_q_values(funnels: int) -> None:
    print(f"\nFunnels of {UNITS} honest units with any q-value of 0.05 or less, %\n")
    print("| ratio | target | limits | allowed for | funnels |")
    print("|---|---|---|---|---|")
    additive = [way for way in WAYS if way.how == "additive" and way.method != "reml"]
    for seed, (ratio, share) in enumerate(itertools.product((1.0, 1.5, 2.0, 4.0), (0.2, 0.02))):
        one = drawn(Scene(ratio=ratio, share=share, sizes=SIZES), funnels, 300 + seed)
        plain = [(limits, Way()) for limits in ("exact", "mid_p", "normal", "arcsine")]
        for limits, way in plain[: 4 if ratio == 1 else 1] + [("exact", way) for way in additive]:
            tau2, _ = estimates(way, one)
            p = p_values(
                "proportion",
                one.count,
                one.size,
                one.target,
                method=limits,
                tau2=one.segments.spread(tau2),
            )
            cells = (f"{ratio:g}", f"{100 * share:g} %", limits, str(way), f"{any_small_q(p):.1f}")
            print("|", " | ".join(cells), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="How often funnels cry wolf.")
    parser.add_argument("--quick", action="store_true", help="fewer simulated funnels")
    quick = parser.parse_args().quick
    begun = time.perf_counter()
    enumerate_chance()
    print(f"\n({time.perf_counter() - begun:.0f} s)", flush=True)
    simulate_units(100 if quick else 1000)
    print(f"\n({time.perf_counter() - begun:.0f} s)", flush=True)
    simulate_q_values(100 if quick else 1000)
    print(f"\n({time.perf_counter() - begun:.0f} s)")


if __name__ == "__main__":
    main()
