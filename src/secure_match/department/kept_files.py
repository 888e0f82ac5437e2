"""RAW: passes that stay with their department until rows are asked for, and which rows were given out.

``OUT.passes`` is a plain package of phase 2 of all rows, its owner's alone; ``OUT.passes.released`` names the handles
of the rows whose passes left, 16 bytes each, in rising order. Invariant: what is about to leave is in the list first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from secure_match.agreement import Agreement
from secure_match.encoded import EncodedDataset, binary_from_matrix, matrix_from_binary
from secure_match.encoded.files import atomic_writer, open_to_read, read_package
from secure_match.errors import LinkageError, PackageError, Place, UsageError, located

_HANDLE_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Kept:
    """Passes of all rows of one package of phase 1.

    Attributes:
        path: of the file.
        encoded: the passes.
        released: handles of rows whose passes left before, fixed_size_binary(16), rising.
    """

    path: Path
    encoded: EncodedDataset
    released: pa.Array

    def released_with(self, more: pa.ChunkedArray) -> pa.Array:
        """The handles that will have left when those of ``more`` have, rising, each once."""
        both = np.concatenate([matrix_from_binary(part)[0] for part in (self.released, more)])
        return binary_from_matrix(np.unique(both, axis=0))


def kept_path(out: Path) -> Path:
    """Where the passes of a package of phase 1 are kept."""
    return out.with_name(f"{out.name}.passes")


def released_path(kept: Path) -> Path:
    """Where it says which rows were given out."""
    return kept.with_name(f"{kept.name}.released")


def read_kept(agreement: Agreement, paths: Sequence[Path]) -> list[Kept]:
    """Read kept passes.

    Raises:
        PackageError: as ``read_package``; ``PHASE_BASE`` for another kind of package.
        LinkageError: ``DEFINITION_MISMATCH``.
        UsageError: ``RELEASED_LIST`` where the list of released rows is damaged.
    """
    found: list[Kept] = []
    for path in paths:
        encoded, _ = read_package(path)
        with located(path):
            if encoded.manifest.definition_fingerprint != agreement.fingerprint:
                raise LinkageError(
                    "the passes were made under another agreement than yours", code="DEFINITION_MISMATCH"
                )
            if encoded.manifest.phase != 2:
                raise PackageError(
                    "this is not what department encode keeps beside a package of the first phase", code="PHASE_BASE"
                )
        found.append(Kept(path=path, encoded=encoded, released=_read_released(released_path(path))))
    return found


def note_released(kept: Kept, released: pa.Array) -> None:
    """Write which rows have left, before they leave.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    with atomic_writer(released_path(kept.path)) as stream:
        stream.write(matrix_from_binary(released)[0].tobytes())


def forget_released(kept: Path) -> None:
    """Remove the list of an earlier package."""
    with contextlib.suppress(FileNotFoundError):
        released_path(kept).unlink()


def _read_released(path: Path) -> pa.Array:
    if not path.exists():
        return pa.array([], pa.binary(_HANDLE_BYTES))
    with open_to_read(path) as stream:
        data = stream.read()
    matrix = np.frombuffer(data[: len(data) // _HANDLE_BYTES * _HANDLE_BYTES], dtype=np.uint8).reshape(
        -1, _HANDLE_BYTES
    )
    released = binary_from_matrix(matrix)
    if len(data) % _HANDLE_BYTES or len(np.unique(matrix, axis=0)) != len(matrix):
        raise UsageError(
            "this list of rows whose passes left is damaged; restore it from a copy, or encode anew",
            code="RELEASED_LIST",
            place=Place(file=path),
        )
    return released
