"""Parquet and Arrow: types as exact text, what has none, and files that unpack to more than memory."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from secure_match.department.readers import ROW_NUMBER, _arrow, _child, open_export
from secure_match.errors import SecureMatchError

DAY = dt.date(2001, 2, 3)
MOMENT = dt.datetime.fromisoformat("2001-02-03T04:05:06.789")
MIDNIGHT = dt.datetime.fromisoformat("2001-02-03")

READABLE = [
    (pa.array(["张", None, ""]), ["张", "", ""]),
    (pa.array(["张", None, ""], pa.large_string()), ["张", "", ""]),
    (pa.array(["张", None, "张"]).dictionary_encode(), ["张", "", "张"]),
    (pa.array([1, None, -3], pa.int8()), ["1", "", "-3"]),
    (pa.array([999999195001011234, None, 0], pa.int64()), ["999999195001011234", "", "0"]),
    (pa.array([2**64 - 1, None, 0], pa.uint64()), [str(2**64 - 1), "", "0"]),
    (pa.array([1.0, None, float("nan")]), ["1", "", ""]),
    (pa.array([1.10101199003071e17, None, -2.0]), ["110101199003071000", "", "-2"]),
    (pa.array([3.0, None, 4.0], pa.float32()), ["3", "", "4"]),
    (pa.array([True, None, False]), ["TRUE", "", "FALSE"]),
    (pa.array([DAY, None, DAY], pa.date32()), ["2001-02-03", "", "2001-02-03"]),
    (pa.array([DAY, None, DAY], pa.date64()), ["2001-02-03", "", "2001-02-03"]),
    (pa.array([MIDNIGHT, None, MOMENT], pa.timestamp("ms")), ["2001-02-03", "", "2001-02-03 04:05:06"]),
    (pa.array([Decimal("1.50"), None, Decimal("12345678901234567.00")]), ["1.50", "", "12345678901234567.00"]),
    (pa.array([None, None, None], pa.null()), ["", "", ""]),
]


@pytest.mark.parametrize(("column", "texts"), READABLE, ids=[str(column.type) for column, _ in READABLE])
def test_types_as_text(tmp_path: Path, column: pa.Array, texts: list[str]) -> None:
    source = pa.table({"id": ["a", "b", "c"], "x": column})
    pa.parquet.write_table(source, tmp_path / "p.parquet")
    pa.feather.write_feather(source, str(tmp_path / "p.feather"), compression="uncompressed")
    for name in ("p.parquet", "p.feather"):
        (batch,) = open_export(tmp_path / name).batches(["x", "id"])
        assert batch.to_pydict() == {ROW_NUMBER: [1, 2, 3], "x": texts, "id": ["a", "b", "c"]}


def test_numeric_columns(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"a": [2**60], "b": [1.0], "c": ["1"]}), tmp_path / "p.parquet")
    assert open_export(tmp_path / "p.parquet").numeric_columns == {"b": 1.0}


UNREADABLE = [
    (pa.array([1.0, 1.5]), 2),
    (pa.array([1.0, float("inf")]), 2),
    (pa.array([b"a", b"b"]), None),
    (pa.array([["a"], ["b"]]), None),
    (pa.array([{"a": 1}, {"a": 2}]), None),
    (pa.array([MOMENT, MOMENT], pa.timestamp("ms", tz="Asia/Shanghai")), None),
]


@pytest.mark.parametrize(("column", "row"), UNREADABLE, ids=[str(column.type) for column, _ in UNREADABLE])
def test_types_without_exact_text(tmp_path: Path, column: pa.Array, row: int | None) -> None:
    pa.parquet.write_table(pa.table({"id": ["a", "b"], "x": column}), tmp_path / "p.parquet")
    export = open_export(tmp_path / "p.parquet")
    assert sum(batch.num_rows for batch in export.batches(["id"])) == 2, "other columns can be read"
    with pytest.raises(SecureMatchError) as caught:
        list(export.batches(["id", "x"]))
    assert (caught.value.code, caught.value.place.column, caught.value.place.row) == ("COLUMN_TYPE", "x", row)


def test_row_numbers_go_on_over_groups(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"id": [str(n) for n in range(10)]}), tmp_path / "p.parquet", row_group_size=3)
    batches = list(open_export(tmp_path / "p.parquet").batches(["id"]))
    numbers = [number for batch in batches for number in batch[ROW_NUMBER].to_pylist()]
    assert numbers == list(range(1, 11))


def code_of(path: Path) -> str:
    with pytest.raises(SecureMatchError) as caught:
        list(open_export(path).batches(["x"]))
    assert caught.value.__context__ is None
    return caught.value.code


def test_one_long_text_in_many_rows(tmp_path: Path) -> None:
    """A few kilobytes of file that are 65 GB as plain text."""
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 65_536, pa.int32()), pa.array(["a" * 1_000_000]))
    pa.parquet.write_table(pa.table({"x": long}), tmp_path / "p.parquet", compression="zstd")
    assert (tmp_path / "p.parquet").stat().st_size < 1 << 20
    before = pa.total_allocated_bytes()
    batches = open_export(tmp_path / "p.parquet").batches(["x"])
    rows = 0
    for _ in range(5):
        batch = next(batches)
        rows += batch.num_rows
        assert pa.total_allocated_bytes() - before < 256 << 20
    assert rows < 1000


def test_too_long_and_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, column in enumerate(
        [pa.array(["a", "b" * 1_100_000]), pa.array(["b" * 1_100_000]).dictionary_encode()]
    ):
        pa.parquet.write_table(pa.table({"x": column}), tmp_path / f"{number}.parquet")
        assert code_of(tmp_path / f"{number}.parquet") == "CELL_TOO_LONG"
    monkeypatch.setattr(_arrow, "MAX_BATCH_BYTES", 1000)
    assert code_of(tmp_path / "0.parquet") == "ARROW_TOO_LARGE"


def test_empty_twice_named_and_old(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"x": pa.array([], pa.string())}), tmp_path / "e.parquet")
    assert code_of(tmp_path / "e.parquet") == "INPUT_NO_ROWS"
    twice = pa.table([pa.array(["a"]), pa.array(["b"])], names=["x", "x "])
    pa.feather.write_feather(twice, str(tmp_path / "t.feather"))
    assert code_of(tmp_path / "t.feather") == "INPUT_HEADER"
    (tmp_path / "o.feather").write_bytes(b"FEA1" + bytes(100))
    assert code_of(tmp_path / "o.feather") == "FORMAT_UNKNOWN"


def test_compressed_to_more_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """700 KB of file that are 700 MB of one cell."""
    long = pa.array(["a" * 1_000_000] * 700)
    pa.feather.write_feather(pa.table({"x": long}), str(tmp_path / "p.feather"), compression="zstd")
    assert (tmp_path / "p.feather").stat().st_size < 1 << 20
    before = pa.total_allocated_bytes()
    del long
    assert code_of(tmp_path / "p.feather") == "ARROW_TOO_LARGE"
    monkeypatch.setattr(_child, "MEMORY_BYTES", 512 << 20)
    assert code_of(tmp_path / "p.feather") == "ARROW_TOO_LARGE"
    assert pa.total_allocated_bytes() <= before


def test_metadata_that_ends_the_library(tmp_path: Path) -> None:
    """A library that ends its process ends only the child: here a child that is ended from outside."""
    pa.parquet.write_table(pa.table({"x": ["a"]}), tmp_path / "p.parquet")
    export = open_export(tmp_path / "p.parquet")
    (tmp_path / "worker.py").write_text("import os; os.abort()", encoding="ascii")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_arrow, "_WORKER", tmp_path / "worker.py")
        with pytest.raises(SecureMatchError, match="ARROW_DAMAGED"):
            list(export.batches(["x"]))


def test_offsets_that_point_outside(tmp_path: Path) -> None:
    """Arrow follows the offsets of a file blindly; they are checked first."""
    pa.feather.write_feather(pa.table({"x": ["abc", "defg"]}), str(tmp_path / "p.arrow"), compression="uncompressed")
    content = bytearray((tmp_path / "p.arrow").read_bytes())
    place = content.index((0).to_bytes(4, "little") + (3).to_bytes(4, "little") + (7).to_bytes(4, "little"))
    content[place + 4 : place + 8] = (1 << 30).to_bytes(4, "little")
    (tmp_path / "p.arrow").write_bytes(content)
    assert code_of(tmp_path / "p.arrow") == "ARROW_DAMAGED"


def test_files_of_polars_as_it_writes_them(tmp_path: Path) -> None:
    frame = pl.DataFrame({"编号": ["K1", "K2"], "姓名": ["张三", None]})
    for name in ("p.arrow", "p.parquet"):
        write = frame.write_ipc if name.endswith("arrow") else frame.write_parquet
        write(tmp_path / name)
        (batch,) = open_export(tmp_path / name).batches(["编号", "姓名"])
        assert batch.to_pydict() == {ROW_NUMBER: [1, 2], "编号": ["K1", "K2"], "姓名": ["张三", ""]}
