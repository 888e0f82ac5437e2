"""RAW: rows of text exports that have several lines or none: what is counted, and which are several rows in truth."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_BREAK: Final = re.compile(r"\r\n|\r|\n")
_SHOWN: Final = 5


@dataclass(slots=True)
class LineCounts:
    """What one pass over a text export met.

    Attributes:
        rows: rows that have several lines.
        first: the numbers of the first few of them.
        blank_lines: lines without a character, that were passed over.
    """

    rows: int = 0
    first: list[int] = field(default_factory=list)
    blank_lines: int = 0

    def clear(self) -> None:
        """Begin a pass."""
        self.rows, self.first, self.blank_lines = 0, [], 0

    def add(self, number: int) -> None:
        """Count a row of several lines."""
        self.rows += 1
        if len(self.first) < _SHOWN:
            self.first.append(number)

    def notes(self, *, one_column: bool) -> tuple[str, ...]:
        """The counts in words; nothing where there is nothing to say."""
        notes = []
        if self.rows:
            more = ", ..." if self.rows > len(self.first) else ""
            shown = ", ".join(f"{number:,}" for number in self.first)
            notes.append(f"{self.rows:,} rows span several lines (rows {shown}{more})")
        if self.blank_lines:
            why = "; in a file of one column these are empty cells too" if one_column else ""
            notes.append(f"{self.blank_lines:,} empty lines are passed over{why}")
        return tuple(notes)


def swallows_rows(row: Sequence[str], delimiter: str, width: int) -> bool:
    """Whether a quoted cell holds rows of the table.

    Two stray quotes in two rows make one row of them and of all between: the cell then has, for each line break, as
    many delimiters as a row has, and each whole line in it has as many. Either is enough. A table of one column has no
    delimiter to tell this by.

    Args:
        row: cells of one row, without their quotes.
        width: columns of the table.
    """
    least = width - 1
    if not least:
        return False
    for cell in row:
        lines = _BREAK.split(cell)
        if len(lines) > 1 and (
            cell.count(delimiter) >= least * (len(lines) - 1)
            or any(line.count(delimiter) >= least for line in lines[1:-1])
        ):
            return True
    return False
