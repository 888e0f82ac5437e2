"""ENCODED: components of pairs with positive weight, and those among them in which something speaks against.

Invariant: whatever partition is best, its clusters lie inside components; and where too little speaks against, the
component itself is best. So only the others are looked at again, and most are never sorted or copied.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from secure_match.kernels._popcount import IntArray, jit
from secure_match.kernels._signed_units import BoolArray, MaskArray, PlaceArray, Rules, WeightArray, penalty, units

_NO_LINK: Final = 1 << 62


class Components(NamedTuple):
    """Components that are to be looked at, in the order of their smallest rows.

    Attributes:
        rows: their rows, component after component, rising inside one, int32 of shape (rows of them,).
        row_starts: where each component's rows start, and the end, int64 of shape (components + 1,).
        left: one end of their pairs as place in the component, int32 of shape (pairs of them,).
        right: the other end.
        weight: in bits, float64 of shape (pairs of them,).
        pair_starts: where each component's pairs start, and the end, int64 of shape (components + 1,).
    """

    rows: PlaceArray
    row_starts: IntArray
    left: PlaceArray
    right: PlaceArray
    weight: WeightArray
    pair_starts: IntArray


@jit
def join_positive(roots: PlaceArray, left: PlaceArray, right: PlaceArray, weight: WeightArray) -> None:
    """Name each row's component by its smallest row; ``roots`` begins as the row numbers."""
    for pair in range(len(left)):
        if units(weight[pair]) <= 0:
            continue
        one, two = left[pair], right[pair]
        while roots[one] != one:
            roots[one] = roots[roots[one]]
            one = roots[one]
        while roots[two] != two:
            roots[two] = roots[roots[two]]
            two = roots[two]
        roots[max(one, two)] = min(one, two)
    for row in range(len(roots)):
        # The root is the smallest row, and the rows before this one point at their roots already.
        roots[row] = roots[roots[row]]


@jit
def contested(
    roots: PlaceArray,
    pairs: tuple[PlaceArray, PlaceArray, WeightArray],
    columns: tuple[MaskArray, PlaceArray],
    rules: Rules,
) -> BoolArray:
    """Components of which it is not plain that they are one cluster.

    It is plain where nothing is forbidden and the weakest link outweighs all that speaks against the whole: any other
    partition cuts a link, and gains less than it is worth.

    Args:
        roots: component of each row.
        pairs: two rows, and the weight in bits, of each pair.
        columns: constraint bits and numbers of rows; no numbers are of shape (0,).
        rules: for what nobody compared.

    Returns:
        bool of shape (rows,), to be read at roots.
    """
    doubted = np.zeros(len(roots), dtype=np.bool_)
    _forbid_bits(roots, columns[0], doubted)
    against = np.zeros(len(roots), dtype=np.int64)
    if rules.absent < 0 or (rules.conflict < 0 and len(columns[1]) > 0):
        _count_unlisted(roots, columns[1], rules, against)
    weakest = np.full(len(roots), _NO_LINK, dtype=np.int64)
    left, right, weight = pairs
    for pair in range(len(left)):
        at = roots[left[pair]]
        if at == roots[right[pair]] and left[pair] != right[pair]:
            evidence = units(weight[pair])
            if evidence > 0:
                weakest[at] = min(weakest[at], evidence)
            against[at] += min(evidence, 0)
            doubted[at] |= weight[pair] == -np.inf
    for row in range(len(roots)):
        doubted[row] |= weakest[row] + against[row] <= 0
    return doubted


@jit
def _forbid_bits(roots: PlaceArray, bits: MaskArray, doubted: BoolArray) -> None:
    seen = np.zeros(len(roots), dtype=np.uint64)
    for row in range(len(roots)):
        if bits[row] != 0:
            at = roots[row]
            doubted[at] |= seen[at] & bits[row] != 0
            seen[at] |= bits[row]


@jit
def _count_unlisted(roots: PlaceArray, codes: PlaceArray, rules: Rules, against: IntArray) -> None:
    """At least as much as pairs that nobody compared can say against each component."""
    sizes, coded = np.zeros(len(roots), dtype=np.int32), np.zeros(len(roots), dtype=np.int32)
    seen = np.full(len(roots) if len(codes) > 0 else 0, -1, dtype=np.int32)
    mixed = np.zeros(len(roots), dtype=np.bool_)
    for row in range(len(roots)):
        at = roots[row]
        sizes[at] += 1
        if len(codes) > 0 and codes[row] >= 0:
            mixed[at] |= seen[at] >= 0 and seen[at] != codes[row]
            seen[at] = codes[row]
            coded[at] += 1
    for row in range(len(roots)):
        size, numbers = int(sizes[row]), int(coded[row]) if mixed[row] else 0
        if size > 1:
            # A component of n rows holds together by n - 1 pairs at least, which were compared.
            pairs = (size - 1) * (size - 2) // 2
            against[row] += penalty(numbers * (numbers - 1) // 2, pairs, rules)


@jit
def gather(roots: PlaceArray, pairs: tuple[PlaceArray, PlaceArray, WeightArray], marked: BoolArray) -> Components:
    """Copy the components that are marked at their roots."""
    left, right, weight = pairs
    number = np.full(len(roots), -1, dtype=np.int32)
    count = 0
    for row in range(len(roots)):
        if roots[row] == row and marked[row]:
            number[row] = count
            count += 1
    row_starts, pair_starts = np.zeros(count + 1, dtype=np.int64), np.zeros(count + 1, dtype=np.int64)
    for row in range(len(roots)):
        number[row] = number[roots[row]]
        if number[row] >= 0:
            row_starts[number[row] + 1] += 1
    for pair in range(len(left)):
        if number[left[pair]] >= 0 and number[left[pair]] == number[right[pair]]:
            pair_starts[number[left[pair]] + 1] += 1
    row_starts, pair_starts = np.cumsum(row_starts), np.cumsum(pair_starts)
    rows, places = np.empty(row_starts[-1], dtype=np.int32), np.empty(len(roots), dtype=np.int32)
    filled = row_starts.copy()
    for row in range(len(roots)):
        at = number[row]
        if at >= 0:
            rows[filled[at]] = row
            places[row] = filled[at] - row_starts[at]
            filled[at] += 1
    ends = np.empty((2, pair_starts[-1]), dtype=np.int32)
    weights = np.empty(pair_starts[-1], dtype=np.float64)
    filled = pair_starts.copy()
    for pair in range(len(left)):
        at = number[left[pair]]
        if at >= 0 and at == number[right[pair]]:
            ends[0, filled[at]], ends[1, filled[at]] = places[left[pair]], places[right[pair]]
            weights[filled[at]] = weight[pair]
            filled[at] += 1
    return Components(rows, row_starts, ends[0], ends[1], weights, pair_starts)
