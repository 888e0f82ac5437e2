"""ENCODED: which of many 16-byte keys came before, in 16 to 64 bytes of memory per key.

Invariant: exact for any keys. Keys are taken to be pseudo-random: their first word is their hash, so that whoever can
choose them can make the search slow, never wrong.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import jit

KEY_BYTES: Final = 16
_FIRST_SLOTS: Final = 1 << 10

ByteMatrix = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
WordMatrix = npt.NDArray[np.uint64]


class SeenKeys:
    """The keys of all calls so far: open addressing over an array that doubles when it is half full."""

    __slots__ = ("_count", "_has_zero", "_slots")

    def __init__(self) -> None:
        self._slots: WordMatrix = np.zeros((_FIRST_SLOTS, 2), dtype=np.uint64)
        self._has_zero = False
        self._count = 0

    def __repr__(self) -> str:
        return f"<SeenKeys: {len(self)}>"

    def __len__(self) -> int:
        return self._count + self._has_zero

    def add(self, keys: ByteMatrix) -> BoolArray:
        """Add keys, uint8 of shape (rows, 16); which repeat an earlier row's or call's, bool of shape (rows,).

        Raises:
            ValueError: another shape.
        """
        if keys.ndim != 2 or keys.shape[1] != KEY_BYTES:
            raise ValueError("keys have 16 bytes")
        words = np.ascontiguousarray(keys).view(np.uint64)
        self._grow(len(words))
        repeated = np.zeros(len(words), dtype=np.bool_)
        self._count += int(_insert(self._slots, words, repeated))
        # An empty slot is all zero, so the all-zero key stands beside the slots.
        zero = np.flatnonzero(~words.any(axis=1))
        repeated[zero] = True
        if len(zero) and not self._has_zero:
            repeated[zero[0]] = False
            self._has_zero = True
        return repeated

    def _grow(self, more: int) -> None:
        slots = len(self._slots)
        while 2 * (self._count + more) > slots:
            slots *= 2
        if slots > len(self._slots):
            held = self._slots[self._slots.any(axis=1)]
            self._slots = np.zeros((slots, 2), dtype=np.uint64)
            _insert(self._slots, held, np.zeros(len(held), dtype=np.bool_))


def repeated_reference(keys: ByteMatrix) -> BoolArray:
    """NumPy reference of one call of :meth:`SeenKeys.add` on no earlier keys."""
    repeated = np.ones(len(keys), dtype=np.bool_)
    if len(keys):
        repeated[np.unique(keys, axis=0, return_index=True)[1]] = False
    return repeated


@jit
def _insert(slots: WordMatrix, words: WordMatrix, repeated: BoolArray) -> int:
    """Put words into free slots and mark those that are there already; how many were put."""
    mask = np.uint64(slots.shape[0] - 1)
    added = 0
    for row in range(words.shape[0]):
        low, high = words[row, 0], words[row, 1]
        if low == 0 and high == 0:
            continue
        slot = low & mask
        while not (slots[slot, 0] == 0 and slots[slot, 1] == 0):
            if slots[slot, 0] == low and slots[slot, 1] == high:
                repeated[row] = True
                break
            slot = (slot + np.uint64(1)) & mask
        if not repeated[row]:
            slots[slot, 0], slots[slot, 1] = low, high
            added += 1
    return added
