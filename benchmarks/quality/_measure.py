"""Precision, recall and F1 of pairs against the truth, at one threshold and at the best.

Pairs are rows ``left`` < ``right`` with a score, higher is likelier. Three ways to read them, for a peer's user would
take the one that fits: ``pairs`` as they stand; ``one-to-one``, assigned greedily from the best on; ``clusters``, in
which every two rows that a chain of pairs connects are a pair. Ties are taken together in every reading but
one-to-one, where the order of rows breaks them. A threshold is the score of the last pair taken; of thresholds of equal
F1, and of readings, the first stands.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from _sets import LinkageSet

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Counts and shares at one threshold; ``taken`` pairs, of which ``right`` are true, of ``existing`` true ones."""

    taken: int
    right: int
    existing: int
    threshold: float | None = None
    reading: str = "pairs"

    @property
    def precision(self) -> float:
        return self.right / self.taken if self.taken else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.existing if self.existing else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.taken + self.existing) if self.taken + self.existing else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPairs:
    """Pairs that count (see :class:`LinkageSet`), int64 rows ``left`` < ``right`` and float64 ``score``, best first;
    ties by rows."""

    left: IntArray = field(repr=False)
    right: IntArray = field(repr=False)
    score: FloatArray = field(repr=False)

    def __len__(self) -> int:
        return len(self.left)


def scored_pairs(problem: LinkageSet, left: IntArray, right: IntArray, score: FloatArray) -> ScoredPairs:
    """Keep what counts, once each, and bring it in order."""
    low, high = np.minimum(left, right).astype(np.int64), np.maximum(left, right).astype(np.int64)
    counts = (problem.person[low] >= 0) & (problem.person[high] >= 0) & (low != high)
    if not problem.within:
        counts &= problem.file_of[low] != problem.file_of[high]
    low, high, score = low[counts], high[counts], score[counts].astype(np.float64)
    order = np.lexsort((high, low, -score))
    return ScoredPairs(left=low[order], right=high[order], score=score[order])


def best_score(problem: LinkageSet, pairs: ScoredPairs) -> tuple[Score, ScoredPairs]:
    """The best of all readings that fit the problem, and the pairs that it takes (for clusters: those that link)."""
    readings = [("pairs", pairs), ("one-to-one", one_to_one(pairs))] if problem.one_to_one else [("pairs", pairs)]
    found = [(_best_of_pairs(problem, taken, reading), taken) for reading, taken in readings]
    if problem.within:
        found.append((_best_of_clusters(problem, pairs), pairs))
    score, taken = max(found, key=lambda item: item[0].f1)
    count = 0 if score.threshold is None else int((taken.score >= score.threshold).sum())
    return score, ScoredPairs(left=taken.left[:count], right=taken.right[:count], score=taken.score[:count])


def score_at(problem: LinkageSet, pairs: ScoredPairs, threshold: float) -> Score:
    """The pairs as they stand, from ``threshold`` on."""
    taken = pairs.score >= threshold
    right = problem.person[pairs.left] == problem.person[pairs.right]
    return Score(
        taken=int(taken.sum()), right=int((taken & right).sum()), existing=problem.true_pairs(), threshold=threshold
    )


def score_of_clusters(problem: LinkageSet, labels: IntArray) -> Score:
    """All pairs that count of rows with one label, int64 of shape (rows,)."""
    known = np.flatnonzero(problem.person >= 0)
    parts = (
        [known] if problem.within else [known[problem.file_of[known] == index] for index in range(len(problem.files))]
    )

    def count(rows: IntArray, *columns: IntArray) -> int:
        sizes = np.unique(np.stack([column[rows] for column in columns]), axis=1, return_counts=True)[1]
        return int((sizes * (sizes - 1) // 2).sum())

    taken, right = count(known, labels), count(known, labels, problem.person)
    if not problem.within:
        taken -= sum(count(part, labels) for part in parts)
        right -= sum(count(part, labels, problem.person) for part in parts)
    return Score(taken=taken, right=right, existing=problem.true_pairs(), reading="clusters")


def clusters_of(problem: LinkageSet, pairs: ScoredPairs) -> IntArray:
    """The smallest row that a chain of pairs connects each row with, int64 of shape (rows,)."""
    label = np.arange(len(problem.person))
    while True:
        low = np.minimum(label[pairs.left], label[pairs.right])
        grown = label.copy()
        for side in (pairs.left, pairs.right):
            np.minimum.at(grown, label[side], low)
        grown = grown[grown]
        if np.array_equal(grown, label):
            return label
        label = grown


def one_to_one(pairs: ScoredPairs) -> ScoredPairs:
    """Assign greedily, best pair first; what a threshold leaves of it is the assignment at that threshold."""
    used: set[int] = set()
    kept = []
    for place, (left, right) in enumerate(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)):
        if left not in used and right not in used:
            used.update((left, right))
            kept.append(place)
    return ScoredPairs(left=pairs.left[kept], right=pairs.right[kept], score=pairs.score[kept])


def _best_of_pairs(problem: LinkageSet, pairs: ScoredPairs, reading: str) -> Score:
    existing = problem.true_pairs()
    ends = _ends_of_ties(pairs.score)
    if not len(ends):
        return Score(taken=0, right=0, existing=existing, reading=reading)
    right = np.cumsum(problem.person[pairs.left] == problem.person[pairs.right])[ends]
    best = int(np.argmax(2 * right / (ends + 1 + existing)))
    return Score(
        taken=int(ends[best]) + 1,
        right=int(right[best]),
        existing=existing,
        threshold=float(pairs.score[ends[best]]),
        reading=reading,
    )


def _ends_of_ties(score: FloatArray) -> IntArray:
    """The last place of every run of equal scores."""
    return np.flatnonzero(np.append(score[1:] != score[:-1], True)) if len(score) else np.empty(0, dtype=np.int64)


def _best_of_clusters(problem: LinkageSet, pairs: ScoredPairs) -> Score:
    """Grow the clusters pair by pair, smaller into larger, and count what each growth adds."""
    existing = problem.true_pairs()
    # Clusters hold every pair that links them: from this many pairs on, no F1 is above 0.1.
    places = min(len(pairs), 20 * existing)
    root = list(range(len(problem.person)))
    people: dict[int, Counter[int]] = {}
    sizes = [1] * len(root)
    person = problem.person.tolist()
    ends = set(_ends_of_ties(pairs.score).tolist())
    taken = right = 0
    best = Score(taken=0, right=0, existing=existing, reading="clusters")

    def find(row: int) -> int:
        while root[row] != row:
            root[row] = root[root[row]]
            row = root[row]
        return row

    linked = zip(pairs.left[:places].tolist(), pairs.right[:places].tolist(), strict=True)
    for place, ends_of_pair in enumerate(linked):
        small, large = sorted((find(ends_of_pair[0]), find(ends_of_pair[1])), key=lambda row: (sizes[row], row))
        if small != large:
            ours = people.pop(small, None) or Counter((person[small],))
            theirs = people.setdefault(large, Counter((person[large],)))
            taken += sizes[small] * sizes[large]
            right += sum(count * theirs[who] for who, count in ours.items())
            theirs.update(ours)
            root[small] = large
            sizes[large] += sizes[small]
        if place in ends and 2 * right * (best.taken + existing) > 2 * best.right * (taken + existing):
            best = Score(
                taken=taken,
                right=right,
                existing=existing,
                threshold=float(pairs.score[place]),
                reading="clusters",
            )
    return best
