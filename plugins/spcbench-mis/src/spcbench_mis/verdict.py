"""The verdict of a period: what happened against a mark, in exact whole numbers.

It says what the period did, never what the process will do: that is what
control charts are for. Nothing here is a float but the interval, because
0.95 × 20 must be 19 and not a little more.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Literal

from spcbench.errors import OptionError

Verdict = Literal["met", "not_met", "on_course", "at_risk", "cannot_now_be_met", "none_due"]
Operator = Literal[">=", ">"]

WORDS: dict[str, str] = {
    "met": "Met",
    "not_met": "Not met",
    "on_course": "On course",
    "at_risk": "At risk",
    "cannot_now_be_met": "Cannot now be met",
    "none_due": "None due",
}
"""Each verdict as people read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodVerdict:
    """What the cases so far, or of the whole period, say about a mark.

    Parameters
    ----------
    verdict : str
        ``met`` and ``not_met`` once the period has ended; before that
        ``on_course`` or ``at_risk``, as the share so far reaches the mark or
        does not, or ``cannot_now_be_met``; ``none_due`` where there was no case.
    cases_short : int
        How many more of the cases so far would have had to succeed.
    catch_up : int, optional
        How many further cases, all of them successes, would bring the share to
        the mark; None where none could.
    failures_left : int, optional
        How many of the cases to come may fail, once the number expected in all
        is known; below 0 the mark is lost by so many. Of a period that has
        ended, how many more might have failed. None where it is not known.
    """

    verdict: Verdict
    cases_short: int
    catch_up: int | None
    failures_left: int | None


def successes_needed(cases: int, threshold: Fraction | str, op: Operator = ">=") -> int:
    """Fewest successes among so many cases that reach a mark.

    Parameters
    ----------
    cases : int
        At least 0.
    threshold : Fraction or str
        A share between 0 and 1, such as ``"0.95"``; never a float.
    op : str
        ``">="``: the share is the mark or more; ``">"``: more than the mark.

    Returns
    -------
    int
        More than `cases` where not even all would do (``"> 1"``).

    Raises
    ------
    OptionError
        If an argument is out of range.

    Examples
    --------
    >>> successes_needed(20, "0.95"), successes_needed(20, "0.95", ">")
    (19, 20)
    """
    share = exact_share(threshold)
    _check_whole("cases", cases)
    if op not in (">=", ">"):
        raise OptionError(f"the operator of a mark is '>=' or '>', not {op!r}")
    reached = share * cases
    return ceil(reached) if op == ">=" else floor(reached) + 1


def period_verdict(
    numerator: int,
    denominator: int,
    threshold: Fraction | str,
    op: Operator = ">=",
    *,
    ended: bool,
    expected_total: int | None = None,
) -> PeriodVerdict:
    """Whether the cases of a period reach a mark, or still can.

    Parameters
    ----------
    numerator, denominator : int
        Successes, and cases that were due so far.
    threshold, op
        As `successes_needed`.
    ended : bool
        Whether the period is over. What was due by then is judged, and nothing else.
    expected_total : int, optional
        Cases of the whole period, those not yet due among them, once that
        number is known. Without it the only mark that is lost before the end
        is one of 100 %.

    Returns
    -------
    PeriodVerdict
        Exact.

    Raises
    ------
    OptionError
        If a count is no whole number, or they contradict each other.

    Examples
    --------
    >>> found = period_verdict(17, 20, "0.95", ended=False, expected_total=60)
    >>> found.verdict, found.cases_short, found.catch_up, found.failures_left
    ('at_risk', 2, 40, 0)
    >>> period_verdict(16, 20, "0.95", ended=False, expected_total=60).verdict
    'cannot_now_be_met'
    """
    share = exact_share(threshold)
    _check_counts(numerator, denominator, expected_total)
    total = denominator if ended else expected_total
    failures = denominator - numerator
    short = max(0, successes_needed(denominator, share, op) - numerator)
    left = None
    if total is not None:
        left = total - successes_needed(total, share, op) - failures
        left = left if ended else min(left, total - denominator)
    # Without the number of cases to come, only a mark of 100 % can be lost before the end.
    lost = share == 1 and (failures > 0 or op == ">")
    lost |= left is not None and left < 0
    return PeriodVerdict(
        verdict=_verdict(denominator, total, short, ended=ended, lost=lost),
        cases_short=short if denominator else 0,
        catch_up=_catch_up(numerator, denominator, share, op) if denominator else 0,
        failures_left=left,
    )


def count_verdict(
    number: int,
    threshold: int | Fraction,
    op: Operator = ">=",
    *,
    ended: bool,
    elapsed: Fraction = Fraction(0),
) -> PeriodVerdict:
    """Whether a number of things done, such as meetings, reaches a mark.

    Parameters
    ----------
    number : int
        Done so far.
    threshold : int or Fraction
        The mark.
    op : str
        ``">="`` or ``">"``.
    ended : bool
        Whether the period is over.
    elapsed : Fraction
        Share of the period that is over. Before its end a number is on course
        if it has reached that share of the mark, rounded down (this package's
        choice; the scheme knows no such thing).

    Returns
    -------
    PeriodVerdict
        ``met`` as soon as the mark is reached, because what was done stays done.

    Raises
    ------
    OptionError
        If `number` is no whole number of at least 0.

    Examples
    --------
    >>> count_verdict(1, 3, ended=False, elapsed=Fraction(1, 2)).verdict
    'on_course'
    """
    _check_whole("number", number)
    needed = ceil(threshold) if op == ">=" else floor(threshold) + 1
    short = max(0, needed - number)
    word: Verdict = "met"
    if short:
        on_course = number >= floor(needed * elapsed)
        word = "not_met" if ended else ("on_course" if on_course else "at_risk")
    return PeriodVerdict(verdict=word, cases_short=short, catch_up=short, failures_left=None)


def exact_interval(numerator: int, denominator: int) -> tuple[float, float] | None:
    """The exact binomial interval of a share (Clopper and Pearson, 95 %).

    Parameters
    ----------
    numerator, denominator : int
        Successes and cases.

    Returns
    -------
    tuple of (float, float), optional
        Lower and upper end between 0 and 1; None without cases.

    Raises
    ------
    OptionError
        If the counts contradict each other.

    References
    ----------
    .. [1] Clopper & Pearson (1934), Biometrika 26:404.

    Examples
    --------
    >>> low, high = exact_interval(19, 20)
    >>> round(low, 4), round(high, 4)
    (0.7513, 0.9987)
    """
    _check_counts(numerator, denominator, None)
    if denominator == 0:
        return None
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(numerator, denominator, alpha=0.05, method="beta")
    # The ends are exact by definition; statsmodels gives them so only in some versions.
    return (
        0.0 if numerator == 0 else float(low),
        1.0 if numerator == denominator else float(high),
    )


def exact_share(threshold: Fraction | str) -> Fraction:
    """A mark as an exact fraction.

    Raises
    ------
    OptionError
        If it is a float, or does not lie between 0 and 1.

    Examples
    --------
    >>> exact_share("0.95")
    Fraction(19, 20)
    """
    if isinstance(threshold, float):
        raise OptionError(
            f"a threshold must be exact: write Fraction('{threshold:g}') or '{threshold:g}', "
            "not a float"
        )
    try:
        share = Fraction(threshold)
    except (ValueError, TypeError, ZeroDivisionError):
        raise OptionError(f"a threshold is a share such as '0.95', not {threshold!r}") from None
    if not 0 <= share <= 1:
        raise OptionError(f"a threshold lies between 0 and 1 (95 % is '0.95'), not {threshold}")
    return share


def _verdict(
    denominator: int, total: int | None, short: int, *, ended: bool, lost: bool
) -> Verdict:
    if denominator == 0 and (ended or not total):
        return "none_due"
    if ended:
        return "not_met" if short else "met"
    if lost:
        return "cannot_now_be_met"
    return "at_risk" if short and denominator else "on_course"


def _catch_up(numerator: int, denominator: int, share: Fraction, op: Operator) -> int | None:
    """Fewest further successes in a row that bring the share to the mark."""
    if successes_needed(denominator, share, op) <= numerator:
        return 0
    if share == 1:
        return None
    # (numerator + k) / (denominator + k) reaches the share; k solves it with equality.
    further = (share * denominator - numerator) / (1 - share)
    return ceil(further) if op == ">=" else floor(further) + 1


def _check_counts(numerator: int, denominator: int, expected_total: int | None) -> None:
    _check_whole("numerator", numerator)
    _check_whole("denominator", denominator)
    if numerator > denominator:
        raise OptionError(
            f"{numerator} successes of {denominator} cases: the numerator must not exceed the "
            "denominator"
        )
    if expected_total is not None:
        _check_whole("expected_total", expected_total)
        if expected_total < denominator:
            raise OptionError(
                f"{denominator} cases were due so far, which is more than the {expected_total} "
                "expected in all"
            )


def _check_whole(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise OptionError(f"{name} must be a whole number of at least 0, not {value!r}")
