"""ENCODED: questions to a department about its own rows ("is this one right?") and its answers, in codes.

Invariants:

* a request holds the recipient's own handles and nothing of another side: no other dataset, handle, department, number
  of pairs, similarity or probability. A row is asked about once, whatever number of pairs it stands in,
* rows are ordered by dataset and handle, so that their order says nothing,
* the name of an item is drawn anew for each request; an answer holds that name and a code, and no handle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import pyarrow as pa
from pydantic import Field

from secure_match.agreement.strict import StrictModel, VisibleText
from secure_match.encoded.cell_bytes import is_rising
from secure_match.encoded.manifest import Count, HexDigest, Identifier, KeyEpoch, KeyId
from secure_match.errors import PackageError

LookVerdict = Literal["right", "corrected", "wrong_person", "cannot_tell"]
LOOK_VERDICTS: Final[tuple[LookVerdict, ...]] = ("right", "corrected", "wrong_person", "cannot_tell")
"""What a department may say of a row: all asked fields are right; some were wrong and are corrected in its system; the
row holds the data of more than one person; it cannot tell."""
RequestId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]

REQUEST_SCHEMA: Final = pa.schema(
    [
        pa.field("item", pa.binary(16), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("handle", pa.binary(16), nullable=False),
        pa.field("fields", pa.string(), nullable=False),
    ]
)
"""Columns of a request. ``fields``: ids of the identity fields to look at, sorted, with single blanks between them."""

ANSWER_SCHEMA: Final = pa.schema(
    [pa.field("item", pa.binary(16), nullable=False), pa.field("verdict", pa.string(), nullable=False)]
)
"""Columns of an answer, in rising order of ``item``."""


class LookSource(StrictModel):
    """A dataset of the recipient.

    Attributes:
        title: its title in the agreement.
        row_key: header of the row key in the department's export.
        handle_key_id: names the handle key that its handles were made with.
        headers: identity field to header in the export.
    """

    dataset: Identifier
    title: VisibleText
    row_key: VisibleText
    handle_key_id: KeyId
    headers: dict[Identifier, VisibleText]


class LookRequestManifest(StrictModel):
    """The readable part of a request."""

    format: Literal["secure_match/look-request"] = "secure_match/look-request"
    format_version: Literal[1] = 1
    agreement_id: Identifier
    agreement_fingerprint: HexDigest
    key_epoch: KeyEpoch
    recipient: Identifier
    request_id: RequestId
    sources: tuple[LookSource, ...]
    rows: Count
    tool: VisibleText


class LookAnswerManifest(StrictModel):
    """The readable part of an answer; ``request_digest`` is the digest of the request's package."""

    format: Literal["secure_match/look-answer"] = "secure_match/look-answer"
    format_version: Literal[1] = 1
    agreement_id: Identifier
    agreement_fingerprint: HexDigest
    key_epoch: KeyEpoch
    sender: Identifier
    request_id: RequestId
    request_digest: HexDigest
    rows: Count
    tool: VisibleText


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRequest:
    """A request to one department.

    Attributes:
        table: columns of ``REQUEST_SCHEMA``; rows rise by (dataset, handle), each once.

    Raises:
        PackageError: ``PACKAGE_CONTENT`` when table and manifest do not agree.
    """

    manifest: LookRequestManifest
    table: pa.Table

    def __post_init__(self) -> None:
        _verify_shape(self.table, REQUEST_SCHEMA, self.manifest.rows)
        fields = {source.dataset: source.headers.keys() for source in self.manifest.sources}
        columns = (self.table[name].to_pylist() for name in ("dataset", "handle", "fields"))
        rows = list(zip(*columns, strict=True))
        if [row[:2] for row in rows] != sorted({row[:2] for row in rows}):
            raise PackageError("the rows are not in the order of their handles, each once", code="PACKAGE_CONTENT")
        for dataset, _, asked in rows:
            names = asked.split(" ")
            if names != sorted(set(names)) or not set(names) <= set(fields.get(dataset, ())):
                raise PackageError(
                    "a row asks about a dataset or field that the manifest does not list", code="PACKAGE_CONTENT"
                )
        if len(set(self.table["item"].to_pylist())) != len(rows):
            raise PackageError("an item stands in the request twice", code="PACKAGE_CONTENT")


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAnswer:
    """A department's answer to one request.

    Attributes:
        table: columns of ``ANSWER_SCHEMA``; items rise, each once; items that were not answered are left out.

    Raises:
        PackageError: ``PACKAGE_CONTENT`` when table and manifest do not agree.
    """

    manifest: LookAnswerManifest
    table: pa.Table

    def __post_init__(self) -> None:
        _verify_shape(self.table, ANSWER_SCHEMA, self.manifest.rows)
        if not is_rising(self.table["item"]):
            raise PackageError("the items are not in rising order, each once", code="PACKAGE_CONTENT")
        if not set(self.table["verdict"].to_pylist()) <= set(LOOK_VERDICTS):
            raise PackageError("an answer is none of the agreed codes", code="PACKAGE_CONTENT")


def _verify_shape(table: pa.Table, schema: pa.Schema, rows: int) -> None:
    if not table.schema.equals(schema) or table.num_rows != rows:
        raise PackageError("the rows are not those that the manifest lists", code="PACKAGE_CONTENT")
    if any(column.null_count for column in table.columns):
        raise PackageError("there are empty cells where none may be", code="PACKAGE_CONTENT")
