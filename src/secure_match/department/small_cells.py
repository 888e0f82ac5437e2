"""RAW: small cells: combinations of coded columns that fewer rows share than the agreement asks for.

A cell is one combination of the dataset's ``cells`` columns; an empty cell of the table is a value like any other.
While there is a small cell, its rows give their columns up, from the last named to the first: a column with a ``rare``
code becomes that code; one with bands moves from the highest band downwards, one band at a time, and at last from the
lowest to the one above; any other is emptied, unless it is required. Rows that stand in a small cell after that are
refused.

Invariants: every cell of the rows that stay has at least that many rows, those that gave columns up included (with
``others``: every cell in which a row stays); no row of a cell that is large enough changes; a row that stays changes in
the columns of ``cells`` only; rows keep their order, and the outcome of a row does not depend on it; what was given
up does not stand under the empty cell either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement, CodedColumn, Dataset
from secure_match.department.normalise._field import to_bool
from secure_match.department.quarantine import Quarantine

REASON: Final = "CELL_SMALL"
_MOST_COUNTERS: Final = 1 << 22

BoolArray = npt.NDArray[np.bool_]
Int64Array = npt.NDArray[np.int64]
_Move = tuple[int | None, int]
"""A value's number, or None for any, and what it becomes. 0 is an empty cell, the others count from 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellResult:
    """What became of small cells.

    Attributes:
        table: all rows, in their order; columns of ``cells`` may have changed.
        refused: rows that stand in a small cell still, bool of shape (rows,).
        given_up: column of ``cells`` to the number of its cells that were emptied or replaced, refused rows apart.
    """

    table: pa.Table
    refused: BoolArray
    given_up: dict[str, int]


def cell_columns(agreement: Agreement, dataset: Dataset) -> tuple[CodedColumn, ...]:
    """The columns that make the cells of a dataset, in the order of ``cells``; none where the rule is off."""
    by_name = {column.name: column for column in dataset.columns}
    return tuple(by_name[name] for name in dataset.cells) if agreement.release.smallest_cell > 1 else ()


def give_up_small_cells(
    columns: tuple[CodedColumn, ...], smallest: int, table: pa.Table, others: pa.Table | None = None
) -> CellResult:
    """Give columns up until every cell has ``smallest`` rows or nothing is left to give up.

    Args:
        columns: of :func:`cell_columns`.
        smallest: rows that a cell needs.
        table: encoded rows with the columns ``code.<name>``.
        others: rows with the same columns that were sent before: they count and do not change.
    """
    own = table.num_rows
    joined = table if others is None else pa.concat_tables([part.select(_names(columns)) for part in (table, others)])
    domains = [_domain(column, joined[f"code.{column.name}"]) for column in columns]
    numbers = [_numbers(joined[f"code.{item.name}"], domain) for item, domain in zip(columns, domains, strict=True)]
    before = [item[:own].copy() for item in numbers]
    sizes = [len(domain) + 1 for domain in domains]
    small = _small(numbers, sizes, smallest, own)
    for place in reversed(range(len(columns))):
        for value, becomes in _moves(columns[place]):
            if not small.any():
                break
            rows = small if value is None else small & (numbers[place][:own] == value)
            numbers[place][:own][rows] = becomes
            small = _small(numbers, sizes, smallest, own)
    given_up: dict[str, int] = {}
    for column, domain, now, then in zip(columns, domains, numbers, before, strict=True):
        changed = (now[:own] != then) & ~small
        given_up[column.name] = int(np.count_nonzero(changed))
        if given_up[column.name]:
            table = _with_changes(table, f"code.{column.name}", domain, now[:own], changed)
    return CellResult(table=table, refused=small, given_up=given_up)


def may_have_become(column: CodedColumn, now: pa.ChunkedArray, sent: pa.ChunkedArray) -> BoolArray:
    """Which cells of a column of ``cells`` can have left as ``sent`` although they are ``now``: given up, that is."""
    if column.bands is not None and column.rare is not None:
        return to_bool(pc.is_valid(now)) & to_bool(pc.is_valid(sent))
    if column.rare is not None:
        return to_bool(pc.fill_null(pc.equal(sent, column.rare), False))
    return to_bool(pc.is_null(sent)) if not column.required else np.zeros(len(now), dtype=np.bool_)


class CellRule:
    """The rule of one export: it keeps which row of the export a handle is of, to say which rows were refused.

    Args:
        agreement: names the smallest cell.
        dataset: names the columns.
    """

    __slots__ = ("_columns", "_handles", "_numbers", "_smallest")

    def __init__(self, agreement: Agreement, dataset: Dataset) -> None:
        self._columns = cell_columns(agreement, dataset)
        self._smallest = agreement.release.smallest_cell
        self._handles: list[pa.Array] = []
        self._numbers: list[npt.NDArray[np.int64]] = []

    def add(self, numbers: npt.NDArray[np.int64], handles: pa.Array) -> None:
        """Remember rows that were encoded: their numbers, int64, and handles, both of shape (rows,)."""
        if self._columns:
            self._numbers.append(numbers)
            self._handles.append(handles)

    def apply(
        self, table: pa.Table, others: pa.Table | None, quarantine: Quarantine
    ) -> tuple[pa.Table, dict[str, int]]:
        """The rows that may leave, in their order, and how many cells of each column they gave up.

        Args:
            table: all encoded rows; its handles were added.
            others: see :func:`give_up_small_cells`.
            quarantine: where refused rows go, with the reason ``CELL_SMALL``.
        """
        if not self._columns:
            return table, {}
        result = give_up_small_cells(self._columns, self._smallest, table, others)
        if not result.refused.any():
            return result.table, result.given_up
        handles = table["handle"].filter(pa.array(result.refused))
        places = pc.index_in(handles, value_set=pa.concat_arrays(self._handles)).to_numpy()
        numbers = np.sort(np.concatenate(self._numbers)[places])
        everyone = np.ones(len(numbers), dtype=np.bool_)
        quarantine.refuse(numbers, everyone, everyone, column="", code=REASON)
        return result.table.filter(pa.array(~result.refused)).combine_chunks(), result.given_up


def _names(columns: tuple[CodedColumn, ...]) -> list[str]:
    return [f"code.{column.name}" for column in columns]


def _domain(column: CodedColumn, cells: pa.ChunkedArray) -> pa.Array:
    """All values that a column can hold, in the agreement's order; for other numbers those that it holds."""
    if column.codes is not None:
        return pa.array(dict.fromkeys(column.codes), pa.string())
    if column.bands is not None:
        return pa.array(column.bands, pa.int32())
    values = pc.unique(cells).drop_null()
    return values.take(pc.sort_indices(values))


def _numbers(cells: pa.ChunkedArray, domain: pa.Array) -> Int64Array:
    places = pc.fill_null(pc.index_in(cells, value_set=domain), -1).to_numpy()
    return np.asarray(places, dtype=np.int64) + 1


def _moves(column: CodedColumn) -> Iterator[_Move]:
    """What the rows of small cells do, one move after the other."""
    if column.rare is not None and column.bands is not None:
        yield from ((band, band - 1) for band in range(len(column.bands), 1, -1))
        yield 1, 2
    elif column.rare is not None:
        yield None, list(dict.fromkeys(column.codes or ())).index(column.rare) + 1
    elif not column.required:
        yield None, 0


def _small(numbers: list[Int64Array], sizes: list[int], smallest: int, own: int) -> BoolArray:
    """Which of the first ``own`` rows stand in a cell of fewer than ``smallest`` rows."""
    cells, room = np.zeros(len(numbers[0]), dtype=np.int64), 1
    for column, size in zip(numbers, sizes, strict=True):
        cells, room = cells * size + column, room * size
        if room > _MOST_COUNTERS:
            known, cells = np.unique(cells, return_inverse=True)
            room = len(known)
    counts = np.bincount(cells, minlength=1)
    return np.asarray(counts[cells[:own]] < smallest, dtype=np.bool_)


def _with_changes(table: pa.Table, name: str, domain: pa.Array, numbers: Int64Array, changed: BoolArray) -> pa.Table:
    place = table.schema.get_field_index(name)
    field = table.schema.field(place)
    filled = numbers > 0
    if pa.types.is_string(field.type):
        values = domain.take(pa.array(numbers - 1, mask=~filled))
    else:
        # Nothing of what was given up may stand under an empty cell.
        known = np.append(np.asarray(domain.to_numpy(zero_copy_only=False), dtype=np.int32), np.int32(0))
        values = pa.array(np.where(filled, known[numbers - 1], 0).astype(np.int32), mask=~filled)
    kept = table[name].combine_chunks()
    kept = kept.combine_chunks() if isinstance(kept, pa.ChunkedArray) else kept
    return table.set_column(place, field, pc.if_else(pa.array(changed), values, kept))
