"""What a pack's TOML file says, with the files it includes and the definitions it follows."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from spcbench.errors import PackError, suggest

SECTIONS = ("pack", "field", "check", "definition", "measure", "composite")
SHARED = ("field", "check", "definition")
"""What a file that others include may hold."""

PACK_KEYS = ("id", "title", "version", "record", "source", "valid", "key", "include")

BYTES_MAX = 5 << 20
"""A pack is text that people write: a larger file is another kind of file."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.toml")

Tables = list[Mapping[str, Any]]


def pack_content(file: Path) -> dict[str, Any]:
    """The content of a pack's file: `pack`, and lists of the other sections.

    Parameters
    ----------
    file : Path
        The pack's own file. What it includes stands in the same folder.

    Returns
    -------
    dict
        With every section but ``definition``: measures that follow one hold
        its keys. Included fields and checks stand before the pack's own.

    Raises
    ------
    PackError
        If a file cannot be read, or its sections break the format.
    """
    content = _read(file)
    check_keys("the file", content, SECTIONS, ("pack", "measure"))
    head = _head(content["pack"])
    included = [_included(file, name) for name in _included_names(head, file)]
    found: dict[str, Tables] = {
        section: [table for one in (*included, content) for table in tables_of(one, section)]
        for section in SECTIONS[1:]
    }
    definitions = _by_id(found.pop("definition"))
    found["measure"] = [_followed(table, definitions) for table in found["measure"]]
    return {"pack": head, **found}


def tables_of(content: Mapping[str, Any], section: str) -> Tables:
    """The tables of one section; none if it is not there.

    Raises
    ------
    PackError
        If it is written otherwise than ``[[section]]``.
    """
    tables = content.get(section, [])
    if not isinstance(tables, list) or not all(isinstance(one, Mapping) for one in tables):
        raise PackError(f"{section} must be written [[{section}]], once for each")
    return tables


def check_keys(
    where: str, table: Mapping[str, Any], known: Sequence[str], needed: Iterable[str]
) -> None:
    """Refuse keys that are not known, and say which are missing."""
    for key in table:
        if key not in known:
            raise PackError(f"{where}: the key {key!r} is not known; {suggest(key, known)}")
    for key in needed:
        if key not in table:
            raise PackError(f"{where}: the key {key!r} is missing")


def _read(file: Path) -> dict[str, Any]:
    try:
        # Opening a pipe would wait for ever, and a device never ends.
        if not stat.S_ISREG(file.stat().st_mode):
            raise PackError("is not a file of text but a folder, a pipe or a device")
        with file.open("rb") as opened:
            content = opened.read(BYTES_MAX + 1)
    except OSError as error:
        raise PackError(f"cannot be read ({error.strerror})") from None
    if len(content) > BYTES_MAX:
        raise PackError(f"is larger than {BYTES_MAX >> 20} MB, which no pack is")
    try:
        return _parsed(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"is not valid TOML ({error})") from None


@lru_cache(maxsize=32)
def _parsed(content: bytes) -> dict[str, Any]:
    """The tables of a file; kept, because packs share the files they include."""
    return tomllib.loads(content.decode("utf-8"))


def _head(head: Any) -> Mapping[str, Any]:
    if not isinstance(head, Mapping):
        raise PackError("[pack] must be a table, written once")
    check_keys("[pack]", head, PACK_KEYS, ("id", "title", "version", "record"))
    for key, value in head.items():
        if key != "include" and not isinstance(value, str):
            raise PackError(f"[pack]: {key} must be text, not {value!r} (write it in quotes)")
    return head


def _included_names(head: Mapping[str, Any], file: Path) -> list[str]:
    names = head.get("include", [])
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise PackError('[pack]: include must be a list of files, such as ["record.toml"]')
    for name in names:
        # A pack may come from a stranger: it names nothing outside its own folder.
        if not _PLAIN.fullmatch(name):
            raise PackError(
                f"[pack]: include {name!r} must be the plain name of a .toml file in the same "
                "folder"
            )
        if name == file.name:
            raise PackError(f"[pack]: include names the pack's own file, {name!r}")
        if names.count(name) > 1:
            raise PackError(f"[pack]: include names {name!r} twice")
    return names


def _included(file: Path, name: str) -> dict[str, Any]:
    beside = file.with_name(name)
    try:
        # A link may lead anywhere, unless it is to where the pack itself is kept.
        if beside.resolve().parent not in (file.parent.resolve(), file.resolve().parent):
            raise PackError("is a link to a file outside the pack's folder")
        content = _read(beside)
        if "pack" in content:
            raise PackError(
                "has a [pack] of its own; an included file holds only "
                + ", ".join(f"[[{one}]]" for one in SHARED)
            )
        check_keys("the file", content, SHARED, ())
    except PackError as error:
        raise PackError(f"included file {name!r}: {error}") from None
    return content


def _by_id(definitions: Tables) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for one in definitions:
        name = one.get("id")
        if not isinstance(name, str):
            raise PackError("a [[definition]] has no id, by which measures follow it with like")
        if "like" in one:
            raise PackError(f"definition {name!r}: like goes with [[measure]] only")
        if name in found:
            raise PackError(f"definition {name!r} stands twice")
        found[name] = one
    return found


def _followed(
    table: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """A measure's keys over those of the definition that it is like."""
    if "like" not in table:
        return table
    like = table["like"]
    if not isinstance(like, str) or like not in definitions:
        where = f"measure {table.get('id', like)!r}"
        raise PackError(
            f"{where}: there is no [[definition]] {like!r} to be like; "
            f"{suggest(str(like), definitions)}"
        )
    own = {key: value for key, value in table.items() if key != "like"}
    return {**definitions[like], **own}
