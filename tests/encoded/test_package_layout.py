"""Where the columns and bitmaps of a package stand in its file."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from encoded.tiny import MANIFEST, TABLE
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import ROWS_PART, write_dataset
from secure_match.encoded.layout import DIGEST, binary_column_ranges


def test_binary_columns_and_bitmaps(tmp_path: Path) -> None:
    path = tmp_path / "tiny.smp"
    write_dataset(EncodedDataset(manifest=MANIFEST, table=TABLE), path)
    data, ranges = binary_column_ranges(path, ROWS_PART)
    assert data == path.read_bytes()
    columns = [item for item in ranges if item.first_row is not None]
    shown = {item.column: data[item.start : item.start + item.width * item.rows] for item in columns}
    assert shown["handle"] == b"h" * 16 + b"i" * 16
    assert shown["pass.all.encoding"] == b"yyzz"
    assert [item.column for item in columns] == [name for name in TABLE.column_names if name in shown]
    digest = next(item for item in ranges if item.column == DIGEST)
    assert (digest.start + digest.width, digest.first_row, digest.rows) == (len(data), None, 1)
    assert bytes.fromhex(data[digest.start :].decode())
    bitmaps = {item.column: item for item in ranges if item.first_row is None and item != digest}
    assert set(bitmaps) == {name for name in TABLE.column_names if TABLE[name].null_count}
    assert data[bitmaps["id_token"].start] == 0b10
    assert data[bitmaps["code.first"].start] == 0b01
    ends = [(item.start, item.start + item.width * item.rows) for item in ranges]
    assert all(one[1] <= two[0] for one, two in pairwise(ends))
