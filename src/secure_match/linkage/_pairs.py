"""ENCODED: candidate pairs of one pass: rows that share a block tag, by sort and merge.

Invariants: a row that is not valid stands in no pair; a block above ``max_block_rows`` is refused and
counted, so that work never grows with the square of a block unseen; the input's order changes row numbers and
nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secure_match.errors import LinkageError
from secure_match.kernels import blocked_dice, listed_dice, pack_words
from secure_match.linkage._sides import verify_threshold

ByteMatrix = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockedPairs:
    """Candidate pairs of one pass, ordered by (row_i, row_j); ``row_i < row_j``; no pair stands twice.

    Attributes:
        row_i: int64 of shape (pairs,).
        row_j: int64 of shape (pairs,).
        similarity: Dice similarity, float64 of shape (pairs,).
        skipped_blocks: blocks that were refused because they have more than ``max_block_rows`` rows.
        skipped_rows: rows of those blocks.
        compared: pairs that share a block and were judged (refused blocks and pairs of equal token left out).
    """

    row_i: IntArray
    row_j: IntArray
    similarity: FloatArray
    skipped_blocks: int
    skipped_rows: int
    compared: int

    def __len__(self) -> int:
        return len(self.similarity)

    def __repr__(self) -> str:
        return f"<BlockedPairs: {len(self)} of {self.compared} pairs, {self.skipped_blocks} blocks skipped>"


def blocked_pairs(
    encodings: ByteMatrix,
    valid: BoolArray,
    block_tags: ByteMatrix | None,
    token_codes: IntArray,
    *,
    base_threshold: float,
    different_threshold: float,
    max_block_rows: int,
    threads: int | None = None,
) -> BlockedPairs:
    """Candidate pairs of one pass over all rows of all datasets.

    Pairs of equal token are left out: their ID already links them.

    Args:
        encodings: uint8 of shape (rows, bytes).
        valid: bool of shape (rows,): the row has an encoding (and a tag) in this pass.
        block_tags: uint8 of shape (rows, 16), or None for an unblocked pass, which is one block.
        token_codes: int64 of shape (rows,): equal codes for equal ID tokens, -1 for no token.
        base_threshold: from 0 to 1, for pairs of which one or both rows have no token.
        different_threshold: from 0 to 1, for pairs of two different tokens.
        max_block_rows: largest block that is compared, in rows.
        threads: how many threads; None for all cores that the process may use. The result does not depend on
            it.

    Returns:
        The pairs that reach the threshold that applies to them, exact ties included.

    Raises:
        LinkageError: ``THRESHOLD_RANGE``, or ``PASS_SHAPE`` when the arrays do not belong together.
    """
    verify_threshold(base_threshold)
    verify_threshold(different_threshold)
    _verify_shapes(encodings, valid, block_tags)
    if token_codes.shape != valid.shape:
        raise LinkageError("the arrays of a pass have one entry per row", code="PASS_SHAPE")
    order, starts = _blocks(valid, block_tags)
    sizes = np.diff(starts)
    refused = sizes > max_block_rows
    kept = np.flatnonzero(~refused & (sizes > 1))
    kept_order = order[np.repeat(~refused & (sizes > 1), sizes)]
    result = blocked_dice(
        pack_words(encodings),
        kept_order,
        np.concatenate(([0], np.cumsum(sizes[kept]))).astype(np.int64),
        token_codes.astype(np.int64, copy=False),
        base_threshold=base_threshold,
        different_threshold=different_threshold,
        threads=threads,
    )
    return BlockedPairs(
        row_i=result.row_i,
        row_j=result.row_j,
        similarity=result.similarity,
        skipped_blocks=int(refused.sum()),
        skipped_rows=int(sizes[refused].sum()),
        compared=result.compared,
    )


def pair_similarity(
    encodings: ByteMatrix, valid: BoolArray, block_tags: ByteMatrix | None, row_i: IntArray, row_j: IntArray
) -> FloatArray:
    """Similarity of listed pairs in one pass.

    Args:
        encodings: uint8 of shape (rows, bytes).
        valid: bool of shape (rows,).
        block_tags: uint8 of shape (rows, 16), or None for an unblocked pass.
        row_i: int64 of shape (pairs,).
        row_j: int64 of shape (pairs,).

    Returns:
        float64 of shape (pairs,); NaN where the pair cannot be compared in this pass: a row is not valid, or
        the tags differ.

    Raises:
        LinkageError: ``PASS_SHAPE``, or ``PAIR_RANGE`` when a row number does not exist.
    """
    _verify_shapes(encodings, valid, block_tags)
    verify_row_numbers(row_i, row_j, num_rows=len(valid))
    comparable = valid[row_i] & valid[row_j]
    if block_tags is not None:
        high, low = _tag_words(block_tags)
        comparable &= (high[row_i] == high[row_j]) & (low[row_i] == low[row_j])
    similarity = np.full(len(row_i), np.nan)
    similarity[comparable] = listed_dice(pack_words(encodings), row_i[comparable], row_j[comparable])
    return similarity


def verify_row_numbers(first: IntArray | RowArray, second: IntArray | RowArray, *, num_rows: int) -> None:
    """Raise ``PAIR_RANGE`` unless two int64 or int32 arrays of one length hold row numbers below ``num_rows``."""
    right = first.ndim == 1 and first.shape == second.shape and first.dtype == second.dtype
    if not right or first.dtype not in (np.int64, np.int32):
        raise LinkageError("the two sides of the pairs are int64 arrays of one length", code="PAIR_RANGE")
    for side in (first, second):
        if len(side) and (side.min() < 0 or side.max() >= num_rows):
            raise LinkageError(f"a pair names a row that does not exist; there are {num_rows}", code="PAIR_RANGE")


def _verify_shapes(encodings: ByteMatrix, valid: BoolArray, block_tags: ByteMatrix | None) -> None:
    rows = len(valid)
    right = valid.shape == (rows,) and encodings.ndim == 2 and len(encodings) == rows
    if not right or (block_tags is not None and block_tags.shape != (rows, 16)):
        raise LinkageError("the arrays of a pass have one entry per row, and tags have 16 bytes", code="PASS_SHAPE")


def _tag_words(block_tags: ByteMatrix) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    words = np.ascontiguousarray(block_tags).view(np.uint64)
    return words[:, 0], words[:, 1]


def _blocks(valid: BoolArray, block_tags: ByteMatrix | None) -> tuple[IntArray, IntArray]:
    """Valid rows block after block, in row order inside a block, and where each block starts."""
    rows = np.flatnonzero(valid).astype(np.int64)
    if block_tags is None or len(rows) == 0:
        return rows, np.unique(np.array([0, len(rows)], dtype=np.int64))
    high, low = (words[rows] for words in _tag_words(block_tags))
    order = np.lexsort((low, high))
    high, low = high[order], low[order]
    changes = np.flatnonzero((high[1:] != high[:-1]) | (low[1:] != low[:-1])) + 1
    return rows[order], np.concatenate(([0], changes, [len(rows)])).astype(np.int64)
