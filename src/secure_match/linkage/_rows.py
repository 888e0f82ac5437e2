"""ENCODED: the rows of all datasets in one canonical order, and what their ID tokens say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement
from secure_match.encoded import EncodedDataset, matrix_from_binary
from secure_match.errors import LinkageError
from secure_match.linkage._intake import VerifiedDatasets
from secure_match.linkage._keys import Keys, RowArray, group_rows
from secure_match.linkage._steps import released_chunks

ByteMatrix = npt.NDArray[np.uint8]
MaskArray = npt.NDArray[np.uint64]
PairKeys = npt.NDArray[np.uint64]

MAX_ROWS: Final = (1 << 31) - 1
"""Rows of a run: a row number fits 32 bits with its sign, and a pair of them one word."""
_MAX_CONSTRAINED: Final = 64
_ROW_BITS: Final = np.uint64(32)


class TokenState(IntEnum):
    """What the ID tokens of a pair say."""

    EQUAL = 0
    DIFFERENT = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdedTokens:
    """ID tokens that stand on more rows than the agreement allows a person, and those rows; they count as none."""

    tokens: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowOrder:
    """Datasets in canonical order, as in a ``RowTable`` of them, before one is built.

    Attributes:
        datasets: the encoded datasets, in the agreement's order.
        starts: row number of each dataset's first row, and the number of rows.
    """

    datasets: tuple[EncodedDataset, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, agreement: Agreement, verified: VerifiedDatasets) -> RowOrder:
        """The order in which ``link`` will number the rows."""
        places = {dataset.id: place for place, dataset in enumerate(agreement.datasets)}
        datasets = tuple(sorted(verified.datasets, key=lambda item: places[item.manifest.dataset]))
        starts = np.cumsum([0, *map(len, datasets)])
        return cls(datasets=datasets, starts=tuple(starts.tolist()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowTable:
    """All rows, ordered by the agreement's order of datasets, then by handle: the input's order does not matter.

    A dataset's own rows stand in the order of their handles, so its table is a run of this one.

    Attributes:
        datasets: the encoded datasets, in the agreement's order.
        starts: row number of each dataset's first row, and the number of rows.
        dataset_of: index into ``datasets``, int32 of shape (rows,).
        handles: uint8 of shape (rows, 16).
        token_codes: equal for equal ID tokens, -1 for none, int32 of shape (rows,).
        constraint_bit_of: for each dataset 0, or one bit if it holds a person once, uint64 of shape (datasets,).
    """

    datasets: tuple[EncodedDataset, ...]
    starts: tuple[int, ...]
    dataset_of: RowArray
    handles: ByteMatrix
    token_codes: RowArray
    constraint_bit_of: MaskArray

    def __len__(self) -> int:
        return self.starts[-1]

    @property
    def constraint_bits(self) -> MaskArray:
        """The bit of each row's dataset, uint64 of shape (rows,)."""
        return np.repeat(self.constraint_bit_of, np.diff(self.starts))

    def with_pass(self, pass_id: str) -> Iterator[tuple[int, EncodedDataset]]:
        """The datasets that have a pass, each with the row number of its first row."""
        for start, dataset in zip(self.starts, self.datasets, strict=False):
            if any(item.id == pass_id for item in dataset.manifest.passes):
                yield start, dataset


def build_rows(
    agreement: Agreement, verified: VerifiedDatasets, release: Callable[[], None] = lambda: None
) -> tuple[RowTable, CrowdedTokens]:
    """Put the rows of all datasets into canonical order.

    Args:
        release: called now and then when parts of columns were read.

    Raises:
        LinkageError: ``ROWS_LIMIT`` for more than 2^31 - 1 rows.
    """
    order = RowOrder.of(agreement, verified)
    datasets, starts = order.datasets, order.starts
    rows = starts[-1]
    if rows > MAX_ROWS:
        raise LinkageError(f"a run takes at most {MAX_ROWS:,} rows; link fewer packages at a time", code="ROWS_LIMIT")
    tokens = Keys.empty(rows)
    handles = np.zeros((rows, 16), dtype=np.uint8)
    for start, dataset in zip(starts, datasets, strict=False):
        place = start
        for chunk in released_chunks(dataset.table["handle"], release):
            handles[place : place + len(chunk)] = matrix_from_binary(chunk)[0]
            place += len(chunk)
        if dataset.manifest.id_tokens:
            tokens.fill(start, dataset.table["id_token"], release)
    table = RowTable(
        datasets=datasets,
        starts=starts,
        dataset_of=np.repeat(np.arange(len(datasets), dtype=np.int32), np.diff(starts)),
        handles=handles,
        token_codes=group_rows(tokens).of_rows(rows),
        constraint_bit_of=_constraint_bits(agreement, datasets),
    )
    return _without_crowded_tokens(table, agreement.limits.max_rows_per_person)


def _constraint_bits(agreement: Agreement, datasets: tuple[EncodedDataset, ...]) -> MaskArray:
    bits = np.zeros(len(datasets), dtype=np.uint64)
    constrained = 0
    for index, dataset in enumerate(datasets):
        declared = agreement.dataset(dataset.manifest.dataset)
        if declared is not None and declared.one_record_per_person:
            if constrained == _MAX_CONSTRAINED:
                raise LinkageError(
                    f"a run takes at most {_MAX_CONSTRAINED} one-record-per-person datasets", code="ROWS_LIMIT"
                )
            bits[index] = np.uint64(1 << constrained)
            constrained += 1
    return bits


def _without_crowded_tokens(rows: RowTable, limit: int) -> tuple[RowTable, CrowdedTokens]:
    """Take the ID token away from rows that share it with too many: it is a placeholder, not a person."""
    codes = rows.token_codes
    counts = np.bincount(codes[codes >= 0])
    crowded_code = counts > limit
    if not crowded_code.any():
        return rows, CrowdedTokens(tokens=0, rows=0)
    crowded = (codes >= 0) & crowded_code[codes]
    report = CrowdedTokens(tokens=int(crowded_code.sum()), rows=int(crowded.sum()))
    return replace(rows, token_codes=np.where(crowded, np.int32(-1), codes)), report


def token_states(codes: RowArray, row_i: RowArray, row_j: RowArray) -> npt.NDArray[np.int8]:
    """``TokenState`` of pairs, int8 of shape (pairs,)."""
    one, two = codes[row_i], codes[row_j]
    states = np.where(one == two, np.int8(TokenState.EQUAL), np.int8(TokenState.DIFFERENT))
    states[(one < 0) | (two < 0)] = TokenState.UNKNOWN
    return states


def token_links(codes: RowArray) -> PairKeys:
    """Exact join on ID tokens: each later row of a token with the first, as pair keys in rising order."""
    rows = np.flatnonzero(codes >= 0)
    first = np.full(int(codes.max(initial=-1)) + 1, len(codes), dtype=np.int64)
    # Written from the last row to the first, so that a token's first row stays.
    first[codes[rows[::-1]]] = rows[::-1]
    firsts = first[codes[rows]]
    later = firsts != rows
    keys = pair_keys(firsts[later], rows[later])
    keys.sort()
    return keys


def pair_keys(row_i: npt.NDArray[np.int64], row_j: npt.NDArray[np.int64]) -> PairKeys:
    """Pairs as one word each, which rise as (row_i, row_j) does: uint64 of shape (pairs,)."""
    return (row_i.astype(np.uint64) << _ROW_BITS) | row_j.astype(np.uint64)


def key_rows(keys: PairKeys) -> tuple[RowArray, RowArray]:
    """The reverse of :func:`pair_keys`: two int32 of shape (pairs,)."""
    return (keys >> _ROW_BITS).astype(np.int32), keys.astype(np.uint32).view(np.int32)
