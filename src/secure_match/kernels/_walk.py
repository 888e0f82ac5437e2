"""ENCODED: walks the tiles of a slab with some rows and takes the pairs that reach the threshold, compiled.

A row meets a tile in three steps. The length bound (Swamidass and Baldi, J. Chem. Inf. Model. 47, 2007: two
encodings share at most the smaller popcount) says which of its columns can matter. The prefix bound counts
the first bytes only and adds the smaller popcount of the rest, which no count of the rest can exceed (the
idea of prefix filters in set joins: Bayardo, Ma and Srikant, WWW 2007; Xiao and others, WWW 2008); mostly no
column gets past it. Those that do are counted to the end, one by one, or all at once where they are many.

Invariant: both bounds are compared as integers with what the table of needed bits says, so no pair is lost.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import (
    WORD_BYTES,
    ByteArray,
    CountArray,
    IntArray,
    WordMatrix,
    common_bits,
    jit,
)
from secure_match.kernels._tile import TILE_ROWS, bound_tile

PositionArray = npt.NDArray[np.int32]
Place = tuple[int, int, int, int, bool, int]

MANY_COLUMNS: Final = 12
"""Columns of a tile past the prefix bound from which counting the whole tile is cheaper than one by one."""

STRIP_ROWS: Final = 32
"""Columns searched at a time for those past the bound: as many 16-bit sums as a register of 512 bits holds."""

BEGIN, END, ROW, TILE, TILE_END, WITHIN = range(6)
"""Entries of a span: first and end position of the rows, row to resume at, first and end position of the
partners (the first on a tile's edge), and 1 if a row's partners stand behind it."""


class Rows(NamedTuple):
    """The rows that walk: words, their bytes in one run, set bits behind the prefix, codes of popcounts."""

    words: WordMatrix
    bytes: ByteArray
    rest: CountArray
    codes: IntArray


class Partners(NamedTuple):
    """The rows that are walked: words, the same transposed in tiles, set bits behind the prefix, codes."""

    words: WordMatrix
    tiles: ByteArray
    rest: CountArray
    codes: IntArray


class Limits(NamedTuple):
    """What pairs of popcounts need, by the codes of both.

    Attributes:
        needed: fewest common bits of a pair that is taken, int64 of shape (codes_a, codes_b).
        floor: fewest that this code of b or a higher one needs, int64 of the same shape.
        runs: first and end position of the partners that the length bound allows, int64 of shape
            (codes_a, 2).
        prefix: bytes after which the bound is asked; all bytes of an encoding if it is not worth asking.
    """

    needed: IntArray
    floor: IntArray
    runs: IntArray
    prefix: int


class Found(NamedTuple):
    """Room for pairs, written by one walk at a time.

    Attributes:
        a: positions of rows, int32 of shape (room,), room >= ``TILE_ROWS``.
        b: positions of partners, of the same form.
        common: common bits, of the same form.
        bounds: work space of shape (TILE_ROWS,), of the type of the rest popcounts.
    """

    a: PositionArray
    b: PositionArray
    common: PositionArray
    bounds: CountArray


@jit
def _number_reaching(bounds: CountArray, need: int) -> int:
    number = 0
    for column in range(TILE_ROWS):
        number += bounds[column] >= need
    return number


@jit
def _take(a: Rows, b: Partners, limits: Limits, place: Place, out: Found) -> int:
    """Write the pairs of a row with the columns ``low`` to ``high`` of a tile; return the pairs written so far."""
    row, tile, low, high, exact, used = place
    code, bounds = a.codes[row], out.bounds
    need = limits.floor[code, b.codes[tile + low]]
    for strip in range(0, TILE_ROWS, STRIP_ROWS):
        largest = bounds[strip]
        for column in range(STRIP_ROWS):
            largest = max(largest, bounds[strip + column])
        if largest < need:
            continue
        for column in range(max(strip, low), min(strip + STRIP_ROWS, high)):
            if bounds[column] < need:
                continue
            other = tile + column
            common = np.int64(bounds[column]) if exact else common_bits(a.words, row, b.words, other)
            if common >= limits.needed[code, b.codes[other]]:
                out.a[used] = row
                out.b[used] = other
                out.common[used] = common
                used += 1
    return used


@jit
def walk(a: Rows, b: Partners, limits: Limits, span: IntArray, out: Found) -> int:
    """Walk the tiles of ``span`` until the end or until ``out`` has no room for a tile; return the pairs written.

    ``span`` (int64 of shape (6,)) is moved on in place; the walk is over when its ``TILE`` is at ``TILE_END`` or
    behind.
    """
    # Arrays out of the tuples once: taking one out counts a reference, which threads would fight over.
    bytes_a, rest_a, codes_a, tiles, rest_b, codes_b = a.bytes, a.rest, a.codes, b.tiles, b.rest, b.codes
    floor, runs, prefix, width = limits.floor, limits.runs, limits.prefix, a.words.shape[1] * WORD_BYTES
    capacity, bounds = out.a.shape[0] - TILE_ROWS, out.bounds
    used = 0
    while span[TILE] < span[TILE_END]:
        tile = span[TILE]
        for row in range(span[ROW], span[END]):
            if used > capacity:
                span[ROW] = row
                return used
            low = max(tile, runs[codes_a[row], 0], span[WITHIN] * (row + 1))
            high = min(tile + TILE_ROWS, runs[codes_a[row], 1])
            if low >= high:
                continue
            need = floor[codes_a[row], codes_b[low]]
            if bound_tile(tiles, rest_b, bytes_a, bounds, tile, row, width, prefix, rest_a[row]) < need:
                continue
            exact = prefix == width
            if not exact and _number_reaching(bounds, need) >= MANY_COLUMNS:
                exact = True
                if bound_tile(tiles, rest_b, bytes_a, bounds, tile, row, width, width, 0) < need:
                    continue
            used = _take(a, b, limits, (row, tile, low - tile, high - tile, exact, used), out)
        span[TILE] += TILE_ROWS
        span[ROW] = span[BEGIN]
    return used
