from __future__ import annotations

import csv
import dataclasses
import io
import json

import numpy as np
import pandas as pd
import pytest

import spcbench as sb
from spcbench import tables
from spcbench.builtin.formats import csv_files, json_bytes, spcbench_formats
from spcbench.errors import OptionError
from spcbench.report import ReportTable, Section

FORMATS = {record.id: record for record in spcbench_formats()}


def test_five_formats_are_offered():
    assert {one.id: one.suffix for one in FORMATS.values()} == {
        "csv": ".csv",
        "json": ".json",
        "png": ".png",
        "svg": ".svg",
        "pdf": ".pdf",
    }


def test_csv_of_charts_has_the_points_under_the_main_name(drawn_charts, drawn_report):
    charts = drawn_charts()
    files = csv_files(drawn_report((charts,)))
    assert list(files) == ["", "signals", "summary", "advice", "method"]
    method = list(csv.DictReader(io.StringIO(files["method"].decode())))
    assert method[0] == {"result": "0", "name": "schema_version", "value": tables.SCHEMA_VERSION}
    assert {"result": "1", "name": "input_digest", "value": "sha256:0f1e"} in method
    rows = list(csv.DictReader(io.StringIO(files[""].decode())))
    assert list(rows[0]) == tables.POINTS.names
    assert [float(row["lower_warning"]) for row in rows] == charts.points["lower_warning"].tolist()
    assert rows[0]["period"] == "2022-04-01"
    assert [row["numerator"] for row in rows].count("") == 1
    assert rows[7]["value"] == ""
    assert files[""].splitlines()[1].startswith(b"pop@2023:mgso4,RX000,2022-04-01,")
    assert b"\r" not in files[""]


def test_csv_of_funnels_and_of_both(drawn_charts, drawn_funnels, drawn_report):
    alone = csv_files(drawn_report((drawn_funnels(),)))
    assert set(alone) == {"", "curve", "estimates", "summary", "advice", "method"}
    assert alone[""].startswith(b"measure,group,unit,first")
    both = csv_files(drawn_report((drawn_funnels(), drawn_charts())))
    assert both[""].startswith(b"measure,unit,period")
    assert set(both) == {
        "", "signals", "summary", "advice", "units", "curve", "estimates", "funnel_summary",
        "method",
    }  # fmt: skip
    assert both["funnel_summary"] == alone["summary"]


def test_csv_of_two_results_of_one_kind_follow_one_another(drawn_charts, drawn_report):
    one, two = drawn_charts(units=1), drawn_charts(units=2)
    rows = csv_files(drawn_report((one, two)))[""].splitlines()
    assert len(rows) == 1 + 24 * 3


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_csv_cells_never_run_as_formulas(drawn_charts, drawn_report, start):
    charts = drawn_charts()
    points = charts.points.assign(note=f'{start}HYPERLINK("x")')
    files = csv_files(drawn_report((dataclasses.replace(charts, points=points),)))
    back = pd.read_csv(io.BytesIO(files[""]))
    assert back["note"].iloc[0] == f'\'{start}HYPERLINK("x")'


def test_csv_numbers_below_nought_stay_numbers(drawn_charts, drawn_report):
    charts = drawn_charts()
    points = charts.points.assign(lcl=-0.25)
    files = csv_files(drawn_report((dataclasses.replace(charts, points=points),)))
    assert pd.read_csv(io.BytesIO(files[""]))["lcl"].eq(-0.25).all()


def test_json_is_a_versioned_envelope(drawn_charts, drawn_funnels, drawn_report):
    charts = drawn_charts()
    read = json.loads(json_bytes(drawn_report((charts, drawn_funnels()), "Board")))
    assert read["schema_version"] == tables.SCHEMA_VERSION
    assert read["generator"]["name"] == "spcbench"
    assert read["generator"]["plugins"] == ["pop"]
    assert read["title"] == "Board"
    kinds = [one["kind"] for one in read["results"]]
    assert kinds == ["control_charts", "funnels"]
    assert read["results"][0]["input_digest"] == "sha256:0f1e"
    assert read["results"][0]["method"]["rule_set"] == "mdc-2023-11"
    assert len(read["points"]) == 24
    assert len(read["units"]) == 40
    assert len(read["summary"]) == len(read["funnel_summary"]) == 1


def test_json_cells(drawn_charts, drawn_report):
    charts = drawn_charts()
    read = json.loads(json_bytes(drawn_report((charts,))))
    points = read["points"]
    assert list(points[0]) == tables.POINTS.names
    assert points[0]["period"] == "2022-04-01"
    assert points[7]["value"] is None
    assert points[7]["numerator"] is None
    assert points[7]["status"] == "no_data"
    assert points[0]["rules"] == []
    assert points[4]["rules"] == ["3s", "run7"]
    assert points[4]["special_cause"] is True
    assert points[0]["phase"] == 1
    assert points[0]["value"] == charts.points["value"].iloc[0]
    assert read["advice"][0]["evidence"] == {"points": 23}
    assert read["units"] == []


def test_json_of_method_holds_no_nan_and_plain_dates(drawn_charts, drawn_report):
    charts = drawn_charts()
    method = {
        "nan": float("nan"),
        "number": np.int64(3),
        "baseline": {"first": pd.Timestamp("2024-01-01")},
        "rules": ("a", "b"),
    }
    read = json.loads(json_bytes(drawn_report((dataclasses.replace(charts, method=method),))))
    assert read["results"][0]["method"] == {
        "nan": None,
        "number": 3,
        "baseline": {"first": "2024-01-01"},
        "rules": ["a", "b"],
    }


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_report_is_written(drawn_report, drawn_charts, name):
    assert FORMATS[name].render(drawn_report(()))
    assert FORMATS[name].render(drawn_report((drawn_charts(units=0),)))


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_report_gives_the_same_bytes(drawn_report, drawn_funnels, name):
    report = drawn_report((drawn_funnels(),))
    assert FORMATS[name].render(report) == FORMATS[name].render(report)


@pytest.mark.parametrize(
    ("name", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_pictures_are_what_they_say(drawn_charts, drawn_report, name, start):
    assert FORMATS[name].render(drawn_report((drawn_charts(),))).startswith(start)


@pytest.mark.parametrize("name", ["png", "svg"])
def test_an_image_of_several_results_is_refused(drawn_charts, drawn_report, name):
    with pytest.raises(OptionError, match=f"a .{name} file holds one picture"):
        FORMATS[name].render(drawn_report((drawn_charts(), drawn_charts())))


# ---------------------------------------------------------------------------- reports in sections


def sectioned(*results, **table):
    frame = pd.DataFrame({"unit": ["=A", "B"], "value": ["80%\n8 of 10", None], "n": [10, 0]})
    made = {"frame": frame, "headings": {"unit": "Unit", "value": "Value"}, "note": "Invented."}
    one = ReportTable(id="glance", title="At a glance", **(made | table))
    words = ["One paragraph.", "Another."]
    return Section(title="Where we stand", text=words, tables=[one], results=results)


@pytest.fixture
def charts():
    months = pd.date_range("2024-01-01", periods=14, freq="MS")
    counts = pd.DataFrame({"measure": "warm", "unit": "A", "period": months})
    return sb.control_charts(
        counts.assign(numerator=[6] * 7 + [9] * 7, denominator=10),
        notes=[sb.note("comment", date="2024-08-01", reason="Box on the ward")],
    )


def test_csv_has_a_file_for_each_table_of_a_section(charts):
    files = csv_files(sb.Report([], sections=[sectioned(charts)]))

    assert set(files) == {
        "", "signals", "summary", "advice", "actions", "glance", "text", "method",
    }  # fmt: skip
    assert files["glance"] == b'unit,value,n\n\'=A,"80%\n8 of 10",10\nB,,0\n'
    assert files[""].startswith(b"measure,unit,period")
    assert pd.read_csv(io.BytesIO(files["text"]))["text"].to_list() == [
        "One paragraph.",
        "Another.",
        "Invented.",
    ]
    assert pd.read_csv(io.BytesIO(files["actions"]))["text"].to_list() == ["Box on the ward"]


def test_csv_of_sections_is_written_beside_the_main_file(charts, tmp_path):
    written = sb.write(sb.Report([charts], sections=[sectioned()]), tmp_path / "out.csv")
    assert "out.glance.csv" in [path.name for path in written]


def test_csv_of_mixed_cells_never_runs_as_a_formula():
    frame = pd.DataFrame({"unit": ["+A", 3, None]}, dtype="object")
    one = sectioned(frame=frame, headings={"unit": "Unit"})
    assert csv_files(sb.Report([], sections=[one]))["glance"] == b'unit\n\'+A\n3\n""\n'


def test_json_has_sections_with_their_tables(charts):
    read = json.loads(json_bytes(sb.Report([], sections=[sectioned(charts)])))
    (section,) = read["sections"]

    assert section["title"] == "Where we stand"
    assert section["text"] == ["One paragraph.", "Another."]
    assert section["tables"][0]["headings"] == {"unit": "Unit", "value": "Value"}
    assert section["tables"][0]["rows"] == [
        {"unit": "=A", "value": "80%\n8 of 10", "n": 10},
        {"unit": "B", "value": None, "n": 0},
    ]
    assert len(read["points"]) == 14
    assert [one["kind"] for one in read["results"]] == ["control_charts"]
    assert read["actions"][0]["numerator_after"] == 63


def test_json_of_a_section_takes_any_plain_cell():
    frame = pd.DataFrame(
        {
            "rules": ["not a rule"],
            "evidence": ["not JSON"],
            "when": [pd.Timestamp("2024-01-01")],
            "nan": [float("inf")],
            "number": [np.float64(0.5)],
        }
    )
    report = sb.Report([], sections=[sectioned(frame=frame, headings={"rules": "Rules"})])
    assert json.loads(json_bytes(report))["sections"][0]["tables"][0]["rows"] == [
        {
            "rules": "not a rule",
            "evidence": "not JSON",
            "when": "2024-01-01",
            "nan": None,
            "number": 0.5,
        }
    ]


def test_json_without_sections_says_so(drawn_charts, drawn_report):
    read = json.loads(json_bytes(drawn_report((drawn_charts(),))))
    assert read["sections"] == read["actions"] == []


@pytest.mark.parametrize("name", ["png", "svg"])
def test_pictures_draw_the_results_of_sections(charts, name):
    alone = FORMATS[name].render(sb.Report([charts], title="x"))
    within = FORMATS[name].render(sb.Report([], title="x", sections=[sectioned(charts)]))
    assert alone == within
