"""Workbooks of the PERIPrem tool: whole ones are read, broken ones refused with one clear error."""

from __future__ import annotations

import importlib.util
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter
from click.testing import CliRunner

import spcbench as sb
from spcbench.cli import main
from spcbench.errors import AmbiguousNameError, InputError, UnknownNameError
from spcbench_pop.periprem import looks_periprem, read_periprem
from spcbench_pop.periprem_book import CELLS_MAX
from spcbench_pop.periprem_origin import origin_of, periprem_trusts


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


books = _beside("periprem_books")
NAME = "MAY 2024 - YEO.xlsx"
BABY = {
    **dict.fromkeys(books.NAMES), "gestation": "28 - 29+6", "weight": "<1500g", "births": "Single",
    "ventilation": "No", "labour": "No", "steroids_rx": "Yes", "steroids_doses": 2,
    "steroids_opt_poss": "Yes", "steroids_opt_act": "No", "mgso4_rx": "No", "embm_info": "Yes",
    "cord_mgt": "Yes", "thermal_care": "Yes", "caffeine": "Yes", "embm_rx": "No",
    "probiotics": "Yes",
}  # fmt: skip


def answers(table):
    return [
        {name: row[name] for name in books.NAMES if row[name] is not None}
        for row in table.data.to_pylist()
    ]


def as_form(row):
    return {name: str(cell) for name, cell in row.items() if cell is not None}


def refused(path, **options):
    with pytest.raises(InputError) as error:
        read_periprem(path, **options)
    message = str(error.value)
    assert "\n" not in message
    return message


# -- what is read ------------------------------------------------------------------------------


def test_every_baby_is_read_with_unit_month_and_row(tmp_path):
    rows = books.babies(1, 25)
    table = sb.read(books.write_book(tmp_path / NAME, rows))
    assert table.kind == "records"
    assert answers(table) == [as_form(row) for row in rows]
    first = table.data.slice(0, 1).to_pylist()[0]
    assert {name: first[name] for name in first if name not in books.NAMES} == {
        "org_code": "YEO",
        "trust_code": "RH5",
        "trust_name": "Somerset NHS FT (Yeovil)",
        "month": date(2024, 5, 1),
        "file": NAME,
        "sheet": books.SHEET,
        "row": 10,
    }
    assert table.lines.tolist() == list(range(10, 35))


def test_names_of_people_and_free_text_are_not_read(tmp_path):
    table = sb.read(books.write_book(tmp_path / NAME, books.babies(1, 3)))
    assert "nobody should read" not in str(table.data.to_pylist())


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (" Yes ", "Yes"),
        ("YES", "Yes"),
        ("no\u00a0", "No"),
        ("  ", None),
        ("N/A", "N/A"),
        (1, "1"),
        (True, "True"),
        (0.5, "0.5"),
    ],
)
def test_answers_are_taken_as_they_were_meant_and_never_guessed(tmp_path, cell, read):
    path = books.write_book(tmp_path / NAME, [{**BABY, "cord_mgt": cell}])
    assert read_periprem(path).data["cord_mgt"].to_pylist() == [read]


@pytest.mark.parametrize("written", ["27 - 27+6", "27-27+6", " 27 – 27+6 ", "27  -  27+6"])
def test_blanks_and_dashes_in_a_range_do_not_matter(tmp_path, written):
    path = books.write_book(tmp_path / NAME, [{**BABY, "gestation": written}])
    assert read_periprem(path).data["gestation"].to_pylist() == ["27 - 27+6"]


@pytest.mark.parametrize("doses", [2, 2.0, "2", " 2 "])
def test_doses_may_be_numbers_or_text(tmp_path, doses):
    path = books.write_book(tmp_path / NAME, [{**BABY, "steroids_doses": doses}])
    assert read_periprem(path).data["steroids_doses"].to_pylist() == ["2"]
    found = sb.validate(read_periprem(path), packs=["periprem"], mapping="periprem")
    assert found.provenance["records_rejected"] == 0


def test_text_among_the_doses_is_told_and_sets_the_row_aside(tmp_path):
    path = books.write_book(tmp_path / NAME, [{**BABY, "steroids_doses": "two"}, BABY])
    found = sb.validate(path, packs=["periprem"], mapping="periprem")
    assert found.problems[["row", "field", "reason"]].to_numpy().tolist() == [
        [10, "form_steroids_doses", "expected integer"],
        [10, "steroids_full_course", "expected boolean"],  # is made from it
    ]


def test_blank_rows_and_totals_are_no_babies(tmp_path):
    rows = [BABY, dict.fromkeys(books.NAMES), BABY, {"gestation": "   "}, BABY]
    table = read_periprem(books.write_book(tmp_path / NAME, rows))
    assert table.lines.tolist() == [10, 12, 14]


def test_a_row_with_a_blank_description_is_kept_to_be_told(tmp_path):
    """The public import drops such a row without a word."""
    rows = [{**BABY, "gestation": None}, {**BABY, "weight": None, "births": None}]
    path = books.write_book(tmp_path / NAME, rows)
    found = sb.validate(path, packs=["periprem"], mapping="periprem")
    assert found.problems[["row", "field"]].to_numpy().tolist() == [
        [10, "form_gestation"],
        [11, "form_births"],
        [11, "form_weight"],
    ]


def test_above_the_totals_every_row_counts_and_below_only_the_forms_own_words(tmp_path):
    """A row without a description is a fault to be told, unless it stands below the totals."""
    bare = {**dict.fromkeys(books.NAMES), "cord_mgt": "Yes", "thermal_care": "Yes"}
    totals = {"gestation": "Total", **dict.fromkeys(books.NAMES[4:], 3)}
    path = books.write_book(tmp_path / NAME, [bare, BABY, totals, bare, BABY])
    table = read_periprem(path)
    assert table.lines.tolist() == [10, 11, 14]
    assert answers(table)[0] == as_form(bare)
    found = sb.validate(table, packs=["periprem"], mapping="periprem")
    assert 10 in found.problems["row"].tolist()


@pytest.mark.parametrize(("figures", "babies"), [(2, [10, 11, 12]), (3, [10]), (4, [10])])
def test_three_figures_where_the_form_has_words_are_a_row_of_totals(tmp_path, figures, babies):
    counted = ["mgso4_rx", "cord_mgt", "thermal_care", "caffeine"][:figures]
    foot = {**dict.fromkeys(books.NAMES), "gestation": "Total", **dict.fromkeys(counted, 3)}
    remark = {**dict.fromkeys(books.NAMES), "gestation": "see tab 3"}
    path = books.write_book(tmp_path / NAME, [BABY, foot, remark])
    assert read_periprem(path).lines.tolist() == babies


def test_a_baby_below_the_totals_still_counts_and_remarks_there_do_not(tmp_path):
    totals = {"gestation": "Total", **dict.fromkeys(books.NAMES[4:], 3)}
    below = [{"gestation": "Notes"}, {"gestation": "see tab 3", "weight": "of it"}, BABY]
    rows = [BABY, totals, *below]
    table = read_periprem(books.write_book(tmp_path / NAME, rows))
    assert table.lines.tolist() == [10, 14]


def test_merged_headings_are_understood(tmp_path):
    path = books.write_book(tmp_path / NAME, [BABY], merged=True)
    assert answers(read_periprem(path)) == [as_form(BABY)]


def test_a_month_without_babies_is_a_table_without_rows(tmp_path):
    with pytest.warns(
        sb.InputWarning, match=r"YEO\.xlsx: no babies; read as a month without births"
    ):
        table = read_periprem(books.write_book(tmp_path / NAME, []))
    assert table.data.num_rows == 0
    assert set(books.NAMES) <= set(table.data.column_names)


def test_a_month_without_babies_is_told_in_a_folder_and_alone(tmp_path):
    books.write_book(tmp_path / NAME, [BABY])
    none = books.write_book(tmp_path / "JUN 2024 - YEO.xlsx", [], month=None)
    given = ("--packs", "periprem", "--mapping", "periprem")
    by = ("--unit-column", "org_code", "--date-column", "month", "-o", tmp_path / "counts.csv")
    for path, code in ((tmp_path, 0), (none, 1)):
        done = run("count", path, *given, *by)
        assert (done.exit_code, "Traceback" in done.output) == (code, False), done.output
        assert "JUN 2024 - YEO.xlsx: no babies; read as a month without births" in done.output
        (tmp_path / "counts.csv").unlink(missing_ok=True)
    assert "has column names but no records" in done.output
    assert run("validate", none, *given).exit_code == 0


def test_the_sheet_may_be_named_by_the_caller(tmp_path):
    path = books.write_book(tmp_path / NAME, [BABY], sheet="Data May")
    assert read_periprem(path, sheet="Data May").data.num_rows == 1
    with pytest.raises(UnknownNameError, match="Data May"):
        read_periprem(path, sheet="Data June")


def test_a_folder_of_tools_is_one_table(tmp_path):
    # Two files of different trusts or months are no double.
    for month, code, number in (("APR", "YEO", 5), ("MAY", "YEO", 7), ("MAY", "GLO", 6)):
        books.write_book(
            tmp_path / f"{month} 2024 - {code}.xlsx", books.babies(number, number),
            month=None, trust=None,
        )  # fmt: skip
    counted = sb.count(
        tmp_path, packs=["periprem"], mapping="periprem", measures=["steroids_any"],
        unit_column="trust_code", date_column="month",
    )  # fmt: skip
    found = counted.counts.set_index(["unit", "period"])["denominator"]
    assert found.loc["RTE"].tolist() == [0, 6]
    assert found.loc["RH5"].tolist() == [5, 7]


@pytest.mark.parametrize("skip", ["raise", "skip_file"])
def test_two_files_of_one_trust_and_month_are_refused_by_every_way(tmp_path, skip):
    for name in (NAME, "may 2024 - yeo.xlsx", "APR 2024 - YEO.xlsx"):
        books.write_book(tmp_path / name, [BABY], month=None)
    with pytest.raises(InputError) as error:
        sb.read(tmp_path, on_error=skip)
    assert str(error.value) == (
        f"{NAME} and may 2024 - yeo.xlsx are both of YEO, May 2024, and every record would count "
        "twice; keep one of them"
    )
    done = run(
        *("count", tmp_path, "--packs", "periprem", "--mapping", "periprem"),
        *("--unit-column", "org_code", "--date-column", "month", "-o", tmp_path / "c.csv"),
    )
    assert done.exit_code == 1
    assert f"Error: {NAME} and may 2024 - yeo.xlsx are both of YEO, May 2024" in done.output


def test_a_file_whose_cells_say_the_month_of_another_is_refused_too(tmp_path):
    books.write_book(tmp_path / NAME, [BABY])
    books.write_book(tmp_path / "yeovil.xlsx", [BABY])
    with (
        pytest.warns(sb.InputWarning, match="taken from cells"),
        pytest.raises(InputError, match=r"xlsx and yeovil\.xlsx are both of YEO, May 2024"),
    ):
        sb.read(tmp_path)


# -- which files are the tool's ----------------------------------------------------------------


def head(path):
    return path.read_bytes()[:65536]


def test_only_a_workbook_with_the_tools_sheet_is_recognised(tmp_path):
    tool = books.write_book(tmp_path / NAME, [BABY])
    other = books.write_book(tmp_path / "births.xlsx", [BABY], sheet="Tab 2")
    assert looks_periprem(head(tool), tool)
    assert not looks_periprem(head(other), other)


def test_a_form_under_another_name_of_the_sheet_is_told_how_to_be_read(tmp_path):
    path = books.write_book(tmp_path / NAME, [BABY], sheet="Sheet1")
    done = run("validate", path, "--packs", "periprem", "--mapping", "periprem")
    assert done.exit_code == 1
    assert "has no sheet 'Tab 2 Data ONLY EDIT THIS TAB'" in done.output
    assert "--reader periprem --sheet NAME" in done.output
    given = ("--reader", "periprem", "--sheet", "Sheet1")
    done = run("validate", path, *given, "--packs", "periprem", "--mapping", "periprem")
    assert done.exit_code == 0, done.output
    assert f"{NAME}: 1 records, 0 cannot be used" in done.output


def test_another_workbook_named_like_the_tools_is_left_to_the_general_reader(tmp_path):
    with xlsxwriter.Workbook(tmp_path / NAME) as book:
        book.add_worksheet("Births").write_row(0, 0, ["unit", "born"])
    assert sb.read(tmp_path / NAME).data.column_names == ["unit", "born"]


def test_the_sheet_is_recognised_in_other_capitals_and_blanks(tmp_path):
    path = books.write_book(tmp_path / NAME, [BABY], sheet="tab 2  Data only edit this tab")
    assert looks_periprem(head(path), path)
    assert read_periprem(path).data.num_rows == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"unit,date\n", b"\xd0\xcf\x11\xe0" * 9])
def test_other_files_are_not(tmp_path, content):
    path = tmp_path / NAME
    path.write_bytes(content)
    assert looks_periprem(content, path) is False


def test_an_archive_that_is_no_workbook_is_not(tmp_path):
    path = tmp_path / NAME
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", books.SHEET)
    assert looks_periprem(head(path), path) is False


def test_an_ordinary_workbook_is_left_to_the_general_reader(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "births.xlsx") as book:
        book.add_worksheet("Births").write_row(0, 0, ["unit", "born"])
    assert sb.read(tmp_path / "births.xlsx").data.column_names == ["unit", "born"]


def test_nobody_else_claims_the_tool(tmp_path):
    try:
        sb.read(books.write_book(tmp_path / NAME, [BABY]))
    except AmbiguousNameError as error:  # pragma: no cover
        pytest.fail(str(error))


# -- layouts that are not known ----------------------------------------------------------------


def test_a_workbook_without_the_sheet_says_what_was_looked_for(tmp_path):
    path = books.write_book(tmp_path / NAME, [BABY], sheet="Sheet1")
    assert refused(path) == (
        f"{NAME} has no sheet 'Tab 2 Data ONLY EDIT THIS TAB', in which the PERIPrem optimisation "
        "tool keeps its babies; it has 'Tab 1 Read me', 'Sheet1'. If one of them is it, name it: "
        "--reader periprem --sheet NAME (in Python reader='periprem', sheet=)"
    )


@pytest.mark.parametrize("place", range(len(books.HEADINGS)))
def test_a_missing_column_is_named(tmp_path, place):
    """Every answer to its right would stand one column off."""
    lacking = [one for at, one in enumerate(books.HEADINGS) if at != place]
    message = refused(books.write_book(tmp_path / NAME, [BABY], headings=lacking))
    assert f"in column {'ABCDEFGHIJKLMNOPQRSTUVWX'[place]}, rows 1 to 9" in message
    assert "Only the layout of the PERIPrem optimisation tool with 11 elements" in message


@pytest.mark.parametrize("place", range(len(books.HEADINGS) - 1))
def test_two_columns_that_changed_places_are_refused(tmp_path, place):
    swapped = list(books.HEADINGS)
    swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
    message = refused(books.write_book(tmp_path / NAME, [BABY], headings=swapped))
    assert "expected a heading with the words" in message
    assert "it stands in column" in message


def test_an_inserted_column_is_refused_and_the_place_of_the_next_told(tmp_path):
    more = [*books.HEADINGS[:5], ("reason", "Reason"), *books.HEADINGS[5:]]
    message = refused(books.write_book(tmp_path / NAME, [BABY], headings=more))
    assert message.startswith(
        f"{NAME}: expected a heading with the words 'place of birth' in column F, rows 1 to 9; "
        "it stands in column G."
    )


@pytest.mark.parametrize("first_row", [11, 14])
def test_inserted_rows_are_refused(tmp_path, first_row):
    message = refused(books.write_book(tmp_path / NAME, [BABY], first_row=first_row))
    assert "rows 1 to 9" in message or "the first baby belongs in row 10" in message


def test_the_tool_of_ten_elements_is_refused_as_its_layout_is_not_known(tmp_path):
    old = [one for one in books.HEADINGS if one[0] != "labour" and "antibiotics" not in one[0]]
    assert "in column E" in refused(books.write_book(tmp_path / NAME, [BABY], headings=old))


def test_a_stray_cell_far_away_does_not_fill_the_memory(tmp_path):
    path = tmp_path / NAME
    with xlsxwriter.Workbook(path) as book:
        data = book.add_worksheet(books.SHEET)
        data.write(0, 0, "x")
        data.write(1_048_575, 16_383, "x")
    assert CELLS_MAX < 1_048_576 * 16_384
    assert "cells stand as far as row 1,048,576 and column 16,384" in refused(path)


def test_a_file_that_is_not_there(tmp_path):
    assert refused(tmp_path / NAME).startswith("there is no file")


# -- whose file, and of which month ------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "code", "month"),
    [
        ("MAY 2024 - YEO.xlsx", "YEO", date(2024, 5, 1)),
        ("MAY 2023 -YEO.xlsx", "YEO", date(2023, 5, 1)),
        ("September 2022 - rdue.xlsm", "RDUE", date(2022, 9, 1)),
        ("Sept 2022-TOR.xlsx", "TOR", date(2022, 9, 1)),
    ],
)
def test_the_name_of_the_file_says_trust_and_month(file, code, month):
    found = origin_of(file, month=None, trust=None)
    assert (found.org_code, found.month, found.notes) == (code, month, ())


@pytest.mark.parametrize(
    "told", ["May 2024", "may  2024", datetime(2024, 5, 17), date(2024, 5, 1), "MAY-2024"]
)
def test_the_cells_say_it_where_the_name_does_not_and_that_is_told(tmp_path, told):
    path = books.write_book(tmp_path / "tool.xlsx", [BABY], month=told)
    with pytest.warns(sb.InputWarning, match=r"tool\.xlsx: trust and month are taken from cells"):
        table = read_periprem(path)
    row = table.data.to_pylist()[0]
    assert (row["org_code"], row["month"]) == ("YEO", date(2024, 5, 1))


def test_a_sheet_of_another_month_is_told_and_not_believed(tmp_path):
    path = books.write_book(tmp_path / NAME, [BABY], month="April 2024")
    with pytest.warns(sb.InputWarning, match="cell B3 says April 2024"):
        table = read_periprem(path)
    assert table.data["month"].to_pylist() == [date(2024, 5, 1)]


def test_a_sheet_of_another_trust_is_told_and_not_believed(tmp_path):
    path = books.write_book(tmp_path / NAME, [BABY], trust="North Bristol NHS Trust")
    with pytest.warns(sb.InputWarning, match="H3 names North Bristol NHS Trust"):
        table = read_periprem(path)
    assert table.data["org_code"].to_pylist() == ["YEO"]


@pytest.mark.parametrize(
    ("file", "cells", "words"),
    [
        ("tool.xlsx", {"month": None}, "month (cell B3)"),
        ("tool.xlsx", {"month": "05/2024"}, "month (cell B3)"),
        ("tool.xlsx", {"month": "May"}, "month (cell B3)"),
        ("tool.xlsx", {"month": "May 0204"}, "month (cell B3)"),
        ("tool.xlsx", {"trust": None}, "trust (cell H3)"),
        ("tool.xlsx", {"trust": "Somewhere"}, "trust (cell H3)"),
        ("MAI 2024 - YEO.xlsx", {}, "MAI 2024 is no month"),
        ("MAY 1924 - YEO.xlsx", {}, "MAY 1924 is no month"),
        ("MAY 2024 - YEO (1).xlsx", {}, "looks like that of a copy"),
        ("Copy of MAY 2024 - YEO.xlsx", {}, "looks like that of a copy"),
    ],
)
def test_a_file_that_does_not_say_whose_it_is_is_refused(tmp_path, file, cells, words):
    message = refused(books.write_book(tmp_path / file, [BABY], **cells))
    assert words in message
    assert "call " in message
    assert "'MAY 2024 - YEO.xlsx'" in message


def test_an_abbreviation_of_nobody_has_no_published_code_and_that_is_told(tmp_path):
    found = origin_of("MAY 2024 - RJ7.xlsx", month=None, trust=" St  Somewhere ")
    assert (found.trust_code, found.trust_name) == (None, "St Somewhere")
    assert len(found.notes) == 1
    path = books.write_book(tmp_path / "NOV 2024 - XYZ.xlsx", [BABY], month=None, trust=None)
    done = run("validate", path, "--packs", "periprem", "--mapping", "periprem")
    assert (
        "NOV 2024 - XYZ.xlsx: 'XYZ' is none of the abbreviations that the tool knows (GLO, GWH, "
    ) in done.output
    assert (
        "its babies have no trust_code, so count by org_code or put the name right" in done.output
    )


def test_the_units_of_the_tool_have_published_codes():
    """Against the organisations beside this repository, where they are."""
    import pandas as pd

    known = periprem_trusts()
    assert known["code"].is_unique
    assert len(known) == 12
    listed = Path(__file__).parents[4] / "shared" / "reference" / "organisations.csv"
    if not listed.exists():
        pytest.skip("the list of organisations is not beside this repository")
    published = pd.read_csv(listed).set_index("code")
    for one in known.itertuples():
        trust = published.loc[one.trust_code]
        assert (trust["type"], trust["parent_code"]) == ("trust", one.icb_code)
        assert one.name.split()[0] == trust["name"].split()[0]


# -- from the command line ---------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments])


def test_the_tool_is_counted_from_the_command_line(tmp_path):
    path = books.write_book(tmp_path / NAME, [BABY, {**BABY, "cord_mgt": "No"}])
    out = tmp_path / "counts.csv"
    done = run(
        *("count", path, "--packs", "periprem", "--mapping", "periprem"),
        *("--unit-column", "org_code", "--date-column", "month", "-o", out),
    )
    assert done.exit_code == 0, done.output
    made = [line for line in done.output.splitlines() if "made" in line]
    assert made == [
        "  44 columns are made by the mapping 'periprem', 5 of them not with sure: high; "
        "`spcbench validate` tells each"
    ]
    line = next(one for one in out.read_text("utf-8").splitlines() if ":ocm," in one)
    assert line.startswith("periprem@2021:ocm,YEO,2024-05-01,1,2,")


def test_each_trust_is_told_what_fails_and_why(tmp_path):
    books.write_book(tmp_path / NAME, [BABY, {**BABY, "mgso4_rx": None}])
    books.write_book(
        tmp_path / "MAY 2024 - GLO.xlsx", [{**BABY, "hydrocortisone": "Yes"}], trust=None
    )
    done = run(
        *("validate", tmp_path, "--packs", "periprem", "--mapping", "periprem"),
        *("--unit-column", "org_code", "--fail-on", "set-aside"),
    )
    assert done.exit_code == 1
    told = done.output.partition("By unit:\n")[2].partition("\n\n")[0]
    assert told == (
        "  GLO: 1 record, 1 cannot be used\n"
        "    form_hydrocortisone: breaks the check: Hydrocortisone is answered Yes or No under "
        "28 weeks, and blank from 28 weeks (1)\n"
        "  YEO: 2 records, 1 cannot be used\n"
        "    form_mgso4_rx: breaks the check: Magnesium sulphate is answered Yes or No under "
        "30 weeks, and blank from 30 weeks (1)"
    )
    assert "MAY 2024 - YEO.xlsx, form_mgso4_rx: " in done.output
    assert "(row 11)" in done.output
