"""ENCODED: estimates the evidence model of a run by EM, without labels.

Follows Fellegi and Sunter (1969) for weights and decisions and Winkler (1988) for the estimation by EM. Comparisons
without a common identity field are taken as independent among true and among false pairs. Comparisons that share one
are not: each of these depends on up to three earlier ones (after Sahami 1996), so that evidence which passes hold
between them counts once.

Selection:

* u: candidates are the pairs that a pass or an equal ID token proposed. All other pairs stand in the estimate too, by
  random pairs that are weighted up. Where the agreement says that a dataset holds a person once, candidates inside it
  are known to be false, and u leans on them.
* m: it begins with pairs of equal ID tokens, which no pass selected, and goes on with all candidates. True pairs that
  nothing proposed count by what the model gives their pattern.
* Two phases: rows were asked for because their ID token equals none of the population's. What tokens say is estimated
  for pairs with the population and between registers apart, and that one is missing is a level of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from secure_match.linkage._comparisons import (
    DIFFERENT,
    EQUAL,
    MISSING,
    SIMILARITY_EDGES,
    Comparison,
    ComparisonKind,
    LevelArray,
)
from secure_match.linkage._evidence_model import TOKENS, EvidenceModel, Patterns, given_levels
from secure_match.linkage._first_shares import FEW_PAIRS, first_m, first_u
from secure_match.linkage._keys import BoolArray, IntArray
from secure_match.linkage._pairs import FloatArray

_ROUNDS: Final = 200
_STRUCTURE_ROUNDS: Final = (4, 8, 16)
_SETTLED: Final = 1e-5
"""Change of expected true pairs per true pair at which estimation ends."""
_PRIOR_PAIRS: Final = 10.0
"""True pairs' worth of the assumption that m begins with; a run of thousands does not feel it."""
_DOUBT: Final = 0.03
"""Share of that assumption that stays in the m of passes. Most true pairs that m is learned from have equal ID tokens,
and departments take birth date and sex from a valid number: these pairs flatter the passes."""
_FIRST_DOUBT: Final = 0.05
"""Its share at the beginning, for the same reason."""
_BACK_OFF: Final = 8.0
"""Pairs' worth by which a level that depends on another leans on what holds without it."""
_HALF: Final = 0.5
_FIRST_SHARE: Final = 0.3
_PRIOR_TRUE: Final = 0.01
_LARGEST_PRIOR: Final = 0.5
_SMALLEST: Final = 1e-300
"""No probability is 0: what was never seen is not impossible."""
_ENOUGH_FALSE: Final = 100
"""Candidates that are known to be false (two rows of a one-record-per-person dataset) from which u leans on them."""
_TRUST: Final = 0.9
"""How much it then does, and anywhere until it is settled what depends on what: candidates may be true pairs."""
_TRUST_UNKNOWN: Final = 0.5
"""How much u leans on random pairs alone where no candidate is known to be false. EM cannot tell a level that false
pairs reach from one that true pairs leave: all splits fit the data alike."""
_MOST_PARENTS: Final = 3
_CLIP: Final = 60.0


def fit(
    comparisons: tuple[Comparison, ...], patterns: Patterns, pairs: FloatArray, token_kinds: IntArray | None = None
) -> EvidenceModel:
    """Estimate m, u and the prior by EM.

    Args:
        patterns: all pairs of rows: candidates each once, others by a weighted sample.
        pairs: rows' pairs in each pair of datasets, float64 of shape (groups,).
        token_kinds: of a release in two phases ``AskedKind`` of each group, int64 of shape (groups,).
    """
    estimation = _Estimation(comparisons, patterns.to_estimate(), pairs, token_kinds)
    estimation.begin()
    return estimation.run()


def refit(model: EvidenceModel, patterns: Patterns, rounds: int) -> EvidenceModel:
    """The model of other patterns of the same comparisons, by some rounds of EM from a model that is near."""
    estimation = _Estimation(model.comparisons, patterns.to_estimate(), model.pairs, model.token_kinds)
    estimation.take(model)
    return estimation.run(rounds)


class _Estimation:
    """One run of EM; the state between rounds."""

    def __init__(
        self, comparisons: tuple[Comparison, ...], patterns: Patterns, pairs: FloatArray, token_kinds: IntArray | None
    ) -> None:
        self.settled = False
        self.token_kinds = token_kinds
        self.kind = None if token_kinds is None else token_kinds[patterns.group]
        self.comparisons, self.patterns, self.pairs = comparisons, patterns, np.maximum(pairs, 1.0)
        self.columns = [patterns.levels[:, place] for place in range(len(comparisons))]
        self.sizes = [len(item.levels) for item in comparisons]
        self.first_m = [first_m(item) for item in comparisons]
        self.lacking = max(0.0, FEW_PAIRS - float(self.pairs.sum()))
        self.first_u = [first_u(item, self.lacking) for item in comparisons]
        self.m = [table[None, :] for table in self.first_m]
        self.u = list(self.m)
        self.margins = [(table, table) for table in self.first_m]
        self.first = self.first_pairs()
        self.pure = float(patterns.proposed[patterns.known == 0.0].sum()) >= _ENOUGH_FALSE

    def begin(self) -> None:
        """Begin with what is taken for true and false before anything is estimated."""
        true, false = self.first
        self.depend_on(self.structure(true, false))
        self.maximise(true, false, _PRIOR_PAIRS + _FIRST_DOUBT * float(true.sum()))
        # Tokens of the first pairs agree by the choice of these.
        self.m[TOKENS] = np.repeat(self.first_m[TOKENS][None, :], len(self.u[TOKENS]), axis=0)
        if self.kind is not None:
            self.u[TOKENS][:, MISSING] = 1.0
        number = float(self.pairs.sum()) + self.lacking
        share = _FIRST_SHARE * np.sqrt(2 * number) / number
        self.prior = np.full(len(self.pairs), min(share, _LARGEST_PRIOR))

    def each(self) -> Iterator[tuple[LevelArray, int]]:
        return zip(self.columns, self.sizes, strict=True)

    def depend_on(self, parents: list[tuple[int, ...]]) -> None:
        self.parents = parents
        self.given = [given_levels(self.sizes, item, self.columns, len(self.patterns.weight)) for item in parents]
        if self.kind is not None:
            self.given[TOKENS] = self.kind

    def first_pairs(self) -> tuple[FloatArray, FloatArray]:
        """Pairs that are taken for true, and for false, before anything is estimated.

        True are those of equal ID tokens. False are random pairs, and, for levels that no random pair reaches,
        candidates that are known to be false. Where none is known to be, candidates of different ID tokens are taken
        for false, and those without tokens for true by the highest similarity that they have.
        """
        patterns = self.patterns
        proposed = patterns.proposed > 0
        equal, false = self.columns[0] == EQUAL, patterns.known == 0.0
        random = np.where(proposed, 0.0, patterns.weight)
        true = np.where(equal & ~false, patterns.weight, 0.0)
        if (false & proposed).any():
            within = self.pairs[np.unique(patterns.group[false])].sum()
            scale = float(self.pairs.sum() / within)
            return true, random + np.where(false & proposed, scale * patterns.proposed, 0.0)
        if patterns.joined.any():
            # Rows were asked for because their tokens equal none, so that different ones speak against few pairs.
            open_ = np.where(proposed & (self.columns[0] != EQUAL) & ~false, patterns.proposed, 0.0)
            return true + self.likeness() * open_, random
        silent = np.where(proposed & (self.columns[0] == MISSING), patterns.proposed, 0.0)
        different = np.where(proposed & (self.columns[0] == DIFFERENT), patterns.proposed, 0.0)
        return true + self.likeness() * silent, random + different

    def likeness(self) -> FloatArray:
        """The highest level of a pattern in any pass as a share of the highest that there is: 0 to 1."""
        best = np.zeros(len(self.patterns.weight))
        for item, (column, size) in zip(self.comparisons, self.each(), strict=True):
            if item.kind is ComparisonKind.ENCODINGS:
                first = size - 1 - len(SIMILARITY_EDGES)
                best = np.maximum(best, (column.astype(np.float64) - first) / len(SIMILARITY_EDGES))
        return best

    def take(self, model: EvidenceModel) -> None:
        """Begin with a model; what depends on what stays as it is there."""
        self.depend_on(list(model.parents))
        self.m, self.u, self.prior = list(model.m), list(model.u), model.prior
        self.settled = True

    def run(self, most_rounds: int = _ROUNDS) -> EvidenceModel:
        truth = self.posterior()
        rounds = 0
        for rounds in range(1, most_rounds + 1):
            if rounds in _STRUCTURE_ROUNDS and not self.settled:
                self.depend_on(self.structure(*self.sides(truth)))
                self.settled = rounds == _STRUCTURE_ROUNDS[-1]
            self.maximise(*self.sides(truth))
            new = self.posterior()
            change = float((np.abs(new - truth) * self.patterns.weight).sum())
            truth = new
            if rounds > _STRUCTURE_ROUNDS[-1] and change < _SETTLED * max(1.0, self.expected(truth)):
                break
        if not self.pure:
            # One last step by the data alone takes the bias of that trust away; many would drift.
            self.maximise(*self.sides(truth, 0.0))
            truth = self.posterior()
        return EvidenceModel(
            comparisons=self.comparisons,
            parents=tuple(self.parents),
            m=tuple(self.m),
            u=tuple(self.u),
            margins=tuple(self.margins),
            prior=self.prior,
            pairs=self.pairs,
            true_pairs=self.expected(truth),
            rounds=rounds,
            token_kinds=self.token_kinds,
        )

    def sides(self, truth: FloatArray, trust: float | None = None) -> tuple[FloatArray, FloatArray]:
        """How many pairs of each pattern are true, and how many false."""
        true = self.patterns.weight * truth
        false = self.patterns.weight - true
        if trust is None:
            trust = _TRUST if self.pure or not self.settled else _TRUST_UNKNOWN
        false = trust * self.first[1] + (1 - trust) * false
        return true, false

    def expected(self, truth: FloatArray) -> float:
        return float((truth * self.patterns.weight).sum())

    def posterior(self) -> FloatArray:
        odds = np.log(self.prior) - np.log1p(-self.prior)
        total = odds[self.patterns.group]
        for place, column in enumerate(self.columns):
            total += np.log(self.m[place] / self.u[place])[self.given[place], column]
        found = 1.0 / (1.0 + np.exp(-np.clip(total, -_CLIP, _CLIP)))
        return np.where(np.isnan(self.patterns.known), found, self.patterns.known)

    def maximise(self, true: FloatArray, false: FloatArray, doubt: float = _PRIOR_PAIRS) -> None:
        found = np.bincount(self.patterns.group, weights=true, minlength=len(self.pairs))
        pairs = self.pairs * (1.0 + self.lacking / self.pairs.sum()) + 1.0
        self.prior = np.clip((found + _PRIOR_TRUE) / pairs, _SMALLEST, _LARGEST_PRIOR)
        for place, (column, size) in enumerate(self.each()):
            m = _shares(column, true, size, doubt * self.first_m[place])[None, :]
            u = _shares(column, false, size, self.first_u[place])[None, :]
            if self.comparisons[place].kind is ComparisonKind.ENCODINGS:
                m = (1 - _DOUBT) * m + _DOUBT * self.first_m[place]
            self.margins[place] = (m[0], u[0])
            for number in range(1, len(self.parents[place]) + 1):
                # First by one parent, then by more: what few pairs say leans on what more pairs say.
                m, u = self.lean(place, self.parents[place][:number], (true, false), (m, u))
            self.m[place], self.u[place] = m, u
        if self.kind is not None:
            self.m[TOKENS], self.u[TOKENS] = self.asked_tokens(self.kind, true, false)

    def asked_tokens(self, kind: IntArray, true: FloatArray, false: FloatArray) -> tuple[FloatArray, FloatArray]:
        """m and u of ID tokens, by kind of pair, float64 of shape (kinds, levels); missing is a level.

        Both lean on ``_BACK_OFF`` pairs in which a token is missing as often as in all false pairs of the kind, and
        which else are as m and u of all kinds are.
        """
        kinds, size = int(kind.max(initial=0)) + 1, self.sizes[TOKENS]
        cells = kind * size + self.columns[TOKENS]
        counts = [
            np.bincount(cells, weights=weight, minlength=kinds * size).reshape(kinds, size) for weight in (true, false)
        ]
        missing = (counts[1][:, MISSING] + _HALF) / (counts[1].sum(axis=1) + 1.0)
        found = []
        for some, margin in zip(counts, self.margins[TOKENS], strict=True):
            towards = (1.0 - missing)[:, None] * margin[None, :]
            towards[:, MISSING] = missing
            shares = (some + _BACK_OFF * towards) / (some.sum(axis=1, keepdims=True) + _BACK_OFF)
            found.append(np.maximum(shares, _SMALLEST))
        return found[0], found[1]

    def lean(
        self,
        place: int,
        parents: tuple[int, ...],
        weights: tuple[FloatArray, FloatArray],
        margins: tuple[FloatArray, FloatArray],
    ) -> tuple[FloatArray, FloatArray]:
        """m and u given parents' levels, leaning on those that are given all parents but the last.

        Each also leans on the other: where one side has no pairs, the dependent comparison says little beyond what its
        parents say.
        """
        size = self.sizes[place]
        rows = int(np.prod([self.sizes[parent] for parent in parents]))
        given = given_levels(self.sizes, parents, self.columns, len(weights[0])) * size + self.columns[place]
        tables: list[tuple[FloatArray, FloatArray, FloatArray]] = []
        for weight, margin in zip(weights, margins, strict=True):
            counts = np.bincount(given, weights=weight, minlength=rows * size).astype(np.float64)
            counts = _with_missing_parents(counts.reshape(*(self.sizes[parent] for parent in parents), size))
            counts = counts.reshape(rows, size)
            counts[:, MISSING] = 0.0
            towards = np.repeat(margin, rows // len(margin), axis=0)
            if not tables:
                towards = np.where(self.disagreeing(parents)[:, None], self.first_m[place], towards)
            tables.append((counts, counts.sum(axis=1, keepdims=True), towards))
        alone = [(counts + _BACK_OFF * margin) / (total + _BACK_OFF) for counts, total, margin in tables]
        found = []
        for (counts, total, margin), other in zip(tables, reversed(alone), strict=True):
            shares = (counts + _BACK_OFF * (_HALF * margin + _HALF * other)) / (total + _BACK_OFF)
            shares = np.maximum(shares, _SMALLEST)
            shares[:, MISSING] = 1.0
            found.append(shares)
        return found[0], found[1]

    def disagreeing(self, parents: tuple[int, ...]) -> BoolArray:
        """The rows of a table in which a parent does not fully agree: of those, agreeing pairs say nothing."""
        sizes = [self.sizes[parent] for parent in parents]
        levels = np.indices(sizes).reshape(len(sizes), -1)
        tops = np.array(sizes)[:, None] - 1
        disagreeing: BoolArray = ((levels != MISSING) & (levels != tops)).any(axis=0)
        return disagreeing

    def structure(self, true: FloatArray, false: FloatArray) -> list[tuple[int, ...]]:
        """What each comparison depends on: up to three earlier ones with a common field.

        Tokens come first, then passes in falling number of pairs that they compare. Made for the pairs that have to be
        decided: candidates whose ID tokens are not equal.
        """
        open_ = (self.patterns.proposed > 0) & (self.columns[0] != EQUAL)
        sides = [np.where(open_, weight, 0.0) for weight in (true, false)]
        known = [float((open_ * self.patterns.proposed)[column != MISSING].sum()) for column in self.columns]
        order = [0, *sorted(range(1, len(known)), key=lambda place: -known[place])]
        parents: list[tuple[int, ...]] = [()] * len(known)
        for rank, place in enumerate(order):
            parents[place] = self.chosen(place, order[:rank], sides)
        return parents

    def chosen(self, place: int, earlier: Sequence[int], sides: Sequence[FloatArray]) -> tuple[int, ...]:
        """Parents that cover the fields shared with earlier comparisons; of those that cover as many, the closest."""
        open_fields = self.comparisons[place].fields
        candidates = [other for other in earlier if self.comparisons[other].fields & open_fields]
        gain = {other: sum(self.information(place, other, weight) for weight in sides) for other in candidates}
        found: list[int] = []
        while candidates and len(found) < _MOST_PARENTS:
            best = max(candidates, key=lambda other: (len(self.comparisons[other].fields & open_fields), gain[other]))
            found.append(best)
            candidates.remove(best)
            open_fields = open_fields - self.comparisons[best].fields
        return tuple(found)

    def information(self, one: int, two: int, weight: FloatArray) -> float:
        """Mutual information in nats per pair, of pairs where neither side is missing."""
        joint = self.columns[one].astype(np.int64) * self.sizes[two] + self.columns[two]
        counts = np.bincount(joint, weights=weight, minlength=self.sizes[one] * self.sizes[two])
        known = counts.reshape(self.sizes[one], self.sizes[two])[1:, 1:]
        total = known.sum()
        if total <= 0:
            return 0.0
        shares = known / total
        apart = shares.sum(axis=1, keepdims=True) * shares.sum(axis=0, keepdims=True)
        there = shares > 0
        return float((shares[there] * np.log(shares[there] / apart[there])).sum() * total / max(weight.sum(), 1.0))


def _with_missing_parents(counts: FloatArray) -> FloatArray:
    """Counts where a parent that is missing stands for all its levels: that it is missing says nothing."""
    for axis in range(counts.ndim - 1):
        moved = np.moveaxis(counts, axis, 0)
        moved[MISSING] = moved.sum(axis=0)
    return counts


def _shares(column: LevelArray, weight: FloatArray, size: int, added: float | FloatArray) -> FloatArray:
    """Shares of levels that are not missing, with ``added`` pairs; missing has 1, so that it says nothing."""
    counts = np.bincount(column, weights=weight, minlength=size) + added
    counts[MISSING] = 0.0
    shares: FloatArray = np.maximum(counts / counts.sum(), _SMALLEST)
    shares[MISSING] = 1.0
    return shares
