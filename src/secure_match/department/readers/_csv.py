"""RAW: CSV exports as Arrow batches of text with row numbers, streamed in bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from secure_match.department.readers._charset import CHARSETS, Charset, detect_charset, has_utf8_mark, verify_charset
from secure_match.errors import InputError, Place, UsageError

BATCH_ROWS: Final = 65_536
MAX_CELL_CHARACTERS: Final = 1 << 20
ROW_NUMBER: Final = "\x1frow_number"
"""Name of the int64 column that every batch carries beside the export's: the line of the file where a row ends.

No cleaned header can be called so.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvExport:
    """An opened-on-demand CSV file whose charset and header were verified.

    Attributes:
        path: the file.
        charset: what it is decoded as.
        header: column headers, without blanks at their ends.
    """

    path: Path
    charset: Charset
    header: tuple[str, ...]

    @classmethod
    def open(cls, path: Path, *, charset: str | None = None) -> CsvExport:
        """Find the charset (unless given), decode the whole file once to be sure of it, and read the header.

        Raises:
            UsageError: ``CHARSET_UNKNOWN``.
            InputError: ``FILE_NOT_FOUND``, ``INPUT_EMPTY``, ``INPUT_CHARSET``, ``INPUT_HEADER``.
        """
        if charset is None:
            found = detect_charset(path)
        else:
            name = charset.lower().replace("_", "-")
            if name not in CHARSETS:
                raise UsageError(f"known charsets: {', '.join(CHARSETS)}", code="CHARSET_UNKNOWN")
            detect_empty(path)
            # The byte order mark of a file that was called plain UTF-8 is no part of its first header.
            found = "utf-8-sig" if name == "utf-8" and has_utf8_mark(path) else name
            verify_charset(path, found)
        header = _read_header(path, found)
        return cls(path=path, charset=found, header=header)

    def require(self, columns: Sequence[str]) -> None:
        """Check that the export has these columns.

        Raises:
            InputError: ``COLUMN_MISSING`` with the first that is not there.
        """
        for column in columns:
            if column not in self.header:
                raise InputError(
                    "the export has no such column; check the header row, the charset and the agreement",
                    code="COLUMN_MISSING",
                    place=Place(file=self.path, column=column),
                )

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns as strings, and ``row_number``, in batches of at most ``BATCH_ROWS`` rows.

        Rows that are empty lines are passed over.

        Raises:
            InputError: ``COLUMN_MISSING``; ``ROW_WIDTH`` or ``INPUT_CSV`` with the row; ``INPUT_NO_ROWS``.
        """
        self.require(columns)
        places = [self.header.index(column) for column in columns]
        schema = pa.schema([pa.field(ROW_NUMBER, pa.int64()), *(pa.field(name, pa.string()) for name in columns)])
        numbers: list[int] = []
        rows: list[list[str]] = []
        total = 0
        for number, row in self._rows():
            numbers.append(number)
            rows.append(row)
            total += 1
            if len(rows) == BATCH_ROWS:
                yield _batch(schema, numbers, rows, places)
                numbers, rows = [], []
        if rows:
            yield _batch(schema, numbers, rows, places)
        if not total:
            raise InputError("there is a header but no row under it", code="INPUT_NO_ROWS", place=Place(file=self.path))

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        width = len(self.header)
        for number, row in _parsed_rows(self.path, self.charset):
            if len(row) != width:
                raise InputError(
                    f"the row has {len(row)} cells where the header has {width}; look for a quote or comma too many",
                    code="ROW_WIDTH",
                    place=Place(file=self.path, row=number),
                )
            yield number, row


def detect_empty(path: Path) -> None:
    """Raise as :func:`detect_charset` does for a file that is empty or not there."""
    problem = ""
    size = 0
    try:
        size = path.stat().st_size
    except OSError as error:
        problem = error.strerror or "cannot be read"
    if problem:
        raise InputError(problem, code="FILE_NOT_FOUND", place=Place(file=path))
    if size == 0:
        raise InputError("the file is empty", code="INPUT_EMPTY", place=Place(file=path))


def _parsed_rows(path: Path, charset: Charset, *, with_header: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line they end on; the first is the header, which is passed over unless asked for."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    with path.open("r", encoding=charset, newline="") as stream:
        reader = csv.reader(stream, strict=True)
        first = True
        while True:
            problem = ""
            row: list[str] | None = None
            try:
                row = next(reader, None)
            except csv.Error as error:
                problem = str(error)
            except UnicodeDecodeError:
                problem = "the file changed while it was read"
            if problem:
                raise InputError(f"not CSV ({problem})", code="INPUT_CSV", place=Place(file=path, row=reader.line_num))
            if row is None:
                return
            if row and (with_header or not first):
                yield reader.line_num, row
            first = first and not row


def _read_header(path: Path, charset: Charset) -> tuple[str, ...]:
    row = next((row for _, row in _parsed_rows(path, charset, with_header=True)), None)
    header = tuple(cell.strip() for cell in row or ())
    if not any(header):
        raise InputError("the first row holds no column names", code="INPUT_HEADER", place=Place(file=path, row=1))
    for index, name in enumerate(header):
        if name and name in header[:index]:
            # By number: in a file without a header these cells are somebody's data.
            raise InputError(
                "the header names this column twice, or the file has no header row",
                code="INPUT_HEADER",
                place=Place(file=path, row=1, column=f"number {index + 1}"),
            )
    return header


def _batch(schema: pa.Schema, numbers: list[int], rows: list[list[str]], places: list[int]) -> pa.RecordBatch:
    arrays = [pa.array(np.array(numbers, dtype=np.int64))]
    arrays += [pa.array([row[place] for row in rows], pa.string()) for place in places]
    return pa.record_batch(arrays, schema=schema)
