"""RAW: searches bytes that left a department for the raw identifiers of its export, in every form they could take.

Forms: UTF-8, GB18030, UTF-16 in both byte orders, UTF-8 reversed, hexadecimal in both cases, and base64 at its three
alignments; if asked for, the unkeyed digests MD5, SHA-1, SHA-256 and SM3, raw and in hexadecimal.

Memory: beside the bytes searched, some ten bytes for every pattern that begins differently, and the distinct values
once, in Arrow; no object per value or pattern.

Chance: pseudo-random columns hold every short byte string sooner or later. A pattern of fewer than
``CHANCE_BYTES`` bytes that stands inside such a column therefore counts only if it belongs to that very row; elsewhere
it is counted apart, beside the number that chance alone predicts. Everything else counts always and everywhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department._leak_digests import DigestPatterns
from secure_match.department._leak_forms import forms_of
from secure_match.department._leak_patterns import Patterns, ShortPatterns
from secure_match.department._leak_words import is_member, words_at

__all__ = ["CHANCE_BYTES", "IdentifierScanner", "Owners", "RandomRange", "ScanReport", "forms_of", "random_digits"]

CHANCE_BYTES: Final = 8
_CHUNK_BYTES: Final = 1 << 24
_LEAST_CHUNK_BYTES: Final = 1 << 16
_THREADS: Final = 2
_DIGITS: Final = re.compile(rb"[0-9A-Za-z+/]{16,}")
"""Digests, signatures and sealed keys as text. Two characters of many names are four such digits in UTF-16."""

Int64Array = npt.NDArray[np.int64]


class Owners(Protocol):
    """Value to the ids of the rows that hold it; a mapping to sets is one."""

    def get(self, key: str, default: Container[int], /) -> Container[int]:
        """The row ids of a value."""
        ...


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


def random_digits(data: bytes, ranges: Sequence[RandomRange] = ()) -> list[RandomRange]:
    """Long runs of digits and letters outside of given ranges: no row's, and decided by chance as random bytes are."""
    ends = [(0, 0), *sorted((item.start, item.stop) for item in ranges), (len(data), len(data))]
    nobody = np.full(1, -1, dtype=np.int64)
    return [
        RandomRange(start=match.start(), width=match.end() - match.start(), row_ids=nobody)
        for (_, begin), (end, _) in pairwise(ends)
        for match in _DIGITS.finditer(data, begin, max(begin, end))
    ]


class IdentifierScanner:
    """Searches for many identifiers at once.

    Args:
        identifiers: kind (``id_number``, ``name`` ...) to raw values, as texts or as an Arrow array of strings.
        owners: value to the ids of the rows that hold it, for short patterns; values without an entry own no row.
        digests: search for unkeyed digests of the values too.
    """

    def __init__(
        self, identifiers: Mapping[str, Iterable[str] | pa.ChunkedArray], owners: Owners, *, digests: bool = False
    ) -> None:
        self._owners = owners
        values = [_distinct(part) for part in identifiers.values()]
        self._digests = DigestPatterns(list(identifiers), values if digests else [part.slice(0, 0) for part in values])
        self._patterns = Patterns(list(identifiers), values, self._digests.words)
        self._long: dict[int, dict[bytes, str]] = {}

    def scan(self, data: bytes, ranges: Sequence[RandomRange] = (), *, begins: int | None = None) -> ScanReport:
        """Search bytes.

        Args:
            data: the bytes that left.
            ranges: pseudo-random columns in it, which do not overlap; the rest is searched without any allowance for
                chance.
            begins: patterns that begin at this offset or later are not looked for; what stands there ends others.
        """
        view = np.frombuffer(data, dtype=np.uint8)
        stop = len(view) if begins is None else min(begins, len(view))
        step = min(_CHUNK_BYTES, max(_LEAST_CHUNK_BYTES, -(-stop // _THREADS)))
        search = self._patterns.words.offsets
        if stop <= step:
            parts = [search(view, 0, stop)]
        else:
            with ThreadPoolExecutor(_THREADS) as pool:
                parts = list(pool.map(lambda start: search(view, start, min(start + step, stop)), range(0, stop, step)))
        offsets = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
        words = words_at(view, offsets)
        hits = self._long_hits(data, offsets, words)
        chance = 0
        for patterns in self._patterns.short:
            inside = offsets + patterns.length <= len(view)
            chance += self._short_hits(patterns, offsets[inside], words[inside], ranges, hits)
        random_bytes = sum(item.stop - item.start for item in ranges)
        expected = sum(len(item.words) * (random_bytes / 256.0**item.length) for item in self._patterns.short)
        return ScanReport(
            scanned_bytes=stop,
            hits=dict(sorted(hits.items())),
            chance_hits=chance,
            chance_expected=round(expected, 3),
        )

    def _long_hits(self, data: bytes, offsets: Int64Array, words: npt.NDArray[np.uint64]) -> Counter[str]:
        """Patterns of eight bytes or more, by name."""
        meant = is_member(words, self._patterns.words.long_words)
        offsets, words = offsets[meant], words[meant]
        unknown = [word for word in np.unique(words).tolist() if word not in self._long]
        self._long |= self._patterns.long_patterns(np.array(unknown, dtype=np.uint64))
        for word, patterns in self._digests.patterns(np.array(unknown, dtype=np.uint64)).items():
            self._long[word] |= patterns
        hits: Counter[str] = Counter()
        for offset, word in zip(offsets.tolist(), words.tolist(), strict=True):
            for pattern, name in self._long[word].items():
                if data.startswith(pattern, offset):
                    hits[name] += 1
        return hits

    def _short_hits(
        self,
        patterns: ShortPatterns,
        offsets: Int64Array,
        words: npt.NDArray[np.uint64],
        ranges: Sequence[RandomRange],
        hits: Counter[str],
    ) -> int:
        """Count patterns of one length into ``hits``; how many were found where chance may have put them."""
        words = words & np.uint64((1 << 8 * patterns.length) - 1)
        found = is_member(words, patterns.words)
        offsets, places = offsets[found], np.searchsorted(patterns.words, words[found])
        chance = 0
        for place, row in zip(places.tolist(), _rows_at(offsets, ranges), strict=True):
            if row is None or self._owns(patterns, place, row):
                hits[self._patterns.name(int(patterns.names[place]))] += 1
            else:
                chance += 1
        return chance

    def _owns(self, patterns: ShortPatterns, place: int, row: int) -> bool:
        """Whether one of the values of a short pattern stands on a row."""
        numbers = patterns.values[patterns.first[place] : patterns.first[place + 1]]
        values = dict.fromkeys(self._patterns.value(number) for number in numbers.tolist())
        return any(row in self._owners.get(value, ()) for value in values)


def _distinct(values: Iterable[str] | pa.ChunkedArray) -> pa.StringArray:
    """Distinct values in rising order, without nulls and empty ones."""
    column = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([pa.array(list(values), pa.string())])
    distinct = pc.unique(column.cast(pa.string())).drop_null()
    distinct = distinct.filter(pc.not_equal(distinct, ""))
    return distinct.take(pc.sort_indices(distinct))


def _rows_at(offsets: Int64Array, ranges: Sequence[RandomRange]) -> list[int | None]:
    """The id of the row whose pseudo-random bytes stand at each offset, or None outside of such columns."""
    ordered = sorted((item for item in ranges if len(item.row_ids)), key=lambda item: item.start)
    places = np.searchsorted([item.start for item in ordered], offsets, side="right") - 1
    rows: list[int | None] = []
    for place, offset in zip(places.tolist(), offsets.tolist(), strict=True):
        item = ordered[place] if place >= 0 else None
        if item is None or offset >= item.stop:
            rows.append(None)
        else:
            rows.append(int(item.row_ids[(offset - item.start) // item.width]))
    return rows
