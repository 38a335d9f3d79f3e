"""The page that lists what each year of the scheme asks for, written from the data.

``python -m spcbench_mis.scheme_page > docs/measures-mis.md`` writes it anew.
"""

from __future__ import annotations

import sys

from spcbench_mis.scheme_data import YEARS, Item, scheme

HEAD = """\
# Measures of the Maternity Incentive Scheme

This page is written from the data of the plugin (`python -m spcbench_mis.scheme_page`); change
`mis.toml`, not this page. **Every mark and every date here is unverified**: compare each with
NHS Resolution's guidance of its year before it decides anything. `Sure` says how sure the author
of an entry is, from 0 to 1. How to use all this: [the Maternity Incentive Scheme](mis.md).

- A *statistic* is cases of cases, a *count* a number of things done, *evidence* a yes or no. The
  first two are measures of the packs `mis@y5`, `mis@y6` and `mis@y7` (kind `given`: the trust
  counts them); evidence is in no pack, because it is no statistic, and is never charted.
- `–` under a year: in its standard, without a mark in figures. Empty: not in its standard.
- A *stock* is the state on one day; months are not added up, and the chart is a run chart.
- *Context*: it does not bear on the verdict of its safety action.

"""

TAIL = """\
## Entries that are not here

- The Clinical Quality Improvement Metrics are measures of the pack `cqim`, because NHS England
  publishes them (`spcbench measures`). Eleven of them count towards `sa2_cqims_passed`; births
  without intervention and breastfeeding at six to eight weeks do not.
- Entries with an indicator of the Maternity Services files are published too, in the pack
  `msds-measures`; those figures are rounded, the trust's own are not.
"""


def measures_page() -> str:
    """The page as Markdown.

    Returns
    -------
    str
        Years, periods, and one table for each safety action.

    Examples
    --------
    >>> measures_page().splitlines()[0]
    '# Measures of the Maternity Incentive Scheme'
    """
    told = scheme()
    parts = [HEAD, _years(), _periods()]
    for number, title in told.actions.items():
        own = [item for item in told.items if item.action == number]
        parts.append(f"## Safety action {number}: {title}\n\n{_table(own)}{_notes(own)}")
    return "\n".join([*parts, TAIL])


def _years() -> str:
    lines = ["## Years\n", "| Pack | Scheme | Guidance published | Board declaration due |"]
    lines.append("|---|---|---|---|")
    for year in scheme().years.values():
        lines.append(
            f"| `mis@{year.id}` | {year.title}, {year.label} | {year.published:%d %b %Y} | "
            f"{year.declaration:%d %b %Y, %H:%M} |"
        )
    return "\n".join(lines) + "\n"


def _periods() -> str:
    heads = " | ".join(scheme().years[year].label for year in YEARS)
    lines = ["## Periods\n", f"| Period | {heads} |", "|---|---|---|---|"]
    for name in dict.fromkeys(period for period, _ in scheme().windows):
        windows = [scheme().windows[name, year] for year in YEARS]
        lines.append(f"| {windows[0].title} | {' | '.join(map(str, windows))} |")
    return "\n".join(lines) + "\n"


def _table(items: list[Item]) -> str:
    lines = ["| Item | What | Y5 | Y6 | Y7 | Better | Kind | Figures from | Sure |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for item in items:
        marks = " | ".join(_mark(item, year) for year in YEARS)
        kind = ", ".join(
            part
            for part in (
                item.kind,
                "stock" if item.form == "stock" else "",
                "" if item.required else "context",
            )
            if part
        )
        lines.append(
            f"| `{item.id}` | {_cell(item.title)} | {marks} | {item.better or '–'} | {kind} | "
            f"{_cell(item.data)} | {item.confidence:g} |"
        )
    return "\n".join(lines) + "\n"


def _mark(item: Item, year: str) -> str:
    if year not in item.years:
        return ""
    return item.threshold_text(year) or ("yes" if item.kind == "evidence" else "–")


def _notes(items: list[Item]) -> str:
    from spcbench_mis.scheme_packs import description

    lines = [
        f"- `{item.id}`: {_cell(description(item))}"
        + "".join(f" {_cell(one)}." for one in (*_exceptions(item), *_not_applicable(item)))
        for item in items
    ]
    return "\n" + "\n".join(lines) + "\n"


def _exceptions(item: Item) -> list[str]:
    """Each exception once, with the years that know it."""
    texts = dict.fromkeys(one.text for one in item.exceptions.values())
    held = {text: [y for y, one in item.exceptions.items() if one.text == text] for text in texts}
    return [f"Exception ({', '.join(held[text]).upper()}): {text}" for text in texts]


def _not_applicable(item: Item) -> list[str]:
    return [f"Does not apply where {item.not_applicable}"] if item.not_applicable else []


def _cell(text: str) -> str:
    """Text that a table cannot take for something else."""
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(measures_page())
