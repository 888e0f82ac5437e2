"""ENCODED: random pairs of rows, within blocks and across all rows: they show how two different people look.

Invariants: a pair that is a candidate, and two rows of one ID token, are in no sample; every other pair of rows has the
same expected weight in all. The sample is a function of the rows alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from secure_match.linkage._asked import OpenRows
from secure_match.linkage._keys import BoolArray, IntArray, RowArray
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._rows import PairKeys, pair_keys

WITHIN_A_PASS: Final = 20_000
ACROSS: Final = 50_000
_STREAM: Final = 0x5EC0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampledPairs:
    """Random pairs that are no candidates; ``row_i < row_j``.

    Attributes:
        row_i: int32 of shape (pairs,).
        row_j: int32 of shape (pairs,).
        weight: how many pairs of rows each stands for, float64 of shape (pairs,).
    """

    row_i: RowArray
    row_j: RowArray
    weight: FloatArray


def sample_pairs(
    blocks: Sequence[RowArray], token_codes: RowArray, candidates: PairKeys, known: OpenRows | None = None
) -> SampledPairs:
    """Draw pairs within the blocks of each pass, and across all rows.

    A pair that shares blocks in several passes can be drawn in each; it then counts in the share of one (a stratified
    sample with the multiplicity estimator).

    Args:
        blocks: for each pass the block of each row, int32 of shape (rows,), -1 for none.
        token_codes: int32 of shape (rows,), -1 for none.
        candidates: keys of the candidate pairs in rising order.
        known: of two phases, the rows whose pairs are drawn; None for all pairs.
    """
    rng = np.random.Generator(np.random.PCG64(_STREAM))
    number = len(token_codes)
    parts: list[tuple[IntArray, IntArray, FloatArray]] = []
    for of_row in blocks:
        left, right, total = _within(of_row, rng)
        shared = _blocks_in_common(blocks, left, right)
        weight = np.full(len(left), total / max(len(left), 1)) / np.maximum(shared, 1)
        if known is not None:
            weight[~known.pairs(left, right)] = 0.0
        parts.append((left, right, weight))
    shown = np.arange(number) if known is None else np.flatnonzero(known.shown)
    asked = np.ones(number, dtype=np.bool_) if known is None else known.asked
    if len(shown) > 1 and asked.any():
        left, right, weight = _across(shown, asked, rng)
        alone = _blocks_in_common(blocks, left, right) == 0
        parts.append((left[alone], right[alone], weight[alone]))
    return _without(parts, token_codes, candidates)


def _across(shown: IntArray, asked: BoolArray, rng: np.random.Generator) -> tuple[IntArray, IntArray, FloatArray]:
    """Random pairs of an asked row and any shown one, and how many pairs each stands for."""
    first = np.flatnonzero(asked[shown])
    left = first[rng.integers(0, len(first), ACROSS)]
    right = rng.integers(0, len(shown) - 1, ACROSS)
    right += right >= left
    left, right = shown[left], shown[right]
    # Two asked rows are drawn either way round.
    either = 1 + asked[right]
    return left, right, len(first) * (len(shown) - 1) / ACROSS / either


def _within(of_row: RowArray, rng: np.random.Generator) -> tuple[IntArray, IntArray, float]:
    """Random pairs of rows that share a block, and how many such pairs there are."""
    rows = np.flatnonzero(of_row >= 0)
    order = rows[np.argsort(of_row[rows], kind="stable")]
    sizes = np.bincount(of_row[rows])
    sizes = sizes[sizes > 0]
    starts = np.concatenate(([0], np.cumsum(sizes)))
    ends = np.cumsum(sizes * (sizes - 1) // 2)
    total = int(ends[-1]) if len(ends) else 0
    if not total:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 0.0
    block = np.searchsorted(ends, rng.integers(0, total, WITHIN_A_PASS), side="right")
    size = sizes[block]
    one = (rng.random(WITHIN_A_PASS) * size).astype(np.int64)
    two = (rng.random(WITHIN_A_PASS) * (size - 1)).astype(np.int64)
    two += two >= one
    return order[starts[block] + one], order[starts[block] + two], float(total)


def _blocks_in_common(blocks: Sequence[RowArray], left: IntArray, right: IntArray) -> IntArray:
    shared = np.zeros(len(left), dtype=np.int64)
    for of_row in blocks:
        shared += (of_row[left] >= 0) & (of_row[left] == of_row[right])
    return shared


def _without(
    parts: list[tuple[IntArray, IntArray, FloatArray]], token_codes: RowArray, candidates: PairKeys
) -> SampledPairs:
    left, right, weight = (np.concatenate([part[side] for part in parts]) for side in range(3))
    low, high = np.minimum(left, right), np.maximum(left, right)
    keys = pair_keys(low, high)
    place = np.minimum(np.searchsorted(candidates, keys), max(len(candidates) - 1, 0))
    known = candidates[place] == keys if len(candidates) else np.zeros(len(keys), dtype=np.bool_)
    kept = ~known & (weight > 0) & ((token_codes[low] != token_codes[high]) | (token_codes[low] < 0))
    return SampledPairs(row_i=low[kept].astype(np.int32), row_j=high[kept].astype(np.int32), weight=weight[kept])
