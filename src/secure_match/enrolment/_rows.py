"""ENCODED: linked rows as the rules see them: person, dataset, scheme, months."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement
from secure_match.linkage import LinkResult

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonRows:
    """All rows of a run with the person that each belongs to.

    Attributes:
        links: the run's links.
        dataset_ids: ids of the datasets, by index.
        schemes: scheme of each dataset or "", by index.
        first_month: first month (YYYYMM) inside the valid months, int64 of shape (rows,); 0 without a spell.
        last_month: last month, likewise; an open spell lasts to the end of the valid months. It is before the first
            where the spell and the valid months have no month in common.
    """

    links: LinkResult
    dataset_ids: tuple[str, ...]
    schemes: tuple[str, ...]
    first_month: IntArray
    last_month: IntArray

    @classmethod
    def build(cls, agreement: Agreement, links: LinkResult) -> PersonRows:
        """Take the spells out of the coded columns."""
        rows = links.rows
        first = np.zeros(len(rows), dtype=np.int64)
        last = np.zeros(len(rows), dtype=np.int64)
        ids, schemes = [], []
        for index, dataset in enumerate(rows.datasets):
            declared = agreement.dataset(dataset.manifest.dataset)
            ids.append(dataset.manifest.dataset)
            schemes.append((declared.scheme if declared is not None else None) or "")
            if declared is None or declared.spell is None:
                continue
            here = slice(rows.starts[index], rows.starts[index + 1])
            months = agreement.valid_months
            first[here] = np.maximum(_months(dataset.table, declared.spell.first_month, months.first), months.first)
            last[here] = np.minimum(_months(dataset.table, declared.spell.last_month, months.last), months.last)
        return cls(links=links, dataset_ids=tuple(ids), schemes=tuple(schemes), first_month=first, last_month=last)

    def in_datasets(self, dataset_ids: set[str]) -> npt.NDArray[np.bool_]:
        """Which rows belong to one of the datasets: bool of shape (rows,)."""
        wanted = np.array([name in dataset_ids for name in self.dataset_ids], dtype=np.bool_)
        return wanted[self.links.rows.dataset_of]

    def in_schemes(self, schemes: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        """Which rows are enrolments in one of the schemes: bool of shape (rows,)."""
        wanted = np.array([scheme in schemes for scheme in self.schemes], dtype=np.bool_)
        return wanted[self.links.rows.dataset_of]

    def code(self, dataset_id: str, name: str) -> pa.Array:
        """A coded column of one dataset, in the canonical order of its rows, which is that of its table."""
        index = self.dataset_ids.index(dataset_id)
        return self.links.rows.datasets[index].table[f"code.{name}"].combine_chunks()


def _months(table: pa.Table, name: str, empty: int) -> IntArray:
    return np.asarray(pc.fill_null(table[f"code.{name}"], empty).to_numpy(), dtype=np.int64)
