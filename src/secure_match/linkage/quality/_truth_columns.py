"""ENCODED: the columns of a truth file as arrays, and the place of what is wrong in them.

Invariants: the fast reader reads; a slow second reading finds the line of an error and nothing else; no message holds a
cell, and the reader's own messages, which quote records, are dropped.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from secure_match.errors import LinkageError, Place
from secure_match.linkage.quality._judging import MAX_KINDS, ErrorBits
from secure_match.linkage.quality._pair_quality import BoolArray
from secure_match.linkage.quality._row_numbers import RowNames

_HANDLE_DIGITS: Final = 32
_KIND: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_TRUE: Final = ("1", "true", "match")
_FALSE: Final = ("0", "false", "non_match")
_NO_DIGIT: Final = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TruthColumns:
    """Cells by column as bytes, and the stream that they came from, to tell the line of one that is refused."""

    cells: pa.Table
    stream: IO[bytes]

    @classmethod
    def read(cls, stream: IO[bytes], wanted: Sequence[str]) -> TruthColumns:
        """Read some columns; a line without any character is passed over.

        Raises:
            LinkageError: ``TRUTH_ROW``, ``TRUTH_EMPTY``.
        """
        cells: pa.Table | None = None
        try:
            cells = pv.read_csv(
                # The reader closes what it is given.
                pa.py_buffer(stream.read()),
                convert_options=pv.ConvertOptions(
                    include_columns=list(wanted),
                    column_types={name: pa.binary() for name in wanted},
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            # Its message quotes the record.
            cells = None
        if cells is not None and cells.num_rows:
            return cls(cells=cells.combine_chunks(), stream=stream)
        width, row = 0, None
        for number, (line, record) in enumerate(_records(stream)):
            width = width if number else len(record)
            if len(record) != width:
                row = line
                break
        else:
            if cells is not None or not number:
                raise LinkageError("there is a header and nothing under it", code="TRUTH_EMPTY")
        raise LinkageError(
            "the record has more or fewer cells than the header; look for a comma or a quote too many",
            code="TRUTH_ROW",
            place=Place(row=row),
        )

    def refuse(self, column: str, wrong: BoolArray, problem: str) -> None:
        """Raise for the first record that is wrong, if one is."""
        places = np.flatnonzero(wrong)
        if len(places):
            row = line_of_record(self.stream, int(places[0]))
            raise LinkageError(problem, code="TRUTH_VALUE", place=Place(row=row, column=column))

    def text(self, column: str, *, may_be_empty: bool = False) -> pa.Array:
        """A column as strings.

        Raises:
            LinkageError: ``TRUTH_VALUE``.
        """
        cells = _one_array(self.cells[column])
        texts: pa.Array | None = None
        try:
            texts = cells.cast(pa.string())
        except pa.ArrowInvalid:
            texts = None
        if texts is None:
            broken = np.array([_is_broken(cell) for cell in cells.to_pylist()], dtype=np.bool_)
            self.refuse(column, broken, "the cell is not UTF-8; save the file in UTF-8")
            raise LinkageError("the column is not UTF-8", code="TRUTH_VALUE", place=Place(column=column))
        if not may_be_empty:
            empty = pc.equal(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
            self.refuse(column, empty, "the cell is empty; every record needs one")
        return texts

    def row_names(self, dataset: str, handle: str) -> RowNames:
        """Dataset ids and handles.

        Raises:
            LinkageError: ``TRUTH_VALUE``.
        """
        cells = _one_array(self.cells[handle])
        lengths = pc.binary_length(cells).to_numpy(zero_copy_only=False)
        problem = f"a handle is {_HANDLE_DIGITS} hexadecimal digits"
        self.refuse(handle, lengths != _HANDLE_DIGITS, problem)
        begin = int(np.frombuffer(cells.buffers()[1], dtype=np.int32)[cells.offset])
        digits = np.frombuffer(cells.buffers()[2], dtype=np.uint8, count=len(cells) * _HANDLE_DIGITS, offset=begin)
        values = _DIGIT_VALUES[digits].reshape(len(cells), _HANDLE_DIGITS)
        self.refuse(handle, (values == _NO_DIGIT).any(axis=1), problem)
        handles = np.ascontiguousarray(values[:, ::2] << 4 | values[:, 1::2])
        bodies = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(cells), [None, pa.py_buffer(handles)])
        return self.text(dataset), bodies

    def flags(self, column: str) -> BoolArray:
        """Truth values, written as 1 and 0, true and false, or MATCH and NON_MATCH, in any case.

        Raises:
            LinkageError: ``TRUTH_VALUE``.
        """
        texts = pc.ascii_lower(self.text(column))
        yes, no = (
            pc.is_in(texts, value_set=pa.array(words)).to_numpy(zero_copy_only=False) for words in (_TRUE, _FALSE)
        )
        self.refuse(column, ~(yes | no), "write 1 or 0, true or false, MATCH or NON_MATCH")
        return np.asarray(yes, dtype=np.bool_)

    def kinds(self, column: str) -> tuple[ErrorBits, tuple[str, ...]]:
        """Kinds of error as bits, and their names in alphabetical order.

        Raises:
            LinkageError: ``TRUTH_VALUE``.
        """
        codes = pc.dictionary_encode(self.text(column, may_be_empty=True))
        places = codes.indices.to_numpy(zero_copy_only=False)
        lists = [[kind for kind in text.split(";") if kind] for text in codes.dictionary.to_pylist()]
        odd = np.array([not all(_KIND.fullmatch(kind) for kind in kinds) for kinds in lists], dtype=np.bool_)
        self.refuse(column, odd[places], "kinds of error are small letters, digits, _ . - with semicolons between them")
        kinds = tuple(sorted({kind for kinds in lists for kind in kinds}))
        if len(kinds) > MAX_KINDS:
            raise LinkageError(
                f"there are more than {MAX_KINDS} kinds of error", code="TRUTH_VALUE", place=Place(column=column)
            )
        bit_of = {kind: 1 << number for number, kind in enumerate(kinds)}
        bits = np.array([sum(bit_of[kind] for kind in {*kinds_here}) for kinds_here in lists], dtype=np.uint64)
        return bits[places], kinds


def line_of_record(stream: IO[bytes], record: int) -> int | None:
    """The line in which a record begins; records are counted from 0, without the header. None if there is none."""
    return next((line for number, (line, _) in enumerate(_records(stream)) if number == record + 1), None)


def _records(stream: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Records with the line in which each begins, the header too; only to find the place of an error."""
    stream.seek(0)
    # Every byte is a character of Latin-1, and what parts cells is ASCII.
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(stream.read()), "latin-1", newline=""))
    line = 1
    with contextlib.suppress(csv.Error):
        for record in reader:
            if record:
                yield line, record
            line = reader.line_num + 1


def _digit_values() -> npt.NDArray[np.uint8]:
    values = np.full(256, _NO_DIGIT, dtype=np.uint8)
    for digit in b"0123456789abcdefABCDEF":
        values[digit] = int(chr(digit), 16)
    return values


_DIGIT_VALUES: Final = _digit_values()


def _is_broken(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return True
    return False


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined
