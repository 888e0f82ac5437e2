"""RAW: citizen identity numbers (GB 11643-1999): 18 characters with an ISO 7064 MOD 11-2 check, or 15 without.

The region is not looked up and no birth date is held against the years of a region code: both reject valid numbers.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.normalise._dates import is_calendar_date
from secure_match.department.normalise._field import (
    BoolArray,
    NormalisedField,
    clean_text,
    is_missing,
    keep,
    state_array,
    to_bool,
)

WEIGHTS: Final = np.array([pow(2, 17 - place, 11) for place in range(17)], dtype=np.int64)
"""ISO 7064 MOD 11-2 weights of the first 17 characters."""
CHECK_CHARACTERS: Final = np.frombuffer(b"10X98765432", dtype=np.uint8)
"""Check character by the weighted sum modulo 11."""

_SEPARATORS: Final = r"[\s'‘’`\-]"
_CYRILLIC_HA: Final = "[\u0445\u0425]"
Bytes2D = npt.NDArray[np.uint8]


def normalise_id_numbers(column: pa.Array) -> NormalisedField:
    """Clean ID numbers; 15-digit ones become their 18-character form and count as repaired.

    Args:
        column: string array of shape (rows,).
    """
    text = clean_text(column)
    missing = is_missing(text)
    text = pc.replace_substring_regex(text, pattern=_SEPARATORS, replacement="")
    text = pc.replace_substring_regex(pc.utf8_upper(text), pattern=_CYRILLIC_HA, replacement="X")
    full = to_bool(pc.match_substring_regex(text, r"^[0-9]{17}[0-9X]$")) & ~missing
    legacy = to_bool(pc.match_substring_regex(text, r"^[0-9]{15}$")) & ~missing

    valid = full.copy()
    valid[full] = _is_valid_18(_characters(text, full, 18))
    converted, convertible = _convert_15(_characters(text, legacy, 15))
    repaired = legacy.copy()
    repaired[legacy] = convertible

    values = keep(text, valid)
    if repaired.any():
        cells = values.to_numpy(zero_copy_only=False)
        cells[repaired] = [row.tobytes().decode("ascii") for row in converted[convertible]]
        values = pa.array(cells, pa.string())
    return NormalisedField(values=values, states=state_array(missing=missing, valid=valid, repaired=repaired))


def check_characters(first_17: Bytes2D) -> npt.NDArray[np.uint8]:
    """Check characters (ASCII codes, shape (rows,)) of numbers given as ASCII digits, shape (rows, 17)."""
    sums = (first_17.astype(np.int64) - ord("0")) @ WEIGHTS
    return np.asarray(CHECK_CHARACTERS[sums % 11], dtype=np.uint8)


def _characters(text: pa.StringArray, mask: BoolArray, length: int) -> Bytes2D:
    chosen = text.filter(pa.array(mask)).cast(pa.binary()).cast(pa.binary(length))
    return np.frombuffer(chosen.buffers()[1] or b"", dtype=np.uint8, count=len(chosen) * length).reshape(-1, length)


def _is_valid_18(characters: Bytes2D) -> BoolArray:
    digits = characters[:, :17].astype(np.int64) - ord("0")
    checked = check_characters(characters[:, :17]) == characters[:, 17]
    region = digits[:, :6].max(axis=1, initial=0) > 0
    year, month, day = _number(digits[:, 6:10]), _number(digits[:, 10:12]), _number(digits[:, 12:14])
    return np.asarray(checked & region & is_calendar_date(year, month, day), dtype=np.bool_)


def _number(digits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    places = np.array([10**place for place in range(digits.shape[1])], dtype=np.int64)[::-1]
    return np.asarray(digits @ places, dtype=np.int64)


def _convert_15(characters: Bytes2D) -> tuple[Bytes2D, BoolArray]:
    """18-character forms, shape (rows, 18), and which of them are dates: 15-digit numbers were issued until 1999."""
    century = np.tile(np.frombuffer(b"19", dtype=np.uint8), (len(characters), 1))
    first_17 = np.hstack([characters[:, :6], century, characters[:, 6:]])
    whole = np.hstack([first_17, check_characters(first_17)[:, None]])
    return whole, _is_valid_18(whole)


def birth_dates_of(numbers: pa.StringArray) -> pa.StringArray:
    """Birth dates (YYYYMMDD) inside valid 18-character numbers; null where the number is null."""
    return pc.utf8_slice_codeunits(numbers, 6, 14)


def sexes_of(numbers: pa.StringArray) -> pa.StringArray:
    """Sex codes (1 male, 2 female) inside valid 18-character numbers: the 17th digit is odd for men."""
    digit = pc.utf8_slice_codeunits(numbers, 16, 17)
    male = pc.is_in(digit, value_set=pa.array(["1", "3", "5", "7", "9"]))
    code = pc.if_else(male, pa.scalar("1"), pa.scalar("2"))
    return pc.if_else(pc.is_null(numbers), pa.scalar(None, pa.string()), code)
