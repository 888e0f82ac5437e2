"""ENCODED: requests of blinded elements (``.smb``) and their evaluations (``.sme``) on disk.

Invariants: a body is one column of 32-byte elements, in an order that the department chose at random and the answer
keeps; nothing else of a row leaves. Same content, same bytes. What is read has the form and the size that its manifest
states; whether its elements are of the group shows when they are used. docs/spec/oprf.md is the specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Final, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from secure_match.agreement.strict import StrictModel, VisibleText
from secure_match.encoded import binary_from_matrix
from secure_match.encoded.container import ContainerReader, container_reader
from secure_match.encoded.files import open_package, read_table_part, write_package, write_package_to
from secure_match.encoded.manifest import Count, HexDigest, Identifier, KeyEpoch, parse_manifest
from secure_match.errors import PackageError, located
from secure_match.exchange.base64_bytes import CanonicalBase64
from secure_match.exchange.manifest import ColumnNote
from secure_match.exchange.oprf._group import ELEMENT_BYTES, ByteMatrix
from secure_match.exchange.oprf._proofs import PROOF_BYTES, PROOF_ELEMENTS

ELEMENTS_PART: Final = "elements.arrow"
ELEMENT_SCHEMA: Final = pa.schema([pa.field("element", pa.binary(ELEMENT_BYTES), nullable=False)])
BLINDED_NOTES: Final = (
    ColumnNote(name="element", type="binary[32]", allowed="an ID number, hashed, under a random blind of its own"),
)
EVALUATED_NOTES: Final = (
    ColumnNote(name="element", type="binary[32]", allowed="an element of the request under the key holder's key"),
)
RequestId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class BlindedManifest(StrictModel):
    """The readable part of a request.

    Attributes:
        sender: the department.
        recipient: the key holder.
        request_id: 16 random bytes in hex.
        elements: rows of the body.
        datasets: whose numbers are asked for.
    """

    format: Literal["secure_match/blinded"] = "secure_match/blinded"
    format_version: Literal[1] = 1
    agreement_id: Identifier
    agreement_fingerprint: HexDigest
    key_epoch: KeyEpoch
    sender: Identifier
    recipient: Identifier
    request_id: RequestId
    elements: Count
    datasets: tuple[Identifier, ...]
    tool: VisibleText


class EvaluatedManifest(StrictModel):
    """The readable part of an answer.

    Attributes:
        sender: the key holder.
        recipient: the department.
        request_digest: digest of the plain request that is answered.
        public_key: 32 bytes: of the key that it was evaluated under, as the key holder says.
        proofs: 64 bytes for each chunk of 10,000 elements, in their order; the last chunk may have fewer.
    """

    format: Literal["secure_match/evaluated"] = "secure_match/evaluated"
    format_version: Literal[1] = 1
    agreement_id: Identifier
    agreement_fingerprint: HexDigest
    key_epoch: KeyEpoch
    sender: Identifier
    recipient: Identifier
    request_id: RequestId
    request_digest: HexDigest
    elements: Count
    public_key: CanonicalBase64
    proofs: tuple[CanonicalBase64, ...]
    tool: VisibleText


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class BlindedRequest:
    """A request; ``elements``: uint8 of shape (elements, 32)."""

    manifest: BlindedManifest
    elements: ByteMatrix

    def __len__(self) -> int:
        return len(self.elements)

    @property
    def table(self) -> pa.Table:
        """The body."""
        return _table(self.elements)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EvaluatedAnswer:
    """An answer; ``elements``: uint8 of shape (elements, 32), in the order of the request."""

    manifest: EvaluatedManifest
    elements: ByteMatrix

    def __len__(self) -> int:
        return len(self.elements)

    @property
    def table(self) -> pa.Table:
        """The body."""
        return _table(self.elements)


def chunk_ranges(elements: int) -> list[tuple[int, int]]:
    """First row and the row behind the last of every chunk that has a proof of its own, in order."""
    return [(start, min(elements, start + PROOF_ELEMENTS)) for start in range(0, elements, PROOF_ELEMENTS)]


def write_blinded(request: BlindedRequest, path: Path) -> None:
    """Write a request. Same request, same bytes.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    write_package(request.manifest, ELEMENTS_PART, request.table, path)


def read_blinded(path: Path) -> tuple[BlindedRequest, str]:
    """Read a request, and its digest (lower-case hex SHA-256).

    Raises:
        PackageError: as ``encoded.files.read_dataset``.
    """
    with located(path), open_package(path) as reader:
        return _blinded(reader), reader.digest


def parse_blinded(source: IO[bytes]) -> tuple[BlindedRequest, str]:
    """As :func:`read_blinded`, of a binary stream that can be sought in."""
    with container_reader(source) as reader:
        return _blinded(reader), reader.digest


def write_evaluated(answer: EvaluatedAnswer, path: Path) -> None:
    """Write an answer. Same answer, same bytes.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    write_package(answer.manifest, ELEMENTS_PART, answer.table, path)


def write_evaluated_to(stream: IO[bytes], answer: EvaluatedAnswer) -> None:
    """As :func:`write_evaluated`, into an open stream."""
    write_package_to(stream, answer.manifest, ELEMENTS_PART, answer.table)


def read_evaluated(path: Path) -> EvaluatedAnswer:
    """Read an answer. Its proofs are as many as its chunks, and not checked here.

    Raises:
        PackageError: as ``encoded.files.read_dataset``.
    """
    return read_evaluated_and_digest(path)[0]


def read_evaluated_and_digest(path: Path) -> tuple[EvaluatedAnswer, str]:
    """As :func:`read_evaluated`, and the answer's digest (lower-case hex SHA-256)."""
    with located(path), open_package(path) as reader:
        return _evaluated(reader), reader.digest


def parse_evaluated(source: IO[bytes]) -> EvaluatedAnswer:
    """As :func:`read_evaluated`, of a binary stream that can be sought in."""
    with container_reader(source) as reader:
        return _evaluated(reader)


def _blinded(reader: ContainerReader) -> BlindedRequest:
    manifest = parse_manifest(BlindedManifest, reader.manifest)
    return BlindedRequest(manifest=manifest, elements=_elements(reader, manifest.elements))


def _evaluated(reader: ContainerReader) -> EvaluatedAnswer:
    manifest = parse_manifest(EvaluatedManifest, reader.manifest)
    lengths = {len(proof) for proof in manifest.proofs} | {PROOF_BYTES}
    if len(manifest.public_key) != ELEMENT_BYTES or lengths != {PROOF_BYTES}:
        raise PackageError("a key or proof has another length than theirs; refuse the package", code="PACKAGE_CONTENT")
    if len(manifest.proofs) != len(chunk_ranges(manifest.elements)):
        raise PackageError("the answer has not one proof for each chunk; refuse the package", code="PACKAGE_CONTENT")
    return EvaluatedAnswer(manifest=manifest, elements=_elements(reader, manifest.elements))


def _table(elements: ByteMatrix) -> pa.Table:
    column = binary_from_matrix(elements, np.ones(len(elements), dtype=np.bool_))
    return pa.table([column], schema=ELEMENT_SCHEMA)


def _elements(reader: ContainerReader, rows: int) -> ByteMatrix:
    column = read_table_part(reader, ELEMENTS_PART, ELEMENT_SCHEMA, rows)["element"].combine_chunks()
    cells = column.buffers()[1] if rows else None
    if cells is None:
        return np.zeros((0, ELEMENT_BYTES), dtype=np.uint8)
    matrix: ByteMatrix = np.frombuffer(cells, dtype=np.uint8).reshape(-1, ELEMENT_BYTES)
    return matrix[column.offset : column.offset + rows]
