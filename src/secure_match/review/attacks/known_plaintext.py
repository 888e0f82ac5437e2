"""AUDIT: known plaintext: learn from some known rows how plaintext becomes bits, then name the others.

Papers: regression from q-grams to bits and back; a neural decoder in the manner of NEPAL (neural pattern learning: an
encoding's bits foretell its q-grams, which are then laid beside a dictionary). The noisy OR is the likelihood of a
Bloom filter whose tokens set bits at random (Schnell, Bachteler, Reiher 2009).

Adversary: the agreement, the whole roster in plaintext, all encodings with their block tags, and whose encoding some
rows are. It lacks every key.

Metric: share of the rows of people who are not among the known pairs for whom the best candidate is the right person.

Invariants: trials are drawn from unseen people only; a row for which the adversary has nothing to go by is a trial that
misses; ties go to the candidate that stands first in the roster. Deterministic under the seed. Memory is bounded by
the constants below, not by the roster.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from scipy import sparse

from secure_match.review.attacks._decoder import Decoder
from secure_match.review.attacks._learners import Learner, NoisyOr, Ridge
from secure_match.review.attacks._tokens import RosterTokens, tokens_of, unpacked
from secure_match.review.attacks.inputs import (
    BoolArray,
    FloatMatrix,
    IntArray,
    SeenPass,
    group_numbers,
    unseen_rows,
    value_numbers,
)
from secure_match.review.attacks.result import AttackResult

LearnerName = Literal["noisy_or", "ridge", "logistic", "neural"]
LEARNERS: Final[tuple[LearnerName, ...]] = ("noisy_or", "ridge", "logistic", "neural")
MAX_TRIALS: Final = 2_000
"""Rows tried; drawn where there are more."""
MAX_PAIRS: Final = 3_000
"""Known rows learnt from; drawn where there are more."""
MAX_CANDIDATES: Final = 100_000
"""People that a row is compared with; drawn where the roster has more, beside those whose rows are tried."""
_CANDIDATES: Final = 4_096
_HIDDEN: Final = 128
_NOBODY: Final = -1
_SOURCE: Final = {
    "noisy_or": "likelihood of Bloom filters by random hashing (Schnell, Bachteler, Reiher 2009)",
    "ridge": "ridge regression from q-grams to bits",
    "logistic": "logistic regression from bits to q-grams",
    "neural": "neural decoder from bits to q-grams, in the manner of NEPAL",
}


def known_plaintext(
    seen: SeenPass, *, truth: IntArray, known: IntArray, learner: LearnerName = "noisy_or", seed: int = 0
) -> AttackResult:
    """Learn one map from all known pairs, and pick for each unseen row the best person of the whole roster.

    Args:
        seen: the pass.
        truth: int64 of shape (rows,), each row's person.
        known: rows of the known pairs (:func:`~secure_match.review.attacks.draw_known`).
        learner: what is learnt.
        seed: of the draw of trials and of the decoders.
    """
    known = known[seen.present[known]]
    trials = _trials(seen, truth, known, seed)
    guesses = np.full(len(trials), _NOBODY, dtype=np.int64)
    if len(known) and len(trials):
        tokens = tokens_of(seen)
        learnt_from = _sample(known, MAX_PAIRS, seed)
        model = _fit(learner, tokens, truth[learnt_from], unpacked(seen.encodings[learnt_from]), seed)
        others = _candidates(seen.roster_size, truth, known, trials, seed)
        guesses = _best(model, unpacked(seen.encodings[trials]), tokens.has, others)
    return _result(seen, truth, trials, guesses, {"pairs": len(known), "learner": learner, "scope": "all"})


def known_plaintext_by_tag(
    seen: SeenPass,
    *,
    truth: IntArray,
    known: IntArray,
    learner: Literal["noisy_or", "ridge"] = "noisy_or",
    seed: int = 0,
) -> AttackResult:
    """Learn within each block, and choose among the roster's people of that block.

    A known row gives its tag's block value away: other rows under that tag are of people with the same value. Rows
    under tags without a known row are trials that miss. Arguments are those of :func:`known_plaintext`; a pass without
    tags is one block.
    """
    known = known[seen.present[known]]
    trials = _trials(seen, truth, known, seed)
    if seen.tags is None or seen.block_values is None:
        return known_plaintext(seen, truth=truth, known=known, learner=learner, seed=seed)
    groups, values = group_numbers(seen.tags, seen.present), value_numbers(seen.block_values)
    tokens = tokens_of(seen)
    free = np.ones(seen.roster_size, dtype=np.bool_)
    free[truth[known]] = False
    guesses = np.full(len(trials), _NOBODY, dtype=np.int64)
    by_tag = known[np.argsort(groups[known], kind="stable")]
    for pairs in np.split(by_tag, np.flatnonzero(np.diff(groups[by_tag])) + 1):
        places = np.flatnonzero(groups[trials] == groups[pairs[0]]) if len(pairs) else np.zeros(0, dtype=np.int64)
        candidates = _of_value(values, truth[pairs], free) if len(places) else places
        if len(candidates) == 0:
            continue
        learnt_from = pairs[:MAX_PAIRS]
        model = _fit(learner, tokens, truth[learnt_from], unpacked(seen.encodings[learnt_from]), seed)
        guesses[places] = _best(model, unpacked(seen.encodings[trials[places]]), tokens.has, candidates)
    return _result(seen, truth, trials, guesses, {"pairs": len(known), "learner": learner, "scope": "by tag"})


def known_plaintext_attacks(
    seen: SeenPass,
    *,
    truth: IntArray,
    known: IntArray,
    seed: int = 0,
    learners: tuple[LearnerName, ...] = LEARNERS,
    over_blocks: bool = True,
) -> list[AttackResult]:
    """All learners over all rows, and those that can learn from one row within each block too; best first.

    Args:
        over_blocks: learn one map over all blocks, too, which takes longest; a pass without blocks always does.
    """
    whole = learners if over_blocks or seen.tags is None else ()
    results = [known_plaintext(seen, truth=truth, known=known, learner=name, seed=seed) for name in whole]
    if seen.tags is not None:
        results += [
            known_plaintext_by_tag(seen, truth=truth, known=known, learner=name, seed=seed)
            for name in ("noisy_or", "ridge")
            if name in learners
        ]
    return sorted(results, key=lambda item: -item.rate)


def _candidates(people: int, truth: IntArray, known: IntArray, trials: IntArray, seed: int) -> IntArray:
    """People outside the known pairs, rising. Of a large roster some: whose rows are tried are among them, so that the
    adversary does better than on all of it."""
    others = np.setdiff1d(np.arange(people), truth[known])
    if len(others) <= MAX_CANDIDATES:
        return others
    return np.union1d(_sample(others, MAX_CANDIDATES, seed + 2), truth[trials])


def _fit(learner: LearnerName, tokens: RosterTokens, persons: IntArray, bits: FloatMatrix, seed: int) -> Learner:
    has = tokens.has[persons]
    if learner == "noisy_or":
        return NoisyOr(has, bits, tokens.share)
    if learner == "ridge":
        return Ridge(has, bits, tokens.share)
    return Decoder(has, bits, hidden=_HIDDEN if learner == "neural" else 0, seed=seed)


def _best(model: Learner, bits: FloatMatrix, has: sparse.csr_matrix, candidates: IntArray) -> IntArray:
    """The best candidate for each encoding: int64 of shape (encodings,); the first of equals."""
    best = np.full(len(bits), -np.inf, dtype=np.float32)
    choice = np.full(len(bits), _NOBODY, dtype=np.int64)
    for start in range(0, len(candidates), _CANDIDATES):
        part = candidates[start : start + _CANDIDATES]
        scores = model.scores(bits, has[part])
        top = scores.argmax(axis=1)
        score = scores[np.arange(len(bits)), top]
        better = score > best
        best[better], choice[better] = score[better], part[top[better]]
    return choice


def _of_value(values: IntArray, persons: IntArray, free: BoolArray) -> IntArray:
    """People who are free and have the block value that most of ``persons`` have; the smallest number of equals."""
    held = values[persons]
    held = held[held >= 0]
    if len(held) == 0:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero((values == np.bincount(held).argmax()) & free).astype(np.int64)


def _trials(seen: SeenPass, truth: IntArray, known: IntArray, seed: int) -> IntArray:
    return _sample(unseen_rows(truth, known, seen.present), MAX_TRIALS, seed + 1)


def _sample(rows: IntArray, most: int, seed: int) -> IntArray:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, size=most, replace=False))


def _result(
    seen: SeenPass, truth: IntArray, trials: IntArray, guesses: IntArray, settings: dict[str, str | int | float]
) -> AttackResult:
    right = truth[trials]
    tried = guesses >= 0
    fields = {}
    for column in seen.columns:
        cells = np.asarray(column.values, dtype=np.str_)
        same = tried & (cells[right] == cells[np.where(tried, guesses, 0)]) & (cells[right] != "")
        fields[column.name] = float(same.mean()) if len(trials) else 0.0
    return AttackResult(
        attack="known_plaintext",
        source=_SOURCE[str(settings["learner"])],
        knowledge="the agreement, the roster in plaintext, all encodings and tags, and whose row some of them are",
        metric="rows of people not among the known pairs for whom the best candidate is the right person",
        settings={"pass": seen.id, **settings},
        hits=int((guesses == right).sum()),
        trials=len(trials),
        guessing=1.0 / max(seen.roster_size - int(settings["pairs"]), 1),
        fields=fields,
    )
