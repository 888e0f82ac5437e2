"""RAW: names, sex codes and phone numbers."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.tables import COMPOUND_SURNAMES, NAME_SEPARATORS, SEX_CODES
from secure_match.department.normalise._field import (
    NormalisedField,
    clean_text,
    is_missing,
    keep,
    state_array,
    to_bool,
)

NAME_SEPARATOR: Final = "\u00b7"
_HAN: Final = r"[\p{Han}\x{3007}]"
_MAX_NAME_CHARACTERS: Final = 64


def normalise_names(column: pa.Array) -> NormalisedField:
    """Names: one separator (U+00B7), upper-case Latin letters, no blanks inside Chinese names.

    A name needs at least one letter; digits, ``?`` and replacement characters make it invalid.

    Args:
        column: string array of shape (rows,).
    """
    text = clean_text(column)
    missing = is_missing(text)
    text = pc.replace_substring_regex(text, pattern=f"\\s*[{NAME_SEPARATORS}]\\s*", replacement=NAME_SEPARATOR)
    text = pc.utf8_upper(pc.replace_substring_regex(text, pattern=r"\s+", replacement=" "))
    chinese = pc.match_substring_regex(text, _HAN)
    text = pc.if_else(chinese, pc.replace_substring(text, " ", ""), text)
    # Capitals and characters that have come together compose again.
    text = pc.utf8_normalize(text, form="NFKC")
    shaped = to_bool(pc.match_substring_regex(text, rf"^[\p{{L}}\p{{M}}{NAME_SEPARATOR}\x{{3007}} .'\-]+$"))
    lettered = to_bool(pc.match_substring_regex(text, r"[\p{L}\x{3007}]"))
    short = to_bool(pc.less_equal(pc.utf8_length(text), _MAX_NAME_CHARACTERS))
    valid = shaped & lettered & short & ~missing
    return NormalisedField(values=keep(text, valid), states=state_array(missing=missing, valid=valid))


def surnames_of(names: pa.StringArray) -> pa.StringArray:
    """Surnames of Chinese names: two characters if the pinned table has them, else one; null stays null."""
    two = pc.utf8_slice_codeunits(names, 0, 2)
    longer = pc.greater(pc.utf8_length(names), 2)
    compound = pc.and_(pc.is_in(two, value_set=pa.array(COMPOUND_SURNAMES)), longer)
    return pc.if_else(compound, two, pc.utf8_slice_codeunits(names, 0, 1))


def normalise_sexes(column: pa.Array) -> NormalisedField:
    """Sex as ``1`` or ``2``; the codes for unknown and unstated (0, 9) are missing.

    Args:
        column: string array of shape (rows,).
    """
    text = pc.utf8_upper(clean_text(column))
    missing = is_missing(text) | to_bool(pc.equal(text, "9"))
    place = pc.index_in(text, value_set=pa.array(list(SEX_CODES)))
    values = pa.array(list(SEX_CODES.values())).take(place)
    valid = to_bool(pc.is_valid(place)) & ~missing
    return NormalisedField(values=keep(values, valid), states=state_array(missing=missing, valid=valid))


def normalise_phones(column: pa.Array) -> NormalisedField:
    """Mobile numbers of mainland China as 11 digits; anything else is invalid and links nobody.

    Args:
        column: string array of shape (rows,).
    """
    text = clean_text(column)
    missing = is_missing(text)
    digits = pc.replace_substring_regex(text, pattern=r"[\s\-()]", replacement="")
    digits = pc.replace_substring_regex(digits, pattern=r"^(?:\+|00)?86(1\d{10})$", replacement=r"\1")
    valid = to_bool(pc.match_substring_regex(digits, r"^1[3-9]\d{9}$")) & ~missing
    return NormalisedField(values=keep(digits, valid), states=state_array(missing=missing, valid=valid))
