"""Damaged and hostile files of every kind end in our errors, in bounded memory, and show no value."""

from __future__ import annotations

import random
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import FILES, LAYOUT, PEOPLE, SECRETS, options_for

from secure_match.department.readers import ReadOptions, RefusedRows, open_export
from secure_match.errors import SecureMatchError

KINDS = ["csv-gb18030", "tsv-utf16", "xlsx", "xls", "ods", "dbf", "fixed", "parquet", "feather", "arrow-stream"]
TRIES = dict.fromkeys(("xlsx", "xls", "ods", "parquet", "feather", "arrow-stream"), 8)
"""These start a process each; the others are tried ``MANY`` times."""
MANY = 60
PEAK_BYTES = 128 << 20
ENDINGS = (".csv", ".xlsx", ".xls", ".dbf", ".parquet", ".arrows", ".dat")


def read_or_refuse(path: Path, options: ReadOptions) -> str:
    """Read the whole file: its rows are counted, or the code of our error is told. Anything else is a defect."""
    caught: SecureMatchError | None = None
    rows = 0
    try:
        export = open_export(path, options)
        columns = [name for name in export.header if name]
        rows = sum(batch.num_rows for batch in export.batches(columns, refused=RefusedRows()))
    except SecureMatchError as error:
        caught = error
    if caught is None:
        return f"{rows} rows"
    assert caught.__context__ is None
    assert caught.__cause__ is None
    assert not any(secret in caught.message for secret in SECRETS)
    return caught.code


@pytest.fixture
def small_memory() -> object:
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < PEAK_BYTES


def whole_file(kind: str, folder: Path) -> Path:
    name, write = FILES[kind]
    path = folder / name
    write(path)
    return path


@pytest.mark.usefixtures("small_memory")
@pytest.mark.parametrize("kind", KINDS)
def test_cut_off(kind: str, tmp_path: Path) -> None:
    path = whole_file(kind, tmp_path)
    content = path.read_bytes()
    chance = random.Random(kind)
    lengths = {0, 1, 2, 3, 4, 8, 16, 31, 32, 33, len(content) - 1}
    lengths |= {chance.randrange(len(content)) for _ in range(TRIES.get(kind, MANY))}
    results = set()
    for length in sorted(lengths):
        path.write_bytes(content[:length])
        results.add(read_or_refuse(path, options_for(path)))
    assert "INPUT_EMPTY" in results
    if kind in ("xlsx", "ods", "parquet", "feather", "dbf"):
        assert {result for result in results if result.endswith("rows")} <= {f"{len(PEOPLE)} rows"}, (
            "a cut file never reads as a smaller one"
        )


@pytest.mark.usefixtures("small_memory")
@pytest.mark.parametrize("kind", KINDS)
def test_changed_bytes(kind: str, tmp_path: Path) -> None:
    path = whole_file(kind, tmp_path)
    content = path.read_bytes()
    chance = random.Random(kind)
    for number in range(TRIES.get(kind, MANY)):
        changed = bytearray(content)
        span = min(len(content), 400) if number % 2 else len(content)
        for _ in range(1 + number % 3):
            changed[chance.randrange(span)] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        read_or_refuse(path, options_for(path))


@pytest.mark.usefixtures("small_memory")
@pytest.mark.parametrize("ending", ENDINGS)
def test_random_bytes_under_every_name(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"p{ending}"
    path.with_suffix(".toml").write_text(LAYOUT, encoding="utf-8")
    chance = random.Random(ending)
    heads = (
        b"", b"PK\x03\x04", b"PAR1", b"ARROW1\x00\x00", b"\xff\xff\xff\xff", b"\xff\xfe", b"\x03\x1a\x01\x01", b"a,b\n",
    )  # fmt: skip
    for head in heads:
        for size in (5, 3000):
            path.write_bytes(head + chance.randbytes(size))
            result = read_or_refuse(path, options_for(path))
            assert head in (b"", b"a,b\n", b"\xff\xfe") or not result.endswith("rows")
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + chance.randbytes(3000))
    assert read_or_refuse(path, options_for(path)) in ("WORKBOOK_DAMAGED", "ROW_WIDTH", "INPUT_CHARSET")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_as_text(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "p.csv"
    path.write_bytes(content)
    read_or_refuse(path, ReadOptions())


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"\x1f\x8b\x08", b"<html><table>", b"<?xml version='1.0'?>", b"Rar!"])
def test_other_kinds_of_file_are_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.xls"
    path.write_bytes(content + bytes(10))
    assert read_or_refuse(path, ReadOptions()) == "FORMAT_UNKNOWN"


def test_options_that_a_kind_does_not_heed(tmp_path: Path) -> None:
    path = whole_file("csv-utf8", tmp_path)
    assert read_or_refuse(path, ReadOptions(sheet="a")) == "OPTION_UNUSED"
    assert read_or_refuse(path, ReadOptions(connection="sqlite:///x")) == "OPTION_UNUSED"
    assert read_or_refuse(whole_file("xlsx", tmp_path), ReadOptions(charset="gbk")) == "OPTION_UNUSED"
    assert read_or_refuse(whole_file("parquet", tmp_path), ReadOptions(header_row=1)) == "OPTION_UNUSED"
    assert read_or_refuse(tmp_path, ReadOptions()) == "FILE_NOT_FOUND"
    assert read_or_refuse(tmp_path / "none.xlsx", ReadOptions()) == "FILE_NOT_FOUND"


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_changed_parts_of_a_whole_container(kind: str, tmp_path: Path) -> None:
    """The container's checksums are right, so the changed XML reaches the library."""
    path = whole_file(kind, tmp_path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    chance = random.Random(kind)
    names = [name for name in parts if "sheet" in name.lower() or name in ("content.xml", "xl/workbook.xml")]
    names += ["xl/sharedStrings.xml"] * ("xl/sharedStrings.xml" in parts)
    for number in range(12):
        changed = {name: bytearray(data) for name, data in parts.items()}
        target = changed[names[number % len(names)]]
        for _ in range(1 + number % 4):
            target[chance.randrange(len(target))] = chance.choice(b'<>&"0123456789A\x00\xff')
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in changed.items():
                archive.writestr(name, bytes(data))
        read_or_refuse(path, options_for(path))
