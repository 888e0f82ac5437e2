"""ENCODED: anonlink's candidate-pair files on disk. Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from secure_match.compat.anonlink import AnonlinkPairs, parse_candidate_pairs, serialise_candidate_pairs
from secure_match.encoded.files import atomic_writer
from secure_match.errors import PackageError, Place


def write_candidate_pairs(pairs: AnonlinkPairs, path: Path) -> None:
    """Write pairs as anonlink's ``dump_candidate_pairs`` does, byte for byte.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    with atomic_writer(path) as stream:
        stream.write(serialise_candidate_pairs(pairs))


def read_candidate_pairs(path: Path) -> AnonlinkPairs:
    """Read a candidate-pair file of anonlink.

    Raises:
        PackageError: ``FILE_NOT_FOUND``, ``CANDIDATES_TRUNCATED`` or ``CANDIDATES_FOREIGN``, with the file.
    """
    problem = ""
    data: bytes | None = None
    try:
        data = path.read_bytes()
    except OSError as error:
        problem = error.strerror or "cannot be read"
    if data is None:
        raise PackageError(problem, code="FILE_NOT_FOUND", place=Place(file=path))
    return parse_candidate_pairs(data, file=path)
