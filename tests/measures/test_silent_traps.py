"""What once gave a wrong count without a word."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from spcbench.errors import InputError, OptionError
from spcbench.measures.counting import count
from spcbench.measures.field import Field
from spcbench.measures.measure import Measure
from spcbench.plugin.records import Pack
from spcbench.reading import read


def pack(*fields, eligible="TRUE", met, **more):
    return Pack(
        id="p",
        title="P",
        version="1",
        record="baby",
        fields=fields,
        measures=(Measure(id="m", title="M", better="higher", eligible=eligible, met=met, **more),),
    )


def counted(table, of, **options):
    given = {"unit_column": "unit", "date_column": "born", **options}
    return count(table, packs=[of], **given)


def outcome(table, of, **options):
    row = counted(table, of, **options).counts.iloc[0]
    return tuple(int(row[name]) for name in ("numerator", "denominator", "missing"))


def births(**columns):
    return pd.DataFrame({"unit": "A", "born": "2024-05-03", **columns})


@pytest.mark.parametrize("name", ["broken", "unfit", "aside", "eligible", "met", "day", "unit_"])
def test_a_field_may_be_called_what_it_likes(name):
    frame = births(**{name: [True, False, True, None]})
    assert outcome(frame, pack(Field(name=name, type="boolean"), met=name)) == (2, 3, 1)


def test_long_numbers_are_refused_by_record_rather_than_mixed_up():
    frame = births(mother=[2**60 + 1, 2**60 + 2, 2**60 + 3], given=[True, False, True])
    fields = Field(name="given", type="boolean")
    key = Field(name="mother", type="text")
    assert outcome(frame, pack(fields, key, met="given", count_by="mother")) == (2, 3, 0)
    number = pack(fields, Field(name="mother", type="integer"), met="mother > 0 AND given")
    with pytest.raises(InputError, match=r"none of its 3 records can be used.*out_of_range"):
        counted(frame, number)


def test_single_precision_means_what_it_shows():
    frame = births(celsius=np.array([36.6, 36.5], dtype="float32"))
    warm = pack(Field(name="celsius", type="number", range=(25, 36.6)), met="celsius >= 36.6")
    assert outcome(frame, warm) == (1, 2, 0)


def test_nanoseconds_do_not_round_into_the_next_month():
    frame = births(given=[True]).assign(
        born=pd.to_datetime(["2024-05-31 23:59:59.999999999"]).astype("datetime64[ns]")
    )
    found = counted(frame, pack(Field(name="given", type="boolean"), met="given")).counts
    assert found["period"].dt.month.tolist() == [5]


def test_moments_with_nanoseconds_and_a_zone_are_taken():
    zoned = pd.to_datetime(["2024-05-31 23:30"]).tz_localize("UTC").astype("datetime64[ns, UTC]")
    frame = births(given=[True]).assign(born=zoned)
    found = counted(frame, pack(Field(name="given", type="boolean"), met="given")).counts
    assert found["period"].dt.month.tolist() == [6]  # half past midnight in London


def test_a_day_with_a_time_is_no_day_on_any_road(tmp_path):
    frame = births(seen=["2024-05-02T00:00:00", "2024-05-03T10:00:00"])
    due = pack(Field(name="seen", type="date"), met="seen IS NOT NULL")
    typed = frame.assign(seen=pd.to_datetime(frame["seen"]))
    path = tmp_path / "births.csv"
    frame.to_csv(path, index=False)
    for table in (typed, read(path)):
        found = counted(table, due)
        assert found.counts["denominator"].tolist() == [1]
        assert found.quality["problem"].tolist() == ["wrong_type"]


def test_days_and_moments_in_one_column_keep_their_times():
    frame = births(
        a=[datetime.date(2024, 5, 3), datetime.datetime(2024, 5, 3, 9, 0)],
        b=[datetime.date(2024, 5, 3), datetime.datetime(2024, 5, 3, 9, 30)],
    )
    fields = (Field(name="a", type="datetime"), Field(name="b", type="datetime"))
    assert outcome(frame, pack(*fields, met="minutes_between(a, b) = 30")) == (1, 2, 0)


def test_a_truth_written_as_a_number_is_one_in_text_too(tmp_path):
    frame = births(given=pd.array([1, 0, None], dtype="Float64"))
    of = pack(Field(name="given", type="boolean"), met="given")
    path = tmp_path / "births.csv"
    frame.to_csv(path, index=False)
    assert "1.0" in path.read_text(encoding="utf-8")
    assert outcome(read(path), of) == outcome(frame, of) == (1, 2, 1)


def test_a_column_called_record_is_not_shown_for_the_row(tmp_path):
    frame = births(record=[900, 901, 902], given=["yes", "n/k", "no"])
    of = pack(
        Field(name="record", type="integer"),
        Field(name="given", type="boolean"),
        met="given AND record > 0",
    )
    for table in (frame, pa.Table.from_pandas(frame)):
        assert counted(table, of, rejects=True).rejects["row"].tolist() == [2]


def test_a_window_longer_than_the_records_is_refused():
    frame = births(given=[True])
    of = pack(Field(name="given", type="boolean"), met="given")
    with pytest.raises(InputError, match="covers fewer months than a window of 6"):
        counted(frame, of, period="rolling:6")


def test_no_path_is_not_this_folder():
    with pytest.raises(OptionError, match="path is empty"):
        read("")
