"""How the Clinical Quality Improvement Metrics are made: windows, lags, data-quality rules."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from operator import index
from typing import Any

from spcbench.errors import InputError, UnknownNameError

PASS, FAIL = "Pass", "Fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRule:
    """One metric.

    Parameters
    ----------
    indicator : str
        Its name in the files.
    window : int or None
        Months added up; None where it is not known.
    lag : int
        Months between the end of the window and the end of the reporting month.
    dq : tuple of str
        Data-quality measures that must all pass.
    counts_towards_sa2 : bool
        Whether it is one of the eleven of safety action 2.
    """

    indicator: str
    window: int | None
    lag: int
    dq: tuple[str, ...]
    counts_towards_sa2: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRule:
    """One data-quality measure.

    Parameters
    ----------
    indicator : str
        Its name in the files.
    least, most : Decimal or None
        What its rate must lie between; None where there is no such limit.
    above : bool
        Whether `least` itself does not pass.
    ratio : bool
        Whether its numerator can exceed its denominator.
    window : int or None
        Months added up; None where it is not known.
    lag : int
        Months between the end of the window and the end of the reporting month.
    """

    indicator: str
    least: Decimal | None
    most: Decimal | None
    above: bool
    ratio: bool
    window: int | None
    lag: int


@cache
def metric_rules() -> Mapping[str, MetricRule]:
    """The rule of every metric, by the name of its indicator.

    Examples
    --------
    >>> rule = metric_rules()["CQIMPPH"]
    >>> rule.window, rule.lag, rule.dq
    (3, 1, ('CQIMDQ10', 'CQIMDQ11', 'CQIMDQ12', 'CQIMDQ13'))
    """
    return {
        name: MetricRule(
            indicator=name,
            window=rule.get("window"),
            lag=rule["lag"],
            dq=tuple(rule["dq"]),
            counts_towards_sa2=rule["counts_towards_sa2"],
        )
        for name, rule in _content()["metric"].items()
    }


@cache
def quality_rules() -> Mapping[str, QualityRule]:
    """The rule of every data-quality measure, by the name of its indicator.

    Examples
    --------
    >>> rule = quality_rules()["CQIMDQ05"]
    >>> rule.least, rule.most
    (Decimal('0.005'), Decimal('0.5'))
    """
    return {
        name: QualityRule(
            indicator=name,
            least=rule.get("min"),
            most=rule.get("max"),
            above=rule.get("above", False),
            ratio=rule.get("ratio", False),
            window=rule.get("window"),
            lag=rule.get("lag", 0),
        )
        for name, rule in _content()["dq"].items()
    }


def quality_result(indicator: str, numerator: int, denominator: int) -> str | None:
    """Whether a data-quality measure passes.

    Parameters
    ----------
    indicator : str
        Such as ``"CQIMDQ14"``.
    numerator, denominator : int
        As published, which is to say rounded: that is what the rule is judged on.

    Returns
    -------
    str or None
        ``"Pass"`` or ``"Fail"``; a denominator of 0 fails. None where the
        limits of the measure are not known.

    Raises
    ------
    UnknownNameError
        If there is no such measure.
    InputError
        If the measure has been removed, a count is no whole number of 0 or
        more, or the numerator is above the denominator where it cannot be.

    Notes
    -----
    The rate is rounded to three decimals before it is compared, halves up.

    Examples
    --------
    >>> quality_result("CQIMDQ14", 700, 1000), quality_result("CQIMDQ14", 699, 1000)
    ('Pass', 'Fail')
    >>> quality_result("CQIMDQ18", 400, 1000), quality_result("CQIMDQ18", 401, 1000)
    ('Fail', 'Pass')
    """
    rule = _rule(indicator)
    try:
        numerator, denominator = index(numerator), index(denominator)
    except TypeError:
        raise InputError(
            f"{indicator}: {numerator!r} of {denominator!r} cannot be; counts are whole numbers"
        ) from None
    if numerator < 0 or denominator < 0:
        raise InputError(
            f"{indicator}: {numerator} of {denominator} cannot be; counts are 0 or more"
        )
    if numerator > denominator and not rule.ratio:
        raise InputError(
            f"{indicator}: {numerator} of {denominator} cannot be; the numerator is part of "
            "the denominator"
        )
    if rule.least is None and rule.most is None:
        return None
    if not denominator:
        return FAIL
    rate = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal("0.001"), ROUND_HALF_UP)
    if rule.ratio and rule.least == rule.most == 1:
        rate = min(rate, Decimal(1))  # any at all is enough
    low = rule.least is None or (rate > rule.least if rule.above else rate >= rule.least)
    return PASS if low and (rule.most is None or rate <= rule.most) else FAIL


def _rule(indicator: str) -> QualityRule:
    """The rule of a data-quality measure, or why there is none."""
    rules = quality_rules()
    if indicator in _content()["removed"]["dq"]:
        raise InputError(
            f"{indicator} was removed on {_content()['removed']['on']:%d %B %Y}; what it had to "
            "be is not known here, so take its result from the file"
        )
    if indicator not in rules:
        raise UnknownNameError("data-quality measure", indicator, rules)
    return rules[indicator]


def metric_result(indicator: str, results: Mapping[str, str | None]) -> str | None:
    """Whether a metric passes, from the results of its data-quality measures.

    Parameters
    ----------
    indicator : str
        Such as ``"CQIMApgar"``.
    results : mapping of str to str or None
        ``"Pass"``, ``"Fail"`` or None (not known) by data-quality measure.

    Returns
    -------
    str or None
        ``"Pass"`` if all pass, ``"Fail"`` if one fails, None if none fails
        but one is not known.

    Raises
    ------
    UnknownNameError
        If there is no such metric, or data-quality measure.
    InputError
        If a result is another word.

    Notes
    -----
    Judged by the list since 6 September 2023, which may differ from the result
    that a file of an earlier month has.

    Examples
    --------
    >>> metric_result("CQIMBreastfeeding", {"CQIMDQ08": "Pass", "CQIMDQ09": "Pass"})
    'Pass'
    >>> metric_result("CQIMBreastfeeding", {"CQIMDQ08": "Fail"})
    'Fail'
    >>> metric_result("CQIMBreastfeeding", {"CQIMDQ08": "Pass"}) is None
    True
    """
    rules = metric_rules()
    if indicator not in rules:
        raise UnknownNameError("metric", indicator, rules)
    for one, result in results.items():
        if one not in _content()["removed"]["dq"]:
            _rule(one)
        if result not in (PASS, FAIL, None):
            raise InputError(f"{one}: {result!r} is no result; expected 'Pass', 'Fail' or None")
    found = [results.get(one) for one in rules[indicator].dq]
    if FAIL in found:
        return FAIL
    return PASS if all(one == PASS for one in found) else None


@cache
def _content() -> dict[str, Any]:
    text = (files(__package__ or "spcbench_mis") / "cqim_rules.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)
