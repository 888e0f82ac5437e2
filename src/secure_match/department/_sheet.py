"""RAW: a worklist as the bytes of an Excel workbook in which every cell is exactly the text that it was."""

from __future__ import annotations

import re
from typing import IO, Final

import pyarrow as pa
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

MAX_ROWS: Final = 1_048_576
"""Rows of a sheet, the header's included (ECMA-376; Microsoft, "Excel specifications and limits")."""
_MAX_CELL_UNITS: Final = 32_767
"""UTF-16 units that a cell holds (the same source)."""
_CUT: Final = "…"
_TEXT: Final = 49
"""The built-in number format ``@``, text: without it, editing a cell would turn an ID number into a rounded number."""
_MIN_WIDTH: Final = 8
_MAX_WIDTH: Final = 32
_MAX_FROZEN_WIDTH: Final = 120
"""Width in characters that may stand still at the left; more would leave a small screen no room to scroll in."""
_SAMPLE_ROWS: Final = 1000
_NAME_HEADER: Final = re.compile(r"姓名|name$|^AAC003$", re.IGNORECASE)
"""Headers of a person's name: in words, and AAC003 of the social insurance data standard (LB/T)."""


def write_sheet(stream: IO[bytes], table: pa.Table, *, title: str) -> None:
    """Write a table as a workbook of one sheet: a frozen header, a filter, columns as wide as what they hold.

    The columns up to the first that is headed like a person's name stand still when they are narrow enough; otherwise
    the first column does. A cell that is longer than Excel can hold is cut and ends in ``…``.

    Args:
        table: string columns; null cells stay empty. Fewer than ``MAX_ROWS`` rows.
        title: the sheet's name.
    """
    # In memory: the library's temporary files would hold raw values in a shared directory.
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_numbers": False})
    sheet = book.add_worksheet(title)
    text = book.add_format({"num_format": _TEXT})
    bold = book.add_format({"num_format": _TEXT, "bold": True})
    widths = []
    for place, name in enumerate(table.column_names):
        values = table.column(place).to_pylist()
        widths.append(_column_width(name, values[:_SAMPLE_ROWS]))
        sheet.set_column(place, place, widths[-1], text)
        _write_cell(sheet, 0, place, name, bold)
        for row, value in enumerate(values, start=1):
            if value is not None:
                _write_cell(sheet, row, place, str(value), text)
    last_column = max(0, table.num_columns - 1)
    sheet.freeze_panes(1, _frozen_columns(table.column_names, widths))
    sheet.autofilter(0, 0, table.num_rows, last_column)
    sheet.ignore_errors({"number_stored_as_text": f"A1:{xlsxwriter.utility.xl_col_to_name(last_column)}{MAX_ROWS}"})
    book.close()


def _write_cell(sheet: Worksheet, row: int, column: int, value: str, form: Format) -> None:
    text = _cut(value)
    if text.startswith("<r>") and text.endswith("</r>"):
        # The library takes such a string for markup of its own and copies it unescaped into the file, where it can add
        # strings and so move every later cell's text to another row. In two runs it is escaped like any other text.
        sheet.write_rich_string(row, column, text[:1], form, text[1:], form)
    else:
        sheet.write_string(row, column, text, form)


def _cut(text: str) -> str:
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 <= _MAX_CELL_UNITS:
        return text
    units = text.encode("utf-16-le", "surrogatepass")[: 2 * (_MAX_CELL_UNITS - len(_CUT))]
    return units.decode("utf-16-le", "ignore") + _CUT


def _column_width(name: str, values: list[object]) -> int:
    longest = max((_width(str(value)) for value in [name, *values] if value is not None), default=0)
    return min(max(longest + 2, _MIN_WIDTH), _MAX_WIDTH)


def _width(text: str) -> int:
    """Columns of a fixed-width font: Chinese characters take two. What is past the greatest width is not counted."""
    return sum(2 if character >= "\u2e80" else 1 for character in text[:_MAX_WIDTH])


def _frozen_columns(names: list[str], widths: list[int]) -> int:
    place = next((place for place, name in enumerate(names) if _NAME_HEADER.search(name)), 0)
    return place + 1 if sum(widths[: place + 1]) <= _MAX_FROZEN_WIDTH else min(1, len(names))
