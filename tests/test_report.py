"""What a report is made of: results, sections, tables that read by themselves."""

from dataclasses import FrozenInstanceError

import pandas as pd
import pytest

import spcbench as sb
from spcbench.errors import OptionError
from spcbench.report import Page, Report, ReportTable, Section


def table(name="glance", **given):
    frame = pd.DataFrame({"measure": ["Warm"], "value": ["84%"], "variation": ["common_cause"]})
    made = {"frame": frame, "headings": {"measure": "Measure", "value": "Latest"}, **given}
    return ReportTable(id=name, title="At a glance", **made)


def charts():
    counts = pd.DataFrame(
        {
            "measure": "warm",
            "unit": "A",
            "period": pd.date_range("2024-01-01", periods=14, freq="MS"),
            "numerator": 8,
            "denominator": 10,
        }
    )
    return sb.control_charts(counts, better="higher")


def test_a_report_without_sections_is_as_it_always_was():
    report = Report([charts()], title="Board")
    assert (report.title, report.sections, len(report.all_results)) == ("Board", (), 1)
    assert report.all_tables == ()


def test_results_of_sections_follow_those_of_the_report():
    one, two = charts(), charts()
    report = Report([one], sections=[Section(title="More", tables=[table()], results=[two])])
    assert report.all_results == (one, two)
    assert [found.id for found in report.all_tables] == ["glance"]


def test_sections_and_tables_cannot_be_changed():
    section, made = Section(title="Quality", text="One line"), table()
    assert section.text == ("One line",)
    for one, name in ((section, "title"), (made, "note")):
        with pytest.raises(FrozenInstanceError):
            setattr(one, name, "x")
    with pytest.raises(TypeError):
        made.headings["measure"] = "x"


def test_a_page_says_what_it_covers():
    page = Page(
        kind="unit",
        unit="RJ1",
        unit_name="Alpha",
        counts=pd.DataFrame(),
        members=("RJ1",),
        first=pd.Timestamp("2024-01-01"),
        last=pd.Timestamp("2024-12-01"),
        names={"RJ1": "Alpha"},
    )
    assert page.members == ("RJ1",)
    with pytest.raises(FrozenInstanceError):
        page.unit = "RJ2"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: table("At a glance"), "takes lower-case letters"),
        (lambda: table("points"), "a report has a table 'points' of its own"),
        (lambda: table(headings={"nil": "x"}), "names a column 'nil' that its frame does not have"),
        (lambda: table(icons={"value": "no"}), "names a column 'no'"),
        (
            lambda: table(frame=pd.DataFrame([[1, 2]], columns=["a", "a"]), headings={"a": "A"}),
            "has two columns of one name",
        ),
        (lambda: Section(title="x", tables=["y"]), "are ReportTables; it was given str"),
        (lambda: Section(title="x", text=[3]), "are text"),
        (lambda: Section(title="x", results=["y"]), "takes results of control_charts"),
        (lambda: Report([], sections=["x"]), "sections of a report are Sections; it was given str"),
        (
            lambda: Report([], sections=[Section(title=t, tables=[table()]) for t in "ab"]),
            "two tables of the report have the id 'glance'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(OptionError, match=message):
        make()
