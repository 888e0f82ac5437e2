"""ENCODED: what a release in two phases lets the bureau know of a pair although few passes left.

An asked row is one of a register other than the population's without an equal ID token in it. Of two asked rows, and
of an asked one and one of the population, all is known that one phase would show: all block tags of asked rows were
asked for, so that a row of the population that lacks a pass of which it has the fields is in another block. Of all
other pairs the ID tokens alone are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement, Pass, split_view
from secure_match.encoded import FieldState
from secure_match.linkage._keys import BoolArray, IntArray, RowArray
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._rows import RowTable

IndexArray = npt.NDArray[np.integer]
JOINED_BITS: Final = 30.0
"""Weight of two rows that were not asked for and have one ID token: nothing else is known of them."""


class AskedKind(IntEnum):
    """Pairs of which the passes speak, by what ID tokens can say of them.

    An asked row's token equals none of the population. So two tokens of a true pair with the population are missing or
    different, and one that is there says that its number is not the population's; between registers they can be equal.
    """

    WITH_POPULATION = 0
    BETWEEN_REGISTERS = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenRows:
    """Rows of which more than the token is known.

    Attributes:
        asked: rows that were asked for, bool of shape (rows,).
        shown: these and the population's, bool of shape (rows,).
    """

    asked: BoolArray
    shown: BoolArray

    def pairs(self, row_i: IndexArray, row_j: IndexArray) -> BoolArray:
        """Which pairs the passes speak of: an asked row and a shown one. Bool of shape (pairs,)."""
        one, two = self.asked[row_i], self.asked[row_j]
        found: BoolArray = (one & self.shown[row_j]) | (two & self.shown[row_i])
        return found


def open_rows(agreement: Agreement, rows: RowTable) -> OpenRows | None:
    """The rows of a release in two phases; None where all passes left in one."""
    if not agreement.release.two_phase:
        return None
    kinds = {item.id: item.kind for item in agreement.datasets}
    of_population = np.array([kinds[item.manifest.dataset] == "population" for item in rows.datasets])[rows.dataset_of]
    codes = rows.token_codes
    known = np.zeros(int(codes.max(initial=-1)) + 2, dtype=np.bool_)
    known[codes[of_population]] = True
    known[-1] = False  # Where a row without a token looks, whose code is -1.
    asked: BoolArray = ~of_population & ~known[codes]
    return OpenRows(asked=asked, shown=asked | of_population)


def token_kinds(rows: RowTable, opened: OpenRows) -> IntArray:
    """``AskedKind`` of each pair of datasets, int64 of shape (datasets ** 2,)."""
    of_population = np.zeros(len(rows.datasets), dtype=np.bool_)
    of_population[rows.dataset_of[opened.shown & ~opened.asked]] = True
    either = of_population[:, None] | of_population[None, :]
    return np.where(either, AskedKind.WITH_POPULATION, AskedKind.BETWEEN_REGISTERS).astype(np.int64).ravel()


def with_other_blocks(agreement: Agreement, rows: RowTable, item: Pass, blocks: RowArray) -> RowArray:
    """Blocks of a pass, with one of its own for each row of the population that is in no block that was asked for.

    Args:
        blocks: int32 of shape (rows,), -1 for rows without an encoding.
    """
    kinds = {dataset.id: dataset.kind for dataset in agreement.datasets}
    found = blocks.copy()
    following = int(blocks.max(initial=-1)) + 1
    fields = {split_view(reference)[0] for reference in item.block_on}
    for start, dataset in rows.with_pass(item.id):
        if kinds[dataset.manifest.dataset] != "population":
            continue
        here = blocks[start : start + len(dataset)] < 0
        for name in fields & set(dataset.manifest.state_fields):
            here &= dataset.table[f"state.{name}"].to_numpy() <= FieldState.REPAIRED
        places = start + np.flatnonzero(here)
        found[places] = np.arange(following, following + len(places), dtype=np.int32)
        following += len(places)
    return found


def open_pairs(rows: RowTable, known: OpenRows) -> FloatArray:
    """Pairs that the passes speak of, by pair of datasets: float64 of shape (datasets ** 2,)."""
    count = len(rows.datasets)
    asked, sizes = (
        np.bincount(rows.dataset_of[mask], minlength=count).astype(np.float64) for mask in (known.asked, known.shown)
    )
    across = np.outer(asked, sizes) + np.outer(sizes, asked) - np.outer(asked, asked)
    inside = asked * (sizes - asked) + asked * (asked - 1) / 2
    pairs: FloatArray = (np.triu(across, 1) + np.diag(inside)).ravel()
    return pairs
