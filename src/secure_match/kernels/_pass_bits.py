"""ENCODED: from token numbers to the bits of pass encodings, around a block cipher that the caller applies.

A *token list* is the tokens of one value with the number of positions that each sets. A row has one list per encoded
field. Two kernels walk the rows in the same order (row, column, token, counter) and so agree on which block belongs to
whom: one writes the inputs of the block cipher, the other reads its outputs and sets bits.

Invariants: every compiled function has a NumPy reference of the same meaning beside it (``*_reference``). Setting a bit
twice is setting it once. Arrays are checked before compiled code runs on them. Words are little-endian. Memory beyond
arguments and result is bounded: rows go through in groups of about ``_GROUP_BLOCKS`` blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import jit

WORDS_PER_BLOCK: Final = 8
"""A 16-byte block holds this many unsigned 16-bit words, each of which names one bit."""
_COUNTER_SHIFT: Final = np.uint64(32)
_GROUP_BLOCKS: Final = 1 << 14
"""256 KiB of inputs and as much of outputs: they stay in a core's own cache."""
_MAX_WIDTH: Final = (1 << 16) // 8

ByteMatrix = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
Int64Array = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
WordMatrix = npt.NDArray[np.uint64]
ShortArray = npt.NDArray[np.uint16]
Cipher = Callable[[WordMatrix], ByteMatrix]
"""From uint64 of shape (blocks, 2) to uint8 of shape (blocks, 16): a keyed permutation of every block by itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TokenRows:
    """The token lists of some rows, and what is added to their tokens.

    Attributes:
        lists: int64 of shape (rows, columns): index of a token list, or -1 for none.
        starts: int64 of shape (lists + 1,): list ``i`` has the entries ``starts[i]`` to ``starts[i + 1] - 1``.
        tokens: int32 of shape (entries,): index of the token.
        counts: int32 of shape (entries,), each 0 to 65,535: how many positions the token sets.
        chains: uint64 of shape (rows, 2): what every block of the row begins from.
        token_words: uint64 of shape (tokens, 2); the upper 32 bits of the second word are 0.
    """

    lists: Int64Array
    starts: Int64Array
    tokens: Int32Array
    counts: Int32Array
    chains: WordMatrix
    token_words: WordMatrix

    def verify(self) -> None:
        """Raise ValueError for anything that would read outside the arrays."""
        ends = (int(self.starts[0]), int(self.starts[-1])) if len(self.starts) else (0, -1)
        if ends != (0, len(self.tokens)) or len(self.tokens) != len(self.counts) or (np.diff(self.starts) < 0).any():
            raise ValueError("starts, tokens and counts do not fit each other")
        if self.lists.ndim != 2 or _outside(self.lists, -1, len(self.starts) - 1):
            raise ValueError("a token list is out of range")
        if _outside(self.tokens, 0, len(self.token_words)) or _outside(self.counts, 0, 1 << 16):
            raise ValueError("a token or its number of positions is out of range")
        if self.chains.shape != (len(self.lists), 2) or self.token_words.shape != (len(self.token_words), 2):
            raise ValueError("chains, tokens and rows do not fit each other")

    def block_ends(self) -> Int64Array:
        """Blocks that are needed before each row and after the last, int64 of shape (rows + 1,), from 0."""
        ends = np.concatenate([[0], np.cumsum(_blocks_of(self.counts))])
        per_list = np.append(np.diff(ends[self.starts]), 0)
        return np.concatenate([[0], np.cumsum(per_list[self.lists].sum(axis=1))])


def set_pass_bits(rows: TokenRows, cipher: Cipher, targets: Int64Array, out: ByteMatrix) -> None:
    """Set the positions of all tokens of all rows.

    A token with ``n`` positions takes the first ``n`` 16-bit words of the blocks
    ``cipher(chain ^ token ^ (0, counter << 32))``, counter = 0, 1, ..., each modulo the length in bits.

    Args:
        rows: the token lists.
        cipher: called with some blocks at a time, in the order of row, column, token, counter.
        targets: int64 of shape (rows,): which row of ``out`` a row sets.
        out: uint8 of shape (any, bytes), changed in place; bytes is a power of two up to 8192.

    Raises:
        ValueError: shapes do not fit, the length is no power of two, or an index or number is out of range.
    """
    rows.verify()
    verify_targets(rows, targets, out)
    mask = np.uint16(8 * out.shape[1] - 1)
    ends = rows.block_ends()
    for start, stop in row_groups(ends):
        lists, group = rows.lists[start:stop], slice(start, stop)
        inputs = np.empty((int(ends[stop] - ends[start]), 2), dtype=np.uint64)
        _write_inputs(lists, rows.starts, rows.tokens, rows.counts, rows.chains[group], rows.token_words, inputs)
        outputs = cipher(inputs.astype("<u8", copy=False))
        shorts = outputs.reshape(-1).view("<u2").astype(np.uint16, copy=False)
        if len(shorts) != WORDS_PER_BLOCK * len(inputs):
            raise ValueError("the cipher gave back another number of blocks")
        _set_bits(lists, rows.starts, rows.counts, shorts, targets[group], mask, out)


def set_pass_bits_reference(rows: TokenRows, cipher: Cipher, targets: Int64Array, out: ByteMatrix) -> None:
    """NumPy reference of :func:`set_pass_bits`."""
    rows.verify()
    verify_targets(rows, targets, out)
    row, column = np.nonzero(rows.lists >= 0)
    lists = rows.lists[row, column]
    row, entry = _expand(row, rows.starts[lists], rows.starts[lists + 1] - rows.starts[lists])
    entry_of_block, counter = _expand(np.arange(len(entry)), np.zeros_like(entry), _blocks_of(rows.counts[entry]))
    row, entry = row[entry_of_block], entry[entry_of_block]
    inputs = rows.chains[row] ^ rows.token_words[rows.tokens[entry]]
    inputs[:, 1] ^= counter.astype(np.uint64) << _COUNTER_SHIFT
    shorts = cipher(inputs.astype("<u8")).view("<u2").astype(np.int64)
    places = counter[:, None] * WORDS_PER_BLOCK + np.arange(WORDS_PER_BLOCK)
    block, word = np.nonzero(places < rows.counts[entry, None])
    positions = shorts[block, word] % (8 * out.shape[1])
    np.bitwise_or.at(out, (targets[row[block]], positions >> 3), (128 >> (positions & 7)).astype(np.uint8))


def first_occurrences(rows: Int64Array, tokens: Int32Array, num_tokens: int) -> BoolArray:
    """Which entries hold a token that their row had not before.

    Args:
        rows: int64 of shape (entries,), from 0, never falling.
        tokens: int32 of shape (entries,), each 0 to ``num_tokens - 1``.
        num_tokens: number of tokens.

    Returns:
        bool of shape (entries,).

    Raises:
        ValueError: the arguments do not fit each other.
    """
    if len(rows) != len(tokens) or _outside(tokens, 0, num_tokens) or (np.diff(rows, prepend=0) < 0).any():
        raise ValueError("rows and tokens do not fit each other")
    out = np.zeros(len(rows), dtype=np.bool_)
    _first_occurrences(rows, tokens, np.full(num_tokens, -1, dtype=np.int64), out)
    return out


def first_occurrences_reference(rows: Int64Array, tokens: Int32Array, num_tokens: int) -> BoolArray:
    """NumPy reference of :func:`first_occurrences`."""
    out = np.zeros(len(rows), dtype=np.bool_)
    out[np.unique(rows * num_tokens + tokens, return_index=True)[1]] = True
    return out


@jit
def _write_inputs(  # noqa: PLR0917  # Numba functions take their arrays by position.
    lists: Int64Array,
    starts: Int64Array,
    tokens: Int32Array,
    counts: Int32Array,
    chains: WordMatrix,
    token_words: WordMatrix,
    out: WordMatrix,
) -> None:
    block = 0
    for row in range(lists.shape[0]):
        for column in range(lists.shape[1]):
            index = lists[row, column]
            if index < 0:
                continue
            for entry in range(starts[index], starts[index + 1]):
                low = chains[row, 0] ^ token_words[tokens[entry], 0]
                high = chains[row, 1] ^ token_words[tokens[entry], 1]
                for counter in range((counts[entry] + WORDS_PER_BLOCK - 1) // WORDS_PER_BLOCK):
                    out[block, 0] = low
                    out[block, 1] = high ^ (np.uint64(counter) << _COUNTER_SHIFT)
                    block += 1


@jit
def _set_bits(  # noqa: PLR0917
    lists: Int64Array,
    starts: Int64Array,
    counts: Int32Array,
    shorts: ShortArray,
    targets: Int64Array,
    mask: np.uint16,
    out: ByteMatrix,
) -> None:
    at = 0
    for row in range(lists.shape[0]):
        target = targets[row]
        for column in range(lists.shape[1]):
            index = lists[row, column]
            if index < 0:
                continue
            for entry in range(starts[index], starts[index + 1]):
                for place in range(counts[entry]):
                    position = shorts[at + place] & mask
                    out[target, position >> 3] |= np.uint8(128 >> (position & 7))
                at += (counts[entry] + WORDS_PER_BLOCK - 1) // WORDS_PER_BLOCK * WORDS_PER_BLOCK


@jit
def _first_occurrences(rows: Int64Array, tokens: Int32Array, seen: Int64Array, out: BoolArray) -> None:
    for entry in range(rows.shape[0]):
        out[entry] = seen[tokens[entry]] != rows[entry]
        seen[tokens[entry]] = rows[entry]


def _blocks_of(counts: Int32Array) -> Int64Array:
    return -(-counts.astype(np.int64) // WORDS_PER_BLOCK)


def row_groups(ends: Int64Array) -> Iterator[tuple[int, int]]:
    """Ranges of rows of about ``_GROUP_BLOCKS`` blocks, and of one row at least."""
    start, rows = 0, len(ends) - 1
    while start < rows:
        stop = int(np.searchsorted(ends, ends[start] + _GROUP_BLOCKS, side="right")) - 1
        stop = max(start + 1, stop)
        yield start, stop
        start = stop


def _expand(owners: Int64Array, starts: Int64Array, sizes: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Each owner as often as its size says, and beside it ``start``, ``start + 1``, ... of that owner."""
    first = np.repeat(starts - (np.cumsum(sizes) - sizes), sizes)
    return np.repeat(owners, sizes), first + np.arange(sizes.sum())


def _outside(values: Int64Array | Int32Array, low: int, end: int) -> bool:
    return bool(values.size and (int(values.min()) < low or int(values.max()) >= end))


def verify_targets(rows: TokenRows, targets: Int64Array, out: ByteMatrix) -> None:
    """Raise ValueError where the length of ``out`` is no power of two or a target is none of its rows."""
    width = out.shape[1]
    if not 1 <= width <= _MAX_WIDTH or width & (width - 1):
        raise ValueError("the length of an encoding is no power of two")
    if len(targets) != len(rows.lists) or _outside(targets, 0, len(out)):
        raise ValueError("a target is missing or out of range")
