"""Invented birth records: something to chart before the real data arrive.

The sizes of the trusts are real (babies born in 2022-23, NHS Maternity
Statistics), so that a month holds as few babies as it does in life. What was
done for each baby is invented, and every row says so.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spcbench.errors import OptionError
from spcbench.tables import STRING
from spcbench.testing.births_babies import Babies, babies_born, places_of_birth, weights
from spcbench.testing.births_care import care_given, left_blank
from spcbench.testing.births_trusts import REGION, SYSTEMS, TRUSTS, Trust

if TYPE_CHECKING:
    import pandas as pd

    from spcbench.testing.births_babies import Texts

__all__ = [
    "INVENTED",
    "REGION",
    "SYSTEMS",
    "TRUSTS",
    "Trust",
    "invented_births",
    "write_births",
    "write_hierarchy",
]

INVENTED = "invented for demonstration"
"""What every row carries in its last column."""

# One in which chance is kind: cords at RJ1 show the step of November 2022 and no
# false signal beside it, and in 2024 no trust lies below the limits for cords, nor
# below the outer limits for anything but the place of birth.
SEED = 2014
COLUMNS = (
    *("baby_id", "mother_id", "trust_code", "trust_name", "admission_trust_code"),
    *("birth_date", "ga_days", "births", "birth_order", "birthweight_g", "birth_place_level"),
    *("steroids_given", "steroids_full_course", "steroids_last_dose_hours", "mgso4_given"),
    *("active_labour", "antibiotics_given", "cord_clamp_seconds", "admitted"),
    *("admission_age_hours", "temperature_c", "temperature_age_minutes", "own_milk_given"),
    *("first_milk_age_hours", "caffeine_given", "caffeine_age_hours"),
    *("invasive_ventilation", "volume_targeted", "invented"),
)
"""Columns of the table, in order."""


def invented_births(
    *, seed: int = SEED, start: str = "2022-01-01", months: int = 36
) -> pd.DataFrame:
    """Invented birth records of the London trusts.

    Parameters
    ----------
    seed : int
        The same seed gives the same table.
    start : str
        First day of the first month, ``YYYY-MM-DD``.
    months : int
        How many months, at least 1.

    Returns
    -------
    pandas.DataFrame
        One row a baby, in order of birth, about 290 a month; every cell is
        text as it would stand in a file, and missing where nothing was
        entered. The columns are `COLUMNS`: what the pack ``pop`` asks for, who
        and where, and `invented`, which says the same in every row.

    Raises
    ------
    OptionError
        If `start` is not the first day of a month or `months` is below 1.

    Notes
    -----
    What is built in, to be found again:

    - Cord clamping at or after 60 seconds rises from 58 % to 72 % of babies, at
      every trust at once, for births from 1 November 2022.
    - St George's (``RJ7``) stands 15 percentage points above the others in
      cord clamping throughout.
    - Evenly from January 2022 to December 2024 rise magnesium sulphate (84.5 %
      to 92 %), antibiotics in labour (49 % to 66 %), normothermia (68 % to
      83 %), a full course of steroids in time (48 % to 56 %) and mother's milk
      (by 6 hours 24 % to 36 %, by 24 hours 62 % to 78 %, by 48 hours 80 % to
      90 %). Any steroids (92 %), caffeine (95 %) and volume-targeted
      ventilation (85 %) stay level.
    - So the share of babies with all that they were due rises from about one in
      six to more than one in four.
    - Apart from RJ7's cords, trusts differ by chance alone, but for the place
      of birth: very early babies of a trust without a NICU are, by definition,
      not born at one. Some 84 % of those who should be are.
    - What is missed at one birth goes together: outcomes lean on a number that
      they share, with a correlation of 0.45 behind them. From month to month
      these numbers are independent.
    - About one baby in three was born at 34+0 to 36+6: eligible for nothing.
    - In 15 % of pregnancies there are twins; what the mother was given is the
      same for both.
    - Most babies born below 27 weeks at a trust without a NICU are first
      admitted to a NICU of the same system (`admission_trust_code`).
    - 1 to 5 % of cells are blank, at each trust up to a third more or less, and
      eight rows are bad (fewer if the table is shorter): two each with a
      gestation no baby has, words where a number belongs, no date of birth, and
      no trust.

    References
    ----------
    .. [1] NHS England, NHS Maternity Statistics 2022-23 (OGL v3.0): the sizes
       of the trusts. The rates are invented; they begin and end near published
       ones for England, London or one region.

    Examples
    --------
    >>> births = invented_births(months=12)
    >>> births["invented"].unique().tolist()
    ['invented for demonstration']
    >>> births["trust_code"].nunique()
    18
    >>> invented_births(months=12).equals(births)
    True
    """
    import pandas as pd

    first = _first_month(start)
    if months < 1:
        raise OptionError(f"months must be at least 1, not {months}")
    rng = np.random.default_rng(seed)
    babies = babies_born(rng, first, months)
    cells = _identity(rng, babies) | care_given(rng, babies)
    left_blank(rng, babies, cells)
    _spoil(rng, cells)
    cells["invented"] = np.full(len(babies), INVENTED, dtype=object)
    return pd.DataFrame({name: pd.Series(cells[name], dtype=STRING) for name in COLUMNS})


def write_births(
    path: str | Path, *, seed: int = SEED, start: str = "2022-01-01", months: int = 36
) -> Path:
    """Write `invented_births` as a CSV file.

    Parameters
    ----------
    path : str or pathlib.Path
        Where to; an existing file is replaced.
    seed, start, months
        As in `invented_births`. The same values give the same bytes.

    Returns
    -------
    pathlib.Path
        The file written: UTF-8, commas, a header; a missing cell is empty.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = write_births(Path(folder, "births.csv"), months=1)
    ...     header = path.read_text(encoding="utf-8").splitlines()[0]
    >>> header.split(",")[:4]
    ['baby_id', 'mother_id', 'trust_code', 'trust_name']
    """
    path = Path(path)
    births = invented_births(seed=seed, start=start, months=months)
    # In bytes, so that line ends are the same on every system.
    path.write_bytes(births.to_csv(index=False, lineterminator="\n").encode())
    return path


def write_hierarchy(path: str | Path) -> Path:
    """Write which system each trust of `TRUSTS` belongs to, as `rolled_up` takes it.

    Parameters
    ----------
    path : str or pathlib.Path
        Where to; an existing file is replaced.

    Returns
    -------
    pathlib.Path
        The file written: the trusts, their five systems, and London. The
        column `designation` holds the level of a trust's main neonatal unit,
        which nobody has checked against the network's own list.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     print(write_hierarchy(Path(folder, "h.csv")).read_text(encoding="utf-8")[:54])
    unit,parent,level,name,designation
    Y56,,region,London,
    """
    path = Path(path)
    code, region = REGION
    rows = [[code, "", "region", region, ""]]
    rows += [[system, code, "system", name, ""] for system, name in SYSTEMS.items()]
    rows += [[one.code, one.system, "provider", one.name, one.designation] for one in TRUSTS]
    lines = [["unit", "parent", "level", "name", "designation"], *map(_quoted, rows)]
    path.write_bytes("".join(",".join(line) + "\n" for line in lines).encode())
    return path


def _quoted(cells: list[str]) -> list[str]:
    """The cells of one line, in quotation marks where they hold a comma."""
    return [f'"{cell}"' if "," in cell else cell for cell in cells]


def _first_month(start: str) -> date:
    try:
        first = date.fromisoformat(start)
    except ValueError:
        first = None
    if first is None or first.day != 1:
        raise OptionError(
            f"start must be the first day of a month such as '2022-01-01', not {start!r}"
        )
    return first


def _numbered(form: str, numbers: np.ndarray) -> Texts:
    return np.array([form.format(number) for number in numbers], dtype=object)


def _identity(rng: np.random.Generator, babies: Babies) -> dict[str, Texts]:
    """Which baby, where, when, and how heavy."""
    codes = np.array([trust.code for trust in TRUSTS], dtype=object)
    names = np.array([trust.name for trust in TRUSTS], dtype=object)
    return {
        "baby_id": _numbered("B{:05d}", np.arange(1, len(babies) + 1)),
        "mother_id": _numbered("M{:05d}", babies.mother + 1),
        "trust_code": codes[babies.trust],
        "trust_name": names[babies.trust],
        "birth_date": _numbered("{}", babies.born),
        "ga_days": _numbered("{}", babies.ga_days),
        "births": _numbered("{}", babies.births),
        "birth_order": _numbered("{}", babies.birth_order),
        "birthweight_g": _numbered("{}", weights(rng, babies)),
        "birth_place_level": places_of_birth(rng, babies),
    }


def _spoil(rng: np.random.Generator, cells: dict[str, Texts]) -> None:
    """Put in the bad rows that any real extract has."""
    faults: tuple[tuple[str, str | None], ...] = (
        ("ga_days", "27"),  # weeks where days belong
        ("ga_days", "999"),
        ("cord_clamp_seconds", "one minute"),
        ("cord_clamp_seconds", "60s"),
        ("birth_date", None),
        ("birth_date", None),
        ("trust_code", None),
        ("trust_code", None),
    )
    size = len(cells["baby_id"])
    rows = rng.choice(size, size=min(size, len(faults)), replace=False)
    for row, (column, fault) in zip(rows, faults, strict=False):
        cells[column][row] = fault
