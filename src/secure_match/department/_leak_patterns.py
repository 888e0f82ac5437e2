"""RAW: the patterns of very many identifiers, without keeping one of them: how each begins, and how long it is.

Of a pattern of eight bytes or more only its first eight are kept; whose they are is found by going over the values
again, which happens where they were seen. A shorter pattern is its own word. Values stay in Arrow.

Invariant: beginnings and lengths are those of ``forms_of``; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.department._leak_forms import FORM_NAMES, forms_of
from secure_match.department._leak_words import (
    LONG_BYTES,
    SHORT_BYTES,
    SHORT_MASK,
    WordArray,
    WordSets,
    distinct_words,
    is_member,
)
from secure_match.department.normalise._bytes import byte_view, code_points

_VALUES_AT_ONCE: Final = 1 << 17
_PLAIN_BYTES: Final = 10
"""Of a value's UTF-8: as many bytes as eight characters of base64 can reach into."""
_HEX: Final = tuple(np.frombuffer(digits, dtype=np.uint8) for digits in (b"0123456789abcdef", b"0123456789ABCDEF"))
_BASE64: Final = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", dtype=np.uint8)

Int64Array = npt.NDArray[np.int64]
ByteMatrix = npt.NDArray[np.uint8]
Beginnings = tuple[WordArray, Int64Array]
"""First eight bytes of each pattern, little-endian, zero behind its end; and its length in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ShortPatterns:
    """All patterns of one length below eight bytes.

    Attributes:
        length: in bytes.
        words: uint64 of shape (patterns,), rising.
        first: int64 of shape (patterns + 1,): pattern ``i`` comes from the values ``first[i]`` to ``first[i + 1] - 1``.
        values: int64: numbers of values; of a pattern's, the first in the order of kind, value and form comes first.
        names: int64 of shape (patterns,): kind times the number of forms plus form, of that first one.
    """

    length: int
    words: WordArray
    first: Int64Array
    values: Int64Array
    names: Int64Array


class Patterns:
    """All patterns of some identifiers.

    Args:
        kinds: names of the kinds.
        values: of each kind, its distinct values in rising order, without nulls.
        more_words: further words that :attr:`words` finds; uint64.
    """

    def __init__(self, kinds: Sequence[str], values: Sequence[pa.StringArray], more_words: WordArray) -> None:
        self._kinds = tuple(kinds)
        self._values = pa.chunked_array(list(values), pa.string())
        self._kind_ends = np.cumsum([len(part) for part in values], dtype=np.int64)
        longs = [more_words]
        shorts: list[tuple[WordArray, Int64Array, Int64Array, Int64Array]] = []
        for first, form, (words, lengths) in self._beginnings():
            longs.append(distinct_words(words[lengths >= LONG_BYTES]))
            few = np.flatnonzero((lengths >= SHORT_BYTES) & (lengths < LONG_BYTES))
            shorts.append((words[few], lengths[few], few + first, np.full(len(few), form)))
        self.short = _short_patterns(shorts, self._kind_ends)
        short_words = np.concatenate([np.zeros(0, dtype=np.uint64), *(part.words & SHORT_MASK for part in self.short)])
        self.words = WordSets.make(np.concatenate(longs), short_words)

    def value(self, number: int) -> str:
        """A value by its number."""
        return str(self._values[number].as_py())

    def name(self, number: int) -> str:
        """``kind/form``."""
        kind, form = divmod(number, len(FORM_NAMES))
        return f"{self._kinds[kind]}/{FORM_NAMES[form]}"

    def long_patterns(self, words: WordArray) -> dict[int, dict[bytes, str]]:
        """All patterns of eight bytes or more that begin with one of the words: word to pattern to name.

        A pattern that several values or forms give has the name of the first in the order of kind, value and form.

        Args:
            words: uint64, rising.
        """
        found: list[tuple[int, int, int]] = []
        for first, form, (begin, lengths) in self._beginnings() if len(words) else ():
            meant = np.flatnonzero(is_member(begin, words) & (lengths >= LONG_BYTES))
            found += [(first + index, form, int(begin[index])) for index in meant.tolist()]
        patterns: dict[int, dict[bytes, str]] = {int(word): {} for word in words}
        for number, form, word in sorted(found):
            _, pattern = list(forms_of(self.value(number)))[form]
            kind = int(np.searchsorted(self._kind_ends, number, side="right"))
            patterns[word].setdefault(pattern, self.name(kind * len(FORM_NAMES) + form))
        return patterns

    def _beginnings(self) -> Iterator[tuple[int, int, Beginnings]]:
        """Of some values at a time: number of the first, form, and how their patterns in that form begin."""
        first = 0
        for chunk in self._values.chunks:
            for start in range(0, len(chunk), _VALUES_AT_ONCE):
                part = chunk.slice(start, _VALUES_AT_ONCE)
                for form, beginnings in enumerate(beginnings_of(part)):
                    yield first, form, beginnings
                first += len(part)


def beginnings_of(values: pa.StringArray) -> Iterator[Beginnings]:
    """For each form in the order of ``forms_of``, how the patterns of all values begin."""
    view, points = byte_view(values), code_points(values)
    plain, sizes = _gathered(view.data, view.offsets[:-1], view.lengths, _PLAIN_BYTES), view.lengths
    yield _words(plain, sizes)
    text = points.codes.astype("<u4", copy=False).tobytes().decode("utf-32-le")
    characters = np.flatnonzero(np.bincount(points.codes, minlength=1))
    widths = np.zeros(int(characters.max(initial=0)) + 1, dtype=np.int64)
    for charset in ("gb18030", "utf-16-le", "utf-16-be"):
        widths[characters] = [len(chr(code).encode(charset)) for code in characters.tolist()]
        ends = np.concatenate([[0], np.cumsum(widths[points.codes])])[points.offsets]
        data = np.frombuffer(text.encode(charset), dtype=np.uint8)
        yield _words(_gathered(data, ends[:-1], np.diff(ends), LONG_BYTES), np.diff(ends))
    # The last characters become the first ones; the bytes of a value stay as many.
    mirror = np.repeat(points.offsets[:-1] + points.offsets[1:] - 1, points.lengths) - np.arange(len(points.codes))
    turned = points.codes[mirror].astype("<u4", copy=False).tobytes().decode("utf-32-le").encode()
    yield _words(_gathered(np.frombuffer(turned, dtype=np.uint8), view.offsets[:-1], sizes, LONG_BYTES), sizes)
    for digits in _HEX:
        halves = np.stack([digits[plain[:, :4] >> 4], digits[plain[:, :4] & 15]], axis=2).reshape(-1, LONG_BYTES)
        yield _words(halves, 2 * sizes)
    for shift in range(3):
        skipped = (8 * shift + 5) // 6
        yield _words(_base64(plain, 6 * skipped - 8 * shift), (shift + sizes) * 8 // 6 - skipped)


def _base64(plain: ByteMatrix, first_bit: int) -> ByteMatrix:
    """Eight characters of base64 of six bits each, from a bit of the plain bytes on."""
    pairs = plain[:, :-1].astype(np.uint16) << 8 | plain[:, 1:]
    characters = np.empty((len(plain), LONG_BYTES), dtype=np.uint8)
    for index in range(LONG_BYTES):
        byte, bit = divmod(first_bit + 6 * index, 8)
        characters[:, index] = _BASE64[(pairs[:, byte] >> (10 - bit)) & 63]
    return characters


def _gathered(data: npt.NDArray[np.uint8], starts: Int64Array, sizes: Int64Array, width: int) -> ByteMatrix:
    """The first ``width`` bytes of each value, uint8 of shape (values, width), zero behind a value's end."""
    padded = np.concatenate([data, np.zeros(width, dtype=np.uint8)])
    matrix = np.array(np.lib.stride_tricks.sliding_window_view(padded, width)[starts])
    matrix[np.arange(width) >= sizes[:, None]] = 0
    return matrix


def _words(matrix: ByteMatrix, lengths: Int64Array) -> Beginnings:
    eight = np.ascontiguousarray(matrix[:, :LONG_BYTES])
    eight[np.arange(LONG_BYTES) >= lengths[:, None]] = 0
    return eight.view("<u8").astype(np.uint64).reshape(-1), lengths


def _short_patterns(
    parts: list[tuple[WordArray, Int64Array, Int64Array, Int64Array]], kind_ends: Int64Array
) -> list[ShortPatterns]:
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else []
    made: list[ShortPatterns] = []
    for length in range(SHORT_BYTES, LONG_BYTES) if columns else ():
        words, values, forms = (column[columns[1] == length] for column in (columns[0], columns[2], columns[3]))
        # Values are numbered kind by kind, so that their order is that of kind and value.
        order = np.lexsort((forms, values, words))
        words, values, forms = words[order], values[order], forms[order]
        distinct, first = np.unique(words, return_index=True)
        kinds = np.searchsorted(kind_ends, values[first], side="right")
        made.append(
            ShortPatterns(
                length=length,
                words=distinct,
                first=np.append(first, len(words)).astype(np.int64),
                values=values,
                names=kinds * len(FORM_NAMES) + forms[first],
            )
        )
    return made
