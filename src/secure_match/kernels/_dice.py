"""ENCODED: all pairs of two sets of encodings whose similarity reaches a threshold: whole, or as a stream.

Invariant: same pairs, same float64 values and same order as the NumPy reference, for any number of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Final

from secure_match.kernels._measures import Measure
from secure_match.kernels._pair_arrays import PairArrays, best_partners, in_pair_order, joined
from secure_match.kernels._popcount import WORD_BYTES, WordMatrix, usable_threads
from secure_match.kernels._search import JOB_ROWS, Search
from secure_match.kernels._slabs import SLAB_ROWS

Parts = Generator[tuple[int, PairArrays], None, None]
"""Stripe and pairs of one job after the other."""

BATCH_PAIRS: Final = 1 << 20
"""Pairs from which a batch is handed over."""

LARGEST_BATCH: Final = BATCH_PAIRS + JOB_ROWS * SLAB_ROWS
"""No batch of all pairs holds more: the last job of a batch may find all of its pairs."""


def iter_pairs(
    a: WordMatrix,
    b: WordMatrix | None,
    *,
    measure: Measure = Measure.DICE,
    threshold: float,
    bits: int | None = None,
    threads: int | None = None,
    best_per_record: int | None = None,
) -> Iterator[PairArrays]:
    """Pairs whose similarity is at least ``threshold``, in batches of bounded size.

    Memory is bounded by the encodings, twice, and a few batches, whatever the threshold; batches are computed
    as they are asked for. Stopping early (closing the iterator) stops the threads.

    Args:
        a: encodings, uint64 of shape (rows_a, words), C-contiguous.
        b: encodings, uint64 of shape (rows_b, words), or None for the pairs ``i < j`` within ``a``.
        measure: which similarity.
        threshold: from 0 to 1; exact ties are taken, 0 takes every pair.
        bits: length of an encoding, for ``HAMMING``; None for 64 per word.
        threads: how many threads; None for all cores that the process may use.
        best_per_record: keep this many pairs of each ``index_a``, those of highest similarity, of equal ones
            those of lowest ``index_b``; None keeps all. Within one set a record's pairs with the rows before
            it belong to those rows.

    Returns:
        An iterator of ``index_a`` and ``index_b`` (int64) and ``similarity`` (float64), each of shape (pairs,),
        pairs > 0.
        Rows of ``a`` come in stripes of ``SLAB_ROWS``: all batches of a stripe before those of the next. Inside
        a batch pairs are ordered by (index_a, index_b); a stripe of more than ``BATCH_PAIRS`` pairs comes in
        several batches, which may part the pairs of one row. With ``best_per_record`` a stripe is one batch.
        The batches do not depend on ``threads``.
    """
    parts = _parts(_search(a, b, measure, threshold, bits), threads)
    return _batches(parts, len(a if b is None else b), best_per_record)


def all_pairs(
    a: WordMatrix,
    b: WordMatrix | None,
    *,
    measure: Measure = Measure.DICE,
    threshold: float,
    bits: int | None = None,
    threads: int | None = None,
) -> PairArrays:
    """All pairs whose similarity is at least ``threshold``, at once. Memory grows with the pairs.

    Args:
        a: as for :func:`iter_pairs`, like all others.
        b: the second set, or None for the pairs within ``a``.
        measure: which similarity.
        threshold: from 0 to 1.
        bits: length of an encoding, for ``HAMMING``; None for 64 per word.
        threads: how many threads; None for all cores that the process may use.

    Returns:
        ``index_a`` and ``index_b`` (int64) and ``similarity`` (float64), each of shape (pairs,), ordered by
        (index_a, index_b).
    """
    found = joined(pairs for _, pairs in _parts(_search(a, b, measure, threshold, bits), threads))
    return in_pair_order(*found, len(a if b is None else b))


def dice_pairs(a: WordMatrix, b: WordMatrix | None, *, threshold: float, threads: int | None = None) -> PairArrays:
    """:func:`all_pairs` by Dice similarity."""
    return all_pairs(a, b, threshold=threshold, threads=threads)


def _batches(parts: Parts, num_b: int, best_per_record: int | None) -> Iterator[PairArrays]:
    """Join the parts of a stripe up to ``BATCH_PAIRS``, or keep its best only, and put them in order."""
    waiting: list[PairArrays] = []
    fresh, current = 0, 0
    with closing(parts):  # Closing this iterator stops the threads at once.
        for stripe, pairs in parts:
            if waiting and stripe != current:
                yield _ordered(joined(waiting), num_b, best_per_record)
                waiting, fresh = [], 0
            current = stripe
            if len(pairs[0]):
                waiting.append(pairs)
                fresh += len(pairs[0])
            if fresh >= BATCH_PAIRS:
                batch = _ordered(joined(waiting), num_b, best_per_record)
                waiting, fresh = [], 0
                if best_per_record is None:
                    yield batch
                else:
                    waiting = [batch]
    if waiting:
        yield _ordered(joined(waiting), num_b, best_per_record)


def _ordered(pairs: PairArrays, num_b: int, best_per_record: int | None) -> PairArrays:
    if best_per_record is not None:
        pairs = best_partners(pairs, best_per_record)
    return in_pair_order(*pairs, num_b)


def _search(a: WordMatrix, b: WordMatrix | None, measure: Measure, threshold: float, bits: int | None) -> Search | None:
    """The search, or None where there is no pair to look at."""
    if not len(a) or (b is not None and not len(b)):
        return None
    bits = 8 * WORD_BYTES * a.shape[1] if bits is None else bits
    return Search(a, b, measure=measure, threshold=threshold, bits=bits)


def _parts(search: Search | None, threads: int | None) -> Parts:
    """Stripe and pairs of each job, in the order of jobs; at most two jobs per thread are ahead of the reader."""
    if search is None:
        return
    workers = threads or usable_threads()
    if workers == 1:
        yield from ((job.stripe, search.run(job)) for job in search.jobs())
        return
    waiting: deque[tuple[int, Future[PairArrays]]] = deque()
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        for job in search.jobs():
            if len(waiting) == 2 * workers:
                stripe, done = waiting.popleft()
                yield stripe, done.result()
            waiting.append((job.stripe, pool.submit(search.run, job)))
        while waiting:
            stripe, done = waiting.popleft()
            yield stripe, done.result()
    finally:
        pool.shutdown(cancel_futures=True)
