"""ENCODED: from token numbers to encodings whose bits are XORs of votes, around a block cipher that the caller applies.

A row's tokens vote on every bit of ``majorities`` ballots: the cipher gives each token a pseudo-random stream of
``majorities * bits`` bits, its votes, and a token counts as much as its weight. An encoding's bit ``j`` is the XOR of
the results ``j`` of all ballots.

Invariants: every compiled function has a NumPy reference of the same meaning beside it (``*_reference``). There is no
tie: see ``_row_votes``. Arrays are checked before compiled code runs on them. Memory beyond arguments and result is
bounded: rows go through in groups of about ``_GROUP_BLOCKS`` blocks.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels._pass_bits import (
    ByteMatrix,
    Cipher,
    Int32Array,
    Int64Array,
    TokenRows,
    WordMatrix,
    row_groups,
    verify_targets,
)
from secure_match.kernels._popcount import jit
from secure_match.kernels._row_votes import row_votes, row_votes_reference

_BLOCK_BITS: Final = 128
_COUNTER_SHIFT: Final = np.uint64(32)
_PLANES: Final = 63
"""Bits of a count of votes; int64 holds no more."""
_ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)

WordArray = npt.NDArray[np.uint64]


def set_majority_bits(  # noqa: PLR0917  # As set_pass_bits, with what this encoder needs besides.
    rows: TokenRows, cipher: Cipher, majorities: int, tie_token: int, targets: Int64Array, out: ByteMatrix
) -> None:
    """Set the encodings of all rows that have a token.

    The votes of a token are the bits of the blocks ``cipher(chain ^ token ^ (0, counter << 32))``, counter = 0, 1, ...,
    byte by byte, the top bit of a byte first: the first ``bits`` of them for the first ballot, and so on.

    Args:
        rows: the token lists; ``counts`` are the weights. Equal tokens have one index, whatever list they stand in.
        cipher: called with some blocks at a time, in the order of row, entry (:func:`row_votes`), counter.
        majorities: number of ballots, 1 or more.
        tie_token: index of the token that votes where the others may tie; in no list.
        targets: int64 of shape (rows,): which row of ``out`` a row sets.
        out: uint8 of shape (any, bytes), contiguous, changed in place; bytes is a power of two from 16 to 8192.

    Raises:
        ValueError: shapes do not fit, the length is not as said, or an index or number is out of range.
    """
    _verify(rows, majorities, tie_token, targets, out)
    per_token = majorities * 8 * out.shape[1] // _BLOCK_BITS
    for start, stop in row_groups(_most_blocks(rows, per_token)):
        votes = row_votes(rows, tie_token, start, stop)
        inputs = np.empty((len(votes.tokens) * per_token, 2), dtype=np.uint64)
        _write_inputs(votes.starts, votes.tokens, rows.chains[start:stop], rows.token_words, per_token, inputs)
        words = cipher(inputs.astype("<u8", copy=False)).reshape(-1).view(np.uint64)
        if len(words) != 2 * len(inputs):
            raise ValueError("the cipher gave back another number of blocks")
        planes = np.empty((_PLANES, majorities * out.shape[1] // 8), dtype=np.uint64)
        _count(votes.starts, votes.weights, words, targets[start:stop], planes, out.view(np.uint64))


def set_majority_bits_reference(  # noqa: PLR0917
    rows: TokenRows, cipher: Cipher, majorities: int, tie_token: int, targets: Int64Array, out: ByteMatrix
) -> None:
    """NumPy reference of :func:`set_majority_bits`: bits of a row as numbers, weighed and summed."""
    _verify(rows, majorities, tie_token, targets, out)
    per_token = majorities * 8 * out.shape[1] // _BLOCK_BITS
    votes = row_votes_reference(rows, tie_token, 0, len(rows.lists))
    counters = np.arange(per_token, dtype=np.uint64) << _COUNTER_SHIFT
    for row, target in enumerate(targets.tolist()):
        entries = slice(int(votes.starts[row]), int(votes.starts[row + 1]))
        weights = votes.weights[entries]
        if not len(weights):
            continue
        firsts = rows.chains[row] ^ rows.token_words[votes.tokens[entries]]
        inputs = np.repeat(firsts[:, None], per_token, axis=1)
        inputs[:, :, 1] ^= counters
        bits = np.unpackbits(cipher(inputs.reshape(-1, 2).astype("<u8"))).reshape(len(weights), majorities, -1)
        results = 2 * np.tensordot(weights, bits.astype(np.int64), axes=1) > weights.sum()
        out[target] = np.packbits(np.bitwise_xor.reduce(results, axis=0))


@jit
def _write_inputs(  # noqa: PLR0917
    starts: Int64Array,
    tokens: Int32Array,
    chains: WordMatrix,
    token_words: WordMatrix,
    per_token: int,
    out: WordMatrix,
) -> None:
    block = 0
    for row in range(chains.shape[0]):
        for entry in range(starts[row], starts[row + 1]):
            low = chains[row, 0] ^ token_words[tokens[entry], 0]
            high = chains[row, 1] ^ token_words[tokens[entry], 1]
            for counter in range(per_token):
                out[block, 0] = low
                out[block, 1] = high ^ (np.uint64(counter) << _COUNTER_SHIFT)
                block += 1


@jit
def _add(planes: WordMatrix, votes: WordArray, weight: np.int64, carry: WordArray) -> None:
    """Add a weight to the sums whose vote is 1."""
    carry[:] = np.uint64(0)
    for plane in range(planes.shape[0]):
        sums = planes[plane]
        if (weight >> plane) & 1:
            for word in range(sums.shape[0]):
                one, two, three = sums[word], votes[word], carry[word]
                sums[word] = one ^ two ^ three
                carry[word] = (one & two) | (three & (one ^ two))
        else:
            for word in range(sums.shape[0]):
                one, three = sums[word], carry[word]
                sums[word] = one ^ three
                carry[word] = one & three


@jit
def _count(  # noqa: PLR0917
    starts: Int64Array,
    weights: Int64Array,
    words: WordArray,
    targets: Int64Array,
    planes: WordMatrix,
    out: WordMatrix,
) -> None:
    """Count 64 votes at a time: plane ``p`` holds bit ``p`` of 64 sums each.

    The sums begin where the smallest majority carries into the top plane, so that this plane is the result.
    """
    wide, width = planes.shape[1], out.shape[1]
    carry = np.empty(wide, dtype=np.uint64)
    for row in range(targets.shape[0]):
        if starts[row] == starts[row + 1]:
            continue
        total = np.int64(0)
        for entry in range(starts[row], starts[row + 1]):
            total += weights[entry]
        top = 0
        while total >> top:
            top += 1
        begin = (np.int64(1) << top) - (total // 2 + 1)
        for plane in range(top + 1):
            planes[plane, :] = _ALL if (begin >> plane) & 1 else np.uint64(0)
        for entry in range(starts[row], starts[row + 1]):
            _add(planes[: top + 1], words[entry * wide : (entry + 1) * wide], weights[entry], carry)
        target = targets[row]
        for word in range(width):
            result = np.uint64(0)
            for ballot in range(wide // width):
                result ^= planes[top, ballot * width + word]
            out[target, word] = result


def _most_blocks(rows: TokenRows, per_token: int) -> Int64Array:
    """At most so many blocks are needed before each row and after the last: int64 of shape (rows + 1,), from 0."""
    sizes = np.append(np.diff(rows.starts), 0)[rows.lists].sum(axis=1) + 1
    return np.concatenate([[0], np.cumsum(sizes * per_token)])


def _verify(rows: TokenRows, majorities: int, tie_token: int, targets: Int64Array, out: ByteMatrix) -> None:
    rows.verify()
    verify_targets(rows, targets, out)
    if out.shape[1] * 8 < _BLOCK_BITS or majorities < 1 or not out.flags.c_contiguous:
        raise ValueError("encodings are shorter than a block, not contiguous, or without a vote")
    if not 0 <= tie_token < len(rows.token_words) or (rows.tokens == tie_token).any():
        raise ValueError("the tie token is out of range or stands in a list")
