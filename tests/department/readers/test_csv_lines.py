"""CSV exports: charsets, line ends, quotes, widths, and row numbers that a person can look up."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secure_match.department.readers import ROW_NUMBER, CsvExport, ReadOptions, _csv
from secure_match.department.readers._csv_lines import swallows_rows
from secure_match.department.readers._export import MAX_CELL_CHARACTERS
from secure_match.errors import InputError, UsageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export.csv"


def rows(path: Path, charset: str | None = None) -> list[tuple[int, ...] | tuple[str, ...]]:
    export = CsvExport.open(path, ReadOptions(charset=charset))
    names = [name for name in export.header if name]
    found = []
    for batch in export.batches(names):
        assert batch.schema.names == [ROW_NUMBER, *names]
        found += [tuple(row.values()) for row in batch.to_pylist()]
    return found


def read(path: Path, content: bytes | str, charset: str | None = None) -> list[tuple[int, ...] | tuple[str, ...]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return rows(path, charset)


def refused(path: Path, content: bytes | str | None, charset: str | None = None) -> tuple[str, int | None]:
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError) as caught:
        rows(path, charset)
    error = caught.value
    assert str(error.place.file) == str(path)
    assert error.__context__ is None
    assert "张" not in str(error)
    assert "secret" not in str(error)
    return error.code, error.place.row


TEXT = "编号,姓名\n1,张三\n2,𠮷野㐂\n"
READ = [(2, "1", "张三"), (3, "2", "𠮷野㐂")]


@pytest.mark.parametrize(
    ("charset", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030")],
)
def test_charsets_are_found(path: Path, charset: str, found: str) -> None:
    content = TEXT.encode(charset)
    assert len("𠮷".encode("gb18030")) == 4
    assert read(path, content) == READ
    assert CsvExport.open(path).charset == found
    for name in (charset, charset.upper().replace("-", "_")):
        assert read(path, content, name) == READ


def test_plain_utf_8_may_be_said_of_a_file_with_a_byte_order_mark(path: Path) -> None:
    assert read(path, TEXT.encode("utf-8-sig"), "utf-8") == READ
    assert CsvExport.open(path, ReadOptions(charset="utf-8")).header == ("编号", "姓名")
    assert read(path, TEXT.encode(), "utf-8-sig") == READ


def test_ascii_is_utf_8(path: Path) -> None:
    assert read(path, "a,b\n1,2\n") == [(2, "1", "2")]
    assert CsvExport.open(path).charset == "utf-8"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=ascii)
def test_a_wrong_charset_is_refused_with_its_row(path: Path, end: str) -> None:
    lines = ["编号,姓名", *(f"{place},张三" for place in range(2, 400)), "x"]
    gb18030 = end.join(lines).encode("gb18030")
    assert refused(path, gb18030, "utf-8") == ("INPUT_CHARSET", 1)
    head = end.join(["a,b", *(f"{place},secret" for place in range(2, 300))]).encode()
    assert refused(path, head + end.encode() + b"300,\xff\n", "utf-8") == ("INPUT_CHARSET", 300)
    assert refused(path, head + end.encode() + b"300,\xff\n") == ("INPUT_CHARSET", 300)
    assert refused(path, head + end.encode() + b"300,\xff\n", "gb18030") == ("INPUT_CHARSET", 300)
    assert refused(path, head + end.encode() + b"300,\xe5\xbc", "utf-8") == ("INPUT_CHARSET", 300)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=ascii)
def test_the_row_is_right_beyond_the_first_block_too(path: Path, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secure_match.department.readers._charset._CHUNK_BYTES", 7)
    content = end.join(["编号,姓名", *["1,张三"] * 20]).encode()
    assert refused(path, content + end.encode() + b"\xff", "utf-8") == ("INPUT_CHARSET", 22)
    assert refused(path, content + end.encode() + b"\x00", "utf-8") == ("INPUT_NUL", 22)
    assert read(path, content)[-1] == (21, "1", "张三")


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_has_to_be_said(path: Path, charset: str) -> None:
    for text in (TEXT, "a,b\n1,2\n"):
        for forced in (None, "utf-8", "gb18030"):
            assert refused(path, text.encode(charset), forced)[0] in {"INPUT_CHARSET", "INPUT_NUL"}
    assert read(path, TEXT.encode(charset), charset) == READ
    assert read(path, ("\ufeff" + TEXT).encode(charset), charset) == READ
    assert read(path, ("\ufeff" + TEXT).encode(charset)) == READ


def test_nul_is_refused_wherever_it_stands(path: Path) -> None:
    assert refused(path, b"a,b\n1,\x002\n") == ("INPUT_NUL", 2)
    long = b"a,b\n" + b"1,2\n" * 5000
    assert refused(path, long + b"1,\x00\n") == ("INPUT_NUL", 5002)
    assert refused(path, long + b"1,\x00\n", "utf-8") == ("INPUT_NUL", 5002)


def test_an_unknown_charset(path: Path) -> None:
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        CsvExport.open(path, ReadOptions(charset="big5"))
    assert caught.value.code == "CHARSET_UNKNOWN"


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("a,b\n1,2\n3\n", 3),
        ("a,b\n1,2\n3,张,5\n", 3),
        ("a,b\n1,2\n\n3\n", 4),
        ('a,b\n1,"x\ny\nz"\n3\n', 5),
        ('a,b\r\n1,"x\r\ny"\r\n3\r\n', 4),
        ("a,b\r1,2\r3\r", 3),
        ("a\n1,2\n", 2),
        ("a,b\n1,2\n   \n", 3),
    ],
)
def test_a_ragged_row_is_refused_with_its_row(path: Path, content: str, row: int) -> None:
    assert refused(path, content) == ("ROW_WIDTH", row)


@pytest.mark.parametrize(
    "content", ['a,b\n1,"张\n2,secret\n', 'a,b\n1,"张"x\n', 'a,b\n1,"'], ids=["open", "text after quote", "end"]
)
def test_broken_quotes(path: Path, content: str) -> None:
    assert refused(path, content)[0] == "INPUT_CSV"


def test_quotes_and_blanks(path: Path) -> None:
    content = ' 编号 ,"姓,名"\n 1 ,"张""三"\n"2\n3",\n'
    assert read(path, content) == [(2, " 1 ", '张"三'), (4, "2\n3", "")]
    assert CsvExport.open(path).header == ("编号", "姓,名")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=ascii)
def test_line_ends(path: Path, end: str) -> None:
    content = end.join(["编号,姓名", "1,张三", "", "2,李四", "", ""])
    assert read(path, content) == [(2, "1", "张三"), (4, "2", "李四")]
    assert read(path, content.rstrip(end)) == [(2, "1", "张三"), (4, "2", "李四")]
    assert read(path, end * 3 + content) == [(5, "1", "张三"), (7, "2", "李四")]


def test_headers(path: Path) -> None:
    assert refused(path, "a,b,a\n1,2,3\n") == ("INPUT_HEADER", 1)
    assert refused(path, "张三,b, 张三 \n1,2,3\n") == ("INPUT_HEADER", 1)
    with pytest.raises(InputError) as caught:
        CsvExport.open(path)
    assert caught.value.place.column == "number 3"
    assert refused(path, ",,\n1,2,3\n") == ("INPUT_HEADER", 1)
    assert refused(path, "\n\n") == ("INPUT_HEADER", 1)
    assert read(path, "a,,b,\n1,2,3,4\n") == [(2, "1", "3")]
    assert CsvExport.open(path).header == ("a", "", "b", "")


def test_no_rows_and_no_file(path: Path) -> None:
    assert refused(path, None) == ("FILE_NOT_FOUND", None)
    assert refused(path, None, "utf-8") == ("FILE_NOT_FOUND", None)
    assert refused(path, "") == ("INPUT_EMPTY", None)
    assert refused(path, "", "gb18030") == ("INPUT_EMPTY", None)
    assert refused(path, "a,b\n") == ("INPUT_NO_ROWS", None)
    assert refused(path, "a,b\n\n\n") == ("INPUT_NO_ROWS", None)
    assert refused(path, "\ufeffa,b") == ("INPUT_NO_ROWS", None)
    assert refused(path, "\ufeff") == ("INPUT_HEADER", 1)
    path.unlink()
    path.mkdir()
    assert refused(path, None) == ("FILE_NOT_FOUND", None)


def test_a_missing_column(path: Path) -> None:
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    export = CsvExport.open(path)
    with pytest.raises(InputError) as caught:
        list(export.batches(["b", "姓名"]))
    assert (caught.value.code, caught.value.place.column) == ("COLUMN_MISSING", "姓名")


def test_a_cell_that_is_too_long(path: Path) -> None:
    assert refused(path, "a,b\n1,2\n3," + "secret" * 350_000 + "\n") == ("CELL_TOO_LONG", 3)
    longest = "x" * MAX_CELL_CHARACTERS
    assert read(path, f"a,b\n1,{longest}\n") == [(2, "1", longest)]


@pytest.mark.parametrize("batch_rows", [1, 2, 5, 6])
def test_batches(path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int) -> None:
    monkeypatch.setattr(_csv, "BATCH_ROWS", batch_rows)
    path.write_text("a,b\n" + "".join(f'{place},"x\n"\n' for place in range(5)), encoding="utf-8")
    batches = list(CsvExport.open(path).batches(["b", "a"]))
    assert [batch.num_rows for batch in batches] == [min(batch_rows, 5 - at) for at in range(0, 5, batch_rows)]
    table = pa.Table.from_batches(batches)
    assert table.column_names == [ROW_NUMBER, "b", "a"]
    assert table["a"].to_pylist() == ["0", "1", "2", "3", "4"]
    assert table[ROW_NUMBER].to_pylist() == [3, 5, 7, 9, 11]


CELLS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]], charset: str
) -> None:
    path = tmp_path_factory.mktemp("csv") / "export.csv"
    quoted = ['"{}","{}"'.format(*(cell.replace('"', '""') for cell in row)) for row in cells]
    path.write_bytes("\n".join(["编号,姓名", *quoted]).encode(charset))
    if any(swallows_rows(row, ",", 2) for row in cells):  # A line break beside a comma looks like two rows made one.
        assert refused(path, None, charset)[0] == "ROW_WIDTH"
    else:
        assert [row[1:] for row in rows(path, charset)] == cells


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("csv") / "export.csv"
    path.write_bytes(content)
    for charset in (None, "utf-8", "gb18030"):
        with suppress(InputError):
            rows(path, charset)
