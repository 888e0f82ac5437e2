"""RAW: a child process of its own that opens one workbook and writes its cells as JSON lines; see ``_child.py``.

The library that reads workbooks keeps a whole sheet in memory, as a rectangle; a small file can ask for any size, and a
failed allocation ends the process. This file is started by its path and imports nothing of this package but its part
``_workbook_header.py``, by path too: beside it stand modules named like those of the standard library.

Input: one JSON object on standard input. Output: JSON lines; the last is ``{"end": rows}`` or ``{"error": code, ...}``.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import math
import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

_CHUNK_ROWS = 4096
_CHUNK_CHARACTERS = 1 << 22
_CHUNK_CELLS = 1 << 18
_SPREADSHEET_DIGITS = 10**15
"""Spreadsheets keep fifteen digits of a number; a longer one has lost its last."""
_MIDNIGHT = dt.time(0)

Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


def _part(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


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


def choose_sheet(book: CalamineWorkbook, wanted: str | None) -> tuple[str, CalamineSheet]:
    """The named sheet, or the only one that is not empty."""
    names = list(book.sheet_names)
    if wanted is not None:
        if wanted not in names:
            raise RefusalError("SHEET_UNKNOWN", sheets=list(enumerate(names, start=1)))
        return wanted, book.get_sheet_by_name(wanted)
    filled = [(place, name) for place, name in enumerate(names, start=1) if book.get_sheet_by_name(name).height]
    if len(filled) > 1:
        raise RefusalError("SHEET_AMBIGUOUS", sheets=filled)
    if not filled:
        raise RefusalError("INPUT_EMPTY")
    return filled[0][1], book.get_sheet_by_name(filled[0][1])


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
    """Sheet, header, the share of rounded numbers in each column, and rows without a cell that has a value."""
    name, sheet = choose_sheet(book, task["sheet"])
    merges = sheet.merged_cell_ranges or []
    finder = _part("_workbook_header")
    forced: int | None = task["header_row"]
    scan = max(finder.HEADER_SCAN_ROWS, forced or 0)
    head = [[cell_text(cell) for cell in row] for row in islice(_rows(sheet), scan)]
    found = finder.find_header(head, merges, frozenset(task["known"]), forced)
    if found is None:
        raise RefusalError("INPUT_HEADER")
    first, last, header, titles = found
    if len(header) > task["max_columns"] or sum(map(len, header)) > task["max_row"]:
        raise RefusalError("INPUT_HEADER")
    filled, cut_off = [0] * len(header), [0] * len(header)
    blank_rows = width = 0
    for row in islice(_rows(sheet), last + 1, None):
        blank_rows += not any(cell != "" for cell in row)
        for place, cell in enumerate(row[: len(header)]):
            if cell != "":
                filled[place] += 1
                if isinstance(cell, int | float) and not isinstance(cell, bool):
                    cut_off[place] += abs(cell) >= _SPREADSHEET_DIGITS
        if len(row) > max(width, len(header)):
            width = max([width, *(place for place, cell in enumerate(row, start=1) if cell != "")])
    shares = [count / total if total else 0.0 for count, total in zip(cut_off, filled, strict=True)]
    # Columns with values behind the last name are columns without a name, and are told.
    unnamed = max(width - len(header), 0)
    yield {
        "sheet": name,
        "sheet_number": list(book.sheet_names).index(name) + 1,
        "header": [*header, *([""] * unnamed)],
        "first_header_row": first + 1,
        "header_row": last + 1,
        "titles": titles,
        "numeric": [*shares, *([0.0] * unnamed)],
        "cut_off": cut_off,
        "blank_rows": blank_rows,
        "merged_rows": sum(1 for start, stop in merges if start[0] > last or stop[0] > last),
    }
    yield {"end": 0}


def give_rows(book: CalamineWorkbook, task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Chunks of rows below the header: sheet row numbers, and the wanted columns."""
    sheet = book.get_sheet_by_name(task["sheet"])
    places: list[int] = task["places"]
    most_rows = max(1, min(_CHUNK_ROWS, _CHUNK_CELLS // max(len(places), 1)))
    numbers: list[int] = []
    columns: list[list[str]] = [[] for _ in places]
    characters = 0
    total = 0
    for number, row in enumerate(_rows(sheet), start=1):
        if number <= task["header_row"] or not any(cell != "" for cell in row):
            continue
        texts = [cell_text(row[place]) if place < len(row) else "" for place in places]
        long = next((place for place, text in zip(places, texts, strict=True) if len(text) > task["max_cell"]), None)
        size = sum(map(len, texts))
        if long is not None or size > task["max_row"]:
            raise RefusalError("CELL_TOO_LONG", row=number, column=long)
        # A chunk is one line of the output, which the reader takes whole.
        if numbers and (len(numbers) == most_rows or characters + size > _CHUNK_CHARACTERS):
            yield {"numbers": numbers, "columns": columns}
            numbers, columns, characters = [], [[] for _ in places], 0
        numbers.append(number)
        total += 1
        characters += size
        for column, text in zip(columns, texts, strict=True):
            column.append(text)
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
