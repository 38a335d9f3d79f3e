"""A funnel plot: which hospitals differ from the others by more than chance?

Makes invented counts as a pandas frame, without any file to read.
Run it in any folder: ``python funnel.py [FOLDER]``.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pandas as pd

import spcbench as sb


def invented_counts() -> pd.DataFrame:
    """Thirty invented hospitals with one true rate, but for the last."""
    chance = random.Random(5)
    rows = []
    for number in range(1, 31):
        rate = 0.16 if number == 30 else 0.08
        patients = chance.randint(60, 900)
        rows.append(
            {
                "measure": "Readmitted within 30 days",
                "unit": f"Hospital {number:02d}",
                "period": "2024-01-01",
                "numerator": sum(chance.random() < rate for _ in range(patients)),
                "denominator": patients,
            }
        )
    return pd.DataFrame(rows)


def main(folder: Path) -> None:
    funnels = sb.funnels(invented_counts(), better="lower")

    outside = funnels.units[funnels.units["position"] != "within"]
    for unit in outside.itertuples():
        print(f"{unit.unit}: {unit.value:.1%} of {unit.denominator}; {unit.verdict}")
    (summary,) = funnels.summary.itertuples()
    print(
        f"{len(outside)} of {summary.units} hospitals are outside the limits; "
        f"chance alone would put {summary.expected_false_positives:.1f} there"
    )

    report = sb.Report([funnels], title="Readmissions (invented figures)")
    for name in ("funnel.svg", "funnel_units.csv"):
        sb.write(report, folder / name)
        print("wrote", name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd())
