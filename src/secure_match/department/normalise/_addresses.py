"""RAW: addresses and the codes of towns and divisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.tables import CODE_POINTS, variant_table
from secure_match.department.normalise._bytes import CodePoints, code_points, to_strings
from secure_match.department.normalise._cleaning import clean_text, give_missing, is_missing
from secure_match.department.normalise._field import (
    BoolArray,
    NormalisedField,
    Verdicts,
    keep,
    put,
    take_rows,
    to_bool,
)

MAX_ADDRESS_CHARACTERS: Final = 200
_UNITS: Final = "号栋幢座单元室楼层组队弄户排"
_NUMERALS: Final = "〇一二三四五六七八九"
_TEN: Final = ord("十")
_DIGIT_OF: Final = np.full(CODE_POINTS, -1, dtype=np.int8)
_DIGIT_OF[[ord(character) for character in _NUMERALS]] = np.arange(10)
_DIGIT_OF[[ord("零"), ord("两")]] = [0, 2]
_IS_UNIT: Final = np.zeros(CODE_POINTS, dtype=np.bool_)
_IS_UNIT[[ord(character) for character in _UNITS]] = True
_IS_DROPPED: Final = np.zeros(CODE_POINTS, dtype=np.bool_)
_IS_DROPPED[[ord(character) for character in " \t\n\r\u3000,，、;；.。·□"]] = True
_IS_SIMPLE: Final = np.zeros(CODE_POINTS, dtype=np.bool_)
_IS_SIMPLE[0x20:0x7F] = True
_IS_SIMPLE[0x4E00:0x9FFD] = True


def normalise_addresses(column: pa.Array, divisions: tuple[str, ...] = ()) -> NormalisedField:
    """Addresses: NFKC, folded characters, capitals, no blanks; numerals before a unit as digits (三单元 is 3单元).

    Its view ``tokens`` has no units and blanks between names and numbers: 幸福路12号3栋402室 is 幸福路 12 3 402, and so
    is 幸福路12-3-402.

    Args:
        column: string array of shape (rows,).
        divisions: names of provinces, cities, counties and towns, which are removed from the beginning.
    """
    text = cleaned = clean_text(column)
    missing = is_missing(text)
    text, unified = _unify_digits(_fold(text))
    stripped = _strip_divisions(text, divisions)
    verdicts = Verdicts(len(text), "no_address")
    filled, left = _has_word(text), _has_word(stripped)
    short = to_bool(pc.less_equal(pc.utf8_length(stripped), MAX_ADDRESS_CHARACTERS))
    settled = ~is_missing(stripped)
    verdicts.give(filled & ~left, "divisions_only")
    verdicts.give(left & ~short, "too_long")
    verdicts.accept(left & short & settled)
    verdicts.give(left & short & settled & unified, "digits_unified")
    give_missing(verdicts, cleaned, missing)
    return verdicts.field(stripped)


def _fold(text: pa.StringArray) -> pa.StringArray:
    """No blanks and punctuation, folded characters, capitals. Rows with letters beyond ASCII compose again."""
    points = code_points(text)
    points = points.only(~_IS_DROPPED[points.codes])
    codes = variant_table()[points.codes]
    small = (codes >= ord("a")) & (codes <= ord("z"))
    folded = to_strings(CodePoints(codes=codes - small * np.uint32(32), offsets=points.offsets))
    folded = keep(folded, to_bool(pc.is_valid(text))) if text.null_count else folded
    odd = points.any_in_row(~_IS_SIMPLE[codes])
    return put(folded, odd, pc.utf8_normalize(pc.utf8_upper(take_rows(folded, odd)), form="NFKC"))


def _has_word(text: pa.StringArray) -> BoolArray:
    """Which rows have a letter or a digit."""
    points = code_points(text)
    found = points.any_in_row(_IS_SIMPLE[points.codes] & (points.codes > 0x7F))
    rest = ~found
    found[rest] = to_bool(pc.match_substring_regex(take_rows(text, rest), r"[\p{L}\p{Nd}]"))
    return found


def _unify_digits(text: pa.StringArray) -> tuple[pa.StringArray, BoolArray]:
    """Runs of Chinese numerals that end before a unit become Arabic digits, up to 99 with 十; and the rows of them."""
    points = code_points(text)
    codes, size = points.codes, len(points.codes)
    digit = _DIGIT_OF[codes]
    ten = codes == _TEN
    numeral = (digit >= 0) | ten
    first = np.zeros(size + 1, dtype=np.bool_)
    first[points.offsets[:-1][points.lengths > 0]] = True
    # For every character the place of the next one that is no numeral, looking back from the end.
    places = np.where(numeral, size, np.arange(size))
    after = np.minimum.accumulate(places[::-1])[::-1] if size else places
    row = points.rows()
    ends = np.minimum(after, max(size - 1, 0))
    chosen = numeral & (after < size) & _IS_UNIT[codes[ends]] & (row[ends] == row) if size else numeral
    if not chosen.any():
        return text, np.zeros(len(text), dtype=np.bool_)
    before = np.concatenate([[False], chosen[:-1]]) & ~first[:-1]
    following = np.concatenate([chosen[1:], [False]])
    repeats = np.ones(size, dtype=np.int64)
    repeats[chosen & ten & before & following] = 0
    repeats[chosen & ten & ~before & ~following] = 2
    replaced = codes.copy()
    replaced[chosen & ~ten] = ord("0") + digit[chosen & ~ten].astype(np.uint32)
    replaced[chosen & ten] = np.where(following[chosen & ten], ord("1"), ord("0"))
    alone = chosen & ten & (repeats == 2)
    places = np.concatenate([[0], np.cumsum(repeats)])
    result = np.repeat(replaced, repeats)
    result[places[:-1][alone]] = ord("1")
    unified = to_strings(CodePoints(codes=result, offsets=places[points.offsets]))
    return keep(unified, to_bool(pc.is_valid(text))), points.any_in_row(chosen)


def _strip_divisions(text: pa.StringArray, divisions: tuple[str, ...]) -> pa.StringArray:
    """Without the names of divisions at the beginning, longer names first."""
    if not divisions:
        return text
    names = _fold(pc.utf8_upper(clean_text(pa.array(divisions, pa.string())))).to_pylist()
    escaped = [rf"\Q{name}\E" for name in sorted(names, key=lambda name: (-len(name), name))]
    return pc.replace_substring_regex(text, pattern=rf"^(?:{'|'.join(escaped)})+", replacement="")


def address_tokens_of(text: pa.StringArray) -> pa.StringArray:
    """Names and numbers of addresses without units, joined by blanks; null stays null."""
    spaced = pc.replace_substring_regex(text, pattern=rf"(\d+)(?:单元|[{_UNITS}#\-/])+", replacement=r" \1 ")
    spaced = pc.replace_substring_regex(spaced, pattern=r"(\d+)", replacement=r" \1 ")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(spaced, pattern=r"[\s#\-/()\[\]]+", replacement=" "))


def normalise_divisions(column: pa.Array, code_map: Mapping[str, str]) -> NormalisedField:
    """Division codes of 6 (county), 9 (town) or 12 digits (village), old ones mapped to new.

    Args:
        column: string array of shape (rows,).
        code_map: old code to new code.
    """
    text = clean_text(column)
    missing = is_missing(text)
    bare = pc.replace_substring_regex(text, pattern=r"^(\d{6,12})\.0+$", replacement=r"\1")
    place = pc.index_in(bare, value_set=pa.array(list(code_map), pa.string()))
    mapped = pa.array(list(code_map.values()), pa.string()).take(place)
    value = pc.coalesce(mapped, bare)
    good = to_bool(pc.match_substring_regex(value, r"^[1-9]\d{5}(?:\d{3}){0,2}$")) & ~missing
    verdicts = Verdicts(len(text), "no_division")
    verdicts.accept(good)
    verdicts.give(good & to_bool(pc.not_equal(bare, text)), "float_text")
    verdicts.give(good & to_bool(pc.is_valid(place)), "code_mapped")
    verdicts.give(to_bool(pc.match_substring_regex(bare, "^(?:0+|9{6,})$")), "placeholder")
    give_missing(verdicts, text, missing)
    return verdicts.field(value)
