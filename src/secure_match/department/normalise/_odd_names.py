"""RAW: names that are not ideographs alone: blanks, separators, Latin letters, brackets, titles, lost characters."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.tables import (
    FORMER_NAME_WORDS,
    LATIN_TITLES,
    LOST_CHARACTERS,
    NAME_SEPARATORS,
    TITLES,
    UNKNOWN_CHARACTER,
    private_use_table,
    variant_table,
)
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

NAME_SEPARATOR: Final = "\u00b7"
MAX_NAME_CHARACTERS: Final = 64
_HAN: Final = r"[\p{Han}\x{3007}]"
_OPEN, _CLOSE = r"(\[{<【〔〈《「『", r")\]}>】〕〉》」』"
_FORMER: Final = (
    rf"^(?P<name>.*?)[\s{_OPEN}:;,，、/]*(?:{'|'.join(FORMER_NAME_WORDS)})[\s:叫为是]*(?P<former>[^{_CLOSE}]*).*$"
)
_BRACKET: Final = rf"\s*[{_OPEN}][^{_CLOSE}]*[{_CLOSE}]?\s*"
_TITLE: Final = rf"(?:{'|'.join(TITLES)})+$"
_LATIN_TITLE: Final = rf"^(?:(?:{'|'.join(LATIN_TITLES)})(?:\.\s*|\s+|{NAME_SEPARATOR}\s*))+"
_SHAPE: Final = rf"^[\p{{L}}\p{{M}}{NAME_SEPARATOR}{UNKNOWN_CHARACTER}\x{{3007}} '\-]+$"


def normalise_odd_names(column: pa.StringArray) -> NormalisedField:
    """Names that need more than a table of characters; same contract as ``normalise_names``."""
    mapped, private = _map_private_use(column)
    text = cleaned = clean_text(mapped)
    missing = is_missing(text)
    verdicts = Verdicts(len(text), "no_name")
    text, former, split = _split_former(text)
    bracketed = to_bool(pc.match_substring_regex(text, _BRACKET))
    text = pc.replace_substring_regex(text, pattern=_BRACKET, replacement=" ")
    text = _unify(text)
    chinese = to_bool(pc.match_substring_regex(text, _HAN))
    text, titled = _remove_titles(text)
    text = _trim(text)
    text, folded = _fold(text)

    lengths = _characters(text)
    letters = to_bool(pc.match_substring_regex(text, r"[\p{L}\x{3007}]"))
    shaped = to_bool(pc.match_substring_regex(text, _SHAPE)) & letters
    settled = to_bool(pc.equal(_fold(_trim(_remove_titles(_unify(text))[0]))[0], text)) & ~is_missing(text)
    usable = shaped & settled & (lengths <= MAX_NAME_CHARACTERS)
    unknown = to_bool(pc.match_substring(text, UNKNOWN_CHARACTER))
    verdicts.accept(usable)
    for found, reason in (
        (folded, "variant_folded"),
        (private, "private_use_mapped"),
        (bracketed, "bracket_removed"),
        (titled, "title_removed"),
        (split, "former_name_split"),
        (unknown, "unknown_character"),
    ):
        verdicts.give(usable & found, reason)
    verdicts.give(~usable & unknown & ~letters, "unreadable")
    verdicts.give(~usable & to_bool(pc.match_substring_regex(text, r"\p{Nd}")), "has_digits")
    verdicts.give(shaped & (lengths > MAX_NAME_CHARACTERS), "too_long")
    verdicts.give(usable & titled & chinese & (lengths < 2), "title_without_name")
    give_missing(verdicts, cleaned, missing)
    views = {"former": keep(former, ~missing)} if former.null_count < len(text) else {}
    return verdicts.field(text, views=views)


def _map_private_use(text: pa.StringArray) -> tuple[pa.StringArray, BoolArray]:
    points = code_points(text)
    codes = private_use_table()[points.codes]
    changed = points.any_in_row(codes != points.codes)
    if not changed.any():
        return text, changed
    mapped = to_strings(CodePoints(codes=codes, offsets=points.offsets))
    return put(text, changed, take_rows(mapped, changed)), changed


def _split_former(text: pa.StringArray) -> tuple[pa.StringArray, pa.StringArray, BoolArray]:
    """Names, former names as normalised (null where there is none), and the rows that had one."""
    has_word = to_bool(pc.match_substring_regex(text, "|".join(FORMER_NAME_WORDS)))
    former = pa.nulls(len(text), pa.string())
    if not has_word.any():
        return text, former, has_word
    parts = pc.extract_regex(take_rows(text, has_word), pattern=_FORMER)
    names = pc.fill_null(pc.struct_field(parts, "name"), "")
    second = _fold(_trim(_unify(pc.fill_null(pc.struct_field(parts, "former"), ""))))[0]
    second = keep(second, to_bool(pc.match_substring_regex(second, _SHAPE)) & (_characters(second) > 1))
    return put(text, has_word, names), put(former, has_word, second), has_word


def _unify(text: pa.StringArray) -> pa.StringArray:
    """One separator, capitals, one mark for lost characters, no blanks inside Chinese names."""
    text = pc.replace_substring_regex(text, pattern=rf"[{LOST_CHARACTERS}]+", replacement=UNKNOWN_CHARACTER)
    text = pc.replace_substring_regex(text, pattern=f"\\s*[{NAME_SEPARATORS}]+\\s*", replacement=NAME_SEPARATOR)
    text = pc.utf8_upper(pc.replace_substring_regex(text, pattern=r"\s+", replacement=" "))
    chinese = pc.match_substring_regex(text, _HAN)
    text = pc.if_else(chinese, pc.replace_substring(text, " ", ""), text)
    # Capitals and characters that have come together compose again.
    return pc.utf8_trim_whitespace(pc.utf8_normalize(text, form="NFKC"))


def _remove_titles(text: pa.StringArray) -> tuple[pa.StringArray, BoolArray]:
    bare = pc.replace_substring_regex(text, pattern=_TITLE, replacement="")
    bare = pc.replace_substring_regex(bare, pattern=_LATIN_TITLE, replacement="")
    return bare, to_bool(pc.not_equal(bare, text))


def _trim(text: pa.StringArray) -> pa.StringArray:
    """No separators, hyphens or blanks at the ends."""
    return pc.replace_substring_regex(
        text, pattern=rf"^[{NAME_SEPARATOR}\s\-]+|[{NAME_SEPARATOR}\s\-]+$", replacement=""
    )


def _fold(text: pa.StringArray) -> tuple[pa.StringArray, BoolArray]:
    points = code_points(text)
    codes = variant_table()[points.codes]
    changed = points.any_in_row(codes != points.codes)
    if not changed.any():
        return text, changed
    folded = to_strings(CodePoints(codes=codes, offsets=points.offsets))
    return put(text, changed, take_rows(folded, changed)), changed


def _characters(text: pa.StringArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    lengths = pc.fill_null(pc.utf8_length(text), 0).to_numpy(zero_copy_only=False)
    return np.asarray(lengths, dtype=np.int64)
