"""The SQL that scans record files where they lie, and what may be said of their faults."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spcbench.errors import InputError
from spcbench.text_files import LINE_BYTES_MAX, bounded_lines, is_gzip, opened

RAGGED = {"MISSING COLUMNS": "too few cells", "TOO MANY COLUMNS": "too many cells"}
"""What DuckDB calls the rows that are set aside; any other fault of a CSV file stops the count."""


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def named(column: str) -> str:
    """A name as an SQL identifier."""
    return '"' + column.replace('"', '""') + '"'


def scan_sql(
    form: str,
    paths: Sequence[str],
    options: Mapping[str, Any],
    columns: Sequence[str] | None,
    *,
    every_line: bool = False,
) -> str:
    """The SQL to scan files of one form.

    Parameters
    ----------
    form : str
        ``"csv"``, ``"parquet"`` or ``"json"``.
    paths : sequence of str
        The files; no sign in their names is taken for a pattern.
    options : mapping
        What the reader found out.
    columns : sequence of str, optional
        The wanted columns of JSON lines; None finds out which there are.
    every_line : bool
        Whether to look at every line to find out, or at the first 20,000.
    """
    listed = "[" + ", ".join(quoted(_literally(path)) for path in paths) + "]"
    if form == "parquet":
        return f"read_parquet({listed}, hive_partitioning=false)"
    packed = ", compression='gzip'" if all(is_gzip(Path(path)) for path in paths) else ""
    if form == "json":
        # As text, so that each field is converted by its declared type and nothing is guessed.
        texts = f", columns={_texts(columns or ())}"
        if columns is None:  # without the threshold a wide record would be taken for one column
            texts = ", records=true, map_inference_threshold=-1"
            texts += ", sample_size=-1" if every_line else ""
        return f"read_json({listed}, format='newline_delimited'{texts}{packed})"
    return (
        f"read_csv({listed}, auto_detect=false, header=true, quote='\"', escape='\"', nullstr='', "
        f"delim={quoted(options['delimiter'])}, columns={_texts(options['columns'])}, "
        f"store_rejects=true{packed})"
    )


def readable_copy(path: str, options: Mapping[str, Any], folder: Path) -> str:
    """The path of a file that the engine can read: its own, or that of a copy in UTF-8.

    Parameters
    ----------
    path : str
        The file.
    options : mapping
        Its ``encoding`` if the engine cannot read it.
    folder : Path
        Where a copy goes; the caller removes it.
    """
    encoding = options.get("encoding")
    if encoding is None:
        return path
    copy = folder / f"{len(list(folder.iterdir()))}.txt"
    with opened(Path(path), encoding) as source, copy.open("x", encoding="utf-8", newline="") as to:
        shutil.copyfileobj(source, to, 1 << 20)
    return str(copy)


def fault_of_csv(fault: str) -> str:
    """A fault that stops the count, in words."""
    if fault == "UNQUOTED VALUE":
        return "a quotation mark is opened and not closed; close it, or double it inside a cell"
    if fault == "INVALID ENCODING":
        return "the text is not UTF-8; save the file as 'CSV UTF-8'"
    if fault == "LINE SIZE OVER MAXIMUM":
        return f"the line is longer than {LINE_BYTES_MAX:,} bytes; a line end may be missing"
    return f"the row cannot be read ({fault.lower()})"


def fault_of_scan(form: str, path: str, error: Exception) -> InputError:
    """Why a file could not be scanned, without a word of what it holds.

    Parameters
    ----------
    form : str
        ``"csv"``, ``"parquet"``, ``"json"`` or ``"frame"``.
    path : str
        The file, or the name of the table.
    error : Exception
        What the engine said.
    """
    name = path if form == "frame" else Path(path).name
    if form == "json":
        return InputError(f"{name}: cannot be read ({_json_fault(Path(path))})")
    if form == "parquet":
        return InputError(f"{name}: cannot be read (it is damaged; copy or write it again)")
    if form == "csv" and "invalid state" in str(error):
        return InputError(f"{name}, {_odd_end(Path(path))}; save it again in one program")
    return InputError(f"{name}: cannot be read ({_without_content(error)})")


def _without_content(error: Exception) -> str:
    """The first line of an engine's message; what stands in it in quotes may be a cell."""
    first = (str(error).splitlines() or [type(error).__name__])[0]
    bare = re.sub(r"\"[^\"]*\"|'[^']*'|\"[^\"]*$|'[^']*$", "…", first)
    return bare.partition("…")[0].rstrip(" :") or type(error).__name__


def _odd_end(path: Path) -> str:
    """The first line that ends otherwise than the first one, or what else may be wrong."""
    sure = re.compile(r"\r\n|\n|\r")
    with opened(path, "latin-1") as handle:  # which letters there are does not matter here
        first = ""
        inside = False
        for number, line in enumerate(bounded_lines(handle, path), 1):
            ends = sure.findall(line)
            first = first or (ends[0] if ends else "")
            inside = inside != (line.count('"') % 2 == 1)
            if ends and not inside and ends != [first]:
                return f"line {number} does not end as line 1 does (CR LF, LF or CR)"
    return "line 1: a quotation mark stands where none may, or lines end in different ways"


def _json_fault(path: Path) -> str:
    """The first line that is no object, found by reading as the standard says."""
    try:
        with opened(path) as handle:
            for number, line in enumerate(bounded_lines(handle, path), 1):
                fault = _fault_of_line(line)
                if fault:
                    return f"line {number} {fault}"
    except (OSError, UnicodeDecodeError):
        return "it is damaged"
    return "it is not as JSON lines must be: one object a line, with plain names"


def _fault_of_line(line: str) -> str:
    if not line.strip():
        return ""
    repeated: list[str] = []

    def noted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        repeated.extend(name for name in names if names.count(name) > 1)
        return dict(pairs)

    try:
        found = json.loads(line, object_pairs_hook=noted)
    except (ValueError, RecursionError):
        return "is not a whole JSON object"
    if not isinstance(found, dict):
        return "is not a JSON object"
    return "names a field twice" if repeated else ""


def _literally(path: str) -> str:
    """A path whose signs DuckDB does not take for a pattern."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)


def _texts(columns: Iterable[str]) -> str:
    return "{" + ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in columns) + "}"
