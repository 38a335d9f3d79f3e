"""p-charts from a CSV file of counts.

Writes the invented file ``letters.csv``, reads it back and charts it.
Run it in any folder: ``python p_charts_from_csv.py [FOLDER]``.
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

import spcbench as sb

MEASURE = "Discharge letters sent within 24 hours"


def write_counts(path: Path) -> None:
    """Two invented wards over 30 months; ward B changes its ways after the 18th."""
    chance = random.Random(11)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["measure", "unit", "period", "numerator", "denominator"])
        for unit in ("Ward A", "Ward B"):
            for month in range(30):
                rate = 0.92 if unit == "Ward B" and month >= 18 else 0.80
                letters = chance.randint(70, 110)
                sent = sum(chance.random() < rate for _ in range(letters))
                period = f"{2022 + month // 12}-{month % 12 + 1:02d}-01"
                rows.writerow([MEASURE, unit, period, sent, letters])


def main(folder: Path) -> None:
    write_counts(folder / "letters.csv")

    counts = sb.read(folder / "letters.csv")
    charts = sb.control_charts(counts, chart="p", better="higher", target=0.9)
    for chart in charts.summary.itertuples():
        print(f"{chart.unit}: {chart.latest_value:.0%} in {chart.last:%B %Y}; {chart.variation}")

    report = sb.Report([charts], title="Discharge letters (invented figures)")
    for name in ("letters_charts.png", "letters_points.csv"):
        sb.write(report, folder / name)
        print("wrote", name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd())
