"""ENCODED: sealed packages on disk: what is one, whether it is right, and its content.

Invariant: a file is opened once, and everything is checked through that one descriptor.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from secure_match.agreement import Agreement
from secure_match.audit import PackageKind
from secure_match.encoded.container import stated_manifest
from secure_match.encoded.files import atomic_writer, open_to_read
from secure_match.encoded.zip_shape import local_header
from secure_match.errors import PackageError, located
from secure_match.exchange._says import verify_says
from secure_match.exchange.identities import Identity, verify_identity
from secure_match.exchange.manifest import SealedManifest
from secure_match.exchange.sealed import (
    CONTENT_NAME,
    SealedParts,
    is_sealed_form,
    open_content,
    read_parts,
    verify_content,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPackage:
    """A sealed package.

    Attributes:
        path: where it is.
        manifest: what it says.
        id: the package id, hex SHA-256 of the manifest's bytes.
    """

    path: Path
    manifest: SealedManifest
    id: str


def is_sealed(path: Path) -> bool:
    """Whether a file is a sealed package by its ending bytes; nothing else of it is looked at.

    Raises:
        PackageError: ``FILE_NOT_FOUND``.
    """
    with open_to_read(path) as stream:
        return is_sealed_form(stream)


def is_plain_form(path: Path) -> bool:
    """Whether a file has the outer form of a plain package.

    Under a sealed agreement whatever has another form is read as a sealed package, whose reader says what is wrong: one
    that lost its end no longer says what it is.

    Raises:
        PackageError: ``FILE_NOT_FOUND``.
    """
    with open_to_read(path) as stream:
        try:
            stated_manifest(stream)
        except PackageError:
            return False
    return True


def read_sealed(path: Path) -> SealedPackage:
    """Read what a sealed package says, checking its form alone: anybody may have written it.

    Raises:
        PackageError: ``FILE_NOT_FOUND``, or what ``sealed.read_parts`` raises.
    """
    with _open(path) as (_, parts):
        return _package(path, parts)


def sealed_place(path: Path) -> tuple[int, int]:
    """Offset of the first byte of the sealed content in a sealed package's file, and its size, for who searches it.

    Raises:
        PackageError: as :func:`read_sealed`.
    """
    with _open(path) as (_, parts):
        return len(local_header(CONTENT_NAME)), parts.content.size


def verify_package(
    path: Path, agreement: Agreement, *, kind: PackageKind | None = None, recipient: str | None = None
) -> SealedPackage:
    """Check everything of a sealed package that needs no private key.

    Args:
        agreement: the checker's own copy.
        kind: what the package has to be; None for any.
        recipient: whom it has to be for; None for anybody.

    Raises:
        PackageError: ``FILE_NOT_FOUND``, ``PACKAGE_EMPTY``, ``PACKAGE_FOREIGN``, ``PACKAGE_TRUNCATED``,
            ``PACKAGE_MANIFEST``, ``PACKAGE_SENDER``, ``PACKAGE_SIGNER``, ``PACKAGE_SIGNATURE``,
            ``PACKAGE_RECIPIENT``, ``PACKAGE_KIND``, ``PACKAGE_CONTENT``, ``PACKAGE_SUITE``, ``APPROVAL_SIGNATURE``,
            ``PACKAGE_DAMAGED``; with the file.
        LinkageError: ``DEFINITION_MISMATCH``, ``EPOCH_MISMATCH``, with the file.
        ReleaseError: ``APPROVAL_MISSING``, ``APPROVAL_OPERATOR``, with the file.
        AgreementError: ``KEYS_MISSING`` where the agreement names no approval key of the sender.
    """
    with _open(path) as (stream, parts):
        verify_says(parts, agreement, kind=kind, recipient=recipient)
        verify_content(stream, parts)
        return _package(path, parts)


def open_package_to(
    path: Path,
    agreement: Agreement,
    identity: Identity,
    target: Path,
    *,
    kind: PackageKind | None = None,
    own: bool = False,
) -> SealedPackage:
    """Check a sealed package for the holder of an identity and write its content to ``target``.

    The content's own digest is that of the manifest as the content states it; who reads the content checks it.

    Args:
        target: appears whole or not at all, its owner's alone.
        own: whether it is a package that the holder sent, and not one that came for the holder.

    Raises:
        PackageError: as :func:`verify_package`; ``PACKAGE_SEAL`` where it does not open, ``PACKAGE_CONTENT`` where the
            content is not what the manifest says.
        LinkageError, ReleaseError, AgreementError: as :func:`verify_package`.
        KeyFileError: ``KEY_PARTY`` for an identity that is not of the agreement.
    """
    verify_identity(agreement, identity)
    with _open(path) as (stream, parts):
        if own and parts.manifest.sender != identity.party:
            raise PackageError(f"the package was not sent by {identity.party}", code="PACKAGE_SENDER")
        verify_says(parts, agreement, kind=kind, recipient=None if own else identity.party)
        with atomic_writer(target) as content:
            open_content(stream, parts, identity, content)
            _verify_inner(content, parts.manifest)
        return _package(path, parts)


@contextmanager
def _open(path: Path) -> Iterator[tuple[IO[bytes], SealedParts]]:
    with located(path), open_to_read(path) as stream:
        yield stream, read_parts(stream)


def _package(path: Path, parts: SealedParts) -> SealedPackage:
    return SealedPackage(path=path, manifest=parts.manifest, id=parts.id)


def _verify_inner(content: IO[bytes], manifest: SealedManifest) -> None:
    inner, digest = stated_manifest(content)
    if inner != manifest.content or digest != manifest.content_digest:
        raise PackageError("the content is not the one that the manifest speaks of", code="PACKAGE_CONTENT")
