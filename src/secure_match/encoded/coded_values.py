"""ENCODED: whether coded columns hold only what the agreement lets them hold; asked on release and on intake."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import CodedColumn, ValidMonths


def leaving_months(months: ValidMonths) -> tuple[int, int]:
    """First and last month (YYYYMM) that can stand in a package: one beyond each end of the valid months."""
    return month_before(months.first), month_after(months.last)


def month_before(month: int) -> int:
    """The month (YYYYMM) before another."""
    return month - 1 if month % 100 > 1 else month - 89


def month_after(month: int) -> int:
    """The month (YYYYMM) after another."""
    return month + 1 if month % 100 < 12 else month + 89


def cells_outside(column: CodedColumn, months: ValidMonths, cells: pa.ChunkedArray) -> int:
    """How many cells are outside the column's list, bands, range or months, or empty though one is required.

    Args:
        cells: string for ``code``, int32 for ``month`` and ``integer``; shape (rows,).
    """
    # The sum over no cells, or over empty cells only, is null.
    allowed = pc.sum(_allowed(column, months, cells)).as_py() or 0
    return int(len(cells) - (0 if column.required else cells.null_count) - allowed)


def _allowed(column: CodedColumn, months: ValidMonths, cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type == "code":
        return pc.and_kleene(pc.is_valid(cells), pc.is_in(cells, value_set=pa.array(column.codes or (), pa.string())))
    if column.bands is not None:
        return pc.and_kleene(pc.is_valid(cells), pc.is_in(cells, value_set=pa.array(column.bands, pa.int32())))
    if column.type == "integer":
        return _between(cells, *(column.range or (0, 0)))
    of_year = pc.subtract(cells, pc.multiply(pc.divide(cells, 100), 100))
    return pc.and_kleene(_between(cells, *leaving_months(months)), _between(of_year, 1, 12))


def _between(cells: pa.ChunkedArray, low: int, high: int) -> pa.ChunkedArray:
    return pc.and_kleene(pc.greater_equal(cells, low), pc.less_equal(cells, high))
