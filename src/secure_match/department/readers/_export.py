"""RAW: what every reader gives: a header, notes on what was found, and batches of text with row numbers.

Invariants: a missing cell is the empty string, so that one table gives the same batches from every format; row numbers
rise and are those a person counts in that source (line, sheet row, record, result row); a row that cannot be given is
an error, or is handed to :class:`RefusedRows`, never dropped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
import pyarrow as pa

from secure_match.errors import InputError, Place, UsageError

BATCH_ROWS: Final = 65_536
BATCH_CHARACTERS: Final = 1 << 25
"""A batch ends early when its rows hold this many characters, so that long cells do not add up."""
MAX_CELL_CHARACTERS: Final = 1 << 20
BATCH_CELLS: Final = 1 << 20
"""A batch of a very wide table ends after so many cells: a cell has a price even if it is empty."""
MAX_RECORD_CHARACTERS: Final = 1 << 22
"""Characters of one row, over all its cells and lines."""
MAX_NAME_CHARACTERS: Final = 200
"""Characters of a column name; a longer one is a text that stands where the header should."""
MAX_COLUMNS: Final = 16_384
"""Columns of the widest Excel sheet; a header with more is not a table of people."""
ROW_NUMBER: Final = "\x1frow_number"
"""Name of the int64 column that every batch carries beside the export's. No cleaned header can be called so."""

ROW_WIDTH: Final = "ROW_WIDTH"
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that an agreement refuses (``errors.visible``)."""
_SHOWN: Final = 5
Ragged = Literal["refuse", "quarantine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How to read an export, where it does not say so itself. Whatever does not fit the format is refused.

    Attributes:
        charset: of a text, fixed-width or DBF file.
        delimiter: one character between the cells of a text file.
        sheet: name of the sheet of a workbook.
        header_row: line or sheet row, counted from 1, that holds the column names.
        layout: layout file (TOML) of a fixed-width export.
        connection: database URL that a ``.sql`` query file is run on.
        ragged: rows whose width is not the header's refuse the file, or are quarantined.
    """

    charset: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    layout: Path | None = None
    connection: str | None = None
    ragged: Ragged = "refuse"


@dataclass(slots=True)
class RefusedRows:
    """Rows that a reader could not give, by row number and reason code; whoever counts rows counts these too.

    Attributes:
        by_code: reason code, a key of ``quarantine.REASONS``, to row numbers in the order of reading.
    """

    by_code: dict[str, list[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(numbers) for numbers in self.by_code.values())

    def add(self, number: int, code: str) -> None:
        """Record one row."""
        self.by_code.setdefault(code, []).append(number)


class Export(Protocol):
    """An export that was looked at and can be read as often as one likes, each time from its beginning."""

    @property
    def place(self) -> str:
        """What to call it in messages: a path, or a database and table. It holds no password."""

    @property
    def header(self) -> tuple[str, ...]:
        """Column names as :func:`verified_header` gives them; an unnamed column is the empty string."""

    @property
    def charset(self) -> str | None:
        """What the bytes are decoded as; None where the format says it itself."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found and how it will be read, in English, without values; complete after a pass of batches."""

    @property
    def numeric_columns(self) -> dict[str, float]:
        """Column to the share, 0 to 1, of its filled cells that are stored as inexact numbers; only shares above 0.

        These are floats, and of a spreadsheet's numbers those of 16 and more digits, of which it keeps fifteen. Whole
        numbers and decimals of DBF, Parquet, Arrow and SQL keep every digit and do not count.
        """

    def require(self, columns: Sequence[str]) -> None:
        """Check that the export has these columns.

        Raises:
            InputError: ``COLUMN_MISSING`` with the first that is not there.
        """

    def batches(self, columns: Sequence[str], *, refused: RefusedRows | None = None) -> Iterator[pa.RecordBatch]:
        """The named columns as strings without nulls, and ``ROW_NUMBER``, at most ``BATCH_ROWS`` rows at a time.

        Args:
            columns: names from the header.
            refused: where ``ReadOptions(ragged="quarantine")`` puts rows; required with it.

        Raises:
            InputError: ``COLUMN_MISSING``, ``COLUMN_TYPE``, ``CELL_TOO_LONG``, ``INPUT_NO_ROWS``, or what is wrong
                with the format, with the row.
        """


def require_columns(header: Sequence[str], columns: Sequence[str], place: str) -> None:
    """Raise ``COLUMN_MISSING`` for the first of ``columns`` that the header lacks."""
    for column in columns:
        if not column or column not in header:
            raise InputError(
                "the export has no such column; check the header row, the charset and the agreement",
                code="COLUMN_MISSING",
                place=Place(file=place, column=column),
            )


def verified_header(cells: Sequence[str], place: str, *, row: int | None = None) -> tuple[str, ...]:
    """Column names without blanks at their ends, line breaks, and control and invisible characters.

    What is left can be written in an agreement, where nothing invisible may stand.

    Raises:
        InputError: ``INPUT_HEADER`` where there is no name, one name twice, one longer than ``MAX_NAME_CHARACTERS``,
            or more than ``MAX_COLUMNS``. Columns are given by number: in a file without a header these cells are
            somebody's data.
    """
    if len(cells) > MAX_COLUMNS:
        raise InputError(
            f"the header has {len(cells):,} columns, more than any export", code="INPUT_HEADER", place=Place(file=place)
        )
    header = tuple(_visible_name(cell) for cell in cells)
    if not any(header):
        raise InputError("the header row holds no column names", code="INPUT_HEADER", place=Place(file=place, row=row))
    long = next((index for index, name in enumerate(header, start=1) if len(name) > MAX_NAME_CHARACTERS), None)
    if long is not None:
        raise InputError(
            f"the column name has more than {MAX_NAME_CHARACTERS} characters, or the file has no header row",
            code="INPUT_HEADER",
            place=Place(file=place, row=row, column=f"number {long}"),
        )
    seen: set[str] = set()
    for index, name in enumerate(header, start=1):
        if name and name in seen:
            raise InputError(
                "the header names this column twice, or the file has no header row",
                code="INPUT_HEADER",
                place=Place(file=place, row=row, column=f"number {index}"),
            )
        seen.add(name)
    return header


def _visible_name(cell: str) -> str:
    if cell.isascii() and cell.isprintable():
        return cell.strip()
    return "".join(mark for mark in cell if unicodedata.category(mark) not in _HIDDEN).strip()


def unnamed_columns(header: Sequence[str]) -> tuple[str, ...]:
    """A note on the columns that have no name and so are not read; empty where all have one."""
    places = [str(place) for place, name in enumerate(header, start=1) if not name]
    if not places:
        return ()
    if len(places) == 1:
        return (f"column number {places[0]} has no name and is not read",)
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return (f"columns number {', '.join(places[:_SHOWN])}{more} have no name and are not read",)


def require_refused(ragged: Ragged, refused: RefusedRows | None) -> None:
    """Raise where rows are to be quarantined and nobody takes them."""
    if ragged == "quarantine" and refused is None:
        raise UsageError("quarantined rows need a place to go: batches(..., refused=...)", code="REFUSED_ROWS_MISSING")


def no_rows(place: str) -> InputError:
    """The error of an export without a row."""
    return InputError("there is a header but no row under it", code="INPUT_NO_ROWS", place=Place(file=place))


def cell_too_long(place: str, *, row: int | None = None, column: str | None = None) -> InputError:
    """The error of a cell that no person's data fills."""
    return InputError(
        f"a cell or line is longer than any person's data (limit {MAX_CELL_CHARACTERS:,} characters); "
        "look for a quote that is not closed, or a file of another kind",
        code="CELL_TOO_LONG",
        place=Place(file=place, row=row, column=column),
    )


def text_batch(columns: Sequence[str], numbers: Sequence[int], arrays: Sequence[pa.Array]) -> pa.RecordBatch:
    """A batch of string columns behind their row numbers."""
    schema = pa.schema([pa.field(ROW_NUMBER, pa.int64()), *(pa.field(name, pa.string()) for name in columns)])
    return pa.record_batch([pa.array(np.asarray(numbers, dtype=np.int64)), *arrays], schema=schema)
