"""ENCODED: persons from pairs: the partition of rows that the evidence on pairs speaks for most.

A pair's weight is evidence for (above 0) or against (below 0) one person; a partition is worth the sum over all pairs
inside its clusters, and the one that is worth most is looked for (correlation clustering: Bansal, Blum and Chawla,
Machine Learning 56, 2004). Invariants: rows that must stay apart are never together; every cluster hangs together by
positive weights; no input order of pairs changes anything, because sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.errors import LinkageError
from secure_match.kernels import SignedLimits, signed_clusters
from secure_match.linkage._pairs import verify_row_numbers

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]
MaskArray = npt.NDArray[np.uint64]

_MAX_ROWS: Final = (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterResult:
    """A partition of rows.

    Attributes:
        labels: smallest row number of the row's cluster, int64 of shape (rows,).
        refused: pairs of positive weight whose ends have different labels: links that were cut, bool of shape (pairs,).
    """

    labels: IntArray
    refused: BoolArray


def cluster(
    num_rows: int,
    left: IntArray | RowArray,
    right: IntArray | RowArray,
    weight: FloatArray,
    *,
    constraint_bit: MaskArray,
    conflict_code: RowArray | None = None,
    conflict_weight: float = 0.0,
    absent_weight: float = 0.0,
) -> ClusterResult:
    """Join rows into clusters by the weights of pairs. All compared pairs go in, not only links.

    First rows become *nodes*: pairs of +inf, in the order of their rows, then pairs of one ``conflict_code`` and
    positive weight, the heaviest first, so that a number's rows are one node though each was compared with the first
    only. A pair that is forbidden by then is passed over; nodes are not parted again. Then nodes become clusters. A
    component of at most ten nodes (nearly all) gets its best partition; of equally good ones that of most clusters,
    then that which joins the smaller rows. A larger one is begun in two ways, of which the better one is kept, of
    equally good ones the first: greedily (the two clusters with the largest sum are merged while that is above 0), and
    link by link, the heaviest first. Of equal sums the one that holds the smallest pair goes first. Then single nodes
    move while that raises the sum, at most eight rounds.

    Weights count to 2^-20 bits; finite ones beyond 65,536 bits count as that. Without negative weights, constraints
    and limits the clusters are the connected components of positive pairs.

    Args:
        num_rows: number of rows.
        left: one end of each pair, int64 or int32 of shape (pairs,), in any order.
        right: the other end, of the same type and shape. A pair that stands twice counts twice.
        weight: log2 of the odds that the pair is one person, in bits, float64 of shape (pairs,). -inf keeps apart;
            +inf joins unless a constraint, a -inf or an earlier +inf contradicts it.
        constraint_bit: uint64 of shape (num_rows,): 0 where the row's dataset may hold a person more than
            once, else exactly one bit, the same for all rows of a dataset that holds a person once.
        conflict_code: equal for equal ID numbers, -1 for none, int32 of shape (num_rows,).
        conflict_weight: bits, 0 or less, for two nodes of different numbers of which no pair was compared.
        absent_weight: bits, 0 or less, for any two nodes of which no pair was compared. Both can hold at once; neither
            does for nodes of one number.

    Returns:
        The clusters, and the pairs of positive weight that they cut.

    Raises:
        LinkageError: ``PAIR_RANGE`` when a pair names a row that does not exist, ``ROWS_LIMIT`` for more than 2^31 - 1
            rows, ``WEIGHT_SHAPE`` when weights are not float64, one per pair, or one is NaN, ``WEIGHT_RANGE`` when a
            weight of what was not compared is above 0 or NaN, ``CONSTRAINT_SHAPE`` when the bits are not uint64 of
            shape (num_rows,), ``CONFLICT_SHAPE`` when the codes are not int32 of shape (num_rows,).
    """
    if constraint_bit.shape != (num_rows,) or constraint_bit.dtype != np.uint64:
        raise LinkageError("constraint bits are uint64, one per row", code="CONSTRAINT_SHAPE")
    if num_rows > _MAX_ROWS:
        raise LinkageError(f"clusters take at most {_MAX_ROWS:,} rows; link fewer at a time", code="ROWS_LIMIT")
    verify_row_numbers(left, right, num_rows=num_rows)
    if weight.shape != left.shape or weight.dtype != np.float64 or np.isnan(weight.min(initial=0.0)):
        raise LinkageError("weights are float64, one per pair, and none is NaN", code="WEIGHT_SHAPE")
    if conflict_code is not None and (conflict_code.shape != (num_rows,) or conflict_code.dtype != np.int32):
        raise LinkageError("conflict codes are int32, one per row", code="CONFLICT_SHAPE")
    if not (conflict_weight <= 0.0 and absent_weight <= 0.0):
        raise LinkageError("weights of pairs that were not compared are 0 or less", code="WEIGHT_RANGE")
    labels, cut = signed_clusters(
        left.astype(np.int32, copy=False),
        right.astype(np.int32, copy=False),
        weight,
        bits=constraint_bit,
        codes=conflict_code,
        limits=SignedLimits(conflict_bits=float(conflict_weight), absent_bits=float(absent_weight)),
    )
    return ClusterResult(labels=labels.astype(np.int64), refused=cut)
