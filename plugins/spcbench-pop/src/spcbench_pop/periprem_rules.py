"""Which rows of PERIPrem workbooks break which rule of the form, to be sent back to each trust.

The rules themselves are the checks of the pack ``periprem@2021``: what is told here is what
counting sets aside.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spcbench.errors import InputError
from spcbench_pop.periprem_layout import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.plugin import Pack, PluginHost

PACK, PROFILE = "periprem@2021", "periprem"
_PREFIX, _FLAG = "form_", "periprem_form"
_PLACES = ("org_code", "month", "file", "row")


def periprem_failures(records: Any, *, host: PluginHost | None = None) -> pd.DataFrame:
    """Every row that breaks a rule of the form: where it stands and why, not what it says.

    Parameters
    ----------
    records : path or Table
        A workbook of the optimisation tool, a folder or pattern of them, or
        what `spcbench.read` made of them.
    host : PluginHost, optional
        Where the pack is found; the default host if none is given.

    Returns
    -------
    pandas.DataFrame
        One row for each row of a sheet and rule it breaks: `unit`, `month`,
        `file`, `row` (as the spreadsheet numbers it), `rule`, `reason`,
        `columns` (those that the rule compares) and `set_aside` (False for a
        rule that is only told). By file, row and rule.

    Raises
    ------
    InputError
        If a file cannot be read, was not read by the reader ``periprem``, or
        two files are of one unit and month.
    """
    import pandas as pd

    import spcbench

    table = _read(records, host)
    places = _places(table)
    found = spcbench.validate(table, packs=[PACK], mapping=PROFILE, rows=None, host=host)
    pack = _pack(host)
    rules: dict[str, Any] = {check.id: check for check in pack.checks}
    # Checks of every record, such as of a mode without ventilation, repeat rules of the form.
    repeated = [name for name in rules if not name.startswith(_PREFIX)]
    told = found.problems[~found.problems["field"].isin(repeated)]
    told = told.merge(places, on=["file", "row"], how="left")
    asked = {name: _columns(check.must, pack) for name, check in rules.items()}
    failures = pd.DataFrame(
        {
            "unit": told["org_code"],
            "month": told["month"],
            "file": told["file"],
            "row": told["row"],
            "rule": told["field"],
            "reason": told["reason"].str.removeprefix("breaks the check: "),
            "columns": [asked.get(rule, _column(str(rule))) for rule in told["field"]],
            "set_aside": [
                rule not in rules or rules[rule].action == "set_aside" for rule in told["field"]
            ],
        }
    )
    return failures.sort_values(["file", "row", "rule"], ignore_index=True)


def periprem_summary(records: Any, *, host: PluginHost | None = None) -> pd.DataFrame:
    """For each unit and month: how many rows there are, are set aside, and break which rule.

    Parameters
    ----------
    records, host
        As for `periprem_failures`.

    Returns
    -------
    pandas.DataFrame
        `unit`, `month`, `rows`, `set_aside`, `rule`, `reason`, `failing`: one
        row for each rule that is broken. Where none is, one row with `rule`
        and `reason` empty and `failing` 0. By unit, month and rule.

    Raises
    ------
    InputError
        As `periprem_failures`.
    """
    import pandas as pd

    table = _read(records, host)
    failures = periprem_failures(table, host=host)
    rows = []
    for (unit, month), own in _places(table).groupby(["org_code", "month"]):
        mine = failures[(failures["unit"] == unit) & (failures["month"] == month)]
        lost = mine.loc[mine["set_aside"], ["file", "row"]].drop_duplicates()
        head = {"unit": unit, "month": month, "rows": len(own), "set_aside": len(lost)}
        broken = mine.groupby(["rule", "reason"]).size()
        rows += [
            {**head, "rule": rule, "reason": reason, "failing": int(number)}
            for (rule, reason), number in broken.items()
        ] or [{**head, "rule": None, "reason": None, "failing": 0}]
    names = ["unit", "month", "rows", "set_aside", "rule", "reason", "failing"]
    return pd.DataFrame(rows, columns=names)


def _read(records: Any, host: PluginHost | None) -> Any:
    import spcbench

    return spcbench.read(records, host=host) if isinstance(records, (str, Path)) else records


def _places(table: Any) -> pd.DataFrame:
    """Unit, month, file and row of every record; each unit and month from one file."""
    import pandas as pd

    parts = getattr(getattr(table, "data", None), "parts", (table,))
    found = []
    for part in parts:
        data: Any = getattr(part, "data", None)
        if not set(_PLACES) <= set(getattr(data, "column_names", ())):
            raise InputError(
                f"{getattr(part, 'source', 'the table')} was not read by the reader 'periprem'; "
                "give a workbook of the PERIPrem optimisation tool, or a folder of them"
            )
        found.append(data.select(list(_PLACES)).to_pandas())
    places = pd.concat(found, ignore_index=True)
    of_month = places.drop_duplicates(["org_code", "month", "file"])
    twice = of_month[of_month.duplicated(["org_code", "month"], keep=False)]
    if len(twice):
        first, second = twice.sort_values(["org_code", "month", "file"])["file"].tolist()[:2]
        unit, month = twice.iloc[0][["org_code", "month"]]
        raise InputError(
            f"{first} and {second} are both of {unit}, {month:%B %Y}, and every baby would count "
            "twice; keep one of them"
        )
    return places


def _pack(host: PluginHost | None) -> Pack:
    from spcbench.plugin import default_host

    return (host or default_host()).pack(PACK)


def _columns(must: str, pack: Pack) -> str:
    """The columns of the form that a rule compares, by their letters."""
    made: Mapping[str, str] = {
        one.name: text for one in pack.fields if (text := getattr(one, "from_", ""))
    }
    waiting, names = [must], set()
    while waiting:
        for name in re.findall(rf"\b{_PREFIX}\w+", waiting.pop()):
            if name in made:
                waiting.append(made[name])
            else:
                names.add(name)
    return ", ".join(filter(None, (_column(name) for name in sorted(names, key=_letter))))


def _letter(name: str) -> str:
    short = name.removeprefix(_PREFIX)
    return next((one.letter for one in COLUMNS if one.name == short), "")


def _column(name: str) -> str:
    letter = _letter(name)
    return f"{letter} {name.removeprefix(_PREFIX)}" if letter else ""
