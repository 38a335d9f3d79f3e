"""What funnels cost: milliseconds by the number of units, with and without overdispersion.

Run ``python benchmarks/funnel.py``. Each line is the median of several runs of
`spcbench.funnels` on a pandas frame of counts (units, summary; the curve is made
only when asked for), in one process and one thread. Nothing is asserted.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import pandas as pd

import spcbench

CASES = ((1, 150), (1, 15_000), (1_000, 150), (1, 1_000_000))


def counts(funnels: int, units: int) -> pd.DataFrame:
    """Invented units of 50 to 5,000 cases that differ by more than chance."""
    draw = np.random.default_rng(1)
    size = draw.integers(50, 5_000, funnels * units)
    share = np.clip(draw.normal(0.3, 0.02, size.size), 0.01, 0.99)
    return pd.DataFrame(
        {
            "measure": np.repeat([f"m{at:04d}" for at in range(funnels)], units),
            "unit": np.tile([f"U{at:06d}" for at in range(units)], funnels),
            "period": pd.Timestamp("2024-01-01"),
            "numerator": draw.binomial(size, share),
            "denominator": size,
        }
    )


def milliseconds(frame: pd.DataFrame, **options: str) -> float:
    """Median of a few runs."""
    times = []
    while len(times) < 3 or (sum(times) < 2.0 and len(times) < 15):
        start = time.perf_counter()
        spcbench.funnels(frame, better="higher", **options)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def main() -> None:
    spcbench.funnels(counts(1, 5))  # loads every module
    print(f"{'funnels':>8}{'units':>10}  {'limits':10}{'overdispersion':16}{'ms':>10}")
    for funnels, units in CASES:
        frame = counts(funnels, units)
        for limits, how in (
            ("normal", "none"),
            ("exact", "none"),
            ("normal", "additive"),
            ("exact", "additive"),
        ):
            if funnels * units > 200_000 and (limits, how) == ("exact", "additive"):
                continue  # minutes: beta-binomial tails of a million units
            took = milliseconds(frame, limits=limits, overdispersion=how)
            print(f"{funnels:>8,}{units:>10,}  {limits:10}{how:16}{took:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
