"""AUDIT: linkability: can what one person sends in two epochs, or under two agreements, be told to belong together?

Metric after Domingo-Ferrer and Torra's record linkage risk, as the area under the ROC curve (Hanley and McNeil,
Radiology 143, 1982): the chance that a pair of one person looks more alike than a pair of two people, ties counting
half. 0.5 says that nothing can be told.

Adversary's knowledge: both packages, no key, no plaintext.
"""

from __future__ import annotations

import time
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from secure_match.review.attacks.result import AttackResult

__all__ = ["area_under_curve", "linkability"]

Measure = Literal["similarity", "equality", "rank"]

SOURCE: Final = "area under the ROC curve: Hanley and McNeil, Radiology 1982"
KNOWLEDGE: Final = "two packages of two epochs or agreements; no key, no plaintext"
METRIC: Final = "pairs of (one person, two people) of which the one person's look more alike; ties count half"


def linkability(
    first: npt.NDArray[np.uint8],
    second: npt.NDArray[np.uint8],
    same: npt.NDArray[np.int64],
    *,
    measure: Measure,
    pairs: int = 100_000,
    settings: dict[str, str | int | float] | None = None,
    seed: int = 0,
) -> AttackResult:
    """AUC of one kind of column between two packages.

    Args:
        first: a column of the first package (encodings, tags, tokens or handles), uint8 of shape (rows, bytes).
        second: the same column of the second, uint8 of shape (others, bytes).
        same: row of ``second`` that is the person of each row of ``first``, -1 for nobody; int64 of shape (rows,).
        measure: ``similarity`` of bits (Dice), ``equality`` of values, or nearness of ``rank``: the place of the value
            among the sorted values of its package, which order-preserving ciphers and sorted files give away.
        pairs: pairs of two people drawn beside the pairs of one person. A drawn pair may be of one person, seldom.
        settings: what the result says of its target.
        seed: of the drawn pairs.

    Returns:
        ``hits`` and ``trials`` share out the AUC over the pairs of one person, so that the interval is that of so many
        trials; the AUC itself stands in ``fields`` under ``auc``.
    """
    begun = time.perf_counter()
    left = np.flatnonzero(same >= 0)
    random = np.random.default_rng(seed)
    drawn = random.integers(len(first), size=pairs), random.integers(len(second), size=pairs)
    alike = _alike(first, second, (left, same[left]), measure)
    strange = _alike(first, second, drawn, measure)
    area = area_under_curve(alike, strange)
    return AttackResult(
        attack=f"linkability_{measure}",
        source=SOURCE,
        knowledge=KNOWLEDGE,
        metric=METRIC,
        settings=settings or {},
        hits=round(area * len(left)),
        trials=len(left),
        guessing=0.5,
        seconds=time.perf_counter() - begun,
        fields={"auc": area},
    )


def area_under_curve(alike: npt.NDArray[np.float64], strange: npt.NDArray[np.float64]) -> float:
    """Chance that a draw of ``alike`` exceeds one of ``strange``, ties half; 0.5 where either is empty."""
    if not len(alike) or not len(strange):
        return 0.5
    ranks = rankdata(np.concatenate([alike, strange]))
    above = ranks[: len(alike)].sum() - len(alike) * (len(alike) + 1) / 2
    return float(above / (len(alike) * len(strange)))


def _alike(
    first: npt.NDArray[np.uint8],
    second: npt.NDArray[np.uint8],
    pairs: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    measure: Measure,
) -> npt.NDArray[np.float64]:
    left, right = pairs
    if measure == "equality":
        equal: npt.NDArray[np.float64] = (first[left] == second[right]).all(axis=1).astype(np.float64)
        return equal
    if measure == "rank":
        near: npt.NDArray[np.float64] = -np.abs(_ranks(first)[left] - _ranks(second)[right])
        return near
    shared = np.bitwise_count(first[left] & second[right]).sum(axis=1, dtype=np.float64)
    counts = [np.bitwise_count(side).sum(axis=1, dtype=np.float64) for side in (first, second)]
    total = counts[0][left] + counts[1][right]
    dice: npt.NDArray[np.float64] = 2 * shared / np.maximum(total, 1)
    return dice


def _ranks(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Place among the sorted values as a share of the rows; equal values share their mean place."""
    words = np.ascontiguousarray(values).view(f"S{values.shape[1]}").ravel()
    # Values that differ in zero bytes at their end alone would tie; of keyed ones there are none.
    codes = np.unique(words, return_inverse=True)[1]
    ranks: npt.NDArray[np.float64] = rankdata(codes) / len(values)
    return ranks
