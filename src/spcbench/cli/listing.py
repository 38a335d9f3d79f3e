"""Printing what there is, as columns for people or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def print_json(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one JSON array of objects."""
    click.echo(json.dumps(rows, ensure_ascii=False, indent=2))


def print_columns(headings: Sequence[str], rows: Sequence[Sequence[str]], *, none: str) -> None:
    """Print rows under headings, or the sentence `none` when there are no rows."""
    if not rows:
        click.echo(none)
        return
    table = [headings, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
