"""RAW: which texts of a long column repeat, in eight bytes a row and without keeping a text.

Texts are told apart by Python's keyed 64-bit hash: among ten million different texts, two look equal with a chance of
three in a million. Hashes stay in this process.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

BoolArray = npt.NDArray[np.bool_]
HashArray = npt.NDArray[np.int64]
DEGREES: Final = ((1, 1), (2, 3), (4, 9), (10, 99), (100, 0))
"""First and last number of rows that share one value, per class; 0 is no end."""


def hash_texts(texts: pa.StringArray) -> HashArray:
    """64-bit hashes, int64 of shape (rows,); equal texts have equal ones. Nulls count as one text."""
    return np.fromiter(map(hash, texts.to_pylist()), dtype=np.int64, count=len(texts))


class SeenTexts:
    """Tells which texts stood on an earlier row. Hashes lie in sorted runs of rising size, few at any time."""

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: list[HashArray] = []

    def add(self, texts: pa.StringArray, chosen: BoolArray) -> BoolArray:
        """Which of the chosen rows repeat an earlier chosen row: bool of shape (rows,)."""
        places = np.flatnonzero(chosen)
        hashes = hash_texts(texts.filter(pa.array(chosen)))
        distinct, first = np.unique(hashes, return_index=True)
        again = np.ones(len(hashes), dtype=np.bool_)
        again[first] = _among(distinct, self._runs)
        self._keep(distinct[~again[first]])
        repeated = np.zeros(len(chosen), dtype=np.bool_)
        repeated[places[again]] = True
        return repeated

    def _keep(self, run: HashArray) -> None:
        while self._runs and len(self._runs[-1]) <= len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        self._runs.append(run)


class SharedTexts:
    """Counts how many rows share their text with how many others."""

    __slots__ = ("_hashes",)

    def __init__(self) -> None:
        self._hashes: list[HashArray] = []

    def add(self, texts: pa.StringArray) -> None:
        """Take a batch; nulls are passed over."""
        self._hashes.append(hash_texts(texts.drop_null()))

    def rows_by_degree(self) -> dict[str, int]:
        """Class of ``DEGREES`` as text, ``2-3`` say, to the number of rows in it."""
        joined = np.concatenate(self._hashes) if self._hashes else np.zeros(0, dtype=np.int64)
        counts = np.unique(joined, return_counts=True)[1]
        rows: dict[str, int] = {}
        for first, last in DEGREES:
            hit = (counts >= first) & ((counts <= last) if last else True)
            name = str(first) if first == last else f"{first}-{last}" if last else f"{first}+"
            rows[name] = int(counts[hit].sum())
        return rows


def _among(hashes: HashArray, runs: list[HashArray]) -> BoolArray:
    found = np.zeros(len(hashes), dtype=np.bool_)
    for run in runs:
        if len(run):
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            found |= run[places] == hashes
    return found
