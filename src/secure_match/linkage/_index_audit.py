"""ENCODED: audits an index: some rows are compared with everything, and the pairs that the index has of them counted.

Invariant: the interval is Clopper and Pearson's (Biometrika 26, 1934), which is never too short for pairs that are
missed independently of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels import dice_pairs

AUDIT_ROWS: Final = 1000
"""Rows that are compared with everything: a thousandth of the exhaustive work on a million rows."""

CONFIDENCE: Final = 0.95
_BISECTIONS: Final = 60

IntArray = npt.NDArray[np.int64]
WordMatrix = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallAudit:
    """Measured recall of an index.

    Attributes:
        rows: sampled rows of the larger set, each compared with everything.
        pairs: pairs at or above the threshold that they stand in.
        found: those of them that the index found.
        low: lower end of the 95 % interval of the recall, 0.0 where there are no pairs.
        high: upper end of it, 1.0 where there are no pairs.
    """

    rows: int
    pairs: int
    found: int
    low: float
    high: float

    @property
    def recall(self) -> float:
        """Share of the pairs that were found; NaN where there are none."""
        return self.found / self.pairs if self.pairs else math.nan


def recall_audit(
    a: WordMatrix,
    b: WordMatrix | None,
    pairs: tuple[IntArray, IntArray],
    *,
    threshold: float,
    rng: np.random.Generator,
    threads: int | None = None,
) -> RecallAudit:
    """Compare a random sample of rows with everything by the exhaustive kernel.

    Args:
        a: encodings, uint64 of shape (rows_a, words).
        b: the same, or None for pairs within ``a``.
        pairs: what the index found: row numbers in ``a`` and in ``b``, int64 of shape (pairs,).
        threshold: from 0 to 1.
        rng: draws the rows.
        threads: how many threads.
    """
    other = a if b is None else b
    flipped = len(a) < len(other)
    larger, smaller = (other, a) if flipped else (a, other)
    rows = np.sort(rng.choice(len(larger), size=min(AUDIT_ROWS, len(larger)), replace=False)).astype(np.int64)
    first, second, _ = dice_pairs(larger[rows], smaller, threshold=threshold, threads=threads)
    first = rows[first]
    if b is None:
        apart = first != second
        first, second = np.minimum(first, second)[apart], np.maximum(first, second)[apart]
    elif flipped:
        first, second = second, first
    true = np.unique(first * np.int64(len(other)) + second)
    found = int(np.isin(true, pairs[0] * np.int64(len(other)) + pairs[1]).sum())
    low, high = binomial_interval(found, len(true))
    return RecallAudit(rows=len(rows), pairs=len(true), found=found, low=low, high=high)


def binomial_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share; (0.0, 1.0) without trials."""
    tail = (1.0 - confidence) / 2.0
    if trials == 0:
        return 0.0, 1.0
    high = 1.0 if successes == trials else _share_with_tail(successes, trials, tail)
    low = 0.0 if successes == 0 else 1.0 - _share_with_tail(trials - successes, trials, tail)
    return low, high


def _share_with_tail(successes: int, trials: int, tail: float) -> float:
    """The share at which so few successes or fewer have probability ``tail``."""
    numbers = np.arange(successes + 1)
    log_ways = np.concatenate(([0.0], np.cumsum(np.log((trials - numbers[:-1]) / (numbers[:-1] + 1)))))
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        logs = log_ways + numbers * math.log(middle) + (trials - numbers) * math.log1p(-middle)
        low, high = (middle, high) if float(np.exp(logs).sum()) > tail else (low, middle)
    return high
