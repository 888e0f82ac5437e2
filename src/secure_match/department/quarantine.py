"""RAW: rows that cannot be used, by row number and reason code. Values never stand here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.department.readers import RefusedRows

REASONS: Final = {
    "ROW_KEY_MISSING": "the row has no row key",
    "ROW_KEY_DUPLICATE": "an earlier row has the same row key",
    "CODE_UNKNOWN": "the value is not in the agreed code list, or is required and empty",
    "MONTH_INVALID": "the value is not a month (YYYYMM), or is required and empty",
    "VALUE_RANGE": "the value is not a number in the agreed range, or is required and empty",
    "ROW_WIDTH": "the row has more or fewer cells than the header; look for a quote or delimiter too many",
    "NO_IDENTITY": "the row has neither a usable ID number nor enough other fields to be compared",
    "CELL_SMALL": "too few rows share the row's coded values, and a column that is required cannot be given up",
}
"""Every reason code and what it means."""

REMEDIES: Final = {
    "ROW_KEY_MISSING": "give the row its own number in your system",
    "ROW_KEY_DUPLICATE": "delete the row if it stands there twice, or give it its own number in your system",
    "CODE_UNKNOWN": "write one of the agreed codes in this column, or have the agreement amended",
    "MONTH_INVALID": "write the month as YYYYMM, for example 202601",
    "VALUE_RANGE": "write a whole number in the agreed range, or have the agreement amended",
    "ROW_WIDTH": "put cells that hold the delimiter or a line break into quotes, and export again",
    "NO_IDENTITY": "fill in the ID number, or all fields that one of the agreement's passes needs",
    "CELL_SMALL": "have the agreement amended: fewer columns in cells, a code for rare values, or a smaller cell",
}
"""Every reason code and what would make the row usable."""

SCHEMA: Final = pa.schema(
    [pa.field("row_number", pa.int64()), pa.field("column", pa.string()), pa.field("code", pa.string())]
)


@dataclass(slots=True)
class Quarantine:
    """Collects refused rows; a row is refused once, for the first reason found."""

    _batches: list[pa.Table] = field(default_factory=list)

    def refuse(
        self,
        numbers: npt.NDArray[np.int64],
        usable: npt.NDArray[np.bool_],
        refused: npt.NDArray[np.bool_],
        *,
        column: str,
        code: str,
    ) -> npt.NDArray[np.bool_]:
        """Record the rows of ``refused`` that were still usable; return what is usable after that.

        Args:
            numbers: row numbers, int64 of shape (rows,).
            usable: bool of shape (rows,).
            refused: bool of shape (rows,).
            column: export header that is at fault, or empty.
            code: a key of ``REASONS``.
        """
        hit = usable & refused
        if hit.any():
            rows = numbers[hit]
            columns = [pa.array(rows), pa.array([column] * len(rows)), pa.array([code] * len(rows))]
            self._batches.append(pa.table(columns, schema=SCHEMA))
        return usable & ~refused

    def take(self, refused: RefusedRows) -> int:
        """Record the rows that a reader refused; return how many there are."""
        for code, numbers in refused.by_code.items():
            columns = [pa.array(numbers, pa.int64()), pa.array([""] * len(numbers)), pa.array([code] * len(numbers))]
            self._batches.append(pa.table(columns, schema=SCHEMA))
        return len(refused)

    def table(self) -> pa.Table:
        """All refused rows, by row number: columns ``row_number``, ``column``, ``code``."""
        if not self._batches:
            return SCHEMA.empty_table()
        return pa.concat_tables(self._batches).sort_by("row_number")


def count_reasons(table: pa.Table) -> dict[str, dict[str, int]]:
    """Numbers of refused rows by reason code and column, both in order; the column is empty where none is at fault."""
    rows = table.group_by(["code", "column"]).aggregate([("code", "count")])
    result: dict[str, dict[str, int]] = {}
    for row in rows.sort_by([("code", "ascending"), ("column", "ascending")]).to_pylist():
        result.setdefault(row["code"], {})[row["column"]] = row["code_count"]
    return result


def describe_reasons(reasons: dict[str, dict[str, int]]) -> str:
    """The counts in words: ``MONTH_INVALID 18 (AAE041 12, AAE042 6), NO_IDENTITY 2``."""
    parts = []
    for code, columns in reasons.items():
        named = {column: count for column, count in columns.items() if column}
        where = ", ".join(f"{column} {count:,}" if len(columns) > 1 else column for column, count in named.items())
        parts.append(f"{code} {sum(columns.values()):,}{f' ({where})' if where else ''}")
    return ", ".join(parts)
