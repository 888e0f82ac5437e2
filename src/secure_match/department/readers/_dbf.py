"""RAW: DBF files (dBase III to FoxPro, without memos) as Arrow batches.

Why our own reader: docs/adr/0011-dbf-reader.md.

The layout is that of the dBase III header: 32 bytes, 32 bytes for each field, 0x0D; then records of equal length that
begin with a blank, or with an asterisk where they are deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.readers._byte_columns import ByteMatrix, decode_column
from secure_match.department.readers._charset import Charset, parse_charset, read_head
from secure_match.department.readers._export import (
    BATCH_ROWS,
    ReadOptions,
    RefusedRows,
    no_rows,
    require_columns,
    text_batch,
    unnamed_columns,
    verified_header,
)
from secure_match.errors import InputError, Place

VERSIONS: Final = frozenset({0x02, 0x03, 0x04, 0x05, 0x30, 0x31, 0x32, 0x43, 0x63, 0x83, 0x8B, 0x8E, 0xCB, 0xF5, 0xFB})
"""First bytes of DBF files from FoxBASE to Visual FoxPro."""
LANGUAGE_CHARSETS: Final[dict[int, Charset]] = {0x00: "gb18030", 0x4D: "gb18030", 0x7A: "gb18030"}
"""Language byte 29: 0x4D and 0x7A are code page 936; 0 says nothing and is what Chinese systems write."""
_HEAD_BYTES: Final = 32
_LAST_MONTH, _LAST_DAY = 12, 31
_TEXT: Final = b"C"
_READABLE: Final = b"CNFDLI"
_SYSTEM_FLAG: Final = 0x01
_LIVE: Final = 0x20
_DELETED: Final = 0x2A
_BATCH_BYTES: Final = 1 << 25
_TRUE: Final = list("TtYy")
_FALSE: Final = list("FfNn")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """A field: its type letter and its bytes ``start`` to ``stop`` of a record."""

    name: str
    type: int
    start: int
    stop: int


def looks_like_dbf(head: bytes) -> bool:
    """Whether a file begins like a DBF file: a version, a date whose month and day are no printable text, lengths.

    The versions alone are not enough: some of them are the digits that a text may begin with.
    """
    return (
        len(head) > _HEAD_BYTES
        and head[0] in VERSIONS
        and head[2] <= _LAST_MONTH
        and head[3] <= _LAST_DAY
        and int.from_bytes(head[8:10], "little") > _HEAD_BYTES
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DbfExport:
    """A DBF file whose header was verified; an :class:`Export`. Row numbers are record numbers, from 1."""

    path: Path
    charset: Charset
    header: tuple[str, ...]
    notes: tuple[str, ...]
    numeric_columns: dict[str, float]
    fields: tuple[_Field, ...]
    first_record: int
    record_bytes: int
    records: int

    @property
    def place(self) -> str:
        """The path."""
        return str(self.path)

    @classmethod
    def open(cls, path: Path, options: ReadOptions) -> DbfExport:
        """Read the header and the deletion marks.

        Raises:
            UsageError: ``CHARSET_UNKNOWN``.
            InputError: ``FILE_NOT_FOUND``, ``INPUT_EMPTY``; ``DBF_DAMAGED`` where header, records and file size
                contradict each other; ``INPUT_CHARSET`` for another code page; ``INPUT_HEADER``.
        """
        head = read_head(path, 1 << 16)
        if len(head) < _HEAD_BYTES + 1 or head[0] not in VERSIONS:
            raise _damaged(path, "this is not the header of a DBF file")
        charset, how = _charset(path, head[29], options)
        first, length = int.from_bytes(head[8:10], "little"), int.from_bytes(head[10:12], "little")
        records = int.from_bytes(head[4:8], "little")
        fields = _fields(path, head[:first], charset, length)
        _verify_size(path, first + records * length, length)
        header = verified_header([field.name for field in fields], str(path))
        notes = [f"charset {charset.upper()} ({how})", *unnamed_columns(header)]
        export = cls(
            path=path,
            charset=charset,
            header=header,
            notes=(),
            numeric_columns={},
            fields=fields,
            first_record=first,
            record_bytes=length,
            records=records,
        )
        deleted = sum(int((matrix[:, 0] == _DELETED).sum()) for _, matrix in export._blocks())
        if deleted:
            notes.append(f"{deleted:,} deleted records are passed over")
        return replace(export, notes=tuple(notes))

    def require(self, columns: Sequence[str]) -> None:
        """See :meth:`Export.require`."""
        require_columns(self.header, columns, self.place)

    def batches(self, columns: Sequence[str], *, refused: RefusedRows | None = None) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """See :meth:`Export.batches`. Deleted records are passed over; no row is refused.

        Raises:
            InputError: ``DBF_DAMAGED``, ``INPUT_CHARSET`` or ``INPUT_NUL`` with the record; ``COLUMN_TYPE``.
        """
        self.require(columns)
        fields = [self.fields[self.header.index(column)] for column in columns]
        for field in fields:
            if field.type not in _READABLE:
                raise InputError(
                    "fields of this type hold memos or binary data; export the column as text",
                    code="COLUMN_TYPE",
                    place=Place(file=self.path, column=field.name),
                )
        empty = True
        for first, matrix in self._blocks():
            live = matrix[:, 0] == _LIVE
            numbers = np.arange(first, first + len(matrix), dtype=np.int64)[live]
            if len(numbers):
                empty = False
                rows = matrix[live]
                arrays = [self._column(field, rows[:, field.start : field.stop], numbers) for field in fields]
                yield text_batch(columns, numbers.tolist(), arrays)
        if empty:
            raise no_rows(self.place)

    def _column(self, field: _Field, cells: ByteMatrix, numbers: npt.NDArray[np.int64]) -> pa.StringArray:
        if field.type == ord("I"):
            return pc.cast(pa.array(np.ascontiguousarray(cells).view("<i4").ravel()), pa.string())
        text = decode_column(cells, self.charset, place=self.place, numbers=numbers, column=field.name)
        if field.type in b"NF":
            return pc.utf8_trim(text, characters=" \x00")
        if field.type == ord("D"):
            return pc.replace_substring_regex(text, r"^([0-9]{4})([0-9]{2})([0-9]{2})$", r"\1-\2-\3")
        if field.type == ord("L"):
            yes, no = pc.is_in(text, pa.array(_TRUE)), pc.is_in(text, pa.array(_FALSE))
            return pc.if_else(yes, "TRUE", pc.if_else(no, "FALSE", ""))
        return text

    def _blocks(self) -> Iterator[tuple[int, ByteMatrix]]:
        """Number of the first record and the records as uint8 of shape (rows, record_bytes)."""
        at_once = max(1, min(BATCH_ROWS, _BATCH_BYTES // self.record_bytes))
        with self.path.open("rb") as stream:
            stream.seek(self.first_record)
            for first in range(0, self.records, at_once):
                rows = min(at_once, self.records - first)
                block = stream.read(rows * self.record_bytes)
                if len(block) != rows * self.record_bytes:
                    raise _damaged(self.path, "the file changed while it was read")
                matrix = np.frombuffer(block, dtype=np.uint8).reshape(rows, self.record_bytes)
                bad = np.flatnonzero((matrix[:, 0] != _LIVE) & (matrix[:, 0] != _DELETED))
                if len(bad):
                    raise _damaged(self.path, "a record begins with no mark", row=first + int(bad[0]) + 1)
                yield first + 1, matrix


def _verify_size(path: Path, needed: int, record_bytes: int) -> None:
    """The file must hold the records that its header counts, and no more: a lower count would lose rows unseen."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(min(size, needed))
        behind = stream.read(1 << 16)
    if size < needed:
        raise _damaged(path, "the file ends before the last record that its header counts")
    if len(behind) >= record_bytes and behind.strip(b"\x1a\x00"):
        raise _damaged(path, "the file holds more records than its header counts")


def _charset(path: Path, language: int, options: ReadOptions) -> tuple[Charset, str]:
    if options.charset is not None:
        charset = parse_charset(options.charset)
        if not charset.startswith("utf-16"):
            return charset, "given"
    elif language in LANGUAGE_CHARSETS:
        how = f"language byte 0x{language:02X}" if language else "the file does not say; decoded strictly"
        return LANGUAGE_CHARSETS[language], how
    raise InputError(
        f"the file's language byte is 0x{language:02X}; say with --charset what its text is, utf-8 or gb18030",
        code="INPUT_CHARSET",
        place=Place(file=path),
    )


def _fields(path: Path, head: bytes, charset: Charset, record_bytes: int) -> tuple[_Field, ...]:
    """Fields in order, without the hidden ones; their widths must fill the record."""
    fields: list[_Field] = []
    at = 1
    place = _HEAD_BYTES
    while place < len(head) and head[place] != 0x0D:
        entry = head[place : place + 32]
        if len(entry) < 32:
            break
        # dBase and FoxPro keep the length of text above 255 bytes in two bytes.
        width = int.from_bytes(entry[16:18], "little") if entry[11] in _TEXT else entry[16]
        if not width or (entry[11] == ord("I") and width != 4):
            raise _damaged(path, f"field number {len(fields) + 1} has no width")
        name = _field_name(path, entry[:11], charset, len(fields) + 1)
        if not entry[18] & _SYSTEM_FLAG or head[0] not in (0x30, 0x31, 0x32):
            fields.append(_Field(name=name, type=entry[11], start=at, stop=at + width))
        at += width
        place += 32
    if place >= len(head) or head[place] != 0x0D or at != record_bytes or not fields:
        raise _damaged(path, "the fields of the header do not make up its records")
    return tuple(fields)


def _field_name(path: Path, raw: bytes, charset: Charset, number: int) -> str:
    try:
        return raw.split(b"\x00")[0].decode("utf-8" if charset == "utf-8-sig" else charset).strip()
    except UnicodeDecodeError:
        pass
    raise InputError(
        f"the column name is not {charset.upper()}; give the charset with --charset",
        code="INPUT_CHARSET",
        place=Place(file=path, column=f"number {number}"),
    )


def _damaged(path: Path, what: str, *, row: int | None = None) -> InputError:
    return InputError(f"{what}; copy or export the file again", code="DBF_DAMAGED", place=Place(file=path, row=row))
