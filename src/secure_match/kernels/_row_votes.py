"""ENCODED: who votes on the bits of a row's encoding, and with which weight.

Invariant: the weights of a row cannot be halved, so there is no tie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from secure_match.kernels._pass_bits import Int32Array, Int64Array, TokenRows
from secure_match.kernels._popcount import jit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RowVotes:
    """Who votes in each row: row ``i`` has the entries ``starts[i]`` to ``starts[i + 1] - 1``.

    Attributes:
        starts: int64 of shape (rows + 1,).
        tokens: int32 of shape (entries,): index of a token.
        weights: int64 of shape (entries,), positive; their sum over a row cannot be halved.
    """

    starts: Int64Array
    tokens: Int32Array
    weights: Int64Array


def row_votes(rows: TokenRows, tie_token: int, start: int, stop: int) -> RowVotes:
    """Who votes in some rows, and with which weight.

    A token's weight is twice its largest count in the row; tokens stand in the order of columns, lists and entries,
    each at its first place; those of count 0 are left out. Where half the sum of counts is whole, so that votes
    could tie, the tie token comes last, with weight 1. Rows without a token have no entry.

    Args:
        start, stop: the range of rows.
    """
    sizes = np.append(np.diff(rows.starts), 0)[rows.lists[start:stop]].sum(axis=1) + 1
    room = int(sizes.sum())
    starts = np.zeros(stop - start + 1, dtype=np.int64)
    tokens, weights = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int64)
    places = np.full(len(rows.token_words), -1, dtype=np.int64)
    _row_votes(
        rows.lists[start:stop],
        rows.starts,
        rows.tokens,
        rows.counts,
        np.int32(tie_token),
        places,
        starts,
        tokens,
        weights,
    )
    end = int(starts[-1])
    return RowVotes(starts=starts, tokens=tokens[:end], weights=weights[:end])


def row_votes_reference(rows: TokenRows, tie_token: int, start: int, stop: int) -> RowVotes:
    """Reference of :func:`row_votes`, in Python."""
    starts, tokens, weights = [0], [], []
    for lists in rows.lists[start:stop].tolist():
        counts: dict[int, int] = {}
        for index in (one for one in lists if one >= 0):
            entries = slice(int(rows.starts[index]), int(rows.starts[index + 1]))
            for token, count in zip(rows.tokens[entries].tolist(), rows.counts[entries].tolist(), strict=True):
                if count:
                    counts[token] = max(count, counts.get(token, 0))
        if counts and sum(counts.values()) % 2 == 0:
            tokens += [*counts, tie_token]
            weights += [*(2 * count for count in counts.values()), 1]
        else:
            tokens += counts
            weights += [2 * count for count in counts.values()]
        starts.append(len(tokens))
    return RowVotes(
        starts=np.array(starts, dtype=np.int64),
        tokens=np.array(tokens, dtype=np.int32),
        weights=np.array(weights, dtype=np.int64),
    )


@jit
def _row_votes(  # noqa: PLR0917  # Numba functions take their arrays by position.
    lists: Int64Array,
    list_starts: Int64Array,
    entries: Int32Array,
    counts: Int32Array,
    tie_token: np.int32,
    places: Int64Array,
    starts: Int64Array,
    tokens: Int32Array,
    weights: Int64Array,
) -> None:
    at = 0
    for row in range(lists.shape[0]):
        begin, total = at, np.int64(0)
        for column in range(lists.shape[1]):
            index = lists[row, column]
            if index < 0:
                continue
            for entry in range(list_starts[index], list_starts[index + 1]):
                token, weight = entries[entry], 2 * np.int64(counts[entry])
                if weight == 0:
                    continue
                # Of earlier rows a place is before the beginning.
                place = places[token]
                if place < begin:
                    places[token] = at
                    tokens[at], weights[at] = token, weight
                    total += weight
                    at += 1
                elif weight > weights[place]:
                    total += weight - weights[place]
                    weights[place] = weight
        if at > begin and total % 4 == 0:
            tokens[at], weights[at] = tie_token, 1
            at += 1
        starts[row + 1] = at
