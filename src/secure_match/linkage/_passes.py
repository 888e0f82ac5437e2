"""ENCODED: one pass over all rows, column by column: its candidate pairs, and its evidence on listed pairs.

Invariants:

* of the columns of a pass only what is needed is gathered, once, in the order in which it is needed,
* a pair is a candidate, and has a similarity, exactly where ``blocked_pairs`` and ``pair_similarity`` say so,
* a block above ``max_block_rows`` is refused and counted, never compared in part.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from secure_match.agreement import Agreement, Pass
from secure_match.encoded import matrix_from_binary
from secure_match.kernels import BlockedResult, balanced_edges, gather_rows, grouped_dice, listed_in_blocks
from secure_match.linkage._keys import BoolArray, Groups, IntArray, Keys, RowArray, WordArray, group_rows
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._plan import plan_memory
from secure_match.linkage._rows import PairKeys, RowTable, pair_keys
from secure_match.linkage._steps import LinkHooks, Step, released_chunks

_PAIRS_PER_PIECE: Final = 1 << 23
"""Pairs compared between two reports of progress: a few hundredths of a second."""
_WORD_BITS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """What a pass did.

    Attributes:
        id: the pass.
        compared: pairs that share a block and were judged.
        candidates: pairs at or above the threshold that applies to them.
        skipped_blocks: blocks refused because they have more than ``max_block_rows`` rows.
        skipped_rows: their rows.
        skipped_pairs: pairs of rows in them, which nobody compared.
        largest_block_rows: rows of the largest block, refused or not.
    """

    id: str
    compared: int
    candidates: int
    skipped_blocks: int
    skipped_rows: int
    skipped_pairs: int = 0
    largest_block_rows: int = 0


def pass_candidates(agreement: Agreement, rows: RowTable, item: Pass, *, threads: int | None, hooks: LinkHooks) -> Step:
    """Candidate pairs of one pass.

    Returns:
        ``pairs``: pair keys in rising order, uint64; ``blocks``: block of each row, int32 of shape (rows,), -1 for
        none; and the counts of :class:`PassReport`.

    Raises:
        LinkageError: ``MEMORY_PLAN`` as soon as there are more pairs than the limit has room for.
    """
    groups = _blocks(rows, item, hooks)
    sizes = groups.sizes
    refused = sizes > agreement.limits.max_block_rows
    kept = _worth_walking(groups, rows.token_codes) & ~refused
    order = groups.order[np.repeat(kept, sizes)]
    starts = np.concatenate(([0], np.cumsum(sizes[kept]))).astype(np.int64)
    walk = _Walk(agreement=agreement, rows=rows, item=item, threads=threads, hooks=hooks)
    found, compared = walk.compare(order, starts)
    pairs = np.concatenate([np.zeros(0, dtype=np.uint64), *found])
    pairs.sort()
    large = sizes[refused]
    counts = {
        "compared": compared,
        "candidates": len(pairs),
        "skipped_blocks": len(large),
        "skipped_rows": int(large.sum()),
        "skipped_pairs": int((large * (large - 1) // 2).sum()),
        "largest_block_rows": int(sizes.max(initial=0)),
    }
    return Step(arrays={"pairs": pairs, "blocks": groups.of_rows(len(rows))}, counts=counts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Walk:
    """One pass through the blocks of a pass, piece by piece."""

    agreement: Agreement
    rows: RowTable
    item: Pass
    threads: int | None
    hooks: LinkHooks

    def compare(self, order: IntArray, starts: IntArray) -> tuple[list[PairKeys], int]:
        """Pair keys of each piece, and how many pairs were compared."""
        words = _gathered(self.rows, self.item, order, self.hooks)
        sizes = np.diff(starts)
        pieces = int((sizes * (sizes - 1) // 2).sum()) // _PAIRS_PER_PIECE + 1
        edges = balanced_edges(sizes, pieces).tolist()
        found: list[PairKeys] = []
        compared = number = 0
        for begin, end in pairwise(edges):
            members = slice(int(starts[begin]), int(starts[end]))
            result = self._piece(words[members], starts[begin : end + 1] - starts[begin], order[members])
            found.append(pair_keys(result.row_i, result.row_j))
            compared += result.compared
            number += len(result.row_i)
            plan_memory(self.agreement, self.rows.datasets, pairs=number).verify(self.hooks.memory_limit_bytes)
            self.hooks.share(end / len(sizes))
        return found, compared

    def _piece(self, words: WordArray, starts: IntArray, members: IntArray) -> BlockedResult:
        base, different = _review_thresholds(self.agreement, self.item)
        return grouped_dice(
            words,
            starts,
            members,
            self.rows.token_codes[members].astype(np.int64),
            base_threshold=base,
            different_threshold=different,
            threads=self.threads,
        )


def pass_evidence(
    rows: RowTable,
    item: Pass,
    blocks: RowArray,
    pairs: tuple[RowArray, RowArray],
    *,
    threads: int | None,
    hooks: LinkHooks,
) -> FloatArray:
    """Similarity of listed pairs in one pass.

    Args:
        blocks: block of each row in the pass, int32 of shape (rows,), -1 for none.
        pairs: row_i and row_j, int32 of shape (pairs,).

    Returns:
        float64 of shape (pairs,); NaN where the pair cannot be compared in this pass.
    """
    row_i, row_j = pairs
    together = blocks[row_i] == blocks[row_j]
    wanted = np.zeros(len(rows), dtype=np.bool_)
    wanted[row_i[together]] = True
    wanted[row_j[together]] = True
    wanted &= blocks >= 0
    del together
    order = np.flatnonzero(wanted)
    words = _gathered(rows, item, order, hooks)
    return listed_in_blocks(words, _places(order, len(rows)), blocks, row_i, row_j, threads=threads)


def _review_thresholds(agreement: Agreement, item: Pass) -> tuple[float, float]:
    """From which similarity a pair is a candidate: where an ID token is missing, and where two differ."""
    link_threshold, review = agreement.thresholds_of(item)
    different = max(agreement.thresholds.different_ids_review or review, review)
    if not item.review_only:
        # Two passes at their link thresholds link different numbers: such pairs have to be found.
        different = min(different, link_threshold)
    return review, different


def _blocks(rows: RowTable, item: Pass, hooks: LinkHooks) -> Groups:
    """Rows with an encoding in the pass, by block; without block tags they are one block."""
    keys = Keys.empty(len(rows))
    for start, dataset in rows.with_pass(item.id):
        if item.block_on:
            keys.fill(start, dataset.table[f"pass.{item.id}.block"], hooks.release)
            continue
        column = dataset.table[f"pass.{item.id}.encoding"]
        keys.valid[start : start + len(dataset)] = column.is_valid().to_numpy()
    return group_rows(keys)


def _worth_walking(groups: Groups, token_codes: RowArray) -> BoolArray:
    """Blocks in which two rows can be compared: two at least, and not all of one ID token."""
    if len(groups.order) == 0:
        return np.zeros(len(groups.sizes), dtype=np.bool_)
    codes = token_codes[groups.order]
    lowest = np.minimum.reduceat(codes, groups.starts[:-1])
    highest = np.maximum.reduceat(codes, groups.starts[:-1])
    worth: BoolArray = (groups.sizes > 1) & ((lowest != highest) | (lowest < 0))
    return worth


def _places(order: IntArray, rows: int) -> RowArray:
    """Where each row stands in ``order``, -1 for nowhere: int32 of shape (rows,)."""
    places = np.full(rows, -1, dtype=np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    return places


def _gathered(rows: RowTable, item: Pass, order: IntArray, hooks: LinkHooks) -> WordArray:
    """Encodings of chosen rows in the given order, uint64 of shape (len(order), words)."""
    words = np.zeros((len(order), -(-item.encoded_bits // _WORD_BITS)), dtype=np.uint64)
    places = _places(order, len(rows))
    for start, dataset in rows.with_pass(item.id):
        place = start
        for chunk in released_chunks(dataset.table[f"pass.{item.id}.encoding"], hooks.release):
            end = place + len(chunk)
            if (places[place:end] >= 0).any():
                gather_rows(matrix_from_binary(chunk)[0], places[place:end], words)
            place = end
    return words
