"""Workbooks: exact text of cells, headers under titles, sheets, and what a hostile file meets."""

from __future__ import annotations

import datetime as dt
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
import xlwt
from people import PEOPLE, SECRETS, columns_of, dbf_bytes, write_ods, write_xls, write_xlsx

from secure_match.department.readers import ROW_NUMBER, ReadOptions, _child, _workbook, _zip_guard, open_export
from secure_match.errors import SecureMatchError

Fill = Callable[[xlsxwriter.Workbook], None]


def xlsx(path: Path, fill: Fill) -> Path:
    book = xlsxwriter.Workbook(path)
    fill(book)
    book.close()
    return path


def read_all(path: Path, options: ReadOptions | None) -> None:
    export = open_export(path, options)
    for _ in export.batches([name for name in export.header if name]):
        pass


def refusal(path: Path, options: ReadOptions | None = None) -> SecureMatchError:
    with pytest.raises(SecureMatchError) as caught:
        read_all(path, options)
    assert caught.value.__context__ is None
    assert not any(secret in str(caught.value) for secret in SECRETS)
    return caught.value


def _typed(book: xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("a")
    day = book.add_format({"num_format": 'yyyy"年"m"月"d"日"'})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    hour = book.add_format({"num_format": "hh:mm"})
    sheet.write_row(0, 0, ["号", "值"])
    cells = [
        lambda row: sheet.write_number(row, 1, 13800138000),
        lambda row: sheet.write_number(row, 1, 110101199003071234),
        lambda row: sheet.write_number(row, 1, 2**53 + 2),
        lambda row: sheet.write_number(row, 1, -7),
        lambda row: sheet.write_number(row, 1, 12.5),
        lambda row: sheet.write_number(row, 1, 0.000001),
        lambda row: sheet.write_boolean(row, 1, True),
        lambda row: sheet.write_datetime(row, 1, dt.datetime.fromisoformat("2001-02-03"), day),
        lambda row: sheet.write_datetime(row, 1, dt.datetime.fromisoformat("2001-02-03T04:05:00"), moment),
        lambda row: sheet.write_datetime(row, 1, dt.time(4, 5), hour),
        lambda row: sheet.write_formula(row, 1, '="a"&"b"', None, "ab"),
        lambda row: sheet.write_formula(row, 1, "=1/0", None, "#DIV/0!"),
        lambda row: sheet.write_string(row, 1, "=1+1"),
        lambda row: sheet.write_string(row, 1, "00012"),
        lambda row: sheet.write_string(row, 1, " 张 \n三"),
    ]
    for row, cell in enumerate(cells, start=1):
        sheet.write_string(row, 0, str(row))
        cell(row)


def test_cells_as_exact_text(tmp_path: Path) -> None:
    export = open_export(xlsx(tmp_path / "p.xlsx", _typed))
    (batch,) = export.batches(["值"])
    assert batch["值"].to_pylist() == [
        "13800138000",
        "110101199003071200",
        "9007199254740994",
        "-7",
        "12.5",
        "0.000001",
        "TRUE",
        "2001-02-03",
        "2001-02-03 04:05:00",
        "04:05:00",
        "ab",
        "",
        "=1+1",
        "00012",
        " 张 \n三",
    ]
    assert export.numeric_columns == {"值": pytest.approx(2 / 14)}


def _damaged(book: xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("a")
    sheet.write_row(0, 0, ["编号", "身份证号"])
    # Excel keeps fifteen digits.
    sheet.write_column(1, 0, [f"K{n}" for n in range(5)])
    sheet.write_column(1, 1, [float(f"{999999195001010 + n}000") for n in range(4)])
    sheet.write_string(5, 1, "99999919500101123X")


def test_ids_that_a_spreadsheet_made_numbers_can_be_told(tmp_path: Path) -> None:
    export = open_export(xlsx(tmp_path / "p.xlsx", _damaged))
    (batch,) = export.batches(["身份证号"])
    assert batch["身份证号"].to_pylist() == [*(f"{999999195001010 + n}000" for n in range(4)), "99999919500101123X"]
    assert export.numeric_columns == {"身份证号": 0.8}
    assert export.notes[-1] == "column number 2: 4 numbers have lost every digit after the fifteenth"


def test_xls_numbers_and_dates(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    sheet.write(0, 0, "身份证号")
    sheet.write(0, 1, "日期")
    sheet.write(1, 0, 999999195001010000)
    sheet.write(1, 1, dt.date(2001, 2, 3), xlwt.easyxf(num_format_str="YYYY-MM-DD"))
    sheet.write(2, 0, 42)
    with (tmp_path / "p.xls").open("wb") as stream:
        book.save(stream)
    (batch,) = open_export(tmp_path / "p.xls").batches(["身份证号", "日期"])
    assert batch.to_pydict() == {
        ROW_NUMBER: [2, 3],
        "身份证号": ["999999195001010000", "42"],
        "日期": ["2001-02-03", ""],
    }


def _merged(book: xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("人员")
    sheet.merge_range(0, 0, 0, 4, "某市2026年参保人员花名册")
    sheet.write(1, 4, "单位：人")
    sheet.merge_range(3, 0, 4, 0, "编号")
    sheet.merge_range(3, 1, 3, 2, "基本信息")
    sheet.write_row(4, 1, ["身份证号", "姓名"])
    sheet.merge_range(3, 3, 4, 3, "镇街")
    sheet.merge_range(3, 4, 4, 4, "备注")
    sheet.write_row(5, 0, ["1", "x", "y", "z"])
    sheet.write_row(7, 0, ["2", "u", "v"])
    sheet.merge_range(7, 3, 8, 3, "w")
    sheet.write_row(8, 0, ["3", "u"])
    book.add_worksheet("空表")


def test_header_under_titles_and_of_merged_cells(tmp_path: Path) -> None:
    export = open_export(xlsx(tmp_path / "p.xlsx", _merged))
    assert export.header == ("编号", "身份证号", "姓名", "镇街", "备注")
    assert export.notes == (
        "XLSX sheet 人员",
        "header in rows 4 to 5 (2 title rows above it)",
        "1 rows below the header hold no value and are passed over (empty, or nothing but formula errors)",
        "1 merged areas below the header: only their first cell holds the value",
    )
    (batch,) = export.batches(["编号", "镇街"])
    assert batch.to_pydict() == {ROW_NUMBER: [6, 8, 9], "编号": ["1", "2", "3"], "镇街": ["z", "w", ""]}


def test_table_that_does_not_begin_in_the_corner(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("a")
        sheet.write_row("C3", ["id", "x"])
        sheet.write_row("C4", ["1", "2"])

    export = open_export(xlsx(tmp_path / "p.xlsx", fill))
    assert export.header == ("", "", "id", "x")
    (batch,) = export.batches(["id", "x"])
    assert batch.to_pydict() == {ROW_NUMBER: [4], "id": ["1"], "x": ["2"]}


def _two(book: xlsxwriter.Workbook) -> None:
    for name in ("甲", "乙"):
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, ["说明", "填表人", "备注"])
        sheet.write_row(1, 0, ["id", "x"])
        sheet.write_row(2, 0, [name, "2"])


def test_sheets_and_header_rows_are_named(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "p.xlsx", _two)
    assert "甲, 乙" in refusal(path).message
    assert refusal(path).code == "SHEET_AMBIGUOUS"
    assert refusal(path, ReadOptions(sheet="丙")).code == "SHEET_UNKNOWN"
    assert refusal(path, ReadOptions(sheet="乙", header_row=70)).code == "INPUT_HEADER"
    assert refusal(path, ReadOptions(sheet="乙", header_row=0)).code == "HEADER_ROW"
    export = open_export(path, ReadOptions(sheet="乙", header_row=2))
    (batch,) = export.batches(["id"])
    assert batch.to_pydict() == {ROW_NUMBER: [3], "id": ["乙"]}


def test_empty_and_headless(tmp_path: Path) -> None:
    assert refusal(xlsx(tmp_path / "a.xlsx", lambda book: book.add_worksheet("a"))).code == "INPUT_EMPTY"
    only = xlsx(tmp_path / "b.xlsx", lambda book: book.add_worksheet("a").write_row(0, 0, ["id", "x"]))
    assert refusal(only).code == "INPUT_NO_ROWS"
    twice = xlsx(tmp_path / "c.xlsx", lambda book: book.add_worksheet("a").write_row(0, 0, ["张机密", "", "张机密"]))
    assert refusal(twice).place.column == "number 3"


def _far(book: xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("a")
    sheet.write_row(0, 0, ["id", "x"])
    sheet.write_string(1_048_575, 16_383, "张机密")


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_child, "MEMORY_BYTES", 512 << 20)


def test_a_far_cell_ends_the_child_and_not_us(tmp_path: Path) -> None:
    """The library makes a rectangle of 17 billion cells of it."""
    assert refusal(xlsx(tmp_path / "p.xlsx", _far)).code == "WORKBOOK_TOO_LARGE"


def replace_part(path: Path, name: str, change: Callable[[bytes], bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    out = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w", method) as sink:
        for part in source.namelist():
            data = source.read(part)
            sink.writestr(part, change(data) if part == name else data)
    return out


def test_one_long_text_in_many_cells(tmp_path: Path, little_memory: None) -> None:
    """A shared text of 900 KB in 40,000 cells: half a megabyte that unpacks to 36 GB of cells."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("a")
        sheet.write_row(0, 0, ["id", "x"])
        for row in range(1, 40_000):
            sheet.write_string(row, 1, "张机密")

    path = xlsx(tmp_path / "p.xlsx", fill)
    long = replace_part(path, "xl/sharedStrings.xml", lambda data: data.replace("张机密".encode(), b"a" * 900_000))
    assert refusal(long).code == "WORKBOOK_TOO_LARGE"


def test_ten_megabyte_cell(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "p.xlsx")
    change = lambda data: data.replace("张机密".encode(), b"a" * (10 << 20), 1)  # noqa: E731
    path = replace_part(tmp_path / "p.xlsx", "xl/sharedStrings.xml", change)
    error = refusal(path)
    assert (error.code, error.place.column) == ("CELL_TOO_LONG", "number 3")


def no_child(*_: object, **__: object) -> None:
    raise AssertionError("the file must be refused before the library sees it")


def test_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_xlsx(tmp_path / "p.xlsx")
    bomb = replace_part(tmp_path / "p.xlsx", "xl/worksheets/sheet1.xml", lambda data: data + bytes(64 << 20))
    monkeypatch.setattr(subprocess, "Popen", no_child)
    assert bomb.stat().st_size < 1 << 20
    assert refusal(bomb).code == "ZIP_TOO_LARGE"


def test_zip_that_holds_more_than_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_xlsx(tmp_path / "p.xlsx")
    bomb = replace_part(tmp_path / "p.xlsx", "xl/worksheets/sheet1.xml", lambda data: data + bytes(64 << 20))
    content = bytearray(bomb.read_bytes())
    with zipfile.ZipFile(bomb) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
    true_size = struct.pack("<L", part.file_size)
    while (place := content.find(true_size)) >= 0:
        content[place : place + 4] = struct.pack("<L", 5000)
    bomb.write_bytes(content)
    monkeypatch.setattr(subprocess, "Popen", no_child)
    assert refusal(bomb).code in ("ZIP_TOO_LARGE", "ZIP_DAMAGED")


def test_too_many_parts_and_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_xlsx(tmp_path / "p.xlsx")
    monkeypatch.setattr(_zip_guard, "MAX_PARTS", 3)
    assert refusal(tmp_path / "p.xlsx").code == "ZIP_TOO_LARGE"
    monkeypatch.undo()
    monkeypatch.setattr(_zip_guard, "MAX_TOTAL_BYTES", 1000)
    assert refusal(tmp_path / "p.xlsx").code == "ZIP_TOO_LARGE"


def test_encrypted_workbooks(tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1500) + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    (tmp_path / "p.xlsx").write_bytes(ole)
    assert refusal(tmp_path / "p.xlsx").code == "FILE_ENCRYPTED"
    write_xlsx(tmp_path / "q.xlsx")
    content = bytearray((tmp_path / "q.xlsx").read_bytes())
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(sign)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(sign, place + 4)
    (tmp_path / "q.xlsx").write_bytes(content)
    assert refusal(tmp_path / "q.xlsx").code == "FILE_ENCRYPTED"
    write_ods(tmp_path / "r.ods")
    entry = b'manifest:full-path="content.xml" manifest:media-type="text/xml"'
    mark = b"><manifest:encryption-data/></manifest:file-entry>"
    protect = lambda data: data.replace(entry + b"/>", entry + mark)  # noqa: E731
    changed = replace_part(tmp_path / "r.ods", "META-INF/manifest.xml", protect)
    with zipfile.ZipFile(changed) as archive:
        assert b"encryption-data" in archive.read("META-INF/manifest.xml")
    assert refusal(changed).code == "FILE_ENCRYPTED"


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_xlsx(tmp_path / "p.xlsx")
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    error = refusal(tmp_path / "p.xlsx")
    assert error.code == "EXTRA_MISSING"
    assert "secure_match[excel]" in error.message


def test_a_child_that_does_not_start_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_xlsx(tmp_path / "p.xlsx")
    monkeypatch.setattr(_workbook, "_WORKER", tmp_path / "none.py")
    assert refusal(tmp_path / "p.xlsx").code == "WORKBOOK_TOO_LARGE"


def test_the_reader_can_be_left_early(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("a")
        for row in range(20_000):
            sheet.write_row(row, 0, ["id" if not row else str(row), "x"])

    export = open_export(xlsx(tmp_path / "p.xlsx", fill))
    batches = export.batches(["id"])
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert sum(batch.num_rows for batch in export.batches(["id"])) == 19_999


def test_content_wins_over_the_name(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "p.csv")
    export = open_export(tmp_path / "p.csv")
    assert export.notes[0] == "the name ends in .csv, the content is XLSX"
    assert columns_of(export) == PEOPLE
    write_xls(tmp_path / "q.xlsx")
    assert columns_of(open_export(tmp_path / "q.xlsx")) == PEOPLE
    write_xlsx(tmp_path / "q.xls")
    assert columns_of(open_export(tmp_path / "q.xls")) == PEOPLE
    write_ods(tmp_path / "r.xlsx")
    assert columns_of(open_export(tmp_path / "r.xlsx")) == PEOPLE
    (tmp_path / "p.xls").write_bytes(dbf_bytes(PEOPLE))
    assert open_export(tmp_path / "p.xls").notes[0] == "the name ends in .xls, the content is DBF"
