"""PUBLIC: linkage schemas on disk."""

from __future__ import annotations

from pathlib import Path

from secure_match.agreement._linkage_schema import LinkageSchema
from secure_match.errors import LinkageSchemaError, Place


def read_linkage_schema(path: Path, *, ignore_xor_folds: bool = False) -> LinkageSchema:
    """Read and verify a clkhash linkage schema (JSON, version 1 to 3).

    Args:
        path: the file.
        ignore_xor_folds: see :meth:`LinkageSchema.parse`.

    Raises:
        LinkageSchemaError: ``FILE_NOT_FOUND``, or what :meth:`LinkageSchema.parse` raises.
    """
    problem = ""
    data = b""
    try:
        data = path.read_bytes()
    except OSError as error:
        problem = error.strerror or "cannot be read"
    if problem:
        raise LinkageSchemaError(problem, code="FILE_NOT_FOUND", place=Place(file=path))
    return LinkageSchema.parse(data, ignore_xor_folds=ignore_xor_folds, file=path)
