"""RAW: the release gate: the last look at what is about to leave, made from the agreement alone.

It does not trust the encoder: columns, codes and shares are checked again on the finished columns.
"""

from __future__ import annotations

import numpy as np

from secure_match.agreement import Agreement, Dataset, leaving_columns
from secure_match.encoded import EncodedDataset
from secure_match.encoded.coded_values import cells_outside
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
        outside = cells_outside(column, agreement.valid_months, encoded.table[f"code.{column.name}"])
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
    columns = [encoded.table[f"pass.{item.id}.encoding"] for item in encoded.manifest.passes]
    carried = [column.is_valid().to_numpy() for column in columns]
    return float(np.logical_or.reduce(carried).mean())
