"""RAW: why a value was repaired, is missing or is invalid: stable codes that say nothing of the value."""

from __future__ import annotations

from typing import Final

from secure_match.encoded import FieldState

_REPAIRED, _MISSING, _INVALID = FieldState.REPAIRED, FieldState.MISSING, FieldState.INVALID

REASONS: Final[dict[str, tuple[FieldState, str]]] = {
    # any field
    "empty": (_MISSING, "the cell is empty or null, or the dataset lacks the field"),
    "word_for_nothing": (_MISSING, "a word such as 无, 不详, NULL, - or 0"),
    "placeholder": (_MISSING, "a filler: equal or running digits, too few of them, 1900-01-01 where nothing proves it"),
    "float_text": (_REPAIRED, "a number with .0 after it, as a spreadsheet or data frame writes it"),
    "scientific_notation": (_INVALID, "a number in scientific notation: its last digits are lost"),
    "masked": (_INVALID, "some characters are replaced by asterisks"),
    # id_number
    "legacy_15_digits": (_REPAIRED, "a 15-digit number of before 1999, converted to 18 characters"),
    "excel_damaged": (_INVALID, "a spreadsheet kept 15 digits of it; they remain as id_number.partial"),
    "wrong_check": (_INVALID, "18 characters whose check character is wrong: a typing error"),
    "no_calendar_date": (_INVALID, "the birth date in it is no date"),
    "no_region": (_INVALID, "the region is 000000"),
    "wrong_length": (_INVALID, "digits, but neither 15 nor 18"),
    "other_document": (_INVALID, "a passport or travel permit"),
    "no_id_number": (_INVALID, "not in the form of an ID number"),
    # name
    "variant_folded": (_REPAIRED, "traditional or variant characters became their folded form"),
    "private_use_mapped": (_REPAIRED, "private-use characters of old GBK fonts were mapped"),
    "former_name_split": (_REPAIRED, "a former or other name was split off, see name.former"),
    "bracket_removed": (_REPAIRED, "a remark in brackets was removed"),
    "title_removed": (_REPAIRED, "a title was removed"),
    "unknown_character": (_REPAIRED, "a lost character (?, □) is kept as one mark that agrees with nothing"),
    "unreadable": (_INVALID, "all characters are lost"),
    "title_without_name": (_INVALID, "a surname with a title, no given name"),
    "has_digits": (_INVALID, "digits in a name"),
    "too_long": (_INVALID, "more characters than the field allows"),
    "no_name": (_INVALID, "no letter, or characters that names do not have"),
    # sex
    "unstated": (_MISSING, "a code or text for unknown or unstated sex (0, 9)"),
    "unknown_code": (_INVALID, "no code or text of the table"),
    "from_id_number": (_REPAIRED, "the row has none; taken from its ID number"),
    "replaced_by_id_number": (_REPAIRED, "differs from the one in the valid ID number, which replaces it"),
    "from_partial_id": (_REPAIRED, "the row has none; taken from what is left of its damaged ID number"),
    # birth_date
    "excel_serial": (_REPAIRED, "a day number of the 1900 system of spreadsheets"),
    "timestamp": (_REPAIRED, "14 or 17 digits of a midnight timestamp"),
    "chinese_numerals": (_REPAIRED, "written in Chinese numerals"),
    "two_digit_year": (_REPAIRED, "a two-digit year that agrees with the ID number"),
    "ambiguous_century": (_INVALID, "a two-digit year that no ID number decides"),
    "ambiguous_order": (_INVALID, "day, month and year in an order that cannot be known"),
    "lunar_date": (_INVALID, "a date of the lunar calendar, which is not guessed"),
    "incomplete_date": (_INVALID, "no day, or neither day nor month"),
    "time_of_day": (_INVALID, "a time other than midnight, which may have moved the day"),
    "out_of_range": (_INVALID, "a date before 1850 or after 2100"),
    "no_date": (_INVALID, "no date in a form that is read"),
    # phone
    "several_numbers": (_REPAIRED, "several numbers; the first mobile number is kept"),
    "extension_removed": (_REPAIRED, "an extension after a landline number was removed"),
    "no_area_code": (_INVALID, "a landline number without area code"),
    "no_phone": (_INVALID, "neither a mobile nor a landline number of mainland China"),
    # address
    "digits_unified": (_REPAIRED, "Chinese numerals before a unit (号, 楼, 室 ...) became digits"),
    "divisions_only": (_INVALID, "nothing is left besides names of divisions"),
    "no_address": (_INVALID, "neither a letter nor a digit"),
    # division
    "code_mapped": (_REPAIRED, "an old code became its new one by the agreement's site map"),
    "no_division": (_INVALID, "not 6, 9 or 12 digits"),
    # text, digits, identifier
    "nothing_left": (_INVALID, "neither a letter nor a digit is left"),
    "lost_characters": (_INVALID, "a code or number in which characters are lost (?, □): it would be another one"),
}
"""Code to the state that it explains and its meaning. Values that are valid as they came have no reason."""

REASON_CODES: Final = tuple(REASONS)
NUMBERS: Final = {code: number for number, code in enumerate(REASON_CODES, start=1)}
"""Reason code to its number in an array of reasons; 0 is no reason."""
