"""Values of options that are more than one word: pairs, lists, spans of dates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from spcbench.errors import OptionError


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE as a mapping.

    Raises
    ------
    OptionError
        If one is not written so, or a name is given twice.

    Examples
    --------
    >>> pairs("reference", ["England=0.72"])
    {'England': '0.72'}
    """
    made: dict[str, str] = {}
    for one in given:
        name, equals, value = one.rpartition("=")
        if not equals or not name.strip() or not value.strip():
            raise OptionError(f"--{option} {one!r} must be written as NAME=VALUE")
        if name.strip() in made:
            raise OptionError(f"--{option} {name.strip()!r} is given twice; keep one of them")
        made[name.strip()] = value.strip()
    return made


def references(given: Sequence[str], published: str | None = None) -> dict[str, float] | str:
    """Lines to draw: by label, or what `published` asks for.

    Raises
    ------
    OptionError
        If one is not NAME=NUMBER, or both are given.

    Examples
    --------
    >>> references(["England=0.72"]), references([], "published")
    ({'England': 0.72}, 'published')
    """
    if published is not None:
        if given:
            raise OptionError(
                "--reference and --references do not go together; give the lines you want with "
                "--reference"
            )
        return published
    made = {}
    for label, value in pairs("reference", given).items():
        try:
            made[label] = float(value)
        except ValueError as error:
            raise OptionError(f"--reference {label!r} needs a number, not {value!r}") from error
    return made


def numbers(option: str, given: str | None) -> list[float] | None:
    """Numbers with commas between them, or None.

    Raises
    ------
    OptionError
        If one of them is none.

    Examples
    --------
    >>> numbers("sigmas", "2,3")
    [2.0, 3.0]
    """
    if given is None:
        return None
    try:
        return [float(one) for one in given.split(",")]
    except ValueError as error:
        raise OptionError(
            f"--{option} {given!r} must be numbers with commas between them, such as 2,3"
        ) from error


def span(option: str, given: str | None) -> tuple[str, str] | None:
    """Two dates with dots between them, or None.

    Raises
    ------
    OptionError
        If it is written in another way.

    Examples
    --------
    >>> span("before", "2023-01..2023-12")
    ('2023-01', '2023-12')
    """
    if given is None:
        return None
    first, dots, last = given.partition("..")
    if not (dots and first.strip() and last.strip()):
        raise OptionError(f"--{option} {given!r} must be two dates, such as 2023-01-01..2023-12-01")
    return first.strip(), last.strip()


def mapped_columns(maps: Iterable[str]) -> dict[str, str]:
    """What `--map` was given, for ``columns=``.

    Parameters
    ----------
    maps : iterable of str
        Each ``name=expression``; the first equals sign separates them.

    Raises
    ------
    OptionError
        If one has no equals sign or no name, or a name comes twice.

    Examples
    --------
    >>> mapped_columns(["ga_days=gestation weeks*7+days", "given=answer = 'Y'"])
    {'ga_days': 'gestation weeks*7+days', 'given': "answer = 'Y'"}
    """
    columns: dict[str, str] = {}
    for one in maps:
        name, sign, expression = one.partition("=")
        name = name.strip()
        if not (sign and name and expression.strip()):
            raise OptionError(
                f"--map {one!r} must look like NAME=EXPRESSION, such as "
                'ga_days="gestation weeks*7+days"'
            )
        if name in columns:
            raise OptionError(f"--map gives {name!r} twice; keep one of them")
        columns[name] = expression.strip()
    return columns
