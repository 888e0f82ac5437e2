"""AUDIT: what block tags and ID tokens give away by how often they occur, without a key or a known pair.

Papers: frequency analysis of deterministic encryption (Naveed, Kamara, Wright, CCS 2015); colour refinement, the test
for isomorphism of Weisfeiler and Leman (1968), on rows and their tags.

Adversary: the agreement, the roster in plaintext with the block values (or ID numbers) that it computes from it, and
tags (or tokens) of all rows. No encoding is read.

Metrics: of :func:`tag_values`, rows whose block value is learnt; of :func:`tag_frequency`, rows whose tag is given its
right value, beside the rate of always naming the commonest value; of :func:`tag_structure`, rows that are given to the
right person.

Invariants: ties are broken by order of bytes on one side and of text on the other, which have nothing to do with each
other. Deterministic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.review.attacks.inputs import (
    BoolArray,
    ByteMatrix,
    IntArray,
    SeenPass,
    group_numbers,
    unseen_rows,
    value_numbers,
)
from secure_match.review.attacks.result import AttackResult

WordArray = npt.NDArray[np.uint64]
_DEPTH: Final = 6
_SEEDS: Final = 20
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def tag_frequency(
    name: str, tags: ByteMatrix, present: BoolArray, values: Sequence[str], *, truth: IntArray
) -> AttackResult:
    """Lay the ranking of tags by number of rows beside that of values by number of people.

    Args:
        name: of the pass, or ``id_token``.
        tags: uint8 of shape (rows, bytes).
        present: bool of shape (rows,).
        values: block value of each person of the roster (or the ID number, for tokens), empty where missing.
        truth: int64 of shape (rows,), each row's person.
    """
    rows = np.flatnonzero(present & (truth >= 0))
    held = np.asarray(values, dtype=np.str_)
    right = held[truth[rows]]
    groups = group_numbers(tags, present)
    distinct, sizes = np.unique(held[held != ""], return_counts=True)
    ranking = distinct[np.argsort(-sizes, kind="stable")]
    ranks = np.empty(int(groups.max(initial=-1)) + 1, dtype=np.int64)
    ranks[np.argsort(-np.bincount(groups[groups >= 0], minlength=len(ranks)), kind="stable")] = np.arange(len(ranks))
    place = ranks[groups[rows]]
    within = place < len(ranking)
    hits = int((within & (right != "") & (ranking[np.where(within, place, 0)] == right)).sum()) if len(ranking) else 0
    commonest = int((right == ranking[0]).sum()) if len(ranking) else 0
    return AttackResult(
        attack="tag_frequency",
        source="frequency analysis (Naveed, Kamara, Wright 2015)",
        knowledge="the agreement, the roster in plaintext, and the tags of all rows",
        metric="rows whose tag is given its right value",
        settings={"pass": name, "min_entropy_bits": _min_entropy(sizes), "largest_block": int(sizes.max(initial=0))},
        hits=hits,
        trials=len(rows),
        guessing=commonest / len(rows) if len(rows) else 0.0,
    )


def tag_values(seen: SeenPass, *, truth: IntArray, known: IntArray) -> AttackResult:
    """Rows of which the block value is known for sure: a known row stands under their tag.

    Args:
        seen: a pass with blocks.
        truth: int64 of shape (rows,), each row's person.
        known: rows of known pairs.
    """
    known = known[seen.present[known]]
    trials = unseen_rows(truth, known, seen.present)
    hits = 0
    if seen.tags is not None and seen.block_values is not None and len(known):
        groups, values = group_numbers(seen.tags, seen.present), value_numbers(seen.block_values)
        value_of = np.full(int(groups.max(initial=-1)) + 1, -1, dtype=np.int64)
        value_of[groups[known]] = values[truth[known]]
        told = value_of[groups[trials]]
        hits = int(((told >= 0) & (told == values[truth[trials]])).sum())
    rate = hits / max(len(trials), 1)
    return AttackResult(
        attack="tag_values",
        source="equal tags have equal block values",
        knowledge="the agreement, the roster in plaintext, the tags of all rows, and whose row some of them are",
        metric="rows of people not among the known pairs whose block value is known",
        settings={"pass": seen.id, "pairs": len(known)},
        hits=hits,
        trials=len(trials),
        fields=dict.fromkeys(seen.block_on, rate),
    )


def tag_structure(passes: Sequence[SeenPass], *, truth: IntArray, known: IntArray | None = None) -> AttackResult:
    """Name rows by the shape of their neighbourhood alone: whose blocks are of which sizes, and those of their fellows.

    Colours of rows and people are refined from the sizes of their blocks, then from the colours of those they share
    blocks with, up to six steps away; a colour that one row and one person have names the row. What a shallow look
    names stays. Named rows get a colour of their own and it begins again. Strongest where the roster is the file
    itself, as it is in a rehearsal; people who are missing on one side change the colours around them.

    Args:
        passes: passes of one package, rows in one order.
        truth: int64 of shape (rows,), each row's person.
        known: rows of known pairs; none by default.
    """
    pairs = np.zeros(0, dtype=np.int64) if known is None else known
    blocked = [item for item in passes if item.tags is not None and item.block_values is not None]
    present = np.logical_or.reduce([item.present for item in passes])
    groups = [group_numbers(item.tags, item.present) for item in blocked if item.tags is not None]
    values = [value_numbers(item.block_values) for item in blocked if item.block_values is not None]
    given = np.full(len(truth), -1, dtype=np.int64)
    given[pairs] = truth[pairs]
    named = int((given >= 0).sum())
    for _ in range(_SEEDS if blocked else 0):
        _refine(groups, values, given, passes[0].roster_size, present)
        now = int((given >= 0).sum())
        if now == named:
            break
        named = now
    trials = unseen_rows(truth, pairs, present)
    return AttackResult(
        attack="tag_structure",
        source="colour refinement (Weisfeiler, Leman 1968) on rows and block tags",
        knowledge="the agreement, the roster in plaintext, and the tags of all rows",
        metric="rows that are given to the right person",
        settings={
            "passes": "+".join(item.id for item in blocked),
            "pairs": len(pairs),
            "named": int((given[trials] >= 0).sum()),
        },
        hits=int((given[trials] == truth[trials]).sum()),
        trials=len(trials),
        guessing=1.0 / max(passes[0].roster_size - len(pairs), 1),
    )


def _min_entropy(sizes: npt.NDArray[np.intp]) -> float:
    """Bits of the commonest value's surprise, over the people who have a value."""
    return float(np.round(-np.log2(sizes.max() / sizes.sum()), 2)) + 0.0 if len(sizes) else 0.0


def _refine(
    groups: Sequence[IntArray], values: Sequence[IntArray], given: IntArray, people: int, present: BoolArray
) -> None:
    """Refine both sides from the pairs in ``given``, and enter there what colours name, the shallowest first."""
    row_colour = np.zeros(len(given), dtype=np.uint64)
    person_colour = np.zeros(people, dtype=np.uint64)
    rows = np.flatnonzero(given >= 0)
    row_colour[rows] = person_colour[given[rows]] = _mixed(given[rows].astype(np.uint64) + np.uint64(1))
    taken = np.zeros(people, dtype=np.bool_)
    taken[given[rows]] = True
    for _ in range(_DEPTH):
        row_colour, person_colour = _step(row_colour, groups), _step(person_colour, values)
        open_rows = np.flatnonzero(present & (given < 0))
        open_people = np.flatnonzero(~taken)
        one, other = _once(row_colour[open_rows]), _once(person_colour[open_people])
        _, left, right = np.intersect1d(
            row_colour[open_rows[one]], person_colour[open_people[other]], assume_unique=True, return_indices=True
        )
        given[open_rows[one[left]]] = open_people[other[right]]
        taken[open_people[other[right]]] = True


def _once(colours: WordArray) -> IntArray:
    """Places of colours that occur once, rising by colour."""
    _, first, counts = np.unique(colours, return_index=True, return_counts=True)
    once: IntArray = first[counts == 1].astype(np.int64)
    return once


def _step(colours: WordArray, blocks: Sequence[IntArray]) -> WordArray:
    """New colours: the old one with those in each block as a multiset, for which the sum of mixed words stands."""
    mixed = _mixed(colours)
    out = mixed.copy()
    for place, block in enumerate(blocks):
        has = block >= 0
        sums = np.zeros(int(block.max(initial=-1)) + 1, dtype=np.uint64)
        np.add.at(sums, block[has], mixed[has])
        part = np.zeros(len(colours), dtype=np.uint64)
        part[has] = _mixed(sums[block[has]] + np.uint64(place + 1))
        out = _mixed(out + part * np.uint64(2 * place + 3))
    return out


def _mixed(words: WordArray) -> WordArray:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014)."""
    state = words + _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
