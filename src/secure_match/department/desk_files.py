"""RAW: what a department's stations read with or without a desk: its key, and packages that came for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from secure_match.audit import PackageKind
from secure_match.department.files import read_key
from secure_match.department.keys import DepartmentKey
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import read_package
from secure_match.errors import KeyFileError, Place, UsageError
from secure_match.exchange.desk import Desk
from secure_match.exchange.files import is_sealed


def read_department_key(path: Path, desk: Desk | None) -> DepartmentKey:
    """The department's key; one that is sealed under its identity is opened at the desk.

    Raises:
        KeyFileError: as ``read_key``; ``KEY_PARTY`` where key and identity are of two parties.
    """
    key = read_key(path, identity=desk.identity if desk is not None else None)
    if desk is not None and key.party != desk.party:
        raise KeyFileError(
            f"the key belongs to {key.party}, the identity to {desk.party}", code="KEY_PARTY", place=Place(file=path)
        )
    return key


def verify_not_sealed(path: Path) -> None:
    """Check that a package can be read without a desk.

    Raises:
        UsageError: ``IDENTITY_NEEDED``.
    """
    if is_sealed(path):
        raise UsageError(
            "this package is sealed: name your identity file with --identity, and the agreement with --agreement",
            code="IDENTITY_NEEDED",
            place=Place(file=path),
        )


@contextmanager
def readable_package(path: Path, kind: PackageKind, desk: Desk | None) -> Iterator[Path]:
    """A plain package, or the content of a sealed one, which is logged as received.

    Raises:
        UsageError: ``IDENTITY_NEEDED``.
        PackageError, LinkageError: as ``Desk.open_content``.
    """
    if desk is None:
        verify_not_sealed(path)
        yield path
    else:
        with desk.received(path, kind) as content:
            yield content


def sent_packages(paths: Sequence[Path], desk: Desk | None) -> list[tuple[EncodedDataset, str]]:
    """Packages that this department sent before, with the digests of their contents.

    Raises:
        UsageError: ``IDENTITY_NEEDED``.
        PackageError, LinkageError: as ``read_package`` and ``Desk.open_content``.
    """
    found: list[tuple[EncodedDataset, str]] = []
    for path in paths:
        if desk is None:
            verify_not_sealed(path)
            found.append(read_package(path))
            continue
        with desk.private_folder() as folder:
            content = folder / path.name
            desk.open_content(path, content, "encodings", own=True)
            found.append(read_package(content))
    return found
