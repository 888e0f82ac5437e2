"""AUDIT: packages of any kind as a reviewer reads them, and the documents that the review writes. Reads only.

A sealed package is opened into a private folder that is removed again before its content is handed on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from secure_match.agreement import Agreement
from secure_match.audit import PackageKind
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import atomic_writer, open_package, read_package, read_pass_request, verify_writable
from secure_match.encoded.pass_requests import PassRequest
from secure_match.enrolment import FindingsPackage, LookAnswer, LookRequest
from secure_match.enrolment.files import read_findings, read_look_answer, read_look_request
from secure_match.errors import PackageError, Place, SecureMatchError, located
from secure_match.exchange.files import SealedPackage, is_sealed, open_package_to, read_sealed
from secure_match.exchange.identities import Identity
from secure_match.exchange.manifest import CONTENT_FORMATS
from secure_match.exchange.oprf.files import (
    BlindedRequest,
    EvaluatedAnswer,
    read_blinded,
    read_evaluated_and_digest,
)

Content = EncodedDataset | FindingsPackage | LookRequest | LookAnswer | PassRequest | BlindedRequest | EvaluatedAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPackage:
    """A package whose own form and digest hold; whoever made it may be anybody.

    Attributes:
        path: where it is.
        kind: what it holds.
        content: the plain content; None where it is sealed and was not opened.
        digest: the content's digest, hex; of a package that was not opened the one that its manifest states.
        sealed: the outer package, or None for a plain one.
    """

    path: Path
    kind: PackageKind
    content: Content | None
    digest: str
    sealed: SealedPackage | None = None

    @property
    def manifest(self) -> dict[str, Any]:
        """The content's manifest as JSON."""
        if self.content is not None:
            return self.content.manifest.model_dump(mode="json")
        return dict(self.sealed.manifest.content) if self.sealed is not None else {}

    @property
    def table(self) -> pa.Table | None:
        """The content's rows, or None where it was not opened."""
        return None if self.content is None else self.content.table


def _read_request(path: Path) -> tuple[Content, str]:
    return read_look_request(path)


def _read_dataset(path: Path) -> tuple[Content, str]:
    return read_package(path)


def _with_digest(read: Callable[[Path], Content]) -> Callable[[Path], tuple[Content, str]]:
    def reader(path: Path) -> tuple[Content, str]:
        with open_package(path) as package:
            digest = package.digest
        return read(path), digest

    return reader


_READERS: Final[dict[PackageKind, Callable[[Path], tuple[Content, str]]]] = {
    "encodings": _read_dataset,
    "findings": _with_digest(read_findings),
    "look-request": _read_request,
    "look-answer": _with_digest(read_look_answer),
    "pass-request": _with_digest(read_pass_request),
    "blinded": read_blinded,
    "evaluated": read_evaluated_and_digest,
}
_KINDS: Final = {text: kind for kind, text in CONTENT_FORMATS.items()}


def read_plain(path: Path) -> ReadPackage:
    """Read a plain package of any kind.

    Raises:
        PackageError: as ``encoded.files.read_dataset`` does; ``PACKAGE_MANIFEST`` for a kind that this version does not
            know.
    """
    with located(path):
        with open_package(path) as package:
            stated = package.manifest.get("format")
        kind = _KINDS.get(stated) if isinstance(stated, str) else None
        if kind is None:
            raise PackageError(
                "the manifest names no kind of package that this version reads",
                code="PACKAGE_MANIFEST",
                place=Place(key="format"),
            )
        content, digest = _READERS[kind](path)
        return ReadPackage(path=path, kind=kind, content=content, digest=digest)


def read_any(path: Path, *, agreement: Agreement | None = None, identity: Identity | None = None) -> ReadPackage:
    """Read a package of any kind, sealed or plain.

    Args:
        agreement: the agreement of a sealed package; needed with ``identity``.
        identity: whom a sealed package is for; without it only what stands outside is read.

    Raises:
        PackageError, LinkageError, KeyFileError: as :func:`read_plain`, ``read_sealed`` and ``open_package_to``.
    """
    if not is_sealed(path):
        return read_plain(path)
    if agreement is None or identity is None:
        sealed = read_sealed(path)
        kind, digest = sealed.manifest.kind, sealed.manifest.content_digest
        return ReadPackage(path=path, kind=kind, content=None, digest=digest, sealed=sealed)
    with tempfile.TemporaryDirectory(prefix="secure-match-review-") as folder:
        target = Path(folder) / "content"
        sealed = open_package_to(path, agreement, identity, target)
        try:
            inner = read_plain(target)
        except SecureMatchError as error:
            error.place = replace(error.place, file=path)
            raise
    return ReadPackage(path=path, kind=inner.kind, content=inner.content, digest=inner.digest, sealed=sealed)


def verify_document_path(path: Path) -> None:
    """Check that a document can be written to a path where nothing is yet.

    Raises:
        PackageError: ``FILE_EXISTS`` or ``FILE_NOT_WRITABLE``.
    """
    if path.exists():
        raise PackageError("there is a file already; name another", code="FILE_EXISTS", place=Place(file=path))
    verify_writable(path)


def write_document(text: str, path: Path) -> None:
    """Write a document as UTF-8; it appears whole or not at all."""
    with atomic_writer(path) as stream:
        stream.write(text.encode())
