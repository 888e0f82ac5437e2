"""RAW: a child process of its own that opens one workbook and writes its cells as JSON lines; see ``_child.py``.

The library that reads workbooks keeps a whole sheet in memory, as a rectangle; a small file can ask for any size, and a
failed allocation ends the process. This file is started by its path and imports nothing of this package.

Input: one JSON object on standard input. Output: JSON lines; the last is ``{"end": rows}`` or ``{"error": code, ...}``.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

_CHUNK_ROWS = 4096
_CHUNK_CHARACTERS = 1 << 22
_HEADER_SCAN_ROWS = 50
_MAX_HEADER_ROWS = 5
_SPREADSHEET_DIGITS = 10**15
"""Spreadsheets keep fifteen digits of a number; a longer one has lost its last."""
_MIDNIGHT = dt.time(0)

Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta
Merge = tuple[tuple[int, int], tuple[int, int]]


class RefusalError(Exception):
    """What is wrong, as a code and where; never a value."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.facts = {"error": code} | facts


def cell_text(cell: Cell) -> str:  # noqa: PLR0911  # One line per kind of cell.
    """A cell as exact text: what the program showed, never through a float's own text."""
    match cell:
        case str():
            return cell
        case bool():
            return "TRUE" if cell else "FALSE"
        case int():
            return str(cell)
        case float():
            return _number_text(cell)
        case dt.datetime():
            if cell.time() == _MIDNIGHT:
                return cell.date().isoformat()
            return cell.replace(microsecond=0).isoformat(sep=" ")
        case dt.timedelta():
            seconds = int(cell.total_seconds())
            return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        case _:
            return cell.isoformat()


def _number_text(cell: float) -> str:
    """Above 2**53 a float stands for many integers; its shortest decimal is the one that the program wrote."""
    if not math.isfinite(cell):
        return ""
    exact = Decimal(repr(cell))
    return str(int(exact)) if cell.is_integer() else f"{exact:f}"


def find_header(rows: list[list[str]], merges: list[Merge], forced: int | None) -> tuple[int, list[str], int]:
    """Row of the header (its last, from 0), the column names, and how many title rows stand above.

    Above the header stand blank rows and titles: rows with one filled cell. Merged cells make a header of several
    rows: a cell merged downwards names its column; under a cell merged to the right stand the names.
    """
    width = max((len(row) for row in rows), default=0)
    used = {place for row in rows for place, text in enumerate(row) if text.strip()}
    titles = 0
    first = forced - 1 if forced is not None else -1
    if forced is None:
        for number, row in enumerate(rows):
            filled = sum(1 for text in row if text.strip())
            if filled > 1 or (filled == 1 and len(used) == 1):
                first = number
                break
            titles += filled
    if not 0 <= first < len(rows):
        raise RefusalError("INPUT_HEADER")
    last = first
    if forced is None:
        for (top, left), (bottom, right) in merges:
            if top == first:
                last = max(last, bottom, first + 1 if right > left else first)
        last = min(last, first + _MAX_HEADER_ROWS - 1, len(rows) - 1)
    top_left = {place: start for start, stop in merges for place in _column_below(start, stop) if place[0] <= last}
    names = []
    for column in range(width):
        name = ""
        for number in range(last, first - 1, -1):
            source, place = top_left.get((number, column), (number, column))
            text = rows[source][place] if place < len(rows[source]) else ""
            name = name or text.strip()
        names.append(name)
    while names and not names[-1]:
        names.pop()
    return last, names, titles


def _column_below(start: tuple[int, int], stop: tuple[int, int]) -> Iterator[tuple[int, int]]:
    for row in range(start[0], min(stop[0], start[0] + _HEADER_SCAN_ROWS) + 1):
        yield row, start[1]


def choose_sheet(book: CalamineWorkbook, wanted: str | None) -> tuple[str, CalamineSheet]:
    """The named sheet, or the only one that is not empty."""
    names = list(book.sheet_names)
    if wanted is not None:
        if wanted not in names:
            raise RefusalError("SHEET_UNKNOWN", sheets=names)
        return wanted, book.get_sheet_by_name(wanted)
    filled = [name for name in names if book.get_sheet_by_name(name).height]
    if len(filled) > 1:
        raise RefusalError("SHEET_AMBIGUOUS", sheets=filled)
    if not filled:
        raise RefusalError("INPUT_EMPTY")
    return filled[0], book.get_sheet_by_name(filled[0])


def _rows(sheet: CalamineSheet) -> Iterator[list[Cell]]:
    """Rows from the sheet's first on, each from its first column on."""
    if sheet.start is None:
        return
    left = sheet.start[1]
    rows = iter(sheet.iter_rows())
    for row in rows:
        # Where the library leaves out the empty columns at the left, they are put back.
        yield row if len(row) >= left + sheet.width else [""] * left + row


def describe(book: CalamineWorkbook, task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Sheet, header and the share of numbers in each column."""
    name, sheet = choose_sheet(book, task["sheet"])
    merges: list[Merge] = sheet.merged_cell_ranges or []
    forced: int | None = task["header_row"]
    head: list[list[str]] = []
    scan = max(_HEADER_SCAN_ROWS, forced or 0)
    for row in _rows(sheet):
        if len(head) >= scan:
            break
        head.append([cell_text(cell) for cell in row])
    last, header, titles = find_header(head, merges, forced)
    if len(header) > task["max_columns"]:
        raise RefusalError("INPUT_HEADER")
    filled = [0] * len(header)
    numbers = [0] * len(header)
    cut_off = [0] * len(header)
    for number, row in enumerate(_rows(sheet)):
        if number <= last:
            continue
        for place, cell in enumerate(row[: len(header)]):
            if cell != "":
                filled[place] += 1
                if isinstance(cell, int | float) and not isinstance(cell, bool):
                    numbers[place] += 1
                    cut_off[place] += abs(cell) >= _SPREADSHEET_DIGITS
    yield {
        "sheet": name,
        "header": header,
        "header_row": last + 1,
        "titles": titles,
        "numeric": [count / total if total else 0.0 for count, total in zip(numbers, filled, strict=True)],
        "cut_off": cut_off,
        "merged_rows": sum(1 for start, stop in merges if start[0] > last or stop[0] > last),
    }
    yield {"end": 0}


def give_rows(book: CalamineWorkbook, task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Chunks of rows below the header: sheet row numbers, and the wanted columns."""
    sheet = book.get_sheet_by_name(task["sheet"])
    places: list[int] = task["places"]
    numbers: list[int] = []
    columns: list[list[str]] = [[] for _ in places]
    characters = 0
    total = 0
    for number, row in enumerate(_rows(sheet), start=1):
        if number <= task["header_row"] or not any(cell != "" for cell in row):
            continue
        numbers.append(number)
        total += 1
        for column, place in zip(columns, places, strict=True):
            text = cell_text(row[place]) if place < len(row) else ""
            if len(text) > task["max_cell"]:
                raise RefusalError("CELL_TOO_LONG", row=number, column=place)
            characters += len(text)
            column.append(text)
        if len(numbers) >= _CHUNK_ROWS or characters > _CHUNK_CHARACTERS:
            yield {"numbers": numbers, "columns": columns}
            numbers, columns, characters = [], [[] for _ in places], 0
    if numbers:
        yield {"numbers": numbers, "columns": columns}
    yield {"end": total}


def _open(task: dict[str, Any]) -> CalamineWorkbook:
    # By path the library believes the ending of the name; by stream it tries every kind and tells less.
    if task["path"].lower().endswith(task["ending"]):
        return CalamineWorkbook.from_path(task["path"])
    with Path(task["path"]).open("rb") as stream:
        return CalamineWorkbook.from_filelike(stream)


def answers(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All lines of the output; whatever goes wrong is the last of them."""
    try:
        with _open(task) as book:
            yield from give_rows(book, task) if task["rows"] else describe(book, task)
    except RefusalError as refusal:
        yield refusal.facts
    except PasswordError:
        yield {"error": "FILE_ENCRYPTED"}
    except MemoryError:
        yield {"error": "WORKBOOK_TOO_LARGE"}
    except CalamineError as error:
        # Of the message only whether it speaks of a password: the rest may quote the file.
        yield {"error": "FILE_ENCRYPTED" if "password" in str(error).lower() else "WORKBOOK_DAMAGED"}
    except BaseException:  # A panic of the library is not an ``Exception``.
        yield {"error": "WORKBOOK_DAMAGED"}


def main() -> None:
    """Do the one task that stands on standard input."""
    task = json.loads(sys.stdin.buffer.readline())
    for answer in answers(task):
        line = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(line.encode("utf-8") + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
