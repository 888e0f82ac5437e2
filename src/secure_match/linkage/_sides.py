"""ENCODED: the two sides of a comparison of encodings, verified: who may be compared with whom, by what.

Invariant: rows without an encoding (null) are not among the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.encoded import EncodedDataset, matrix_from_binary
from secure_match.errors import LinkageError
from secure_match.kernels import Measure, pack_words

Encodings: TypeAlias = EncodedDataset | npt.NDArray[np.uint8] | pa.Array | pa.ChunkedArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Encodings that may be compared, the row numbers they stand on, and what to look for, all verified."""

    words_a: npt.NDArray[np.uint64]
    words_b: npt.NDArray[np.uint64] | None
    rows_a: npt.NDArray[np.int64]
    rows_b: npt.NDArray[np.int64]
    measure: Measure
    bits: int


def verified_sides(
    a: Encodings, b: Encodings | None, *, threshold: float, measure: str, pass_id: str | None, threads: int | None
) -> Sides:
    verify_threshold(threshold)
    if measure not in set(Measure):
        raise LinkageError(f"a measure is one of: {', '.join(Measure)}", code="MEASURE_UNKNOWN")
    if threads is not None and threads < 1:
        raise LinkageError("use at least one thread", code="THREADS_RANGE")
    if isinstance(a, EncodedDataset) and isinstance(b, EncodedDataset):
        verify_comparable(a, b)
    matrix_a, rows_a = _encoded_rows(a, pass_id)
    matrix_b, rows_b = (None, rows_a) if b is None else _encoded_rows(b, pass_id)
    if matrix_b is not None and matrix_a.shape[1] != matrix_b.shape[1]:
        raise LinkageError(
            f"encodings of {matrix_a.shape[1]} and {matrix_b.shape[1]} bytes cannot be compared",
            code="ENCODING_LENGTH",
        )
    return Sides(
        words_a=pack_words(matrix_a),
        words_b=None if matrix_b is None else pack_words(matrix_b),
        rows_a=rows_a,
        rows_b=rows_b,
        measure=Measure(measure),
        bits=_length_bits(a, matrix_a, pass_id),
    )


def _length_bits(value: Encodings, matrix: npt.NDArray[np.uint8], pass_id: str | None) -> int:
    """Bits of an encoding: of the dataset's pass, or all bits of the bytes."""
    if isinstance(value, EncodedDataset):
        lengths = {item.id: item.bits for item in value.manifest.passes}
        return int(lengths[pass_id] if pass_id is not None else next(iter(lengths.values())))
    return 8 * int(matrix.shape[1])


def verify_threshold(threshold: float) -> None:
    """Raise ``THRESHOLD_RANGE`` unless the threshold is a number from 0 to 1."""
    if not 0.0 <= threshold <= 1.0:
        raise LinkageError("a threshold is a number from 0 to 1", code="THRESHOLD_RANGE")


def verify_comparable(a: EncodedDataset, b: EncodedDataset) -> None:
    """Check that two datasets were encoded alike.

    Raises:
        LinkageError: ``DEFINITION_MISMATCH``, ``EPOCH_MISMATCH`` or ``KEY_MISMATCH``.
    """
    # The key id covers definition and epoch, so the more telling differences are looked at first.
    # The id tells apart variants of one definition, such as missing values that set no bits.
    one, two = (item.manifest for item in (a, b))
    if (one.definition_id, one.definition_fingerprint) != (two.definition_id, two.definition_fingerprint):
        raise LinkageError(
            "the datasets were encoded under different agreements or schemas; encode them again under one",
            code="DEFINITION_MISMATCH",
        )
    if a.manifest.key_epoch != b.manifest.key_epoch:
        raise LinkageError(
            "the datasets were encoded in different key epochs; encode the older one again",
            code="EPOCH_MISMATCH",
        )
    if a.manifest.key_id != b.manifest.key_id:
        raise LinkageError(
            "the datasets were encoded with different keys; encode them again with the shared one",
            code="KEY_MISMATCH",
        )


def _encoded_rows(value: Encodings, pass_id: str | None) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The encodings that exist, and the row numbers they stand on."""
    if isinstance(value, EncodedDataset):
        matrix, valid = value.encodings(pass_id), value.encoded_rows(pass_id)
        blocked = {item.id: item.blocked for item in value.manifest.passes}
        if blocked[pass_id] if pass_id is not None else any(blocked.values()):
            raise LinkageError(
                "the pass is blocked: its rows compare inside one block only; use an unblocked pass",
                code="PASS_BLOCKED",
            )
    elif isinstance(value, (pa.Array, pa.ChunkedArray)) and pa.types.is_fixed_size_binary(value.type):
        matrix, valid = matrix_from_binary(value)
    elif isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype == np.uint8:
        return value, np.arange(len(value), dtype=np.int64)
    else:
        raise LinkageError(
            "give a dataset, a uint8 matrix of shape (rows, bytes) or an Arrow fixed_size_binary array",
            code="ENCODING_TYPE",
        )
    rows = np.flatnonzero(valid).astype(np.int64)
    return (matrix if len(rows) == len(valid) else matrix[rows]), rows
