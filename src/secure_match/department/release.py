"""RAW: the release gate: the last look at what is about to leave, made from the agreement alone.

It does not trust the encoder: columns, codes and shares are checked again on the finished columns.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement, CodedColumn, Dataset, leaving_columns
from secure_match.department.codes import month_after, month_before
from secure_match.encoded import EncodedDataset
from secure_match.errors import Place, ReleaseError


def verify_release(agreement: Agreement, dataset: Dataset, encoded: EncodedDataset) -> None:
    """Check a dataset that is about to leave.

    Raises:
        ReleaseError: ``RELEASE_COLUMN`` for an unlisted column, ``RELEASE_CODE`` for a value outside its list or range
            (with the column and how many cells), ``RELEASE_FUZZY_SHARE`` when too many rows carry fuzzy encodings.
    """
    listed = [column.name for column in leaving_columns(agreement, dataset)]
    present = encoded.table.column_names
    if present != listed:
        unlisted = next((name for name in present if name not in listed), "")
        raise ReleaseError(
            "the columns are not exactly those that the agreement lists",
            code="RELEASE_COLUMN",
            place=Place(column=unlisted or None),
        )
    for column in dataset.columns:
        cells = encoded.table[f"code.{column.name}"]
        # The sum over no cells, or over empty cells only, is null.
        allowed = pc.sum(_allowed(agreement, column, cells)).as_py() or 0
        outside = len(cells) - cells.null_count - allowed
        if outside:
            raise ReleaseError(
                f"{outside} cells are outside the agreed list or range",
                code="RELEASE_CODE",
                place=Place(column=column.name),
            )
    share = fuzzy_share(encoded)
    if share > agreement.limits.max_fuzzy_share:
        raise ReleaseError(
            f"{share:.1%} of the rows carry a fuzzy encoding; the agreement allows "
            f"{agreement.limits.max_fuzzy_share:.1%}",
            code="RELEASE_FUZZY_SHARE",
        )


def fuzzy_share(encoded: EncodedDataset) -> float:
    """Share of rows that carry an encoding in any pass, 0 to 1."""
    if not len(encoded) or not encoded.manifest.passes:
        return 0.0
    carried = [encoded.encoded_rows(item.id) for item in encoded.manifest.passes]
    return float(np.logical_or.reduce(carried).mean())


def _allowed(agreement: Agreement, column: CodedColumn, cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type == "code":
        return pc.and_kleene(pc.is_valid(cells), pc.is_in(cells, value_set=pa.array(column.codes or (), pa.string())))
    if column.type == "month":
        low, high = month_before(agreement.valid_months.first), month_after(agreement.valid_months.last)
    elif column.bands is not None:
        return pc.and_kleene(pc.is_valid(cells), pc.is_in(cells, value_set=pa.array(column.bands, pa.int32())))
    else:
        low, high = column.range or (0, 0)
    return pc.and_kleene(pc.greater_equal(cells, low), pc.less_equal(cells, high))
