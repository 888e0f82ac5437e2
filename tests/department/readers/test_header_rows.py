"""Which rows of a sheet are its header: nobody's row is taken into it, and titles are not taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from secure_match.department.readers import ROW_NUMBER, ReadOptions, open_export
from secure_match.department.readers._workbook_header import Merge, find_header, known_key, reveals_person
from secure_match.errors import InputError, UsageError

KNOWN = {known_key(name) for name in ("编号", "姓名", "身份证号", "性别")}


def header(rows: list[list[str]], *merges: Merge) -> tuple[int, int, list[str], int]:
    found = find_header(rows, list(merges), KNOWN, None)
    assert found is not None
    return found


def test_a_header_merged_down_over_people_is_one_row() -> None:
    rows = [["编号", "姓名", "村组"], ["", "甲某某", "东村"], ["", "乙某某", "西村"], ["K3", "丙某某", "东村"]]
    assert header(rows, ((0, 0), (2, 0))) == (0, 0, ["编号", "姓名", "村组"], 0)


def test_a_header_merged_over_two_columns_without_names_below_is_one_row() -> None:
    rows = [["编号", "姓名及地址", "", "备注"], ["K0", "甲某某", "东路", "无"]]
    assert header(rows, ((0, 1), (0, 2))) == (0, 0, ["编号", "姓名及地址", "", "备注"], 0)


def test_a_lone_remark_below_a_wide_cell_is_no_header() -> None:
    rows = [["编号", "备注", ""], ["", "", "口头"], ["K1", "", ""]]
    assert header(rows, ((0, 1), (0, 2)))[:2] == (0, 0)


@pytest.mark.parametrize("cells", [["王某", "东路"], ["甲", "3号"], ["男", "东路"]])
def test_people_below_wide_cells_are_no_header(cells: list[str]) -> None:
    rows = [["基本", "", "其他", ""], [*cells, *cells]]
    assert header(rows, ((0, 0), (0, 1)), ((0, 2), (0, 3)))[:2] == (0, 0)


def test_names_below_wide_cells_are_the_header() -> None:
    rows = [
        ["某市名册", ""],
        ["编号", "基本", "", "费款", ""],
        ["", "身份证号", "姓名", "金额", "方式"],
        ["1", "x", "y", "", ""],
    ]
    found = header(rows, ((1, 0), (2, 0)), ((1, 1), (1, 2)), ((1, 3), (1, 4)))
    assert found == (1, 2, ["编号", "身份证号", "姓名", "金额", "方式"], 1)


def test_known_names_win_over_a_second_title() -> None:
    rows = [["某市", "", ""], ["单位", "", "2026-01"], ["编号", "姓名", "性别"], ["1", "甲", "男"]]
    assert header(rows) == (2, 2, ["编号", "姓名", "性别"], 2)
    assert header([["a", "b"], ["编号", "x"]])[:2] == (0, 0)


def test_the_rows_of_the_header_columns_without_a_name_and_rows_of_errors_are_told(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "p.xlsx") as book:
        sheet = book.add_worksheet("a")
        sheet.write_row(0, 0, ["编号", "", "姓名\n(中文)"])
        sheet.write_row(1, 0, ["1", "x", "甲某", "口头"])
        sheet.write_formula(2, 0, "=1/0", None, "#DIV/0!")
        sheet.write_row(3, 0, ["2", "", "乙某"])
    export = open_export(tmp_path / "p.xlsx")
    assert export.header == ("编号", "", "姓名(中文)", "")
    assert export.notes == (
        "XLSX sheet a",
        "header in row 1",
        "1 rows below the header hold no value and are passed over (empty, or nothing but formula errors)",
        "columns number 2, 4 have no name and are not read",
    )
    (batch,) = export.batches(["姓名(中文)"])
    assert batch.to_pydict() == {ROW_NUMBER: [2, 4], "姓名(中文)": ["甲某", "乙某"]}


def test_sheets_that_may_be_called_after_people_are_given_by_number(tmp_path: Path) -> None:
    names = ["王机密", "9999991950", "H-12345678", "人员"]
    with xlsxwriter.Workbook(tmp_path / "p.xlsx") as book:
        for name in names:
            book.add_worksheet(name).write_row(0, 0, ["编号", "x"])
    with pytest.raises(UsageError) as caught:
        open_export(tmp_path / "p.xlsx")
    assert caught.value.message.endswith("number 1, number 2, number 3, 人员")
    assert open_export(tmp_path / "p.xlsx", ReadOptions(sheet=names[0])).notes[0] == "XLSX sheet number 1"
    assert [reveals_person(name) for name in names] == [True, True, True, False]


def test_integers_of_fifteen_digits_are_exact(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "p.xlsx") as book:
        sheet = book.add_worksheet("a")
        sheet.write_column(0, 0, ["编号", *(f"99999919500101{n:04d}" for n in range(20))])
        sheet.write_number(5, 0, 999999500101001)
    assert open_export(tmp_path / "p.xlsx").numeric_columns == {}


def test_a_long_row_is_refused_in_the_child(tmp_path: Path) -> None:
    """One text in many cells: a small file whose row is longer than any row of people."""
    with xlsxwriter.Workbook(tmp_path / "p.xlsx") as book:
        sheet = book.add_worksheet("a")
        sheet.write_row(0, 0, [f"c{n}" for n in range(200)])
        sheet.write_row(1, 0, ["密" * 30_000] * 200)
    export = open_export(tmp_path / "p.xlsx")
    with pytest.raises(InputError) as caught:
        list(export.batches(export.header))
    assert (caught.value.code, caught.value.place.row) == ("CELL_TOO_LONG", 2)


def test_wide_sheets_come_in_small_chunks(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "p.xlsx") as book:
        sheet = book.add_worksheet("a")
        for row in range(300):
            sheet.write_row(row, 0, [f"c{n}" for n in range(1024)] if not row else ["x"])
    batches = list(open_export(tmp_path / "p.xlsx").batches([f"c{n}" for n in range(1024)]))
    assert [batch.num_rows for batch in batches] == [256, 43]
