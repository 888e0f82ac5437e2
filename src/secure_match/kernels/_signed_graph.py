"""ENCODED: a graph of clusters whose parallel edges are added up when two clusters become one.

Invariants: there is at most one live edge between two clusters; an edge is moved only when its end is the one of lower
degree, so that any number of merges moves each edge O(log edges) times. The same arrays serve one component after the
other.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from secure_match.kernels._popcount import IntArray, jit
from secure_match.kernels._signed_units import BoolArray, MaskArray, PlaceArray, Rules, packed, penalty

_HASH: Final = np.uint64(0x9E3779B97F4A7C15)
"""2^64 by the golden ratio: Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, 6.4)."""


class Graph(NamedTuple):
    """Clusters and edges of a component. Edge ``e`` has its two ends in places ``2 e`` and ``2 e + 1``.

    Attributes:
        ends: the cluster at each end, -1 if the edge is gone, int32 of shape (2 * edges,).
        following: the next place in the list of the same cluster, -1 at its end, int32 of shape (2 * edges,).
        total: sum of finite weights in units, int64 of shape (edges,).
        first: the smallest pair that the edge holds, its smaller row in the upper half, int64 of shape (edges,).
        listed: pairs of nodes that were compared, int64 of shape (edges,).
        numbered: those of them in which both nodes have a number, int64 of shape (edges,).
        barred: a pair of it must stay apart, bool of shape (edges,).
        heads: first place in the list of each cluster, int32 of shape (rows,).
        degrees: live edges of each cluster, int32 of shape (rows,).
        parents: the cluster into which each one went, itself if it lives, int32 of shape (rows,).
        sizes: nodes of each cluster, int64 of shape (rows,).
        coded: nodes of each cluster that have a number, int64 of shape (rows,).
        bits: constraint bits of each cluster, uint64 of shape (rows,).
        keys: open addressing: pair of clusters, -1 if free, int64 of shape (a power of two,).
        values: the edge of each key, int32 of the shape of ``keys``.
        changed: edges to which a merge added another, int64 of shape (edges,).
        counts: rows, edges, and slots less one that are in use, int64 of shape (3,).
    """

    ends: PlaceArray
    following: PlaceArray
    total: IntArray
    first: IntArray
    listed: IntArray
    numbered: IntArray
    barred: BoolArray
    heads: PlaceArray
    degrees: PlaceArray
    parents: PlaceArray
    sizes: IntArray
    coded: IntArray
    bits: MaskArray
    keys: IntArray
    values: PlaceArray
    changed: IntArray
    counts: IntArray


def empty_graph(rows: int, edges: int) -> Graph:
    """Room for components of so many rows and edges."""
    slots = 4
    while slots < 2 * edges:
        slots *= 2
    small, large = np.int32, np.int64
    return Graph(
        ends=np.empty(2 * edges, small),
        following=np.empty(2 * edges, small),
        total=np.empty(edges, large),
        first=np.empty(edges, large),
        listed=np.empty(edges, large),
        numbered=np.empty(edges, large),
        barred=np.empty(edges, np.bool_),
        heads=np.empty(rows, small),
        degrees=np.empty(rows, small),
        parents=np.empty(rows, small),
        sizes=np.empty(rows, large),
        coded=np.empty(rows, large),
        bits=np.empty(rows, np.uint64),
        keys=np.empty(slots, large),
        values=np.empty(slots, small),
        changed=np.empty(edges, large),
        counts=np.zeros(3, large),
    )


@jit
def clear(graph: Graph, rows: int, edges: int) -> None:
    """Begin a component of ``rows`` rows and at most ``edges`` edges: every row a cluster, no edge."""
    slots = 4
    while slots < 2 * edges:
        slots *= 2
    graph.keys[:slots] = -1
    graph.counts[0], graph.counts[1], graph.counts[2] = rows, 0, slots - 1
    for row in range(rows):
        graph.heads[row] = -1
        graph.degrees[row] = 0
        graph.parents[row] = row


@jit
def root(graph: Graph, row: int) -> int:
    """The cluster in which a row is."""
    parents = graph.parents
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


@jit
def _slot(graph: Graph, key: int) -> int:
    """Where a key stands, or the free slot in which it would."""
    mask = np.uint64(graph.counts[2])
    place = ((np.uint64(key) * _HASH) >> np.uint64(32)) & mask
    while graph.keys[place] != -1 and graph.keys[place] != key:
        place = (place + np.uint64(1)) & mask
    return int(place)


@jit
def edge_between(graph: Graph, one: int, two: int) -> int:
    """The live edge between two clusters, or -1."""
    place = _slot(graph, packed(one, two))
    return int(graph.values[place]) if graph.keys[place] != -1 else -1


@jit
def _put(graph: Graph, one: int, two: int, edge: int) -> None:
    key = packed(one, two)
    place = _slot(graph, key)
    graph.keys[place] = key
    graph.values[place] = edge


@jit
def _take(graph: Graph, one: int, two: int) -> None:
    """Remove a key, and close the gap so that later ones of its run are still found."""
    mask = np.uint64(graph.counts[2])
    gap = np.uint64(_slot(graph, packed(one, two)))
    place = gap
    while True:
        place = (place + np.uint64(1)) & mask
        key = graph.keys[place]
        if key == -1:
            break
        home = ((np.uint64(key) * _HASH) >> np.uint64(32)) & mask
        if ((place - home) & mask) >= ((place - gap) & mask):
            graph.keys[gap] = key
            graph.values[gap] = graph.values[place]
            gap = place
    graph.keys[gap] = -1


@jit
def _attach(graph: Graph, place: int, cluster: int) -> None:
    graph.ends[place] = cluster
    graph.following[place] = graph.heads[cluster]
    graph.heads[cluster] = place
    graph.degrees[cluster] += 1


@jit
def add_pair(graph: Graph, one: int, two: int, total: int, barred: bool) -> None:
    """Add the evidence of a pair of two different clusters."""
    edge = edge_between(graph, one, two)
    if edge < 0:
        edge = graph.counts[1]
        graph.counts[1] += 1
        graph.total[edge] = 0
        graph.first[edge] = packed(one, two)
        graph.listed[edge] = 1
        graph.numbered[edge] = 0
        graph.barred[edge] = False
        _attach(graph, 2 * edge, one)
        _attach(graph, 2 * edge + 1, two)
        _put(graph, one, two, edge)
    graph.total[edge] += total
    graph.barred[edge] |= barred


@jit
def _drop(graph: Graph, edge: int) -> None:
    graph.degrees[graph.ends[2 * edge]] -= 1
    graph.degrees[graph.ends[2 * edge + 1]] -= 1
    graph.ends[2 * edge] = -1
    graph.ends[2 * edge + 1] = -1


@jit
def merge(graph: Graph, one: int, two: int) -> int:
    """Make one cluster of two; how many edges stand in ``changed``."""
    swap = graph.degrees[one] < graph.degrees[two] or (graph.degrees[one] == graph.degrees[two] and two < one)
    kept, gone = (two, one) if swap else (one, two)
    between = edge_between(graph, kept, gone)
    if between >= 0:
        _take(graph, kept, gone)
        _drop(graph, between)
    changed = 0
    place = graph.heads[gone]
    while place >= 0:
        following = graph.following[place]
        if graph.ends[place] >= 0:
            edge, other = place >> 1, graph.ends[place ^ 1]
            _take(graph, gone, other)
            same = edge_between(graph, kept, other)
            if same >= 0:
                graph.total[same] += graph.total[edge]
                graph.first[same] = min(graph.first[same], graph.first[edge])
                graph.listed[same] += graph.listed[edge]
                graph.numbered[same] += graph.numbered[edge]
                graph.barred[same] |= graph.barred[edge]
                _drop(graph, edge)
                graph.changed[changed] = same
                changed += 1
            else:
                _put(graph, kept, other, edge)
                _attach(graph, place, kept)
        place = following
    graph.parents[gone] = kept
    graph.sizes[kept] += graph.sizes[gone]
    graph.coded[kept] += graph.coded[gone]
    graph.bits[kept] |= graph.bits[gone]
    return changed


@jit
def evidence(graph: Graph, edge: int, rules: Rules) -> int:
    """What speaks for making one cluster of the edge's two, in units."""
    one, two = graph.ends[2 * edge], graph.ends[2 * edge + 1]
    numbers = graph.coded[one] * graph.coded[two] - graph.numbered[edge]
    pairs = graph.sizes[one] * graph.sizes[two] - graph.listed[edge]
    return int(graph.total[edge] + penalty(numbers, pairs, rules))


@jit
def forbidden(graph: Graph, edge: int) -> bool:
    """Whether the edge's two clusters may never be one."""
    return bool(graph.barred[edge] or graph.bits[graph.ends[2 * edge]] & graph.bits[graph.ends[2 * edge + 1]] != 0)
