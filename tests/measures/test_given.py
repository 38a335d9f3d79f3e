"""Measures whose counts their owner keeps, and measures that name their own chart."""

from __future__ import annotations

import types

import numpy as np
import pandas as pd
import pytest

import spcbench
from spcbench.errors import OptionError, PackError
from spcbench.measures.measure import Composite, Measure
from spcbench.plugin import Pack, PluginHost, hookimpl

REASON = "each month counts the same staff again"
TRAINED = Measure(
    id="trained", title="Trained", better="higher", kind="given", target=0.9,
    chart="run", chart_reason=REASON,
)  # fmt: skip
SEEN = Measure(id="seen", title="Seen", better="higher", kind="given")


@pytest.fixture
def host():
    offering = types.ModuleType("staff_measures")
    offering.SPCBENCH_API = 1  # type: ignore[attr-defined]
    pack = Pack(id="staff", version="1", title="S", record="staff", measures=(TRAINED, SEEN))
    offering.spcbench_packs = hookimpl(lambda: [pack], specname="spcbench_packs")  # type: ignore[attr-defined]
    return PluginHost.of(offering)


@pytest.fixture
def counts():
    made = np.random.default_rng(1)
    months = pd.date_range("2024-01-01", periods=14, freq="MS")
    parts = [
        pd.DataFrame(
            {
                "measure": f"staff:{name}",
                "unit": unit,
                "period": months,
                "numerator": made.integers(70, 95, 14),
                "denominator": 100,
            }
        )
        for name in ("trained", "seen")
        for unit in ("A", "B")
    ]
    return pd.concat(parts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eligible": "x"}, 'eligible does not go with kind = "given"'),
        ({"dimension": "D"}, 'dimension does not go with kind = "given"'),
        ({"indicator": "I"}, 'indicator does not go with kind = "given"'),
        ({"missing": "not_met"}, 'missing goes with kind = "records" only'),
        ({"chart": "run"}, "chart and chart_reason go together"),
        ({"chart_reason": REASON}, "chart and chart_reason go together"),
        ({"chart": 1}, "chart must be text, not 1"),
    ],
)
def test_a_given_measure_checks_itself(settings, message):
    with pytest.raises(PackError, match="measure 'a'") as caught:
        Measure(**{"id": "a", "title": "A", "better": "higher", "kind": "given", **settings})
    assert message in str(caught.value)


def test_a_composite_may_name_a_chart_too():
    with pytest.raises(PackError, match="composite 'c': chart and chart_reason go together"):
        Composite(id="c", title="C", better="higher", of=("a", "b"), chart="run")


def test_a_given_measure_needs_no_columns():
    assert SEEN.columns == frozenset()


def test_records_are_not_counted_for_a_given_measure(host, counts):
    with pytest.raises(OptionError, match=r"staff@1:seen is counted by those who keep it"):
        spcbench.count(
            counts, packs=["staff"], unit_column="unit", date_column="period",
            measures=["seen"], host=host,
        )  # fmt: skip
    with pytest.raises(OptionError, match="no measure of staff@1 is counted from records"):
        spcbench.count(counts, packs=["staff"], unit_column="unit", date_column="period", host=host)


def test_auto_takes_the_chart_that_the_measure_names(host, counts):
    charts = spcbench.control_charts(counts, host=host)
    found = charts.summary.set_index(["measure", "unit"])["chart"].astype(str)
    assert found["staff:trained"].to_list() == ["run", "run"]
    assert "run" not in found["staff:seen"].to_list()
    alone = spcbench.control_charts(
        counts[counts["measure"] == "staff:trained"], chart="run", host=host
    )
    own = charts.points[charts.points["measure"] == "staff:trained"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, alone.points)
    other = spcbench.control_charts(counts[counts["measure"] == "staff:seen"], host=host)
    own = charts.points[charts.points["measure"] == "staff:seen"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, other.points)


def test_the_advice_says_why(host, counts):
    charts = spcbench.control_charts(counts, host=host)
    advice = charts.advice[charts.advice["measure"] == "staff:trained"]
    chosen = advice[advice["code"] == "chart_chosen"]
    assert chosen["unit"].to_list() == ["A", "B"]
    assert chosen["message"].str.endswith(f"because the measure asks for it: {REASON}.").all()
    assert not advice["code"].isin(["overdispersed", "underdispersed"]).any()


def test_a_chart_that_is_asked_for_goes_before(host, counts):
    charts = spcbench.control_charts(counts, chart="p", host=host)
    assert set(charts.summary["chart"].astype(str)) == {"p"}
    assert "chart_chosen" not in set(charts.advice["code"])
