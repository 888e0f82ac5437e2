"""ENCODED: questions to one department about its own rows, made from the queue, and its answers as evidence.

Invariants:

* a request depends on the recipient's rows in the queue and on the secret alone: which other rows they are paired
  with, and how often, leaves no trace but the fields to look at,
* items are keyed by a secret of the request that stays with the bureau: they cannot be computed from a handle, and
  those of two requests have nothing in common,
* answers are evidence for a clerk; nothing is decided by them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal

import pyarrow as pa
from pydantic import Field

from secure_match import __version__
from secure_match.agreement import Agreement, Dataset, split_view
from secure_match.agreement.strict import StrictModel, VisibleText
from secure_match.bureau.review_decisions import HandleHex, UtcTime
from secure_match.bureau.review_evidence import band_of
from secure_match.bureau.review_pairs import RowName
from secure_match.encoded.manifest import HexDigest, Identifier, KeyId
from secure_match.enrolment import (
    REQUEST_SCHEMA,
    LookAnswer,
    LookRequest,
    LookRequestManifest,
    LookSource,
    LookVerdict,
)
from secure_match.errors import PackageError, UsageError

SECRET_BYTES: Final = 32
_ITEM_BYTES: Final = 16
_CLEAR: Final = frozenset({"nearly equal"})
ItemHex = HandleHex


class AskedRow(StrictModel):
    """The row that an item stands for, and the fields that were asked about."""

    dataset: Identifier
    handle: HandleHex
    fields: tuple[Identifier, ...]


class AskedRows(StrictModel):
    """What the bureau keeps of a request, to read its answer by; to a sealed request only a sealed answer counts."""

    format: Literal["secure_match/look-mapping"] = "secure_match/look-mapping"
    format_version: Literal[1] = 1
    agreement_id: Identifier
    agreement_fingerprint: HexDigest
    recipient: Identifier
    request_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    request_digest: HexDigest
    sealed: bool = False
    items: dict[ItemHex, AskedRow]


class LookRecord(StrictModel):
    """An answer on one row, as it is kept beside the decisions."""

    dataset: Identifier
    handle: HandleHex
    fields: VisibleText
    verdict: LookVerdict
    party: Identifier
    request_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    operator: VisibleText
    time: UtcTime


def fields_to_look_at(agreement: Agreement, dataset: Dataset, similarities: Mapping[str, float | None]) -> set[str]:
    """Identity fields of a dataset in passes that were not nearly equal or could not be compared.

    Args:
        similarities: pass id to similarity, None where the pass could not compare.

    Returns:
        Field ids, never none: where all passes are nearly equal, all fields of the dataset.
    """
    found: set[str] = set()
    for item in agreement.passes:
        if item.id in similarities and band_of(similarities[item.id]) not in _CLEAR:
            found |= {split_view(name)[0] for name in (*item.block_on, *(field.field for field in item.fields))}
    return found & set(dataset.identity) or set(dataset.identity)


def build_request(
    agreement: Agreement,
    queue: pa.Table,
    *,
    party: str,
    handle_key_ids: Mapping[str, KeyId],
    secret: bytes,
) -> LookRequest:
    """A request for the rows of one department that stand in pairs of a queue.

    Args:
        queue: pairs with ``similarity.*``.
        handle_key_ids: dataset of the party to the name of its handle key.
        secret: 32 fresh random bytes, which the bureau keeps or forgets, and never gives away.

    Raises:
        UsageError: ``PARTY_UNKNOWN``; ``LOOK_NOTHING`` where no row of the party is in the queue.
    """
    declared = agreement.party(party)
    if declared is None or declared.role != "department":
        known = ", ".join(item.id for item in agreement.parties if item.role == "department")
        raise UsageError(f"{party} is no department of the agreement; departments: {known}", code="PARTY_UNKNOWN")
    own = {item.id: item for item in agreement.datasets if item.owner == party and item.id in handle_key_ids}
    rows = _asked_rows(agreement, queue, own)
    if not rows:
        raise UsageError(f"no row of {party} is in the queue; there is nothing to ask", code="LOOK_NOTHING")
    ordered = sorted(rows)
    columns = [
        pa.array([_item(secret, row) for row in ordered], pa.binary(_ITEM_BYTES)),
        pa.array([dataset for dataset, _ in ordered], pa.string()),
        pa.array([handle for _, handle in ordered], pa.binary(16)),
        pa.array([" ".join(sorted(rows[row])) for row in ordered], pa.string()),
    ]
    manifest = LookRequestManifest(
        agreement_id=agreement.id,
        agreement_fingerprint=agreement.fingerprint,
        key_epoch=agreement.key_epoch,
        recipient=party,
        request_id=hashlib.blake2b(b"request", key=secret, digest_size=16).hexdigest(),
        sources=tuple(_source(item, handle_key_ids[item.id]) for item in own.values()),
        rows=len(ordered),
        tool=f"secure_match {__version__}",
    )
    return LookRequest(manifest=manifest, table=pa.table(columns, schema=REQUEST_SCHEMA))


def _source(dataset: Dataset, handle_key_id: KeyId) -> LookSource:
    return LookSource(
        dataset=dataset.id,
        title=dataset.title,
        row_key=dataset.row_key,
        handle_key_id=handle_key_id,
        headers=dict(dataset.identity),
    )


def _asked_rows(agreement: Agreement, queue: pa.Table, own: Mapping[str, Dataset]) -> dict[RowName, set[str]]:
    """Rows of the department to the fields to look at. The queue is as long as what people can look at."""
    found: dict[RowName, set[str]] = {}
    for pair in queue.to_pylist():
        similarities = {
            name.removeprefix("similarity."): value for name, value in pair.items() if name.startswith("similarity.")
        }
        for side in ("a", "b"):
            dataset, handle = pair[f"dataset_{side}"], pair[f"handle_{side}"]
            if dataset in own:
                fields = fields_to_look_at(agreement, own[dataset], similarities)
                found.setdefault((dataset, handle), set()).update(fields)
    return found


def _item(secret: bytes, row: RowName) -> bytes:
    """A name for a row in one request: keyed BLAKE2b (RFC 7693) of dataset and handle."""
    dataset, handle = row
    return hashlib.blake2b(dataset.encode() + b"|" + handle, key=secret, digest_size=_ITEM_BYTES).digest()


def mapping_of(request: LookRequest, digest: str, *, sealed: bool = False) -> AskedRows:
    """What is kept of a request.

    Args:
        sealed: whether it was sent under a sealed agreement.
    """
    manifest = request.manifest
    return AskedRows(
        agreement_id=manifest.agreement_id,
        agreement_fingerprint=manifest.agreement_fingerprint,
        recipient=manifest.recipient,
        request_id=manifest.request_id,
        request_digest=digest,
        sealed=sealed,
        items={
            row["item"].hex(): AskedRow(
                dataset=row["dataset"], handle=row["handle"].hex(), fields=tuple(row["fields"].split(" "))
            )
            for row in request.table.to_pylist()
        },
    )


def records_of(answer: LookAnswer, asked: AskedRows, *, operator: str, time: str) -> list[LookRecord]:
    """An answer as records on rows, after everything that it claims was held against its request.

    Raises:
        PackageError: ``LOOK_MISMATCH``.
    """
    manifest = answer.manifest
    problem = ""
    if (manifest.request_id, manifest.request_digest) != (asked.request_id, asked.request_digest):
        problem = "the answer is to another request"
    elif manifest.sender != asked.recipient:
        problem = f"the answer is from {manifest.sender}; the request went to {asked.recipient}"
    elif (manifest.agreement_id, manifest.agreement_fingerprint) != (asked.agreement_id, asked.agreement_fingerprint):
        problem = "the answer was made under another agreement than the request"
    items = [
        (item.hex(), verdict) for item, verdict in zip(*(c.to_pylist() for c in answer.table.columns), strict=True)
    ]
    if not problem and not {item for item, _ in items} <= asked.items.keys():
        problem = "the answer has an item that was not asked about"
    if problem:
        raise PackageError(f"{problem}; refuse it", code="LOOK_MISMATCH")
    return [
        LookRecord(
            dataset=asked.items[item].dataset,
            handle=asked.items[item].handle,
            fields=" ".join(asked.items[item].fields),
            verdict=verdict,
            party=asked.recipient,
            request_id=asked.request_id,
            operator=operator,
            time=time,
        )
        for item, verdict in items
    ]


def new_records(found: Sequence[LookRecord], before: Iterable[LookRecord]) -> list[LookRecord]:
    """Records that are not kept yet, so that an answer can be taken in twice.

    Raises:
        PackageError: ``LOOK_MISMATCH`` where a second answer to a request says something else of a row.
    """
    kept = {(item.request_id, item.dataset, item.handle): item.verdict for item in before}
    new = []
    for item in found:
        earlier = kept.get((item.request_id, item.dataset, item.handle))
        if earlier is None:
            new.append(item)
        elif earlier != item.verdict:
            raise PackageError(
                "an earlier answer to this request says something else of a row; ask the department which one holds, "
                "with a new request",
                code="LOOK_MISMATCH",
            )
    return new
