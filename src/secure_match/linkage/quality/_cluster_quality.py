"""ENCODED: how good clusters are against persons, from their contingency table alone.

Invariants: nothing is ever as large as the number of pairs; pairs are counted in Python integers; the names of
clusters and persons do not matter, nor does the order of rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secure_match.errors import LinkageError
from secure_match.linkage.quality._pair_quality import IntArray, PairQuality, pairs_of, ratio

RowArray = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterQuality:
    """A partition of rows against the true one.

    Attributes:
        rows: how many rows were judged.
        clusters: clusters found, single rows included.
        persons: persons there are.
        exact: persons whose rows are one cluster and nothing else.
        bcubed_precision: mean over rows of the share of the row's cluster that is its person's (Bagga and Baldwin
            1998); None without rows. The row itself counts, so a partition into single rows has precision 1.
        bcubed_recall: mean over rows of the share of the row's person that is in its cluster; None without rows.
        adjusted_rand: Hubert and Arabie's (1985) index: 1 for the same partition, 0 on average by chance; None where
            chance alone decides (both partitions all in one, or both all single rows).
        pairs: the pairs that the clusters imply against those of the persons.
    """

    rows: int
    clusters: int
    persons: int
    exact: int
    bcubed_precision: float | None
    bcubed_recall: float | None
    adjusted_rand: float | None
    pairs: PairQuality

    @property
    def bcubed_f1(self) -> float | None:
        """Harmonic mean of B-cubed precision and recall; None without rows."""
        precision, recall = self.bcubed_precision, self.bcubed_recall
        if precision is None or recall is None:
            return None
        return 2 * precision * recall / (precision + recall)

    @property
    def exact_recall(self) -> float | None:
        """Share of the persons that are exactly one cluster; None without rows."""
        return ratio(self.exact, self.persons)

    @property
    def exact_precision(self) -> float | None:
        """Share of the clusters that are exactly one person; None without rows."""
        return ratio(self.exact, self.clusters)


def cluster_quality(labels: IntArray | RowArray, person: IntArray | RowArray) -> ClusterQuality:
    """Judge a partition.

    Args:
        labels: the cluster of each row, integers of shape (rows,).
        person: the person of each row, integers of shape (rows,).

    Raises:
        LinkageError: ``QUALITY_SHAPE`` if the two are not integers of one length.
    """
    if labels.ndim != 1 or labels.shape != person.shape or {labels.dtype.kind, person.dtype.kind} - {"i", "u"}:
        raise LinkageError("clusters and persons are integer arrays, one entry per row", code="QUALITY_SHAPE")
    _, cluster, cluster_size = np.unique(labels, return_inverse=True, return_counts=True)
    _, owner, person_size = np.unique(person, return_inverse=True, return_counts=True)
    # Both numbers are below the number of rows, so the key of a cell fits int64.
    cells, cell_size = np.unique(cluster.astype(np.int64) * max(len(person_size), 1) + owner, return_counts=True)
    of_cluster = cluster_size[cells // max(len(person_size), 1)]
    of_person = person_size[cells % max(len(person_size), 1)]
    rows = len(labels)
    square = cell_size.astype(np.float64) ** 2
    hits, found, true = (_pairs_within(sizes) for sizes in (cell_size, cluster_size, person_size))
    return ClusterQuality(
        rows=rows,
        clusters=len(cluster_size),
        persons=len(person_size),
        exact=int(np.count_nonzero((cell_size == of_cluster) & (cell_size == of_person))),
        bcubed_precision=_mean(square / of_cluster, rows),
        bcubed_recall=_mean(square / of_person, rows),
        adjusted_rand=_adjusted_rand(hits, found, true, pairs_of(rows)),
        pairs=PairQuality(true_positive=hits, false_positive=found - hits, false_negative=true - hits),
    )


def true_pair_count(person: IntArray | RowArray) -> int:
    """How many unordered pairs of rows are of one person.

    Args:
        person: the person of each row, integers of shape (rows,).
    """
    return _pairs_within(np.unique(person, return_counts=True)[1])


def _pairs_within(sizes: npt.NDArray[np.intp]) -> int:
    """Pairs within groups of these sizes. Sizes sum to the rows, so the sum of squares fits int64 up to 2^31 rows."""
    return int((sizes * (sizes - 1)).sum()) // 2


def _mean(shares: npt.NDArray[np.float64], rows: int) -> float | None:
    """Summed in rising order, so that not even rounding depends on how clusters and persons are called."""
    return float(np.sort(shares).sum()) / rows if rows else None


def _adjusted_rand(hits: int, found: int, true: int, possible: int) -> float | None:
    """Multiplied out, so that everything up to one division is exact."""
    expected, largest = 2 * found * true, possible * (found + true)
    return (2 * hits * possible - expected) / (largest - expected) if largest != expected else None


def connected_rows(num_rows: int, left: IntArray | RowArray, right: IntArray | RowArray) -> IntArray:
    """Connected components of links: what links alone say, before any constraint or cut.

    Rounds of joining and shortening over all links at once; a path of any length takes about its logarithm of rounds.

    Args:
        num_rows: number of rows.
        left: one end of each link, row numbers below ``num_rows``, integers of shape (links,).
        right: the other end.

    Returns:
        The smallest row number of each row's component, int64 of shape (rows,).
    """
    labels = np.arange(num_rows, dtype=np.int64)
    one, two = left.astype(np.int64), right.astype(np.int64)
    while len(one):
        low, high = np.minimum(one, two), np.maximum(one, two)
        # A root may only come under a smaller root, so no circle can arise.
        np.minimum.at(labels, high, low)
        while True:
            shorter = labels[labels]
            if np.array_equal(shorter, labels):
                break
            labels = shorter
        one, two = labels[low], labels[high]
        apart = one != two
        one, two = one[apart], two[apart]
    return labels
