"""AUDIT: a roster cut into the tokens of a pass, as a sparse matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from secure_match.exchange.opaque import Guarded
from secure_match.review.attacks.inputs import FloatMatrix, PlainColumn, SeenPass


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class RosterTokens(Guarded):
    """Tokens of every person.

    Attributes:
        has: float32 CSR of shape (people, tokens), 1 where a person has the token.
        share: float32 of shape (tokens,), bits that the token sets on average.
    """

    has: sparse.csr_matrix
    share: npt.NDArray[np.float32]


def roster_tokens(columns: Sequence[PlainColumn]) -> RosterTokens:
    """Cut columns into tokens, numbered in order of first occurrence, column after column.

    Insertions of a field are shared out evenly among its tokens, so a token's share is the mean over its values.
    """
    numbers: dict[str, int] = {}
    rows: list[npt.NDArray[np.int64]] = []
    entries: list[npt.NDArray[np.int64]] = []
    weights: list[npt.NDArray[np.float64]] = []
    for column in columns:
        distinct, inverse = np.unique(np.asarray(column.values, dtype=np.str_), return_inverse=True)
        lists = [_tokens(column, str(value), numbers) for value in distinct]
        sizes = np.array([len(item) for item in lists], dtype=np.int64)
        flat = np.concatenate([np.array(item, dtype=np.int64) for item in lists])
        starts = np.cumsum(sizes) - sizes
        counts = sizes[inverse]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows.append(np.repeat(np.arange(len(inverse)), counts))
        entries.append(flat[np.repeat(starts[inverse], counts) + within])
        weights.append(np.repeat(column.insertions / np.maximum(counts, 1), counts))
    row, entry = np.concatenate(rows), np.concatenate(entries)
    shape = (len(columns[0].values), max(len(numbers), 1))
    has = sparse.csr_matrix((np.ones(len(row), dtype=np.float32), (row, entry)), shape=shape)
    has.data[:] = 1
    times = np.maximum(np.bincount(entry, minlength=shape[1]), 1)
    share = np.bincount(entry, weights=np.concatenate(weights), minlength=shape[1]) / times
    return RosterTokens(has=has, share=share.astype(np.float32))


def tokens_of(seen: SeenPass) -> RosterTokens:
    """The tokens of a pass's columns, cut once if they came with the pass."""
    return seen.tokens if seen.tokens is not None else roster_tokens(seen.columns)


def unpacked(encodings: npt.NDArray[np.uint8]) -> FloatMatrix:
    """Bits as float32 of shape (rows, bits)."""
    return np.unpackbits(encodings, axis=1).astype(np.float32)


def _tokens(column: PlainColumn, value: str, numbers: dict[str, int]) -> list[int]:
    """Numbers of the distinct tokens of a value; new ones are added to ``numbers``."""
    if not value:
        return []
    space = column.space or column.name
    found: dict[str, None] = {}
    for size in column.qgram_sizes:
        padded = " " * (size - 1) + value + " " * (size - 1)
        for place in range(len(padded) - size + 1):
            where = f"{size}.{place}" if column.positional else f"{size}"
            found[f"{space}\x1f{where} {padded[place : place + size]}"] = None
    return [numbers.setdefault(token, len(numbers)) for token in found]
