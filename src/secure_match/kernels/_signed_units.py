"""ENCODED: evidence in whole units, so that sums are exact and no order of pairs can change one."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import jit

PlaceArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]
MaskArray = npt.NDArray[np.uint64]
WeightArray = npt.NDArray[np.float64]
IntMatrix = npt.NDArray[np.int64]

UNITS_PER_BIT: Final = 1 << 20
LARGEST_BITS: Final = 65_536.0
"""Finite weights beyond this count as this: sums of 2^26 of them still fit 64 bits."""
_LARGEST_PENALTY: Final = -(1 << 60)


class Rules(NamedTuple):
    """What holds in every component.

    Attributes:
        conflict: units, 0 or less, for two nodes with numbers that nobody compared.
        absent: units, 0 or less, for any two nodes that nobody compared.
        best_of: components of at most so many nodes get their best partition.
        rounds: rounds of single moves.
    """

    conflict: int
    absent: int
    best_of: int
    rounds: int


@jit
def units(bits: float) -> int:
    """A finite weight in units; of one that is not finite its sign."""
    return int(np.rint(min(max(bits, -LARGEST_BITS), LARGEST_BITS) * UNITS_PER_BIT))


@jit
def packed(one: int, two: int) -> int:
    """A pair as one number that rises as (smaller, larger) does."""
    return (min(one, two) << 32) | max(one, two)


@jit
def penalty(numbers: int, pairs: int, rules: Rules) -> int:
    """The evidence against of pairs that were not compared, in units."""
    if float(numbers) * rules.conflict + float(pairs) * rules.absent <= _LARGEST_PENALTY:
        return _LARGEST_PENALTY
    return numbers * rules.conflict + pairs * rules.absent
