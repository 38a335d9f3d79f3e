"""Invented monthly files, to try things out: true counts, and files that follow the publication.

Every organisation and figure is made up. The files round, suppress and
withhold as the publication does, so that what reading them back loses can be
measured against the true counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spcbench.errors import OptionError
from spcbench_mis.cqim_rules import metric_result, metric_rules, quality_result, quality_rules
from spcbench_mis.monthly_rounding import published

if TYPE_CHECKING:
    import pandas as pd

Integers = npt.NDArray[np.int64]

INDICATORS = {
    "CQIMApgar": (0.93, 0.015),
    "CQIMBreastfeeding": (0.96, 0.74),
    "CQIMPPH": (1.00, 0.03),
    "CQIMPreterm": (0.97, 0.065),
    "CQIMSmokingBooking": (1.10, 0.10),
    "CQIMSmokingDelivery": (0.95, 0.07),
    "CQIMTears": (0.45, 0.03),
    "CQIMVBAC": (0.03, 0.25),
    "CQIMRobson01": (0.20, 0.16),
    "CQIMRobson02": (0.22, 0.45),
    "CQIMRobson05": (0.14, 0.85),
    "SBL_Element1_ProcessIndicator_a.i": (1.10, 0.88),
    "SBL_Element1_ProcessIndicator_a.ii": (0.90, 0.80),
    "SBL_Element2_ProcessIndicator_b": (1.00, 0.10),
    "SBL_Element3_ProcessIndicator_a": (0.20, 0.90),
    "SBL_Element5_OutcomeIndicator_l.a": (0.99, 0.003),
    "SBL_Element5_OutcomeIndicator_l.b": (0.99, 0.07),
}
"""Cases for each birth, and the share of them that has the thing."""

PER_THOUSAND = ("CQIMApgar", "CQIMPPH", "CQIMPreterm", "CQIMTears")

DIMENSIONS = {
    "ApgarScore5TermGroup7": ("Babies", {"0 to 6": 0.014, "7 to 10": 0.966}),
    "BabyFirstFeedBreastMilkStatus": (
        "Babies",
        {"Maternal or Donor Breast Milk": 0.70, "Not Breast Milk": 0.27},
    ),
    "GestationLengthBirthGroup37": ("Babies", {"<37 weeks": 0.07, ">=37 weeks": 0.92}),
    "SmokingStatusGroupBooking": ("Women", {"Smoker": 0.10, "Non-Smoker / Ex-Smoker": 0.87}),
}
"""What each dimension counts, and its categories; the rest of the cases is missing."""

MISSING = "Missing value / Value outside reporting parameters"

HEADERS = {
    "measures": "Org_Code,Org_Name,Org_Level,RPStartDate,RPEndDate,IndicatorFamily,Indicator,"
    "Currency,Value",
    "data": "ReportingPeriodStartDate,ReportingPeriodEndDate,Dimension,Org_Level,Org_Code,"
    "Org_Name,Measure,Count_Of,Final_value",
    "dq": "ReportingPeriodStartDate,ReportingPeriodEndDate,Org_Code,DataTable,UID,DataItem,"
    "Valid,Default,Invalid,Missing,Denominator",
}
KINDS = tuple(HEADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventedMonths:
    """True counts of invented trusts.

    Parameters
    ----------
    trusts : tuple of str
        Codes of the trusts.
    indicators : tuple of str
        Names as in `INDICATORS`.
    months : array of int64, shape (months,)
        Reporting months since January 1970.
    numerator, denominator : array of int64, shape (indicators, trusts, months)
        As each reporting month counts them: three months added up, and those
        before, where the indicator is made so.
    births : array of int64, shape (trusts, months)
        Births of each month.
    submitted : array of bool, shape (trusts, months)
        False where nothing was submitted.
    quality : mapping of str to pair of arrays, each of shape (trusts, months)
        Numerator and denominator of each data-quality measure, added up as its
        wording says.
    seed : int
        What they were drawn from.
    """

    trusts: tuple[str, ...]
    indicators: tuple[str, ...]
    months: Integers
    numerator: Integers
    denominator: Integers
    births: Integers
    submitted: npt.NDArray[np.bool_]
    quality: dict[str, tuple[Integers, Integers]]
    seed: int


def invented_months(
    *, trusts: int = 12, months: int = 24, first: str = "2023-07", seed: int = 1
) -> InventedMonths:
    """True counts of trusts that differ in size and, but for chance, in nothing else.

    Parameters
    ----------
    trusts, months : int
        How many.
    first : str
        The first month, as YYYY-MM.
    seed : int
        Equal seeds give equal counts.

    Raises
    ------
    OptionError
        If there is not at least one trust and month.

    Examples
    --------
    >>> made = invented_months(trusts=3, months=2)
    >>> made.trusts, made.numerator.shape
    (('ZA01', 'ZA02', 'ZA03'), (17, 3, 2))
    """
    if trusts < 1 or months < 1:
        raise OptionError("there must be at least one trust and one month")
    random = np.random.default_rng(seed)
    begin = int(np.datetime64(first, "M").astype(np.int64))
    earlier = 5  # months before the first, which its windows reach back to
    births = random.poisson(
        np.exp(random.normal(5.9, 0.45, trusts))[:, None], (trusts, months + earlier)
    )
    settings = np.array(list(INDICATORS.values()))
    cases = random.poisson(births[None] * settings[:, 0, None, None])
    events = random.binomial(cases, settings[:, 1, None, None])
    rules = metric_rules()
    made = [
        [_window(one, rules.get(name)) for one in (events[place], cases[place])]
        for place, name in enumerate(INDICATORS)
    ]
    return InventedMonths(
        trusts=tuple(f"ZA{number:02d}" for number in range(1, trusts + 1)),
        indicators=tuple(INDICATORS),
        months=begin + np.arange(months),
        numerator=np.stack([one[0] for one in made]),
        denominator=np.stack([one[1] for one in made]),
        births=births[:, earlier:],
        submitted=random.random((trusts, months)) > 0.01,
        quality=_quality(random, births, earlier),
        seed=seed,
    )


def write_months(
    folder: str | Path,
    made: InventedMonths,
    *,
    kinds: Sequence[str] = KINDS,
    provisional: bool = False,
    families: bool = True,
) -> list[Path]:
    """Write the monthly files that the publisher would make of true counts.

    Parameters
    ----------
    folder : str or Path
        Where to; it must be there.
    made : InventedMonths
        The true counts.
    kinds : sequence of str
        Of ``"measures"``, ``"data"`` and ``"dq"``.
    provisional : bool
        Whether the last month is called provisional.
    families : bool
        Whether the file of measures has data-quality measures too.

    Returns
    -------
    list of Path
        The files, month by month.
    """
    writers: dict[str, Any] = {"measures": _measures, "data": _data, "dq": _dq}
    written = []
    for place, month in enumerate(made.months):
        day = np.datetime64(int(month), "M")
        name = f"{day.astype(object):%b%Y}".lower()
        last = provisional and place == made.months.size - 1
        for kind in kinds:
            more = {"families": families} if kind == "measures" else {}
            rows = writers[kind](made, place, **more)
            path = Path(folder) / f"msds-{name}{'Provisional' if last else ''}-exp-{kind}.csv"
            path.write_text("\n".join([HEADERS[kind], *rows, ""]), encoding="utf-8")
            written.append(path)
    return written


def true_counts(made: InventedMonths) -> pd.DataFrame:
    """The true counts, one row an indicator, trust and reporting month.

    Parameters
    ----------
    made : InventedMonths
        From `invented_months`.

    Returns
    -------
    pandas.DataFrame
        Columns `indicator`, `unit`, `reporting_month`, `numerator`,
        `denominator`, `submitted`, `result` (of metrics).
    """
    import pandas as pd

    indicators, trusts, months = made.numerator.shape
    results = np.array(
        [
            [
                [_result(made, name, trust, month) for month in range(months)]
                for trust in range(trusts)
            ]
            for name in made.indicators
        ],
        dtype=object,
    )
    return pd.DataFrame(
        {
            "indicator": np.repeat(made.indicators, trusts * months),
            "unit": np.tile(np.repeat(made.trusts, months), indicators),
            "reporting_month": np.tile(
                made.months.astype("datetime64[M]").astype("datetime64[us]"), indicators * trusts
            ),
            "numerator": made.numerator.ravel(),
            "denominator": made.denominator.ravel(),
            "submitted": np.tile(made.submitted.ravel(), indicators),
            "result": results.ravel(),
        }
    )


def _window(counts: Integers, rule: Any) -> Integers:
    """Months added up as the measure has them; the five months before the first fall away."""
    window, lag = (1, 0) if rule is None or rule.window is None else (rule.window, rule.lag)
    size = counts.shape[-1] - 5
    parts = [counts[:, 5 - lag - back : 5 - lag - back + size] for back in range(window)]
    return np.asarray(np.sum(parts, axis=0), dtype=np.int64)


def _quality(
    random: np.random.Generator, births: Integers, earlier: int
) -> dict[str, tuple[Integers, Integers]]:
    """Data-quality measures that mostly pass; they pass in the months before the first."""
    made = {}
    before = random.spawn(1)[0]
    for name, rule in quality_rules().items():
        if rule.least is None and rule.most is None:
            continue
        low = 0.0 if rule.least is None else float(rule.least)
        high = 1.0 if rule.most is None else float(rule.most)
        usual = 1.0 if low == high else (0.3 * low + 0.7 * high if rule.most else 0.95)
        here, past = births[:, earlier:], births[:, :earlier]
        failing = random.random(here.shape) < 0.004
        # A month that fails makes all windows fail that hold it.
        worse = 0.0 if low and rule.window not in (None, 1) else 0.4 * low
        share = np.where(failing, worse if low else 0.5 * (1 + high), usual)
        drawn = random.binomial(here, np.minimum(share, 1.0))
        numerator = np.hstack([before.binomial(past, usual), np.where(share >= 1, here, drawn)])
        made[name] = (_window(numerator, rule), _window(births, rule))
    return made


def _result(made: InventedMonths, name: str, trust: int, month: int) -> str | None:
    """Result of a metric, judged on rounded data-quality counts."""
    if name not in metric_rules():
        return None
    if not made.submitted[trust, month]:
        return "Fail"
    found = {
        one: quality_result(
            one, *(int(published(part[trust, month])) for part in made.quality[one])
        )
        for one in metric_rules()[name].dq
    }
    return metric_result(name, found)


def _measures(made: InventedMonths, place: int, *, families: bool) -> list[str]:
    """Rows of the file of measures of one month."""
    begin, end = _dates(int(made.months[place]))
    rows = []
    for which, name in enumerate(made.indicators):
        family = "CQIM_Rate" if name.startswith("CQIM") else "SBL"
        counted = []
        for trust, code in enumerate(made.trusts):
            true = made.numerator[which, trust, place], made.denominator[which, trust, place]
            result = _result(made, name, trust, place)
            submitted = bool(made.submitted[trust, place])
            if submitted and result != "Fail":
                counted.append(true)
            head = f"{code},INVENTED TRUST {trust + 1:02d},Provider,{begin},{end},{family},{name}"
            rows += _four(head, name, true, submitted=submitted, result=result)
        head = f"National,All Submitters,National,{begin},{end},{family},{name}"
        rows += _aggregate(head, name, counted)
    if families:
        rows += _quality_rows(made, place, begin, end)
    return rows


def _four(
    head: str, name: str, true: tuple[int, int], *, submitted: bool, result: str | None
) -> list[str]:
    """The rows of one indicator of one trust."""
    rate = "Rate per Thousand" if name in PER_THOUSAND else "Rate"
    if not submitted:
        cells = {"Denominator": "DNS", "Numerator": "DNS", rate: "DNS"}
    elif result == "Fail":
        cells = {"Denominator": "0", "Numerator": "0", rate: "Low DQ"}
    else:
        numerator, denominator = (int(published(one)) for one in true)
        cells = {"Denominator": str(denominator), "Numerator": str(numerator)}
        cells[rate] = _rate(name, true, (numerator, denominator))
    if result is not None:
        cells["Result"] = result
    return [f"{head},{currency},{value}" for currency, value in cells.items()]


def _rate(name: str, true: tuple[int, int], rounded: tuple[int, int]) -> str:
    if name in PER_THOUSAND:
        if rounded[0] == 5:
            return "*"
        return str(_half_up(1000 * int(true[0]), int(true[1])))
    tenths = _half_up(1000 * rounded[0], rounded[1])
    return f"{tenths // 10}.{tenths % 10}".removesuffix(".0")


def _aggregate(head: str, name: str, counted: list[tuple[int, int]]) -> list[str]:
    """England: the rounded counts of the trusts that passed, its rate from the true ones."""
    sums = [sum(int(published(one[part])) for one in counted) for part in (0, 1)]
    true = (sum(int(one[0]) for one in counted), sum(int(one[1]) for one in counted))
    rate = "Rate per Thousand" if name in PER_THOUSAND else "Rate"
    shown = _rate(name, true, (sums[0], sums[1])) if sums[1] else "0"
    return [
        f"{head},Denominator,{sums[1]}",
        f"{head},Numerator,{sums[0]}",
        f"{head},{rate},{shown}",
    ]


def _quality_rows(made: InventedMonths, place: int, begin: str, end: str) -> list[str]:
    rows = []
    for name, parts in made.quality.items():
        for trust, code in enumerate(made.trusts):
            head = (
                f"{code},INVENTED TRUST {trust + 1:02d},Provider,{begin},{end},"
                f"CQIM_DQ_Measure,{name}"
            )
            numerator, denominator = (int(published(part[trust, place])) for part in parts)
            if not made.submitted[trust, place]:
                cells, result = ("DNS", "DNS", "DNS"), "Fail"
            else:
                rate = _rate("", (0, 0), (numerator, denominator)) if denominator else "0"
                cells = (str(denominator), str(numerator), rate)
                result = quality_result(name, numerator, denominator) or "Fail"
            rows += [
                f"{head},{currency},{value}"
                for currency, value in zip(
                    ("Denominator", "Numerator", "Rate", "Result"), (*cells, result), strict=True
                )
            ]
    return rows


def _data(made: InventedMonths, place: int) -> list[str]:
    """Rows of the file of counts by dimension of one month."""
    begin, end = _dates(int(made.months[place]))
    random = np.random.default_rng([made.seed, place])
    rows = []
    for dimension, (count_of, categories) in DIMENSIONS.items():
        shares = [*categories.values(), 1.0 - sum(categories.values())]
        drawn = random.multinomial(made.births[:, place], shares)
        for trust, code in enumerate(made.trusts):
            for category, count in zip((*categories, MISSING), drawn[trust], strict=True):
                rows.append(
                    f"{begin},{end},{dimension},Provider,{code},INVENTED TRUST {trust + 1:02d},"
                    f"{category},{count_of},{int(published(count))}"
                )
        for category, count in zip((*categories, MISSING), drawn.sum(axis=0), strict=True):
            rows.append(
                f"{begin},{end},{dimension},National,ALL,All Submitters,{category},{count_of},"
                f"{int(published(count))}"
            )
    return rows


def _dq(made: InventedMonths, place: int) -> list[str]:
    """Rows of the file of data quality of one month."""
    begin, end = _dates(int(made.months[place]))
    random = np.random.default_rng([made.seed, place, 1])
    rows = []
    for trust, code in enumerate(made.trusts):
        parts = random.multinomial(made.births[trust, place], (0.94, 0.03, 0.0, 0.03))
        shown = ",".join(str(int(published(one))) for one in parts)
        total = int(published(made.births[trust, place]))
        rows.append(
            f"{begin},{end},{code},MSD001MotherDemog,M001901,EthnicCategoryMother,{shown},{total}"
        )
    return rows


def _dates(month: int) -> tuple[str, str]:
    begin = np.datetime64(month, "M")
    return str(begin.astype("datetime64[D]")), str((begin + 1).astype("datetime64[D]") - 1)


def _half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number to a quotient, halves up; 0 of nothing."""
    return (2 * numerator + denominator) // (2 * denominator) if denominator else 0
