"""ENCODED: candidate pairs of two sets of encodings, or within one, by Dice similarity, without blocking.

Invariant: rows without an encoding (null) stand in no pair. An encoding without a set bit is an encoding: its
similarity with any other is 0.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.encoded import EncodedDataset, matrix_from_binary
from secure_match.errors import LinkageError
from secure_match.kernels import pack_words
from secure_match.linkage._index_search import SearchMethod, SearchReport, search_dice, verify_search

Encodings: TypeAlias = EncodedDataset | npt.NDArray[np.uint8] | pa.Array | pa.ChunkedArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CandidatePairs:
    """Pairs of rows and how similar they are, ordered by (index_a, index_b); no pair stands twice.

    Attributes:
        index_a: row numbers in the first set, from 0, int64 of shape (pairs,).
        index_b: row numbers in the second set (in the same one for pairs within a set), int64 of shape
            (pairs,).
        similarity: Dice similarity from 0 to 1, float64 of shape (pairs,).
        report: how they were searched for, and with what recall; None for pairs from elsewhere.
    """

    index_a: npt.NDArray[np.int64]
    index_b: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]
    report: SearchReport | None = None

    def __len__(self) -> int:
        return len(self.similarity)

    def __repr__(self) -> str:
        return f"<CandidatePairs: {len(self)} pairs>"

    def to_arrow(self) -> pa.Table:
        """A table of the columns ``index_a``, ``index_b`` (int64) and ``similarity`` (float64)."""
        return pa.table({"index_a": self.index_a, "index_b": self.index_b, "similarity": self.similarity})

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)


def similar_pairs(
    a: Encodings,
    b: Encodings | None = None,
    *,
    threshold: float,
    pass_id: str | None = None,
    threads: int | None = None,
    method: SearchMethod = "auto",
    recall: float = 0.999,
    seed: int = 0,
) -> CandidatePairs:
    """All pairs of encodings whose Dice similarity is at least ``threshold``.

    The similarity is ``2 * common / (bits_a + bits_b)`` in float64 (Dice, Ecology 26, 1945), and 0.0 where no
    bit is set on either side. A pair exactly at the threshold is taken; a threshold of 0 takes every pair.

    Args:
        a: a dataset, packed encodings (uint8 of shape (rows, bytes)), or an Arrow fixed-size binary array.
        b: the same, or None for the pairs ``index_a < index_b`` within ``a``.
        threshold: from 0 to 1.
        pass_id: which pass of a dataset; may be left out where there is one only. It must be an unblocked
            one: blocks have different keys, and encodings under different keys say nothing about each other.
        threads: how many threads; None for all cores that the process may use. The result does not depend on
            it.
        method: ``exhaustive`` compares all pairs. ``index`` compares those that share drawn bits, and may miss
            some; it falls back to ``exhaustive`` where it would take about as long, as at low thresholds.
            ``auto`` takes the index from 2 * 10**10 possible pairs on, where it is expected to be at least twice
            as fast. What was done stands in the ``report`` of the result.
        recall: what an index promises: a pair at or above the threshold is found with at least this probability
            over the draw of bits, whatever the encodings are; above 0 and below 1.
        seed: of the draw, from 0. The same input and seed give the same result. The promise supposes that the
            encodings were not made with the seed in mind.

    Returns:
        The pairs, ordered by (index_a, index_b), with a report.

    Raises:
        LinkageError: ``THRESHOLD_RANGE``, ``THREADS_RANGE``, ``METHOD_UNKNOWN``, ``RECALL_RANGE``, ``SEED_RANGE``,
            ``ENCODING_TYPE``, ``ENCODING_LENGTH``,
            ``PASS_UNKNOWN``, ``PASS_BLOCKED``, and for two datasets that were not encoded alike
            ``DEFINITION_MISMATCH``, ``EPOCH_MISMATCH`` or ``KEY_MISMATCH``.
    """
    verify_threshold(threshold)
    if threads is not None and threads < 1:
        raise LinkageError("use at least one thread", code="THREADS_RANGE")
    verify_search(method, recall, seed)
    if isinstance(a, EncodedDataset) and isinstance(b, EncodedDataset):
        verify_comparable(a, b)
    matrix_a, rows_a = _encoded_rows(a, pass_id)
    matrix_b, rows_b = (None, rows_a) if b is None else _encoded_rows(b, pass_id)
    if matrix_b is not None and matrix_a.shape[1] != matrix_b.shape[1]:
        raise LinkageError(
            f"encodings of {matrix_a.shape[1]} and {matrix_b.shape[1]} bytes cannot be compared",
            code="ENCODING_LENGTH",
        )
    (first, second, similarity), report = search_dice(
        pack_words(matrix_a),
        None if matrix_b is None else pack_words(matrix_b),
        threshold=threshold,
        method=method,
        recall=recall,
        seed=seed,
        threads=threads,
    )
    return CandidatePairs(index_a=rows_a[first], index_b=rows_b[second], similarity=similarity, report=report)


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
