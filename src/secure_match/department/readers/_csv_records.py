"""RAW: a text file as rows of cells, one at a time; no line or row is held that is longer than the limits."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from secure_match.department.readers._charset import Charset
from secure_match.department.readers._export import MAX_CELL_CHARACTERS, MAX_RECORD_CHARACTERS, cell_too_long
from secure_match.errors import InputError, Place

MARK: Final = "\ufeff"


class Records:
    """Rows of cells with the line they end on; no line or row is held that is longer than the limits.

    Attributes:
        characters: length of the row that was given last.
        lines: lines that it has.
        blank_lines: lines without a character, that were passed over so far.
    """

    def __init__(self, path: Path, charset: Charset, delimiter: str, first_line: int) -> None:
        self.characters = 0
        self.lines = 0
        self.blank_lines = 0
        self._path = path
        self._charset = charset
        self._delimiter = delimiter
        self._first_line = first_line
        self._pending = 0
        self._pending_lines = 0
        self._line = 0

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(MAX_CELL_CHARACTERS)
        with open_text(self._path, self._charset) as stream:
            lines = self._lines(stream)
            for _ in range(self._first_line - 1):
                next(lines, None)
                self._pending = self._pending_lines = 0
            reader = csv.reader(lines, strict=True, delimiter=self._delimiter)
            while True:
                row = self._next(reader)
                if row is None:
                    return
                self.characters, self._pending = self._pending, 0
                self.lines, self._pending_lines = self._pending_lines, 0
                if row:
                    yield self._line, row
                else:
                    self.blank_lines += 1

    def _next(self, reader: Iterator[list[str]]) -> list[str] | None:
        problem = ""
        code = "INPUT_CSV"
        try:
            return next(reader, None)
        except csv.Error as error:
            problem = f"not delimited text ({error})"
            code = "CELL_TOO_LONG" if "field limit" in problem else code
        except (UnicodeDecodeError, OSError):
            problem = "the file changed while it was read"
        if code == "CELL_TOO_LONG":
            raise cell_too_long(str(self._path), row=self._line)
        raise InputError(problem, code=code, place=Place(file=self._path, row=self._line))

    def _lines(self, stream: TextIO) -> Iterator[str]:
        while line := stream.readline(MAX_RECORD_CHARACTERS + 1):
            self._line += 1
            self._pending_lines += 1
            self._pending += len(line)
            if self._pending > MAX_RECORD_CHARACTERS:
                raise cell_too_long(str(self._path), row=self._line)
            yield line


def open_text(path: Path, charset: Charset) -> TextIO:
    """The text behind its byte order mark, line ends as they are."""
    stream = path.open("r", encoding=charset, newline="")
    # The codecs with a byte order give its mark as a character.
    if charset.startswith("utf-16") and stream.read(1) != MARK:
        stream.seek(0)
    return stream
