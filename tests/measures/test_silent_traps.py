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
from spcbench.measures.measure import Composite, Measure
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


def test_a_record_that_one_pack_cannot_use_serves_another():
    frame = births(a=[True, False, True], n=[5, 500, 5])
    plain = pack(Field(name="a", type="boolean"), met="a")
    other = Pack(
        id="q",
        title="Q",
        version="1",
        record="baby",
        fields=(Field(name="n", type="integer", range=(0, 9)),),
        measures=(Measure(id="m", title="M", better="higher", eligible="TRUE", met="n > 0"),),
    )
    found = count(frame, packs=[plain, other], unit_column="unit", date_column="born")
    assert found.counts["denominator"].tolist() == [3, 2]
    assert found.provenance["records_used"] == 3
    swapped = births(a=["yes", "n/k"], n=["500", "5"])
    found = count(swapped, packs=[plain, other], unit_column="unit", date_column="born")
    assert found.counts["denominator"].tolist() == [1, 1]  # neither serves both, each serves one
    assert found.provenance["records_rejected"] == 0


def test_the_variance_of_opportunities_is_that_of_statsmodels_clustered_by_baby():
    import statsmodels.api as sm

    draw = np.random.default_rng(8)
    names = ("a", "b", "c")
    luck = draw.normal(0.0, 1.2, 60)
    given = {
        name: np.where(draw.random(60) < 0.8, draw.normal(0.5, 1.0, 60) + luck > 0, None)
        for name in names
    }
    frame = pd.DataFrame({"unit": "A", "born": "2024-05-03", **given})
    of = Pack(
        id="p",
        title="P",
        version="1",
        record="baby",
        fields=tuple(Field(name=name, type="boolean") for name in names),
        measures=(
            *(
                Measure(id=name, title=name, better="higher", eligible="TRUE", met=name)
                for name in names
            ),
            Composite(id="all", title="All", better="higher", of=names, form="opportunity"),
        ),
    )
    row = counted(frame, of).counts.query("measure == 'p@1:all'").iloc[0]
    long = pd.DataFrame(given).reset_index().melt("index").dropna()
    fit = sm.OLS(long["value"].astype(float), np.ones(len(long))).fit(
        cov_type="cluster", cov_kwds={"groups": long["index"]}
    )
    assert row["numerator"] / row["denominator"] == pytest.approx(fit.params.iloc[0], rel=1e-12)
    share_variance = row["variance"] / row["denominator"] ** 2
    assert share_variance == pytest.approx(fit.cov_params().iloc[0, 0], rel=1e-9)
    apart = row["numerator"] * (1 - row["numerator"] / row["denominator"])
    assert row["variance"] > 1.3 * apart  # the cases do go together
