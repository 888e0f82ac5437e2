"""ENCODED: the evidence model of Fellegi and Sunter: what each level of agreement says of a pair, in bits.

Invariants: a level that is missing says nothing, but that of ID tokens in a release in two phases, where rows were
asked for by their tokens; the weight of a pair is its prior and one part per comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.linkage._comparisons import Comparison, LevelArray
from secure_match.linkage._keys import BoolArray, IntArray
from secure_match.linkage._pairs import FloatArray

TOKENS: Final = 0
"""Place of the ID tokens among the comparisons."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patterns:
    """Pairs by what was observed of them: many pairs, few patterns.

    Attributes:
        levels: int8 of shape (patterns, comparisons).
        group: pair of datasets of each pattern, int64 of shape (patterns,).
        weight: pairs that it stands for, float64 of shape (patterns,).
        proposed: candidates among them, float64 of shape (patterns,).
        known: 1 where the pairs are known to be true, 0 where they are known to be false, NaN otherwise.
        joined: where an equal ID token is all that is known of the pairs, bool of shape (patterns,): the model is not
            estimated from them, nor asked about them.
    """

    levels: LevelArray
    group: IntArray
    weight: FloatArray
    proposed: FloatArray
    known: FloatArray
    joined: BoolArray

    def to_estimate(self) -> Patterns:
        """The same without the pairs that the model is not estimated from."""
        if not self.joined.any():
            return self
        return replace(
            self, weight=np.where(self.joined, 0.0, self.weight), proposed=np.where(self.joined, 0.0, self.proposed)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvidenceModel:
    """An estimated model.

    Attributes:
        comparisons: what is compared.
        parents: for each comparison those that it depends on, at most three.
        m: per comparison the probability of its level among true pairs, float64 of shape (product of the numbers of
            the parents' levels, levels), the first parent's level most significant. Level 0 (missing) has 1.
            ID tokens have a row for each kind where there are ``token_kinds``; missing is then a level as any other.
        u: likewise among false pairs.
        margins: per comparison m and u whatever the parents' levels are, float64 of shape (levels,) each.
        prior: probability that a random pair of rows of a pair of datasets is true, float64 of shape (groups,).
        pairs: rows' pairs in each of these, float64 of shape (groups,).
        true_pairs: expected true pairs among all, those that nothing proposed included.
        rounds: rounds of estimation.
        token_kinds: of a release in two phases ``AskedKind`` of each group, int64 of shape (groups,); else None.
    """

    comparisons: tuple[Comparison, ...]
    parents: tuple[tuple[int, ...], ...]
    m: tuple[FloatArray, ...]
    u: tuple[FloatArray, ...]
    margins: tuple[tuple[FloatArray, FloatArray], ...]
    prior: FloatArray
    pairs: FloatArray
    true_pairs: float
    rounds: int
    token_kinds: IntArray | None = None

    @property
    def tables(self) -> tuple[FloatArray, ...]:
        """Per comparison the weight in bits of each level, of the shape of ``m``."""
        return tuple(np.log2(one / two) for one, two in zip(self.m, self.u, strict=True))

    def prior_bits(self) -> FloatArray:
        """Weight in bits that a pair begins with, by pair of datasets; float64 of shape (groups,)."""
        bits: FloatArray = np.log2(self.prior) - np.log2(1 - self.prior)
        return bits

    def part(self, place: int, levels: Sequence[LevelArray], group: npt.NDArray[np.integer]) -> FloatArray:
        """Weight in bits that comparison ``place`` gives to pairs of these levels, float64 of shape (pairs,).

        Args:
            levels: per comparison the level of each pair, int8 of shape (pairs,).
            group: pair of datasets of each pair, integers of shape (pairs,).
        """
        if place == TOKENS and self.token_kinds is not None:
            given = self.token_kinds[group]
        else:
            given = given_levels(
                [len(item.levels) for item in self.comparisons], self.parents[place], levels, len(levels[place])
            )
        bits: FloatArray = self.tables[place][given, levels[place]]
        return bits

    def weights(self, levels: Sequence[LevelArray], group: npt.NDArray[np.integer]) -> FloatArray:
        """Match weight in bits: log2 of the odds that a pair is true; float64 of shape (pairs,)."""
        total: FloatArray = self.prior_bits()[group]
        for place in range(len(self.comparisons)):
            total += self.part(place, levels, group)
        return total


def probability_of(weight: FloatArray) -> FloatArray:
    """Match probability of a match weight in bits, float64 from 0 to 1."""
    probability: FloatArray = 1.0 / (1.0 + np.exp2(-np.clip(weight, -1000.0, 1000.0)))
    return probability


def given_levels(
    sizes: Sequence[int], parents: Sequence[int], levels: Sequence[LevelArray], number: int
) -> npt.NDArray[np.int64]:
    """The levels of parents as one number, int64 of shape (number,)."""
    given = np.zeros(number, dtype=np.int64)
    for parent in parents:
        given *= sizes[parent]
        given += levels[parent]
    return given
