"""An Arrow stream of a stranger: what it claims is compared with what is there before it is decoded."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from encoded.tiny import MANIFEST, TABLE
from hostile.forge import arrow_bytes, rebuilt
from secure_match.encoded import EncodedDataset
from secure_match.encoded._arrow_stream import MAX_BATCH_ROWS, StreamRefusedError, read_arrow_stream
from secure_match.encoded.container import UNREADABLE
from secure_match.encoded.files import read_dataset, write_dataset
from secure_match.errors import PackageError

GOOD = arrow_bytes(TABLE)
END = b"\xff\xff\xff\xff\0\0\0\0"
READ_AND_MEASURE = """
import resource, sys
from pathlib import Path
from secure_match.encoded.files import read_dataset
from secure_match.errors import PackageError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_dataset(Path(sys.argv[1]))
except PackageError as error:
    print(error.code, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


Outcome = pa.Table | Exception


def outcome(source: Any, size: int, schema: pa.Schema, rows: int) -> Outcome:
    try:
        return read_arrow_stream(source, size, schema, rows)
    except Exception as error:
        return error


def read(data: bytes, schema: pa.Schema = TABLE.schema, rows: int = 2) -> pa.Table:
    """Through a file, and through memory that is not aligned; both have to give the same."""
    odd = pa.py_buffer(b"x" + data).slice(1)
    mapped, found = (outcome(source, len(data), schema, rows) for source in (odd, io.BytesIO(data)))
    if isinstance(found, Exception):
        assert (type(mapped), str(mapped)) == (type(found), str(found))
        raise found
    assert found.equals(mapped)
    return found


def refused(data: bytes, **more: Any) -> str:
    with pytest.raises(StreamRefusedError) as caught:
        read(data, **more)
    return str(caught.value)


def test_what_the_writer_makes_is_read() -> None:
    assert read(GOOD).equals(TABLE)
    empty = TABLE.schema.empty_table()
    assert read(arrow_bytes(empty), rows=0).equals(empty)
    many = pa.concat_tables([TABLE] * 3)
    assert read(arrow_bytes(many), rows=6).equals(many)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_compressed_bodies(codec: str) -> None:
    assert "compressed" in refused(arrow_bytes(TABLE, compression=codec))


def test_metadata_of_ones_own() -> None:
    for table in (
        TABLE.replace_schema_metadata({"raw": "赵甲"}),
        TABLE.cast(pa.schema([TABLE.schema[0].with_metadata({"raw": "赵甲"}), *list(TABLE.schema)[1:]])),
    ):
        assert "columns" in refused(arrow_bytes(table))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_batch(TABLE.to_batches()[0], custom_metadata={"raw": "赵甲"})
    assert "kind" in refused(sink.getvalue())


def test_other_columns() -> None:
    place = TABLE.schema.get_field_index("code.status")
    nested = pa.array([["1"], ["2"]])
    coded = TABLE["code.status"].combine_chunks().dictionary_encode()
    for column in (nested, coded, pa.array([{"a": 1}, None])):
        table = TABLE.set_column(place, "code.status", column)
        assert "columns" in refused(arrow_bytes(table))
    assert "columns" in refused(arrow_bytes(TABLE.append_column("raw", pa.array(["赵甲", "钱乙"]))))
    assert "columns" in refused(arrow_bytes(TABLE.select(TABLE.column_names[::-1])))


def test_a_dictionary_batch_under_the_right_schema() -> None:
    coded = pa.table({"a": pa.array(["x", "y"]).dictionary_encode()})
    schema_bytes = len(arrow_bytes(TABLE.schema.empty_table())) - len(END)
    dictionary = arrow_bytes(coded)[len(coded.schema.serialize()) :]
    assert "kind" in refused(GOOD[:schema_bytes] + dictionary)


def test_a_schema_that_stands_twice() -> None:
    schema_bytes = len(arrow_bytes(TABLE.schema.empty_table())) - len(END)
    assert "kind" in refused(GOOD[:schema_bytes] + GOOD)
    assert "begin" in refused(GOOD[schema_bytes:]) or "kind" in refused(GOOD[schema_bytes:])


def test_bytes_behind_the_end_or_no_end() -> None:
    assert GOOD.endswith(END)
    assert "behind" in refused(GOOD + "赵甲".encode())
    assert "behind" in refused(GOOD + GOOD)
    assert "end-of-stream" in refused(GOOD[: -len(END)])
    for length in range(len(GOOD)):
        with pytest.raises((ValueError, pa.ArrowException)):
            read(GOOD[:length])


def test_more_or_fewer_rows_than_the_manifest_states() -> None:
    assert "more rows" in refused(GOOD, rows=1)
    assert "fewer rows" in refused(GOOD, rows=3)
    assert "too small" in refused(GOOD, rows=1_000_000)
    schema = pa.schema([pa.field("a", pa.uint8())])
    table = pa.table([pa.array(np.zeros(MAX_BATCH_ROWS + 1, np.uint8))], schema=schema)
    assert "one batch" in refused(arrow_bytes(table), schema=schema, rows=MAX_BATCH_ROWS + 1)


def test_reading_stops_at_the_first_batch_too_many() -> None:
    """The second batch is not decoded: it would not even be readable."""
    schema = pa.schema([pa.field("a", pa.uint8())])
    one = pa.table([pa.array([1, 2], pa.uint8())], schema=schema)
    data = arrow_bytes(one)[: -len(END)]
    batch = data[len(schema.serialize()) :]
    stream = io.BytesIO(data + batch + batch[:100])
    with pytest.raises(StreamRefusedError, match="more rows"):
        read_arrow_stream(stream, len(data) + 1_000_000, schema, 2)


def test_every_byte_of_the_frame_changed() -> None:
    """Whatever changes: a table of the right form, or one of the errors that become ``PACKAGE_CONTENT``."""
    random = np.random.default_rng(5)
    for place in range(len(GOOD)):
        for value in {0x00, 0xFF, 0x80, int(random.integers(256))} - {GOOD[place]}:
            changed = bytearray(GOOD)
            changed[place] = value
            try:
                table = read(bytes(changed))
            except (pa.ArrowException, *UNREADABLE):
                continue
            assert table.schema.equals(TABLE.schema)
            assert table.num_rows == 2


def bomb(rows: int, batches: int) -> bytes:
    """Zeros, compressed."""
    columns = []
    for field in TABLE.schema:
        width = 4 if pa.types.is_string(field.type) else field.type.byte_width
        cells = [None, pa.py_buffer(bytes((rows + 1) * width))]
        cells += [pa.py_buffer(b"")] if pa.types.is_string(field.type) else []
        columns.append(pa.Array.from_buffers(field.type, rows, cells))
    batch = pa.record_batch(columns, schema=TABLE.schema)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, TABLE.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        for _ in range(batches):
            writer.write_batch(batch)
    return sink.getvalue()


@pytest.mark.parametrize("stated", [2, 8_000_000])
def test_a_bomb_stays_small(tmp_path: Path, stated: int) -> None:
    """A part of less than 200 KB that would unpack to 700 MB takes less than 50 MiB, whatever its manifest states."""
    path = tmp_path / "bomb.smp"
    write_dataset(EncodedDataset(manifest=MANIFEST, table=TABLE), path)
    counts = {"read": stated, "encoded": stated, "quarantined": 0}
    path.write_bytes(rebuilt(path, manifest={"counts": counts}, rows=bomb(2_000_000, 4)))
    assert path.stat().st_size < 200_000
    run = subprocess.run(
        [sys.executable, "-c", READ_AND_MEASURE, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    code, grown = run.stdout.split()
    assert code == "PACKAGE_CONTENT"
    assert int(grown) < 50


def test_the_reason_stands_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "tiny.smp"
    write_dataset(EncodedDataset(manifest=MANIFEST, table=TABLE), path)
    path.write_bytes(rebuilt(path, rows=arrow_bytes(TABLE, compression="zstd")))
    with pytest.raises(PackageError, match="compressed") as caught:
        read_dataset(path)
    assert (caught.value.code, caught.value.place.file) == ("PACKAGE_CONTENT", path)
