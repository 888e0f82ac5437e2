"""AUDIT: maps between tokens and bits, learnt from known pairs: each scores candidates for encodings.

Invariants: a learner sees the known pairs and the candidates' plaintext, never whose an encoding is; same input, same
scores. Higher is better; scores of two encodings cannot be compared.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from secure_match.review.attacks.inputs import FloatMatrix

_EDGE: Final = 1e-4
"""No bit is taken for surer than this: real rows have typing errors."""
_ROUNDS: Final = 10
_PRIOR_ROWS: Final = 0.3
"""Rows for which the even spread of a token's bits counts."""
_RIDGE: Final = 1.0


class Learner(Protocol):
    """What was learnt from known pairs."""

    def scores(self, bits: FloatMatrix, has: sparse.csr_matrix) -> FloatMatrix:
        """How well candidates fit: float32 of shape (encodings, candidates).

        Args:
            bits: 0 or 1, of shape (encodings, bits).
            has: tokens of the candidates, of shape (candidates, tokens).
        """


class NoisyOr:
    """Which bits a token sets, by expectation maximisation of a noisy OR; candidates by likelihood.

    A CLK sets a bit if any of its tokens does. A known row with the bit unset rules the bit out for all its tokens; one
    with the bit set blames those of its tokens that most likely set it.
    """

    def __init__(self, has: sparse.csr_matrix, bits: FloatMatrix, share: npt.NDArray[np.float32]) -> None:
        length = bits.shape[1]
        prior = np.clip(-np.expm1(share * np.log1p(-1.0 / length)), _EDGE, 0.9).astype(np.float32)[:, None]
        times = np.asarray(has.sum(axis=0), dtype=np.float32).ravel()
        self._seen = np.flatnonzero(times)
        self._rest = np.log1p(-prior).astype(np.float32)
        base = prior[self._seen]
        known, counts = has[:, self._seen].tocsr(), times[self._seen][:, None]
        back = known.T.tocsr()
        sets = np.repeat(base, length, axis=1)
        for _ in range(_ROUNDS):
            hit = np.maximum(-np.expm1(known @ np.log1p(-sets)), _EDGE)
            sets = (sets * (back @ (bits / hit)) + _PRIOR_ROWS * base) / (counts + _PRIOR_ROWS)
            sets = np.clip(sets, _EDGE * 0.1, 1 - _EDGE).astype(np.float32)
        self._logs = np.log1p(-sets)

    def scores(self, bits: FloatMatrix, has: sparse.csr_matrix) -> FloatMatrix:
        """See :class:`Learner`."""
        fresh = np.ones(has.shape[1], dtype=np.float32)
        fresh[self._seen] = 0
        # Tokens that no known row has set bits evenly.
        unset = has[:, self._seen] @ self._logs + has @ (fresh[:, None] * self._rest)
        likely = np.clip(-np.expm1(unset), _EDGE, 1 - _EDGE)
        missed = np.log1p(-likely)
        found: FloatMatrix = bits @ (np.log(likely) - missed).T + missed.sum(axis=1)
        return found.astype(np.float32)


class Ridge:
    """Ridge regression from tokens to bits in its dual form; candidates by least squares."""

    def __init__(self, has: sparse.csr_matrix, bits: FloatMatrix, share: npt.NDArray[np.float32]) -> None:
        # Tokens that set few bits say little: they count by their share.
        self._scale = sparse.diags(np.sqrt(share / max(float(share.mean()), 1e-9)).astype(np.float32))
        self._known = (has @ self._scale).tocsr()
        self._mean = bits.mean(axis=0) if len(bits) >= _FEW else np.full(bits.shape[1], bits.mean(), dtype=np.float32)
        kernel = (self._known @ self._known.T).toarray()
        kernel[np.diag_indices_from(kernel)] += _RIDGE
        self._dual = np.linalg.solve(kernel, bits - self._mean).astype(np.float32)

    def scores(self, bits: FloatMatrix, has: sparse.csr_matrix) -> FloatMatrix:
        """See :class:`Learner`."""
        expected = ((has @ self._scale) @ self._known.T) @ self._dual
        found: FloatMatrix = (bits - self._mean) @ expected.T - np.square(expected).sum(axis=1) / 2
        return found


_FEW: Final = 20
"""Known pairs below which a mean per bit would already be the answer."""
