"""ENCODED: candidate pairs of two sets of encodings, or within one, by similarity, without blocking.

Invariant: rows without an encoding (null) stand in no pair. An encoding without a set bit is an encoding: its
similarity with any other is 0.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.encoded import EncodedDataset, matrix_from_binary
from secure_match.errors import LinkageError
from secure_match.kernels import Measure, all_pairs, iter_pairs, pack_words

PairArrays: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]
Encodings: TypeAlias = EncodedDataset | npt.NDArray[np.uint8] | pa.Array | pa.ChunkedArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CandidatePairs:
    """Pairs of rows and how similar they are, ordered by (index_a, index_b); no pair stands twice.

    Attributes:
        index_a: row numbers in the first set, from 0, int64 of shape (pairs,).
        index_b: row numbers in the second set (in the same one for pairs within a set), int64 of shape
            (pairs,).
        similarity: from 0 to 1, by the measure that was asked for, float64 of shape (pairs,).
    """

    index_a: npt.NDArray[np.int64]
    index_b: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.similarity)

    def __repr__(self) -> str:
        return f"<CandidatePairs: {len(self)} pairs>"

    def to_arrow(self) -> pa.Table:
        """A table of the columns ``index_a``, ``index_b`` (int64) and ``similarity`` (float64)."""
        return pa.table({"index_a": self.index_a, "index_b": self.index_b, "similarity": self.similarity})

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """Encodings that may be compared, the row numbers they stand on, and what to look for, all verified."""

    words_a: npt.NDArray[np.uint64]
    words_b: npt.NDArray[np.uint64] | None
    rows_a: npt.NDArray[np.int64]
    rows_b: npt.NDArray[np.int64]
    measure: Measure
    bits: int

    def pairs(self, found: PairArrays) -> CandidatePairs:
        first, second, similarity = found
        return CandidatePairs(index_a=self.rows_a[first], index_b=self.rows_b[second], similarity=similarity)


def similar_pairs(
    a: Encodings,
    b: Encodings | None = None,
    *,
    threshold: float,
    measure: str = "dice",
    pass_id: str | None = None,
    threads: int | None = None,
) -> CandidatePairs:
    """All pairs of encodings whose similarity is at least ``threshold``.

    With ``dice``, the similarity is ``2 * common / (bits_a + bits_b)`` in float64 (Dice, Ecology 26, 1945), and
    0.0 where no bit is set on either side. A pair exactly at the threshold is taken; a threshold of 0 takes every
    pair. Memory grows with the pairs; :func:`iter_similar_pairs` bounds it.

    Args:
        a: a dataset, packed encodings (uint8 of shape (rows, bytes)), or an Arrow fixed-size binary array.
        b: the same, or None for the pairs ``index_a < index_b`` within ``a``.
        threshold: from 0 to 1.
        measure: ``dice``, ``jaccard``, ``cosine`` or ``hamming``, as :class:`secure_match.kernels.Measure`
            defines them. ``hamming`` is the share of positions that agree: of the bits of a dataset's pass, of
            all bits of a matrix or an array.
        pass_id: which pass of a dataset; may be left out where there is one only. It must be an unblocked
            one: blocks have different keys, and encodings under different keys say nothing about each other.
        threads: how many threads; None for all cores that the process may use. The result does not depend on
            it.

    Returns:
        The pairs, ordered by (index_a, index_b).

    Raises:
        LinkageError: ``THRESHOLD_RANGE``, ``MEASURE_UNKNOWN``, ``THREADS_RANGE``, ``ENCODING_TYPE``,
            ``ENCODING_LENGTH``, ``PASS_UNKNOWN``, ``PASS_BLOCKED``, and for two datasets that were not encoded
            alike ``DEFINITION_MISMATCH``, ``EPOCH_MISMATCH`` or ``KEY_MISMATCH``.
    """
    sides = _verified_sides(a, b, threshold=threshold, measure=measure, pass_id=pass_id, threads=threads)
    found = all_pairs(
        sides.words_a, sides.words_b, measure=sides.measure, threshold=threshold, bits=sides.bits, threads=threads
    )
    return sides.pairs(found)


def iter_similar_pairs(
    a: Encodings,
    b: Encodings | None = None,
    *,
    threshold: float,
    measure: str = "dice",
    best_per_record: int | None = None,
    pass_id: str | None = None,
    threads: int | None = None,
) -> Iterator[CandidatePairs]:
    """The pairs of :func:`similar_pairs` in batches of bounded size, computed as they are asked for.

    Arguments are verified at once. Memory is that of the encodings, twice, and of a few batches, whatever the
    threshold.

    Args:
        a: as for :func:`similar_pairs`.
        b: as for :func:`similar_pairs`.
        threshold: from 0 to 1.
        measure: as for :func:`similar_pairs`.
        best_per_record: keep this many pairs of each record of ``a``: those of highest similarity, of equal ones
            those of lowest ``index_b``. Only for two sets. None keeps all.
        pass_id: as for :func:`similar_pairs`.
        threads: as for :func:`similar_pairs`.

    Returns:
        Batches of at least one pair. Encoded rows of ``a`` come in stripes of 8192; the batches of a stripe
        come before those of the next. Inside a batch, pairs are ordered by (index_a, index_b). A stripe of many
        pairs comes in several batches, over which the pairs of one record may be spread; with
        ``best_per_record`` it is one batch, so that all batches together are in order.

    Raises:
        LinkageError: as :func:`similar_pairs`, and ``BEST_RANGE``.
    """
    if best_per_record is not None and (best_per_record < 1 or b is None):
        raise LinkageError("keep at least one pair per record, and of two sets only", code="BEST_RANGE")
    sides = _verified_sides(a, b, threshold=threshold, measure=measure, pass_id=pass_id, threads=threads)
    batches = iter_pairs(
        sides.words_a,
        sides.words_b,
        measure=sides.measure,
        threshold=threshold,
        bits=sides.bits,
        threads=threads,
        best_per_record=best_per_record,
    )
    return (sides.pairs(batch) for batch in batches)


def _verified_sides(
    a: Encodings, b: Encodings | None, *, threshold: float, measure: str, pass_id: str | None, threads: int | None
) -> _Sides:
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
    return _Sides(
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
