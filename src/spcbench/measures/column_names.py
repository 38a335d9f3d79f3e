"""Names of columns: finding the one that is meant, and suggesting those near it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from spcbench.errors import InputError, suggest

LISTED_MAX = 40
"""How many names of columns a message lists."""

CHECK_FIRST = "check first: "
"""How a note begins that must be seen before counts are used."""

_LIKE_A_CELL = re.compile(r"[+-]?[0-9]+([.,:/-][0-9]+)*([ T][0-9:.]+)?")
"""A number, a date or a time: no name of a column."""


def squeezed(name: str) -> str:
    """A name without its capitals, blanks and marks.

    Examples
    --------
    >>> squeezed("GA_Days ") == squeezed("ga days")
    True
    """
    return re.sub(r"[\W_]+", "", name.casefold())


def column_meant(name: str, known: Sequence[str], source: str) -> str | None:
    """The column that a name means: the same, else one that differs in capitals or blanks.

    Parameters
    ----------
    name : str
        As somebody wrote it.
    known : sequence of str
        The columns of the table.
    source : str
        The table, for messages.

    Returns
    -------
    str or None
        None where there is none.

    Raises
    ------
    InputError
        If several columns could be meant.

    Examples
    --------
    >>> column_meant("gestation weeks", ["Unit", "Gestation_Weeks"], "births.csv")
    'Gestation_Weeks'
    """
    if name in known:
        return name
    alike = [one for one in known if squeezed(one) == squeezed(name)] if squeezed(name) else []
    if len(alike) > 1:
        listed = " or ".join(map(repr, alike))
        raise InputError(f"{source}: {name!r} may mean {listed}; write the name as it stands there")
    return alike[0] if alike else None


def suggest_columns(name: str, known: Iterable[str]) -> str:
    """Near names first, then the columns, as the end of a sentence.

    Parameters
    ----------
    name : str
        The name that was not found.
    known : iterable of str
        The columns of the table; not told where one of them is a number or a
        date, because a file without names begins with a record.

    Examples
    --------
    >>> suggest_columns("ga_days", ["GA Days", "unit"])
    "did you mean 'GA Days'? Known: GA Days, unit"
    """
    choices = list(dict.fromkeys(known))
    if any(_LIKE_A_CELL.fullmatch(one) for one in choices):
        # Told without the names: they may be those of a patient.
        return "its first row seems to hold a record; the names of the columns must stand there"
    alike = [one for one in choices if squeezed(one) == squeezed(name)]
    by_letters = {squeezed(one): one for one in reversed(choices)}
    close = [by_letters[one] for one in get_close_matches(squeezed(name), by_letters, n=3)]
    near = list(dict.fromkeys([*alike, *close]))[:3]
    if len(choices) <= LISTED_MAX and not near:
        return suggest(name, choices)
    listed = ", ".join(sorted(choices)[:LISTED_MAX])
    more = f" and {len(choices) - LISTED_MAX} more" if len(choices) > LISTED_MAX else ""
    meant = "did you mean " + " or ".join(map(repr, near)) + "? " if near else ""
    return f"{meant}Known: {listed}{more}"


def chosen_columns(
    names: Iterable[str], wanted: Sequence[str], beside: Sequence[str], source: str
) -> list[str]:
    """The wanted columns, and those beside them that the table has.

    Raises
    ------
    InputError
        If a wanted column is not there, naming near matches, then every
        column; if one of them stands twice; or if a column beside them stands
        there under almost its name, because it would be taken as unknown.
    """
    known = list(names)
    chosen = list(dict.fromkeys([*wanted, *(name for name in beside if name in known)]))
    repeated = sorted({name for name in chosen if known.count(name) > 1})
    if repeated:
        raise InputError(f"{source} has the column {repeated[0]!r} twice; keep one of them")
    lacking = [name for name in wanted if name not in known]
    if lacking:
        more = f" (also missing: {', '.join(lacking[1:])})" if len(lacking) > 1 else ""
        raise InputError(
            f"{source} has no column {lacking[0]!r}; {suggest_columns(lacking[0], known)}{more}"
        )
    for name in beside:
        almost = None if name in known else column_meant(name, known, source)
        if almost is not None:
            raise InputError(
                f"{source} has the column {almost!r}, which is called {name!r} in the pack; "
                "rename it"
            )
    return chosen
