"""Invented birth records: something to chart before the real data arrive.

The sizes of the trusts are real (babies born in 2022-23, NHS Maternity
Statistics), so that a month holds as few babies as it does in life. What was
done for each baby is invented, and every row says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spcbench.errors import OptionError
from spcbench.tables import STRING

if TYPE_CHECKING:
    import pandas as pd

INVENTED = "invented for demonstration"
"""What every row carries in its last column."""


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust, its system, and its babies in a year, by completed weeks of gestation."""

    code: str
    system: str
    name: str
    to_27: int
    from_28_to_31: int
    from_32_to_33: int


TRUSTS = (
    Trust("RAX", "QWE", "Kingston and Richmond NHS Foundation Trust", 5, 15, 30),
    Trust("RJ1", "QKK", "Guy's and St Thomas' NHS Foundation Trust", 65, 50, 55),
    Trust("RJ2", "QKK", "Lewisham and Greenwich NHS Trust", 15, 60, 60),
    Trust("RJ6", "QWE", "Croydon Health Services NHS Trust", 10, 30, 25),
    Trust("RJ7", "QWE", "St George's University Hospitals NHS Foundation Trust", 45, 45, 50),
    Trust("RJZ", "QKK", "King's College Hospital NHS Foundation Trust", 40, 55, 75),
    Trust("RVR", "QWE", "Epsom and St Helier University Hospitals NHS Trust", 10, 20, 35),
)
"""South London, with the counts of 2022-23 (NHS Maternity Statistics, OGL v3.0)."""

SYSTEMS = {"QKK": "South East London", "QWE": "South West London"}
"""Integrated care systems of the trusts (Organisation Data Service codes)."""

# Gestation at birth in days: first and last day of each band of `Trust`, then
# 34+0 to 36+6, whose babies are eligible for nothing in the pathway.
BANDS = np.array([[161, 195], [196, 223], [224, 237], [238, 258]])
LATER_BABIES = 0.5  # born at 34+0 to 36+6, for each one born earlier
TWIN_PREGNANCIES = 0.15

IMPROVED_FROM = np.datetime64("2022-11-01")
CORD_BEFORE, CORD_AFTER = 0.56, 0.78
# A real trust must not look bad on invented data, so the one that differs does better.
CORD_DIFFERS, CORD_DIFFERENCE = "RJ7", 0.15
MGSO4 = 0.87
NORMOTHERMIA = 0.77

Texts = np.ndarray[Any, np.dtype[np.object_]]


@dataclass(frozen=True, slots=True)
class _Babies:
    """Arrays of one length, one entry a baby; `mother` numbers the pregnancies."""

    mother: np.ndarray
    trust: np.ndarray
    born: np.ndarray
    ga_days: np.ndarray
    births: np.ndarray
    birth_order: np.ndarray


def invented_births(
    *, seed: int = 2023, start: str = "2022-01-01", months: int = 36
) -> pd.DataFrame:
    """Invented birth records of the south London trusts.

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
        One row a baby, in order of birth, about 100 a month; every cell is
        text as it would stand in a file, and missing where nothing was
        entered. `baby_id`, `trust_code`, `trust_name`, `birth_date`, the fields
        of the pack ``pop``, and `invented`, which says the same in every row.

    Raises
    ------
    OptionError
        If `start` is not the first day of a month or `months` is below 1.

    Notes
    -----
    What is built in, to be found again:

    - Cord clamping at or after 60 seconds rises from 56 % to 78 % of babies, at
      every trust at once, for births from 1 November 2022.
    - St George's (``RJ7``) stands 15 percentage points above the others in
      cord clamping throughout.
    - Magnesium sulphate (87 %, below 30 weeks) and normothermia (77 %) differ
      between trusts and months by chance alone.
    - About one baby in three was born at 34+0 to 36+6: eligible for nothing.
    - In 15 % of pregnancies there are twins; what the mother was given is the
      same for both.
    - 1 to 4 % of cells are missing, and eight rows are bad (fewer if the table
      is shorter): two each with a gestation no baby has, words where a number
      belongs, no date of birth, and no trust.

    References
    ----------
    .. [1] NHS England, NHS Maternity Statistics 2022-23 (OGL v3.0): the sizes
       of the trusts. The rates are invented.

    Examples
    --------
    >>> births = invented_births(months=12)
    >>> births["invented"].unique().tolist()
    ['invented for demonstration']
    >>> sorted(births["trust_code"].dropna().unique())
    ['RAX', 'RJ1', 'RJ2', 'RJ6', 'RJ7', 'RJZ', 'RVR']
    >>> invented_births(months=12).equals(births)
    True
    """
    import pandas as pd

    first = _first_month(start)
    if months < 1:
        raise OptionError(f"months must be at least 1, not {months}")
    rng = np.random.default_rng(seed)
    babies = _babies(rng, first, months)
    cells = _identity(babies) | _care(rng, babies) | _admission(rng, babies)
    _spoil(rng, cells)
    cells["invented"] = np.full(len(babies.born), INVENTED, dtype=object)
    return pd.DataFrame({name: pd.Series(texts, dtype=STRING) for name, texts in cells.items()})


def write_births(
    path: str | Path, *, seed: int = 2023, start: str = "2022-01-01", months: int = 36
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
    ['baby_id', 'trust_code', 'trust_name', 'birth_date']
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
        The file written: the trusts, their two systems, and south London,
        which is no region of the NHS but all there is in the records.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     print(write_hierarchy(Path(folder, "h.csv")).read_text(encoding="utf-8")[:48])
    unit,parent,level,name
    SLON,,region,South London
    """
    path = Path(path)
    rows = [["SLON", "", "region", "South London"]]
    rows += [[code, "SLON", "system", name] for code, name in SYSTEMS.items()]
    rows += [[trust.code, trust.system, "provider", trust.name] for trust in TRUSTS]
    lines = [["unit", "parent", "level", "name"], *rows]
    path.write_bytes("".join(",".join(line) + "\n" for line in lines).encode())
    return path


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


def _babies(rng: np.random.Generator, first: date, months: int) -> _Babies:
    """Who was born where, when and at what gestation."""
    early = np.array([[t.to_27, t.from_28_to_31, t.from_32_to_33] for t in TRUSTS])
    yearly = np.column_stack([early, LATER_BABIES * early.sum(axis=1)])
    rate = yearly / 12 / (1 + TWIN_PREGNANCIES)
    pregnancies = rng.poisson(rate, size=(months, *rate.shape))
    month, trust, band = (
        np.repeat(place, pregnancies.ravel())
        for place in (grid.ravel() for grid in np.indices(pregnancies.shape))
    )
    size = len(month)
    lowest, highest = BANDS[band].T
    births = np.where(rng.random(size) < TWIN_PREGNANCIES, 2, 1)
    ga_days = rng.integers(lowest, highest, endpoint=True)
    born = _days(rng, first, months, month)
    order = np.argsort(born, kind="stable")
    mother = np.repeat(np.arange(size), births[order])
    pregnancy = order[mother]
    second = np.r_[False, mother[1:] == mother[:-1]]
    return _Babies(
        mother=mother,
        trust=trust[pregnancy],
        born=born[pregnancy],
        ga_days=ga_days[pregnancy],
        births=births[pregnancy],
        birth_order=np.where(second, 2, 1),
    )


def _days(rng: np.random.Generator, first: date, months: int, month: np.ndarray) -> np.ndarray:
    """A day of birth within each one's month."""
    starts = (np.datetime64(first, "M") + np.arange(months + 1)).astype("datetime64[D]")
    lengths = np.diff(starts).astype("int64")
    days: np.ndarray = starts[month] + rng.integers(0, lengths[month])
    return days


def _texts(values: np.ndarray, known: np.ndarray | None = None, form: str = "{}") -> Texts:
    """Each value as it would be typed, None where it is not known."""
    shown = np.array([form.format(value) for value in values], dtype=object)
    if known is not None:
        shown[~known] = None
    return shown


def _booleans(values: np.ndarray, known: np.ndarray) -> Texts:
    return _texts(np.where(values, "true", "false"), known)


def _identity(babies: _Babies) -> dict[str, Texts]:
    """Which baby, where and when."""
    codes = np.array([trust.code for trust in TRUSTS])
    names = np.array([trust.name for trust in TRUSTS])
    return {
        "baby_id": _texts(np.arange(1, len(babies.born) + 1), form="B{:05d}"),
        "trust_code": _texts(codes[babies.trust]),
        "trust_name": _texts(names[babies.trust]),
        "birth_date": _texts(babies.born),
        "ga_days": _texts(babies.ga_days),
        "births": _texts(babies.births),
        "birth_order": _texts(babies.birth_order),
    }


def _care(rng: np.random.Generator, babies: _Babies) -> dict[str, Texts]:
    """Magnesium sulphate for the mother, and when the cord was clamped."""
    size = len(babies.born)
    mothers = babies.mother[-1] + 1 if size else 0
    luck, entered = rng.random(mothers)[babies.mother], rng.random(mothers)[babies.mother]
    given = luck < np.where(babies.ga_days < 210, MGSO4, 0.03)
    differs = np.array([trust.code == CORD_DIFFERS for trust in TRUSTS])[babies.trust]
    deferred = (
        np.where(babies.born >= IMPROVED_FROM, CORD_AFTER, CORD_BEFORE) + CORD_DIFFERENCE * differs
    )
    seconds = np.where(
        rng.random(size) < deferred,
        rng.choice([60, 75, 90, 120, 180], size=size),
        rng.integers(0, 60, size=size),
    )
    return {
        "mgso4_given": _booleans(given, entered >= 0.02),
        "cord_clamp_seconds": _texts(seconds, rng.random(size) >= 0.04),
    }


def _admission(rng: np.random.Generator, babies: _Babies) -> dict[str, Texts]:
    """Admission to neonatal care and the first temperature there."""
    size = len(babies.born)
    admitted = rng.random(size) < np.where(babies.ga_days < 238, 0.97, 0.20)
    hours = np.where(
        rng.random(size) < 0.99, rng.uniform(0.2, 3, size=size), rng.uniform(12.5, 48, size=size)
    )
    # What goes wrong, in this order: too cold, too warm, measured too late.
    fate = rng.random(size)
    missed = np.searchsorted(
        [NORMOTHERMIA, NORMOTHERMIA + 0.12, NORMOTHERMIA + 0.17], fate, "right"
    )
    tenths = rng.integers(
        np.array([365, 350, 376, 365])[missed],
        np.array([375, 364, 384, 375])[missed],
        endpoint=True,
    )
    minutes = np.where(
        missed == 3,
        rng.integers(61, 180, size=size),
        rng.integers(10, 60, size=size, endpoint=True),
    )
    return {
        "admitted": _booleans(admitted, np.ones(size, dtype=bool)),
        "admission_age_hours": _texts(hours, admitted & (rng.random(size) >= 0.01), "{:.1f}"),
        "temperature_c": _texts(tenths / 10, admitted & (rng.random(size) >= 0.03), "{:.1f}"),
        "temperature_age_minutes": _texts(minutes, admitted & (rng.random(size) >= 0.02)),
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
