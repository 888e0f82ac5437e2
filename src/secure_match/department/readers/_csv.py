"""RAW: delimited text (CSV, TSV and the like) as Arrow batches with row numbers, streamed in bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa

from secure_match.department.readers._charset import (
    Charset,
    detect_charset,
    mark_bytes,
    parse_charset,
    read_head,
    verify_charset,
)
from secure_match.department.readers._csv_lines import LineCounts, swallows_rows
from secure_match.department.readers._csv_records import Records, open_text
from secure_match.department.readers._export import (
    BATCH_CELLS,
    BATCH_CHARACTERS,
    BATCH_ROWS,
    MAX_RECORD_CHARACTERS,
    ROW_WIDTH,
    Ragged,
    ReadOptions,
    RefusedRows,
    cell_too_long,
    no_rows,
    require_columns,
    require_refused,
    text_batch,
    unnamed_columns,
    verified_header,
)
from secure_match.errors import InputError, Place, UsageError

MAX_ROW_LINES: Final = 20
"""Lines of one row; an address has a few, and two stray quotes make one row of any number of people."""
DELIMITERS: Final = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}
_WORDS: Final = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvExport:
    """A delimited text file whose charset, delimiter and header were verified; an :class:`Export`.

    Row numbers are lines of the file: the one that a row ends on.
    """

    path: Path
    charset: Charset
    delimiter: str
    header: tuple[str, ...]
    header_line: int
    opening_notes: tuple[str, ...] = ()
    ragged: Ragged = "refuse"
    numeric_columns: dict[str, float] = field(default_factory=dict)
    counts: LineCounts = field(default_factory=LineCounts, repr=False, compare=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found; the counts of lines are those of the latest pass of batches."""
        return (*self.opening_notes, *self.counts.notes(one_column=len(self.header) == 1))

    @property
    def place(self) -> str:
        """The path."""
        return str(self.path)

    @classmethod
    def open(cls, path: Path, options: ReadOptions | None = None) -> CsvExport:
        """Find the charset and the delimiter (unless given), decode the whole file once, and read the header.

        Raises:
            UsageError: ``CHARSET_UNKNOWN``, ``DELIMITER_UNKNOWN``.
            InputError: ``FILE_NOT_FOUND``, ``INPUT_EMPTY``, ``INPUT_CHARSET``, ``INPUT_NUL``, ``INPUT_DELIMITER``,
                ``INPUT_HEADER``, ``INPUT_CSV``, ``CELL_TOO_LONG``.
        """
        options = options or ReadOptions()
        forced = parse_delimiter(options.delimiter) if options.delimiter is not None else None
        wanted = parse_charset(options.charset) if options.charset is not None else None
        head = read_head(path)
        if wanted is None:
            charset = detect_charset(path, head)
        else:
            # The byte order mark of a file that was called plain UTF-8 is no part of its first header.
            marked = wanted == "utf-8" and head.startswith(codecs.BOM_UTF8)
            charset = "utf-8-sig" if marked else wanted
            verify_charset(path, charset)
        first_line = _header_line(path, charset, options.header_row)
        delimiter = forced or _find_delimiter(first_line, path)
        records = Records(path, charset, delimiter, options.header_row or 1)
        number, cells = next(iter(records), (1, []))
        how = "given" if wanted else "byte order mark" if mark_bytes(charset) else "decoded strictly"
        name = DELIMITERS.get(delimiter, "as given")
        notes = [f"charset {charset.upper()} ({how})", f"delimiter {name}"]
        if options.header_row is not None:
            notes.append(f"header in line {number:,}")
        header = verified_header(cells, str(path), row=number)
        return cls(
            path=path,
            charset=charset,
            delimiter=delimiter,
            header=header,
            header_line=options.header_row or 1,
            opening_notes=(*notes, *unnamed_columns(header)),
            ragged=options.ragged,
        )

    def require(self, columns: Sequence[str]) -> None:
        """See :meth:`Export.require`."""
        require_columns(self.header, columns, self.place)

    def batches(self, columns: Sequence[str], *, refused: RefusedRows | None = None) -> Iterator[pa.RecordBatch]:
        """See :meth:`Export.batches`. Lines without a character are passed over.

        Raises:
            InputError: ``ROW_WIDTH``, ``INPUT_CSV`` or ``CELL_TOO_LONG`` with the row; ``INPUT_NO_ROWS``.
        """
        self.require(columns)
        require_refused(self.ragged, refused)
        places = [self.header.index(column) for column in columns]
        width = len(self.header)
        most_rows = max(1, min(BATCH_ROWS, BATCH_CELLS // width))
        numbers: list[int] = []
        rows: list[list[str]] = []
        characters = 0
        empty = True
        self.counts.clear()
        records = Records(self.path, self.charset, self.delimiter, self.header_line)
        content = iter(records)
        next(content, None)
        records.blank_lines = 0
        for number, row in content:
            empty = False
            if records.lines > 1:
                self._verify_lines(number, row, records.lines)
            if len(row) != width:
                self._refuse(number, len(row), refused)
                continue
            numbers.append(number)
            rows.append(row)
            characters += records.characters
            if len(rows) == most_rows or characters > BATCH_CHARACTERS:
                yield _batch(columns, numbers, rows, places)
                numbers, rows, characters = [], [], 0
        self.counts.blank_lines = records.blank_lines
        if rows:
            yield _batch(columns, numbers, rows, places)
        if empty:
            raise no_rows(self.place)

    def _verify_lines(self, number: int, row: list[str], lines: int) -> None:
        """Count a row of several lines; refuse one that two stray quotes made of several rows.

        Such a row is never quarantined: its one number would stand for all the people in it.
        """
        self.counts.add(number)
        if lines <= MAX_ROW_LINES and not swallows_rows(row, self.delimiter, len(self.header)):
            return
        first = number - lines + 1
        raise InputError(
            f"the row runs from line {first:,} to line {number:,}, and a quoted cell in it seems to hold whole rows; "
            "look for stray quotes there, or export without line breaks in cells",
            code=ROW_WIDTH,
            place=Place(file=self.path, row=number),
        )

    def _refuse(self, number: int, cells: int, refused: RefusedRows | None) -> None:
        if self.ragged == "quarantine" and refused is not None:
            refused.add(number, ROW_WIDTH)
            return
        raise InputError(
            f"the row has {cells:,} cells where the header has {len(self.header):,}; "
            "look for a quote or delimiter too many",
            code=ROW_WIDTH,
            place=Place(file=self.path, row=number),
        )


def parse_delimiter(text: str) -> str:
    """One character, or the word ``tab``, ``comma``, ``semicolon`` or ``pipe``.

    Raises:
        UsageError: ``DELIMITER_UNKNOWN``.
    """
    delimiter = _WORDS.get(text.strip().lower(), text)
    if len(delimiter) != 1 or delimiter in '"\r\n\x00 ' or delimiter.isalnum():
        raise UsageError(
            "a delimiter is one character, or one of: tab, comma, semicolon, pipe", code="DELIMITER_UNKNOWN"
        )
    return delimiter


def _header_line(path: Path, charset: Charset, header_row: int | None) -> str:
    """The line that the header begins on: the given one, or the first that is not empty."""
    with open_text(path, charset) as stream:
        number = 0
        while line := stream.readline(MAX_RECORD_CHARACTERS + 1):
            number += 1
            if len(line) > MAX_RECORD_CHARACTERS:
                break
            if number >= (header_row or 1) and line.strip("\r\n"):
                return line
    if line:
        raise cell_too_long(str(path), row=number)
    raise InputError(
        "the header row holds no column names", code="INPUT_HEADER", place=Place(file=path, row=header_row or 1)
    )


def _find_delimiter(line: str, path: Path) -> str:
    """The candidate that stands outside quotes most often; a comma where there is none (one column)."""
    outside = "".join(line.split('"')[::2])
    counts = {delimiter: outside.count(delimiter) for delimiter in DELIMITERS}
    most = max(counts.values())
    best = [delimiter for delimiter, count in counts.items() if count == most]
    if most and len(best) > 1:
        names = " and ".join(DELIMITERS[delimiter] for delimiter in best)
        raise InputError(
            f"the header line holds {names} equally often; say which one with --delimiter",
            code="INPUT_DELIMITER",
            place=Place(file=path, row=1),
        )
    return best[0]


def _batch(columns: Sequence[str], numbers: list[int], rows: list[list[str]], places: list[int]) -> pa.RecordBatch:
    arrays = [pa.array([row[place] for row in rows], pa.string()) for place in places]
    return text_batch(columns, numbers, arrays)
