"""Periods that are missing, and periods that are longer than the others, on charts."""

from __future__ import annotations

import pandas as pd
import pytest

import spcbench as sb
from spcbench.pictures import describe_chart, describe_funnel
from spcbench.pictures.control_chart import control_chart


def counts(periods, **columns):
    met = [28, 27, 29, 26, 28, 27] * 10
    rows = {"measure": "m", "unit": "A", "period": pd.DatetimeIndex(periods), "denominator": 30}
    return pd.DataFrame({**rows, "numerator": met[: len(periods)], **columns})


def pieces(plot):
    """How many periods each stretch of the line of values joins."""
    paths = [one for one in plot.layers if type(one.geom).__name__ == "geom_path"]
    return paths[0]._data.groupby("group").size().tolist()


def caption_of(plot):
    return " ".join(plot.labels.caption.split())


@pytest.mark.parametrize("often", ["MS", "QS", "YS", "W-MON"])
def test_the_line_breaks_where_a_period_has_no_row(often):
    periods = pd.date_range("2010-01-01", periods=16, freq=often)
    whole = control_chart(sb.control_charts(counts(periods)))
    assert pieces(whole) == [16]
    assert "gap" not in caption_of(whole)
    broken = control_chart(sb.control_charts(counts(periods.delete([6, 7]))))
    assert pieces(broken) == [6, 8]
    assert "Where the line has a gap, 2 periods have no row." in caption_of(broken)


def test_days_between_events_are_no_gaps():
    days = pd.date_range("2020-01-01", periods=16, freq="MS").delete([4, 5])
    events = pd.DataFrame({"measure": "m", "unit": "A", "period": days, "value": 31.0})
    events["value"] = [31.0 + at for at in range(len(days))]
    assert pieces(control_chart(sb.control_charts(events, chart="t"))) == [14]


LONG = [*pd.date_range("2023-12-01", periods=13, freq="MS"), pd.Timestamp("2025-10-01")]


def long_row():
    ends = [*[pd.NaT] * 12, pd.Timestamp("2025-09-30"), pd.NaT]
    return counts(LONG, period_end=ends)


def test_a_row_of_many_months_is_named_by_all_of_them():
    charts = sb.control_charts(long_row())
    assert charts.points["period_end"].iloc[12] == pd.Timestamp("2025-09-30")
    said = "One point is of a longer period: Dec 2024 to Sep 2025."
    assert said in describe_chart(charts, "m", "A")
    plot = control_chart(charts)
    assert said in caption_of(plot)
    # What the row covers is not missing: the line goes on.
    assert pieces(plot) == [14]
    alone = sb.control_charts(long_row().iloc[[12]])
    assert "1 point, Dec 2024 to Sep 2025." in describe_chart(alone, "m", "A")
    usual = sb.control_charts(counts(LONG[:13]))
    assert "longer" not in describe_chart(usual, "m", "A") + caption_of(control_chart(usual))


def test_a_page_names_a_row_of_many_months_by_all_of_them():
    page = sb.unit_report(long_row().iloc[:13], unit="A", better="higher")
    tables = {table.id: table.frame for section in page.sections for table in section.tables}
    (latest,) = tables["at_a_glance"]["latest"]
    assert latest.endswith("of 30, Dec 2024 to Sep 2025")
    assert "Dec 2024 to Sep 2025" in tables["missed_by_period"].to_string()
    plain = sb.unit_report(counts(LONG[:13]), unit="A", better="higher")
    (table,) = (one for one in plain.sections[0].tables if one.id == "at_a_glance")
    assert table.frame["latest"].iloc[0].endswith("of 30, Dec 2024")


def test_one_financial_year_is_named_by_its_first_and_last_month():
    year = counts([pd.Timestamp("2022-04-01")] * 4).assign(unit=list("ABCD"))
    assert "one period from Apr 2022" in describe_funnel(sb.funnels(year), "m")
    told = sb.funnels(year.assign(period_end=pd.Timestamp("2023-03-31")))
    assert "4 units, Apr 2022 to Mar 2023." in describe_funnel(told, "m")
