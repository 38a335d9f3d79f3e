"""Random records give the same counts, quality and completeness by every road."""

from __future__ import annotations

import datetime
import math
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spcbench.measures.counting import count
from spcbench.measures.measure import Check, Composite, Field, Measure
from spcbench.measures.records_sql import Records
from spcbench.plugin.records import Pack

BY = {"unit_column": "unit", "date_column": "born"}
PACK = Pack(
    id="p",
    title="P",
    version="1",
    record="baby",
    fields=(
        Field(name="days", type="integer", range=(140, 320)),
        Field(name="celsius", type="number"),
        Field(name="given", type="boolean"),
        Field(name="seen", type="datetime"),
        Field(name="sex", type="text", values=("f", "m", "Ünknown")),
        Field(name="mother", type="text"),
        Field(name="waited", type="number", from_="hours_between(born_at, seen)"),
        Field(name="born_at", type="datetime"),
    ),
    measures=(
        Measure(id="warm", title="W", better="higher", eligible="days < 238",
                met="ROUND(celsius) >= 37"),
        Measure(id="soon", title="S", better="higher", eligible="waited IS NOT NULL OR given",
                met="waited <= 24", missing="not_met"),
        Measure(id="girl", title="G", better="higher", eligible="sex <> 'm'",
                met="celsius / days > 0.15", missing="reject_record"),
        Composite(id="all", title="A", better="higher", of=("warm", "soon"), count_by="mother"),
        Composite(id="share", title="O", better="higher", of=("warm", "soon", "girl"),
                  form="opportunity"),
        Composite(id="share_m", title="O", better="higher", of=("warm", "soon"),
                  form="opportunity", cluster="mother"),
    ),
    checks=(Check(id="order", title="Seen after birth", must="seen >= born_at"),),
)  # fmt: skip


def random_records(seed: int, size: int = 400) -> dict[str, list]:
    rng = np.random.default_rng(seed)

    def some(values, share=0.1):
        return [None if rng.random() < share else one for one in values]

    start = datetime.datetime(2023, 12, 30)
    born = [start + datetime.timedelta(hours=int(hour)) for hour in rng.integers(0, 24 * 90, size)]
    midnight = [one.replace(hour=0) if rng.random() < 0.3 else one for one in born]
    odd = [math.nan, math.inf, -math.inf, 36.5, 37.5, -0.0, 1e308]
    return {
        "unit": some(rng.choice(["A", " A ", "B", "Østfold"], size).tolist(), 0.02),
        "born": some(midnight, 0.02),
        "born_at": midnight,
        "days": some(rng.integers(138, 323, size).tolist()),
        "celsius": some(
            np.where(
                rng.random(size) < 0.3, rng.choice(odd, size), rng.integers(70, 78, size) / 2
            ).tolist()
        ),
        "given": some((rng.random(size) < 0.5).tolist()),
        "seen": some([one + datetime.timedelta(minutes=int(m)) for one, m in
                      zip(midnight, rng.integers(-60, 3000, size), strict=True)]),
        "sex": some(rng.choice(["f", "m", "F", "Ünknown"], size).tolist()),
        "mother": some([f"m{number}" for number in rng.integers(0, size // 2, size)]),
    }  # fmt: skip


def cell_text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "No"
    return str(value)


def by_road(road: str, records: dict[str, list], folder: Path):
    if road == "csv":
        lines = [",".join(records)]
        lines += [",".join(map(cell_text, row)) for row in zip(*records.values(), strict=True)]
        (folder / "births.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder / "births.csv"
    frame = pl.DataFrame(records, strict=False)
    if road == "polars":
        return frame
    arrow = pa.table({name: pa.array(cells) for name, cells in records.items()})
    if road == "parquet":
        pq.write_table(arrow, folder / "births.parquet")
        return folder / "births.parquet"
    return arrow if road == "arrow" else pd.DataFrame(records)


@pytest.mark.parametrize("seed", range(4))
def test_random_records_give_the_same_by_every_road(seed, tmp_path):
    records = random_records(seed)
    found = {
        road: count(by_road(road, records, tmp_path), packs=[PACK], rejects=True, **BY)
        for road in ("csv", "parquet", "polars", "arrow", "pandas")
    }
    first = found.pop("csv")
    assert first.counts["denominator"].sum() > 300
    assert len(first.quality) > 8
    for road, other in found.items():
        for table in ("counts", "quality", "completeness"):
            left, right = getattr(first, table), getattr(other, table)
            pd.testing.assert_frame_equal(left, right, check_exact=True, obj=f"{road} {table}")
        assert len(other.rejects) == len(first.rejects), road


def test_random_records_give_the_same_in_any_order(tmp_path):
    records = random_records(9)
    order = np.random.default_rng(1).permutation(len(records["unit"]))
    shuffled = {name: [cells[at] for at in order] for name, cells in records.items()}
    first = count(by_road("arrow", records, tmp_path), packs=[PACK], **BY)
    second = count(by_road("arrow", shuffled, tmp_path), packs=[PACK], **BY)
    for table in ("counts", "quality", "completeness"):
        pd.testing.assert_frame_equal(getattr(first, table), getattr(second, table))


def plain_sums(records, eligible, met) -> tuple[int, int]:
    """Numerator and denominator of usable records, row by row in Python."""
    numerator = denominator = 0
    for row in zip(*records.values(), strict=True):
        one = dict(zip(records, row, strict=True))
        days, seen = one["days"], one["seen"]
        broken = one["unit"] is None or one["born"] is None
        broken |= days is not None and not 140 <= days <= 320
        broken |= one["sex"] == "F" or (seen is not None and seen < one["born_at"])
        if broken or not eligible(one):
            continue
        numerator += met(one) is True
        denominator += met(one) is not None
    return numerator, denominator


def warm(one) -> bool | None:
    celsius = one["celsius"]
    if celsius is None or not math.isfinite(celsius):
        return None
    return math.floor(abs(celsius) + 0.5) * math.copysign(1, celsius) >= 37 and celsius < 1e28


def test_random_records_give_what_python_counts_row_by_row(tmp_path):
    records = random_records(2, size=800)
    records["celsius"] = [None if one == 1e308 else one for one in records["celsius"]]
    wanted = plain_sums(records, lambda one: one["days"] is not None and one["days"] < 238, warm)
    counts = count(by_road("csv", records, tmp_path), packs=[PACK], measures=["warm"], **BY).counts
    assert (counts["numerator"].sum(), counts["denominator"].sum()) == wanted


@pytest.mark.parametrize(
    ("measures", "options", "scans"),
    [
        (["warm", "soon", "girl", "share"], {}, 1),
        (["warm", "soon", "girl", "share"], {"rejects": True}, 2),
        (["warm", "all", "share_m"], {}, 2),  # both go by mother
    ],
)
def test_counts_quality_and_completeness_come_from_one_scan(
    measures, options, scans, tmp_path, monkeypatch
):
    queries: list[str] = []
    fetch = Records.fetch

    def noted(self, query):
        queries.append(query)
        return fetch(self, query)

    monkeypatch.setattr(Records, "fetch", noted)
    table = by_road("arrow", random_records(3), tmp_path)
    found = count(table, packs=[PACK], measures=measures, **options, **BY)
    assert len(found.quality) > 0
    assert len(found.completeness) > 0
    assert len(queries) == scans
    assert all(query.count("FROM judged") == 1 for query in queries)
