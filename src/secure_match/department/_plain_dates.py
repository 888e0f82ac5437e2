"""RAW: dates in formats of fixed width, many at once.

Invariant: what is taken here, ``strptime`` takes too, as the same day; whatever else there is, is left to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.department._texts import Texts

_PARTS: Final = {"%Y": 4, "%m": 2, "%d": 2}
_ZERO: Final = ord("0")
_OUTPUT_DIGITS: Final = 8
_FIRST_YEAR: Final = 1000
"""Before it, ``strftime`` does not write four digits everywhere."""

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainDates:
    """A format of four digits of year, two of month and two of day, in any order, with punctuation between them.

    Attributes:
        literals: byte and its place, for each punctuation mark.
        digits: places of the digits in the order year, month, day.
        width: bytes of a date.
    """

    literals: tuple[tuple[int, int], ...]
    digits: tuple[int, ...]
    width: int

    @classmethod
    def of(cls, date_format: str) -> PlainDates | None:
        """The plan for a ``strptime`` format, or None if it has other parts."""
        places: dict[str, int] = {}
        literals: list[tuple[int, int]] = []
        at = 0
        for part in re.findall(r"%.?|[^%]", date_format, flags=re.DOTALL):
            if part in _PARTS and part not in places:
                places[part] = at
            elif len(part) == 1 and part in "-/.,:;_":
                literals.append((ord(part), at))
            else:
                return None
            at += _PARTS.get(part, 1)
        if len(places) != len(_PARTS):
            return None
        digits = tuple(places[part] + index for part, size in _PARTS.items() for index in range(size))
        return cls(literals=tuple(literals), digits=digits, width=at)

    def apply(self, texts: Texts) -> tuple[Texts, BoolArray]:
        """Rewrite dates as YYYYMMDD.

        Returns:
            The texts, the dates among them rewritten, and which those are: bool of shape (texts,).
        """
        done = texts.lengths == self.width
        chosen = np.flatnonzero(done)
        cells = texts.data[texts.starts[chosen][:, None] + np.arange(self.width)]
        output = cells[:, list(self.digits)]
        digits = output.astype(np.int64) - _ZERO
        good = ((digits >= 0) & (digits <= 9)).all(axis=1)
        for mark, place in self.literals:
            good &= cells[:, place] == mark
        year, month, day = digits[:, :4] @ [1000, 100, 10, 1], digits[:, 4:6] @ [10, 1], digits[:, 6:] @ [10, 1]
        good &= (year >= _FIRST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
        good &= day <= _days_in_month(year, np.clip(month, 1, 12))
        done[chosen] = good
        flat = np.ascontiguousarray(output[good]).reshape(-1)
        ends = np.arange(1, int(good.sum()) + 1, dtype=np.int64) * _OUTPUT_DIGITS
        return texts.replaced(chosen[good], Texts(data=flat, starts=ends - _OUTPUT_DIGITS, ends=ends)), done


def _days_in_month(year: IntArray, month: IntArray) -> IntArray:
    days = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[month]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return np.asarray(days + (leap & (month == 2)), dtype=np.int64)
