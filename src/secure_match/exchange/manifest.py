"""ENCODED: what a sealed package says about itself, as a strict model: all that one can know without opening it."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue

from secure_match.agreement.strict import StrictModel, VisibleText
from secure_match.audit import Operator, PackageKind
from secure_match.encoded.container import canonical_json
from secure_match.encoded.manifest import HexDigest, Identifier
from secure_match.exchange.suites import SuiteName

PERIOD_PATTERN: Final = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
Period = Annotated[str, Field(pattern=PERIOD_PATTERN)]
Time = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{1,4096}={0,2}$")]

CHUNK_BYTES: Final = 1 << 20
CONTENT_FORMATS: Final[dict[PackageKind, str]] = {
    "encodings": "secure_match/encoded",
    "findings": "secure_match/findings",
    "look-request": "secure_match/look-request",
    "look-answer": "secure_match/look-answer",
    "pass-request": "secure_match/pass-request",
    "blinded": "secure_match/blinded",
    "evaluated": "secure_match/evaluated",
}
"""Kind of a package to the ``format`` of its content's manifest."""
_CONTEXT_LABEL: Final = b"sealed-package/v1\n"
_BOUND_LATER: Final = frozenset({"key", "sender_key", "sealed_bytes", "sealed_digest"})


class Approval(StrictModel):
    """A second operator's signature over what leaves; see the specification of approvals."""

    operator: Operator
    time: Time
    signature: Base64


class LogState(StrictModel):
    """The sender's audit log before this package: how many entries it had, and the hash of the last.

    ``entries`` numbers the sender's packages: of two, the later one has the larger number.
    """

    entries: Annotated[int, Field(ge=0)]
    hash: HexDigest


class ColumnNote(StrictModel):
    """A column of the content in words: its name, its type, and what may stand in it."""

    name: VisibleText
    type: VisibleText
    allowed: Annotated[str, Field(max_length=20_000)]


class Sealing(StrictModel):
    """How the content was sealed.

    Attributes:
        suite: see ``suites``.
        chunk_bytes: bytes of content in a chunk; the last one may have fewer.
        key: the content key, sealed to the recipient, in base64.
        sender_key: the same, sealed to the sender, who completes a package later or shows what it sent.
        sealed_bytes: size of ``content.sealed``.
        sealed_digest: its digest, by the suite's algorithm, in hex.
    """

    suite: SuiteName
    chunk_bytes: Annotated[int, Field(ge=64, le=1 << 24)]
    key: Base64
    sender_key: Base64
    sealed_bytes: Annotated[int, Field(ge=16)]
    sealed_digest: HexDigest


class SealedManifest(StrictModel):
    """The readable part of a sealed package.

    Attributes:
        kind: what the content is.
        period: the month (YYYY-MM) that the package is of; a run takes packages of one month.
        columns: the columns of the content.
        content: the manifest of the content, complete.
        content_digest: the content's package digest.
        content_bytes: its size.
        kernel: what made the content's numbers, for the record.
    """

    format: Literal["secure_match/sealed"] = "secure_match/sealed"
    format_version: Literal[1] = 1
    kind: PackageKind
    agreement_id: Identifier
    agreement_fingerprint: HexDigest
    key_epoch: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    sender: Identifier
    recipient: Identifier
    operator: Operator
    approval: Approval | None = None
    period: Period
    created: Time
    log: LogState
    columns: tuple[ColumnNote, ...]
    content: dict[str, JsonValue]
    content_digest: HexDigest
    content_bytes: Annotated[int, Field(ge=1)]
    sealing: Sealing
    tool: VisibleText
    kernel: VisibleText

    @property
    def dataset(self) -> str:
        """The dataset of a package of encodings; "" for other kinds."""
        return str(self.content.get("dataset", "")) if self.kind == "encodings" else ""

    @property
    def sequence(self) -> int:
        """The number by which the sender's packages are ordered."""
        return self.log.entries


def context_of(manifest: dict[str, Any]) -> bytes:
    """What a manifest binds its content to: SHA-256, 32 bytes, over all of it but what the sealing itself adds.

    Args:
        manifest: the parsed JSON of ``manifest.json``.
    """
    sealing = {name: value for name, value in manifest["sealing"].items() if name not in _BOUND_LATER}
    return hashlib.sha256(_CONTEXT_LABEL + canonical_json(manifest | {"sealing": sealing})).digest()
