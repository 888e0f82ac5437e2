"""ENCODED: a request for passes: which rows of a department's earlier packages are asked for, by handle or block tag.

Invariants:

* a request by handle names the recipient's own handles, and nothing of another side,
* a request by tag names block tags that rows of others carry, each once, in order, without whose or how many rows',
* a dataset is asked for in one of the two ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import pyarrow as pa

from secure_match.agreement.strict import StrictModel, VisibleText
from secure_match.encoded.manifest import Count, HexDigest, Identifier, KeyEpoch
from secure_match.errors import PackageError

NO_PASS: Final = ""
"""What stands in ``pass`` of a handle."""

PASS_REQUEST_SCHEMA: Final = pa.schema(
    [
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("pass", pa.string(), nullable=False),
        pa.field("value", pa.binary(16), nullable=False),
    ]
)
"""Columns of a request; ``value`` is a handle, or a block tag of ``pass``. Rows rise by all three, each once."""


class PassSource(StrictModel):
    """A dataset of the recipient.

    Attributes:
        packages: digests of the packages of phase 1 that it came in, the whole one first, then supplements.
        by: whether its rows are asked for by their handles or by their block tags.
        rows: how many values ask for it.
    """

    dataset: Identifier
    packages: tuple[HexDigest, ...]
    by: Literal["handle", "tag"]
    rows: Count


class PassRequestManifest(StrictModel):
    """The readable part of a request."""

    format: Literal["secure_match/pass-request"] = "secure_match/pass-request"
    format_version: Literal[1] = 1
    agreement_id: Identifier
    agreement_fingerprint: HexDigest
    key_epoch: KeyEpoch
    recipient: Identifier
    sources: tuple[PassSource, ...]
    rows: Count
    tool: VisibleText


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRequest:
    """A request to one department.

    Attributes:
        table: columns of ``PASS_REQUEST_SCHEMA``.

    Raises:
        PackageError: ``PACKAGE_CONTENT`` when table and manifest do not agree.
    """

    manifest: PassRequestManifest
    table: pa.Table

    def __post_init__(self) -> None:
        if not self.table.schema.equals(PASS_REQUEST_SCHEMA) or self.table.num_rows != self.manifest.rows:
            raise PackageError("the rows are not those that the manifest lists", code="PACKAGE_CONTENT")
        if any(column.null_count for column in self.table.columns):
            raise PackageError("there are empty cells where none may be", code="PACKAGE_CONTENT")
        rows = list(zip(*(column.to_pylist() for column in self.table.columns), strict=True))
        if any(one >= two for one, two in pairwise(rows)):
            raise PackageError("the rows are not in rising order, each once", code="PACKAGE_CONTENT")
        counts = dict.fromkeys((source.dataset for source in self.manifest.sources), 0)
        by = {source.dataset: source.by for source in self.manifest.sources}
        for dataset, item, _ in rows:
            if dataset not in counts or (item == NO_PASS) != (by[dataset] == "handle"):
                raise PackageError("a row asks in a way that the manifest does not say", code="PACKAGE_CONTENT")
            counts[dataset] += 1
        said = [(source.dataset, source.rows) for source in self.manifest.sources]
        if said != sorted(counts.items()):
            raise PackageError("the manifest counts other rows than there are", code="PACKAGE_CONTENT")

    def values(self, dataset: str) -> dict[str, pa.Array]:
        """Pass id, or ``NO_PASS``, to what is asked for of a dataset, fixed_size_binary(16)."""
        found: dict[str, list[bytes]] = {}
        for name, item, value in zip(*(column.to_pylist() for column in self.table.columns), strict=True):
            if name == dataset:
                found.setdefault(item, []).append(value)
        return {item: pa.array(values, pa.binary(16)) for item, values in found.items()}
