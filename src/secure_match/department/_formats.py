"""RAW: validates and formats the distinct values of one feature, many at once.

What a loop over arrays can decide is decided there; a value that it cannot decide goes through
:mod:`_tokenise`, alone, and counts the same.

Invariants: texts and problems are those of ``_tokenise.Tokeniser``; nothing here raises with a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.agreement._schema_formats import DateFormat, EnumFormat, Format, IntegerFormat, StringFormat
from secure_match.department import _code_points
from secure_match.department._code_points import CodePoints
from secure_match.department._plain_dates import PlainDates
from secure_match.department._texts import ByteArray, Int64Array, Texts
from secure_match.department._tokenise import REASONS, make_formatter

PROBLEMS: Final = ("", *REASONS)
"""Codes of what is wrong with a value, by number; 0 is nothing."""

BoolArray = npt.NDArray[np.bool_]
Shortcut = Callable[[Texts], tuple[Texts, BoolArray]]
"""Formats what it can: texts and which of them are done; the others are as they were."""

_MOST_PLAIN_DIGITS: Final = 18
"""Every decimal number of so many digits is an int64."""

_ZERO, _NINE = ord("0"), ord("9")


def problem_number(code: str) -> int:
    """The number of a code in ``PROBLEMS``."""
    return PROBLEMS.index(code)


class Formats:
    """Validates and formats under one rule."""

    __slots__ = ("_encoding", "_format", "_only_checks", "_rule", "_shortcut")

    def __init__(self, rule: Format, encoding: str) -> None:
        self._rule, self._encoding = rule, encoding
        self._format = make_formatter(rule)
        self._only_checks = isinstance(rule, StringFormat | EnumFormat)
        self._shortcut = _shortcut(rule)

    def apply(self, texts: Texts, points: CodePoints) -> tuple[Texts, ByteArray]:
        """Validate and format values.

        Args:
            texts: the values.
            points: their code points.

        Returns:
            What is to be tokenised, in the same order, and the number of what is wrong with each: uint8 of shape
            (texts,). The text of a value with a problem is any.
        """
        problems = np.zeros(len(texts), dtype=np.uint8)
        foreign = points.kinds == _code_points.BROKEN
        if self._encoding == "ascii":
            foreign |= points.kinds == _code_points.WIDE
        problems[foreign] = problem_number("VALUE_CHARSET")
        if isinstance(self._rule, StringFormat) and self._rule.pattern is None:
            done = self._check_text(self._rule, texts, points, problems)
        else:
            texts, done = self._shortcut(texts)
        return self._one_by_one(texts, np.flatnonzero(~done & (problems == 0)), problems)

    def _check_text(self, rule: StringFormat, texts: Texts, points: CodePoints, problems: ByteArray) -> BoolArray:
        """Check lengths, and cases of ASCII; return which texts are done."""
        lengths = points.ends - points.starts
        outside = lengths < rule.min_length
        if rule.max_length is not None:
            outside |= lengths > rule.max_length
        problems[outside & (problems == 0)] = problem_number("VALUE_LENGTH")
        done = np.ones(len(texts), dtype=np.bool_)
        if rule.case == "mixed":
            return done
        first = "a" if rule.case == "upper" else "A"
        wrong = (texts.data >= ord(first)) & (texts.data < ord(first) + 26)
        before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(wrong)])
        has_wrong = before[texts.ends] > before[texts.starts]
        ascii_only = points.kinds == _code_points.ASCII
        problems[has_wrong & ascii_only & (problems == 0)] = problem_number("VALUE_CASE")
        return np.asarray(ascii_only, dtype=np.bool_)

    def _one_by_one(self, texts: Texts, left: Int64Array, problems: ByteArray) -> tuple[Texts, ByteArray]:
        if not len(left):
            return texts, problems
        formatted: list[bytes] = []
        for index, item in zip(left.tolist(), texts.items(left), strict=True):
            text, code = self._format(item.decode())
            if code:
                problems[index] = problem_number(code)
            if not self._only_checks:
                formatted.append(text.encode())
        return texts if self._only_checks else texts.replaced(left, Texts.from_items(formatted)), problems


def _shortcut(rule: Format) -> Shortcut:
    if isinstance(rule, IntegerFormat):
        return lambda texts: (texts, _plain_integers(rule, texts))
    if isinstance(rule, DateFormat) and (plain := PlainDates.of(rule.format)) is not None:
        return plain.apply
    return lambda texts: (texts, np.zeros(len(texts), dtype=np.bool_))


def _plain_integers(rule: IntegerFormat, texts: Texts) -> BoolArray:
    """Which texts are the decimal form of an integer in the range: digits, no sign, no leading zero."""
    lengths = texts.lengths
    plain = (lengths > 0) & (lengths <= _MOST_PLAIN_DIGITS)
    values = np.zeros(len(texts), dtype=np.int64)
    for place in range(int(lengths[plain].max(initial=0))):
        inside = np.flatnonzero(plain & (place < lengths))
        digits = texts.data[texts.starts[inside] + place]
        good = (digits >= _ZERO) & (digits <= _NINE)
        if place == 0:
            good &= (digits != _ZERO) | (lengths[inside] == 1)
        plain[inside] = good
        values[inside] = values[inside] * 10 + (digits.astype(np.int64) - _ZERO)
    largest = 10**_MOST_PLAIN_DIGITS
    if rule.minimum is not None:
        plain &= values >= min(max(rule.minimum, -1), largest)
    if rule.maximum is not None:
        plain &= values <= max(min(rule.maximum, largest), -1)
    # One out of range is left to be refused by itself.
    return np.asarray(plain, dtype=np.bool_)
