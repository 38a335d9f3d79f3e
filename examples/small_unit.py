"""A small unit: what can be said where a month has four eligible mothers.

Writes the invented births of London, counts the perinatal pathway, and looks at
magnesium sulphate at one unit in three ways: by month, by quarter, and by the
mothers since the last one who went without. Then it writes the unit's page.
Run it in any folder: ``python small_unit.py [FOLDER]``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import spcbench as sb
from spcbench.testing.births import write_births, write_hierarchy

MEASURE, UNIT = "pop:mgso4", "RQX"
RECORDS = {"packs": ["pop"], "unit_column": "trust_code", "date_column": "birth_date"}


def main(folder: Path) -> None:
    births = write_births(folder / "births.csv")
    hierarchy = write_hierarchy(folder / "hierarchy.csv")

    for period in ("month", "quarter"):
        counted = sb.count(births, **RECORDS, period=period)
        charts = sb.control_charts(counted, measure=MEASURE, unit=UNIT)
        eligible = charts.points["denominator"].median()
        (chart,) = charts.summary.itertuples()
        print(f"by {period}: {eligible:.0f} mothers in a usual one; {chart.variation}")
        print(*(f"  advice: {text}" for text in charts.advice["message"]), sep="\n")
        sb.write(sb.Report([charts], title="Invented"), folder / f"by_{period}.png")

    waits = sb.event_counts(births, **RECORDS, measures=["mgso4"], event="not_met", between="cases")
    missed = sb.control_charts(waits, chart="g", unit=UNIT)
    since = waits.counts[waits.counts["unit"].eq(UNIT)]["at_least"].iloc[-1]
    print(f"mothers since the last one without: {since:.0f}")
    sb.write(sb.Report([missed], title="Invented"), folder / "since_the_last.png")

    page = sb.unit_report(
        counted, unit=UNIT, hierarchy=hierarchy, events=waits, title=f"{UNIT} (invented)"
    )
    for written in sb.write(page, folder / "page.csv"):
        print("wrote", written.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd())
