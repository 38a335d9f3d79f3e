"""What every measure pack promises. Its author adds the worked example: `assert_counts`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from spcbench.errors import ExpressionError, PackError

if TYPE_CHECKING:
    from spcbench.plugin import Pack


def parses_every_expression(pack: Pack) -> None:
    """Each definition is written in the SQL that a pack may use."""
    from spcbench.measures.expression import parse

    fields: Any = pack.fields  # `Field` records, though a pack asks only for their names
    for measure, part, text in _expressions(pack):
        try:
            # What is not declared has no type to check; `declares_every_column` tells of it.
            if not _undeclared(pack, text):
                parse(text, fields, pack=pack.name, measure=measure, part=part)
        except ExpressionError as error:
            raise AssertionError(f"{part} of measure {measure!r}: {error}") from error


def declares_every_column(pack: Pack) -> None:
    """Each column that an expression uses is declared as a field."""
    for measure, part, text in _expressions(pack):
        try:
            undeclared = _undeclared(pack, text)
        except ExpressionError:
            continue  # `parses_every_expression` tells of it
        if undeclared:
            raise AssertionError(
                f"{part} of measure {measure!r} uses the column {undeclared[0]!r}, "
                "which is not declared as a field"
            )


def cites_its_sources(pack: Pack) -> None:
    """The pack, or each of its measures, says where the definition comes from."""
    if pack.source:
        return
    for measure in pack.measures:
        if not getattr(measure, "source", None):
            raise AssertionError(f"neither the pack nor its measure {measure.id!r} cites a source")


def reproduces_its_examples(pack: Pack) -> None:
    """Each worked example in the pack comes out as its author says."""
    from spcbench.measures.trying import tried_examples

    if not any(getattr(measure, "examples", ()) for measure in pack.measures):
        return
    try:
        tried = tried_examples(pack)
    except PackError:
        return  # the other promises tell of it
    wrong = [
        f"{one.measure.id}, {one.example.title!r}: expected {one.example.expected}, "
        f"counts as {one.outcome}"
        for one in tried
        if not one.agrees
    ]
    if wrong:
        raise AssertionError(f"{len(wrong)} of {len(tried)} examples differ: " + "; ".join(wrong))


PACK_PROMISES = (
    parses_every_expression,
    declares_every_column,
    cites_its_sources,
    reproduces_its_examples,
)


def _expressions(pack: Pack) -> Iterator[tuple[str, str, str]]:
    for measure in pack.measures:
        for part in ("eligible", "met", "counted_on"):
            text = getattr(measure, part, None)
            if text:
                yield measure.id, part, str(text)


def _undeclared(pack: Pack, text: str) -> list[str]:
    from spcbench.measures.expression import column_names

    return sorted(column_names(text) - {field.name for field in pack.fields})
