"""ENCODED: where bytes that chance decides stand in a package's file, for those who search it.

They are the fixed-width binary columns, which are pseudo-random, and the bitmaps that say which cells are filled.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

_LOCAL_HEADER_BYTES: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRange:
    """A fixed-width binary column of one record batch inside a file, or the bitmap of any column's filled cells.

    Attributes:
        column: its name.
        start: offset in the file of its first byte.
        width: bytes per row.
        first_row: number of its first row in the table, from 0; None for a bitmap, whose bytes belong to no row.
        rows: number of rows; 1 for a bitmap.
    """

    column: str
    start: int
    width: int
    first_row: int | None
    rows: int


def binary_column_ranges(path: Path, part: str) -> tuple[bytes, list[ColumnRange]]:
    """The bytes of a package and the places of its fixed-width binary columns and bitmaps; none overlap.

    Args:
        path: a package that was read without an error before.
        part: its table part, a stored Arrow IPC stream.
    """
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(part)
        head = data[entry.header_offset : entry.header_offset + _LOCAL_HEADER_BYTES]
    # The lengths of name and extra field close the 30 bytes of a local header (APPNOTE 4.3.7).
    begin = entry.header_offset + _LOCAL_HEADER_BYTES
    begin += int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    whole = pa.py_buffer(data)
    base = whole.address
    ranges: list[ColumnRange] = []
    row = 0
    with pa.ipc.open_stream(pa.BufferReader(whole.slice(begin, entry.file_size))) as reader:
        for batch in reader:
            for field, column in zip(batch.schema, batch.columns, strict=True):
                filled = column.buffers()[0]
                if filled is not None and filled.size:
                    ranges.append(
                        ColumnRange(
                            column=field.name, start=filled.address - base, width=filled.size, first_row=None, rows=1
                        )
                    )
                cells = column.buffers()[-1] if pa.types.is_fixed_size_binary(field.type) else None
                if cells is not None and batch.num_rows:
                    ranges.append(
                        ColumnRange(
                            column=field.name,
                            start=cells.address - base + column.offset * field.type.byte_width,
                            width=field.type.byte_width,
                            first_row=row,
                            rows=batch.num_rows,
                        )
                    )
            row += batch.num_rows
    return data, ranges
