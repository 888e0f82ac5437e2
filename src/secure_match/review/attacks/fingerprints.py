"""AUDIT: fingerprints: rows that their coded columns single out, and people whom a plaintext table then names.

After Sweeney, "Simple demographics often identify people uniquely" (2000), and Rocher, Hendrickx and de Montjoye,
"Estimating the success of re-identifications in incomplete datasets" (Nature Communications 10, 2019).

Adversary's knowledge: a plaintext table that holds the same coded columns (scheme, months, town, status) for everybody
in the package, but for the errors and delays of its own copy. Metric: rows named, of all rows: a row is named where
exactly one row of the table has its codes, and that is its person.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.review.attacks.result import AttackResult

__all__ = ["coarsened_months", "fingerprints", "unique_rows"]

SOURCE: Final = "Sweeney 2000; Rocher et al., Nature Communications 2019"
KNOWLEDGE: Final = "a plaintext table with the same coded columns for everybody in the package"
METRIC: Final = "rows whose codes exactly one row of the table has, and that one is their person"

Codes = npt.NDArray[np.int64]


def fingerprints(
    released: Mapping[str, Codes],
    known: Mapping[str, Codes],
    truth: Codes,
    *,
    settings: dict[str, str | int | float] | None = None,
) -> AttackResult:
    """Name rows by their coded columns alone.

    Args:
        released: column to codes of the package's rows, int64 of shape (rows,); a missing value has a code too (-1).
        known: the same columns of the plaintext table, int64 of shape (people,).
        truth: row of the table that is each row's person, -1 for nobody; int64 of shape (rows,). For scoring.
        settings: what the result says of its target.

    Returns:
        The rate of named rows; ``fields`` holds ``unique_rows``, the share of rows that are alone in the package.

    Raises:
        ValueError: the columns of both sides differ.
    """
    begun = time.perf_counter()
    if list(released) != list(known) or not released:
        raise ValueError("both sides need the same columns, in the same order")
    rows = len(truth)
    theirs = _joint([np.concatenate([released[name], known[name]]) for name in released])
    ours, table = theirs[:rows], theirs[rows:]
    counts = np.bincount(table, minlength=int(theirs.max(initial=0)) + 1)
    holder = np.full(len(counts), -1, dtype=np.int64)
    holder[table] = np.arange(len(table))
    named = (counts[ours] == 1) & (truth >= 0) & (holder[ours] == truth)
    return AttackResult(
        attack="fingerprints",
        source=SOURCE,
        knowledge=KNOWLEDGE,
        metric=METRIC,
        settings={"rows": rows, "columns": " ".join(released), **(settings or {})},
        hits=int(np.count_nonzero(named)),
        trials=rows,
        guessing=1 / max(len(table), 1),
        seconds=time.perf_counter() - begun,
        fields={"unique_rows": unique_rows(released)},
    )


def unique_rows(columns: Mapping[str, Codes]) -> float:
    """Share of rows that no other row equals in all columns; 0 without a row."""
    joint = _joint(list(columns.values()))
    counts = np.bincount(joint) if len(joint) else np.zeros(0, dtype=np.int64)
    return float(np.count_nonzero(counts == 1) / max(len(joint), 1))


def coarsened_months(months: Codes, step: int) -> Codes:
    """First month, YYYYMM, of the span of ``step`` months (3, 6, 12) that a month lies in; -1 stays.

    Args:
        months: int64 of shape (rows,).
        step: months of a span; a divisor of 12.

    Raises:
        ValueError: ``step`` does not divide 12.
    """
    if step < 1 or 12 % step:
        raise ValueError("a span has 1, 2, 3, 4, 6 or 12 months")
    year, month = np.divmod(months, 100)
    return np.where(months < 0, -1, year * 100 + (month - 1) // step * step + 1).astype(np.int64)


def _joint(columns: list[Codes]) -> Codes:
    """One code for each combination of values, int64 of shape (rows,), from 0 without gaps."""
    joint = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        codes = np.unique(column, return_inverse=True)[1]
        joint = np.unique(joint * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1].astype(np.int64)
    return joint
