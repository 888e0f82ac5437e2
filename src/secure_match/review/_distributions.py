"""AUDIT: how values are spread over rows: how many stand alone, how frequent the most frequent ones are.

Values themselves are never given out, only on how many rows they stand. Invariant: every function takes whole columns;
nothing loops over rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.encoded import matrix_from_binary

IntArray = npt.NDArray[np.int64]

SIZE_BANDS: Final[tuple[tuple[int, int | None], ...]] = ((1, 1), (2, 4), (5, 9), (10, 99), (100, None))
"""Sizes of groups, both bounds included, in which groups are counted."""
MOST_FREQUENT: Final = 5
_QUANTILES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How rows fall into groups of equal value.

    Attributes:
        rows: rows that have a value.
        groups: number of different values.
        bands: size band, such as ``2-4``, to the number of groups of that size.
        rows_in_bands: the same to the number of rows in these groups.
        largest: rows of the largest groups, the largest first, at most ``MOST_FREQUENT``.
        entropy_bits: Shannon entropy of the value of a random row, in bits; 0 without rows.
        min_entropy_bits: -log2 of the share of the most frequent value, in bits; 0 without rows.
    """

    rows: int
    groups: int
    bands: dict[str, int]
    rows_in_bands: dict[str, int]
    largest: tuple[int, ...]
    entropy_bits: float
    min_entropy_bits: float

    @property
    def largest_share(self) -> float:
        """Share of the rows that hold the most frequent value, 0 to 1."""
        return self.largest[0] / self.rows if self.rows else 0.0


def spread_of(sizes: IntArray) -> Spread:
    """The spread of groups.

    Args:
        sizes: rows of each group, int64 of shape (groups,), each at least 1.
    """
    rows = int(sizes.sum())
    bands: dict[str, int] = {}
    rows_in_bands: dict[str, int] = {}
    for low, high in SIZE_BANDS:
        inside = sizes[(sizes >= low) & (sizes <= (high if high is not None else rows))]
        name = f"{low}+" if high is None else str(low) if low == high else f"{low}-{high}"
        bands[name] = len(inside)
        rows_in_bands[name] = int(inside.sum())
    shares = sizes / rows if rows else sizes.astype(np.float64)
    return Spread(
        rows=rows,
        groups=len(sizes),
        bands=bands,
        rows_in_bands=rows_in_bands,
        largest=tuple(int(size) for size in np.sort(sizes)[::-1][:MOST_FREQUENT]),
        entropy_bits=float(-(shares * np.log2(shares)).sum()) + 0.0 if rows else 0.0,
        min_entropy_bits=-math.log2(float(shares.max())) + 0.0 if rows else 0.0,
    )


def group_sizes(columns: Sequence[pa.ChunkedArray], *, nulls: bool) -> IntArray:
    """Rows of each combination of values, int64 of shape (groups,), in no order that says anything.

    Args:
        columns: one or more columns of equal length.
        nulls: whether an empty cell is a value of its own; otherwise rows with one are passed over.
    """
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    kept = np.ones(len(codes), dtype=np.bool_)
    for column in columns:
        numbers, values = _numbered(column)
        kept &= numbers < values
        # Numbered anew after every column, so that the product never leaves 64 bits.
        codes = np.unique(codes * (values + 1) + numbers, return_inverse=True)[1].astype(np.int64)
    if not nulls:
        codes = codes[kept]
    return np.unique(codes, return_counts=True)[1].astype(np.int64)


def _numbered(column: pa.ChunkedArray) -> tuple[IntArray, int]:
    """A number for each cell, equal for equal values, and how many values there are; empty cells have that number."""
    whole = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    encoded = whole.dictionary_encode()
    values = len(encoded.dictionary)
    numbers = encoded.indices.fill_null(values).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, dtype=np.int64), values


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBits:
    """Numbers of set bits of encodings.

    Attributes:
        rows: rows with an encoding.
        quantiles: least, lower quartile, median, upper quartile and most; zeros without rows.
        mean: mean number.
        deviation: standard deviation over the rows.
    """

    rows: int
    quantiles: tuple[int, ...]
    mean: float
    deviation: float


def set_bits(column: pa.ChunkedArray) -> SetBits:
    """How many bits the encodings of a column set.

    Args:
        column: fixed_size_binary, packed encodings.
    """
    counts = [_bit_counts(chunk) for chunk in column.chunks]
    joined = np.concatenate(counts) if counts else np.zeros(0, dtype=np.int64)
    if not len(joined):
        return SetBits(rows=0, quantiles=(0,) * len(_QUANTILES), mean=0.0, deviation=0.0)
    quantiles = np.quantile(joined, _QUANTILES, method="inverted_cdf")
    return SetBits(
        rows=len(joined),
        quantiles=tuple(int(value) for value in quantiles),
        mean=float(joined.mean()),
        deviation=float(joined.std()),
    )


def _bit_counts(chunk: pa.Array) -> IntArray:
    matrix, valid = matrix_from_binary(chunk)
    counts: IntArray = np.bitwise_count(matrix[valid]).sum(axis=1, dtype=np.int64)
    return counts
