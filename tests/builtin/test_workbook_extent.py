"""Workbooks with a cell far away: one clear error, where the library would end the process."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from spcbench import read
from spcbench.errors import InputError
from spcbench.plugin import open_workbook, sheet_names
from spcbench.workbook_extent import CELLS_MAX, check_all_sheets, check_sheet

xlsxwriter = pytest.importorskip("xlsxwriter")
pytest.importorskip("python_calamine")

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
ODS = "application/vnd.oasis.opendocument.spreadsheet"
NAMESPACES = " ".join(
    f'xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"'
    for one in ("office", "table", "text", "manifest")
)


def book(path: Path, **sheets: dict[tuple[int, int], object]) -> Path:
    """A workbook with cells at rows and columns that count from 1."""
    with xlsxwriter.Workbook(path) as made:
        for name, cells in sheets.items():
            sheet = made.add_worksheet(name)
            for (row, column), cell in cells.items():
                sheet.write(row - 1, column - 1, cell)
    return path


def changed(path: Path, change) -> Path:
    """The workbook with its parts as `change` makes them of name and text."""
    with zipfile.ZipFile(path) as old:
        parts = [change(name, old.read(name).decode()) for name in old.namelist()]
    with zipfile.ZipFile(path, "w") as new:
        for name, text in parts:
            new.writestr(name, text)
    return path


def ods(path: Path, *, manifest: str = "", **sheets: str) -> Path:
    """An OpenDocument workbook; each sheet is its rows as XML."""
    tables = "".join(
        f'<table:table table:name="{name}">{rows}</table:table>' for name, rows in sheets.items()
    )
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("mimetype", ODS)
        made.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest {NAMESPACES}><manifest:file-entry manifest:full-path="/" '
            f'manifest:media-type="{ODS}">{manifest}</manifest:file-entry></manifest:manifest>',
        )
        made.writestr(
            "content.xml",
            f"<office:document-content {NAMESPACES}><office:body><office:spreadsheet>{tables}"
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


def cell(text: str, repeated: int = 1) -> str:
    return (
        f'<table:table-cell table:number-columns-repeated="{repeated}" '
        f'office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
    )


def nothing(repeated: int) -> str:
    return f'<table:table-cell table:number-columns-repeated="{repeated}"/>'


def row(*cells: str, repeated: int = 1) -> str:
    return (
        f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}'
        "</table:table-row>"
    )


TABLE = {(1, 1): "unit", (1, 2): "days", (2, 1): "RX1", (2, 2): 200}
STRAY = {**TABLE, (LAST_ROW, LAST_COLUMN): "x"}


# -- Excel -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["b.xlsx", "b.xlsm"])
def test_a_stray_cell_is_told_with_file_sheet_row_and_column(tmp_path, name):
    path = book(tmp_path / name, Births=STRAY)
    with pytest.raises(InputError) as error:
        read(path)
    assert str(error.value) == (
        f"{name}, sheet 'Births': cells stand as far as row 1,048,576 and column 16,384 (XFD), "
        "which makes a rectangle of more than the 50,000,000 cells that are read; delete the rows "
        "and columns in which something stands far below or right of the table and save it again, "
        "or if the table is that large, save it as 'CSV UTF-8'"
    )


def test_only_the_sheet_that_is_read_matters(tmp_path):
    path = book(tmp_path / "b.xlsx", Births=TABLE, Other=STRAY)
    assert read(path).data["days"].to_pylist() == [200]
    with pytest.raises(InputError, match=r"b\.xlsx, sheet 'Other': cells stand as far as row 1,04"):
        read(path, sheet="Other")


def test_formatted_cells_that_hold_nothing_do_not_count(tmp_path):
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(path) as made:
        sheet, bold = made.add_worksheet(), made.add_format({"bold": True})
        for (at, column), found in TABLE.items():
            sheet.write(at - 1, column - 1, found)
        sheet.write_blank(LAST_ROW - 1, LAST_COLUMN - 1, None, bold)
    assert read(path).data.to_pylist() == [{"unit": "RX1", "days": 200}]


def test_a_wide_table_is_read(tmp_path):
    names = {(1, column): f"c{column}" for column in range(1, LAST_COLUMN + 1)}
    cells = {(3, column): column for column in range(1, LAST_COLUMN + 1)}
    found = read(book(tmp_path / "b.xlsx", S={**names, **cells})).data
    assert (found.num_columns, found.num_rows) == (LAST_COLUMN, 1)
    assert found[f"c{LAST_COLUMN}"].to_pylist() == [LAST_COLUMN]


@pytest.mark.parametrize(("columns", "fits"), [(47, True), (48, False)])
def test_the_limit_lies_between_two_columns_of_a_full_sheet(tmp_path, columns, fits):
    assert (LAST_ROW * columns <= CELLS_MAX) is fits
    path = book(tmp_path / "b.xlsx", S={(1, 1): "x", (LAST_ROW, 2): "x", (2, columns): "x"})
    with zipfile.ZipFile(path) as archive:
        if fits:
            check_sheet(archive, "b.xlsx", "S", most=CELLS_MAX)
        else:
            with pytest.raises(InputError, match=r"row 1,048,576 and column 48 \(AV\)"):
                check_sheet(archive, "b.xlsx", "S", most=CELLS_MAX)


@pytest.mark.parametrize(
    "written",
    [
        lambda text: re.sub(r'\br="([^"]*)"', r"r = '\1'", text),
        lambda text: text.replace('r="XFD', 'r="xfd'),
        lambda text: text.replace("<row", "<!-- " + "<c " * 9 + "--><row", 1),
        # A row without its number stands below the one before it, a cell right of it.
        lambda text: (
            re.sub(r'<row r="1048576"[^>]*>', '<row r="1048575"></row><row>', text)
            .replace('<c r="XFD1048576"', '<c r="XFC1048576"/><c r="XFD1048576"')
            .replace(' r="A2"', "")
        ),
    ],
)
def test_places_written_in_another_way_are_seen(tmp_path, written):
    def change(name: str, text: str) -> tuple[str, str]:
        return name, written(text) if "sheet1" in name else text

    path = changed(book(tmp_path / "b.xlsx", S=STRAY), change)
    with pytest.raises(InputError, match=r"row 1,048,576 and column 16,384 \(XFD\)"):
        read(path)


def test_cells_that_do_not_say_their_place_are_counted(tmp_path):
    def change(name: str, text: str) -> tuple[str, str]:
        return name, re.sub(r'<c r="[A-Z]+[0-9]+"', "<c", text) if "sheet1" in name else text

    cells = {(at, column): "x" for at in (1, 2, 3) for column in range(1, 8)}
    path = changed(book(tmp_path / "b.xlsx", S=cells), change)
    with zipfile.ZipFile(path) as archive:
        check_sheet(archive, "b.xlsx", "S", most=21)
        with pytest.raises(InputError, match=r"as far as row 3 and column 7 \(G\)"):
            check_sheet(archive, "b.xlsx", "S", most=20)


def test_a_book_whose_list_of_sheets_is_elsewhere_is_looked_at_whole(tmp_path):
    def change(name: str, text: str) -> tuple[str, str]:
        return name.replace("workbook.xml", "workbook2.xml"), text.replace(
            "workbook.xml", "workbook2.xml"
        )

    path = changed(book(tmp_path / "b.xlsx", S=STRAY), change)
    assert sheet_names(path) == []
    with (
        zipfile.ZipFile(path) as archive,
        pytest.raises(InputError, match=r"as far as row 1,048,576"),
    ):
        check_sheet(archive, "b.xlsx", "S", most=CELLS_MAX)


def test_a_sheet_may_have_a_largest_size(tmp_path):
    path = book(tmp_path / "b.xlsx", S=TABLE)
    with (
        pytest.raises(InputError, match=r"b\.xlsx, sheet 'S' holds 0 MB, expected at most 0"),
        open_workbook(path, largest=100) as opened,
    ):
        opened.cells("S")


def test_a_binary_workbook_is_refused_by_name(tmp_path):
    path = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("xl/workbook.bin", b"\x83\x01\x00")
    with pytest.raises(InputError, match=r"b\.xlsx is a binary workbook \(\.xlsb\) under another"):
        read(path)


def test_names_of_sheets(tmp_path):
    path = book(tmp_path / "b.xlsx", **{"A & B": TABLE, "it's": {}})
    assert sheet_names(path) == ["A & B", "it's"]
    assert sheet_names(tmp_path / "none.xlsx") == []


# -- OpenDocument ------------------------------------------------------------------------------

HEAD = row(cell("unit"), cell("days"), nothing(LAST_COLUMN - 2))
BABY = row(cell("RX1"), cell("200"), nothing(LAST_COLUMN - 2))
EMPTY = row(nothing(LAST_COLUMN), repeated=LAST_ROW - 2)


def test_emptiness_repeated_to_the_end_of_an_open_document_sheet_does_not_count(tmp_path):
    path = ods(tmp_path / "b.ods", S=HEAD + BABY + EMPTY)
    assert read(path).data.to_pylist() == [{"unit": "RX1", "days": "200"}]


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        (HEAD + BABY + EMPTY + row(nothing(LAST_COLUMN - 1), cell("x")), "1,048,577"),
        (HEAD + BABY + row(cell("x", LAST_COLUMN), repeated=LAST_ROW - 2), "1,048,576"),
    ],
)
def test_a_stray_cell_of_open_document_is_told(tmp_path, rows, place):
    path = ods(tmp_path / "b.ods", Births=rows)
    message = rf"b\.ods, sheet 'Births': cells stand as far as row {place} and column 16,384 \(XFD"
    with pytest.raises(InputError, match=message):
        read(path)
    # Under another ending it is the same file.
    with pytest.raises(InputError, match=r"b\.xlsx, sheet 'Births': cells stand as far as row"):
        read(path.rename(tmp_path / "b.xlsx"))


def test_all_sheets_of_open_document_count_as_all_are_read_on_opening(tmp_path):
    path = ods(tmp_path / "b.ods", A=HEAD + BABY, B=row(nothing(9), repeated=8) + row(cell("x", 3)))
    with zipfile.ZipFile(path) as archive:
        check_all_sheets(archive, "b.ods", most=2 * 2 + 9 * 3)
        with pytest.raises(InputError, match=r"sheet 'B': cells stand as far as row 9 and column "):
            check_all_sheets(archive, "b.ods", most=2 * 2 + 9 * 3 - 1)


def test_a_password_of_open_document_is_told_before_anything_else(tmp_path):
    path = ods(tmp_path / "b.ods", manifest="<manifest:encryption-data/>", S="not readable <")
    with pytest.raises(InputError, match=r"b\.ods has a password; save a copy without one"):
        read(path)
