"""ENCODED: findings as they go back to one department: its own handles and nothing of anybody else's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import pyarrow as pa
from pydantic import Field

from secure_match.agreement import NumberFindingKind
from secure_match.agreement.strict import StrictModel, VisibleText
from secure_match.encoded.manifest import HexDigest, Identifier, KeyEpoch, KeyId
from secure_match.errors import PackageError

FINDINGS_SCHEMA: Final = pa.schema(
    [
        pa.field("finding_id", pa.binary(16), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("handle", pa.binary(16), nullable=False),
        pa.field("other_dataset", pa.string()),
        pa.field("first_month", pa.int32()),
        pa.field("last_month", pa.int32()),
        pa.field("evidence", pa.string()),
    ]
)
"""Columns of a findings package.

``finding_id`` is the same on all rows of one finding, also in other departments' packages. ``kind`` is ``duplicate``,
``missing``, ``one_number_two_people`` or ``one_person_two_numbers``; of the last two, which are on groups of rows,
``rule`` is the kind. ``other_dataset`` holds the other row of a duplicate, or the other rows of a group: then it may
be several ids in the agreement's order, with commas between them. The months (YYYYMM, both included) are those that
the two rows of a duplicate share. ``evidence`` says what puts the rows together: ``id_token`` or ``passes``; null for
a missing person.
"""

FindingKind = Literal["duplicate", "missing"] | NumberFindingKind


class FindingSource(StrictModel):
    """One of the recipient's packages that the run took in.

    Attributes:
        dataset: its dataset; ``title`` is the dataset's title in the agreement.
        row_key: header of the row key in the department's export, to find the rows again by.
        handle_key_id: names the handle key that the package's handles were made with.
        package_digest: digest of the package.
    """

    dataset: Identifier
    title: VisibleText
    row_key: VisibleText
    handle_key_id: KeyId
    package_digest: HexDigest


class RuleTitle(StrictModel):
    """A rule of the agreement in words."""

    id: Identifier
    kind: FindingKind
    title: VisibleText


class FindingsManifest(StrictModel):
    """The readable part of a findings package."""

    format: Literal["secure_match/findings"] = "secure_match/findings"
    format_version: Literal[1] = 1
    agreement_id: Identifier
    agreement_fingerprint: HexDigest
    key_epoch: KeyEpoch
    recipient: Identifier
    sources: tuple[FindingSource, ...]
    dataset_titles: dict[Identifier, VisibleText]
    rules: tuple[RuleTitle, ...]
    rows: Annotated[int, Field(ge=0)]
    tool: VisibleText


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsPackage:
    """Findings for one department.

    Attributes:
        manifest: for whom, under what, from which packages.
        table: columns of ``FINDINGS_SCHEMA``, ordered by dataset, rule, finding and handle.

    Raises:
        PackageError: ``PACKAGE_CONTENT`` when table and manifest do not agree.
    """

    manifest: FindingsManifest
    table: pa.Table

    def __post_init__(self) -> None:
        if not self.table.schema.equals(FINDINGS_SCHEMA) or self.table.num_rows != self.manifest.rows:
            raise PackageError("the findings are not those that the manifest lists", code="PACKAGE_CONTENT")
        for field, column in zip(FINDINGS_SCHEMA, self.table.columns, strict=True):
            if not field.nullable and column.null_count:
                raise PackageError(f"column {field.name} has empty cells where none may be", code="PACKAGE_CONTENT")
        known = {source.dataset for source in self.manifest.sources}
        if not set(self.table["dataset"].unique().to_pylist()) <= known:
            raise PackageError("a finding is on a dataset that the manifest does not list", code="PACKAGE_CONTENT")
