"""Invented workbooks of the PERIPrem optimisation tool, whole and broken.

The layout follows the public description of the tool's columns; every baby is invented.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

SHEET = "Tab 2 Data ONLY EDIT THIS TAB"

# As the public description of the columns A to X words them.
HEADINGS = (
    ("gestation", "Gestational age at birth (select range below)"),
    ("weight", "Birth weight (g) (select range below)"),
    ("births", "Singleton or multiple?"),
    ("ventilation", "Did the baby need invasive ventilation?"),
    ("labour", "Was the baby’s mother in active labour at any point prior to delivery?"),
    (
        "place",
        "Place of Birth - Was this baby born in an appropriate unit for gestation and birth "
        "weight?",
    ),
    ("steroids_rx", "Did the baby's mother receive antenatal steroids?"),
    (
        "steroids_doses",
        "How many doses of antenatal steroids did the baby's mother receive?",
    ),
    (
        "steroids_opt_poss",
        "Could the course of antenatal steroids have been optimally administered "
        "(2 doses 12-24hrs apart, >24h and <7d)?",
    ),
    (
        "steroids_opt_act",
        "Was the course of antenatal steroids optimally administered "
        "(2 doses 12-24hrs apart, >24h and <7d)?",
    ),
    ("mgso4_rx", "Did the baby's mother receive antenatal magnesium sulphate?"),
    (
        "mgso4_opt_poss",
        "Could the course of antenatal magnesium sulphate have been optimally administered "
        "(>4 hours <24 hours of birth)?",
    ),
    (
        "mgso4_opt_act",
        "Was the course of antenatal magnesium sulphate optimally administered "
        "(>4 hours <24 hours of birth)?",
    ),
    ("antibiotics_rx", "Did the baby’s mother receive intrapartum antibiotics?"),
    (
        "antibiotics_opt_poss",
        "Could the course of intrapartum antibiotics have been optimally administered "
        "(>4 hours of birth)?",
    ),
    (
        "antibiotics_opt_act",
        "Was the course of intrapartum antibiotics optimally administered (>4 hours of birth)?",
    ),
    (
        "embm_info",
        "Did the baby's mother receive information on the benefits of Early Maternal Breast Milk "
        "(EMBM) and support with hand / mechanical expressing within 2 hours of the babies birth?",
    ),
    ("cord_mgt", "Did the baby have their cord clamped at or after one minute from birth?"),
    (
        "thermal_care",
        "Did the baby have a normothermic temperature (36.5-37.5C) measured within one hour "
        "of birth?",
    ),
    (
        "volume_guarantee",
        "Percentage of babies born <34 weeks who receive volume-targeted ventilation in "
        "combination with synchronised ventilation as the primary mode of respiratory, if "
        "invasive ventilation is required",
    ),
    ("caffeine", "Did the baby receive caffeine within first 24 hours of life?"),
    (
        "embm_rx",
        "Did the baby receive Early Maternal Breast Milk (EMBM) within 6 hours of birth "
        "(including buccal colostrum or maternal breast milk as mouth care)?",
    ),
    (
        "probiotics",
        "Did the baby receive a multi-strain probiotic within first 24 hours of life?",
    ),
    (
        "hydrocortisone",
        "Did the baby receive prophylactic hydrocortisone within first 24 hours of life?",
    ),
)
NAMES = tuple(name for name, _ in HEADINGS)

GESTATIONS = ("<26+6", "27 - 27+6", "28 - 29+6", "30 - 31+6", "32 - 33+6")
WEIGHTS = ("<800g", "<1500g", ">1500g")
BIRTHS = ("Single", "Multiple")
YES_NO = ("Yes", "No")


def valid_baby(draw: random.Random, **given: Any) -> dict[str, Any]:
    """An invented row that keeps every rule of the form; `given` goes before."""
    row: dict[str, Any] = dict.fromkeys(NAMES)

    def put(name: str, *choices: Any) -> Any:
        row[name] = given.get(name, draw.choice(choices))
        return row[name]

    def yes_no(name: str) -> bool:
        return put(name, "Yes", "Yes", "Yes", "No") == "Yes"

    def given_and_timed(stem: str) -> bool:
        if not yes_no(f"{stem}_rx"):
            return False
        if yes_no(f"{stem}_opt_poss"):
            yes_no(f"{stem}_opt_act")
        return True

    week, weight, births = put("gestation", *GESTATIONS), put("weight", *WEIGHTS), put(
        "births", *BIRTHS
    )  # fmt: skip
    ventilated, labour = yes_no("ventilation"), yes_no("labour")
    if week == "<26+6" or weight == "<800g" or (births == "Multiple" and week == "27 - 27+6"):
        yes_no("place")
    if given_and_timed("steroids"):
        put("steroids_doses", *((2,) if row["steroids_opt_act"] == "Yes" else (1, 2)))
    if week in GESTATIONS[:3]:
        given_and_timed("mgso4")
        yes_no("caffeine")
    if labour:
        given_and_timed("antibiotics")
    for name in ("embm_info", "cord_mgt", "thermal_care", "embm_rx"):
        yes_no(name)
    if ventilated:
        yes_no("volume_guarantee")
    if not (week == "32 - 33+6" and weight == ">1500g"):
        yes_no("probiotics")
    if week in GESTATIONS[:2]:
        yes_no("hydrocortisone")
    return row


def babies(seed: int, number: int) -> list[dict[str, Any]]:
    """So many invented rows that keep every rule."""
    draw = random.Random(seed)
    return [valid_baby(draw) for _ in range(number)]


def write_book(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    sheet: str = SHEET,
    month: Any = "May 2024",
    trust: str | None = "Somerset NHS FT (Yeovil)",
    headings: Sequence[tuple[str, str]] = HEADINGS,
    first_row: int = 10,
    merged: bool = False,
    totals: bool = True,
    lists: bool = True,
) -> Path:
    """A workbook like the tool's; the other arguments say how it is not.

    `first_row` is the row of the first baby, with the headings just above it.
    """
    with xlsxwriter.Workbook(path, {"default_date_format": "mmm yyyy"}) as book:
        book.add_worksheet("Tab 1 Read me").write(0, 0, "Invented for a test")
        data = book.add_worksheet(sheet)
        data.write(0, 0, "PERIPrem Optimisation Tool (invented data)")
        data.write(2, 0, "Month")
        if month is not None:
            data.write(2, 1, month)
        if trust is not None:
            data.write(2, 7, trust)
        data.write(2, 15, "Names of leads that nobody should read")
        data.write(5, 5, 0.85)
        data.write(6, 5, 0.9)
        for place, (_, words) in enumerate(headings):
            if merged:  # a heading over two rows: its words are in the upper one
                data.merge_range(first_row - 3, place, first_row - 2, place, words)
            else:
                data.write(first_row - 2, place, words)
        for at, row in enumerate(rows, first_row - 1):
            for place, (name, _) in enumerate(headings):
                if row.get(name) is not None:
                    data.write(at, place, row[name])
            data.write(at, 32, "Free text that nobody should read")
        if totals:
            foot = first_row + 98
            data.write(foot, 0, "Total")
            for place in range(4, len(headings)):
                data.write(foot, place, 12)
        if lists:  # the choices of the form, far right of it
            for at, word in enumerate(GESTATIONS, 22):
                data.write(at, 37, word)
            data.write(70, 37, "Yes")
            data.write(71, 37, "No")
    return path
