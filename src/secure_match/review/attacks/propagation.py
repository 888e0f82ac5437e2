"""AUDIT: tag propagation: a known row gives away the block values of its tags, and so who its neighbours can be.

Papers: seed and extend (Narayanan, Shmatikov, S&P 2009; percolation graph matching, Yartseva, Grossglauser, COSN 2013),
here on the graph of rows and block tags in place of a social network.

Adversary: the agreement, the roster in plaintext with the block values that it computes from it, all encodings and tags
of all passes, and whose row some of them are. It lacks every key.

How: rows under the tag of a known row have its block value, so they are people of the roster with that value. A row
with several such tags is one of those who have all values. Of several candidates that one is taken whose other blocks
in the roster are as large as the row's other blocks in the package, and whose q-grams overlap with those of the known
neighbour as their encodings do. Whoever is named like this names its own neighbours in the next round.

Metric: share of all rows of people outside the known pairs that are given to the right person; rows that nothing is
known of are misses. ``reached`` in the settings is the number of rows with a candidate, ``named`` that of guesses.

Invariants: no two rows get one person (a second row of a person is a miss); ties go to the person who stands first in
the roster, then to the first row. Deterministic without a seed. Pairs of row and candidate per round are bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.review.attacks._tokens import RosterTokens, tokens_of
from secure_match.review.attacks.inputs import (
    ByteMatrix,
    IntArray,
    SeenPass,
    group_numbers,
    unseen_rows,
    value_numbers,
)
from secure_match.review.attacks.result import AttackResult

FloatArray = npt.NDArray[np.float64]
MAX_PAIRS: Final = 4_000_000
"""Pairs of row and candidate that a round looks at; larger blocks wait until smaller ones are done."""
_ROUNDS: Final = 30
_SURE: Final = 0.5
"""By how much the best candidate must lead to be taken before the last round, in units of the scores."""
_NOBODY: Final = -1
_SIZE_WEIGHT: Final = 1.0
_LIKENESS_WEIGHT: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class _Side:
    """One blocked pass on both sides, as numbers."""

    groups: IntArray
    values: IntArray
    group_sizes: IntArray
    value_sizes: IntArray
    people: IntArray
    """People sorted by value; ``starts[v]`` is where those of value v begin."""
    starts: IntArray
    encodings: ByteMatrix
    tokens: RosterTokens


def tag_propagation(passes: Sequence[SeenPass], *, truth: IntArray, known: IntArray) -> AttackResult:
    """Spread from known rows along tags, through all passes that have any.

    Args:
        passes: passes of one package, rows in one order; those without tags are passed over.
        truth: int64 of shape (rows,), each row's person; read for ``known`` and to count hits.
        known: rows of the known pairs.
    """
    sides = [_side(item) for item in passes if item.tags is not None and item.block_values is not None]
    present = np.logical_or.reduce([item.present for item in passes])
    trials = unseen_rows(truth, known, present)
    given = np.full(len(truth), _NOBODY, dtype=np.int64)
    given[known] = truth[known]
    reached = np.zeros(len(truth), dtype=np.bool_)
    done = not sides
    for turn in range(_ROUNDS):
        last = turn == _ROUNDS - 1 or done
        found = _round(sides, given, sure=0.0 if last else _SURE) if sides else None
        if found is None:
            break
        rows, persons, seen_rows = found
        reached[seen_rows] = True
        given[rows] = persons
        # A round that is sure of nothing more is followed by one that guesses.
        done = len(rows) == 0
        if last and done:
            break
    size = passes[0].roster_size
    return AttackResult(
        attack="tag_propagation",
        source="seed and extend (Narayanan, Shmatikov 2009; Yartseva, Grossglauser 2013) on rows and block tags",
        knowledge="the agreement, the roster in plaintext, all encodings and tags, and whose row some of them are",
        metric="rows of people not among the known pairs that are given to the right person",
        settings={
            "passes": "+".join(item.id for item in passes),
            "pairs": len(known),
            "reached": int(reached[trials].sum()),
            "named": int((given[trials] >= 0).sum()),
        },
        hits=int((given[trials] == truth[trials]).sum()),
        trials=len(trials),
        guessing=1.0 / max(size - len(known), 1),
    )


def _side(item: SeenPass) -> _Side:
    assert item.tags is not None  # noqa: S101  # The caller has chosen passes with tags.
    assert item.block_values is not None  # noqa: S101
    groups, values = group_numbers(item.tags, item.present), value_numbers(item.block_values)
    number = int(values.max(initial=-1)) + 1
    value_sizes = np.bincount(values[values >= 0], minlength=number)
    people = np.argsort(values, kind="stable")[int((values < 0).sum()) :]
    return _Side(
        groups=groups,
        values=values,
        group_sizes=np.bincount(groups[groups >= 0], minlength=int(groups.max(initial=-1)) + 1),
        value_sizes=value_sizes,
        people=people.astype(np.int64),
        starts=np.concatenate([[0], np.cumsum(value_sizes)]).astype(np.int64),
        encodings=item.encodings,
        tokens=tokens_of(item),
    )


def _round(sides: Sequence[_Side], given: IntArray, sure: float) -> tuple[IntArray, IntArray, IntArray] | None:
    """Rows newly given, to whom, and all rows that had a candidate; None where no row has one."""
    free = np.ones(len(sides[0].values), dtype=np.bool_)
    free[given[given >= 0]] = False
    witness = [_witnesses(side, given) for side in sides]
    rows, persons, times = _pairs(sides, witness, given, free)
    if len(rows) == 0:
        return None
    known_tags = np.zeros(len(given), dtype=np.int64)
    for side, of_group in zip(sides, witness, strict=True):
        has = side.groups >= 0
        known_tags[has] += of_group[side.groups[has]] >= 0
    # Where nobody has all values, one of them is wrong in the roster: whoever has most is left.
    score: FloatArray = -4.0 * (known_tags[rows] - times).astype(np.float64)
    for side, of_group in zip(sides, witness, strict=True):
        score += _size_score(side, of_group, rows, persons) * _SIZE_WEIGHT
        score += _likeness_score(side, of_group, given, rows, persons) * _LIKENESS_WEIGHT
    chosen_rows, chosen = _choose(rows, persons, score, sure)
    return chosen_rows, chosen, np.unique(rows)


def _witnesses(side: _Side, given: IntArray) -> IntArray:
    """For each group a row in it whose person is thought to be known, the first one; -1 where there is none."""
    found = np.full(len(side.group_sizes), _NOBODY, dtype=np.int64)
    rows = np.flatnonzero((given >= 0) & (side.groups >= 0))
    rows = rows[side.values[given[rows]] >= 0][::-1]
    found[side.groups[rows]] = rows
    return found


def _pairs(
    sides: Sequence[_Side], witness: Sequence[IntArray], given: IntArray, free: npt.NDArray[np.bool_]
) -> tuple[IntArray, IntArray, IntArray]:
    """Rows not given yet with each free person of a block that they are known to be in, and in how many of them."""
    keys: list[IntArray] = []
    budget = MAX_PAIRS
    for side, of_group in zip(sides, witness, strict=True):
        rows = np.flatnonzero((given < 0) & (side.groups >= 0))
        rows = rows[of_group[side.groups[rows]] >= 0]
        value = side.values[given[of_group[side.groups[rows]]]]
        order = np.argsort(side.value_sizes[value], kind="stable")
        order = order[np.cumsum(side.value_sizes[value[order]]) <= budget]
        rows, value = rows[order], value[order]
        counts = side.value_sizes[value]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        persons = side.people[np.repeat(side.starts[value], counts) + within]
        pairs = np.repeat(rows, counts) * len(free) + persons
        keys.append(pairs[free[persons]])
        budget -= int(counts.sum())
    unique, times = np.unique(np.concatenate(keys), return_counts=True)
    return unique // len(free), unique % len(free), times.astype(np.int64)


def _size_score(side: _Side, of_group: IntArray, rows: IntArray, persons: IntArray) -> FloatArray:
    """How far the row's block in the package is from the person's block in the roster in size, as a cost."""
    group, value = side.groups[rows], side.values[persons]
    cost = np.zeros(len(rows))
    cost[(group >= 0) != (value >= 0)] = 2.0
    both = (group >= 0) & (value >= 0)
    # Blocks whose value is known tell nothing more by their size.
    both[both] = of_group[group[both]] < 0
    sizes = np.abs(np.log(side.group_sizes[group[both]] / side.value_sizes[value[both]]))
    cost[both] = np.minimum(2.0, 2 * sizes)
    return -cost


def _likeness_score(side: _Side, of_group: IntArray, given: IntArray, rows: IntArray, persons: IntArray) -> FloatArray:
    """Similarity of row and witness by their bits against that of person and witness by their tokens, as a cost."""
    score = np.zeros(len(rows))
    places = np.flatnonzero(side.groups[rows] >= 0)
    beside = of_group[side.groups[rows[places]]]
    places, beside = places[beside >= 0], beside[beside >= 0]
    if len(places) == 0:
        return score
    seen = _dice_bits(side.encodings, rows[places], beside)
    plain = _dice_tokens(side.tokens, persons[places], given[beside])
    score[places] = -np.abs(seen - plain)
    return score


def _dice_bits(encodings: ByteMatrix, one: IntArray, other: IntArray) -> FloatArray:
    """Dice similarity over what two encodings of their fill share by chance: 0 for unrelated, 1 for equal ones."""
    found = np.zeros(len(one))
    length = encodings.shape[1] * 8
    for start in range(0, len(one), 65_536):
        part = slice(start, start + 65_536)
        first, second = encodings[one[part]], encodings[other[part]]
        both = np.bitwise_count(first & second).sum(axis=1, dtype=np.float64)
        sizes = [np.bitwise_count(item).sum(axis=1, dtype=np.float64) for item in (first, second)]
        chance = sizes[0] * sizes[1] / length
        most = (sizes[0] + sizes[1]) / 2
        found[part] = np.clip((both - chance) / np.maximum(most - chance, 1e-9), 0, 1)
    return found


def _dice_tokens(tokens: RosterTokens, one: IntArray, other: IntArray) -> FloatArray:
    """Dice similarity of two people's tokens, weighed by the bits that a token sets."""
    found = np.zeros(len(one))
    weight = tokens.share.astype(np.float64)
    totals = tokens.has @ weight
    for start in range(0, len(one), 65_536):
        part = slice(start, start + 65_536)
        both = tokens.has[one[part]].multiply(tokens.has[other[part]]) @ weight
        found[part] = 2 * both / np.maximum(totals[one[part]] + totals[other[part]], 1e-9)
    return found


def _choose(rows: IntArray, persons: IntArray, score: FloatArray, sure: float) -> tuple[IntArray, IntArray]:
    """Best first, no row and no person twice; rows whose best leads by less than ``sure`` are left out."""
    order = np.lexsort((persons, -score, rows))
    first = np.concatenate([[True], np.diff(rows[order]) != 0])
    at = np.flatnonzero(first)
    best = order[at]
    follows = np.concatenate([~first[1:], [False]])[at]
    second = score[order[np.minimum(at + 1, len(order) - 1)]]
    lead = np.where(follows, score[best] - second, np.inf)
    best = best[lead >= sure]
    best = best[np.argsort(-score[best], kind="stable")]
    kept = best[np.sort(np.unique(persons[best], return_index=True)[1])]
    return rows[kept], persons[kept]
