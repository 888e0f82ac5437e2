"""ENCODED: set the bits of one Bloom filter per list of tokens.

A filter is stored as in :mod:`secure_match.kernels.bloom`: bit ``i`` is bit ``7 - i % 8`` of byte ``i // 8``.

Invariants: every compiled function has a NumPy reference of the same meaning beside it (``*_reference``); a test
compares them. Nothing is read or written outside the arrays: shapes are checked before compiled code runs, and each
token by the compiled code itself. Nothing here holds the GIL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import jit
from secure_match.kernels.bloom import ByteMatrix, Int32Array, Int64Array

ShortArray = npt.NDArray[np.uint16]

LARGEST_SHORT: Final = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TokenLists:
    """The tokens of each filter, in order, doubles included, and how many bits they set.

    Attributes:
        offsets: int64 of shape (filters + 1,), rising from 0: list ``i`` is ``tokens[offsets[i] : offsets[i + 1]]``.
        tokens: int32 of shape (entries,): index of the token, at least 0.
        per_token: bits of each token, or 0 where ``per_list`` rules.
        per_list: bits of each list, spread evenly over its tokens; what does not divide goes to the first ones.
    """

    offsets: Int64Array
    tokens: Int32Array
    per_token: int
    per_list: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def verify(self) -> None:
        """Raise ValueError where lists would reach outside the tokens."""
        if len(self.offsets) == 0 or self.offsets[0] != 0 or self.offsets[-1] != len(self.tokens):
            raise ValueError("the offsets do not cover the tokens")
        if (np.diff(self.offsets) < 0).any() or self.per_token < 0 or self.per_list < 0:
            raise ValueError("offsets fall, or a number of bits is negative")

    def num_hashes(self) -> Int64Array:
        """Bits of each entry: int64 of shape (entries,)."""
        counts = np.diff(self.offsets)
        share, rest = np.divmod(self.per_list, np.maximum(counts, 1))
        place = np.arange(len(self.tokens)) - np.repeat(self.offsets[:-1], counts)
        spread = np.repeat(share, counts) + (place < np.repeat(rest, counts))
        return np.full(len(self.tokens), self.per_token, dtype=np.int64) if self.per_token else spread


@jit
def _most_hashes(offsets: Int64Array, tokens: Int32Array, shares: tuple[int, int], most: Int64Array) -> bool:
    for number in range(offsets.shape[0] - 1):
        first, end = offsets[number], offsets[number + 1]
        if end == first:
            continue
        share, rest = shares[1] // (end - first), shares[1] % (end - first)
        for entry in range(first, end):
            wanted = shares[0] if shares[0] > 0 else share + (1 if entry - first < rest else 0)
            token = tokens[entry]
            if token < 0 or token >= most.shape[0]:
                return False
            most[token] = max(most[token], wanted)
    return True


@jit
def _short_bits(  # noqa: PLR0917  # Numba functions take their arrays by position.
    lists: tuple[Int64Array, Int32Array],
    shares: tuple[int, int],
    shorts: ShortArray,
    starts: Int64Array,
    mask: int,
    out: ByteMatrix,
) -> bool:
    offsets, tokens = lists
    for number in range(offsets.shape[0] - 1):
        first, end = offsets[number], offsets[number + 1]
        if end == first:
            continue
        share, rest = shares[1] // (end - first), shares[1] % (end - first)
        for entry in range(first, end):
            wanted = shares[0] if shares[0] > 0 else share + (1 if entry - first < rest else 0)
            token = tokens[entry]
            if token < 0 or token >= starts.shape[0] or starts[token] < 0 or starts[token] + wanted > shorts.shape[0]:
                return False
            for index in range(starts[token], starts[token] + wanted):
                position = np.int64(shorts[index]) & mask
                out[number, position >> 3] |= np.uint8(128 >> (position & 7))
    return True


@jit
def _step_bits(
    lists: tuple[Int64Array, Int32Array],
    shares: tuple[int, int],
    first_step: tuple[Int64Array, Int64Array],
    length_bits: int,
    out: ByteMatrix,
) -> bool:
    offsets, tokens = lists
    for number in range(offsets.shape[0] - 1):
        first, end = offsets[number], offsets[number + 1]
        if end == first:
            continue
        share, rest = shares[1] // (end - first), shares[1] % (end - first)
        for entry in range(first, end):
            wanted = shares[0] if shares[0] > 0 else share + (1 if entry - first < rest else 0)
            token = tokens[entry]
            if token < 0 or token >= first_step[0].shape[0]:
                return False
            position, step = first_step[0][token], first_step[1][token]
            for _ in range(wanted):
                out[number, position >> 3] |= np.uint8(128 >> (position & 7))
                position += step
                if position >= length_bits:
                    position -= length_bits
    return True


def most_hashes(lists: TokenLists, num_tokens: int) -> Int64Array:
    """The most bits that is asked of each token: int64 of shape (num_tokens,); 0 for one in no list.

    Raises:
        ValueError: the lists are broken.
    """
    lists.verify()
    most = np.zeros(num_tokens, dtype=np.int64)
    if not _most_hashes(lists.offsets, lists.tokens, (lists.per_token, lists.per_list), most):
        raise ValueError("a token's index is out of range")
    return most


def most_hashes_reference(lists: TokenLists, num_tokens: int) -> Int64Array:
    """NumPy reference of :func:`most_hashes`."""
    most = np.zeros(num_tokens, dtype=np.int64)
    np.maximum.at(most, lists.tokens, lists.num_hashes())
    return most


def set_short_bits(
    lists: TokenLists, shorts: ShortArray, starts: Int64Array, out: ByteMatrix, length_bits: int
) -> None:
    """Set, in the filter of each list, the positions ``shorts[starts[t] + j] % length_bits`` of its tokens ``t``.

    Args:
        lists: the tokens; ``j`` runs over each one's number of bits.
        shorts: uint16 of shape (shorts,): hash values, one token's after another's.
        starts: int64 of shape (tokens,): where a token's hash values start.
        out: uint8 of shape (filters, at least ceil(length_bits / 8)), changed in place.
        length_bits: length of a filter, a power of two.

    Raises:
        ValueError: shapes do not fit, a token's index is out of range, or it has fewer hash values than are asked of
            it; then some filters may be changed and others not.
    """
    lists.verify()
    if length_bits < 1 or length_bits & (length_bits - 1):
        raise ValueError("length_bits is no power of two")
    _verify_out(lists, out, length_bits)
    mask = min(length_bits - 1, LARGEST_SHORT)
    shares = lists.per_token, lists.per_list
    if not _short_bits((lists.offsets, lists.tokens), shares, shorts, starts, mask, out):
        raise ValueError("a token's index is out of range, or it has fewer hash values than are asked of it")


def set_short_bits_reference(
    lists: TokenLists, shorts: ShortArray, starts: Int64Array, out: ByteMatrix, length_bits: int
) -> None:
    """NumPy reference of :func:`set_short_bits`."""
    filters, entries, rounds = _entries(lists)
    positions = shorts[starts[lists.tokens[entries]] + rounds].astype(np.int64) % length_bits
    _set_positions(filters, positions, out)


def set_step_bits(lists: TokenLists, first: Int64Array, step: Int64Array, out: ByteMatrix, length_bits: int) -> None:
    """Set, in the filter of each list, the positions ``(first[t] + j * step[t]) % length_bits`` of its tokens.

    Args:
        lists: the tokens; ``j`` runs over each one's number of bits.
        first: int64 of shape (tokens,), each 0 to ``length_bits - 1``.
        step: int64 of shape (tokens,), each 0 to ``length_bits - 1``.
        out: uint8 of shape (filters, at least ceil(length_bits / 8)), changed in place.
        length_bits: length of a filter.

    Raises:
        ValueError: shapes do not fit, or a position or a token's index is out of range; then some filters may be
            changed and others not.
    """
    lists.verify()
    _verify_out(lists, out, length_bits)
    if len(first) != len(step):
        raise ValueError("first and step differ in length")
    for values in (first, step):
        if len(values) and (int(values.min()) < 0 or int(values.max()) >= length_bits):
            raise ValueError("a position is out of range")
    shares = lists.per_token, lists.per_list
    if not _step_bits((lists.offsets, lists.tokens), shares, (first, step), length_bits, out):
        raise ValueError("a token's index is out of range")


def set_step_bits_reference(
    lists: TokenLists, first: Int64Array, step: Int64Array, out: ByteMatrix, length_bits: int
) -> None:
    """NumPy reference of :func:`set_step_bits`."""
    filters, entries, rounds = _entries(lists)
    token = lists.tokens[entries]
    _set_positions(filters, (first[token] + rounds * step[token]) % length_bits, out)


def _verify_out(lists: TokenLists, out: ByteMatrix, length_bits: int) -> None:
    if length_bits < 1 or len(out) != len(lists) or out.shape[1] * 8 < length_bits:
        raise ValueError("the filters are not one of length_bits bits for each list")


def _entries(lists: TokenLists) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Filter, entry and round of every bit to set."""
    num_hashes = lists.num_hashes()
    entries, rounds = np.nonzero(np.arange(num_hashes.max(initial=0)) < num_hashes[:, None])
    return np.repeat(np.arange(len(lists)), np.diff(lists.offsets))[entries], entries, rounds


def _set_positions(filters: Int64Array, positions: Int64Array, out: ByteMatrix) -> None:
    np.bitwise_or.at(out, (filters, positions >> 3), (128 >> (positions & 7)).astype(np.uint8))
