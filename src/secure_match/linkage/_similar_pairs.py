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

from secure_match.errors import LinkageError
from secure_match.kernels import iter_pairs
from secure_match.linkage._index_search import SearchMethod, SearchReport, search, verify_search
from secure_match.linkage._sides import Encodings, Sides, verified_sides

PairArrays: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CandidatePairs:
    """Pairs of rows and how similar they are, ordered by (index_a, index_b); no pair stands twice.

    Attributes:
        index_a: row numbers in the first set, from 0, int64 of shape (pairs,).
        index_b: row numbers in the second set (in the same one for pairs within a set), int64 of shape
            (pairs,).
        similarity: from 0 to 1, by the measure that was asked for, float64 of shape (pairs,).
        report: how they were searched for, and with what recall; None for batches and for pairs from elsewhere.
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


def _candidates(sides: Sides, found: PairArrays, report: SearchReport | None = None) -> CandidatePairs:
    """Pairs by the row numbers that their encodings stand on."""
    first, second, similarity = found
    return CandidatePairs(
        index_a=sides.rows_a[first], index_b=sides.rows_b[second], similarity=similarity, report=report
    )


def similar_pairs(
    a: Encodings,
    b: Encodings | None = None,
    *,
    threshold: float,
    measure: str = "dice",
    pass_id: str | None = None,
    threads: int | None = None,
    method: SearchMethod = "auto",
    recall: float = 0.999,
    seed: int = 0,
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
        LinkageError: ``THRESHOLD_RANGE``, ``MEASURE_UNKNOWN``, ``THREADS_RANGE``, ``METHOD_UNKNOWN``,
            ``RECALL_RANGE``, ``SEED_RANGE``, ``ENCODING_TYPE``, ``ENCODING_LENGTH``, ``PASS_UNKNOWN``,
            ``PASS_BLOCKED``, and for two datasets that were not encoded alike ``DEFINITION_MISMATCH``,
            ``EPOCH_MISMATCH`` or ``KEY_MISMATCH``.
    """
    verify_search(method, recall, seed)
    sides = verified_sides(a, b, threshold=threshold, measure=measure, pass_id=pass_id, threads=threads)
    found, report = search(sides, threshold=threshold, method=method, recall=recall, seed=seed, threads=threads)
    return _candidates(sides, found, report)


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
    sides = verified_sides(a, b, threshold=threshold, measure=measure, pass_id=pass_id, threads=threads)
    batches = iter_pairs(
        sides.words_a,
        sides.words_b,
        measure=sides.measure,
        threshold=threshold,
        bits=sides.bits,
        threads=threads,
        best_per_record=best_per_record,
    )
    return (_candidates(sides, batch) for batch in batches)
