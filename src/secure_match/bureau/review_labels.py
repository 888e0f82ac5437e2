"""ENCODED: decisions of clerks on the rows of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.bureau.review_decisions import ReviewDecision, settled
from secure_match.bureau.review_pairs import RowName
from secure_match.encoded import EncodedDataset
from secure_match.linkage import PairLabels


class OrderedRows(Protocol):
    """Datasets in canonical order with the row number of each one's first row: a ``RowTable`` or a ``RowOrder``."""

    @property
    def datasets(self) -> tuple[EncodedDataset, ...]:
        """The datasets."""

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each begins, and the number of rows."""


def labels_of(rows: OrderedRows, decisions: Iterable[ReviewDecision]) -> PairLabels:
    """What decisions say of the rows of a run.

    Args:
        decisions: in the order in which they were made; the last of a pair counts, and ``unsure`` says nothing.

    Returns:
        Labels of the pairs of which both rows are there. The others are gone: their number is the difference to
        ``settled(decisions)``.
    """
    last = settled(decisions).values()
    places = _places(rows, {row for item in last for row in item.rows})
    found: dict[tuple[int, int], bool] = {}
    for item in last:
        ends = [places[row] for row in item.rows if row in places]
        if len(ends) == len(item.rows):
            found[min(ends), max(ends)] = item.verdict == "match"
    ordered = sorted(found)
    return PairLabels(
        row_i=np.array([one for one, _ in ordered], dtype=np.int32),
        row_j=np.array([two for _, two in ordered], dtype=np.int32),
        is_match=np.array([found[pair] for pair in ordered], dtype=np.bool_),
    )


def _places(rows: OrderedRows, wanted: set[RowName]) -> dict[RowName, int]:
    """Row numbers of those rows that are there."""
    places: dict[RowName, int] = {}
    for start, dataset in zip(rows.starts, rows.datasets, strict=False):
        name = dataset.manifest.dataset
        handles = [handle for owner, handle in sorted(wanted) if owner == name]
        if not handles:
            continue
        # A loop over the decisions, which people made one by one; the rows are gone through by the library.
        where = pc.index_in(pa.array(handles, pa.binary(16)), value_set=dataset.table["handle"])
        for handle, place in zip(handles, where.to_pylist(), strict=True):
            if place is not None:
                places[name, handle] = start + place
    return places
