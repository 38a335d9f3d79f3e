"""Write a report to a file; the ending of its name chooses the format."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from spcbench.errors import OptionError

if TYPE_CHECKING:
    from spcbench.plugin.host import PluginHost
    from spcbench.report import Report

DISCLOSURE = ("none",)
"""The kinds of disclosure control that exist."""


def write(
    report: Report,
    path: str | os.PathLike[str],
    *,
    disclosure: str = "none",
    host: PluginHost | None = None,
) -> tuple[Path, ...]:
    """Write a report.

    Everything is drawn before anything is written, and every file appears
    under its name only when it is whole.

    Parameters
    ----------
    report : Report
        What to write; results are put into one with ``Report([charts, funnels])``.
    path : str or path
        Its ending chooses the format. A format of several tables writes the
        main one there and the others beside it (``out.summary.csv``). Files
        of these names are replaced.
    disclosure : str
        ``"none"``, the only one so far: numbers are written as they are.
    host : PluginHost, optional
        Where formats are looked up; the cached default host by default.

    Returns
    -------
    tuple of Path
        The files written, the main one first.

    Raises
    ------
    OptionError
        If no format has that ending, the folder does not exist or cannot be
        written to, or `disclosure` is another word.
    PluginError
        If the format failed; its error is the cause. Nothing is then written.
    """
    if hasattr(report, "summary"):  # a result by itself
        raise OptionError(
            f"write() takes a Report, not {type(report).__name__}: "
            "sb.write(sb.Report([charts], title='…'), path)"
        )
    if disclosure not in DISCLOSURE:
        raise OptionError(
            f"disclosure must be {' or '.join(map(repr, DISCLOSURE))}, not {disclosure!r}: "
            "suppression and rounding are not part of this version"
        )
    target = Path(path)
    check_folder(target)
    if host is None:
        from spcbench.plugin.host import default_host

        host = default_host()
    chosen = host.format_for_suffix(target)
    with host.using(chosen):
        files = _named(chosen.render(report), target, suffix=chosen.suffix)
    return write_files(files)


def check_folder(target: Path) -> None:
    """Refuse a file in a folder that does not exist.

    Raises
    ------
    OptionError
        If there is no such folder.
    """
    if not target.parent.is_dir():
        raise OptionError(
            f"cannot write {target.name!r}: there is no folder {str(target.parent)!r}; "
            "create it first"
        )


def _named(
    rendered: bytes | Mapping[str, bytes], target: Path, *, suffix: str
) -> dict[Path, bytes]:
    """Each file's name and bytes: ``{"": ..., "summary": ...}`` beside `target`."""
    parts = {"": rendered} if isinstance(rendered, bytes) else rendered
    if not isinstance(parts, Mapping) or not all(isinstance(one, bytes) for one in parts.values()):
        raise TypeError(
            "render must give bytes, or a mapping of names to bytes; "
            f"it gave {type(rendered).__name__}"
        )
    odd = [part for part in parts if part and not re.fullmatch(r"[A-Za-z0-9_-]+", part)]
    if odd:
        raise ValueError(
            f"render must name its parts by letters, digits, '-' and '_'; it gave {odd[0]!r}"
        )
    stem, ending = target.name[: -len(suffix)], target.name[-len(suffix) :]
    return {
        target.with_name(f"{stem}.{part}{ending}" if part else target.name): content
        for part, content in parts.items()
    }


def write_files(files: Mapping[Path, bytes]) -> tuple[Path, ...]:
    """Write files whole: each appears under its name only when all its bytes are there.

    Parameters
    ----------
    files : mapping of Path to bytes
        At least one; files of these names are replaced.

    Returns
    -------
    tuple of Path
        The files, in order.

    Raises
    ------
    OptionError
        If one cannot be written.
    """
    for final in files:
        if final.is_dir():
            raise OptionError(f"cannot write {str(final)!r}: it is a folder; choose another name")
    waiting: list[tuple[Path, Path]] = []
    try:
        for final, content in files.items():
            waiting.append((_temporary(final, content), final))
        while waiting:
            waiting[0][0].replace(waiting[0][1])
            waiting.pop(0)
    except OSError as error:
        where = str(next(iter(files)))
        raise OptionError(
            f"cannot write {where!r}: {error.strerror or error}; write to another folder"
        ) from error
    finally:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)
    return tuple(files)


def _temporary(final: Path, content: bytes) -> Path:
    """Write a file of a passing name into the same folder, so that renaming is one step."""
    # Not from tempfile, whose files only their owner may read.
    temporary = final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary
