"""RAW: keys of names for fuzzy comparison: pinyin, pinyin as dialects merge it, and a key for look-alikes."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.tables import (
    CODE_POINTS,
    COMPOUND_READINGS,
    SHAPE_KEYS,
    SURNAME_READINGS,
    fold_dialect,
    reading_table,
    syllables,
)
from secure_match.department.normalise._bytes import CodePoints, code_points, to_strings
from secure_match.department.normalise._field import keep, put, take_rows, to_bool
from secure_match.department.normalise._names import surnames_of

NO_SYLLABLE: Final = "-"
"""What is left of a given name of one syllable without it: a value, so that such names can block too."""
_SEPARATOR: Final = ord("\u00b7")
_HAN: Final = r"[\p{Han}\x{3007}]"
Indices = npt.NDArray[np.int64]


def pinyins_of(names: pa.StringArray) -> pa.StringArray:
    """Syllables without tones, joined by blanks, with surname readings; Latin names in lower case.

    A character without a reading stays itself, so that it agrees with itself and nothing else.
    """
    return _spell(names, list(syllables()))


def dialects_of(names: pa.StringArray) -> pa.StringArray:
    """Like :func:`pinyins_of`, with syllables that dialects confuse folded into one."""
    return _spell(names, [fold_dialect(syllable) for syllable in syllables()])


def surname_dialects_of(names: pa.StringArray) -> pa.StringArray:
    """The syllables of :func:`dialects_of` that are the surname's; of Latin names the first word."""
    return _part_of_reading(names, r"^(?P<part>\S+ \S+)", r"^(?P<part>\S+)")


def given_dialects_of(names: pa.StringArray) -> pa.StringArray:
    """The syllables of :func:`dialects_of` after the surname's; null for a name of one."""
    return _part_of_reading(names, r"^\S+ \S+ (?P<part>.+)$", r"^\S+ (?P<part>.+)$")


def given_starts_of(names: pa.StringArray) -> pa.StringArray:
    """The syllables of :func:`given_dialects_of` without the last one; ``NO_SYLLABLE`` where it has no other."""
    return _without_syllable(names, r"(^| )\S+$")


def given_ends_of(names: pa.StringArray) -> pa.StringArray:
    """The syllables of :func:`given_dialects_of` without the first one; ``NO_SYLLABLE`` where it has no other."""
    return _without_syllable(names, r"^\S+( |$)")


def _without_syllable(names: pa.StringArray, pattern: str) -> pa.StringArray:
    left = pc.replace_substring_regex(given_dialects_of(names), pattern=pattern, replacement="")
    return pc.if_else(pc.equal(left, ""), NO_SYLLABLE, left)


def _part_of_reading(names: pa.StringArray, of_compound: str, of_simple: str) -> pa.StringArray:
    """A part of readings, by a pattern for names with a surname of two characters and one for all others."""
    readings = dialects_of(names)
    is_compound = pc.equal(pc.utf8_length(surnames_of(names)), 2)
    compound, simple = (
        pc.struct_field(pc.extract_regex(readings, pattern=pattern), "part") for pattern in (of_compound, of_simple)
    )
    return pc.if_else(is_compound, compound, simple)


def shapes_of(names: pa.StringArray) -> pa.StringArray:
    """Names with every character replaced by the one that stands for its look-alikes."""
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    for character, key in SHAPE_KEYS.items():
        table[ord(character)] = ord(key)
    points = code_points(names)
    shapes = to_strings(CodePoints(codes=table[points.codes], offsets=points.offsets))
    return keep(shapes, to_bool(pc.is_valid(names)))


def _spell(names: pa.StringArray, spellings: list[str]) -> pa.StringArray:
    present = to_bool(pc.is_valid(names))
    chinese = to_bool(pc.match_substring_regex(names, _HAN))
    latin = pc.utf8_lower(pc.replace_substring(names, pattern="\u00b7", replacement=" "))
    spelled = _spell_chinese(take_rows(names, chinese), spellings)
    return keep(put(latin, chinese, spelled), present)


def _spell_chinese(names: pa.StringArray, spellings: list[str]) -> pa.StringArray:
    points = code_points(names)
    separated = points.any_in_row(points.codes == _SEPARATOR)
    indices = reading_table()[points.codes].astype(np.int64)
    _read_surnames(points, separated, indices)
    kept = points.codes != _SEPARATOR
    indices, points = indices[kept], points.only(kept)
    unread = indices < 0
    texts = pa.array(spellings, pa.string()).take(pa.array(indices, mask=unread))
    if unread.any():
        own = CodePoints(codes=points.codes[unread], offsets=np.arange(int(unread.sum()) + 1, dtype=np.int64))
        texts = put(texts, unread, to_strings(own))
    lists = pa.ListArray.from_arrays(pa.array(points.offsets.astype(np.int32)), texts)
    return pc.binary_join(lists, " ")


def _read_surnames(points: CodePoints, separated: npt.NDArray[np.bool_], indices: Indices) -> None:
    """Put surname readings in place, for names without a separator."""
    number = {syllable: index for index, syllable in enumerate(syllables())}
    overrides = np.full(CODE_POINTS, -1, dtype=np.int64)
    for character, reading in SURNAME_READINGS.items():
        overrides[ord(character)] = number[reading]
    first = points.offsets[:-1][~separated & (points.lengths >= 2)]
    read = overrides[points.codes[first]]
    indices[first[read >= 0]] = read[read >= 0]
    for compound, readings in COMPOUND_READINGS.items():
        one, two = (ord(character) for character in compound)
        found = first[(points.codes[first] == one) & (points.codes[first + 1] == two)]
        indices[found], indices[found + 1] = (number[reading] for reading in readings)
