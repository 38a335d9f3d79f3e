"""Measures of your own: from patient records to a control chart.

The definitions are data, in ``own_measures.toml`` beside this script. Writes
the invented records ``stroke.csv``, counts them and charts the counts.
Run it in any folder: ``python own_measure.py [FOLDER]``.
"""

from __future__ import annotations

import csv
import random
import sys
from datetime import datetime, timedelta
from pathlib import Path

import spcbench as sb

PACK = Path(__file__).with_name("own_measures.toml")


def write_records(path: Path) -> None:
    """Invented patients of one hospital over two years; some cells are empty, one is wrong."""
    chance = random.Random(3)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["hospital", "arrived_at", "scanned_at", "stroke_type", "swallow_checked"])
        for number in range(1200):
            arrived = datetime(2023, 1, 1) + timedelta(minutes=876 * number)
            scanned = arrived + timedelta(minutes=chance.randint(15, 95))
            rows.writerow(
                [
                    "H1",
                    f"{arrived:%Y-%m-%d %H:%M}",
                    "" if chance.random() < 0.03 else f"{scanned:%Y-%m-%d %H:%M}",
                    "not sure" if number == 700 else chance.choice(["infarct", "infarct", "bleed"]),
                    chance.choice(["yes", "yes", "yes", "no", ""]),
                ]
            )


def main(folder: Path) -> None:
    write_records(folder / "stroke.csv")

    counted = sb.count(
        folder / "stroke.csv", packs=[PACK], unit_column="hospital", date_column="arrived_at"
    )
    totals = counted.counts.groupby("measure")[["numerator", "denominator", "missing"]].sum()
    print(totals.to_string())
    print(counted.quality.to_string(index=False))

    charts = sb.control_charts(counted)
    for chart in charts.summary.itertuples():
        print(f"{chart.measure}: {chart.latest_value:.0%}; {chart.variation}")

    report = sb.Report([charts], title="Stroke (invented records)")
    sb.write(report, folder / "stroke_charts.png")
    print("wrote stroke_charts.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd())
