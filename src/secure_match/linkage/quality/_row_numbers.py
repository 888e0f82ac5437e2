"""ENCODED: one number for each row that some tables name by dataset and handle.

Invariant: rows are joined by the whole dataset id and the whole handle; no digest stands in for them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.linkage.quality._pair_quality import BoolArray, IntArray

RowNames = tuple[pa.Array, pa.Array]
"""Dataset ids (strings) and handles (fixed_size_binary(16)) of some rows, without nulls, of one length."""


def number_rows(sides: Sequence[RowNames]) -> tuple[list[IntArray], int]:
    """Number the rows of several columns together.

    Args:
        sides: the first one's rows come first in the numbering, in the order in which they first appear; the order
            of the others says nothing.

    Returns:
        Row numbers of each side, int64 of its length, equal where dataset and handle are; and how many rows there are.
    """
    datasets = [pc.dictionary_encode(dataset) for dataset, _ in sides]
    numbers = [np.zeros(len(handle), dtype=np.int64) for _, handle in sides]
    total = 0
    for name in sorted({name for codes in datasets for name in codes.dictionary.to_pylist()}):
        masks = [_is_of(codes, name) for codes in datasets]
        parts = [handle.filter(pa.array(mask)) for (_, handle), mask in zip(sides, masks, strict=True)]
        known = pc.unique(pa.concat_arrays(parts))
        for places, part, mask in zip(numbers, parts, masks, strict=True):
            places[mask] = pc.index_in(part, value_set=known).to_numpy(zero_copy_only=False) + total
        total += len(known)
    if sides:
        seen, first = np.unique(numbers[0], return_index=True)
        place = np.full(total, -1, dtype=np.int64)
        place[seen[np.argsort(first)]] = np.arange(len(seen))
        place[place < 0] = np.arange(len(seen), total)
        numbers = [place[item] for item in numbers]
    return numbers, total


def _is_of(codes: pa.DictionaryArray, name: str) -> BoolArray:
    code = pc.index(codes.dictionary, name).as_py()
    return np.asarray(codes.indices.to_numpy(zero_copy_only=False) == code, dtype=np.bool_)
