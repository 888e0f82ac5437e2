"""ENCODED: supplements: packages that complete an earlier one by rows that its owner had to quarantine.

A supplement names the digest of the package it completes, its base. Invariant: base and supplements joined are the
dataset that one package of all their rows would hold, with the base's ``read``; no row stands twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from secure_match.encoded._dataset import EncodedDataset
from secure_match.encoded.handle_order import sorted_by_handle
from secure_match.encoded.manifest import DatasetManifest, RowCounts
from secure_match.errors import PackageError


def verify_supplement(base: DatasetManifest, base_digest: str, supplement: DatasetManifest) -> None:
    """Check that a package completes this base: it names it, and was made of the same dataset in the same way.

    Args:
        base_digest: the base's package digest, hex SHA-256.

    Raises:
        PackageError: ``SUPPLEMENT_BASE``.
    """
    if base.supplement_to is not None:
        raise PackageError("a supplement completes a whole package, not a supplement", code="SUPPLEMENT_BASE")
    if supplement.supplement_to != base_digest:
        raise PackageError(
            "the supplement names another package than this one; use the package it was made for",
            code="SUPPLEMENT_BASE",
        )
    if _made_by(base) != _made_by(supplement):
        raise PackageError(
            "the supplement and its package were made under different agreements or keys, or of different datasets",
            code="SUPPLEMENT_BASE",
        )


def _made_by(manifest: DatasetManifest) -> DatasetManifest:
    """What has to be equal: all but the counts, the base's name and the version of the tool."""
    nothing = RowCounts(read=0, encoded=0, quarantined=0)
    return manifest.model_copy(update={"counts": nothing, "supplement_to": None, "tool": ""})


def join_supplements(base: EncodedDataset, base_digest: str, supplements: Sequence[EncodedDataset]) -> EncodedDataset:
    """A dataset with the rows of a package and of its supplements, in whatever order they come.

    Memory: the joined rows once more.

    Args:
        base_digest: the base's package digest, hex SHA-256.

    Raises:
        PackageError: ``SUPPLEMENT_BASE``; ``SUPPLEMENT_ROWS`` where a row stands in two of them, or where they hold
            more rows than the base quarantined.
    """
    for item in supplements:
        verify_supplement(base.manifest, base_digest, item.manifest)
    if not supplements:
        return base
    table = pa.concat_tables([base.table, *(item.table for item in supplements)])
    added = table.num_rows - len(base)
    counts = base.manifest.counts
    if added > counts.quarantined:
        raise PackageError(
            f"the supplements hold {added:,} rows, but the package quarantined {counts.quarantined:,}",
            code="SUPPLEMENT_ROWS",
        )
    if pc.count_distinct(table["handle"]).as_py() != table.num_rows:
        raise PackageError("a row stands in the package and in a supplement, or in two", code="SUPPLEMENT_ROWS")
    whole = RowCounts(read=counts.read, encoded=table.num_rows, quarantined=counts.quarantined - added)
    manifest = base.manifest.model_copy(update={"counts": whole})
    return EncodedDataset(manifest=manifest, table=sorted_by_handle([table], table.schema))
