"""AUDIT: graph matching block by block: what is left of the attack where blocks key their encodings.

Encodings of two blocks have nothing in common, so the graph falls into one small graph a block. The adversary knows
which of its own people share a block, but not which tag is which value. A node then shows the size of its block, its
own size, and what it shares with the others of its block; the nearest own node is its name.

After Vidanage et al. (CIKM 2020), whose nodes are told apart by such features of their neighbourhood.
Adversary's knowledge and metric: those of ``graph_matching``.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from secure_match.review.attacks._similarity_graph import Encodings, shared_positions
from secure_match.review.attacks.result import AttackResult

__all__ = ["block_graph_matching"]

SOURCE: Final = "Vidanage et al., CIKM 2020, within blocks"
KNOWLEDGE: Final = "the encoding but its key; plaintexts and blocks of a population that shares people; no pair"
METRIC: Final = "encoded people of the adversary's population who are named by its first guess"

_NEIGHBOURS: Final = 4
_LARGEST: Final = 3_000
"""Rows of a block beyond which its graph is not drawn; agreements bound blocks, and such a block is no narrow one."""

Table = npt.NDArray[np.float64]


def block_graph_matching(
    encodings: Encodings,
    tags: Encodings,
    own: Encodings,
    own_tags: Encodings,
    truth: npt.NDArray[np.int64],
    *,
    settings: dict[str, str | int | float] | None = None,
) -> AttackResult:
    """Name each encoding by the own node that looks most alike; of equals the first in a fixed order.

    Args:
        encodings: uint8 of shape (rows, bytes).
        tags: block tags of the rows, uint8 of shape (rows, tag bytes).
        own: the adversary's people, encoded alike under keys of its own; uint8 of shape (people, bytes).
        own_tags: their block tags under its own key, uint8 of shape (people, tag bytes).
        truth: row of ``own`` that is each row's person, -1 for nobody; int64 of shape (rows,). For scoring.
        settings: what the result says of its target.
    """
    begun = time.perf_counter()
    ours, theirs = _features(encodings, tags), _features(own, own_tags)
    both = np.concatenate([ours, theirs])
    spread = np.maximum(both.std(axis=0), 1e-9)
    best = cKDTree(theirs / spread).query(ours / spread)[1]
    among = truth >= 0
    return AttackResult(
        attack="block_graph_matching",
        source=SOURCE,
        knowledge=KNOWLEDGE,
        metric=METRIC,
        settings={"encodings": len(encodings), "plaintexts": len(own), **(settings or {})},
        hits=int(np.count_nonzero(best[among] == truth[among])),
        trials=int(np.count_nonzero(among)),
        guessing=1 / len(own),
        seconds=time.perf_counter() - begun,
        fields={"alone_in_block": float((ours[:, 0] == 0).mean())},
    )


def _features(encodings: Encodings, tags: Encodings) -> Table:
    """Per row the logarithm of its block's size, its own size, what it shares with its nearest, float64 (rows, 6)."""
    blocks, counts = np.unique(tags, axis=0, return_inverse=True, return_counts=True)[1:]
    blocks = blocks.ravel()
    features = np.zeros((len(encodings), 2 + _NEIGHBOURS))
    features[:, 0] = np.log(counts[blocks])
    order = np.argsort(blocks, kind="stable")
    for rows in np.split(order, np.cumsum(counts)[:-1]):
        if len(rows) > _LARGEST:
            continue
        weights = shared_positions(encodings[rows])
        features[rows, 1] = np.diagonal(weights)
        np.fill_diagonal(weights, -np.inf)
        near = min(_NEIGHBOURS, len(rows) - 1)
        if near:
            features[rows, 2 : 2 + near] = -np.sort(-weights, axis=1)[:, :near]
    return features
