"""ENCODED: the index once more, in plain NumPy and by the definition, to test the compiled one.

No buckets: every pair is held against every table. For small sets.
"""

from __future__ import annotations

import numpy as np

from secure_match.kernels import _reference
from secure_match.kernels._index import IndexedResult
from secure_match.kernels._index_lanes import WORD_BITS
from secure_match.kernels._index_plan import IndexPlan, comparison_budget, num_possible_pairs
from secure_match.kernels._index_statistics import bit_masks
from secure_match.kernels._index_tables import KeyArray, RowArray
from secure_match.kernels._popcount import IntArray, WordMatrix, row_popcounts


def bit_columns(words: WordMatrix, order: IntArray, bits: IntArray) -> WordMatrix:
    """As the compiled ``bit_columns``; returns the columns."""
    columns = []
    for chosen in bits.reshape(-1, WORD_BITS):
        taken = (words[order][:, chosen >> 6] >> (chosen & 63).astype(np.uint64)) & np.uint64(1)
        columns.append((taken << np.arange(WORD_BITS, dtype=np.uint64)).sum(axis=1, dtype=np.uint64))
    return np.stack(columns)


def row_keys(columns: WordMatrix, places: IntArray) -> KeyArray:
    """As the compiled ``row_keys`` from the first row on; returns the keys."""
    taken = (columns[places >> 6] >> (places & 63).astype(np.uint64)[:, None]) & np.uint64(1)
    keys: KeyArray = (taken << np.arange(len(places), dtype=np.uint64)[:, None]).sum(axis=0).astype(np.uint32)
    return keys


def fill_buckets(keys: KeyArray, first: int, num_keys: int) -> tuple[RowArray, RowArray]:
    """As the compiled ``fill_buckets``; returns starts and rows."""
    rows = np.argsort(keys[first:], kind="stable") + first
    starts = np.concatenate(([0], np.cumsum(np.bincount(keys[first:], minlength=num_keys))))
    return starts.astype(np.int32), rows.astype(np.int32)


def near_lanes(sketches: WordMatrix, sketch: int, most: int) -> int:
    """As the compiled ``near_lanes`` over all of ``sketches``."""
    near = np.bitwise_count(sketches ^ np.uint64(sketch)) <= most
    return sum(1 << int(lane) for lane in np.flatnonzero(near))


def indexed_dice(
    a: WordMatrix,
    b: WordMatrix | None,
    plan: IndexPlan,
    *,
    threads: int | None = None,  # noqa: ARG001
) -> IndexedResult | None:
    """As the compiled ``indexed_dice``; ``threads`` is taken and not used."""
    other = a if b is None else b
    tables_a, tables_b = (plan.row_tables[row_popcounts(side)] for side in (a, other))
    apart = a[:, None] ^ other[None]
    sketches = bit_masks(plan.bits.reshape(-1, WORD_BITS), a.shape[1])
    held = np.zeros((len(a), len(other)), dtype=np.bool_)
    wanted = np.triu(np.ones_like(held), 1) if b is None else np.ones_like(held)
    compared = candidates = largest = 0
    for table, key in enumerate(bit_masks(plan.bits[plan.keys], a.shape[1])):
        alike = ((apart & key) == 0).all(axis=-1) & (tables_a > table)[:, None] & (tables_b > table)
        near = np.bitwise_count(apart & sketches[table % len(sketches)]).sum(axis=-1) <= plan.sketch_limit
        # A bucket is seen by the rows of the larger side.
        largest = max(largest, int(alike.sum(axis=1 if len(a) >= len(other) else 0).max(initial=0)))
        compared += int((alike & wanted).sum())
        candidates += int((alike & near & wanted).sum())
        held |= alike & near & wanted
    if compared > comparison_budget(num_possible_pairs(len(a), None if b is None else len(b))):
        return None
    counts_a, counts_b = row_popcounts(a), row_popcounts(other)
    common = np.bitwise_count(a[:, None] & other[None]).sum(axis=-1, dtype=np.int64)
    held &= common >= plan.needed[counts_a[:, None] + counts_b]
    row, column = (side.astype(np.int64) for side in np.nonzero(held))
    if b is None:
        similarity = _reference.listed_dice(a, row, column)
    else:
        similarity = _reference.listed_dice(np.concatenate([a, b]), row, column + len(a))
    return IndexedResult(
        pairs=(row, column, similarity), compared=compared, candidates=candidates, largest_bucket=largest
    )
