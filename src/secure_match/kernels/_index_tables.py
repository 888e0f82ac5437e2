"""ENCODED: the compiled steps of the index: bits to columns, keys, buckets, probing, judging candidates.

Every function has a NumPy counterpart of the same meaning and order in ``_index_reference``; tests compare
them. Row numbers of both sides are positions in the order of popcount, as the driver ``_index`` lays them out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels._index_lanes import STRIDE, WORD_BITS, WordArray, fetch_row, near_lanes
from secure_match.kernels._pair_arrays import PairArrays
from secure_match.kernels._popcount import IntArray, WordMatrix, jit, popcount

RowArray = npt.NDArray[np.int32]
KeyArray = npt.NDArray[np.uint32]
Buckets = tuple[RowArray, RowArray, WordArray]
Rows = tuple[WordMatrix, IntArray]

FETCH_AHEAD: Final = 12
"""Candidates whose encodings are on their way from memory while one is judged."""

KEY_BLOCK: Final = 1024
"""Rows whose keys are built together, so that they stay in the first-level cache."""


@jit
def bit_columns(words: WordMatrix, order: IntArray, bits: IntArray, out: WordMatrix) -> None:
    """Column ``c`` of row ``r`` holds bits ``bits[64 c : 64 c + 64]`` of ``words[order[r]]``, lowest first.

    ``out`` is uint64 of shape (columns, rows): one column of all rows lies side by side.
    """
    for row in range(order.shape[0]):
        source = order[row]
        for column in range(out.shape[0]):
            value = np.uint64(0)
            for place in range(WORD_BITS):
                bit = bits[column * WORD_BITS + place]
                taken = (words[source, bit >> 6] >> np.uint64(bit & 63)) & np.uint64(1)
                value |= taken << np.uint64(place)
            out[column, row] = value


@jit
def row_keys(columns: WordMatrix, first: int, places: IntArray, out: KeyArray) -> None:
    """The key of every row from ``first`` on: bit ``n`` of it is bit ``places[n]`` of the row's columns."""
    for begin in range(first, out.shape[0], KEY_BLOCK):
        end = min(begin + KEY_BLOCK, out.shape[0])
        out[begin:end] = 0
        for number in range(places.shape[0]):
            column = columns[places[number] >> 6, begin:end]
            shift = np.uint64(places[number] & 63)
            target = np.uint32(number)
            block = out[begin:end]
            for row in range(block.shape[0]):
                block[row] |= np.uint32((column[row] >> shift) & np.uint64(1)) << target


@jit
def fill_buckets(keys: KeyArray, first: int, starts: RowArray, rows: RowArray) -> None:
    """Counting sort: rows from ``first`` on by key, in row order inside a bucket.

    ``starts`` (one entry more than there are keys) becomes where each bucket starts in ``rows``.
    """
    starts[:] = 0
    for row in range(first, keys.shape[0]):
        starts[keys[row] + np.uint32(1)] += 1
    for key in range(1, starts.shape[0]):
        starts[key] += starts[key - 1]
    # The starts are moved to the ends while rows are placed, and back by one bucket after it.
    for row in range(first, keys.shape[0]):
        rows[starts[keys[row]]] = row
        starts[keys[row]] += 1
    for key in range(starts.shape[0] - 1, 0, -1):
        starts[key] = starts[key - 1]
    starts[0] = 0


@jit
def take_sketches(column: WordArray, rows: RowArray, num_rows: int, out: WordArray) -> None:
    """The sketches of the rows as they stand in the buckets."""
    for place in range(num_rows):
        out[place] = column[rows[place]]


@jit
def bucket_pairs(outer_starts: RowArray, starts: RowArray, within: bool) -> int:
    """How many pairs of rows share a bucket."""
    total = 0
    for key in range(starts.shape[0] - 1):
        inner = int(starts[key + 1]) - int(starts[key])
        if within:
            total += inner * (inner - 1) // 2
        else:
            total += inner * (int(outer_starts[key + 1]) - int(outer_starts[key]))
    return total


@jit
def probe(
    outer: tuple[Buckets, RowArray],
    inner: Buckets,
    limits: tuple[int, bool],
    state: IntArray,
    out: tuple[RowArray, RowArray],
) -> int:
    """Pairs of one bucket whose sketches differ in few bits; return how many were written.

    ``outer`` and ``inner`` are bucket starts, the rows in buckets and their sketches, and with the outer ones
    the partner that each row is known to have; ``limits`` the most differing bits, and whether both sides are
    one, of which each pair is wanted once. ``state`` holds the place of the outer row, the place in its bucket
    to resume at (-1 for its start) and the key, and counts pairs that passed and the largest bucket met. It is
    moved on in place; the walk is over when it stands behind the last outer row. A pair that is already known
    passes without being written.
    """
    (outer_starts, outer_rows, outer_sketches), known = outer
    starts, rows, sketches = inner
    most, within = np.uint64(limits[0]), limits[1]
    at, resumed, key, last = state[0], state[1], state[2], outer_starts[-1]
    used, passed, room = 0, 0, out[0].shape[0] - STRIDE
    while at < last:
        while outer_starts[key + 1] <= at:
            key += 1
        begin, end = np.int64(starts[key]), np.int64(starts[key + 1])
        place = max(at + 1 if within else begin, resumed)
        resumed = -1
        state[4] = max(state[4], end - begin)
        if place >= end:
            # Nobody is met here, nor by the other rows of the bucket.
            at = max(at + 1, np.int64(outer_starts[key + 1]))
            continue
        row, sketch = outer_rows[at], outer_sketches[at]
        partner = known[row]
        while place < end:
            if used > room:
                state[0], state[1], state[2] = at, place, key
                state[3] += passed
                return used
            near = near_lanes(sketches, place, sketch, most)
            if end - place < STRIDE:
                near &= (np.uint64(1) << np.uint64(end - place)) - np.uint64(1)
            while near != 0:
                other = rows[np.uint64(place) + popcount((near & -near) - np.uint64(1))]
                near &= near - np.uint64(1)
                passed += 1
                if other != partner:
                    out[0][used] = row
                    out[1][used] = other
                    used += 1
            place += STRIDE
        at += 1
    state[0], state[1], state[2] = at, -1, key
    state[3] += passed
    return used


@jit
def _is_found(first: WordArray, second: WordArray, masks: tuple[WordMatrix, WordMatrix], most: int, end: int) -> bool:
    """True where a table before ``end`` holds the pair: equal key bits, and sketches within ``most`` bits."""
    keys, sketches = masks
    for table in range(end):
        same = True
        for word in range(first.shape[0]):
            if (first[word] ^ second[word]) & keys[table, word] != 0:
                same = False
                break
        if same:
            differing = np.uint64(0)
            for word in range(first.shape[0]):
                differing += popcount((first[word] ^ second[word]) & sketches[table % sketches.shape[0], word])
            if differing <= most:
                return True
    return False


@jit
def judge(
    candidates: tuple[RowArray, RowArray],
    sides: tuple[Rows, Rows],
    rule: tuple[IntArray, tuple[WordMatrix, WordMatrix], int],
    table: int,
    out: tuple[RowArray, PairArrays],
) -> int:
    """Candidates that are pairs and that no earlier table holds; return how many were written.

    ``sides`` are words and the order of popcount; ``rule`` the needed common bits, the
    masks of keys and sketches and the most differing bits; ``out`` the partners that rows are known to have,
    and the pairs, with row numbers as the caller counts them.
    """
    rows, others = candidates
    (words, order), (other_words, other_order) = sides
    needed, masks, most = rule
    known, (out_row, out_other, out_similarity) = out
    used, end = 0, rows.shape[0]
    for number in range(end):
        ahead = min(number + FETCH_AHEAD, end - 1)
        fetch_row(words, order[rows[ahead]])
        fetch_row(other_words, other_order[others[ahead]])
        first, second = order[rows[number]], other_order[others[number]]
        # Counting a row that is at hand is quicker than looking its popcount up in a far table.
        total, common = 0, 0
        for word in range(words.shape[1]):
            one, other = words[first, word], other_words[second, word]
            total += int(popcount(one) + popcount(other))
            common += int(popcount(one & other))
        if common < needed[total] or _is_found(words[first], other_words[second], masks, most, table):
            continue
        known[rows[number]] = others[number]
        out_row[used] = first
        out_other[used] = second
        out_similarity[used] = 2.0 * common / total
        used += 1
    return used
