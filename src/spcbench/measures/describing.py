"""The documentation page of a pack, in Markdown: plain words first, SQL second."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, cast

from spcbench.measures.example import Example
from spcbench.measures.field import Check, Field
from spcbench.measures.measure import Composite, Measure, Reference
from spcbench.measures.wanted import Wanted
from spcbench.plugin.records import Pack

UNKNOWN = {
    "exclude": "left out of the rate and told beside it",
    "not_met": "counts as not met",
    "reject_record": "the record is set aside for this measure",
}
"""What happens to a case of unknown outcome, in words."""

BETTER = {"higher": "higher", "lower": "lower", "neither": "neither higher nor lower"}
NOT_VERIFIED = "not verified"
EXPECTED = {
    "met": "met",
    "not_met": "not met",
    "unknown": "unknown",
    "outside": "does not count",
    "set_aside": "set aside",
}

_HEADINGS = (
    *("measure", "what", "who counts", "met when", "clock", "one case is"),
    *("outcome unknown", "target", "published values", "source", "verified"),
)


def pack_page(pack: Pack) -> str:
    """What a pack defines, as a page in Markdown.

    Parameters
    ----------
    pack : Pack
        Its measures stand on the page in the order of the pack.

    Returns
    -------
    str
        With a last end of line; the same for the same pack.

    Raises
    ------
    PackError
        If the pack breaks the format.

    Examples
    --------
    >>> warm = Measure(id="warm", title="Warm", better="higher", eligible="TRUE", met="warm")
    >>> pack = Pack(id="example", title="An example", version="1", record="baby",
    ...             fields=(Field(name="warm", type="boolean"),), measures=(warm,))
    >>> pack_page(pack).splitlines()[0]
    '# An example'
    """
    measures = [cast("Measure | Composite", one) for one in pack.measures]
    parts = [*_head(pack), "## The measures", _overview(measures)]
    for measure in measures:
        parts += _section(measure, measures)
    parts += _columns(pack, measures)
    parts += _checks([cast("Check", one) for one in pack.checks])
    return "\n\n".join(parts) + "\n"


def share(value: float, per: int) -> str:
    """A share on the scale of its measure.

    Examples
    --------
    >>> share(0.855, 100), share(0.0034, 1000)
    ('85.5 %', '3.4 per 1,000')
    """
    number = f"{round(value * per, 6):g}"
    return f"{number} %" if per == 100 else f"{number} per {per:,}"


def targets(measure: Measure | Composite) -> str:
    """Target and stretch target with whose they are; empty without.

    Examples
    --------
    >>> warm = Measure(id="warm", title="Warm", better="higher", eligible="TRUE", met="warm",
    ...                target=0.9, target_label="our aim", target_verified=False)
    >>> targets(warm)
    '90 % (our aim, not verified)'
    """
    said = []
    for name in ("target", "stretch"):
        value = getattr(measure, name)
        if value is None:
            continue
        label = getattr(measure, f"{name}_label")
        aside = [one for one in (label, "" if measure.target_verified else NOT_VERIFIED) if one]
        text = share(value, measure.per) + (f" ({', '.join(aside)})" if aside else "")
        said.append(text if name == "target" else f"stretch {text}")
    return "; ".join(said)


# ---------------------------------------------------------------------------- the page


def _head(pack: Pack) -> Iterator[str]:
    yield f"# {text(pack.title)}"
    valid = f", valid {text(pack.valid)}" if pack.valid else ""
    yield f"Pack `{pack.name}`{valid}. One record is one {text(pack.record)}." + (
        f" Source: {text(pack.source)}." if pack.source else ""
    )
    yield (
        f"This page is printed by `spcbench measures --pack {pack.name} --markdown`: change the "
        "pack, not the page."
    )


def _overview(measures: Sequence[Measure | Composite]) -> str:
    return table(
        _HEADINGS,
        [
            [
                f"`{one.id}`",
                text(one.title),
                _who(one),
                code(one.met) if isinstance(one, Measure) and one.met else "",
                text(getattr(one, "timing", "")),
                text(one.counts),
                _unknown(one),
                text(targets(one)),
                text("; ".join(_reference(each, one.per) for each in one.references)),
                text("" if one.source is None else str(one.source)),
                "yes" if one.verified else f"**{NOT_VERIFIED}**",
            ]
            for one in measures
        ],
    )


def _who(measure: Measure | Composite) -> str:
    if isinstance(measure, Composite):
        return "whoever any of its measures is about"
    return code(measure.eligible) if measure.eligible else "already counted"


def _unknown(measure: Measure | Composite) -> str:
    return UNKNOWN[measure.missing] if isinstance(measure, Measure) and measure.met else ""


def _reference(reference: Reference, per: int) -> str:
    aside = [reference.source, reference.note, "" if reference.verified else NOT_VERIFIED]
    said = "; ".join(one for one in aside if one)
    return f"{reference.label}: {share(reference.value, per)}" + (f" ({said})" if said else "")


def _section(measure: Measure | Composite, measures: Sequence[Measure | Composite]) -> list[str]:
    parts = [f"### `{measure.id}`: {text(measure.title)}"]
    if measure.description.strip():
        parts.append(paragraphs(measure.description))
    facts = _facts(measure, {one.id: one.title for one in measures})
    parts.append("\n".join(f"- {name}: {said}" for name, said in facts if said))
    if isinstance(measure, Measure) and measure.eligible:
        parts += ["In the pack's SQL:", _sql(measure)]
    if isinstance(measure, Measure) and measure.dimension:
        parts.append(_categories(measure))
    if measure.examples:
        parts += ["Worked examples, all invented:", _examples(measure.examples)]
    return parts


def _facts(measure: Measure | Composite, titles: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is said of a measure, each with its name; an empty one is left out."""
    facts = [("**Take care**", text(measure.caution)), *_own_facts(measure, titles)]
    facts += [
        ("Better", BETTER[measure.better]),
        ("Target", text(targets(measure))),
        ("Units are alike only within one", code(measure.strata) if measure.strata else ""),
        ("Compare at", text(", ".join(measure.compare_at))),
    ]
    facts += [("Published", text(_reference(one, measure.per))) for one in measure.references]
    facts += [
        ("Source", text("" if measure.source is None else str(measure.source))),
        ("Definition", "verified" if measure.verified else f"**{NOT_VERIFIED}**"),
    ]
    return facts


def _own_facts(measure: Measure | Composite, titles: Mapping[str, str]) -> list[tuple[str, str]]:
    if isinstance(measure, Composite):
        listed = ", ".join(f"`{one}` ({text(titles.get(one, one))})" for one in measure.of)
        together = f", clustered by `{measure.cluster}`" if measure.cluster else ""
        form = (
            "everything that a case was eligible for, or not; one eligible for nothing is not "
            "counted"
            if measure.form == "all_or_none"
            else f"of all that cases were eligible for, how much was received{together}"
        )
        return [("Asks", form), ("Of", listed), ("One case is", text(measure.counts))]
    once = f", counted on the record where {code(measure.counted_on)}" if measure.counted_on else ""
    once += f", records that share {code(measure.count_by)} once" if measure.count_by else ""
    return [
        ("One case is", (text(measure.counts) or "one record") + once),
        ("Belongs to", text(measure.attribution)),
        ("Clock", text(measure.timing)),
        ("Outcome unknown", _unknown(measure)),
    ]


def _sql(measure: Measure) -> str:
    parts = [("who counts", measure.eligible), ("met when", measure.met)]
    if measure.counted_on:
        parts.append(("counted on the record where", measure.counted_on))
    said = "\n".join(f"-- {name}\n{sql.strip()}" for name, sql in parts)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", said)), default=0))
    return f"{fence}sql\n{said}\n{fence}"


def _categories(measure: Measure) -> str:
    rows = [
        (name, "; ".join(getattr(measure, key)))
        for name, key in (
            ("met", "met_categories"),
            ("not met", "not_met_categories"),
            ("unknown", "unknown_categories"),
        )
    ]
    heading = f"published as {measure.dimension}"
    return table(("", heading), [(name, text(said)) for name, said in rows if said])


def _examples(examples: Sequence[Example]) -> str:
    rows = [
        (
            text(one.title),
            ", ".join(f"`{name}` {text(_said(value))}" for name, value in one.record.items())
            or "nothing known",
            EXPECTED.get(one.expected, one.expected),
        )
        for one in examples
    ]
    return table(("example", "record", "what comes of it"), rows)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return str(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _columns(pack: Pack, measures: Sequence[Measure | Composite]) -> list[str]:
    """The columns that the measures use, and those they are worked out from."""
    counted = [one for one in measures if isinstance(one, Composite) or one.kind == "records"]
    if not counted:
        return []
    used = set(Wanted.of(pack, counted).fields)
    fields = [cast("Field", one) for one in pack.fields if one.name in used]
    rows = [
        (
            f"`{one.name}`",
            text(one.title),
            one.type,
            text(one.unit),
            _allowed(one),
            code(one.from_) if one.from_ else "",
            "in every record" if one.required else "" if one.optional or one.from_ else "yes",
        )
        for one in fields
    ]
    headings = ("column", "what", "type", "unit", "allowed", "worked out from", "needed")
    return ["## The columns", table(headings, rows)]


def _allowed(field: Field) -> str:
    if field.range is not None:
        return f"{field.range[0]:g} to {field.range[1]:g}"
    return text(", ".join(map(str, field.values)))


def _checks(checks: Sequence[Check]) -> list[str]:
    if not checks:
        return []
    done = {"set_aside": "left out of all counts", "report": "told, and counted all the same"}
    rows = [(f"`{one.id}`", text(one.title), code(one.must), done[one.action]) for one in checks]
    headings = ("check", "what must hold", "in SQL", "a record that breaks it is")
    return ["## What must hold between columns", table(headings, rows)]


# ---------------------------------------------------------------------------- Markdown


def text(said: str) -> str:
    r"""Text on one line, with the signs that Markdown or HTML would take for their own escaped.

    Examples
    --------
    >>> print(text("a | b and <c>"))
    a \| b and &lt;c>
    """
    line = " ".join(said.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*\[\]|])", r"\\\1", line)


def paragraphs(said: str) -> str:
    """Text of several paragraphs; a line cannot begin a heading, a list or a quotation."""
    parts = [text(one) for one in re.split(r"\n\s*\n", said.strip())]
    return "\n\n".join(re.sub(r"^(?=[#>+~=-])|(?<=^\d)(?=[.)])", r"\\", one) for one in parts)


def code(sql: str) -> str:
    """SQL on one line as a piece of code, inside or outside a table.

    Examples
    --------
    >>> code("a = 1  OR b")
    '`a = 1 OR b`'
    """
    line = " ".join(sql.split()).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence}{line}{fence}" if len(fence) == 1 else f"{fence} {line} {fence}"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; cells are Markdown already. A column without any content is left out."""
    kept = [at for at in range(len(headings)) if any(row[at] for row in rows)]
    lines = [[text(headings[at]) for at in kept], ["---"] * len(kept)]
    lines += [[row[at] for at in kept] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
