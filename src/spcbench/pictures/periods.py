"""How long periods are: which are missing among others, and which go on beyond the usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

LONG = {"quarter": 3, "year": 12}
"""Months of periods that are told by their last month too."""

_MONTHS_IN = {"month": 1, **LONG}


def missing_before(
    dates: pd.Series[pd.Timestamp], frequency: str, ends: pd.Series[pd.Timestamp] | None = None
) -> pd.Series[int]:
    """How many periods are missing just before each of some periods in order.

    Parameters
    ----------
    dates : Series of Timestamp
        First days of periods.
    frequency : str
        How long one is; of other lengths than these nothing is known to be missing.
    ends : Series of Timestamp, optional
        Their last days, where known: what one covers is not missing after it.

    Examples
    --------
    >>> import pandas as pd
    >>> months = pd.to_datetime(pd.Series(["2024-01-01", "2024-02-01", "2024-05-01"]))
    >>> missing_before(months, "month").tolist(), missing_before(months, "").tolist()
    ([0, 0, 2], [0, 0, 0])
    """
    if frequency not in ("week", *_MONTHS_IN):
        return dates.dt.day * 0
    if frequency == "week":
        number, length = dates.dt.to_period("W-SUN").astype("int64"), 1
        last = None if ends is None else ends.dt.to_period("W-SUN").astype("int64")
    else:
        number, length = 12 * dates.dt.year + dates.dt.month, _MONTHS_IN[frequency]
        last = None if ends is None else 12 * ends.dt.year + ends.dt.month - length + 1
    # A row that covers more than one period stands for all of them.
    reached = number if last is None else number.where(~(last > number), last)
    return ((number - reached.shift()) / length - 1).clip(lower=0).fillna(0).astype("int64")


def is_longer(date: pd.Timestamp, ends: Any, frequency: str) -> bool:
    """Whether a period ends later than one of its usual length does.

    Examples
    --------
    >>> import pandas as pd
    >>> first, last = pd.Timestamp("2024-04-01"), pd.Timestamp("2024-06-30")
    >>> is_longer(first, last, "month"), is_longer(first, last, "quarter")
    (True, False)
    """
    import pandas as pd

    if ends is None or pd.isna(ends) or frequency.endswith(("day", "days")):
        return False
    usual = (
        pd.DateOffset(days=7)
        if frequency == "week"
        else pd.DateOffset(months=LONG.get(frequency, 1))
    )
    return bool(ends > date + usual - pd.DateOffset(days=1))
