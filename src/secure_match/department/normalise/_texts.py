"""RAW: sex codes and phone numbers."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.tables import SEX_CODES, SEX_MISSING
from secure_match.department.normalise._bytes import byte_view
from secure_match.department.normalise._cleaning import clean_text, give_missing, is_missing
from secure_match.department.normalise._field import (
    NormalisedField,
    Verdicts,
    keep,
    scatter,
    take_rows,
    to_bool,
)

_MOBILE: Final = r"^1[3-9]\d{9}$"
_LANDLINE: Final = r"^0(?:10|2\d|[3-9]\d{2})[1-9]\d{6,7}$"
_PLACEHOLDER: Final = (
    r"^(?:0+|1{6,}|2{6,}|3{6,}|4{6,}|5{6,}|6{6,}|7{6,}|8{6,}|9{6,}|1234567890?[01]?|0?123456789\d?|13800138000)$|^1\d{2}(?:"
    + "|".join(f"{digit}{{8}}" for digit in "0123456789")
    + ")$"
)


def normalise_sexes(column: pa.Array) -> NormalisedField:
    """Sex as ``1`` or ``2``; the codes for unknown and unstated (0, 9) are missing.

    Args:
        column: string array of shape (rows,).
    """
    text = pc.utf8_upper(clean_text(column))
    place = pc.index_in(text, value_set=pa.array(list(SEX_CODES)))
    values = pa.array(list(SEX_CODES.values())).take(place)
    known = to_bool(pc.is_valid(place))
    verdicts = Verdicts(len(text), "unknown_code")
    verdicts.accept(known)
    verdicts.give(known & to_bool(pc.ends_with(text, ".0")), "float_text")
    if not known.all():
        give_missing(verdicts, text, is_missing(text))
        unstated = pc.is_in(text, value_set=pa.array([*SEX_MISSING, "0"]))
        verdicts.give(to_bool(unstated), "unstated")
    return verdicts.field(values)


def normalise_phones(column: pa.Array, shared: pa.StringArray | None = None) -> NormalisedField:
    """Phone numbers of mainland China: mobile numbers as 11 digits, landline numbers as area code and number.

    Both are valid. A pass sees mobile numbers only, for a landline is a household's or an office's; landline numbers
    have the view ``landline``. Flags: ``landline``, and ``shared`` for numbers of ``shared``.

    Args:
        column: string array of shape (rows,).
        shared: numbers that many rows have (see ``ColumnSurvey``).
    """
    text = column if column.type == pa.string() else column.cast(pa.string())
    view = byte_view(text)
    plain = view.lengths == 11
    digits = view.matrix(plain, 11) - np.uint8(ord("0"))
    mobile = (digits <= 9).all(axis=1) & (digits[:, 0] == 1) & (digits[:, 1] >= 3)
    # Eight equal digits at the end, or a service number, make a filler; the rules of odd cells find both.
    filler = (digits[:, 3:] == digits[:, 3:4]).all(axis=1) | (digits[:, 1:] == _SERVICE).all(axis=1)
    plain[plain] = mobile & ~filler
    verdicts = Verdicts(len(text), "no_phone")
    verdicts.accept(plain)
    field = verdicts.field(text)
    rest = ~plain
    if rest.any():
        field = scatter(field, rest, _odd_phones(take_rows(text, rest)))
    return _with_flags(field, shared)


_SERVICE: Final = np.array([3, 8, 0, 0, 1, 3, 8, 0, 0, 0], dtype=np.uint8)


def _odd_phones(column: pa.StringArray) -> NormalisedField:
    text = clean_text(column)
    missing = is_missing(text)
    verdicts = Verdicts(len(text), "no_phone")
    several = to_bool(pc.match_substring_regex(text, r"\d{7,}\D*[/、,;，；或|\n]\D*\d{7,}|\d{11} +1\d{10}"))
    first = pc.struct_field(pc.extract_regex(text, pattern=r"(?:^|\D)(?P<first>1[3-9]\d{9})(?:\D|$)"), "first")
    text = pc.if_else(pc.and_(pa.array(several), pc.is_valid(first)), first, text)
    floats = to_bool(pc.match_substring_regex(text, r"^\d+\.0+$"))
    scientific = to_bool(pc.match_substring_regex(text, r"^\d(?:\.\d+)?[Ee]\+?\d+$"))
    masked = to_bool(pc.match_substring_regex(text, r"\d\*+"))
    extension = to_bool(pc.match_substring_regex(text, r"^[\d()\- ]+(?:转|-|EXT\.?|ext\.?|#)\d{1,5}$"))
    digits = pc.replace_substring_regex(text, pattern=r"^(\d+)\.0+$", replacement=r"\1")
    long_form = pc.replace_substring_regex(
        digits, pattern=r"^(0\d{2,3}-\d{7,8})(?:转|-|EXT\.?|ext\.?|#)\d{1,5}$", replacement=r"\1"
    )
    extended = extension & to_bool(pc.not_equal(long_form, digits))
    digits = pc.replace_substring_regex(long_form, pattern=r"[\s\-()._]", replacement="")
    digits = pc.replace_substring_regex(digits, pattern=r"^(?:\+|00)?86(1\d{10})$", replacement=r"\1")
    digits = pc.replace_substring_regex(digits, pattern=r"^(?:\+|00)?86(?:0?)([1-9]\d{8,10})$", replacement=r"0\1")
    digits = pc.replace_substring_regex(digits, pattern=r"^0(1[3-9]\d{9})$", replacement=r"\1")
    good = to_bool(pc.match_substring_regex(digits, f"{_MOBILE}|{_LANDLINE}")) & ~missing
    verdicts.give(to_bool(pc.match_substring_regex(digits, r"^[2-9]\d{6,7}$")), "no_area_code")
    verdicts.give(masked, "masked")
    verdicts.accept(good)
    verdicts.give(good & floats, "float_text")
    verdicts.give(good & extended, "extension_removed")
    verdicts.give(good & several, "several_numbers")
    verdicts.give(to_bool(pc.match_substring_regex(digits, _PLACEHOLDER)), "placeholder")
    verdicts.give(scientific, "scientific_notation")
    give_missing(verdicts, text, missing)
    return verdicts.field(digits)


def _with_flags(field: NormalisedField, shared: pa.StringArray | None) -> NormalisedField:
    landline = to_bool(pc.starts_with(field.values, "0"))
    views = {"": keep(field.values, ~landline), "landline": keep(field.values, landline)} if landline.any() else {}
    flags = {"landline": landline}
    if shared is not None and len(shared):
        flags["shared"] = to_bool(pc.is_in(field.values, value_set=shared)) & to_bool(pc.is_valid(field.values))
    return NormalisedField(
        values=field.values,
        states=field.states,
        reason_numbers=field.reason_numbers,
        views=views,
        flags=flags,
    )
