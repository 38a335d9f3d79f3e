"""Reading the monthly files of Maternity Services Monthly Statistics, one or many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spcbench.errors import InputError, OptionError, suggest
from spcbench_mis import dimension_file, measures_file, quality_file
from spcbench_mis.annual import looks_like_year
from spcbench_mis.monthly_text import cells_of, header_of, refuse_web_page

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.tables import Table

NAME = re.compile(r"msds-[a-z]{3}\d{4}.*(exp-(measures|data|dq|meta)|cqim).*", re.IGNORECASE)
"""Names of the publication's files; a workbook is known by nothing else before it is opened."""


def kind_of(header: Iterable[str]) -> str:
    """Which monthly file has these columns; empty for none.

    Parameters
    ----------
    header : iterable of str
        Plain names of columns (see `monthly_text.plain`).

    Returns
    -------
    str
        ``"measures"``, ``"data"``, ``"dq"`` or nothing.

    Examples
    --------
    >>> kind_of(["orgcode", "indicator", "currency", "value"])
    'measures'
    >>> kind_of(["period", "dimension", "orglevel", "orgcode"])
    'data'
    """
    found = set(header)
    if not found & {"orgcode", "orggeogcode"}:
        return ""
    if found >= measures_file.TELLING:
        return "measures"
    if found >= quality_file.TELLING:
        return "dq"
    dated = found & {"reportingperiodstartdate", "rpstartdate", "period"}
    return "data" if found >= dimension_file.TELLING and dated else ""


def looks_monthly(head: bytes, path: Path) -> bool:
    """Whether these are the first bytes of a monthly file.

    Parameters
    ----------
    head : bytes
        The beginning of the file, its first two lines at least.
    path : Path
        Its name tells workbooks apart.

    Returns
    -------
    bool
        A file with a `Period` is monthly unless its first row has a year there.

    Examples
    --------
    >>> looks_monthly(b"Org_Code,Indicator,Currency,Value", Path("x.csv"))
    True
    >>> looks_monthly(b"measure,unit,period,numerator,denominator", Path("x.csv"))
    False
    """
    if head.startswith(b"PK\x03\x04"):
        return NAME.fullmatch(path.name) is not None
    header = header_of(head)
    kind = kind_of(header)
    if kind != "data" or "period" not in header or "reportingperiodstartdate" in header:
        return bool(kind)
    row = cells_of(head, 2)
    place = header.index("period")
    return place < len(row) and not looks_like_year(row[place])


def read_month(path: Path) -> Table:
    """Counts from one monthly file, with every window.

    Parameters
    ----------
    path : Path
        A file of measures, of counts by dimension or of data quality.

    Returns
    -------
    Table
        Counts as `monthly_rows.counts_frame` makes them; `join_months` makes
        what `spcbench.read` gives of them.

    Raises
    ------
    InputError
        If it is missing, of another publication, or does not follow it.
    """
    from spcbench.tables import Table

    path = Path(path)
    data = _reader(path)(path)
    return Table(kind="counts", data=data, source=path.name, default_level="provider")


def join_months(tables: Sequence[Table]) -> Table:
    """One table from those of one or many months.

    Final figures replace provisional ones; of overlapping three-month windows
    every third stays, the latest among them.

    Parameters
    ----------
    tables : sequence of Table
        As `read_month` gives them.

    Raises
    ------
    InputError
        If two files say different things of one month.
    """
    from spcbench_mis.monthly_join import joined

    return joined(tables, windows="latest")


def join_all_windows(tables: Sequence[Table]) -> Table:
    """As `join_months`, with every window, overlapping or not."""
    from spcbench_mis.monthly_join import joined

    return joined(tables, windows="all")


def read_months(
    paths: str | Path | Iterable[str | Path],
    *,
    windows: str = "latest",
    fewest: int = 0,
    packs: Sequence[str] = (),
) -> Table:
    """Counts from the monthly files of a folder, a pattern or a list.

    Parameters
    ----------
    paths : str, Path or iterable of them
        Files; a folder or pattern stands for those in it.
    windows : str
        What becomes of overlapping three-month windows: ``"latest"`` keeps
        every third, ending with the latest; ``"quarters"`` those that end in
        March, June, September and December, so that points stay as months are
        added; ``"all"`` keeps all, for which control charts are not made.
    fewest : int
        Figures of fewer cases than this are left out, with the status
        ``insufficient_data``: in small figures rounding alone can look like a
        change. 50 is prudent for control charts.
    packs : sequence of str
        Only the measures of these packs, such as ``["cqim"]``; all if none is
        named. The others are let go file by file, so that they take no memory.

    Returns
    -------
    Table
        Counts, as `spcbench.read` gives them.

    Raises
    ------
    OptionError
        If `windows` is none of these, `fewest` is negative, or the files have
        no such pack.
    InputError
        As `spcbench.read`; or if no file holds a measure of these packs.
    """
    from dataclasses import replace

    from spcbench_mis.monthly_join import WINDOWS, joined, without_few

    if windows not in WINDOWS:
        raise OptionError(f"windows must be one of {', '.join(WINDOWS)}, not {windows!r}")
    if fewest < 0:
        raise OptionError(f"fewest must be 0 or more, not {fewest}")
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    files = [file for one in given for file in _files(Path(one))]
    if not files:
        raise InputError("there is no file to read; give the names of monthly files")
    asked = (packs,) if isinstance(packs, str) else tuple(packs)
    names = _pack_names(asked)
    table = joined([_only(read_month(file), names) for file in files], windows=windows)
    if not len(table.data):
        raise InputError(f"the files hold no measure of {', '.join(asked)}")
    source = files[0].name if len(files) == 1 else f"{len(files)} files"
    return replace(table, data=without_few(table.data, fewest), source=source)


def _pack_names(asked: Sequence[str]) -> set[str]:
    """Names with version of the packs that are asked for, by these or by ids; of all if none is."""
    from spcbench_mis import indicator_packs, monthly_pack, quality_pack

    offered = (*indicator_packs(), monthly_pack(), quality_pack())
    for one in asked:
        if all(one not in (pack.id, pack.name) for pack in offered):
            known = [pack.id for pack in offered]
            raise OptionError(f"monthly files have no pack {one!r}; {suggest(one, known)}")
    return {pack.name for pack in offered if not asked or {pack.id, pack.name} & set(asked)}


def _only(table: Table, packs: set[str]) -> Table:
    """Counts of the measures of some packs."""
    from dataclasses import replace

    measure = table.data["measure"].cat
    wanted = [name.rpartition(":")[0] in packs for name in measure.categories]
    if all(wanted):
        return table
    return replace(table, data=table.data[np.array(wanted)[measure.codes.to_numpy()]])


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(one for one in path.iterdir() if one.suffix.lower() in (".csv", ".xlsx"))
    elif not path.exists() and any(sign in path.name for sign in "*?["):
        found = sorted(path.parent.glob(path.name))
    else:
        return [path]
    if not found:
        raise InputError(f"there is no file in {path}; check the name and the folder")
    return found


def _reader(path: Path) -> Callable[[Path], pd.DataFrame]:
    """What reads a file of this kind."""
    if "exp-meta" in path.name.casefold():
        raise InputError(
            f"{path.name} holds definitions and no counts; move it away, or choose the others "
            "with a pattern such as 'msds/*.csv'"
        )
    kind = kind_of(_header(path))
    readers = {
        "measures": measures_file.measures_counts,
        "data": dimension_file.dimension_counts,
        "dq": quality_file.quality_counts,
    }
    if kind not in readers:
        raise InputError(
            f"{path.name} is not a file of Maternity Services Monthly Statistics: its first line "
            "has the columns of none of them (measures, data, dq)"
        )
    return readers[kind]


def _header(path: Path) -> list[str]:
    if path.suffix.lower() == ".xlsx":
        from spcbench_mis.monthly_text import sheet_header

        return sheet_header(path)
    try:
        with path.open("rb") as opened:
            head = opened.read(65_536)
        refuse_web_page(head, path.name)
        return header_of(head)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
