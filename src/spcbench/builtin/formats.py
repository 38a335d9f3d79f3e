"""The formats that spcbench writes itself: csv, json, png, svg and pdf."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from spcbench.plugin import OutputFormat, hookimpl

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.report import Report, Section

SPCBENCH_API = 1

CHART_TABLES = {name: name for name in ("points", "signals", "summary", "advice")}
FUNNEL_TABLES = {
    "units": "units",
    "curve": "curve",
    "estimates": "estimates",
    "funnel_summary": "summary",
    "advice": "advice",
}
JSON_TABLES = (
    "points",
    "signals",
    "units",
    "curve",
    "estimates",
    "summary",
    "funnel_summary",
    "advice",
    "actions",
)


@hookimpl
def spcbench_formats() -> Iterable[OutputFormat]:
    """Offer the five built-in formats."""
    yield OutputFormat(
        id="csv", title="CSV tables", suffix=".csv", media_type="text/csv", render=csv_files
    )
    yield OutputFormat(
        id="json",
        title="JSON (tables, method and source)",
        suffix=".json",
        media_type="application/json",
        render=json_bytes,
    )
    yield OutputFormat(
        id="png", title="PNG picture", suffix=".png", media_type="image/png", render=_png
    )
    yield OutputFormat(
        id="svg", title="SVG picture", suffix=".svg", media_type="image/svg+xml", render=_svg
    )
    yield OutputFormat(
        id="pdf",
        title="PDF: pictures, and the words and tables of sections",
        suffix=".pdf",
        media_type="application/pdf",
        render=_pdf,
    )


def csv_files(report: Report) -> dict[str, bytes]:
    """Write the tables of a report as CSV.

    Parameters
    ----------
    report : Report
        Control charts, funnels or both.

    Returns
    -------
    dict of str to bytes
        The main table (`points`, or `units` where there are no charts) under
        ``""``, every other under its name; the summary of funnels beside
        charts is ``funnel_summary``, and ``actions`` is there where notes are.
        Tables of several results of one kind follow one another. Each table of
        a section is under its id, and the sections' words are in ``text``.
        ``method`` lists the schema version, how each result was made and the
        digest of its input. UTF-8, ISO dates, floats in full, missing empty;
        cells that a spreadsheet would run as a formula begin with an apostrophe.
    """
    tables = tables_of(report)
    if "summary" not in tables and "funnel_summary" in tables:
        tables["summary"] = tables.pop("funnel_summary")
    main = next(iter(tables))
    tables |= {one.id: one.frame for one in report.all_tables}
    if report.sections:
        tables["text"] = _text_table(report)
    tables["method"] = _method_table(report)
    return {"" if name == main else name: csv_bytes(table) for name, table in tables.items()}


def _text_table(report: Report) -> pd.DataFrame:
    """The words of the sections: paragraphs, and what is said of their tables."""
    import pandas as pd

    rows = [
        (section.title, table, text)
        for section in report.sections
        for table, text in (
            *(("", one) for one in section.text),
            *((one.id, one.note) for one in section.tables if one.note),
        )
    ]
    return pd.DataFrame(rows, columns=["section", "table", "text"])


def _method_table(report: Report) -> pd.DataFrame:
    """How each result was made and where its numbers came from, one row an entry."""
    import pandas as pd

    from spcbench.tables import SCHEMA_VERSION

    rows: list[tuple[int, str, str]] = [(0, "schema_version", SCHEMA_VERSION)]
    for place, result in enumerate(report.all_results, 1):
        for name, value in {**_plain(result.method), **_plain(result.provenance)}.items():
            text = "; ".join(map(str, value)) if isinstance(value, list) else value
            rows.append((place, name, "" if text is None else str(text)))
    return pd.DataFrame(rows, columns=["result", "name", "value"])


def json_bytes(report: Report) -> bytes:
    """Write a report as a versioned JSON envelope of its tables.

    Parameters
    ----------
    report : Report
        Control charts, funnels or both.

    Returns
    -------
    bytes
        UTF-8. Missing is null, dates are ISO, `rules` is an array and
        `evidence` an object. The same report gives the same bytes.
    """
    from spcbench import __version__
    from spcbench.tables import SCHEMA_VERSION

    tables = tables_of(report)
    plugins = {name for one in report.all_results for name in one.provenance.get("plugins", ())}
    envelope = {
        "schema_version": SCHEMA_VERSION,
        "generator": {"name": "spcbench", "version": __version__, "plugins": sorted(plugins)},
        "title": report.title,
        "results": [
            {
                "kind": "control_charts" if hasattr(one, "points") else "funnels",
                "method": _plain(one.method),
                "input_digest": one.provenance.get("input_digest"),
                "provenance": _plain(one.provenance),
            }
            for one in report.all_results
        ],
        **{name: _records(tables[name]) if name in tables else [] for name in JSON_TABLES},
        "sections": [_section(one) for one in report.sections],
    }
    return (json.dumps(envelope, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _section(section: Section) -> dict[str, Any]:
    """A section as JSON has it; its results stand with the others."""
    return {
        "title": section.title,
        "text": list(section.text),
        "tables": [
            {
                "id": one.id,
                "title": one.title,
                "note": one.note,
                "headings": dict(one.headings),
                "rows": _rows(one.frame),
            }
            for one in section.tables
        ],
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table that spcbench does not know: cells as they are, missing as null."""
    import pandas as pd

    return [
        {str(name): None if pd.isna(cell) else _plain(cell) for name, cell in row.items()}
        for row in frame.to_dict("records")
    ]


def tables_of(report: Report) -> dict[str, pd.DataFrame]:
    """The tables of a report by name, the main one first.

    Results of one kind follow one another in one table; charts and funnels
    are summed up in different columns, hence ``summary`` and
    ``funnel_summary``. A report without results has an empty table of points.
    """
    from spcbench import tables

    parts: dict[str, list[pd.DataFrame]] = {}
    for result in sorted(report.all_results, key=lambda one: not hasattr(one, "points")):
        for name, attribute in (
            CHART_TABLES if hasattr(result, "points") else FUNNEL_TABLES
        ).items():
            parts.setdefault(name, []).append(getattr(result, attribute))
        # A table of what was noted says something only where something was.
        if len(found := getattr(result, "actions", ())):
            parts.setdefault("actions", []).append(found)
    if not parts:
        return {"points": tables.POINTS.empty()}
    return {name: _joined(frames) for name, frames in parts.items()}


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    # Empty tables have nothing to add, and pandas warns about their types.
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Write one table as CSV, in the form that `csv_files` describes."""
    import pandas as pd

    shown = table.copy(deep=False)
    for name in shown.columns:
        if shown[name].dtype == "object":
            shown[name] = shown[name].map(_harmless)
        elif pd.api.types.is_string_dtype(shown[name].dtype):
            # Excel runs a cell that begins so: a unit's name must stay a name.
            formula = shown[name].str.match(r"[=+\-@\t\r]").fillna(False).astype(bool)
            shown[name] = shown[name].mask(formula, "'" + shown[name])
    text: str = shown.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")
    return text.encode("utf-8")


def _harmless(cell: Any) -> Any:
    """A cell of a column that mixes text with other things."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\t\r") else cell


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    columns = {name: list(_values(name, table[name])) for name in table.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(name: str, column: pd.Series[Any]) -> Iterator[Any]:
    """The cells of one column as JSON has them."""
    dated = column.dtype.kind == "M"
    for value, missing in zip(column.tolist(), column.isna().tolist(), strict=True):
        if name == "rules":
            yield [] if missing or not value else value.split(";")
        elif missing:
            yield None
        elif dated:
            yield value.date().isoformat()
        elif name == "evidence":
            yield json.loads(value) if value else {}
        else:
            yield value


def _plain(value: Any) -> Any:
    """Mappings, lists and dates inside a method as JSON has them."""
    import math

    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _png(report: Report) -> bytes:
    from spcbench.pictures.saving import only_picture, png_bytes

    plot, _, description = only_picture(report.all_results, suffix=".png")
    return png_bytes(plot, description=description)


def _svg(report: Report) -> bytes:
    from spcbench.pictures.saving import only_picture, svg_bytes

    plot, title, description = only_picture(report.all_results, suffix=".svg")
    return svg_bytes(plot, title=title, description=description)


def _pdf(report: Report) -> bytes:
    if report.sections:
        from spcbench.documents.report_pdf import report_pdf

        return report_pdf(report)
    from spcbench.pictures.saving import pdf_bytes, report_pages

    return pdf_bytes(report_pages(report.all_results), title=report.title)
