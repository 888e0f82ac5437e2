"""RAW: the release gate: the last look at what is about to leave, made from the agreement alone.

It does not trust the encoder: columns, codes, small cells and shares are checked again on the finished columns. A
refusal names the rule of the agreement, the column and the count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement, Dataset, leaving_columns
from secure_match.encoded import EncodedDataset
from secure_match.encoded.coded_values import cells_outside
from secure_match.errors import Place, ReleaseError

Assessment = Callable[[], float | None]
"""Rehearses a release and attacks it: the highest share of people named, None where there were too few to judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCount:
    """Cells of a dataset: combinations of the columns that its agreement names.

    Attributes:
        columns: their names, in the agreement's order; none where the agreement names none.
        smallest: rows that the smallest cell has; 0 without rows.
        small: cells that hold rows of this dataset and have fewer rows than the agreement asks for.
        rows: rows of the dataset in them.
    """

    columns: tuple[str, ...]
    smallest: int = 0
    small: int = 0
    rows: int = 0


def verify_release(
    agreement: Agreement,
    dataset: Dataset,
    encoded: EncodedDataset,
    *,
    others: pa.Table | None = None,
    count_small: bool = True,
) -> None:
    """Check a dataset that is about to leave: whole, or in its first phase; see :func:`verify_passes_release`.

    Args:
        others: for a supplement, the rows that it completes: cells are counted with them.
        count_small: False where those rows are not at hand, and cells were counted before.

    Raises:
        ReleaseError: ``RELEASE_COLUMN`` for an unlisted column, ``RELEASE_CODE`` for a value outside its list or range
            (with the column and how many cells), ``RELEASE_SMALL_CELL`` for a combination of coded values that too few
            rows share, ``RELEASE_FUZZY_SHARE`` when too many rows carry fuzzy encodings.
    """
    _verify_columns(agreement, dataset, encoded, 1 if agreement.release.two_phase else None)
    for column in dataset.columns:
        outside = cells_outside(column, agreement.valid_months, encoded.table[f"code.{column.name}"])
        if outside:
            raise ReleaseError(
                f"{outside:,} cells are outside the agreed list or range of this column of {dataset.id}",
                code="RELEASE_CODE",
                place=Place(column=column.name),
            )
    cells = count_cells(agreement, dataset, encoded, others=others)
    if cells.small and count_small:
        raise ReleaseError(
            f"{cells.rows:,} rows stand in {cells.small:,} combinations of these columns of {dataset.id} that fewer "
            f"than {agreement.release.smallest_cell:,} rows share (release.smallest_cell)",
            code="RELEASE_SMALL_CELL",
            place=Place(column=", ".join(cells.columns)),
        )
    _verify_share(agreement, dataset, fuzzy_rows(encoded), len(encoded))


def verify_passes_release(
    agreement: Agreement, dataset: Dataset, encoded: EncodedDataset, *, released: int = 0, of_rows: int | None = None
) -> None:
    """Check passes that were asked for, before they leave.

    Args:
        released: rows whose passes left by then, these among them.
        of_rows: rows of the first phase; None where the share was looked at before.

    Raises:
        ReleaseError: ``RELEASE_COLUMN``, ``RELEASE_FUZZY_SHARE``.
    """
    _verify_columns(agreement, dataset, encoded, 2)
    if of_rows is not None:
        _verify_share(agreement, dataset, max(released, fuzzy_rows(encoded)), of_rows)


def assessed_rate(agreement: Agreement, dataset: Dataset, assess: Assessment | None) -> float | None:
    """What attacks on a rehearsal reach, where the agreement limits it; None where it does not, or nothing judges.

    Raises:
        ReleaseError: ``RELEASE_ATTACK_RATE``, ``RELEASE_UNASSESSED``.
    """
    limits = agreement.limits
    if limits.max_attack_rate >= 1:
        return None
    if assess is None:
        raise ReleaseError(
            "the agreement limits what attacks may name (limits.max_attack_rate), and nothing was given that rehearses "
            "the release",
            code="RELEASE_UNASSESSED",
        )
    rate = assess()
    if rate is not None and rate > limits.max_attack_rate:
        raise ReleaseError(
            f"in a rehearsal an adversary with {limits.attack_pairs:,} known pairs named {rate:.2%} of the others "
            f"of {dataset.id}; the agreement allows {limits.max_attack_rate:.2%} (limits.max_attack_rate): see "
            "secure-match department rehearse, and narrow the blocks of the passes",
            code="RELEASE_ATTACK_RATE",
        )
    return rate


def _verify_share(agreement: Agreement, dataset: Dataset, rows: int, of_rows: int) -> None:
    limits = agreement.limits
    if rows > max(limits.max_fuzzy_share * of_rows, limits.free_fuzzy_rows):
        raise ReleaseError(
            f"{rows:,} of {of_rows:,} rows ({rows / max(of_rows, 1):.1%}) carry a fuzzy encoding in a pass column of "
            f"{dataset.id}; the agreement allows {limits.max_fuzzy_share:.1%} (limits.max_fuzzy_share)",
            code="RELEASE_FUZZY_SHARE",
        )


def _verify_columns(
    agreement: Agreement, dataset: Dataset, encoded: EncodedDataset, phase: Literal[1, 2] | None
) -> None:
    listed = [column.name for column in leaving_columns(agreement, dataset, phase)]
    present = encoded.table.column_names
    if present == listed:
        return
    unlisted = [name for name in present if name not in listed]
    lacking = [name for name in listed if name not in present]
    raise ReleaseError(
        f"the columns of {dataset.id} are not exactly those that the agreement lists, in their order: {len(unlisted)} "
        f"unlisted, {len(lacking)} lacking of {len(listed)}",
        code="RELEASE_COLUMN",
        place=Place(column=unlisted[0] if unlisted else None),
    )


def count_cells(
    agreement: Agreement, dataset: Dataset, encoded: EncodedDataset, *, others: pa.Table | None = None
) -> CellCount:
    """Count the rows of every combination of the columns that ``cells`` names, an empty cell being a value.

    It is counted anew, by other means than small cells are found and given up with.

    Args:
        others: see :func:`verify_release`.
    """
    if not dataset.cells or not len(encoded):
        return CellCount(columns=dataset.cells)
    names = [f"code.{name}" for name in dataset.cells]
    parts = [encoded.table.select(names).append_column("own", pa.repeat(1, len(encoded)))]
    if others is not None:
        parts.append(others.select(names).append_column("own", pa.repeat(0, others.num_rows)))
    groups = pa.concat_tables(parts).group_by(names).aggregate([("own", "sum"), ("own", "count")])
    groups = groups.filter(pc.greater(groups["own_sum"], 0))
    small = groups.filter(pc.less(groups["own_count"], agreement.release.smallest_cell))
    return CellCount(
        columns=dataset.cells,
        smallest=pc.min(groups["own_count"]).as_py(),
        small=small.num_rows,
        rows=pc.sum(small["own_sum"]).as_py() or 0,
    )


def fuzzy_rows(encoded: EncodedDataset) -> int:
    """Rows that carry an encoding in any pass."""
    columns = [encoded.table[f"pass.{item.id}.encoding"] for item in encoded.manifest.passes]
    carried = [column.is_valid().to_numpy() for column in columns]
    return int(np.count_nonzero(np.logical_or.reduce(carried))) if carried else 0


def fuzzy_share(encoded: EncodedDataset) -> float:
    """Share of rows that carry an encoding in any pass, 0 to 1."""
    return fuzzy_rows(encoded) / len(encoded) if len(encoded) else 0.0
