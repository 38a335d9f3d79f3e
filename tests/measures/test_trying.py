"""Worked examples in a pack are counted, all at once, and told one by one."""

from __future__ import annotations

import types
from contextlib import closing
from datetime import date, datetime

import pyarrow as pa
import pytest

from spcbench.measures import trying
from spcbench.measures.dialect_duckdb import DUCKDB
from spcbench.measures.entry import ZONE, Way
from spcbench.measures.example import Example
from spcbench.measures.measure import Check, Composite, Field, Measure
from spcbench.measures.periods import Periods
from spcbench.measures.query import CountQuery
from spcbench.measures.records_sql import open_records
from spcbench.measures.trying import differing_examples, tried_examples
from spcbench.measures.wanted import Wanted
from spcbench.plugin import PluginHost, hookimpl
from spcbench.plugin.records import Pack

FIELDS = (
    Field(name="days", type="integer", range=(140, 320)),
    Field(name="given", type="boolean"),
    Field(name="celsius", type="number"),
    Field(name="mother", type="text"),
    Field(name="born_at", type="datetime"),
    Field(name="booked", type="date"),
    Field(name="weeks", type="number", from_="days / 7"),
)
BORN = datetime(2024, 1, 1, 10, 0, 30)


def outcomes(*measures, checks=()):
    pack = Pack(
        id="p",
        title="P",
        version="1",
        record="baby",
        fields=FIELDS,
        checks=checks,
        measures=measures,
    )
    return {one.example.title: one.outcome for one in tried_examples(pack)}


def measure(records, **settings):
    """A measure with an example for each record; what is expected does not matter here."""
    examples = tuple(
        Example(title=title, record=record, expected="met") for title, record in records.items()
    )
    defaults = {"id": "a", "title": "A", "better": "higher", "eligible": "days < 210"}
    return Measure(**{**defaults, "met": "given", "examples": examples, **settings})


RECORDS = {
    "met": {"days": 209, "given": True},
    "not_met": {"days": 209, "given": False},
    "unknown": {"days": 209},
    "unknown whether eligible": {"given": True},
    "outside": {"days": 210, "given": True},
    "out of range": {"days": 9999, "given": True},
    "of the wrong type": {"days": "x", "given": True},
}


@pytest.mark.parametrize(
    ("missing", "unknown"),
    [("exclude", "unknown"), ("not_met", "not_met"), ("reject_record", "set_aside")],
)
def test_each_outcome_is_told(missing, unknown):
    assert outcomes(measure(RECORDS, missing=missing)) == {
        "met": "met",
        "not_met": "not_met",
        "unknown": unknown,
        "unknown whether eligible": "unknown",
        "outside": "outside",
        "out of range": "set_aside",
        "of the wrong type": "set_aside",
    }


def test_a_record_that_breaks_a_check_is_set_aside():
    check = Check(id="not_both", title="Not both", must="celsius IS NULL OR given IS NULL")
    records = {"breaks it": {"days": 200, "given": True, "celsius": 37}, **RECORDS}
    found = outcomes(measure(records), checks=(check,))
    assert (found["breaks it"], found["met"]) == ("set_aside", "met")


def test_values_of_every_type_are_read_by_their_fields():
    records = {
        "a": {"celsius": 36.5, "born_at": BORN, "booked": date(2023, 6, 1), "mother": "007"},
        "b": {"celsius": 37, "born_at": BORN, "booked": date(2023, 6, 1), "mother": "7"},
        "nan": {"celsius": float("nan"), "mother": "007"},
    }
    met = (
        "celsius = 36.5 AND mother = '007' AND booked = DATE '2023-06-01' "
        "AND born_at = TIMESTAMP '2024-01-01 10:00:30'"
    )
    assert outcomes(measure(records, eligible="TRUE", met=met)) == {
        "a": "met",
        "b": "not_met",
        "nan": "unknown",
    }


def test_examples_of_shared_cases():
    twins = {"singleton": {"days": 200, "given": True, "mother": "m"}, "no mother": {"days": 200}}
    assert outcomes(measure(twins, count_by="mother")) == {
        "singleton": "met",
        "no mother": "unknown",
    }


def test_composites_have_examples_of_their_own():
    parts = (
        measure({}),
        Measure(id="b", title="B", better="higher", eligible="days < 238", met="celsius > 36"),
    )
    records = {
        "nothing due": {"days": 300},
        "one due": {"days": 230, "celsius": 37},
        "one missed": {"days": 200, "celsius": 37, "given": False},
        "one unknown": {"days": 200, "celsius": 37},
        "nothing known": {},
    }

    def tried(**settings):
        expected = "unknown"  # a word that both forms may have
        examples = tuple(
            Example(title=title, record=record, expected=expected)
            for title, record in records.items()
        )
        both = Composite(
            id="c", title="C", better="higher", of=("a", "b"), examples=examples, **settings
        )
        return list(outcomes(*parts, both).values())

    assert tried() == ["outside", "met", "not_met", "unknown", "unknown"]
    assert tried(form="opportunity") == [
        "outside",
        "1 of 1",
        "1 of 2",
        "1 of 1 and 1 unknown",
        "unknown",
    ]


def test_all_examples_cost_one_scan(monkeypatch):
    scans = []
    real = trying.open_records

    def watched(table, **settings):
        scans.append(table.num_rows)
        return real(table, **settings)

    monkeypatch.setattr(trying, "open_records", watched)
    records = {str(number): {"days": number} for number in range(150, 300)}
    second = measure({"met": {"days": 209, "given": True}}, id="b")
    found = outcomes(measure(records), second)
    assert scans == [151]
    assert [found[name] for name in ("209", "210", "met")] == ["unknown", "outside", "met"]


def test_only_packs_of_ones_own_are_tried_again():
    wrong = Example(title="not known", record={}, expected="met")
    one = Measure(
        id="m", title="M", better="higher", eligible="TRUE", met="given", examples=(wrong,)
    )
    settings = {"id": "p", "title": "P", "version": "1", "record": "baby", "measures": (one,)}
    pack = Pack(**settings, fields=(Field(name="given", type="boolean"),))
    told = "p@1:m: of the worked example 'not known', met is expected and unknown comes of it"
    assert differing_examples([pack], PluginHost.of(builtins=())) == [told]
    # The tests of a plugin try its packs (`plugin_checks`).
    plugin = types.ModuleType("zz_offers")
    plugin.SPCBENCH_API = 1
    plugin.spcbench_packs = hookimpl(lambda: [pack], specname="spcbench_packs")
    host = PluginHost.of(plugin, builtins=())
    assert host.pack("p") is pack
    assert differing_examples([pack], host) == []


def test_a_pack_without_examples_has_none():
    assert outcomes(measure({})) == {}


def test_long_lists_of_words_do_not_become_joins():
    """Planning a pack of many fields took seconds that way (DuckDB's `in_clause`)."""
    values = tuple("abcdefgh")
    pack = Pack(
        id="p",
        title="P",
        version="1",
        record="baby",
        fields=(Field(name="word", type="text", values=values),),
        measures=(Measure(id="a", title="A", better="higher", eligible="TRUE", met="word = 'a'"),),
    )
    wanted = Wanted.of(pack, pack.measures)
    table = pa.table({"unit": ["A"], "born": ["2024-01-01"], "word": ["a"]})
    with closing(open_records(table, columns=table.column_names)) as records:
        query = CountQuery(
            [wanted],
            records.natives,
            Way(dialect=DUCKDB, source="", zone=ZONE),
            unit_column="unit",
            date_column="born",
            periods=Periods(length="year"),
        )
        sql = query.counts(records.relation)
        plan = str(records.connection.execute(f"EXPLAIN {sql}").fetchall()).upper()
    assert "SCAN" in plan
    assert "JOIN" not in plan
