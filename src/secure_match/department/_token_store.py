"""RAW: hash values of numbered tokens, each hashed once, in arrays that can be wiped.

Invariants: a token's hash values are clkhash's; a token that is known is not hashed again unless more values are
asked of it than before; :meth:`wipe` overwrites everything. No key is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from secure_match.agreement._schema_models import BlakeHash, DoubleHash
from secure_match.department._hashing import POSITIONS_PER_BLOCK, blake_table, double_hash_table
from secure_match.department._texts import Int64Array
from secure_match.department._wiped import WipedArray
from secure_match.kernels.bloom import ByteMatrix
from secure_match.kernels.token_lists import (
    TokenLists,
    most_hashes,
    set_short_bits,
    set_step_bits,
)

Speller = Callable[[Int64Array], list[bytes]]
"""Numbers of tokens to the bytes that are hashed."""

FeatureKeys = tuple[bytes, bytes]


class TokenStore(Protocol):
    """Sets the bits of tokens, and keeps what it hashed for them."""

    def set_bits(self, lists: TokenLists, count: int, spell: Speller, keys: FeatureKeys, out: ByteMatrix) -> None:
        """Set the bits of each list in its filter.

        Args:
            lists: numbers of tokens, below ``count``.
            count: how many tokens are known or new.
            spell: gives the bytes of tokens that must be hashed.
            keys: the feature's two keys.
            out: uint8 of shape (lists, bytes), changed in place.
        """
        ...

    def forget(self, kept: int) -> None:
        """Forget and wipe all tokens but the first ``kept``."""
        ...

    @property
    def arrays(self) -> list[WipedArray[Any]]:
        """All that is kept."""
        ...


class BlakeStore:
    """Hash values of keyed BLAKE2b, 32 to a block, one token's after another's."""

    __slots__ = ("_blocks", "_filter_bits", "_shorts", "_starts", "_used")

    def __init__(self, filter_bits: int) -> None:
        self._filter_bits = filter_bits
        self._shorts = WipedArray(np.uint16)
        self._starts, self._blocks = WipedArray(np.int64), WipedArray(np.int64)
        self._used = 0

    @property
    def arrays(self) -> list[WipedArray[Any]]:
        """All that is kept."""
        return [self._shorts, self._starts, self._blocks]

    def set_bits(self, lists: TokenLists, count: int, spell: Speller, keys: FeatureKeys, out: ByteMatrix) -> None:
        """See :class:`TokenStore`."""
        self._starts.reserve(count)
        self._blocks.reserve(count)
        blocks = -(-most_hashes(lists, count) // POSITIONS_PER_BLOCK)
        short = np.flatnonzero(blocks > self._blocks.data[:count])
        if len(short):
            table = blake_table(spell(short), (blocks[short] * POSITIONS_PER_BLOCK).tolist(), keys[0])
            # What fewer blocks gave stays where it was, unused, until the store is wiped.
            sizes = blocks[short] * POSITIONS_PER_BLOCK
            ends = self._used + np.cumsum(sizes)
            self._shorts.reserve(int(ends[-1]))
            self._shorts.data[self._used : ends[-1]] = table[np.arange(table.shape[1]) < sizes[:, None]]
            self._starts.data[short], self._blocks.data[short] = ends - sizes, blocks[short]
            self._used = int(ends[-1])
        set_short_bits(lists, self._shorts.data, self._starts.data[:count], out, self._filter_bits)

    def forget(self, kept: int) -> None:
        """See :class:`TokenStore`."""
        sizes = self._blocks.data[:kept] * POSITIONS_PER_BLOCK
        ends = np.cumsum(sizes)
        self._used = int(ends[-1]) if len(ends) else 0
        source = np.repeat(self._starts.data[:kept] - (ends - sizes), sizes) + np.arange(self._used)
        self._shorts.replace(self._shorts.data[source])
        self._starts.data[: len(ends)] = ends - sizes
        self._starts.data[kept:] = 0
        self._blocks.data[kept:] = 0


class DoubleStore:
    """First position and step of each token, by HMAC-SHA1 and HMAC-MD5."""

    __slots__ = ("_filter_bits", "_first", "_known", "_prevent_singularity", "_step")

    def __init__(self, filter_bits: int, *, prevent_singularity: bool) -> None:
        self._filter_bits, self._prevent_singularity = filter_bits, prevent_singularity
        self._first, self._step = WipedArray(np.int64), WipedArray(np.int64)
        self._known = 0

    @property
    def arrays(self) -> list[WipedArray[Any]]:
        """All that is kept."""
        return [self._first, self._step]

    def set_bits(self, lists: TokenLists, count: int, spell: Speller, keys: FeatureKeys, out: ByteMatrix) -> None:
        """See :class:`TokenStore`."""
        if count > self._known:
            self._first.reserve(count)
            self._step.reserve(count)
            new = spell(np.arange(self._known, count, dtype=np.int64))
            first, step = double_hash_table(new, keys, self._filter_bits, prevent_singularity=self._prevent_singularity)
            self._first.data[self._known : count], self._step.data[self._known : count] = first, step
            self._known = count
        set_step_bits(lists, self._first.data[:count], self._step.data[:count], out, self._filter_bits)

    def forget(self, kept: int) -> None:
        """See :class:`TokenStore`."""
        self._known = min(self._known, kept)
        self._first.data[kept:] = 0
        self._step.data[kept:] = 0


def make_store(rule: BlakeHash | DoubleHash, filter_bits: int) -> TokenStore:
    """An empty store for a rule of hashing."""
    if isinstance(rule, BlakeHash):
        return BlakeStore(filter_bits)
    return DoubleStore(filter_bits, prevent_singularity=rule.prevent_singularity)
