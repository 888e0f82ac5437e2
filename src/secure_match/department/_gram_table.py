"""RAW: the distinct q-grams of a feature, numbered in the order in which they first stood.

A gram of up to three code points of 21 bits is one uint64; its place, where places count, stands beside it. An
open-addressing table (linear probing) finds the number of a gram that was seen.

Invariants: equal grams have equal numbers, different ones different numbers; numbers do not depend on how texts
are cut into calls. The table holds plaintext: :meth:`GramTable.wipe` overwrites all of it, and growing overwrites
what is outgrown.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.department._code_points import CodePoints, PointArray
from secure_match.department._texts import Int64Array
from secure_match.department._wiped import WipedArray
from secure_match.kernels import jit

LONGEST_GRAM: Final = 3
"""Code points of 21 bits that fit in 64."""

POINT_BITS: Final = 21
SPACE: Final = 32
FEWEST_SLOTS: Final = 1 << 10

# Odd constants without structure spread keys over the slots: 2**64 divided by the golden ratio (Knuth, The Art of
# Computer Programming 3, 6.4), and the first 64 bits of the square root of 2's fraction, made odd.
SPREAD_GRAM: Final = 0x9E3779B97F4A7C15
SPREAD_PLACE: Final = 0x6A09E667F3BCC909

WordArray = npt.NDArray[np.uint64]
Int32Array = npt.NDArray[np.int32]


@jit
def _home(gram: np.uint64, place: np.uint64) -> np.int64:
    """A hash of a gram, from 0 to 2**32 - 1; its low bits are the slot where the search for it begins."""
    mixed = (gram ^ (place * np.uint64(SPREAD_PLACE))) * np.uint64(SPREAD_GRAM)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(SPREAD_GRAM)
    return np.int64(mixed >> np.uint64(32))


@jit
def _fill(slots: Int32Array, grams: WordArray, places: WordArray, count: int) -> None:
    mask = slots.shape[0] - 1
    for number in range(count):
        slot = _home(grams[number], places[number]) & mask
        while slots[slot] != 0:
            slot = (slot + 1) & mask
        slots[slot] = number + 1


@jit
def _number(  # noqa: PLR0917  # Numba functions take their arrays by position.
    text: tuple[PointArray, Int64Array, Int64Array],
    rule: tuple[int, int],
    table: tuple[Int32Array, WordArray, WordArray],
    offsets: Int64Array,
    tokens: Int32Array,
    state: Int64Array,
) -> None:
    """Number the grams of texts from ``state[0]`` on; stop at a text for which the table may be too small.

    ``rule`` holds gram length and whether places count; ``state`` the text to go on at and the count of grams.
    """
    points, starts, ends = text
    size, positional = rule
    slots, grams, places = table
    count, slot_mask = state[1], slots.shape[0] - 1
    mask = (np.uint64(1) << np.uint64(POINT_BITS * size)) - np.uint64(1)
    for number in range(state[0], starts.shape[0]):
        total = offsets[number + 1] - offsets[number]
        if count + total > grams.shape[0] or 2 * (count + total) > slots.shape[0]:
            break
        gram = np.uint64(0)
        for _ in range(size - 1):
            gram = (gram << np.uint64(POINT_BITS)) | np.uint64(SPACE)
        length = ends[number] - starts[number]
        for index in range(total):
            point = np.uint64(points[starts[number] + index]) if index < length else np.uint64(SPACE)
            gram = ((gram << np.uint64(POINT_BITS)) | point) & mask
            place = np.uint64(index + 1) if positional else np.uint64(0)
            # The search stands here and not in a function: handing arrays to one costs more than the search.
            slot = _home(gram, place) & slot_mask
            while slots[slot] != 0:
                if grams[slots[slot] - 1] == gram and places[slots[slot] - 1] == place:
                    break
                slot = (slot + 1) & slot_mask
            if slots[slot] == 0:
                grams[count], places[count] = gram, place
                count += 1
                slots[slot] = count
            tokens[offsets[number] + index] = slots[slot] - 1
        state[0] = number + 1
    state[1] = count


class GramTable:
    """Numbers the q-grams of texts, padded by spaces as clkhash pads them.

    Attributes:
        count: how many distinct grams there are.
    """

    __slots__ = ("_grams", "_places", "_positional", "_size", "_slots", "count")

    def __init__(self, gram_length: int, *, positional: bool) -> None:
        self._size, self._positional = gram_length, positional
        self._grams, self._places = WipedArray(np.uint64), WipedArray(np.uint64)
        self._slots = WipedArray(np.int32, FEWEST_SLOTS)
        self.count = 0

    @property
    def arrays(self) -> list[WipedArray[np.uint64] | WipedArray[np.int32]]:
        """All that could tell a gram."""
        return [self._grams, self._places, self._slots]

    def number(self, texts: CodePoints) -> tuple[Int64Array, Int32Array]:
        """Numbers of the grams of each text, new ones included.

        A text of ``length`` code points has ``length + gram_length - 1`` grams; an empty one has none.

        Returns:
            Offsets, int64 of shape (texts + 1,), and numbers, int32: those of text ``i`` stand in order, doubles
            included, at ``offsets[i]`` to ``offsets[i + 1] - 1``.
        """
        lengths = texts.ends - texts.starts
        totals = np.where(lengths > 0, lengths + self._size - 1, 0)
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(totals)])
        tokens = np.empty(offsets[-1], dtype=np.int32)
        state = np.array([0, self.count], dtype=np.int64)
        self._reserve(FEWEST_SLOTS // 2)
        while True:
            table = self._slots.data, self._grams.data, self._places.data
            text = texts.points, texts.starts, texts.ends
            _number(text, (self._size, int(self._positional)), table, offsets, tokens, state)
            self.count = int(state[1])
            if state[0] == len(totals):
                return offsets, tokens
            self._reserve(max(2 * self.count, self.count + int(totals[state[0]])))

    def spell(self, numbers: Int64Array) -> list[str]:
        """The grams of some numbers, each after its place and a space where places count."""
        shifts = np.arange(self._size - 1, -1, -1, dtype=np.uint64) * np.uint64(POINT_BITS)
        points = (self._grams.data[numbers][:, None] >> shifts) & np.uint64((1 << POINT_BITS) - 1)
        joined = points.astype("<u4").tobytes().decode("utf-32-le")
        grams = [joined[start : start + self._size] for start in range(0, len(joined), self._size)]
        if not self._positional:
            return grams
        return [f"{place} {gram}" for place, gram in zip(self._places.data[numbers].tolist(), grams, strict=True)]

    def forget(self, kept: int) -> None:
        """Forget and wipe all grams but the first ``kept``."""
        if self.count > kept:
            self.count = kept
            self._grams.data[kept:] = 0
            self._places.data[kept:] = 0
            self._refill(len(self._slots.data))

    def wipe(self) -> None:
        """Forget all, and overwrite it with zeros."""
        self.count = 0
        for array in self.arrays:
            array.wipe()

    def _reserve(self, grams: int) -> None:
        self._grams.reserve(grams)
        self._places.reserve(grams)
        if 2 * grams > len(self._slots.data):
            self._refill(1 << (2 * grams - 1).bit_length())

    def _refill(self, num_slots: int) -> None:
        self._slots.replace(np.zeros(num_slots, dtype=np.int32))
        _fill(self._slots.data, self._grams.data, self._places.data, self.count)


def number_reference(texts: CodePoints, gram_length: int, *, positional: bool) -> list[list[int]]:
    """Reference of :meth:`GramTable.number` on a new table: a dictionary of texts."""
    numbers: dict[tuple[int, str], int] = {}
    padding = " " * (gram_length - 1)
    lists: list[list[int]] = []
    for start, end in zip(texts.starts.tolist(), texts.ends.tolist(), strict=True):
        text = "".join(map(chr, texts.points[start:end].tolist()))
        padded = f"{padding}{text}{padding}" if text else ""
        grams = [padded[index : index + gram_length] for index in range(max(0, len(padded) - gram_length + 1))]
        keys = [(index if positional else 0, gram) for index, gram in enumerate(grams, start=1)]
        lists.append([numbers.setdefault(key, len(numbers)) for key in keys])
    return lists
