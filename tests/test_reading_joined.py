"""Files of counts that their reader joins."""

from __future__ import annotations

import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import InputError, PackError, PluginError
from spcbench.measures.measure import Measure
from spcbench.measures.published import published_counts
from spcbench.plugin import Pack, PluginHost, Reader
from spcbench.tables import Table


def read_plain(path):
    if "broken" in path.name:
        raise InputError(f"{path.name} is broken")
    return Table(kind="counts", data=pd.read_csv(path), source=path.name)


def join_plain(tables):
    return Table(
        kind="counts",
        data=pd.concat([table.data for table in tables], ignore_index=True),
        source="joined",
        default_level="provider",
    )


def reader(id="plain", join=join_plain):  # noqa: A002
    return Reader(
        id=id,
        title=f"Plain {id}",
        suffixes=(".txt",),
        sniff=lambda head, path: path.name.startswith(id),
        read=read_plain,
        join=join,
    )


@pytest.fixture
def host(monkeypatch):
    def make(*readers):
        found = PluginHost(discover=False)
        known = found.readers()

        class Offered:
            def __init__(self, record):
                self.record, self.builtin, self.full_name = record, False, record.id

        monkeypatch.setattr(found, "readers", lambda: [*known, *map(Offered, readers)])
        return found

    return make


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "files"
    place.mkdir()
    for month in (1, 2):
        (place / f"plain{month}.txt").write_text(
            f"measure,unit,period,numerator,denominator\nm,a,2024-0{month}-01,{month},10\n"
        )
    return place


def test_counts_of_a_folder_are_joined_and_checked(folder, host):
    table = sb.read(folder, host=host(reader()))
    assert (table.source, table.default_level) == ("files", "provider")
    assert table.data["numerator"].tolist() == [1, 2]
    assert table.data["status"].tolist() == ["ok", "ok"]


def test_one_file_goes_through_join_too(folder, host):
    assert sb.read(folder / "plain1.txt", host=host(reader())).default_level == "provider"


def test_without_join_counts_are_not_read_together(folder, host):
    with pytest.raises(InputError, match=r"plain1\.txt holds counts; files that are read together"):
        sb.read(folder, host=host(reader(join=None)))


def test_two_publications_are_not_joined(folder, host):
    (folder / "other.txt").write_text((folder / "plain1.txt").read_text())
    with pytest.raises(InputError, match=r"is read as 'Plain other', plain1\.txt as 'Plain plain'"):
        sb.read(folder, host=host(reader(), reader("other")))


def test_a_file_that_is_left_out_is_told(folder, host):
    (folder / "plain-broken.txt").write_text("x")
    with pytest.raises(InputError, match=r"is broken \(one of the 3 files of files\)"):
        sb.read(folder, host=host(reader()))
    with pytest.warns(sb.InputWarning, match=r"left out: plain-broken\.txt is broken"):
        table = sb.read(folder, host=host(reader()), on_error="skip_file")
    assert len(table.data) == 2


def test_a_join_that_gives_something_else_is_named(folder, host):
    with pytest.raises(PluginError, match="reader 'plain': join must give a Table of counts"):
        sb.read(folder, host=host(reader(join=lambda tables: tables)))


def test_join_must_be_a_function():
    with pytest.raises(PluginError, match="join must be a function, not str"):
        reader(join="all of them")


def indicator(**more):
    settings = {
        "id": "a",
        "title": "A",
        "better": "lower",
        "kind": "published",
        "indicator": "CQIMA",
    }
    return Measure(**(settings | more))


def test_a_published_measure_may_be_an_indicator():
    assert indicator().columns == frozenset()


@pytest.mark.parametrize("key", ["dimension", "count_of"])
def test_an_indicator_has_no_dimension(key):
    with pytest.raises(PackError, match=f"{key} does not go with indicator"):
        indicator(**{key: "Babies"})


def test_an_indicator_has_no_categories():
    with pytest.raises(PackError, match="met_categories does not go with indicator"):
        indicator(met_categories=("yes",))


def test_an_indicator_goes_with_published_only():
    with pytest.raises(PackError, match='indicator goes with kind = "published" only'):
        Measure(id="a", title="A", better="lower", eligible="x", met="y", indicator="CQIMA")


def test_indicators_are_not_counted_from_categories():
    pack = Pack(id="p", title="P", version="1", record="r", measures=(indicator(),))
    frame = pd.DataFrame(
        {
            "period": [pd.Timestamp("2024-01-01")], "level": ["provider"], "unit": ["a"],
            "unit_name": ["A"], "dimension": ["D"], "category": ["yes"], "count_of": ["x"],
            "value": [1],
        }
    )  # fmt: skip
    with pytest.raises(InputError, match="holds no measure of the pack p@1"):
        published_counts(frame, pack, source="x.csv")
