"""RAW: birth dates in the forms that exports write them. Nothing is guessed: what has two readings is invalid."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.normalise._bytes import byte_view
from secure_match.department.normalise._calendar import (
    Integers,
    is_any_date,
    is_calendar_date,
    number_of_digits,
)
from secure_match.department.normalise._cleaning import clean_text, give_missing, is_missing
from secure_match.department.normalise._field import (
    BoolArray,
    NormalisedField,
    Verdicts,
    group_numbers,
    keep,
    nulls,
    put,
    scatter,
    take_rows,
    to_bool,
)

FIRST_SERIAL: Final = 10_000
LAST_SERIAL: Final = 49_674
"""Day numbers of the 1900 system that are read: 1927-05-18 to 2035-12-31; others are no likely birth dates."""
_SERIAL_EPOCH: Final = np.datetime64("1899-12-30", "D")
"""Day 0 for numbers above 60: spreadsheets count a 29 February 1900."""

_MIDNIGHT: Final = r"(?:[ T]?0{1,2}:00(?::00(?:\.0+)?)?Z?)?"
_FORMS: Final = (
    rf"^(?P<year>\d{{4}})[-/.年](?P<month>\d{{1,2}})[-/.月](?P<day>\d{{1,2}})日?{_MIDNIGHT}$"
    r"|^(?P<year8>\d{4})(?P<month8>\d{2})(?P<day8>\d{2})(?:0{6}(?:0{3})?|\.0+)?$"
)
_SHORT_FORMS: Final = (
    r"^(?P<year>\d{2})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?$"
    r"|^(?P<year6>\d{2})(?P<month6>\d{2})(?P<day6>\d{2})$"
)
_NUMERALS: Final = "〇零一二三四五六七八九"
_NUMERAL_DATE: Final = rf"^[{_NUMERALS}]{{4}}年[{_NUMERALS}十]{{1,3}}月[{_NUMERALS}十]{{1,3}}日?$"
_PLACEHOLDER: Final = r"^(?:0000[-/.年]?0?0[-/.月]?0?0日?|1900[-/.年]?0?1[-/.月]?0?1日?|9999.*|(?:0{8}|1{8}|9{8})\d*)$"


def normalise_birth_dates(column: pa.Array) -> NormalisedField:
    """Birth dates as YYYYMMDD.

    Read are 20010203, 2001-2-3, 2001/02/03, 2001.2.3, 2001年2月3日, also with a midnight time; timestamps of 14 or 17
    digits at midnight; dates in Chinese numerals; day numbers of spreadsheets. A two-digit year stands in the view
    ``two_digit`` (YYMMDD) and is invalid unless an ID number decides it (see ``normalise_fields``).

    Args:
        column: string array of shape (rows,).
    """
    text = column if column.type == pa.string() else column.cast(pa.string())
    view = byte_view(text)
    plain = view.lengths == 8
    digits = view.matrix(plain, 8) - np.uint8(ord("0"))
    year, month, day = (number_of_digits(digits[:, part]) for part in (slice(4), slice(4, 6), slice(6, 8)))
    dated = (digits <= 9).all(axis=1) & is_calendar_date(year, month, day)
    plain[plain] = dated & ~((year == 1900) & (month == 1) & (day == 1))
    verdicts = Verdicts(len(text), "no_date")
    verdicts.accept(plain)
    field = verdicts.field(text)
    rest = ~plain
    return scatter(field, rest, _slow(take_rows(text, rest))) if rest.any() else field


def _slow(raw: pa.StringArray) -> NormalisedField:
    text = clean_text(raw)
    missing = is_missing(text)
    verdicts = Verdicts(len(text), "no_date")
    _give_reasons_of_refusal(verdicts, text)
    numerals = to_bool(pc.match_substring_regex(text, _NUMERAL_DATE))
    text = put(text, numerals, _to_digits(take_rows(text, numerals)))

    parts = pc.extract_regex(text, pattern=_FORMS)
    found = to_bool(pc.is_valid(parts)) & ~missing
    year, month, day = (group_numbers(parts, name, f"{name}8") for name in ("year", "month", "day"))
    valid = found & is_calendar_date(year, month, day)
    verdicts.give(found, "no_date")
    verdicts.give(found & is_any_date(year, month, day), "out_of_range")
    verdicts.accept(valid)
    lengths = byte_view(text).lengths
    digits = to_bool(pc.match_substring_regex(text, r"^\d+$"))
    verdicts.give(valid & digits & (lengths > 8), "timestamp")
    verdicts.give(valid & to_bool(pc.match_substring_regex(text, r"^\d{8}\.0+$")), "float_text")
    verdicts.give(valid & numerals, "chinese_numerals")
    values = keep(pa.array(year * 10_000 + month * 100 + day).cast(pa.string()), valid)

    serials = to_bool(pc.match_substring_regex(text, r"^\d{5}(?:\.0+)?$")) & ~missing
    dates, plausible = _from_serials(take_rows(text, serials))
    read = serials.copy()
    read[serials] = plausible
    verdicts.give(read, "excel_serial")
    values = put(values, read, dates.filter(pa.array(plausible)))

    two_digit = _two_digit(text, verdicts)
    verdicts.give(to_bool(pc.match_substring_regex(text, _PLACEHOLDER)), "placeholder")
    give_missing(verdicts, text, missing)
    two_digit = keep(two_digit, ~missing)
    return verdicts.field(values, views={"two_digit": two_digit} if two_digit.null_count < len(text) else {})


def _give_reasons_of_refusal(verdicts: Verdicts, text: pa.StringArray) -> None:
    for pattern, reason in (
        (r"^\d{4}(?:[-/.年](?:\d{1,2}月?)?)?$|^\d{4}[-/.年]\d{1,2}[-/.月]00?日?$", "incomplete_date"),
        (r"^(?:1[89]|20)\d{4}(?:00)?$", "incomplete_date"),
        (r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}$|^\d{1,2} ?[A-Za-z]{3,9}", "ambiguous_order"),
        (r"^\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[ T]?\d{1,2}:\d{2}|^\d{14}(?:\d{3})?$", "time_of_day"),
        (r"[农阴旧]历|[正冬腊闰]月|初[一二三四五六七八九十]", "lunar_date"),
        (r"^\d(?:\.\d+)?[Ee]\+?\d+$", "scientific_notation"),
        (r"\*", "masked"),
    ):
        verdicts.give(to_bool(pc.match_substring_regex(text, pattern)), reason)


def _to_digits(text: pa.StringArray) -> pa.StringArray:
    """Chinese numerals of a date as digits: 二〇〇一年十二月三十一日 is 2001年12月31日."""
    for pattern, replacement in (
        (rf"([{_NUMERALS}])十([{_NUMERALS}])", r"\1\2"),
        (rf"([{_NUMERALS}])十", r"\1〇"),
        (rf"十([{_NUMERALS}])", r"一\1"),
        ("十", "一〇"),
        ("零", "0"),
    ):
        text = pc.replace_substring_regex(text, pattern=pattern, replacement=replacement)
    for value, numeral in enumerate("〇一二三四五六七八九"):
        text = pc.replace_substring(text, pattern=numeral, replacement=str(value))
    return text


def _from_serials(text: pa.StringArray) -> tuple[pa.StringArray, BoolArray]:
    serials: Integers = text.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.int64)
    plausible = np.asarray((serials >= FIRST_SERIAL) & (serials <= LAST_SERIAL), dtype=np.bool_)
    days = pa.array(_SERIAL_EPOCH + serials, pa.date32())
    return pc.strftime(days, format="%Y%m%d"), plausible


def _two_digit(text: pa.StringArray, verdicts: Verdicts) -> pa.StringArray:
    """Dates with a two-digit year as YYMMDD, where some century makes them a date; they are invalid until decided."""
    parts = pc.extract_regex(text, pattern=_SHORT_FORMS)
    year, month, day = (group_numbers(parts, name, f"{name}6") for name in ("year", "month", "day"))
    found = to_bool(pc.is_valid(parts)) & is_any_date(year + 2000, month, day)
    verdicts.give(found, "ambiguous_century")
    if not found.any():
        return nulls(len(text))
    stamps = pa.array(1_000_000 + year * 10_000 + month * 100 + day).cast(pa.string())
    return keep(pc.utf8_slice_codeunits(stamps, 1, 7), found)
