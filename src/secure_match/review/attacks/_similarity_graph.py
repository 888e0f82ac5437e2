"""AUDIT: the complete graph of encodings by the content that they share, and what a node looks like in it.

An adversary who knows everything but the key encodes its plaintexts under a key of its own. Weights of both graphs
then follow one law: the same collisions of positions, the same noise.

Invariant: nothing here depends on the order of rows, but the order of what comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

Floats = npt.NDArray[np.float32]
Encodings = npt.NDArray[np.uint8]

_FULLEST: Final = 1e-3
"""Share of zero bits below which the estimate of a cardinality would run to infinity."""
_QUANTILES: Final = 20
_SIZE_BANDS: Final = (0.5,)
_AXIS_BANDS: Final = (1 / 3, 2 / 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityGraph:
    """A complete weighted graph over ``n`` encodings.

    Attributes:
        weights: positions that two encodings share, estimated from their bits, float32 of shape (n, n).
        sizes: positions of each encoding, estimated likewise, float32 of shape (n,).
        coordinates: rows of the leading eigenvectors of the centred weights, scaled by the root of their eigenvalue,
            largest first, each with a sign that makes its skewness positive; float32 of shape (n, dimensions).
    """

    weights: Floats
    sizes: Floats
    coordinates: Floats


def own_encodings(texts: Sequence[str], *, bits: int, hashes: int, qgrams: int, seed: int) -> Encodings:
    """What the adversary makes of its plaintexts: a plain global CLK under positions that it drew itself.

    Args:
        texts: one string a record; it is padded with ``qgrams - 1`` blanks at both ends.
        bits: length of an encoding, a multiple of 8.
        hashes: positions that one q-gram sets, drawn with replacement.
        qgrams: length of a q-gram.
        seed: of the positions.

    Returns:
        uint8 of shape (texts, bits / 8).
    """
    random = np.random.default_rng(seed)
    positions: dict[str, npt.NDArray[np.int64]] = {}
    marks = np.zeros((len(texts), bits), dtype=np.bool_)
    pad = " " * (qgrams - 1)
    for row, text in enumerate(texts):
        padded = pad + text + pad
        for place in range(len(padded) - qgrams + 1):
            gram = padded[place : place + qgrams]
            if gram not in positions:
                positions[gram] = random.integers(bits, size=hashes)
            marks[row, positions[gram]] = True
    return np.packbits(marks, axis=1)


def similarity_graph(encodings: Encodings, dimensions: int) -> SimilarityGraph:
    """Graph of encodings, uint8 of shape (n, bytes), with at most ``dimensions`` coordinates."""
    weights = shared_positions(encodings)
    sizes = np.diagonal(weights).copy()
    return SimilarityGraph(weights=weights, sizes=sizes, coordinates=_coordinates(weights, dimensions))


def shared_positions(encodings: Encodings) -> Floats:
    """Positions that any two encodings share, and on the diagonal those that each has; float32 of shape (n, n).

    The number of positions behind a Bloom filter is estimated from its zero bits (Swamidass and Baldi, JCIM 47, 2007),
    that behind two from the zero bits of their union; what they share is the difference.
    """
    marks = np.unpackbits(encodings, axis=1).astype(np.float32)
    counts = marks.sum(axis=1)
    together = marks @ marks.T
    sizes = _positions(counts, marks.shape[1])
    union = counts[:, None] + counts[None, :] - together
    weights: Floats = sizes[:, None] + sizes[None, :] - _positions(union, marks.shape[1])
    return weights


def node_features(ours: SimilarityGraph, theirs: SimilarityGraph) -> tuple[Floats, Floats]:
    """What tells nodes of two graphs apart without a known pair: arrays of shape (n, features), of one scale.

    A node's degree distribution, as quantiles of its weights, taken apart by what its neighbours are: small or large,
    and where on the first axis; then its own size and place on that axis. Columns have mean 0 and variance 1 over
    both graphs; the last two weigh as much as all quantiles together.
    """
    first = [graph.coordinates[:, 0] / graph.coordinates[:, 0].std() for graph in (ours, theirs)]
    sizes = [graph.sizes for graph in (ours, theirs)]
    groups = _groups(sizes, _SIZE_BANDS), _groups(first, _AXIS_BANDS)
    bands = len(_AXIS_BANDS) + 1
    total = bands * (len(_SIZE_BANDS) + 1)
    profiles = [
        _profiles(graph.weights, groups[0][side] * bands + groups[1][side], total)
        for side, graph in enumerate((ours, theirs))
    ]
    degrees = _scaled(profiles[0], profiles[1])
    single = _scaled(np.stack([sizes[0], first[0]], axis=1), np.stack([sizes[1], first[1]], axis=1))
    share = np.float32(1 / np.sqrt(degrees[0].shape[1]))
    return (
        np.concatenate([degrees[0] * share, single[0]], axis=1),
        np.concatenate([degrees[1] * share, single[1]], axis=1),
    )


def _positions(counts: Floats, bits: int) -> Floats:
    share = np.maximum(1 - counts / bits, _FULLEST)
    estimates: Floats = (-bits * np.log(share)).astype(np.float32)
    return estimates


def _coordinates(weights: Floats, dimensions: int) -> Floats:
    count = len(weights)
    centred = weights - weights.mean(axis=0) - weights.mean(axis=1)[:, None] + weights.mean()
    values, vectors = eigh(centred, subset_by_index=[max(count - dimensions, 0), count - 1])
    axes = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0))
    signs = np.sign((axes**3).sum(axis=0))
    signed: Floats = (axes * np.where(signs == 0, 1, signs)).astype(np.float32)
    return signed


def _groups(values: list[Floats], shares: tuple[float, ...]) -> list[npt.NDArray[np.int64]]:
    edges = np.quantile(np.concatenate(values), shares)
    return [np.digitize(side, edges).astype(np.int64) for side in values]


def _profiles(weights: Floats, groups: npt.NDArray[np.int64], total: int) -> Floats:
    """Quantiles of each node's weights to the nodes of every group; a group of nobody gives zeros."""
    others = weights.copy()
    # A node is no neighbour of itself.
    np.fill_diagonal(others, others.mean())
    points = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    parts = []
    for group in range(total):
        members = others[:, groups == group]
        empty = np.zeros((len(weights), _QUANTILES))
        parts.append(np.quantile(members, points, axis=1).T if members.shape[1] else empty)
    return np.concatenate(parts, axis=1).astype(np.float32)


def _scaled(ours: Floats, theirs: Floats) -> tuple[Floats, Floats]:
    both = np.concatenate([ours, theirs])
    middle, spread = both.mean(axis=0), np.maximum(both.std(axis=0), 1e-9)
    return (ours - middle) / spread, (theirs - middle) / spread
