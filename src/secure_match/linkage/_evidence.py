"""ENCODED: the evidence of all pairs of a run: from levels of agreement to match weights and probabilities.

Invariants: the model is a function of datasets, agreement and labels; a pair's weight is the sum of its prior and one
part per comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement
from secure_match.linkage._asked import JOINED_BITS, OpenRows, open_pairs, token_kinds
from secure_match.linkage._comparisons import EQUAL, ComparedPairs, LevelArray, comparisons_of
from secure_match.linkage._evidence_model import EvidenceModel, Patterns
from secure_match.linkage._fellegi_sunter import fit
from secure_match.linkage._keys import BoolArray, IntArray, RowArray
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._rows import RowTable

_UNKNOWN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What speaks for and against each candidate pair.

    Attributes:
        model: the estimated model.
        levels: per comparison the level of each pair, int8 of shape (pairs,).
        group: pair of datasets of each pair, int16 of shape (pairs,).
        weight: match weight in bits, float64 of shape (pairs,).
        patterns: what the model was estimated from.
        pattern_of: the pattern of each pair, int32 of shape (pairs,).
    """

    model: EvidenceModel
    levels: tuple[LevelArray, ...]
    group: npt.NDArray[np.int16]
    weight: FloatArray
    patterns: Patterns
    pattern_of: RowArray


def gather_evidence(
    agreement: Agreement, compared: ComparedPairs, random_weight: FloatArray, known: FloatArray | None = None
) -> Evidence:
    """Estimate the model of a run, and weigh its candidates.

    Args:
        random_weight: how many pairs of rows each pair that is no candidate stands for, float64.
        known: what clerks decided: 1, 0, or NaN for undecided, float64 of shape (candidates,); None for nothing.
    """
    rows, number = compared.rows, compared.candidates
    comparisons = comparisons_of(agreement, compared.passes)
    levels = compared.levels(comparisons)
    group = _groups(rows, compared.row_i, compared.row_j)
    truth = _known(rows, compared.row_i, compared.row_j)
    if known is not None:
        truth[:number] = np.where(np.isnan(known), truth[:number], known)
    candidates = _star_weights(rows, compared.row_i[:number], compared.row_j[:number])
    opened = compared.opened
    closed = np.zeros(len(truth), dtype=np.bool_)
    if opened is not None:
        closed = ~opened.pairs(compared.row_i, compared.row_j)
    patterns, place = _patterns(
        (*levels, group), tuple(len(item.levels) for item in comparisons), truth, (candidates, random_weight), closed
    )
    kinds = None if opened is None else token_kinds(rows, opened)
    model = fit(comparisons, patterns, _pairs_of_groups(rows, opened), kinds)
    own = place[:number]
    return Evidence(
        model=model,
        levels=tuple(column[:number] for column in levels),
        group=group[:number],
        weight=pattern_weights(model, patterns)[own],
        patterns=patterns,
        pattern_of=own,
    )


def pattern_weights(model: EvidenceModel, patterns: Patterns) -> FloatArray:
    """Match weight of each pattern in bits; infinite where the truth is known."""
    columns = [patterns.levels[:, place] for place in range(patterns.levels.shape[1])]
    found = model.weights(columns, patterns.group)
    found[patterns.joined & (patterns.levels[:, 0] == EQUAL)] = JOINED_BITS
    found[patterns.known == 1.0] = np.inf
    found[patterns.known == 0.0] = -np.inf
    return found


def _groups(rows: RowTable, row_i: RowArray, row_j: RowArray) -> npt.NDArray[np.int16]:
    """The pair of datasets of each pair, as one number."""
    group: npt.NDArray[np.int16] = (rows.dataset_of[row_i] * len(rows.datasets) + rows.dataset_of[row_j]).astype(
        np.int16
    )
    return group


def _pairs_of_groups(rows: RowTable, opened: OpenRows | None) -> FloatArray:
    """How many pairs of rows each pair of datasets has, float64; of two phases those that passes speak of."""
    if opened is not None:
        return open_pairs(rows, opened)
    sizes = np.diff(rows.starts).astype(np.float64)
    across = np.triu(np.outer(sizes, sizes), 1)
    pairs: FloatArray = (across + np.diag(sizes * (sizes - 1) / 2)).ravel()
    return pairs


def _known(rows: RowTable, row_i: RowArray, row_j: RowArray) -> FloatArray:
    """0 where both rows are of one dataset that holds a person once, NaN elsewhere."""
    one, two = rows.dataset_of[row_i], rows.dataset_of[row_j]
    return np.where((one == two) & (rows.constraint_bit_of[one] != 0), 0.0, np.nan)


def _star_weights(rows: RowTable, row_i: RowArray, row_j: RowArray) -> FloatArray:
    """Pairs that a candidate stands for: rows of one ID token are listed with the first of them only."""
    one, two = rows.token_codes[row_i], rows.token_codes[row_j]
    sizes = np.bincount(rows.token_codes[rows.token_codes >= 0])
    weight = np.ones(len(one))
    equal = (one == two) & (one >= 0)
    weight[equal] = sizes[one[equal]] / 2.0
    return weight


def _patterns(
    columns: Sequence[npt.NDArray[np.integer]],
    sizes: tuple[int, ...],
    known: FloatArray,
    weights: tuple[FloatArray, FloatArray],
    joined: BoolArray,
) -> tuple[Patterns, RowArray]:
    """Pairs counted by what was observed of them, and the pattern of each pair.

    Args:
        columns: the levels in each comparison, then the pair of datasets.
        sizes: number of levels of each comparison.
        weights: of candidates, and of random pairs.
        joined: see ``Patterns``, of each pair.
    """
    weight = np.concatenate(weights)
    proposed = np.arange(len(weight)) < len(weights[0])
    truth = np.where(np.isnan(known), _UNKNOWN, known).astype(np.int64)
    all_columns = [*columns, truth, joined.astype(np.int64)]
    all_sizes = [*sizes, int(columns[-1].max(initial=0)) + 1, _UNKNOWN + 1, 2]
    keys = np.zeros(len(weight), dtype=np.int64)
    for column, size in zip(all_columns, all_sizes, strict=True):
        keys *= size
        keys += column
    distinct, place = np.unique(keys, return_inverse=True)
    values: list[IntArray] = []
    for size in reversed(all_sizes):
        distinct, value = np.divmod(distinct, size)
        values.insert(0, value)
    *levels, group, truth, apart = values
    patterns = Patterns(
        levels=np.stack([column.astype(np.int8) for column in levels], axis=1),
        group=group,
        weight=np.bincount(place, weights=weight, minlength=len(group)).astype(np.float64),
        proposed=np.bincount(place, weights=proposed, minlength=len(group)).astype(np.float64),
        known=np.where(truth == _UNKNOWN, np.nan, truth.astype(np.float64)),
        joined=apart == 1,
    )
    return patterns, place.astype(np.int32)
