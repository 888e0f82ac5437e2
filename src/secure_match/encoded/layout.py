"""ENCODED: where bytes that chance decides stand in a package's file, for those who search it.

They are the fixed-width binary columns, which are pseudo-random, the bitmaps that say which cells are filled, and the
package's own digest at the end of the file.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import Final

import pyarrow as pa

from secure_match.encoded.container import COMMENT_LABEL

_LOCAL_HEADER_BYTES: Final = 30
_DIGEST_BYTES: Final = 64
DIGEST: Final = "digest"
"""Name of the range of the package's digest, which is no column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRange:
    """A fixed-width binary column of one record batch inside a file, the bitmap of any column's filled cells, or the
    package's digest.

    Attributes:
        column: its name; ``DIGEST`` for the digest.
        start: offset in the file of its first byte.
        width: bytes per row.
        first_row: number of its first row in the table, from 0; None where the bytes belong to no row.
        rows: number of rows; 1 where the bytes belong to none.
    """

    column: str
    start: int
    width: int
    first_row: int | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLayout:
    """Where what stands in a package's file; nothing overlaps.

    Attributes:
        by_chance: bytes that chance decides, by their place.
        listed: offsets (start, stop) of the cells of coded columns and states, whose values a list or range allows.
    """

    by_chance: tuple[ColumnRange, ...]
    listed: tuple[tuple[int, int], ...]


def binary_column_ranges(path: Path, part: str) -> tuple[bytes, list[ColumnRange]]:
    """The bytes of a package and the places of its fixed-width binary columns and bitmaps; none overlap.

    Args:
        path: a package that was read without an error before.
        part: its table part, a stored Arrow IPC stream.
    """
    data = path.read_bytes()
    return data, list(package_layout(data, part).by_chance)


def package_layout(data: bytes | memoryview | mmap, part: str) -> PackageLayout:
    """Where what stands in a package; of a mapped file only the metadata is touched.

    Args:
        data: a package that was read without an error before, or written just now.
        part: its table part, a stored Arrow IPC stream.
    """
    whole = pa.py_buffer(data)
    with zipfile.ZipFile(pa.BufferReader(whole)) as archive:
        entry = archive.getinfo(part)
        digest_said = archive.comment.startswith(COMMENT_LABEL)
    head = whole.slice(entry.header_offset, _LOCAL_HEADER_BYTES).to_pybytes()
    # The lengths of name and extra field close the 30 bytes of a local header (APPNOTE 4.3.7).
    begin = entry.header_offset + _LOCAL_HEADER_BYTES
    begin += int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    random: list[ColumnRange] = []
    listed: list[tuple[int, int]] = []
    row = 0
    with pa.ipc.open_stream(pa.BufferReader(whole.slice(begin, entry.file_size))) as reader:
        for batch in reader:
            for field, column in zip(batch.schema, batch.columns, strict=True):
                _place_column(field, column, whole.address, row, random, listed)
            row += batch.num_rows
    if digest_said:
        start = whole.size - _DIGEST_BYTES
        random.append(ColumnRange(column=DIGEST, start=start, width=_DIGEST_BYTES, first_row=None, rows=1))
    return PackageLayout(by_chance=tuple(random), listed=tuple(listed))


def _place_column(  # noqa: PLR0917  # One step of a loop, with what it adds to.
    field: pa.Field,
    column: pa.Array,
    base: int,
    row: int,
    random: list[ColumnRange],
    listed: list[tuple[int, int]],
) -> None:
    filled, *cells = column.buffers()
    if filled is not None and filled.size:
        start = filled.address - base
        random.append(ColumnRange(column=field.name, start=start, width=filled.size, first_row=None, rows=1))
    if not pa.types.is_fixed_size_binary(field.type):
        listed += [(item.address - base, item.address - base + item.size) for item in cells if item is not None]
    elif cells[0] is not None and len(column):
        width = field.type.byte_width
        start = cells[0].address - base + column.offset * width
        random.append(ColumnRange(column=field.name, start=start, width=width, first_row=row, rows=len(column)))
