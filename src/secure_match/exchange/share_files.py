"""ENCODED: contributions to a shared key on disk (``.smk``)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from secure_match.agreement import Agreement
from secure_match.encoded.files import verify_writable
from secure_match.errors import KeyFileError, Place, located
from secure_match.exchange.secret_files import write_new_secret
from secure_match.exchange.shares import (
    Contribution,
    parse_contribution,
    serialise_contribution,
    verify_contribution,
)

_MAX_BYTES: Final = 1 << 20


def write_contribution(contribution: Contribution, path: Path) -> None:
    """Write a new contribution.

    Raises:
        KeyFileError: ``FILE_EXISTS``: two contributions of one department would give two keys; ``FILE_NOT_WRITABLE``.
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    verify_writable(path)
    write_new_secret(path, serialise_contribution(contribution))


def read_contribution(path: Path, agreement: Agreement) -> Contribution:
    """Read and verify a contribution; an error names its file.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``; as ``parse_contribution`` and ``verify_contribution``.
        PackageError: ``CONTRIBUTION_SIGNATURE``.
    """
    data, problem = b"", ""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES)
    except OSError as error:
        problem = error.strerror or "cannot be read"
    if problem:
        raise KeyFileError(problem, code="FILE_NOT_FOUND", place=Place(file=path))
    with located(path):
        contribution = parse_contribution(data)
        verify_contribution(agreement, contribution)
    return contribution
