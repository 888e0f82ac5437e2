"""AUDIT: one entry of an audit log as a strict model, its canonical bytes and its hash.

Invariants:

* an entry holds who, when, what and digests; ids, codes and numbers, never a record's value: what could be one is
  refused by its shape (see ``Detail``, ``FileName`` and ``Number``), and a refusal does not repeat it,
* an entry has one form of bytes: JSON as in RFC 8785, which for these texts and integers is compact JSON with sorted
  keys in UTF-8; fields are declared in that order, so that the fast serialiser writes it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from secure_match.agreement.strict import StrictModel, VisibleText, first_problem
from secure_match.encoded.manifest import Count, HexDigest, Identifier, OwnerIdentifier
from secure_match.errors import AuditError, Place

Action = Literal[
    "keys_new",
    "keys_rotate",
    "contribute",
    "derive",
    "destroy",
    "encode",
    "release",
    "approve",
    "refused",
    "intake",
    "link",
    "return",
    "receive",
    "resolve",
    "look_request",
    "pass_request",
    "look",
    "look_answer",
    "answers",
    "decide",
    "blind",
    "evaluate",
    "finalise",
    "checkpoint",
    "recovered",
]
PackageKind = Literal["encodings", "findings", "look-request", "look-answer", "pass-request", "blinded", "evaluated"]

FIRST_PREVIOUS: Final = "0" * 64
MAX_LINE_BYTES: Final = 1 << 20
_HASH_LABEL: Final = b"secure_match/audit/v1\n"
_LARGEST_NUMBER: Final = 1 << 40
"""One TiB in bytes. ID numbers, of 15 or 18 digits, are larger."""
_LONGEST_NAME: Final = 255
MANY_DIGITS: Final = re.compile(r"(?:\d ?){9,}")
"""Longer than a date, shorter than a phone or ID number."""
_OPERATOR_DIGITS: Final = re.compile(r"(?:\d ?){7}")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_DIGEST: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64}")
_MOST_DETAIL_DIGITS: Final = 8


def _require_name(name: str) -> str:
    if "/" in name or not name.strip() or MANY_DIGITS.search(unicodedata.normalize("NFKC", name)):
        raise PydanticCustomError("file_name", "a file name without its folders and without nine digits in a row")
    return name


def _require_operator(name: str) -> str:
    if not name.strip() or _OPERATOR_DIGITS.search(unicodedata.normalize("NFKC", name)):
        raise PydanticCustomError("operator", "the operator's name or staff id, without seven digits in a row")
    return name


def _require_detail(text: str) -> str:
    plain = _CODE.fullmatch(text) and sum(mark.isdigit() for mark in text) <= _MOST_DETAIL_DIGITS
    if not plain and not _DIGEST.fullmatch(text):
        raise PydanticCustomError("detail", "an id, a code with at most eight digits, or a digest in hexadecimal")
    return text


FileName = Annotated[VisibleText, Field(max_length=_LONGEST_NAME), AfterValidator(_require_name)]
Operator = Annotated[VisibleText, Field(max_length=100), AfterValidator(_require_operator)]
Detail = Annotated[str, AfterValidator(_require_detail)]
Number = Annotated[int, Field(ge=0, le=_LARGEST_NUMBER)]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9 ._+:/()-]{1,100}$")]
Period = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
UtcTime = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
Signature = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")]


class PackageRef(StrictModel):
    """What a package is, as both its sender and its recipient log it.

    Attributes:
        dataset: of encodings; empty for others.
        sequence: entries of the sender's log before the release.
    """

    dataset: OwnerIdentifier = ""
    kind: PackageKind
    period: Period
    recipient: Identifier
    sender: Identifier
    sequence: Count


class Artifact(StrictModel):
    """A file that went in or came out.

    Attributes:
        digest: of a sealed package its package id (SHA-256 of its manifest), else SHA-256 of the content.
        name: the file's name without folders; see ``file_name``.
    """

    digest: HexDigest
    name: FileName
    package: PackageRef | None = None


class Entry(StrictModel):
    """One line of a log.

    Attributes:
        hash: lower-case hex SHA-256 of everything else here.
        log: name of the log's file, fixed by the first entry, as ``party`` is.
        number: from 1.
        previous: hash of the entry before; 64 zeros in the first.
        signature: of a ``checkpoint``: Ed25519 over the head before it, Base64; null in others.
        time: UTC, as the operator's clock said.
    """

    action: Action
    counts: Annotated[dict[Identifier, Number], AfterValidator(lambda found: dict(sorted(found.items())))]
    details: Annotated[dict[Identifier, Detail], AfterValidator(lambda found: dict(sorted(found.items())))]
    format_version: Literal[1] = 1
    hash: HexDigest
    inputs: tuple[Artifact, ...]
    log: FileName
    number: Annotated[int, Field(ge=1, le=_LARGEST_NUMBER)]
    operator: Operator
    outputs: tuple[Artifact, ...]
    party: Identifier
    previous: HexDigest
    signature: Signature | None
    time: UtcTime
    versions: Annotated[dict[Identifier, Version], AfterValidator(lambda found: dict(sorted(found.items())))]

    @model_validator(mode="after")
    def _signed_if_checkpoint(self) -> Self:
        if (self.signature is not None) != (self.action == "checkpoint"):
            raise PydanticCustomError("signature", "a checkpoint is signed, and no other entry is")
        return self

    @property
    def canonical_bytes(self) -> bytes:
        """The entry's line without its line feed."""
        return self.model_dump_json().encode()

    @property
    def computed_hash(self) -> str:
        """What :attr:`hash` has to be."""
        return hashlib.sha256(_HASH_LABEL + self.model_dump_json(exclude={"hash"}).encode()).hexdigest()


def parse_line(line: bytes, number: int) -> Entry:
    """The entry of a line, without its line feed. Its hash is not checked here.

    Args:
        number: of the line in the log, from 1.

    Raises:
        AuditError: ``AUDIT_FORMAT``, with the line, for anything but the canonical form of an entry.
    """
    place = Place(row=number)
    reason = "it is not in the form in which this program writes entries"
    entry: Entry | None = None
    try:
        entry = Entry.model_validate_json(line)
    except ValidationError as error:
        problem = first_problem(error)
        key = "" if problem.unknown_key else problem.key.partition(".")[0].partition("[")[0]
        place, reason = Place(row=number, key=key or None), problem.reason
    if entry is None or entry.canonical_bytes != line:
        raise AuditError(f"the line is no entry, it was changed: {reason}", code="AUDIT_FORMAT", place=place)
    return entry
