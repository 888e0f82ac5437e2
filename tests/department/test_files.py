"""Files that stay in the department: keys, quarantine lists, worklists."""

from __future__ import annotations

import csv
import json
import os
import re
import stat
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from secure_match.department import files, key_files
from secure_match.department.files import (
    read_key,
    read_shared_secret,
    write_key,
    write_quarantine,
    write_shared_secret,
    write_worklist,
)
from secure_match.department.keys import DepartmentKey
from secure_match.department.quarantine import REASONS, REMEDIES, SCHEMA
from secure_match.department.secret_access import reveal
from secure_match.errors import KeyFileError, UsageError

KEY = DepartmentKey.create(
    party="police", agreement_id="city", key_epoch="1", encoding_secret=b"e" * 32, handle_secret=b"h" * 32
)


def test_a_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "police.key"
    write_key(KEY, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = read_key(path)
    assert (read.party, read.agreement_id, read.key_epoch) == ("police", "city", "1")
    assert [reveal(read, part) for part in ("encoding", "handle")] == [b"e" * 32, b"h" * 32]


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "police.key"
    path.write_text("precious")
    for target, code in (
        (path, "FILE_EXISTS"),
        (tmp_path, "FILE_EXISTS"),
        (tmp_path / "no" / "key", "FILE_NOT_WRITABLE"),
    ):
        with pytest.raises(KeyFileError) as caught:
            write_key(KEY, target)
        assert (caught.value.code, caught.value.place.file) == (code, target)
    assert path.read_text() == "precious"
    link = tmp_path / "link.key"
    link.symlink_to(tmp_path / "elsewhere.key")
    with pytest.raises(KeyFileError):
        write_key(KEY, link)
    assert not (tmp_path / "elsewhere.key").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"format_version": 3},
        {"more": 1},
        {"party": None},
        {"encoding_secret": "65" * 31},
        {"encoding_secret": "zz" * 32},
        {"handle_secret": ""},
    ],
    ids=str,
)
def test_a_damaged_key_file_is_refused_without_its_content(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "police.key"
    write_key(KEY, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(KeyFileError) as caught:
        read_key(path)
    assert (caught.value.code, caught.value.__context__) == ("KEY_FORMAT", None)
    assert "6565" not in str(caught.value)
    assert "6868" not in str(caught.value)


def test_the_shared_secret_travels_without_the_handle_secret(tmp_path: Path) -> None:
    key, shared = tmp_path / "police.key", tmp_path / "shared.secret"
    write_key(KEY, key)
    write_shared_secret(KEY, shared)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o600
    assert (b"h" * 32).hex() not in shared.read_text()
    read = read_shared_secret(shared)
    assert (read.agreement_id, read.key_epoch, reveal(read.key, "encoding")) == ("city", "1", b"e" * 32)
    assert reveal(read.key, "handle") != b"h" * 32
    assert repr(read) == "<SharedSecret: secret>"
    for reader, path in ((read_shared_secret, key), (read_key, shared)):
        with pytest.raises(KeyFileError) as caught:
            reader(path)
        assert (caught.value.code, caught.value.place.file) == ("KEY_FORMAT", path)


def test_what_is_no_key_file(tmp_path: Path) -> None:
    path = tmp_path / "police.key"
    write_key(KEY, path)
    whole = path.read_bytes()
    for content in (b"", b"[]", whole[:-2], whole + b"x", b"\xff\xfe", b"[" * 5000):
        path.write_bytes(content)
        with pytest.raises(KeyFileError) as caught:
            read_key(path)
        assert caught.value.code == "KEY_FORMAT"
    for missing in (tmp_path / "none.key", tmp_path):
        with pytest.raises(KeyFileError) as caught:
            read_key(missing)
        assert caught.value.code == "FILE_NOT_FOUND"


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such permissions")
@pytest.mark.parametrize("mode", [0o640, 0o620, 0o604, 0o602, 0o777])
def test_a_key_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    key, shared = tmp_path / "my police.key", tmp_path / "shared.secret"
    write_key(KEY, key)
    write_shared_secret(KEY, shared)
    for reader, path, shown in ((read_key, key, f"'{key}'"), (read_shared_secret, shared, str(shared))):
        path.chmod(mode)
        with pytest.raises(KeyFileError) as caught:
            reader(path)
        assert (caught.value.code, caught.value.place.file) == ("KEY_PERMISSIONS", path)
        assert f"chmod 600 {shown}" in caught.value.message
        path.chmod(0o400)
        reader(path)


def test_a_key_files_model_does_not_print_its_secrets(tmp_path: Path) -> None:
    write_key(KEY, tmp_path / "police.key")
    write_shared_secret(KEY, tmp_path / "shared.secret")
    for model, name in ((key_files._KeyFile, "police.key"), (key_files._SharedFile, "shared.secret")):
        content = model.model_validate_json((tmp_path / name).read_bytes())
        assert "city" in repr(content)
        for secret in (b"e" * 32, b"h" * 32):
            assert secret.hex() not in repr(content)
            assert secret.hex() not in str(content)


CELLS = [
    ("plain", "plain"),
    ("张三", "张三"),
    (None, ""),
    ("", ""),
    ("00123", "00123"),
    ("=1", "'=1"),
    ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
    ("+86139", "+86139"),
    ("-7", "-7"),
    ("+1+1", "'+1+1"),
    ("-1+1", "'-1+1"),
    ("-", "'-"),
    ("@SUM(1)", "'@SUM(1)"),
    ("@1", "'@1"),
    ("\t=1", "'\t=1"),
    ("\r=1", "'\r=1"),
    ("\n=1", "'\n=1"),
    ("＝1", "'＝1"),
    ("＋1+1", "'＋1+1"),
    ("＠x", "'＠x"),
    ('quote"d, cell', 'quote"d, cell'),
    ("1=1", "1=1"),
]


def test_no_cell_of_a_csv_starts_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "work.csv"
    values = [value for value, _ in CELLS]
    table = pa.table([pa.array(values, pa.string()), pa.array(values[::-1], pa.string())], names=["=a", "=a"])
    write_worklist(table, path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["'=a", "'=a"]
    assert [row[0] for row in rows[1:]] == [text for _, text in CELLS]
    assert [row[1] for row in rows[1:]] == [text for _, text in CELLS[::-1]]


def test_all_cells_of_a_sheet_are_text(tmp_path: Path) -> None:
    path = tmp_path / "work.XLSX"
    values = [value for value, _ in CELLS if value is None or not value.startswith(("\t", "\r", "\n"))]
    values += ["110101199003070010", "1e5", "TRUE", "http://x.y", "0"]
    table = pa.table([pa.array(values, pa.string()), pa.array(["x"] * len(values))], names=["=a", "规则"])
    write_worklist(table, path)
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert rows[0] == ["=a", "规则"]
    assert [row[0] for row in rows[1:]] == [value or "" for value in values]
    assert {type(cell) for row in rows for cell in row} == {str}


MARKUP = "<r><t>x</t></r></si><si><t>INJECTED</t></si><si><r><t>y</t></r>"
HOSTILE = [
    MARKUP,
    "<r></r>",
    "<r>&amp;</r>",
    "<r>" + "b" * 32_760 + "</r>",
    "</si><si>",
    "<b>bold</b>",
    "]]><!--",
    "&lt;r&gt;",
    "_x0041_",
    "\x00\x01\x0b\x1f",
    " \tspaces \n",
    "a" * 32_767,
    "plain",
]


def test_no_text_becomes_markup_of_a_workbook(tmp_path: Path) -> None:
    """The library copies texts of the form <r>…</r> unescaped; one more string in the file would move all others."""
    path = tmp_path / "work.xlsx"
    numbers = [str(place) for place in range(len(HOSTILE))]
    table = pa.table([pa.array(HOSTILE), pa.array(HOSTILE[::-1]), pa.array(numbers)], names=[MARKUP, "<r>h</r>", "n"])
    write_worklist(table, path)
    header, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert header == [MARKUP, "<r>h</r>", "n"]
    assert rows == [list(row) for row in zip(HOSTILE, HOSTILE[::-1], numbers, strict=True)]
    with zipfile.ZipFile(path) as archive:
        strings = archive.read("xl/sharedStrings.xml").decode()
    root = ElementTree.fromstring(strings)
    # MARKUP is there twice, once in the header's bold.
    assert len(root) == int(root.attrib["uniqueCount"]) == len({"<r>h</r>", "n", *HOSTILE, *numbers}) + 1
    assert "<t>INJECTED" not in strings
    # What a reader decodes is the text: the escapes themselves are escaped.
    assert "<t>_x005F_x0041_</t>" in strings
    assert "_x0000__x0001__x000B__x001F_" in strings


@pytest.mark.parametrize(
    "text", ["a" * 32_768, "😀" * 20_000, "<r>" + "b" * 40_000 + "</r>"], ids=lambda text: text[:3]
)
def test_a_cell_that_is_too_long_is_cut_and_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "work.xlsx"
    write_worklist(pa.table({"a": [text, "next"]}), path)
    _, (cut,), (following,) = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert (cut[-1], following) == ("…", "next")
    assert text.startswith(cut[:-1])
    assert 32_766 <= len(cut.encode("utf-16-le")) // 2 <= 32_767


def sheet_xml(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read("xl/worksheets/sheet1.xml").decode()


def test_a_sheet_is_made_for_clerks(tmp_path: Path) -> None:
    path = tmp_path / "work.xlsx"
    columns = {"规则": ["medical"], "psn_no": ["e1"], "psn_name": ["张三"], "备注": ["x" * 500]}
    write_worklist(pa.table(columns), path, title="核查清单")
    assert CalamineWorkbook.from_path(path).sheet_names == ["核查清单"]
    xml = sheet_xml(path)
    assert 'numberStoredAsText="1"' in xml
    assert '<pane xSplit="3" ySplit="1"' in xml
    assert re.findall(r'<col min="\d" max="\d" width="(\d+)', xml) == ["9", "8", "10", "32"]
    with zipfile.ZipFile(path) as archive:
        styles = archive.read("xl/styles.xml").decode()
    formats = re.findall(r'<xf numFmtId="(\d+)"[^>]*xfId="0"', styles)
    # 49 is "@"; style 0 is the workbook's own and no cell has it.
    assert formats == ["0", "49", "49"]
    assert set(re.findall(r'<c r="[A-Z]+\d+" (?:s="(\d)")?', xml)) == {"1", "2"}


def test_columns_that_are_too_wide_to_stand_still(tmp_path: Path) -> None:
    path = tmp_path / "work.xlsx"
    wide = {f"column {place}": ["x" * 40] for place in range(5)}
    write_worklist(pa.table(wide | {"姓名": ["张三"]}), path)
    assert '<pane xSplit="1" ySplit="1"' in sheet_xml(path)


def test_an_empty_worklist_has_its_headers(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([], pa.string())})
    for name in ("w.csv", "w.xlsx"):
        write_worklist(table, tmp_path / name)
    assert (tmp_path / "w.csv").read_text(encoding="utf-8-sig").split() == ["a"]
    assert CalamineWorkbook.from_path(tmp_path / "w.xlsx").get_sheet_by_index(0).to_python() == [["a"]]


def test_other_forms_and_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"a": ["1", "2"]})
    with pytest.raises(UsageError) as caught:
        write_worklist(table, tmp_path / "work.ods")
    assert caught.value.code == "WORKLIST_FORMAT"
    monkeypatch.setattr(files, "MAX_ROWS", 2)
    with pytest.raises(UsageError) as caught:
        write_worklist(table, tmp_path / "work.xlsx")
    assert caught.value.code == "WORKLIST_TOO_LONG"
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_no_temporary_file_stays_or_leaves_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(shared))
    table = pa.table({"a": ["张三"] * 5000})
    for name in ("w.csv", "w.xlsx"):
        write_worklist(table, tmp_path / name)
    assert list(shared.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shared", "w.csv", "w.xlsx"]


def test_a_quarantine_list(tmp_path: Path) -> None:
    rows = [pa.array([3, 9]), pa.array(["psn_no", ""]), pa.array(["ROW_KEY_MISSING", "NO_IDENTITY"])]
    path = tmp_path / "q.csv"
    write_quarantine(pa.table(rows, schema=SCHEMA), path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["row_number", "column", "code", "meaning", "remedy"],
            ["3", "psn_no", "ROW_KEY_MISSING", REASONS["ROW_KEY_MISSING"], REMEDIES["ROW_KEY_MISSING"]],
            ["9", "", "NO_IDENTITY", REASONS["NO_IDENTITY"], REMEDIES["NO_IDENTITY"]],
        ]
