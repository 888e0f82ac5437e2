"""Files that stay in the department: keys, quarantine lists, worklists."""

from __future__ import annotations

import csv
import json
import os
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from secure_match.department import files
from secure_match.department.files import (
    read_key,
    read_shared_secret,
    write_key,
    write_quarantine,
    write_shared_secret,
    write_worklist,
)
from secure_match.department.keys import DepartmentKey
from secure_match.department.quarantine import REASONS, SCHEMA
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
        {"format_version": 2},
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
    rows = CalamineWorkbook.from_path(path).get_sheet_by_name("worklist").to_python()
    assert rows[0] == ["=a", "规则"]
    assert [row[0] for row in rows[1:]] == [value or "" for value in values]
    assert {type(cell) for row in rows for cell in row} == {str}


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
    monkeypatch.setattr(files, "_XLSX_MAX_ROWS", 2)
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
            ["row_number", "column", "code", "meaning"],
            ["3", "psn_no", "ROW_KEY_MISSING", REASONS["ROW_KEY_MISSING"]],
            ["9", "", "NO_IDENTITY", REASONS["NO_IDENTITY"]],
        ]
