"""PUBLIC: one random stream per purpose, so that changing one rate does not reshuffle everything else."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Random generators (PCG64) named by purpose; equal seed and purpose give the same stream.

    These streams are for made-up people only and are not fit for keys.
    """

    seed: int

    def of(self, *purpose: str) -> np.random.Generator:
        """A fresh generator for ``purpose``, at its beginning."""
        spawn_key = tuple(zlib.crc32(part.encode()) for part in purpose)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=spawn_key)))


def draw_weighted(rng: np.random.Generator, weights: FloatArray, count: int) -> IntArray:
    """``count`` indices into ``weights``, int64, each with a chance in proportion to its weight."""
    edges = np.cumsum(weights)
    drawn: IntArray = np.searchsorted(edges, rng.random(count) * edges[-1], side="right").astype(np.int64)
    return drawn


def draw_flags(rng: np.random.Generator, share: float | FloatArray, count: int) -> BoolArray:
    """``count`` flags, each true with the chance ``share`` (one for all, or float64 of shape (count,))."""
    return np.less(rng.random(count), share)
