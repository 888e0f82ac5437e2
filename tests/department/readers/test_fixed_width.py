"""Fixed width: positions in bytes, short and long lines, layouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from secure_match.department.readers import ROW_NUMBER, ReadOptions, RefusedRows, open_export
from secure_match.errors import SecureMatchError

LAYOUT = """
format = 1
charset = "gb18030"
header_lines = 1
columns = [{ name = "id", start = 1, width = 4 }, { name = "姓名", start = 5, width = 6 }]
"""


def options(tmp_path: Path, layout: str = LAYOUT, **more: object) -> ReadOptions:
    path = tmp_path / "layout.toml"
    path.write_text(layout, encoding="utf-8")
    return ReadOptions(layout=path, **more)  # type: ignore[arg-type]


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "p.txt"
    path.write_bytes(content)
    return path


def read_all(path: Path, choice: ReadOptions) -> list[dict[str, list[object]]]:
    export = open_export(path, choice)
    return [batch.to_pydict() for batch in export.batches(export.header)]


def code_of(path: Path, choice: ReadOptions) -> tuple[str, int | None]:
    with pytest.raises(SecureMatchError) as caught:
        read_all(path, choice)
    assert caught.value.__context__ is None
    assert "机密" not in str(caught.value)
    return caught.value.code, caught.value.place.row


CONTENT = "标题行\r\nA1  张机密\r\n\r\nA2  李\r\nA3  王机密    \n".encode("gb18030")


def test_rows(tmp_path: Path) -> None:
    (batch,) = read_all(write(tmp_path, CONTENT), options(tmp_path))
    assert batch == {ROW_NUMBER: [2, 4, 5], "id": ["A1", "A2", "A3"], "姓名": ["张机密", "李", "王机密"]}


def test_ragged_lines(tmp_path: Path) -> None:
    path = write(tmp_path, CONTENT + b"A4\nA5  abcdef!\nA6  x\n")
    assert code_of(path, options(tmp_path)) == ("ROW_WIDTH", 6)
    refused = RefusedRows()
    export = open_export(path, options(tmp_path, ragged="quarantine"))
    (batch,) = export.batches(["id"], refused=refused)
    assert batch["id"].to_pylist() == ["A1", "A2", "A3", "A6"]
    assert refused.by_code == {"ROW_WIDTH": [6, 7]}


def test_a_column_that_cuts_a_character(tmp_path: Path) -> None:
    cut = LAYOUT.replace("width = 6", "width = 5")
    assert code_of(write(tmp_path, "\nA1  张机密\n".encode("gb18030")), options(tmp_path, cut))[0] == "ROW_WIDTH"
    cut = LAYOUT.replace("start = 5, width = 6", "start = 6, width = 5")
    assert code_of(write(tmp_path, "\nA1  张机密\n".encode("gb18030")), options(tmp_path, cut)) == ("INPUT_CHARSET", 2)


def test_charset_must_be_said_once(tmp_path: Path) -> None:
    path = write(tmp_path, CONTENT)
    silent = LAYOUT.replace('charset = "gb18030"', "")
    assert code_of(path, options(tmp_path, silent))[0] == "CHARSET_MISSING"
    assert code_of(path, options(tmp_path, charset="utf-8"))[0] == "CHARSET_MISSING"
    assert read_all(path, options(tmp_path, silent, charset="gbk"))


def test_utf8_with_mark_counts_bytes_after_it(tmp_path: Path) -> None:
    layout = LAYOUT.replace("gb18030", "utf-8").replace("header_lines = 1", "").replace("width = 6", "width = 9")
    (batch,) = read_all(write(tmp_path, "A1  张机密\n".encode("utf-8-sig")), options(tmp_path, layout))
    assert batch["姓名"] == ["张机密"]


@pytest.mark.parametrize(
    ("layout", "key"),
    [
        ("format = 2", "format"),
        (LAYOUT.replace("width = 6", "width = 0"), "columns[1].width"),
        (LAYOUT.replace("width = 6", "wide = 6"), "columns[1].width"),
        (LAYOUT.replace("header_lines", "header_line"), "header_line"),
        (LAYOUT.replace("columns = [", "columns = [{ name = 'id', start = 1, width = 1048577 },"), "columns[0].width"),
        ("= 1", None),
        ("a = " + "[" * 5000, None),
    ],
)
def test_wrong_layouts(tmp_path: Path, layout: str, key: str | None) -> None:
    choice = options(tmp_path, layout)
    with pytest.raises(SecureMatchError, match="LAYOUT_INVALID") as caught:
        open_export(write(tmp_path, CONTENT), choice)
    assert caught.value.place.key == key


def test_names_twice_and_no_layout_file(tmp_path: Path) -> None:
    assert code_of(write(tmp_path, CONTENT), options(tmp_path, LAYOUT.replace("姓名", "id")))[0] == "INPUT_HEADER"
    assert code_of(write(tmp_path, CONTENT), ReadOptions(layout=tmp_path / "none"))[0] == "FILE_NOT_FOUND"


def test_a_line_without_an_end(tmp_path: Path) -> None:
    assert code_of(write(tmp_path, b"x" * (3 << 20)), options(tmp_path)) == ("CELL_TOO_LONG", 1)
    assert code_of(write(tmp_path, b"only a title\n"), options(tmp_path)) == ("INPUT_NO_ROWS", None)
    assert code_of(write(tmp_path, b"\nA1  a\x00b\n"), options(tmp_path)) == ("INPUT_NUL", 2)
