"""AUDIT: from bits to tokens by logistic regression, or by a network with one hidden layer, in NumPy.

All outputs share a batch, so the 1,500 regressions of a city's q-grams are one matrix product. Trained by Adam (Kingma,
Ba, ICLR 2015) on the cross-entropy. Invariant: same pairs and seed, same weights.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from scipy import sparse

from secure_match.review.attacks.inputs import FloatMatrix

_MAX_TOKENS: Final = 1_024
"""Outputs: the commonest tokens of the known rows."""
_STEPS: Final = 600
_BATCH: Final = 64
_RATE: Final = 3e-3
_DECAY: Final = 1e-4
_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8
_EDGE: Final = 1e-4


class Decoder:
    """Foretells tokens from bits; candidates by naive Bayes.

    The odds that an encoding holds a token, over the odds before it was seen, are multiplied over a candidate's tokens.
    """

    def __init__(self, has: sparse.csr_matrix, bits: FloatMatrix, *, hidden: int, seed: int) -> None:
        """Learn from known pairs.

        Args:
            has: tokens of the known rows, of shape (pairs, tokens).
            bits: float32 of shape (pairs, bits).
            hidden: units of the hidden layer; 0 for logistic regression.
            seed: of the first weights and of the order of the pairs.
        """
        times = np.asarray(has.sum(axis=0)).ravel()
        order = np.argsort(-times, kind="stable")[:_MAX_TOKENS]
        # A token that all known rows have, or one only, cannot be told apart from the rows themselves.
        self._tokens = np.sort(order[(times[order] >= 2) & (times[order] < has.shape[0])])
        self._mean = bits.mean(axis=0)
        self._weights: list[FloatMatrix] = []
        if len(self._tokens) == 0:
            return
        answers = np.ascontiguousarray(has[:, self._tokens].toarray(), dtype=np.float32)
        before = answers.mean(axis=0)
        self._before = np.log(before / (1 - before)).astype(np.float32)
        rng = np.random.default_rng(seed)
        sizes = [bits.shape[1], *([hidden] if hidden else []), len(self._tokens)]
        for inner, outer in pairwise(sizes):
            scale = np.sqrt(2.0 / inner) if hidden else 0.0
            self._weights.append((rng.standard_normal((inner, outer)) * scale).astype(np.float32))
        self._offsets = [np.zeros(size, dtype=np.float32) for size in sizes[1:-1]] + [self._before.copy()]
        self._train(bits - self._mean, answers, rng)

    def scores(self, bits: FloatMatrix, has: sparse.csr_matrix) -> FloatMatrix:
        """How well candidates fit, float32 of shape (encodings, candidates); see ``_learners.Learner``."""
        if not self._weights:
            return np.zeros((len(bits), has.shape[0]), dtype=np.float32)
        edge = float(np.log((1 - _EDGE) / _EDGE))
        gain = np.clip(self._forward(bits - self._mean)[-1], -edge, edge) - self._before
        found: FloatMatrix = np.asarray((has[:, self._tokens] @ gain.T).T, dtype=np.float32)
        return found

    def _forward(self, inputs: FloatMatrix) -> list[FloatMatrix]:
        """Inputs, hidden layer if there is one, and log odds."""
        layers = [inputs]
        for place, (weights, offsets) in enumerate(zip(self._weights, self._offsets, strict=True)):
            out = layers[-1] @ weights + offsets
            layers.append(out if place == len(self._weights) - 1 else np.maximum(out, 0))
        return layers

    def _train(self, inputs: FloatMatrix, answers: FloatMatrix, rng: np.random.Generator) -> None:
        held = [*self._weights, *self._offsets]
        first, second = [np.zeros_like(item) for item in held], [np.zeros_like(item) for item in held]
        batch = min(_BATCH, len(inputs))
        for step in range(1, _STEPS + 1):
            rows = rng.choice(len(inputs), size=batch, replace=False)
            slopes = self._slopes(inputs[rows], answers[rows])
            rate = _RATE * np.sqrt(1 - _SECOND**step) / (1 - _FIRST**step)
            for place, slope in enumerate(slopes):
                first[place] += (1 - _FIRST) * (slope - first[place])
                second[place] += (1 - _SECOND) * (slope * slope - second[place])
                held[place] -= (rate * first[place] / (np.sqrt(second[place]) + _TINY)).astype(np.float32)
                if held[place].ndim > 1:
                    held[place] *= 1 - _DECAY

    def _slopes(self, inputs: FloatMatrix, answers: FloatMatrix) -> list[FloatMatrix]:
        """Gradient of the mean cross-entropy: of the weights in order, then of the offsets."""
        layers = self._forward(inputs)
        odds = np.clip(layers[-1], -30, 30)
        error: FloatMatrix = ((1 / (1 + np.exp(-odds)) - answers) / len(inputs)).astype(np.float32)
        weights: list[FloatMatrix] = []
        offsets: list[FloatMatrix] = []
        for place in range(len(self._weights) - 1, -1, -1):
            weights.insert(0, layers[place].T @ error)
            offsets.insert(0, error.sum(axis=0))
            if place:
                error = np.where(layers[place] > 0, error @ self._weights[place].T, np.float32(0))
        return [*weights, *offsets]
