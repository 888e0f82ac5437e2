"""RAW: searches bytes that left a department for the raw identifiers of its export, in every form they could take.

Forms: UTF-8, GB18030, UTF-16 in both byte orders, UTF-8 reversed, hexadecimal in both cases, and base64 at its three
alignments.

Chance: pseudo-random columns hold every short byte string sooner or later. A pattern of fewer than
``CHANCE_BYTES`` bytes that stands inside such a column therefore counts only if it belongs to that very row; elsewhere
it is counted apart, beside the number that chance alone predicts. Everything else counts always and everywhere.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

CHANCE_BYTES: Final = 8
_PREFIX_BYTES: Final = 4
_CHUNK_BYTES: Final = 1 << 24
_TABLE_BITS: Final = 24
_MULTIPLIER: Final = np.uint32(2_654_435_761)
"""Knuth's multiplicative hash constant, 2^32 divided by the golden ratio."""

Forms = Iterator[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomRange:
    """A pseudo-random column inside the bytes that are searched.

    Attributes:
        start: offset of its first byte.
        width: bytes per row.
        row_ids: an id per row, by which ``ScanReport`` callers name whose row it is; int64 of shape (rows,).
    """

    start: int
    width: int
    row_ids: npt.NDArray[np.int64]

    @property
    def stop(self) -> int:
        """Offset behind its last byte."""
        return self.start + self.width * len(self.row_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """What a search found.

    Attributes:
        scanned_bytes: bytes searched.
        hits: kind and form of an identifier to the number of times it was found. Empty is the only good answer.
        chance_hits: short patterns found inside pseudo-random columns on rows that they do not belong to.
        chance_expected: how many of those independent random bytes would show.
    """

    scanned_bytes: int
    hits: dict[str, int]
    chance_hits: int
    chance_expected: float


def forms_of(value: str) -> Forms:
    """All forms of a value that a search looks for, each with its name."""
    plain = value.encode()
    yield "utf-8", plain
    yield "gb18030", value.encode("gb18030")
    yield "utf-16-le", value.encode("utf-16-le")
    yield "utf-16-be", value.encode("utf-16-be")
    yield "reversed", value[::-1].encode()
    yield "hex", plain.hex().encode()
    yield "hex", plain.hex().upper().encode()
    for shift in range(3):
        # Only the characters that depend on no neighbouring byte are looked for.
        text = base64.b64encode(bytes(shift) + plain)
        yield "base64", text[(shift * 8 + 5) // 6 : (shift + len(plain)) * 8 // 6]


class IdentifierScanner:
    """Searches for many identifiers at once.

    Args:
        identifiers: kind (``id_number``, ``name`` ...) to raw values.
        owners: value to the ids of the rows that hold it, for short patterns; values without an entry own no row.
    """

    def __init__(self, identifiers: Mapping[str, Iterable[str]], owners: Mapping[str, set[int]]) -> None:
        self._owners = owners
        self._patterns: dict[int, list[tuple[bytes, str, set[str]]]] = defaultdict(list)
        values_of: dict[bytes, set[str]] = {}
        self._short_lengths: list[int] = []
        for kind, values in identifiers.items():
            for value in sorted(set(values)):
                for form, pattern in forms_of(value):
                    if len(pattern) < _PREFIX_BYTES:
                        continue
                    if pattern in values_of:
                        # One name is another one reversed: it belongs to the rows of both.
                        values_of[pattern].add(value)
                        continue
                    values_of[pattern] = {value}
                    prefix = int.from_bytes(pattern[:_PREFIX_BYTES], "little")
                    self._patterns[prefix].append((pattern, f"{kind}/{form}", values_of[pattern]))
                    if len(pattern) < CHANCE_BYTES:
                        self._short_lengths.append(len(pattern))
        self._prefixes = np.array(sorted(self._patterns), dtype=np.uint32)
        self._table = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        self._table[_hash(self._prefixes)] = True

    def scan(self, data: bytes, ranges: Sequence[RandomRange] = ()) -> ScanReport:
        """Search bytes.

        Args:
            data: the bytes that left.
            ranges: pseudo-random columns in it; the rest is searched without any allowance for chance.
        """
        hits: dict[str, int] = defaultdict(int)
        chance = 0
        for offset in self._candidates(data):
            prefix = int.from_bytes(data[offset : offset + _PREFIX_BYTES], "little")
            for pattern, name, values in self._patterns[prefix]:
                if not data.startswith(pattern, offset):
                    continue
                if len(pattern) < CHANCE_BYTES and not self._is_own_row(offset, values, ranges):
                    chance += 1
                else:
                    hits[name] += 1
        random_bytes = sum(item.stop - item.start for item in ranges)
        expected = sum(random_bytes / 256.0**length for length in self._short_lengths)
        return ScanReport(
            scanned_bytes=len(data), hits=dict(hits), chance_hits=chance, chance_expected=round(expected, 3)
        )

    def _is_own_row(self, offset: int, values: set[str], ranges: Sequence[RandomRange]) -> bool:
        """Whether a short pattern counts: outside pseudo-random columns, or on a row that holds one of the values."""
        for item in ranges:
            if item.start <= offset < item.stop:
                row = int(item.row_ids[(offset - item.start) // item.width])
                return any(row in self._owners.get(value, ()) for value in values)
        return True

    def _candidates(self, data: bytes) -> Iterator[int]:
        """Offsets at which some pattern's first four bytes stand."""
        view = np.frombuffer(data, dtype=np.uint8)
        for start in range(0, max(0, len(view) - _PREFIX_BYTES + 1), _CHUNK_BYTES):
            part = view[start : start + _CHUNK_BYTES + _PREFIX_BYTES - 1].astype(np.uint32)
            words = (part[:-3] | part[1:-2] << 8 | part[2:-1] << 16 | part[3:] << 24).astype(np.uint32, copy=False)
            likely = np.flatnonzero(self._table[_hash(words)])
            place = np.searchsorted(self._prefixes, words[likely])
            place[place == len(self._prefixes)] = 0
            sure = likely[self._prefixes[place] == words[likely]] if len(self._prefixes) else likely[:0]
            yield from (sure + start).tolist()


def _hash(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    return (words * _MULTIPLIER) >> np.uint32(32 - _TABLE_BITS)
