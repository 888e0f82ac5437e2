"""ENCODED: what recall an index promises: the probabilities of keys, sketches and tables.

One table finds a pair when ``key_bits`` bits, drawn from the chosen bits without replacement, are equal on
both sides, and a sketch of 64 of the chosen bits differs in at most ``sketch_limit`` places (bit sampling: Indyk
and Motwani, STOC 1998). A pair whose popcounts sum to ``s`` and that has at least ``needed(s)`` common
bits differs in at most ``H = s - 2 needed(s)`` bits. Hence, whatever the encodings look like,

* its keys are equal with probability ``q >= C(n - H, key_bits) / C(n, key_bits)`` over ``n`` chosen bits,
* a sketch lets it pass with the hypergeometric probability ``g = P(X <= sketch_limit)`` for ``H`` bits among
  ``n``, of which 64 are drawn.

The chosen bits are put in random order and cut into ``c`` columns of 64, and table ``t`` takes column
``t mod c`` as its sketch. The numbers of differing bits in the columns are negatively associated (Joag-Dev
and Proschan, Annals of Statistics 11, 1983) and keys are drawn independently of them, so a pair is missed by
all tables with probability at most the product over columns of ``1 - g (1 - (1 - q)^tables of the column)``.

Invariant: nothing here depends on the encodings but through ``H``; every bound errs to the safe side.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from secure_match.kernels._popcount import FloatArray, IntArray

SKETCH_BITS: Final = 64

MAX_TABLES: Final = 8192
"""An index of more tables is not built."""


def equal_keys(num_bits: int, differing: IntArray, key_bits: int) -> FloatArray:
    """Probability that ``key_bits`` bits drawn from ``num_bits`` miss all ``differing`` ones."""
    drawn = np.arange(key_bits)
    left = np.maximum(num_bits - np.asarray(differing)[..., None] - drawn, 0)
    result: FloatArray = np.prod(left / (num_bits - drawn), axis=-1)
    return result


def sketch_passes(num_bits: int, differing: int) -> FloatArray:
    """Probability that at most 0, 1, ... 64 of 64 bits drawn from ``num_bits`` are among the differing ones."""
    size = SKETCH_BITS

    def ways(total: int, taken: int) -> float:
        return math.lgamma(total + 1) - math.lgamma(taken + 1) - math.lgamma(total - taken + 1)

    everything = ways(num_bits, size)
    exact = np.zeros(size + 1)
    for hits in range(max(0, size - (num_bits - differing)), min(size, differing) + 1):
        exact[hits] = math.exp(ways(differing, hits) + ways(num_bits - differing, size - hits) - everything)
    return np.minimum(np.cumsum(exact), 1.0)


def log_missed(equal: float, passes: float, tables: IntArray, columns: int) -> FloatArray:
    """Logarithm of the bound on the probability that a pair is missed by so many tables."""
    whole, rest = np.divmod(tables, columns)
    log_one = np.log1p(-min(equal, 1.0 - 1e-16))

    def column(count: IntArray) -> FloatArray:
        result: FloatArray = np.log1p(-np.minimum(passes, 1.0 - 1e-16) * -np.expm1(count * log_one))
        return result

    return rest * column(whole + 1) + (columns - rest) * column(whole)


def needed_tables(equal: float, passes: float, columns: int, recall: float) -> int:
    """Fewest tables whose bound reaches ``recall``; above ``MAX_TABLES`` where none do."""
    every = np.arange(1, MAX_TABLES + 1)
    enough = log_missed(equal, passes, every, columns) <= math.log1p(-recall)
    return int(np.argmax(enough)) + 1 if enough[-1] else MAX_TABLES + 1


def most_differing(needed: IntArray, largest: int) -> IntArray:
    """For each popcount up to ``largest``, the most bits in which a pair differs of which it is the smaller.

    Never falls as the popcount rises; -1 where no such pair exists.
    """
    result = np.full(largest + 1, -1, dtype=np.int64)
    for count in range(largest + 1):
        sums = np.arange(2 * count, count + largest + 1)
        possible = needed[sums] <= count
        result[count] = (sums - 2 * needed[sums])[possible].max(initial=-1)
    return np.maximum.accumulate(result)
