from __future__ import annotations

import pytest

from spcbench.errors import ExpressionError, PackError
from spcbench.measures.measure import Composite, Field, Measure, Source, display_of, squeezed

PUBLISHED = {
    "id": "apgar",
    "title": "Apgar",
    "better": "lower",
    "kind": "published",
    "dimension": "ApgarScore5",
    "met_categories": ("0 to 6",),
    "not_met_categories": ("7 to 10",),
}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"type": "float"}, "field 'x': type cannot be 'float'; Known: boolean, date, datetime"),
        ({"type": "text", "range": (1, 2)}, "field 'x': range goes with integer and number"),
        ({"type": "number", "range": (2, 1)}, "field 'x': range starts at 2, above its end 1"),
        ({"type": "number", "range": (1,)}, "range must be [lowest, highest], two numbers"),
        ({"type": "number", "values": (1,)}, "values go with text and integer, not with number"),
        ({"type": "text", "values": (1,)}, "every one of values must be text, not 1"),
        ({"type": "integer", "values": (True,)}, "every one of values must be integer, not True"),
        ({"type": "text", "required": 1}, "field 'x': required must be true or false, not 1"),
        ({"type": "text", "unit": 5}, "field 'x': unit must be text, not 5"),
        ({"type": "text", "name": " "}, "field ' ': name must be the name of a column"),
    ],
)
def test_a_field_checks_itself(settings, message):
    with pytest.raises(PackError) as caught:
        Field(**{"name": "x", **settings})
    assert message in str(caught.value)


def test_the_ends_of_a_range_may_be_equal():
    assert Field(name="x", type="integer", range=(2, 2)).range == (2, 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"id": "Warm"}, "measure 'Warm': id must match [a-z][a-z0-9_-]*"),
        ({"title": " "}, "measure 'a': title must not be empty"),
        ({"better": "up"}, "measure 'a': better cannot be 'up'; Known: higher, lower, neither"),
        ({"per": 0}, "measure 'a': per must be a whole number of at least 1, not 0"),
        ({"per": True}, "measure 'a': per must be a whole number of at least 1, not True"),
        ({"target": 85}, "target must lie between 0 and 1, not 85 (85 % is written 0.85)"),
        ({"target": float("nan")}, "target must lie between 0 and 1, not nan"),
        ({"missing": "ignore"}, "missing cannot be 'ignore'; Known: exclude, not_met"),
        ({"kind": "rate"}, "measure 'a': kind cannot be 'rate'"),
        ({"verified": "yes"}, "measure 'a': verified must be true or false, not 'yes'"),
        ({"source": "a book"}, "measure 'a': source must be a Source, not str"),
        ({"met": " "}, "measure 'a': met is missing; it says which cases count"),
        ({"dimension": "x"}, "measure 'a': dimension goes with kind = \"published\" only"),
    ],
)
def test_a_measure_checks_itself(make_measure, settings, message):
    with pytest.raises(PackError) as caught:
        make_measure(**settings)
    assert message in str(caught.value)


@pytest.mark.parametrize("target", [0, 1, 0.85, None])
def test_a_target_may_be_anything_from_nought_to_one(make_measure, target):
    assert make_measure(target=target).target == target


def test_a_measure_refuses_an_expression_it_could_not_count(make_measure):
    with pytest.raises(ExpressionError, match="measure 'a', met: the function now is not part"):
        make_measure(met="m < now()")


def test_better_has_no_default():
    with pytest.raises(TypeError, match="better"):
        Measure(id="a", title="A", eligible="x", met="y")  # type: ignore[call-arg]


def test_columns_are_those_of_both_expressions(make_measure):
    assert make_measure(eligible="n > 1", met="b AND n < 9").columns == {"n", "b"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eligible": "b"}, 'eligible goes with kind = "records" only'),
        ({"missing": "not_met"}, 'missing goes with kind = "records" only'),
        ({"dimension": ""}, "dimension is missing; a published measure needs it"),
        ({"not_met_categories": ()}, "not_met_categories is missing"),
        ({"met_categories": "0 to 6"}, "met_categories must be a list of texts"),
        (
            {"unknown_categories": ("7  TO 10",)},
            "the category '7 to 10' stands in not_met_categories and in unknown_categories",
        ),
        ({"absent": "none"}, "absent cannot be 'none'; Known: unknown, zero"),
    ],
)
def test_a_published_measure_checks_itself(settings, message):
    with pytest.raises(PackError) as caught:
        Measure(**{**PUBLISHED, **settings})
    assert message in str(caught.value)


def test_a_published_measure_needs_no_column():
    assert Measure(**PUBLISHED).columns == frozenset()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"of": ("a",)}, "composite 'c': of must name at least two different measures"),
        ({"of": ("a", "a")}, "composite 'c': of must name at least two different measures"),
        ({"of": "ab"}, "composite 'c': of must be a list of texts"),
        ({"form": "any"}, "composite 'c': form cannot be 'any'; Known: all_or_none, opportunity"),
        ({"cluster": "mother"}, "composite 'c': cluster goes with form = \"opportunity\" only"),
        (
            {"form": "opportunity", "count_by": "mother"},
            "composite 'c': count_by goes with form = \"all_or_none\" only",
        ),
    ],
)
def test_a_composite_checks_itself(settings, message):
    with pytest.raises(PackError) as caught:
        Composite(**{"id": "c", "title": "C", "better": "higher", "of": ("a", "b"), **settings})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"title": ""}, "source: title must not be"), ({"year": "2024"}, "year must be a whole")],
)
def test_a_source_checks_itself(settings, message):
    with pytest.raises(PackError, match=message):
        Source(**{"title": "A book", **settings})


def test_a_source_reads_like_a_citation():
    source = Source(title="A book", publisher="A press", year=2020, address="example.org")
    assert str(source) == "A book. A press, 2020. example.org"


def test_display_carries_what_charts_need(make_measure):
    shown = display_of(
        make_measure(per=1000, target=0.5, target_label="ours", source=Source(title="A book"))
    )
    assert (shown.per, shown.target, shown.target_label, shown.source) == (
        1000,
        0.5,
        "ours",
        "A book",
    )
    assert not shown.verified


def test_categories_are_compared_without_capitals_and_spaces():
    assert squeezed("  Missing   VALUE ") == squeezed("missing value")
