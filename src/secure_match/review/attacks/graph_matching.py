"""AUDIT: graph matching: encodings are named by the graph of their similarities alone, without a key or a known pair.

Follows Vidanage, Christen, Ranbaduge and Schnell, "A graph matching attack on privacy-preserving record linkage"
(CIKM 2020), and Schaefer, Armknecht and Heng, "R+R: revisiting graph matching-based attacks on privacy-preserving
record linkage" (ACSAC 2024): node features, spectral embeddings of both graphs, alignment. The alignment is that of
Artetxe, Labaka and Agirre for words of two languages (ACL 2018): start from the nearest features, then by turns the
best rotation for the pairs (orthogonal Procrustes) and the best pairs for the rotation, where at first most pairs are
left to chance.

Adversary's knowledge: how records are encoded, all but the key; the plaintexts of a population that shares some people
with the package; no pair. Metric: encoded people, of those among its plaintexts, whom it names with its first guess.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.review.attacks._similarity_graph import (
    Encodings,
    Floats,
    SimilarityGraph,
    node_features,
    own_encodings,
    similarity_graph,
)
from secure_match.review.attacks.result import AttackResult

__all__ = ["GraphMatches", "graph_matching", "match_graphs", "own_encodings"]

SOURCE: Final = "Vidanage et al., CIKM 2020; Schaefer et al., ACSAC 2024"
KNOWLEDGE: Final = "the encoding but its key; plaintexts of a population that shares people with the package; no pair"
METRIC: Final = "encoded people of the adversary's population who are named by its first guess"

_DIMENSIONS: Final = 50
_NEAREST: Final = 10
"""Neighbours whose mean similarity is taken off, so that no node is everybody's best (CSLS, Conneau et al. 2018)."""
_FIRST_KEPT: Final = 0.1
"""Share of candidate pairs that the first rounds look at."""
_PATIENCE: Final = 5
_LEAST_GAIN: Final = 1e-4
_MAX_ROUNDS: Final = 400
_SIZE_GAP: Final = 0.6
"""Standard deviations of size beyond which two encodings are not of one person."""
_UNLIKE: Final = np.float32(-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphMatches:
    """What the adversary believes.

    Attributes:
        best: its first guess for each encoding: row of its own, int64 of shape (encodings,); ties go to the first.
        agreement: mean similarity of the aligned graphs, by which the adversary itself tells success from failure.
    """

    best: npt.NDArray[np.int64]
    agreement: float


def match_graphs(encodings: Encodings, own: Encodings, *, seed: int = 0, starts: int = 1) -> GraphMatches:
    """Align the graph of a package's encodings with that of the adversary's own.

    Args:
        encodings: uint8 of shape (encodings, bytes), at least 3 rows.
        own: the adversary's plaintexts, encoded alike under a key of its own (see :func:`own_encodings`); uint8 of
            shape (people, bytes), at least 3 rows.
        seed: of the chance in the first rounds.
        starts: alignments tried; that of the highest agreement counts.

    Returns:
        The same for the same arguments on one machine.
    """
    dimensions = min(_DIMENSIONS, len(encodings) - 1, len(own) - 1)
    graphs = similarity_graph(encodings, dimensions), similarity_graph(own, dimensions)
    unlike = _unlike(*graphs)
    features = node_features(*graphs)
    similarity = -_squared_distances(*features)
    tries = [_align(*graphs, similarity, unlike, np.random.default_rng([seed, start])) for start in range(starts)]
    return max(tries, key=lambda found: found.agreement)


def graph_matching(
    encodings: Encodings,
    own: Encodings,
    truth: npt.NDArray[np.int64],
    *,
    settings: dict[str, str | int | float] | None = None,
    seed: int = 0,
    starts: int = 1,
) -> AttackResult:
    """Run :func:`match_graphs` and score it.

    Args:
        encodings: see :func:`match_graphs`.
        own: see :func:`match_graphs`.
        truth: row of ``own`` that is each encoding's person, -1 for nobody; int64 of shape (encodings,). For scoring.
        settings: what the result says of its target.
        seed: see :func:`match_graphs`.
        starts: see :func:`match_graphs`.
    """
    begun = time.perf_counter()
    found = match_graphs(encodings, own, seed=seed, starts=starts)
    among = truth >= 0
    return AttackResult(
        attack="graph_matching",
        source=SOURCE,
        knowledge=KNOWLEDGE,
        metric=METRIC,
        settings={"encodings": len(encodings), "plaintexts": len(own), **(settings or {})},
        hits=int(np.count_nonzero(found.best[among] == truth[among])),
        trials=int(np.count_nonzero(among)),
        guessing=1 / len(own),
        seconds=time.perf_counter() - begun,
        fields={},
    )


def _align(
    ours: SimilarityGraph,
    theirs: SimilarityGraph,
    similarity: Floats,
    unlike: npt.NDArray[np.bool_],
    random: np.random.Generator,
) -> GraphMatches:
    best, stale, kept = -np.inf, 0, _FIRST_KEPT
    for _ in range(_MAX_ROUNDS):
        scores = _scores(similarity, unlike)
        if kept < 1:
            scores[random.random(scores.shape, dtype=np.float32) >= kept] = -np.inf
        similarity = _rotated(ours.coordinates, theirs.coordinates, scores)
        agreement = _agreement(similarity, unlike)
        if agreement > best + _LEAST_GAIN:
            best, stale = agreement, 0
            continue
        stale += 1
        if stale >= _PATIENCE:
            if kept >= 1:
                break
            kept, stale = min(1.0, 2 * kept), 0
    guesses = _scores(similarity, unlike).argmax(axis=1).astype(np.int64)
    return GraphMatches(best=guesses, agreement=agreement)


def _scores(similarity: Floats, unlike: npt.NDArray[np.bool_]) -> Floats:
    """Similarities less the mean similarity of both ends to their nearest."""
    nearest = min(_NEAREST, *similarity.shape)
    ours = np.partition(similarity, -nearest, axis=1)[:, -nearest:].mean(axis=1)
    theirs = np.partition(similarity, -nearest, axis=0)[-nearest:].mean(axis=0)
    scores: Floats = 2 * similarity - ours[:, None] - theirs[None, :]
    scores[unlike] = _UNLIKE
    return scores


def _rotated(ours: Floats, theirs: Floats, scores: Floats) -> Floats:
    """Cosines after the rotation that fits the best pairs of both directions."""
    left = np.concatenate([np.arange(len(ours)), scores.argmax(axis=0)])
    right = np.concatenate([scores.argmax(axis=1), np.arange(len(theirs))])
    before, _, after = np.linalg.svd(ours[left].T @ theirs[right])
    cosines: Floats = _unit(ours @ (before @ after)) @ _unit(theirs).T
    return cosines


def _agreement(similarity: Floats, unlike: npt.NDArray[np.bool_]) -> float:
    """Mean, over the smaller graph, of the similarity to the nearest node."""
    axis = 1 if similarity.shape[0] <= similarity.shape[1] else 0
    return float(np.where(unlike, _UNLIKE, similarity).max(axis=axis).mean())


def _unlike(ours: SimilarityGraph, theirs: SimilarityGraph) -> npt.NDArray[np.bool_]:
    spread = max(float(np.concatenate([ours.sizes, theirs.sizes]).std()), 1e-9)
    apart: npt.NDArray[np.bool_] = np.abs(ours.sizes[:, None] - theirs.sizes[None, :]) > _SIZE_GAP * spread
    return apart


def _squared_distances(ours: Floats, theirs: Floats) -> Floats:
    squares = (ours**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1)[None, :]
    distances: Floats = squares - 2 * ours @ theirs.T
    return distances


def _unit(rows: Floats) -> Floats:
    units: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return units
