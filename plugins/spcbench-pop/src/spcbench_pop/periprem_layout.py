"""Where the answers stand in the sheet of the PERIPrem optimisation tool, and its words.

Facts, not code, of the public repository southwest-analytics/periprem_reporting: its
description of columns A to X and the way its own import reads them. The blank template
itself was not at hand, so the headings are looked for and never assumed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple

SHEET = "Tab 2 Data ONLY EDIT THIS TAB"
HEADING_ROWS = 9
"""Headings, targets and rates stand in rows 1 to 9; the first baby in row 10."""

MONTH_CELL, TRUST_CELL = "B3", "H3"


class Column(NamedTuple):
    """One column of the form: its letter, its name here, and words of its heading."""

    letter: str
    name: str
    heading: str


COLUMNS = (
    Column("A", "gestation", "gestational age"),
    Column("B", "weight", "birth weight"),
    Column("C", "births", "singleton or multiple"),
    Column("D", "ventilation", "invasive ventilation"),
    Column("E", "labour", "active labour"),
    Column("F", "place", "place of birth"),
    Column("G", "steroids_rx", "receive antenatal steroids"),
    Column("H", "steroids_doses", "how many doses"),
    Column("I", "steroids_opt_poss", "could the course of antenatal steroids"),
    Column("J", "steroids_opt_act", "was the course of antenatal steroids"),
    Column("K", "mgso4_rx", "receive antenatal magnesium sulphate"),
    Column("L", "mgso4_opt_poss", "could the course of antenatal magnesium"),
    Column("M", "mgso4_opt_act", "was the course of antenatal magnesium"),
    Column("N", "antibiotics_rx", "receive intrapartum antibiotics"),
    Column("O", "antibiotics_opt_poss", "could the course of intrapartum antibiotics"),
    Column("P", "antibiotics_opt_act", "was the course of intrapartum antibiotics"),
    Column("Q", "embm_info", "information"),
    Column("R", "cord_mgt", "cord clamped"),
    Column("S", "thermal_care", "normothermic"),
    Column("T", "volume_guarantee", "volume targeted"),
    Column("U", "caffeine", "caffeine"),
    Column("V", "embm_rx", "within 6 hours of birth"),
    Column("W", "probiotics", "probiotic"),
    Column("X", "hydrocortisone", "hydrocortisone"),
)

GESTATIONS = ("<26+6", "27 - 27+6", "28 - 29+6", "30 - 31+6", "32 - 33+6")
"""The first means up to and including 26+6, whatever its sign says."""

WEIGHTS = ("<800g", "<1500g", ">1500g")
BIRTHS = ("Single", "Multiple")
ANSWERS = ("Yes", "No")


def plain(text: str) -> str:
    """Words of a heading without their capitals, marks and line ends.

    Examples
    --------
    >>> plain("Birth  weight (g) (select range below)")
    'birth weight g select range below'
    """
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold()))


def _squeezed(text: str) -> str:
    dashes = re.sub(r"[\u2010-\u2015\u2212]", "-", unicodedata.normalize("NFKC", text))
    return re.sub(r"\s+", "", dashes).casefold()


_WORDS = {_squeezed(word): word for word in (*GESTATIONS, *WEIGHTS, *BIRTHS, *ANSWERS)}


def answer(cell: Any) -> str | None:
    """A cell as the form writes it: its own words, else the cell as text.

    Parameters
    ----------
    cell : object
        What the workbook holds; blanks around and within it do not matter.

    Returns
    -------
    str or None
        None for a blank cell.

    Examples
    --------
    >>> answer(" yes "), answer("27-27+6"), answer(2.0), answer("  ")
    ('Yes', '27 - 27+6', '2', None)
    """
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = " ".join(str(cell).split())
    return _WORDS.get(_squeezed(text), text) or None


def is_word(text: str | None) -> bool:
    """Whether it is one of the words that the form offers."""
    return text is not None and _squeezed(text) in _WORDS
