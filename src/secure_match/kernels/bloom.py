"""ENCODED: set the bits of Bloom filters from hash values, merge filters into rows, fold them.

A filter of ``length_bits`` bits is stored in ``ceil(length_bits / 8)`` bytes of ``uint8``; bit ``i`` is bit
``7 - i % 8`` of byte ``i // 8``; the unused low bits of the last byte stay zero, as in clkhash.

Invariants: every compiled function has a NumPy reference of the same meaning beside it (``*_reference``); a
test compares them. Setting a bit twice is setting it once: the order of the entries does not matter. Arrays
are checked before compiled code runs on them, because compiled code does not check.

Sources: Schnell, Bachteler, Reiher, *Privacy-preserving record linkage using Bloom filters* (2009) for the
filters; Schnell, Borgs, *XOR-folding for Bloom filter-based encryptions* (2016) for folding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import jit

ByteMatrix = npt.NDArray[np.uint8]
WordMatrix = npt.NDArray[np.uint64]
ShortMatrix = npt.NDArray[np.uint16]
Int64Array = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]

SHORTS_PER_BLOCK: Final = 32
"""One 64-byte hash block holds this many unsigned 16-bit values, each of which names one bit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Entries:
    """Which token goes into which filter, and how often.

    Attributes:
        rows: int64 of shape (entries,): index of the filter.
        tokens: int64 of shape (entries,): index of the token.
        num_hashes: int32 of shape (entries,), each at least 0: how many bits the token sets there.
    """

    rows: Int64Array
    tokens: Int64Array
    num_hashes: Int32Array

    def verify(self, out: ByteMatrix, length_bits: int, num_tokens: int) -> None:
        """Raise ValueError for anything that would read or write outside the arrays."""
        if not len(self.rows) == len(self.tokens) == len(self.num_hashes):
            raise ValueError("rows, tokens and num_hashes differ in length")
        if length_bits < 1 or out.shape[1] != (length_bits + 7) // 8:
            raise ValueError("the filters are not of length_bits bits")
        _verify_range(self.rows, len(out))
        _verify_range(self.tokens, num_tokens)
        _verify_range(self.num_hashes, 1 << 31)


def _verify_range(values: Int64Array | Int32Array, end: int) -> None:
    if len(values) and (int(values.min()) < 0 or int(values.max()) >= end):
        raise ValueError("an index or number of hashes is out of range")


@jit
def _token_bits(  # noqa: PLR0917  # Numba functions take their arrays by position.
    rows: Int64Array,
    tokens: Int64Array,
    num_hashes: Int32Array,
    shorts: ShortMatrix,
    out: ByteMatrix,
    length_bits: int,
) -> None:
    for entry in range(rows.shape[0]):
        for index in range(num_hashes[entry]):
            position = np.int64(shorts[tokens[entry], index]) % length_bits
            out[rows[entry], position >> 3] |= np.uint8(128 >> (position & 7))


@jit
def _merge(codes: Int32Array, filters: WordMatrix, out: WordMatrix) -> None:
    for row in range(codes.shape[0]):
        code = codes[row]
        if code >= 0:
            for word in range(out.shape[1]):
                out[row, word] |= filters[code, word]


@jit
def _fold(filters: ByteMatrix, out: ByteMatrix, length_bits: int, segments: int) -> None:
    if length_bits % 8 == 0:
        for row in range(filters.shape[0]):
            for segment in range(segments):
                for index in range(out.shape[1]):
                    out[row, index] ^= filters[row, segment * out.shape[1] + index]
        return
    for row in range(filters.shape[0]):
        for position in range(length_bits * segments):
            if filters[row, position >> 3] & np.uint8(128 >> (position & 7)):
                target = position % length_bits
                out[row, target >> 3] ^= np.uint8(128 >> (target & 7))


def set_token_bits(entries: Entries, shorts: ShortMatrix, out: ByteMatrix, length_bits: int) -> None:
    """Set, for each entry, the first ``num_hashes`` positions of its token in the filter of its row.

    Position ``j`` of token ``t`` is ``shorts[t, j] % length_bits``.

    Args:
        entries: which token goes into which filter, each at most ``shorts.shape[1]`` times.
        shorts: uint16 of shape (tokens, 32 * blocks).
        out: uint8 of shape (filters, ceil(length_bits / 8)), changed in place.
        length_bits: length of a filter.

    Raises:
        ValueError: shapes do not fit, or an index or a number of hashes is out of range.
    """
    entries.verify(out, length_bits, len(shorts))
    _verify_range(entries.num_hashes, shorts.shape[1] + 1)
    _token_bits(entries.rows, entries.tokens, entries.num_hashes, shorts, out, length_bits)


def set_token_bits_reference(entries: Entries, shorts: ShortMatrix, out: ByteMatrix, length_bits: int) -> None:
    """NumPy reference of :func:`set_token_bits`."""
    entry, column = np.nonzero(np.arange(shorts.shape[1]) < entries.num_hashes[:, None])
    positions = shorts[entries.tokens[entry], column].astype(np.int64) % length_bits
    _set_positions(entries.rows[entry], positions, out)


def merge_filters(codes: Int32Array, filters: WordMatrix, out: WordMatrix) -> None:
    """OR to each row of ``out`` the filter that its code names; a negative code names none.

    Args:
        codes: int32 of shape (rows,), each below ``len(filters)``.
        filters: uint64 of shape (filters, words).
        out: uint64 of shape (rows, words), changed in place.

    Raises:
        ValueError: shapes do not fit or a code is out of range.
    """
    if out.shape != (len(codes), filters.shape[1]) or int(codes.max(initial=-1)) >= len(filters):
        raise ValueError("codes, filters and rows do not fit each other")
    _merge(codes, filters, out)


def merge_filters_reference(codes: Int32Array, filters: WordMatrix, out: WordMatrix) -> None:
    """NumPy reference of :func:`merge_filters`."""
    named = codes >= 0
    out[named] |= filters[codes[named]]


def fold_xor(filters: ByteMatrix, length_bits: int, folds: int) -> ByteMatrix:
    """XOR-fold filters of ``length_bits * 2**folds`` bits to uint8 of shape (rows, ceil(length_bits / 8)).

    Raises:
        ValueError: the filters have another width.
    """
    if filters.shape[1] != ((length_bits << folds) + 7) // 8:
        raise ValueError("the filters are not of the length that folds to length_bits")
    out = np.zeros((filters.shape[0], (length_bits + 7) // 8), dtype=np.uint8)
    _fold(filters, out, length_bits, 1 << folds)
    return out


def fold_xor_reference(filters: ByteMatrix, length_bits: int, folds: int) -> ByteMatrix:
    """NumPy reference of :func:`fold_xor`."""
    bits = np.unpackbits(filters, axis=1, count=length_bits << folds)
    for _ in range(folds):
        left, right = np.split(bits, 2, axis=1)
        bits = left ^ right
    return np.packbits(bits, axis=1)


def _set_positions(rows: Int64Array, positions: Int64Array, out: ByteMatrix) -> None:
    np.bitwise_or.at(out, (rows, positions >> 3), (128 >> (positions & 7)).astype(np.uint8))
