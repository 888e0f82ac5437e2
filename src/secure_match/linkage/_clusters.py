"""ENCODED: clusters of linked rows that keep two rows of a one-record-per-person dataset apart.

Links are taken strongest first; one that would bring two rows of a constrained dataset into one cluster is
refused. Clusters only grow, so a refused link stays refused. Strongest first is greedy: it is not the best
partition over all (that problem is NP-hard), it is the one a clerk can follow link by link.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secure_match.errors import LinkageError
from secure_match.kernels import jit
from secure_match.linkage._pairs import verify_row_numbers

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]
MaskArray = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterResult:
    """A partition of rows.

    Attributes:
        labels: smallest row number of the row's cluster, int64 of shape (rows,).
        refused: links that the constraint refused; their ends have different labels. bool of shape (links,).
    """

    labels: IntArray
    refused: BoolArray


@jit
def _root(parent: IntArray, row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


@jit
def _merge_links(
    parent: IntArray, masks: MaskArray, left: IntArray | RowArray, right: IntArray | RowArray, refused: BoolArray
) -> None:
    for link in range(left.shape[0]):
        one, two = _root(parent, left[link]), _root(parent, right[link])
        if one == two:
            continue
        if masks[one] & masks[two] != 0:
            refused[link] = True
            continue
        # The smaller row number becomes the root, so a label does not depend on the order of links.
        root, child = min(one, two), max(one, two)
        parent[child] = root
        masks[root] |= masks[child]
    for row in range(parent.shape[0]):
        parent[row] = _root(parent, row)


def cluster(
    num_rows: int, left: IntArray | RowArray, right: IntArray | RowArray, *, constraint_bit: MaskArray
) -> ClusterResult:
    """Join linked rows into clusters.

    Args:
        num_rows: number of rows.
        left: one end of each link, int64 or int32 of shape (links,), strongest link first; the caller orders them.
        right: the other end, of the same type and shape.
        constraint_bit: uint64 of shape (num_rows,): 0 where the row's dataset may hold a person more than
            once, else exactly one bit, the same for all rows of a dataset that holds a person once.

    Returns:
        The clusters, and the links that the constraint refused. Without constraints these are the connected
        components.

    Raises:
        LinkageError: ``PAIR_RANGE`` when a link names a row that does not exist, ``CONSTRAINT_SHAPE`` when
            the bits are not uint64 of shape (num_rows,).
    """
    if constraint_bit.shape != (num_rows,) or constraint_bit.dtype != np.uint64:
        raise LinkageError("constraint bits are uint64, one per row", code="CONSTRAINT_SHAPE")
    verify_row_numbers(left, right, num_rows=num_rows)
    labels = np.arange(num_rows, dtype=np.int64)
    refused = np.zeros(len(left), dtype=np.bool_)
    _merge_links(labels, constraint_bit.copy(), left, right, refused)
    return ClusterResult(labels=labels, refused=refused)
