"""The errors spcbench raises, all of one family.

::

    SpcbenchError
    ├── InputError              the data are wrong: says where, and what was expected
    ├── OptionError             an argument or command-line option is wrong
    │   ├── UnknownNameError    no such measure, chart, rule set, format, reader …
    │   └── AmbiguousNameError  several plugins offer that name
    ├── PackError               a measure pack breaks the format
    │   └── ExpressionError     an expression is outside the permitted SQL
    └── PluginError             a plugin could not be loaded, or failed in use

Catch `SpcbenchError` to catch them all. The command line turns `OptionError`
into exit code 2 and every other into exit code 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SpcbenchError(Exception):
    """The base of every error that spcbench raises on purpose."""


class InputError(SpcbenchError):
    """The data are wrong."""


class OptionError(SpcbenchError):
    """An argument or a command-line option is wrong."""


class UnknownNameError(OptionError):
    """Nothing of that name exists.

    Parameters
    ----------
    kind : str
        What was looked for, such as ``"rule set"``.
    name : str
        The name that was asked for.
    choices : iterable of str
        Every name that would have done.
    meant : iterable of str
        Those of them that were surely meant, such as a measure by the name it was published under.
    """

    def __init__(
        self, kind: str, name: str, choices: Iterable[str], *, meant: Iterable[str] = ()
    ) -> None:
        super().__init__(f"there is no {kind} {name!r}; {suggest(name, choices, meant=meant)}")


class AmbiguousNameError(OptionError):
    """Several things share that name."""


class PackError(SpcbenchError):
    """A measure pack breaks the format."""


class ExpressionError(PackError):
    """An expression is outside the SQL that a pack may use."""


class PluginError(SpcbenchError):
    """A plugin could not be loaded, or failed in use."""


LISTED_MAX = 20
"""So many names are listed; more would hide the message."""


def suggest(name: str, choices: Iterable[str], *, meant: Iterable[str] = ()) -> str:
    """Near matches first, then every choice, as the end of a sentence.

    Parameters
    ----------
    name : str
        The name that was not found.
    choices : iterable of str
        The names that exist; of many, only some are told.
    meant : iterable of str
        Those of them to be told before the near matches.

    Returns
    -------
    str
        A clause for an error message.

    Examples
    --------
    >>> suggest("mdc-2032", ["mdc-2023-11", "nelson-1984"])
    "did you mean 'mdc-2023-11'? Known: mdc-2023-11, nelson-1984"
    >>> suggest("MgSO4", ["pop:mgso4", *map(str, range(100))])
    "did you mean 'pop:mgso4'? 100 others are known"
    """
    known = sorted(set(choices))
    if not known:
        return "none is known here"
    near = list(dict.fromkeys(meant)) or _near(name, known)
    asked = "did you mean " + " or ".join(map(repr, near)) + "?" if near else ""
    if len(known) <= LISTED_MAX:
        return f"{asked} Known: {', '.join(known)}".lstrip()
    if near:
        return f"{asked} {len(known) - len(near)} others are known"
    return f"Known: {', '.join(known[:LISTED_MAX])} and {len(known) - LISTED_MAX} more"


def _near(name: str, known: list[str]) -> list[str]:
    """The nearest of some names; of those that begin with their pack, by what comes after it."""
    by_lower = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), by_lower, n=3)
    if near:
        return [by_lower[one] for one in near]
    by_letters = {_letters(one): one for one in reversed(known)}
    return [by_letters[one] for one in get_close_matches(_letters(name), by_letters, n=3)]


def _letters(name: str) -> str:
    """Letters and digits of a name, without its pack."""
    return "".join(filter(str.isalnum, name.rpartition(":")[2].lower()))
