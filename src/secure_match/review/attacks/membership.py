"""AUDIT: membership: is this person in the file at all? For a file of benefits that is the secret.

Papers: membership inference as a game of two worlds (Homer and others, PLoS Genetics 2008; Shokri and others, S&P
2017).

Adversary: the agreement, a roster in plaintext with members and others, all encodings and tags, and whose row some of
them are. ID tokens and coded columns are not read.

How: without blocks, by the likelihood of the row that fits a person best, over that of any row (noisy OR, learnt from
the known pairs). Under blocks, a person whose block value is that of a known row's tag is a member as likely as rows
are left under the tag for the people who are left; of others nothing is known.

Metric: as many members as others are drawn, none of the known pairs; the half that scores highest is called members.
Share of right calls; guessing gives 0.5.

Invariants: ties are broken by the seed. Deterministic under it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.review.attacks._learners import NoisyOr
from secure_match.review.attacks._tokens import tokens_of, unpacked
from secure_match.review.attacks.inputs import IntArray, SeenPass, group_numbers, value_numbers
from secure_match.review.attacks.result import AttackResult

FloatArray = npt.NDArray[np.float64]
MAX_TRIALS: Final = 1_000
"""Members, and as many others."""
_MAX_PAIRS: Final = 3_000
_ROWS: Final = 4_096
_MAX_ROWS: Final = 24_576
_EDGE: Final = 1e-3


def membership(seen: SeenPass, *, truth: IntArray, known: IntArray, seed: int = 0) -> AttackResult:
    """Tell members from others.

    Args:
        seen: the pass; its roster holds people who are not in the file, too.
        truth: int64 of shape (rows,), each row's person, or -1.
        known: rows of the known pairs.
        seed: of the draws.
    """
    known = known[seen.present[known]]
    rng = np.random.default_rng(seed)
    inside = np.zeros(seen.roster_size, dtype=np.bool_)
    inside[truth[seen.present & (truth >= 0)]] = True
    fresh = np.ones(seen.roster_size, dtype=np.bool_)
    fresh[truth[known]] = False
    members, others = np.flatnonzero(inside & fresh), np.flatnonzero(~inside & fresh)
    size = min(len(members), len(others), MAX_TRIALS)
    drawn = [rng.choice(people, size=size, replace=False) for people in (members, others)]
    persons = np.concatenate(drawn).astype(np.int64)
    hits = 0
    if size:
        scores = _scores(seen, truth, known, persons)
        order = np.lexsort((rng.random(2 * size), -scores))
        hits = int((order[:size] < size).sum() + (order[size:] >= size).sum())
    return AttackResult(
        attack="membership",
        source="membership inference (Homer and others 2008; Shokri and others 2017)",
        knowledge="the agreement, a roster with members and others, all encodings and tags, and some known rows",
        metric="people, half of them members, of whom it is rightly said whether they are in the file",
        settings={"pass": seen.id, "pairs": len(known)},
        hits=hits,
        trials=2 * size,
        guessing=0.5,
    )


def _scores(seen: SeenPass, truth: IntArray, known: IntArray, persons: IntArray) -> FloatArray:
    if seen.tags is not None and seen.block_values is not None:
        groups, values = group_numbers(seen.tags, seen.present), value_numbers(seen.block_values)
        return _by_block(groups, values, truth, known, persons)
    return _by_fit(seen, truth, known, persons)


def _by_block(groups: IntArray, values: IntArray, truth: IntArray, known: IntArray, persons: IntArray) -> FloatArray:
    """Rows left under a known tag for each person left with its value; what is left in all where no tag is known."""
    people = np.bincount(values[values >= 0], minlength=int(values.max(initial=-1)) + 1).astype(np.int64)
    taken = np.unique(truth[known])
    np.subtract.at(people, values[taken[values[taken] >= 0]], 1)
    rows = np.bincount(groups[groups >= 0], minlength=int(groups.max(initial=-1)) + 1).astype(np.int64)
    np.subtract.at(rows, groups[known], 1)
    left = np.full(len(people), -1.0)
    at = values[truth[known]]
    left[at[at >= 0]] = rows[groups[known][at >= 0]]
    base = rows.sum() / max(int(people.sum()), 1)
    value = values[persons]
    told = (value >= 0) & (left[np.maximum(value, 0)] >= 0)
    scores = np.full(len(persons), base)
    scores[told] = left[value[told]] / np.maximum(people[value[told]], 1)
    return scores


def _by_fit(seen: SeenPass, truth: IntArray, known: IntArray, persons: IntArray) -> FloatArray:
    best = np.full(len(persons), -np.inf)
    if len(known) == 0:
        return np.zeros(len(persons))
    tokens = tokens_of(seen)
    learnt_from = known[:_MAX_PAIRS]
    model = NoisyOr(tokens.has[truth[learnt_from]], unpacked(seen.encodings[learnt_from]), tokens.share)
    rows = np.setdiff1d(np.flatnonzero(seen.present), known)[:_MAX_ROWS]
    mean = np.clip(unpacked(seen.encodings[rows[:_ROWS]]).mean(axis=0), _EDGE, 1 - _EDGE)
    for start in range(0, len(rows), _ROWS):
        bits = unpacked(seen.encodings[rows[start : start + _ROWS]])
        anybody = bits @ np.log(mean / (1 - mean)) + np.log1p(-mean).sum()
        found = model.scores(bits, tokens.has[persons]) - anybody[:, None]
        best = np.maximum(best, found.max(axis=0))
    return best
