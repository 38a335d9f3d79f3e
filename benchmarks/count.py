"""What counting costs: time and peak memory, by the number of records.

Run ``python benchmarks/count.py`` (0.1, 1 and 10 million records; about 2 GB of
disk for a while), or with ``--quick`` for 0.1 million. Invented records of 126
trusts over 72 months are written to a temporary folder as Parquet and as CSV,
and nine measures counted by trust and month. Each line is measured in a
process of its own, median of several runs after a first that is thrown away:

- by hand: the query that an analyst who knows the file would write for
  DuckDB, with the types of the columns told; no record is checked.
- counts: `spcbench.count` with ``quality=False``.
- quality: `spcbench.count` as it comes, with what could not be used and how
  complete the fields are.
- rejects: the same with every record listed that was set aside, a second scan.

"times" is against the query by hand on the same file, first by the clock and
then by the time that all processors spent, which suffers less where the machine
has other work. Peak is the most memory the process held, with Python and its
libraries (the line "nothing" shows those alone). Nothing is asserted, but
counts that differ from those of the query by hand end the run.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SIZES = (100_000, 1_000_000, 10_000_000)
TRUSTS, MONTHS = 126, 72
BATCH = 500_000
RUNS = 3

FIELDS = {
    "ga_days": ("integer", (140, 320)),
    "multiple": ("boolean", None),
    "steroids": ("boolean", None),
    "mgso4": ("boolean", None),
    "antibiotics": ("boolean", None),
    "clamp_seconds": ("integer", (0, 3600)),
    "temperature": ("number", (25, 45)),
    "temperature_minutes": ("integer", (0, 525600)),
    "milk_hours": ("number", (0, 8760)),
    "caffeine": ("boolean", None),
    "ventilation": ("text", None),
}
"""Type and range of each column beside `trust` and `born`."""

MEASURES = {
    "place": ("ga_days < 196", "ventilation <> 'transfer'"),
    "steroids": ("ga_days BETWEEN 154 AND 237", "steroids"),
    "mgso4": ("ga_days BETWEEN 154 AND 209", "mgso4"),
    "antibiotics": ("ga_days BETWEEN 154 AND 237", "antibiotics"),
    "clamping": ("ga_days < 238", "clamp_seconds >= 60"),
    "warm": ("ga_days < 238", "temperature BETWEEN 36.5 AND 37.5 AND temperature_minutes <= 60"),
    "milk": ("ga_days < 238 AND NOT multiple", "milk_hours <= 24"),
    "caffeine": ("ga_days < 210", "caffeine"),
    "gentle": ("ga_days < 224 AND ventilation IS NOT NULL", "ventilation IN ('cpap', 'none')"),
}
"""`eligible` and `met`, in words that both spcbench and DuckDB read alike."""

DUCKDB_TYPES = {"integer": "INTEGER", "number": "DOUBLE", "boolean": "BOOLEAN", "text": "VARCHAR"}


# ----------------------------------------------------------------------- invented records


def batch(first: int, size: int) -> Any:
    """Some records; the same numbers give the same records."""
    import numpy as np
    import pyarrow as pa

    draw = np.random.default_rng([7, first])

    def mostly(values: Any, unknown: float = 0.02) -> Any:
        return pa.array(values, mask=draw.random(size) < unknown)

    months = draw.integers(0, MONTHS, size)
    days = np.datetime64("2018-01", "M") + months
    born = days.astype("datetime64[D]") + draw.integers(0, 28, size)
    # 1 in 2,000 has a gestation no baby has, and is set aside.
    gestation = np.where(draw.random(size) < 0.0005, 999, draw.integers(154, 300, size))
    kinds = np.array(["none", "cpap", "ventilated", "transfer"])
    return pa.table(
        {
            "trust": np.array([f"R{at:03d}" for at in range(TRUSTS)])[
                draw.integers(0, TRUSTS, size)
            ],
            "born": born,
            "ga_days": mostly(gestation.astype(np.int32), 0.001),
            "multiple": mostly(draw.random(size) < 0.15),
            "steroids": mostly(draw.random(size) < 0.9),
            "mgso4": mostly(draw.random(size) < 0.85),
            "antibiotics": mostly(draw.random(size) < 0.6),
            "clamp_seconds": mostly(draw.integers(0, 240, size).astype(np.int32)),
            "temperature": mostly(np.round(draw.normal(36.9, 0.5, size), 1)),
            "temperature_minutes": mostly(draw.integers(5, 90, size).astype(np.int32)),
            "milk_hours": mostly(np.round(draw.exponential(20.0, size), 1)),
            "caffeine": mostly(draw.random(size) < 0.95),
            "ventilation": mostly(kinds[draw.integers(0, 4, size)]),
        }
    )


def write(folder: Path, size: int) -> None:
    """The records as Parquet and as CSV."""
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    schema = batch(0, 1).schema
    options = pc.WriteOptions(quoting_style="needed")
    with (
        pq.ParquetWriter(folder / "records.parquet", schema) as parquet,
        pc.CSVWriter(folder / "records.csv", schema, write_options=options) as plain,
    ):
        for first in range(0, size, BATCH):
            made = batch(first, min(BATCH, size - first))
            parquet.write_table(made)
            plain.write_table(made)


# -------------------------------------------------------------------------------- counting


def pack() -> Any:
    from spcbench.measures.measure import Field, Measure
    from spcbench.plugin.records import Pack

    fields = [Field(name=name, type=kind, range=ends) for name, (kind, ends) in FIELDS.items()]
    measures = [
        Measure(id=name, title=name, better="higher", eligible=eligible, met=met)
        for name, (eligible, met) in MEASURES.items()
    ]
    return Pack(
        id="bench",
        title="Invented",
        version="1",
        record="baby",
        fields=tuple(fields),
        measures=tuple(measures),
    )


def counted(path: Path, **settings: Any) -> Any:
    import spcbench

    return spcbench.count(
        str(path), packs=[pack()], unit_column="trust", date_column="born", **settings
    )


def query_by_hand(path: Path) -> str:
    """Counts of all nine measures; impossible gestations are left out, as `count` does."""
    columns = {"trust": "VARCHAR", "born": "DATE"} | {
        name: DUCKDB_TYPES[kind] for name, (kind, _) in FIELDS.items()
    }
    listed = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    read = (
        f"read_parquet('{path}')"
        if path.suffix == ".parquet"
        else f"read_csv('{path}', header=true, auto_detect=false, columns={{{listed}}})"
    )
    sums = ", ".join(
        f"count(*) FILTER (({eligible}) AND ({met})) AS {name}_numerator, "
        f"count(*) FILTER (({eligible}) AND ({met}) IS NOT NULL) AS {name}_denominator"
        for name, (eligible, met) in MEASURES.items()
    )
    return (
        f"SELECT trust, date_trunc('month', born) AS period, {sums} FROM {read} "
        "WHERE ga_days IS NULL OR ga_days BETWEEN 140 AND 320 GROUP BY ALL ORDER BY ALL"
    )


def by_hand(path: Path) -> Mapping[str, Any]:
    import duckdb

    with duckdb.connect() as connection:
        found: Mapping[str, Any] = connection.execute(query_by_hand(path)).fetchnumpy()
    return found


KINDS: dict[str, Callable[[Path], Any]] = {
    "nothing": lambda path: None,
    "by hand": by_hand,
    "counts": lambda path: counted(path, quality=False),
    "quality": counted,
    "rejects": lambda path: counted(path, rejects=True),
}


def check_same(path: Path) -> None:
    """End the run if the counts are not those of the query by hand."""
    sums, counts = by_hand(path), counted(path).counts
    for name in MEASURES:
        ours = counts[counts["measure"] == f"bench@1:{name}"]
        for part in ("numerator", "denominator"):
            if int(sums[f"{name}_{part}"].sum()) != int(ours[part].sum()):
                raise SystemExit(f"{path.name}: {name}, {part} differs from the query by hand")


# ------------------------------------------------------------------------------- measuring


def peak() -> float:
    """The most memory that this process has held, in MB."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def measure(kind: str, path: Path) -> dict[str, float]:
    """Time and memory of one kind of work, in this process."""
    import duckdb  # noqa: F401
    import pandas as pd  # noqa: F401

    import spcbench  # noqa: F401

    work, seconds, busy = KINDS[kind], [], []
    for _ in range(RUNS + 1):
        start, spent = time.perf_counter(), time.process_time()
        work(path)
        seconds.append(time.perf_counter() - start)
        busy.append(time.process_time() - spent)
    return {
        "seconds": statistics.median(seconds[1:]),
        "busy": statistics.median(busy[1:]),
        "mb": peak(),
    }


def in_own_process(*arguments: str) -> Any:
    """What this script prints when it is run with those arguments."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


def table(folder: Path, size: int, names: list[str]) -> None:
    """Measure and print the lines of one number of records."""
    in_own_process("--write", str(folder), str(size))
    for name in ("records.parquet", "records.csv"):
        path, first = folder / name, None
        if names == list(KINDS):
            in_own_process("--check", str(path), "0")
        for kind in names:
            found = in_own_process("--measure", str(path), kind)
            if kind == "by hand":
                first = found
            times = [
                f"{found[one]:>10.3f}" + (f"{found[one] / first[one]:>7.2f}" if first else " " * 7)
                for one in ("seconds", "busy")
            ]
            print(
                f"{path.suffix[1:]:10}{size:>12,}  {kind:10}{''.join(times)}{found['mb']:>9.0f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="0.1 million records only")
    parser.add_argument("--size", type=int, help="so many records only")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this line")
    for inner in ("--write", "--check", "--measure"):
        parser.add_argument(inner, nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.write:
        write(Path(chosen.write[0]), int(chosen.write[1]))
        print("null")
    elif chosen.check:
        check_same(Path(chosen.check[0]))
        print("null")
    elif chosen.measure:
        print(json.dumps(measure(chosen.measure[1], Path(chosen.measure[0]))))
    else:
        print(
            f"{'file':10}{'records':>12}  {'work':10}{'seconds':>10}{'times':>7}"
            f"{'busy':>10}{'times':>7}{'peak MB':>9}"
        )
        for size in [chosen.size] if chosen.size else SIZES[:1] if chosen.quick else SIZES:
            with tempfile.TemporaryDirectory() as folder:
                table(Path(folder), size, chosen.kind or list(KINDS))


if __name__ == "__main__":
    main()
