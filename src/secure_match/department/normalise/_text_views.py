"""RAW: keys of normalised text: its words in order, and how it sounds.

Invariant: work is done once per distinct value of a column.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.normalise._bytes import code_points
from secure_match.department.normalise._field import put, to_bool

SOUND_CHARACTERS: Final = 4
_FIRST, _LAST = ord("a"), ord("z")
_VOWEL: Final = 0
_SKIPPED: Final = 255
_GROUPS: Final = ("bfpv", "cgjkqsxz", "dt", "l", "mn", "r")
_SOUND_OF: Final = np.full(_LAST + 1, _VOWEL, dtype=np.uint8)
for _digit, _letters in enumerate(_GROUPS, start=1):
    _SOUND_OF[[ord(letter) for letter in _letters]] = _digit
_SOUND_OF[[ord("h"), ord("w")]] = _SKIPPED


def sorted_words_of(text: pa.StringArray) -> pa.StringArray:
    """The words of every text in the order of their code points, joined by blanks; null stays null.

    Args:
        text: normalised text of shape (rows,).
    """
    return _each_distinct(text, _sorted_words)


def sounds_of(text: pa.StringArray) -> pa.StringArray:
    """American Soundex of the Latin letters of every text, blanks left out; null where there is none.

    A letter and three digits. The first letter stays; of the others b f p v are 1, c g j k q s x z 2, d t 3, l 4, m n
    5, r 6; of neighbours of one digit, the first letter among them, one counts; h and w do not part neighbours, vowels
    and y do; zeros fill up. Source: National Archives and Records Administration, "The Soundex Indexing System" (2007).

    Args:
        text: normalised text of shape (rows,): accents are folded.
    """
    return _each_distinct(text, _sounds)


def _each_distinct(text: pa.StringArray, make: Callable[[pa.StringArray], pa.StringArray]) -> pa.StringArray:
    values = text.dictionary_encode()
    return make(values.dictionary).take(values.indices)


def _sorted_words(text: pa.StringArray) -> pa.StringArray:
    several = to_bool(pc.match_substring(text, " "))
    lists = pc.split_pattern(text.filter(pa.array(several)), " ")
    words = lists.flatten().dictionary_encode()
    rank = np.empty(len(words.dictionary), dtype=np.int64)
    # Arrow orders strings by their UTF-8, which is the order of code points.
    rank[pc.sort_indices(words.dictionary).to_numpy()] = np.arange(len(rank))
    rows = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy(zero_copy_only=False))
    order = np.lexsort((rank[words.indices.to_numpy(zero_copy_only=False)], rows))
    ordered = pa.ListArray.from_arrays(lists.offsets, lists.flatten().take(pa.array(order)))
    return put(text, several, pc.binary_join(ordered, " "))


def _sounds(text: pa.StringArray) -> pa.StringArray:
    points = code_points(text)
    letters = points.only((points.codes >= _FIRST) & (points.codes <= _LAST))
    present = letters.lengths > 0
    first = np.zeros(len(letters.codes), dtype=np.bool_)
    first[letters.offsets[:-1][present]] = True
    heard = letters.only((_SOUND_OF[letters.codes] != _SKIPPED) | first)
    digits = _SOUND_OF[heard.codes]
    begins = heard.offsets[:-1][present]
    counted = (digits != _VOWEL) & (digits != np.concatenate([[_SKIPPED], digits[:-1]]).astype(np.uint8))
    counted[begins] = False
    # How many digits the value has had up to here, this one included.
    totals = np.cumsum(counted)
    rows = heard.rows()
    starts = np.zeros(len(text), dtype=np.int64)
    starts[present] = totals[begins]
    place = totals - starts[rows]
    counted &= place < SOUND_CHARACTERS
    codes = np.full((len(text), SOUND_CHARACTERS), ord("0"), dtype=np.uint8)
    codes[rows[counted], place[counted]] += digits[counted]
    codes[present, 0] = heard.codes[begins] - np.uint32(ord("a") - ord("A"))
    offsets = SOUND_CHARACTERS * np.arange(len(text) + 1, dtype=np.int32)
    made = pa.StringArray.from_buffers(len(text), pa.py_buffer(offsets), pa.py_buffer(codes.tobytes()))
    return pc.if_else(pa.array(present), made, pa.scalar(None, pa.string()))
