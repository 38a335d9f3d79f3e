"""Series made by hand for the numeric room."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spcbench.numeric import rules
from spcbench.numeric.limits import Series
from spcbench.numeric.segments import Segments


def make_proportions(
    numerator: Any,
    denominator: Any,
    *,
    lengths: Any = None,
    in_baseline: Any = None,
    gap: Any = None,
) -> Series:
    """Counts laid end to end; NaN, or 0 of 0, is no data."""
    top = np.asarray(numerator, dtype=np.float64)
    size = np.broadcast_to(np.asarray(denominator, dtype=np.float64), top.shape).copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        value = top / size
    return Series(
        value=value,
        numerator=top,
        denominator=size,
        in_baseline=np.ones(top.size, bool) if in_baseline is None else np.asarray(in_baseline),
        gap=np.zeros(top.size, bool) if gap is None else np.asarray(gap),
        segments=Segments.from_lengths([top.size] if lengths is None else lengths),
    )


@pytest.fixture(scope="session")
def proportions() -> Any:
    """Make a Series: ``proportions(numerator, denominator, lengths=[12])``."""
    return make_proportions


@pytest.fixture(scope="session")
def four_rules() -> Any:
    """The detectors of mdc-2023-11 in their order: 3s, trend7, 2of3, run7."""
    return (
        lambda value, z, side, segments: rules.outside(z),
        lambda value, z, side, segments: rules.trends(value, segments, length=7),
        lambda value, z, side, segments: rules.two_of_three(z, side, segments),
        lambda value, z, side, segments: rules.runs(side, segments, length=7),
    )
