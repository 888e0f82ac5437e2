"""RAW: identity numbers of mainland citizens, of holders of HK, Macao and Taiwan residence permits, and of foreigners.

* 18 characters (GB 11643-1999), and 15 digits of before. Residence permits of HK, Macao and Taiwan (regions 810000,
  820000, 830000) and foreign permanent-residence cards since 2023-12 (first character 9) have the same form and check.
* Older foreign cards: three letters (country) and twelve digits. The card's rules for check digit and century are not
  published as a standard, so the form alone is required and neither birth date nor sex is taken from it.

A number of 18 characters with a right check is never a placeholder, whatever its birth date.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.normalise._bytes import Bytes2D, byte_view
from secure_match.department.normalise._check_digits import check_18, convert_15
from secure_match.department.normalise._cleaning import clean_text, give_missing, is_missing
from secure_match.department.normalise._field import (
    BoolArray,
    NormalisedField,
    Verdicts,
    nulls,
    put,
    scatter,
    take_rows,
    to_bool,
)

PARTIAL_CHARACTERS: Final = 15
"""What a spreadsheet keeps of a number: region, birth date and the first digit of the sequence."""

_SEPARATORS: Final = r"[\s'\"‘’“”`\-_.,]"
_X_LOOKALIKES: Final = "[\u0445\u0425\u03a7\u03c7\u00d7]"
_FLOAT_TEXT: Final = r"^(\d{15,18})\.0+$"
_SCIENTIFIC: Final = r"^\d(?:\.\d*)?E\+?\d{1,2}$"
_ALL_DIGITS_SCIENTIFIC: Final = r"^(\d)\.(\d{14})\d*E\+?17$"
_EQUAL: Final = "|".join(f"{character}{{6,}}X?" for character in "0123456789X")
_PLACEHOLDER: Final = (
    rf"^(?:{_EQUAL}|0?123456789\d*X?|9876543210?\d*X?|1234567890?X?|\d{{6}}19000101\d{{3}}[\dX]|\d{{6}}000101\d{{3}})$"
)
_OTHER_DOCUMENT: Final = r"^(?:[A-Z]{1,2}\d{7,8}|[HM]\d{8}(?:\d{2})?|[A-Z]\d{6}\(?[\dA]\)?|\d{8})$"
_MASKED: Final = r"^\d+\*+[\dX]*$|^\d+X{4,}\d*[\dX]$"


def normalise_id_numbers(column: pa.Array, *, damaged: bool = False) -> NormalisedField:
    """Clean ID numbers; 15-digit ones become their 18-character form and count as repaired.

    Args:
        column: string array of shape (rows,).
        damaged: whether a spreadsheet rounded the column's numbers (see ``ColumnSurvey``). All its 18-digit cells that
            end in 000 are then invalid, also the 9 % whose check is right by chance, and have a view ``partial``.
    """
    text = column if column.type == pa.string() else column.cast(pa.string())
    view = byte_view(text)
    plain = view.lengths == 18
    matrix = view.matrix(plain, 18)
    valid = check_18(matrix).valid
    if damaged:
        valid &= ~_ends_in_zeros(matrix)
    plain[plain] = valid
    verdicts = Verdicts(len(text), "no_id_number")
    verdicts.accept(plain)
    field = verdicts.field(text)
    rest = ~plain
    return scatter(field, rest, _slow(take_rows(text, rest), damaged)) if rest.any() else field


def _slow(text: pa.StringArray, damaged: bool) -> NormalisedField:
    """Cells that are not 18 valid characters as they stand."""
    text = cleaned = clean_text(text)
    verdicts = Verdicts(len(text), "no_id_number")
    missing = is_missing(text)
    text = pc.utf8_upper(text)
    floats = to_bool(pc.match_substring_regex(text, _FLOAT_TEXT)) & ~missing
    scientific = to_bool(pc.match_substring_regex(text, _SCIENTIFIC)) & ~missing
    rounded = to_bool(pc.match_substring_regex(text, _ALL_DIGITS_SCIENTIFIC))
    from_scientific = pc.replace_substring_regex(text, pattern=_ALL_DIGITS_SCIENTIFIC, replacement=r"\1\2")
    text = pc.replace_substring_regex(text, pattern=_FLOAT_TEXT, replacement=r"\1")
    masked = to_bool(pc.match_substring_regex(text, _MASKED))
    text = pc.replace_substring_regex(text, pattern=_SEPARATORS, replacement="")
    text = pc.replace_substring_regex(text, pattern=_X_LOOKALIKES, replacement="X")
    nothing = to_bool(pc.equal(text, "")) & ~missing

    candidates = ~missing & ~scientific
    digits = to_bool(pc.match_substring_regex(text, r"^\d+$")) & candidates
    verdicts.give(digits, "wrong_length")
    verdicts.give(to_bool(pc.match_substring_regex(text, _OTHER_DOCUMENT)) & candidates, "other_document")
    verdicts.give(masked, "masked")
    verdicts.accept(to_bool(pc.match_substring_regex(text, r"^[A-Z]{3}\d{12}$")) & candidates)
    lengths = byte_view(text).lengths
    partial = _judge_18(text, (lengths == 18) & candidates, floats, verdicts, damaged)
    text = _judge_15(text, (lengths == 15) & digits, verdicts)
    placeholder = to_bool(pc.match_substring_regex(text, _PLACEHOLDER)) & candidates
    verdicts.give(placeholder & (verdicts.states > 0), "placeholder")
    verdicts.give(scientific, "scientific_notation")
    verdicts.give(nothing, "no_id_number")
    give_missing(verdicts, cleaned, missing)
    partial = put(partial, rounded, take_rows(from_scientific, rounded))
    return verdicts.field(text, views={"partial": partial} if partial.null_count < len(partial) else {})


def _judge_18(
    text: pa.StringArray, mask: BoolArray, floats: BoolArray, verdicts: Verdicts, damaged: bool
) -> pa.StringArray:
    """Verdicts on candidates of 18 bytes; returns the partial keys of damaged ones."""
    matrix = byte_view(text).matrix(mask, 18)
    checked = check_18(matrix)
    shaped = mask.copy()
    shaped[mask] = checked.shaped
    for passed, reason in (
        (checked.checked, "wrong_check"),
        (checked.dated, "no_calendar_date"),
        (checked.region, "no_region"),
    ):
        failed = mask.copy()
        failed[mask] = checked.shaped & ~passed
        verdicts.give(failed, reason)
    valid = mask.copy()
    valid[mask] = checked.valid
    verdicts.accept(valid)
    verdicts.give(valid & floats, "float_text")
    if not damaged:
        return nulls(len(text))
    rounded = mask.copy()
    rounded[mask] = _ends_in_zeros(matrix) & checked.shaped & checked.dated & checked.region
    verdicts.give(rounded, "excel_damaged")
    kept = pc.utf8_slice_codeunits(take_rows(text, rounded), 0, PARTIAL_CHARACTERS)
    return put(nulls(len(text)), rounded, kept)


def _judge_15(text: pa.StringArray, mask: BoolArray, verdicts: Verdicts) -> pa.StringArray:
    """Verdicts on 15 digits; returns the texts with those that convert replaced by their 18 characters."""
    converted, convertible = convert_15(byte_view(text).matrix(mask, 15))
    verdicts.give(mask, "no_calendar_date")
    legacy = mask.copy()
    legacy[mask] = convertible & ~_is_filler_15(text, mask)
    verdicts.give(legacy, "legacy_15_digits")
    kept = converted[legacy[mask]]
    offsets = np.arange(len(kept) + 1, dtype=np.int32) * 18
    strings = pa.StringArray.from_buffers(len(kept), pa.py_buffer(offsets), pa.py_buffer(kept.tobytes()))
    return put(text, legacy, strings)


def _is_filler_15(text: pa.StringArray, mask: BoolArray) -> BoolArray:
    return to_bool(pc.match_substring_regex(take_rows(text, mask), _PLACEHOLDER))


def _ends_in_zeros(matrix: Bytes2D) -> BoolArray:
    return np.asarray((matrix[:, 15:] == ord("0")).all(axis=1), dtype=np.bool_)


def is_18(numbers: pa.StringArray) -> BoolArray:
    """Which values have the 18-character form (not null, not an old foreign card)."""
    return to_bool(pc.equal(pc.binary_length(numbers), 18))


def birth_dates_of(numbers: pa.StringArray) -> pa.StringArray:
    """Birth dates (YYYYMMDD) inside valid 18-character numbers; null where there is none."""
    return pc.if_else(pa.array(is_18(numbers)), pc.utf8_slice_codeunits(numbers, 6, 14), pa.scalar(None, pa.string()))


def sexes_of(numbers: pa.StringArray) -> pa.StringArray:
    """Sex codes (1 male, 2 female) inside valid 18-character numbers: the 17th digit is odd for men."""
    digit = pc.utf8_slice_codeunits(numbers, 16, 17)
    male = pc.is_in(digit, value_set=pa.array(["1", "3", "5", "7", "9"]))
    code = pc.if_else(male, pa.scalar("1"), pa.scalar("2"))
    return pc.if_else(pa.array(is_18(numbers)), code, pa.scalar(None, pa.string()))


def regions_of(numbers: pa.StringArray) -> pa.StringArray:
    """Division codes (6 digits) inside valid numbers of mainland citizens; null for permits and foreigners."""
    citizen = is_18(numbers) & ~to_bool(pc.match_substring_regex(numbers, "^(?:9|8[123]0000)"))
    return pc.if_else(pa.array(citizen), pc.utf8_slice_codeunits(numbers, 0, 6), pa.scalar(None, pa.string()))


def partials_of(field: NormalisedField) -> pa.StringArray:
    """The first 15 characters of 18-character numbers and of damaged ones: equal for both forms of one number."""
    whole = pc.utf8_slice_codeunits(field.values, 0, PARTIAL_CHARACTERS)
    whole = pc.if_else(pa.array(is_18(field.values)), whole, pa.scalar(None, pa.string()))
    return pc.coalesce(whole, field.views["partial"]) if "partial" in field.views else whole
