"""A scorecard as a file: CSV, JSON, or a page to read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from spcbench.pictures.words import number_text, scaled_text
from spcbench_mis.scorecard_actions import context_last, missing_items, next_dates, short_items
from spcbench_mis.scorecard_rows import unused_lines
from spcbench_mis.scorecard_words import ITEM_WORDS, SYMBOLS

if TYPE_CHECKING:
    from spcbench_mis.scorecard_table import Scorecard

SCHEMA_VERSION = 1
"""Of the JSON form."""

HEADS = {
    "Item": 24,
    "Figures (95% interval)": 16,
    "Mark": 9,
    "Figures are of": 10,
    "End of period": 9,
    "Verdict": 15,
    "Source, notes": 17,
}
"""Columns of the tables of items, and their widths in per cent."""

SHORT_HEADS = ("Item", "Figures (95% interval)", "Verdict", "End of period")
DATE_HEADS = ("Day (not verified)", "What", "Required items not yet met")
MISSING_HEADS = ("Action", "Items")
"""Columns of the tables before those of items."""

CAUTION = (
    "Every threshold and period here still has to be checked against the guidance of its year. "
    "A verdict tells what the period did; whether the process has changed is what control "
    "charts tell."
)
"""What every scorecard says."""

STYLE = """
body { font: 16px/1.5 Arial, sans-serif; color: #212b32; margin: 2rem auto; max-width: 80rem;
  padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem; }
caption { text-align: left; font-weight: bold; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem;
  border-bottom: 1px solid #d8dde0; }
table.items { table-layout: fixed; }
table.items th, table.items td { overflow-wrap: break-word; }
td.n, th.n { text-align: right; }
.more { color: #4c6272; font-size: .875rem; }
.caution { border-left: 4px solid #4c6272; padding: .2rem 1rem; }
ul { margin: 0; padding-left: 1.2rem; }
.day { white-space: nowrap; }
@media screen and (max-width: 48rem) {
  table.cards thead { position: absolute; left: -9999px; }
  table.cards, table.cards caption, table.cards tbody, table.cards tr, table.cards th,
  table.cards td { display: block; }
  table.cards tr { border-bottom: 2px solid #d8dde0; padding: .5rem 0; }
  table.cards th, table.cards td { border: 0; padding: .15rem 0; }
  table.cards td:empty { display: none; }
  table.cards td::before { content: attr(data-head) ": "; font-weight: bold; }
}
@media print { body { max-width: none; font-size: 11px; } tr { break-inside: avoid; } }
"""


def scorecard_csv(card: Scorecard) -> bytes:
    """The items of a scorecard, one row each, as CSV.

    Parameters
    ----------
    card : Scorecard
        What to write.

    Returns
    -------
    bytes
        UTF-8, which Excel recognises by its first bytes; numbers unrounded.
    """
    frame = _with_head(card)
    return bytes(frame.to_csv(index=False, lineterminator="\n").encode("utf-8-sig"))


def scorecard_json(card: Scorecard) -> bytes:
    """A scorecard as JSON: what it is about, its actions and its items.

    Parameters
    ----------
    card : Scorecard
        What to write.

    Returns
    -------
    bytes
        UTF-8; what is not known is null.
    """
    told = {
        "schema_version": SCHEMA_VERSION,
        "kind": "mis-scorecard",
        "scheme": card.year.title,
        "year": card.year.id,
        "unit": card.unit,
        "on": card.on.isoformat(),
        "declaration_due": card.year.declaration.isoformat(timespec="minutes"),
        "verdict": card.verdict,
        "caution": CAUTION,
        "actions": _plain(card.actions),
        "next_dates": _plain(next_dates(card.items, card.year, card.on)),
        "unused": _plain(card.unused),
        "items": _plain(card.items),
    }
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


def scorecard_html(card: Scorecard) -> bytes:
    """A scorecard as one page without scripts, to read or to print.

    Parameters
    ----------
    card : Scorecard
        What to write.

    Returns
    -------
    bytes
        UTF-8. Verdicts are words with a sign; nothing is told by colour.
    """
    title = f"{card.year.title}, {card.year.label}: {card.unit}"
    due = f"{card.year.declaration:%d %b %Y, %H:%M}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>As of {card.on:%d %b %Y}. Declaration of the Board due {due} (not verified). "
        f"All ten actions together: <strong>{_signed(card.verdict)}</strong>.</p>",
        f'<p class="caution">{escape(CAUTION)} A share short of a whole per cent is '
        "never rounded up to it.</p>",
        *(f"<p>{escape(one)}.</p>" for one in unused_lines(card.unused)),
        _action_table(card),
        *_ahead(card),
        *(_item_table(card, number) for number in card.actions["action"]),
    ]
    return (
        f'<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    ).encode()


def figures(row: Any) -> str:
    """The figures of one item as people read them; empty where nothing is known.

    Examples
    --------
    >>> figures({"kind": "statistic", "numerator": 19, "denominator": 20, "eligible": 24,
    ...          "value": 0.95, "lower_95": 0.751, "upper_95": 0.999})
    '19 of 20 = 95% (75.1% to 99.9%); 24 eligible, 4 not yet due'
    """
    if row["numerator"] is None or pd.isna(row["numerator"]):
        return ""
    if row["denominator"] is None or pd.isna(row["denominator"]):
        return f"{int(row['numerator']):,}"
    met, cases = int(row["numerator"]), int(row["denominator"])
    text = f"{met:,} of {cases:,}"
    if cases and row["value"] is not None and not pd.isna(row["value"]):
        text += f" = {_percent(met, cases)}"
    if not pd.isna(row["lower_95"]):
        ends = (scaled_text(100 * row[end], 100) for end in ("lower_95", "upper_95"))
        text += f" ({'% to '.join(ends)}%)"
    eligible = row["eligible"]
    if eligible is not None and not pd.isna(eligible) and int(eligible) > cases:
        text += f"; {int(eligible):,} eligible, {int(eligible) - cases:,} not yet due"
    return text


def _percent(met: int, cases: int) -> str:
    """A share rounded as on charts; what is short of a whole per cent never reads as if it were.

    Examples
    --------
    >>> _percent(28, 29), _percent(1899, 2000), _percent(19, 20), _percent(6469, 6472)
    ('96.6%', '94.95%', '95%', '99.95%')
    """
    share, mark = 100 * met / cases, -(-100 * met // cases)
    short = 100 * met < mark * cases
    told = (number_text(share, decimals=places) for places in (1, 2, 3))
    return next((f"{one}%" for one in told if not short or one != str(mark)), f"<{mark}%")


def _action_table(card: Scorecard) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{row['action']}. {escape(row['title'])}</th>"
        f"<td>{_signed(row['verdict'])}</td><td>{escape(row['counts'])}</td></tr>"
        for row in _plain(card.actions)
    )
    return _table("The ten safety actions", ("Action", "Verdict", "Required items"), rows)


def _ahead(card: Scorecard) -> list[str]:
    """What stands between the trust and the ten actions, and until when: before the items."""
    made = (
        ("Short of the mark, at risk or not settled", SHORT_HEADS, _short_rows(card)),
        ("Next dates", DATE_HEADS, _date_rows(card)),
        ("Required, and nothing is reported", MISSING_HEADS, _missing_rows(card)),
    )
    return [_table(title, heads, rows, kind="cards") for title, heads, rows in made if rows]


def _short_rows(card: Scorecard) -> str:
    return "".join(
        f"<tr><th scope='row'>{escape(row['title'])}<br><span class='more'>Safety action "
        f"{row['action']}, {escape(row['item'])}</span></th>"
        + _cells(
            SHORT_HEADS,
            escape(figures(row)),
            f"{SYMBOLS.get(row['verdict'], '')} {escape(row['verdict_text'])}{_more(row['note'])}",
            _day(row["due"]),
        )
        for row in _plain(short_items(card.items))
    )


def _date_rows(card: Scorecard) -> str:
    return "".join(
        f"<tr><th scope='row'>{_day(row['date'])}</th>"
        + _cells(DATE_HEADS, row["what"], str(row["open"]))
        for row in _plain(next_dates(card.items, card.year, card.on))
    )


def _missing_rows(card: Scorecard) -> str:
    made = []
    for number, own in missing_items(card.items).groupby("action", sort=True):
        listed = "".join(f"<li>{escape(title)}</li>" for title in own["title"])
        title = escape(own["action_title"].iloc[0])
        made.append(
            f"<tr><th scope='row'>{number}. {title}<br><span class='more'>{len(own)} of "
            f"{_required(card, int(number))}</span></th>"
            + _cells(MISSING_HEADS, f"<ul>{listed}</ul>")
        )
    return "".join(made)


def _required(card: Scorecard, number: int) -> int:
    own = card.actions.set_index("action")
    return int(own.loc[number, "required"])


def _cells(heads: Sequence[str], *cells: str) -> str:
    """The cells after the first of a row; on a narrow screen each has its head before it."""
    pairs = zip(heads[1:], cells, strict=True)
    return "".join(f"<td data-head='{head}'>{cell}</td>" for head, cell in pairs) + "</tr>"


def _day(iso: str) -> str:
    return f"<span class='day'>{date.fromisoformat(iso):%d %b %Y}</span>"


def _more(text: str) -> str:
    return f"<br><span class='more'>{escape(text)}</span>" if text else ""


def _table(caption: str, heads: Sequence[str], rows: str, *, kind: str = "") -> str:
    columns = "".join(f"<th scope='col'>{head}</th>" for head in heads)
    return (
        f"<table class='{kind}'><caption>{caption}</caption><thead><tr>{columns}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _item_table(card: Scorecard, number: int) -> str:
    own = context_last(card.items[card.items["action"].eq(number)])
    columns = "".join(
        f"<th scope='col' style='width:{width}%'>{head}</th>" for head, width in HEADS.items()
    )
    rows = "".join(_item_row(row) for row in _plain(own))
    title = f"{number}. {card.actions.set_index('action').loc[number, 'title']}"
    return (
        f"<table class='items cards'><caption>{escape(str(title))}</caption>"
        f"<thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _item_row(row: dict[str, Any]) -> str:
    required = "" if row["required"] else "<br><span class='more'>For context; not required</span>"
    mark = escape(row["threshold"])
    if mark:
        mark += f"<br><span class='more'>{escape(row['threshold_of'])}</span>"
    ends = list(dict.fromkeys(row[end] for end in ("first", "last") if row[end]))
    period = " to ".join(map(_day, ends))
    sign = SYMBOLS.get(row["verdict"], "")
    notes = "".join(f"<br><span class='more'>{part}</span>" for part in _notes(row))
    said = (
        escape(figures(row)),
        mark,
        period,
        _day(row["due"]),
        f"{sign} {escape(row['verdict_text'])}".strip(),
        f"{escape(row['source'])}{notes}",
    )
    return (
        f"<tr><th scope='row'>{escape(row['title'])}<br><span class='more'>{escape(row['item'])}, "
        f"{row['kind']}</span>{required}</th>{_cells(list(HEADS), *said)}"
    )


def _notes(row: dict[str, Any]) -> list[str]:
    when = f"{date.fromisoformat(row['date']):%d %b %Y}" if row["date"] else ""
    who = ", ".join(filter(None, (row["who"], when)))
    link = escape(row["link"])
    # Only addresses of the web become links: a file may come from anyone.
    if row["link"].startswith(("https://", "http://")):
        link = f"<a href='{escape(row['link'], quote=True)}' rel='noopener'>{link}</a>"
    return [part for part in (escape(row["note"]), escape(who), link) if part]


def _signed(verdict: str) -> str:
    return f"{SYMBOLS.get(verdict, '')} {escape(ITEM_WORDS[verdict])}".strip()


def _with_head(card: Scorecard) -> pd.DataFrame:
    head = {"scheme_year": card.year.id, "unit": card.unit, "on": card.on.isoformat()}
    frame = card.items.copy()
    for place, (name, value) in enumerate(head.items()):
        frame.insert(place, name, value)
    return frame


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with plain Python values; dates as text, None for what is missing."""
    return [
        {str(name): _plain_value(value) for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _plain_value(value: Any) -> Any:
    if value is None or value is pd.NaT or (not isinstance(value, str) and pd.isna(value)):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
