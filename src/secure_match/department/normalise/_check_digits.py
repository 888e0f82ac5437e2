"""RAW: GB 11643-1999 on matrices of ASCII characters: 18 characters with an ISO 7064 MOD 11-2 check, or 15 without.

The region is not looked up and no birth date is held against the years of a region code: both reject valid numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.department.normalise._bytes import Bytes2D
from secure_match.department.normalise._calendar import is_calendar_date, number_of_digits
from secure_match.department.normalise._field import BoolArray

WEIGHTS: Final = np.array([pow(2, 17 - place, 11) for place in range(17)], dtype=np.float32)
"""ISO 7064 MOD 11-2 weights of the first 17 characters; sums stay below 1700, which float32 holds exactly."""
CHECK_CHARACTERS: Final = np.frombuffer(b"10X98765432", dtype=np.uint8)
"""Check character by the weighted sum modulo 11."""
_CENTURY: Final = np.frombuffer(b"19", dtype=np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Checked:
    """What is right about 18-character candidates, each bool of shape (rows,).

    Attributes:
        shaped: 17 digits and a digit or X.
        checked: the check character is right (where shaped).
        dated: the birth date is a date of the years taken.
        region: the region is not 000000.
    """

    shaped: BoolArray
    checked: BoolArray
    dated: BoolArray
    region: BoolArray

    @property
    def valid(self) -> BoolArray:
        """All of it."""
        return self.shaped & self.checked & self.dated & self.region


def check_characters(first_17: Bytes2D) -> npt.NDArray[np.uint8]:
    """Check characters (ASCII codes, shape (rows,)) of numbers given as ASCII digits, shape (rows, 17)."""
    sums = (first_17 - np.uint8(ord("0"))).astype(np.float32) @ WEIGHTS
    return np.asarray(CHECK_CHARACTERS[sums.astype(np.int64) % 11], dtype=np.uint8)


def check_18(characters: Bytes2D) -> Checked:
    """Check ASCII characters of shape (rows, 18)."""
    digits = characters[:, :17] - np.uint8(ord("0"))
    last = characters[:, 17]
    is_digits = np.asarray((digits <= 9).all(axis=1), dtype=np.bool_)
    shaped = is_digits & (((last >= ord("0")) & (last <= ord("9"))) | (last == ord("X")))
    digits[~shaped] = 0
    checked = check_characters(digits + np.uint8(ord("0"))) == last
    year, month, day = (number_of_digits(digits[:, part]) for part in (slice(6, 10), slice(10, 12), slice(12, 14)))
    return Checked(
        shaped=shaped,
        checked=np.asarray(checked, dtype=np.bool_),
        dated=is_calendar_date(year, month, day),
        region=np.asarray(digits[:, :6].any(axis=1), dtype=np.bool_),
    )


def convert_15(characters: Bytes2D) -> tuple[Bytes2D, BoolArray]:
    """18-character forms, shape (rows, 18), and which of them are dates: 15-digit numbers were issued until 1999."""
    century = np.tile(_CENTURY, (len(characters), 1))
    first_17 = np.hstack([characters[:, :6], century, characters[:, 6:]])
    whole = np.hstack([first_17, check_characters(first_17)[:, None]])
    return whole, check_18(whole).valid
