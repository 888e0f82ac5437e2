"""AUDIT: which bits the commonest tokens set, from how often bits occur together (Christen and others, PAKDD 2018).

In the rows that are left the commonest token stands out: the bits that it sets are set together at least as often as it
occurs, more often than any other set of that many bits. Rows that have them hold the token. The rows and people who
have it, and those who have not, are looked at in turn, each with its own commonest token.

Invariants: reads encodings and roster as two heaps, never whose row an encoding is. Same input, same patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from secure_match.review.attacks.inputs import BoolArray, ByteMatrix, FloatMatrix, IntArray

_TOKENS: Final = 64
_LEAD: Final = 0.01
"""Share of its own count by which the commonest token of a heap must lead, to tell its bits from the next one's."""
_NEVER_ALL: Final = 0.98
"""Of a heap: a token that stands on nearly all of it divides nothing."""
_SMALLEST: Final = 40
"""People in a heap below which counts say nothing."""
_MAX_ROWS: Final = 24_576
_STARTS: Final = 12
_SET: Final = 0.98
_EDGE: Final = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patterns:
    """Tokens found, with their bits.

    Attributes:
        tokens: int64 of shape (found,).
        bits: bool of shape (found, bits).
        share: float32 of shape (tokens,), bits that any token sets on average.
    """

    tokens: IntArray
    bits: BoolArray
    share: npt.NDArray[np.float32]


def mine_patterns(encodings: ByteMatrix, has: sparse.csr_matrix, share: npt.NDArray[np.float32]) -> Patterns:
    """Find patterns of common tokens, heap by heap, the largest heap first.

    Args:
        encodings: uint8 of shape (rows, bytes).
        has: float32 CSR of shape (people, tokens).
        share: float32 of shape (tokens,), bits that a token sets.
    """
    step = -(-len(encodings) // _MAX_ROWS)
    bits = np.unpackbits(encodings[::step], axis=1).astype(np.bool_)
    found: dict[int, BoolArray] = {}
    heaps: list[tuple[BoolArray, BoolArray, frozenset[int]]] = [
        (np.ones(len(bits), dtype=np.bool_), np.ones(has.shape[0], dtype=np.bool_), frozenset())
    ]
    while heaps and len(found) < _TOKENS:
        heaps.sort(key=lambda item: -int(item[1].sum()))
        rows, people, spent = heaps.pop(0)
        if people.sum() < _SMALLEST or rows.sum() < _SMALLEST:
            continue
        counts = np.asarray(has[people].sum(axis=0)).ravel() / people.sum()
        counts[list(spent)] = 0
        token = int(counts.argmax())
        second = float(np.partition(counts, -2)[-2]) if len(counts) > 1 else 0.0
        # Tokens that always stand together (both ends of one bigram) cannot be told apart; nor can those of equal rank.
        if counts[token] - second < _LEAD * counts[token] or counts[token] > _NEVER_ALL:
            continue
        pattern = found.get(token)
        if pattern is None:
            pattern = _pattern(bits[rows], float(counts[token] + second) / 2, float(share[token]), found)
        if pattern is None:
            continue
        found[token] = pattern
        holds = bits[:, pattern].all(axis=1)
        owns = np.asarray(has[:, token].toarray()).ravel() > 0
        heaps += [(rows & holds, people & owns, spent | {token}), (rows & ~holds, people & ~owns, spent | {token})]
    width = encodings.shape[1] * 8
    return Patterns(
        tokens=np.array(list(found), dtype=np.int64),
        bits=np.array(list(found.values()), dtype=np.bool_).reshape(-1, width),
        share=share,
    )


def pattern_scores(patterns: Patterns, bits: FloatMatrix, has: sparse.csr_matrix) -> FloatMatrix:
    """Log likelihood of candidates: float32 of shape (encodings, candidates); tokens without a pattern set bits evenly.

    Args:
        patterns: what was found.
        bits: 0 or 1, of shape (encodings, bits).
        has: tokens of the candidates, of shape (candidates, tokens).
    """
    length = bits.shape[1]
    even = -np.expm1(patterns.share * np.log1p(-1.0 / length))
    fresh = np.log1p(-np.clip(even, _EDGE, 0.9)).astype(np.float32)
    fresh[patterns.tokens] = 0
    logs = np.log1p(-np.where(patterns.bits, np.float32(_SET), np.float32(_EDGE)))
    unset = has[:, patterns.tokens] @ logs + (has @ fresh)[:, None]
    likely = np.clip(-np.expm1(unset), _EDGE, 1 - _EDGE)
    missed = np.log1p(-likely)
    found: FloatMatrix = (bits @ (np.log(likely) - missed).T + missed.sum(axis=1)).astype(np.float32)
    return found


def _pattern(bits: BoolArray, least: float, size: float, found: dict[int, BoolArray]) -> BoolArray | None:
    """The set of bits that occur together in at least a share ``least`` of the rows, grown from the best start.

    None where no set grows to half the bits that the token sets.
    """
    support = bits.mean(axis=0)
    starts = np.argsort(-support, kind="stable")[:_STARTS]
    best: tuple[int, float, BoolArray] | None = None
    known = list(found.values())
    for start in starts:
        chosen = np.zeros(bits.shape[1], dtype=np.bool_)
        chosen[start] = True
        rows = bits[:, start]
        while chosen.sum() < 2 * size:
            together = bits[rows].sum(axis=0) / len(bits)
            together[chosen] = 0
            following = int(together.argmax())
            if together[following] < least:
                break
            chosen[following] = True
            rows = rows & bits[:, following]
        if chosen.sum() < max(2.0, size / 2) or any((chosen & other).sum() > 0.7 * chosen.sum() for other in known):
            continue
        # Larger sets first, then those that occur together more often.
        merit = (int(chosen.sum()), float(rows.mean()), chosen)
        if best is None or merit[:2] > best[:2]:
            best = merit
    return best[2] if best else None
