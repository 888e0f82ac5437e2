"""RAW: where in many bytes one of many words begins: eight bytes of a long pattern, or the first four of a short one.

A compiled filter looks at every offset: a word sets three bits of one 64-bit cell of a table, by its first four bytes,
which long and short words have both, so that an offset costs one look into memory; what passes is held against a second
table of the long words' eight bytes, and what passes that is looked up exactly. Threads change nothing.

Invariant: :meth:`WordSets.offsets` is exactly :func:`offsets_reference`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels import jit

LONG_BYTES: Final = 8
SHORT_BYTES: Final = 4
SHORT_MASK: Final = np.uint64(0xFFFF_FFFF)
_BITS_PER_WORD: Final = 32
_LEAST_CELLS_LOG2: Final = 10
_MOST_CELLS_LOG2: Final = 30
_FOUND_AT_ONCE: Final = 1 << 20
_MULTIPLIER: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2^64 divided by the golden ratio, for multiplicative hashing (Knuth, volume 3, 6.4)."""

ByteArray = npt.NDArray[np.uint8]
WordArray = npt.NDArray[np.uint64]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class WordSets:
    """What is looked for. Use :meth:`make`.

    Attributes:
        long_words: uint64, distinct, rising: eight bytes each, little-endian.
        short_words: uint64, distinct, rising: four bytes each, little-endian.
    """

    long_words: WordArray
    short_words: WordArray
    _first_cells: WordArray
    _long_cells: WordArray
    _short_cells: WordArray

    @classmethod
    def make(cls, long_words: WordArray, short_words: WordArray) -> WordSets:
        """The words in any order, each any number of times."""
        long, short = distinct_words(long_words), distinct_words(short_words)
        return cls(
            long_words=long,
            short_words=short,
            _first_cells=_filter(distinct_words(np.concatenate([long & SHORT_MASK, short]))),
            _long_cells=_filter(long),
            _short_cells=_filter(short),
        )

    def offsets(self, data: ByteArray, start: int, stop: int) -> Int64Array:
        """Offsets from ``start`` to ``stop - 1`` at which a word begins, rising; beyond ``data`` there are zeros."""
        found = [np.zeros(0, dtype=np.int64)]
        for offsets in self._likely(data, start, min(stop, len(data))):
            words = words_at(data, offsets)
            found.append(offsets[is_member(words, self.long_words) | is_member(words & SHORT_MASK, self.short_words)])
        return np.concatenate(found)

    def _likely(self, data: ByteArray, start: int, stop: int) -> Iterator[Int64Array]:
        out = np.empty(min(_FOUND_AT_ONCE, max(1, stop - start)), dtype=np.int64)
        while start < stop:
            tables = (self._first_cells, self._long_cells, self._short_cells)
            count, start = _pass_filter(data, start, stop, *tables, out)
            yield out[:count].copy()


def offsets_reference(sets: WordSets, data: ByteArray, start: int, stop: int) -> Int64Array:
    """NumPy reference of :meth:`WordSets.offsets`."""
    offsets = np.arange(start, min(stop, len(data)), dtype=np.int64)
    words = words_at(data, offsets)
    return offsets[np.isin(words, sets.long_words) | np.isin(words & SHORT_MASK, sets.short_words)]


def words_at(data: ByteArray, offsets: Int64Array) -> WordArray:
    """The eight bytes from each offset on, little-endian; beyond ``data`` there are zeros."""
    words = np.zeros(len(offsets), dtype=np.uint64)
    for index in range(LONG_BYTES):
        inside = offsets + index < len(data)
        bytes_there = np.where(inside, data[np.where(inside, offsets + index, 0)], 0) if len(data) else 0
        words |= np.asarray(bytes_there, dtype=np.uint64) << np.uint64(8 * index)
    return words


def distinct_words(words: WordArray) -> WordArray:
    """The words, each once, rising. NumPy's own ``unique`` hashes, which is several times slower than its sort."""
    rising = np.sort(words)
    distinct: WordArray = rising[np.diff(rising, prepend=rising[:1] ^ np.uint64(1)) != 0]
    return distinct


def is_member(words: WordArray, rising: WordArray) -> BoolArray:
    """Which words stand in a rising array."""
    if not len(rising):
        return np.zeros(len(words), dtype=np.bool_)
    place = np.minimum(np.searchsorted(rising, words), len(rising) - 1)
    return np.asarray(rising[place] == words, dtype=np.bool_)


def _filter(words: WordArray) -> WordArray:
    wanted = (len(words) * _BITS_PER_WORD // 64).bit_length()
    cells = np.zeros(1 << min(max(wanted, _LEAST_CELLS_LOG2), _MOST_CELLS_LOG2), dtype=np.uint64)
    _fill(words, cells)
    return cells


@jit
def _hashed(word: np.uint64) -> np.uint64:
    return (word ^ (word >> np.uint64(32))) * _MULTIPLIER


@jit
def _bits(hashed: np.uint64, shift: np.uint64) -> np.uint64:
    """Three bits of a cell, by the 18 bits of the hash below those that number the cell."""
    one, six = np.uint64(1), np.uint64(63)
    first = (hashed >> (shift - np.uint64(6))) & six
    second = (hashed >> (shift - np.uint64(12))) & six
    third = (hashed >> (shift - np.uint64(18))) & six
    return (one << first) | (one << second) | (one << third)


@jit
def _shift(cells: WordArray) -> np.uint64:
    shift = 64
    size = cells.shape[0]
    while size > 1:
        size >>= 1
        shift -= 1
    return np.uint64(shift)


@jit
def _fill(words: WordArray, cells: WordArray) -> None:
    shift = _shift(cells)
    for index in range(words.shape[0]):
        hashed = _hashed(words[index])
        cells[hashed >> shift] |= _bits(hashed, shift)


@jit
def _pass_filter(  # noqa: PLR0917  # Numba functions take their arrays by position.
    data: ByteArray,
    start: int,
    stop: int,
    first_cells: WordArray,
    long_cells: WordArray,
    short_cells: WordArray,
    out: Int64Array,
) -> tuple[int, int]:
    """Write offsets that pass the filters until ``out`` is full: how many, and where to go on."""
    first_shift, long_shift, short_shift = _shift(first_cells), _shift(long_cells), _shift(short_cells)
    size = data.shape[0]
    word = np.uint64(0)
    for index in range(7):
        if start + index < size:
            word |= np.uint64(data[start + index]) << np.uint64(8 * index + 8)
    count = 0
    for offset in range(start, stop):
        word >>= np.uint64(8)
        if offset + 7 < size:
            word |= np.uint64(data[offset + 7]) << np.uint64(56)
        first = _hashed(word & SHORT_MASK)
        if not _is_set(first, first_cells, first_shift):
            continue
        if _is_set(_hashed(word), long_cells, long_shift) or _is_set(first, short_cells, short_shift):
            out[count] = offset
            count += 1
            if count == out.shape[0]:
                return count, offset + 1
    return count, stop


@jit
def _is_set(hashed: np.uint64, cells: WordArray, shift: np.uint64) -> bool:
    wanted = _bits(hashed, shift)
    found: bool = (cells[hashed >> shift] & wanted) == wanted
    return found
