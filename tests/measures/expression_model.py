"""The subset a second time: a grammar that draws expressions, and what each means.

`Drawn` pairs a text with a Python function of one record, written from the
page on packs and not from the code: true, false and unknown are True, False
and None. The tests compare it with what the engines make of the text.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import Any, NamedTuple

from hypothesis import strategies as st

from spcbench.measures.measure import Field

FIELDS = (
    Field(name="n", type="number"),
    Field(name="k", type="integer"),
    Field(name="t", type="text"),
    Field(name="u", type="text"),
    Field(name="b", type="boolean"),
    Field(name="c", type="boolean"),
    Field(name="d", type="date"),
    Field(name="e", type="date"),
    Field(name="m", type="datetime"),
    Field(name="w", type="datetime"),
)
KINDS = ("number", "text", "boolean", "date", "datetime")
NAMES = {
    "number": ("n", "k"),
    "text": ("t", "u"),
    "boolean": ("b", "c"),
    "date": ("d", "e"),
    "datetime": ("m", "w"),
}

Record = dict[str, Any]


class Drawn(NamedTuple):
    text: str
    value: Callable[[Record], Any]


NUMBERS = [
    None, 0.0, -0.0, 1.0, -1.0, 2.0, 7.0, 0.5, 1.5, 2.5, -2.5, 0.125, 2.675, 1.005, 2.49999999995,
    1e-11, 154.0, 209.0, 36.5, 12345678.015, 123456789012345.67, 9007199254740993.0, 1e27, 1e28,
    1e300, -1e300, 5e-324, math.inf, -math.inf, math.nan,
]  # fmt: skip
TEXTS = [
    None, "", "a", "A", " a ", "\ta\r\n", "\u00a0a", "a\u2003", "RJ1", "rj1", "it's", "a\\b", "a%b",
    "a_b", "é", "É", "e\u0301", "ß", "ŉ", "ﬁ", "İ", "Σ", "ΑΣ", "ŵ", "\U0001f600", "a\nb",
    "${env:HOME}", "$", "{{b}}", "--", "null", "ᾳ",
]  # fmt: skip
DAYS = [
    None, dt.date(2024, 2, 29), dt.date(2024, 1, 1), dt.date(2023, 12, 31), dt.date(1900, 1, 1),
    dt.date(2100, 12, 31), dt.date(2024, 3, 31), dt.date(2024, 4, 1),
]  # fmt: skip
MOMENTS = [
    None, dt.datetime(2024, 2, 29), dt.datetime(2024, 2, 29, 23, 59, 59, 999999),
    dt.datetime(2024, 3, 31, 1, 30), dt.datetime(2024, 1, 1, 0, 0, 0, 500000),
    dt.datetime(2023, 12, 31, 23, 59, 59), dt.datetime(1900, 1, 1), dt.datetime(2100, 12, 31, 12),
    dt.datetime(2024, 1, 1, 10, 1, 59),
]  # fmt: skip
CELLS = {
    "number": NUMBERS, "text": TEXTS, "boolean": [None, True, False], "date": DAYS,
    "datetime": MOMENTS,
}  # fmt: skip

RECORDS = st.lists(
    st.fixed_dictionaries(
        {name: st.sampled_from(CELLS[kind]) for kind in KINDS for name in NAMES[kind]}
    ),
    min_size=1,
    max_size=8,
)


# -- what each piece means -----------------------------------------------------------


def strict(work: Callable[..., Any]) -> Callable[..., Any]:
    """Unknown where any part is unknown."""
    return lambda *parts: None if any(part is None for part in parts) else work(*parts)


def order(value: Any) -> Any:
    """A key that sorts as the engines do: NaN equals itself and is above every number."""
    if isinstance(value, float):
        return (1, 0.0) if math.isnan(value) else (0, value)
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    return value


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: order(a) == order(b),
    "<>": lambda a, b: order(a) != order(b),
    "!=": lambda a, b: order(a) != order(b),
    "<": lambda a, b: order(a) < order(b),
    "<=": lambda a, b: order(a) <= order(b),
    ">": lambda a, b: order(a) > order(b),
    ">=": lambda a, b: order(a) >= order(b),
}


def conjunction(parts: list[Any]) -> bool | None:
    if any(part is False for part in parts):
        return False
    return None if None in parts else True


def disjunction(parts: list[Any]) -> bool | None:
    if any(part is True for part in parts):
        return True
    return None if None in parts else False


def negation(part: Any) -> bool | None:
    return None if part is None else not part


def between(value: Any, low: Any, high: Any) -> bool | None:
    compare = {sign: strict(COMPARE[sign]) for sign in (">=", "<=")}
    return conjunction([compare[">="](value, low), compare["<="](value, high)])


def plus(a: float, b: float) -> float:
    return a + b


def times(a: float, b: float) -> float:
    return a * b


def divided(a: float, b: float) -> float | None:
    if b == 0:
        return None
    return a / b


def remainder(a: float, b: float) -> float | None:
    if b == 0:
        return None
    return math.nan if math.isinf(a) or math.isnan(a) or math.isnan(b) else math.fmod(a, b)


def rounded(value: float, places: int) -> float | None:
    if not math.isfinite(value) or abs(value) >= 1e28:
        return None
    exact = Decimal(repr(value)).quantize(Decimal("1e-10"), ROUND_HALF_UP, _CONTEXT)
    return float(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _CONTEXT)) + 0.0


def elapsed(seconds: int) -> Callable[[Any, Any], float]:
    def whole(start: Any, end: Any) -> float:
        micros = (order(end) - order(start)) // dt.timedelta(microseconds=1)
        units = abs(micros) // (seconds * 1_000_000)
        return float(units if micros >= 0 else -units)

    return whole


PARTS: dict[str, Callable[[Any], float]] = {
    "year": lambda day: float(day.year),
    "quarter": lambda day: float((day.month + 2) // 3),
    "month": lambda day: float(day.month),
    "day": lambda day: float(day.day),
    "weekday": lambda day: float(day.isoweekday()),
}
CLOCK: dict[str, Callable[[Any], float]] = {
    "hour": lambda moment: float(moment.hour),
    "minute": lambda moment: float(moment.minute),
}
_CONTEXT = Context(prec=60)


def lower(text: str) -> str:
    return "".join({"İ": "i", "Σ": "σ"}.get(mark, mark.lower()) for mark in text)


def upper(text: str) -> str:
    single = {"ß": "ẞ", "ᾳ": "ᾼ"}
    return "".join(
        single.get(mark, mark.upper() if len(mark.upper()) == 1 else mark) for mark in text
    )


def like(text: str, pattern: str) -> bool:
    made = "".join({"%": ".*", "_": "."}.get(mark, re.escape(mark)) for mark in pattern)
    return re.fullmatch(made, text, re.DOTALL) is not None


def least(parts: list[Any], *, greatest: bool) -> Any:
    present = [part for part in parts if part is not None]
    if not present:
        return None
    return (max if greatest else min)(present, key=order)


def first_known(parts: list[Any]) -> Any:
    return next((part for part in parts if part is not None), None)


# -- the grammar ---------------------------------------------------------------------


@cache
def expressions(kind: str, depth: int) -> st.SearchStrategy[Drawn]:
    """Expressions of a kind, so many levels deep at most."""
    if depth == 0:
        return leaf(kind)
    return st.one_of(leaf(kind), choice(kind, depth), *ROOMS[kind](depth - 1))


def leaf(kind: str) -> st.SearchStrategy[Drawn]:
    columns = st.sampled_from(NAMES[kind]).map(
        lambda name: Drawn(name, lambda record: record[name])
    )
    return st.one_of(columns, literal(kind))


def literal(kind: str) -> st.SearchStrategy[Drawn]:
    cells = [
        cell
        for cell in CELLS[kind]
        if cell is not None
        and not (isinstance(cell, float) and (not math.isfinite(cell) or cell < 0))
        and not (isinstance(cell, dt.datetime) and cell.microsecond)
    ]
    return st.sampled_from(cells).map(lambda cell: Drawn(written(cell), lambda record: cell))


def written(cell: Any) -> str:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return repr(cell).lstrip("-")
    if isinstance(cell, dt.datetime):
        return f"TIMESTAMP '{cell:%Y-%m-%d %H:%M:%S}'"
    if isinstance(cell, dt.date):
        return f"DATE '{cell:%Y-%m-%d}'"
    return "'" + cell.replace("'", "''") + "'"


@st.composite
def choice(draw: Any, kind: str, depth: int) -> Drawn:
    """CASE, COALESCE, LEAST and GREATEST, which any kind may be."""
    form = draw(st.sampled_from(["case", "case_of", "coalesce", "least", "greatest"]))
    results = draw(st.lists(expressions(kind, depth - 1), min_size=2, max_size=3))
    if form in ("coalesce", "least", "greatest"):
        text = f"{form}({', '.join(one.text for one in results)})"

        def chosen(record: Record) -> Any:
            parts = [one.value(record) for one in results]
            return (
                first_known(parts)
                if form == "coalesce"
                else least(parts, greatest=form == "greatest")
            )

        return Drawn(text, chosen)
    *branches, last = results
    default = last if draw(st.booleans()) else None
    if form == "case":
        whens = [draw(expressions("boolean", depth - 1)) for _ in branches]
        head, test = "CASE", lambda record, when: when.value(record) is True
    else:
        of = draw(st.sampled_from(KINDS))
        subject = draw(expressions(of, depth - 1))
        whens = [draw(expressions(of, depth - 1)) for _ in branches]
        head = f"CASE {subject.text}"

        def test(record: Record, when: Drawn) -> bool:
            return strict(COMPARE["="])(subject.value(record), when.value(record)) is True

    body = "".join(
        f" WHEN {when.text} THEN {one.text}" for when, one in zip(whens, branches, strict=True)
    )
    tail = f" ELSE {default.text}" if default else ""

    def picked(record: Record) -> Any:
        for when, one in zip(whens, branches, strict=True):
            if test(record, when):
                return one.value(record)
        return default.value(record) if default else None

    return Drawn(f"({head}{body}{tail} END)", picked)


def applied(
    pattern: str, work: Callable[..., Any], *parts: st.SearchStrategy[Drawn]
) -> st.SearchStrategy[Drawn]:
    """A piece whose meaning is a function of the values of its parts."""
    return st.tuples(*parts).map(
        lambda drawn: Drawn(
            pattern.format(*(one.text for one in drawn)),
            lambda record: work(*(one.value(record) for one in drawn)),
        )
    )


def numbers(depth: int) -> list[st.SearchStrategy[Drawn]]:
    inner = expressions("number", depth)
    moment = st.one_of(expressions("datetime", depth), expressions("date", depth))
    day = st.one_of(expressions("date", depth), expressions("datetime", depth))
    return [
        applied("({} + {})", strict(plus), inner, inner),
        applied("({} - {})", strict(lambda a, b: a - b), inner, inner),
        applied("({} * {})", strict(times), inner, inner),
        applied("({} / {})", strict(divided), inner, inner),
        applied("({} % {})", strict(remainder), inner, inner),
        applied("(- {})", strict(lambda a: -a), inner),
        applied("ABS({})", strict(abs), inner),
        applied("round({})", strict(lambda a: rounded(a, 0)), inner),
        *(
            applied(f"ROUND({{}}, {places})", strict(lambda a, p=places: rounded(a, p)), inner)
            for places in (0, 1, 2, 10)
        ),
        applied("minutes_between({}, {})", strict(elapsed(60)), moment, moment),
        applied("HOURS_BETWEEN({}, {})", strict(elapsed(3600)), moment, moment),
        applied("days_between({}, {})", strict(elapsed(86400)), moment, moment),
        *(applied(f"{part}({{}})", strict(work), day) for part, work in PARTS.items()),
        *(
            applied(f"{part}({{}})", strict(work), expressions("datetime", depth))
            for part, work in CLOCK.items()
        ),
    ]


def texts(depth: int) -> list[st.SearchStrategy[Drawn]]:
    inner = expressions("text", depth)
    return [
        applied("LOWER({})", strict(lower), inner),
        applied("upper({})", strict(upper), inner),
        applied("TRIM({})", strict(lambda text: text.strip(" \t\r\n\u00a0")), inner),
    ]


def booleans(depth: int) -> list[st.SearchStrategy[Drawn]]:
    inner = expressions("boolean", depth)
    kinds = st.sampled_from(KINDS)
    pairs = kinds.flatmap(lambda kind: st.tuples(*[expressions(kind, depth)] * 3))
    return [
        applied("({} AND {})", lambda *parts: conjunction(list(parts)), inner, inner),
        applied("({} OR {} OR {})", lambda *parts: disjunction(list(parts)), inner, inner, inner),
        applied("(NOT {})", negation, inner),
        *(
            pairs.map(
                lambda drawn, sign=sign: Drawn(
                    f"({drawn[0].text} {sign} {drawn[1].text})",
                    lambda record: strict(COMPARE[sign])(
                        drawn[0].value(record), drawn[1].value(record)
                    ),
                )
            )
            for sign in COMPARE
        ),
        applied(
            "({} < {})",
            strict(COMPARE["<"]),
            expressions("date", depth),
            expressions("datetime", depth),
        ),
        pairs.map(
            lambda drawn: Drawn(
                "({} BETWEEN {} AND {})".format(*(one.text for one in drawn)),
                lambda record: between(*(one.value(record) for one in drawn)),
            )
        ),
        pairs.map(
            lambda drawn: Drawn(
                f"({drawn[0].text} IS NOT NULL)", lambda record: drawn[0].value(record) is not None
            )
        ),
        pairs.map(
            lambda drawn: Drawn(
                f"({drawn[0].text} IS NULL)", lambda record: drawn[0].value(record) is None
            )
        ),
        applied("({} IS TRUE)", lambda part: part is True, inner),
        applied("({} IS NOT FALSE)", lambda part: part is not False, inner),
        membership(depth),
        likeness(depth),
    ]


@st.composite
def membership(draw: Any, depth: int) -> Drawn:
    kind = draw(st.sampled_from(["number", "text", "date", "datetime"]))
    value = draw(expressions(kind, depth))
    choices = draw(st.lists(literal(kind), min_size=1, max_size=3))
    negated = draw(st.booleans())

    def found(record: Record) -> bool | None:
        whether = disjunction(
            [strict(COMPARE["="])(value.value(record), one.value(record)) for one in choices]
        )
        return negation(whether) if negated else whether

    word = "NOT IN" if negated else "IN"
    return Drawn(f"({value.text} {word} ({', '.join(one.text for one in choices)}))", found)


@st.composite
def likeness(draw: Any, depth: int) -> Drawn:
    value = draw(expressions("text", depth))
    patterns = ["%", "_", "a%", "%a%", "RJ_", "a_b", "${env:HOME}", "%'%", "é", ""]
    pattern = draw(st.sampled_from(patterns))
    negated = draw(st.booleans())

    def found(record: Record) -> bool | None:
        whether = strict(like)(value.value(record), pattern)
        return negation(whether) if negated else whether

    quoted = pattern.replace("'", "''")
    return Drawn(f"({value.text} {'NOT LIKE' if negated else 'LIKE'} '{quoted}')", found)


ROOMS = {
    "number": numbers,
    "text": texts,
    "boolean": booleans,
    "date": lambda depth: [],
    "datetime": lambda depth: [],
}
ANY_KIND = st.sampled_from(KINDS).flatmap(
    lambda kind: st.tuples(st.just(kind), expressions(kind, 3))
)
