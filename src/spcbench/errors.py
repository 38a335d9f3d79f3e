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
    """

    def __init__(self, kind: str, name: str, choices: Iterable[str]) -> None:
        super().__init__(f"there is no {kind} {name!r}; {suggest(name, choices)}")


class AmbiguousNameError(OptionError):
    """Several things share that name."""


class PackError(SpcbenchError):
    """A measure pack breaks the format."""


class ExpressionError(PackError):
    """An expression is outside the SQL that a pack may use."""


class PluginError(SpcbenchError):
    """A plugin could not be loaded, or failed in use."""


def suggest(name: str, choices: Iterable[str]) -> str:
    """Near matches first, then every choice, as the end of a sentence.

    Parameters
    ----------
    name : str
        The name that was not found.
    choices : iterable of str
        The names that exist.

    Returns
    -------
    str
        A clause for an error message.

    Examples
    --------
    >>> suggest("mdc-2032", ["mdc-2023-11", "nelson-1984"])
    "did you mean 'mdc-2023-11'? Known: mdc-2023-11, nelson-1984"
    """
    known = sorted(set(choices))
    if not known:
        return "none is known here"
    listed = "Known: " + ", ".join(known)
    by_lower = {choice.lower(): choice for choice in known}
    near = get_close_matches(name.lower(), by_lower, n=3)
    if not near:
        return listed
    return "did you mean " + " or ".join(repr(by_lower[n]) for n in near) + f"? {listed}"
