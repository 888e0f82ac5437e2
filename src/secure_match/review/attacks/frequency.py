"""AUDIT: frequency attacks on encodings: common values have common encodings, and common q-grams leave common bits.

Papers: frequency alignment (Christen, Schnell, Vatsalan, Ranbaduge, PAKDD 2017); pattern mining (Christen, Vidanage,
Ranbaduge, Schnell, PAKDD 2018). Both go on with what they found as if it were known, which makes them stronger than the
papers: encodings named so far teach which bits q-grams set, and that names further ones.

Adversary: the agreement, the roster in plaintext, and all encodings with their tags; no key and no known pair.

Metric: share of rows whose whole value (block value and encoded fields) is named rightly, beside the rate of always
naming the commonest value. A right value names everybody who has it; it names a person only where it is unique.

Invariants: equal encodings are named alike; ties in rank go by order of bytes on one side and of text on the other,
which have nothing to do with each other. Deterministic; memory and time are bounded by the constants below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from secure_match.exchange.opaque import Guarded
from secure_match.review.attacks._learners import NoisyOr
from secure_match.review.attacks._patterns import mine_patterns, pattern_scores
from secure_match.review.attacks._tokens import RosterTokens, tokens_of, unpacked
from secure_match.review.attacks.inputs import FloatMatrix, IntArray, SeenPass, joint_texts
from secure_match.review.attacks.result import AttackResult

STARTS: Final = (2, 4, 8, 16, 32, 64)
"""Numbers of commonest encodings that are named by rank alone before anything is learnt; the best fit counts."""
MAX_ENCODINGS: Final = 1_024
"""Commonest encodings that learning goes on to; the others keep the value of their rank."""
MAX_VALUES: Final = 1_536
"""Commonest values that these are chosen from."""
_COUNT_WEIGHT: Final = 2.0
_GROWTH: Final = 2
_TURNS: Final = 6
"""Times that all names are learnt from and given anew."""
_NOTHING: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class _Counted(Guarded):
    """Distinct encodings and distinct values, both by falling count.

    Attributes:
        encoding_of: int64 of shape (rows,), each row's encoding, -1 without one.
        value_of: int64 of shape (people,), each person's value, -1 without one.
        first_row: a row of each encoding; ``first_person`` likewise.
    """

    encoding_of: IntArray
    encoding_counts: IntArray
    first_row: IntArray
    value_of: IntArray
    value_counts: IntArray
    first_person: IntArray


def frequency_alignment(seen: SeenPass, *, truth: IntArray) -> AttackResult:
    """Lay the ranking of encodings beside that of values, learn from the top of it, and name further encodings.

    Args:
        seen: the pass; under blocks a value is the block value with the encoded fields.
        truth: int64 of shape (rows,), each row's person; read to count hits.
    """
    counted = _count(seen)
    named = _by_rank(counted)
    tokens = tokens_of(seen)
    most = min(len(counted.encoding_counts), len(counted.value_counts))
    if counted.encoding_counts.max(initial=0) <= 1:
        # Nothing is commoner than anything else: there is no rank to begin from.
        most = 0
    tries = [_learn(seen, counted, tokens, named, size) for size in STARTS if size <= most]
    if tries:
        named = max(tries, key=lambda item: item[1])[0]
    return _result(("frequency_alignment", "Christen, Schnell, Vatsalan, Ranbaduge 2017"), seen, counted, named, truth)


def pattern_mining(seen: SeenPass, *, truth: IntArray) -> AttackResult:
    """Find sets of bits that occur together as often as the commonest q-grams do, and name encodings by them.

    Needs no encoding that occurs twice. Arguments are those of :func:`frequency_alignment`.
    """
    counted = _count(seen)
    named = _by_rank(counted)
    tokens = tokens_of(seen)
    rows = np.flatnonzero(seen.present)
    people = np.flatnonzero(counted.value_of >= 0)
    if len(rows) and len(people):
        patterns = mine_patterns(seen.encodings[rows], tokens.has[people], tokens.share)
        top, chosen = _tops(counted, MAX_ENCODINGS, MAX_VALUES)
        has = tokens.has[counted.first_person[chosen]]
        scores = pattern_scores(patterns, unpacked(seen.encodings[counted.first_row[top]]), has)
        named[top] = _assign(scores, counted, top, chosen)[0]
        tries = [_learn(seen, counted, tokens, named, min(size, len(top))) for size in (*STARTS, len(top))]
        named = max(tries, key=lambda item: item[1])[0]
    return _result(("pattern_mining", "Christen, Vidanage, Ranbaduge, Schnell 2018"), seen, counted, named, truth)


def _count(seen: SeenPass) -> _Counted:
    whole = seen.encodings if seen.tags is None else np.concatenate([seen.tags, seen.encodings], axis=1)
    rows = np.flatnonzero(seen.present)
    marks = np.ascontiguousarray(whole[rows]).view(f"V{whole.shape[1]}").ravel()
    texts = joint_texts(seen.columns)
    if seen.block_values is not None:
        pairs = zip(seen.block_values, texts, strict=True)
        texts = [f"{block}\x1e{text}" if block and text else "" for block, text in pairs]
    held = np.asarray(texts, dtype=np.str_)
    people = np.flatnonzero(held != "")
    encoding_of, encoding_counts, first_row = _ranked(marks, rows, len(whole))
    value_of, value_counts, first_person = _ranked(held[people], people, len(held))
    return _Counted(
        encoding_of=encoding_of,
        encoding_counts=encoding_counts,
        first_row=first_row,
        value_of=value_of,
        value_counts=value_counts,
        first_person=first_person,
    )


def _ranked(items: npt.NDArray[np.generic], places: IntArray, total: int) -> tuple[IntArray, IntArray, IntArray]:
    """Numbers by falling count, ties in order of the items; of all places, counts, and a place of each number."""
    _, first, inverse, counts = np.unique(items, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    number = np.full(total, _NOTHING, dtype=np.int64)
    number[places] = rank[inverse]
    return number, counts[order].astype(np.int64), places[first[order]].astype(np.int64)


def _by_rank(counted: _Counted) -> IntArray:
    """Value of each encoding by rank: int64 of shape (encodings,), -1 beyond the values."""
    ranks = np.arange(len(counted.encoding_counts), dtype=np.int64)
    return np.where(ranks < len(counted.value_counts), ranks, _NOTHING)


def _tops(counted: _Counted, encodings: int, values: int) -> tuple[IntArray, IntArray]:
    return (
        np.arange(min(encodings, len(counted.encoding_counts)), dtype=np.int64),
        np.arange(min(values, len(counted.value_counts)), dtype=np.int64),
    )


def _learn(
    seen: SeenPass, counted: _Counted, tokens: RosterTokens, named: IntArray, size: int
) -> tuple[IntArray, float]:
    """Learn from the ``size`` commonest encodings as they are named, name twice as many, and so on; then all anew.

    Returns:
        Names, and how well they fit what was learnt from them: the adversary sees by it which start was right.
    """
    named = named.copy()
    largest = min(MAX_ENCODINGS, len(counted.encoding_counts))
    fit, turns = -np.inf, 0
    while size >= 2:
        wide = min(size * _GROWTH, largest)
        top, chosen = _tops(counted, wide, wide * MAX_VALUES // MAX_ENCODINGS)
        from_them = top[:size][named[top[:size]] >= 0]
        bits = unpacked(seen.encodings[counted.first_row[top]])
        model = NoisyOr(tokens.has[counted.first_person[named[from_them]]], bits[from_them], tokens.share)
        has: sparse.csr_matrix = tokens.has[counted.first_person[chosen]]
        named[top], fit = _assign(model.scores(bits, has), counted, top, chosen)
        turns += size == largest
        if turns > _TURNS:
            break
        size = wide
    return named, fit


def _assign(scores: FloatMatrix, counted: _Counted, top: IntArray, chosen: IntArray) -> tuple[IntArray, float]:
    """One value for each encoding, no value twice, by scores and by how far counts are apart; and the mean score."""
    apart = np.sqrt(counted.encoding_counts[top])[:, None] - np.sqrt(counted.value_counts[chosen])[None, :]
    gain = scores - scores.max(axis=1, keepdims=True) - _COUNT_WEIGHT * np.square(apart)
    given = np.full(len(top), _NOTHING, dtype=np.int64)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    given[rows] = chosen[columns]
    return given, float(scores[rows, columns].mean()) if len(rows) else -np.inf


def _result(
    names: tuple[str, str], seen: SeenPass, counted: _Counted, named: IntArray, truth: IntArray
) -> AttackResult:
    attack, source = names
    rows = np.flatnonzero(seen.present & (truth >= 0))
    right = counted.value_of[truth[rows]]
    guesses = named[counted.encoding_of[rows]] if len(rows) else right
    common = np.isin(right, np.arange(10))
    share = float((guesses[common] == right[common]).mean()) if common.any() else 0.0
    return AttackResult(
        attack=attack,
        source=source,
        knowledge="the agreement, the roster in plaintext, all encodings and tags",
        metric="rows whose block value and encoded fields are named rightly",
        settings={"pass": seen.id, "distinct": len(counted.encoding_counts), "ten_commonest_named": round(share, 4)},
        hits=int(((guesses == right) & (right >= 0)).sum()),
        trials=len(rows),
        guessing=float((right == 0).mean()) if len(rows) else 0.0,
    )
