"""RAW: validates, formats and tokenises one value of a feature, as clkhash 0.18.3 does.

What is done here value by value says what :mod:`_formats` and :mod:`_gram_table` do for many at once, and does it for
the values and comparisons that they leave.

Invariant: a value that cannot be encoded gives a code and leaves no trace: nothing here raises with a value,
logs or remembers one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

from secure_match.agreement._schema_formats import DateFormat, EnumFormat, Format, IntegerFormat, StringFormat
from secure_match.agreement._schema_models import ExactComparison, Feature, NgramComparison, NumericComparison

MissingMode = Literal["as_schema", "no_bits"]

REASONS: Final = {
    "VALUE_CHARSET": "the value has characters that the schema's encoding does not have",
    "VALUE_PATTERN": "the value does not match the schema's pattern",
    "VALUE_LENGTH": "the value is shorter or longer than the schema allows",
    "VALUE_CASE": "the value is not in the case that the schema asks for",
    "VALUE_INTEGER": "the value is not a decimal integer",
    "VALUE_RANGE": "the integer is outside the schema's minimum and maximum",
    "VALUE_DATE": "the value is not a date in the schema's format",
    "VALUE_ENUM": "the value is not one of the schema's values",
    "VALUE_NUMERIC": "the value, or what stands for a missing one, is not a number that can be compared",
}
"""What is wrong with a value, by code."""

_DATE_OUTPUT: Final = "%Y%m%d"
Formatter = Callable[[str], tuple[str, str]]
"""Value to (text to tokenise, "") or ("", code of what is wrong)."""

Comparer = Callable[[str], list[str] | None]
"""A text that is not empty to its tokens, doubles included, or None where it has none."""


class Tokeniser:
    """Turns the values of one feature into tokens, one by one: the reference of the vectorised way."""

    __slots__ = ("_encoding", "_feature", "_format", "_missing", "_tokens")

    def __init__(self, feature: Feature, missing: MissingMode) -> None:
        self._feature = feature
        self._missing = missing
        self._encoding = feature.encoding
        self._format = make_formatter(feature.format)
        self._tokens = make_comparer(feature.hashing.comparison)

    def tokenise(self, text: str) -> tuple[list[str], str]:
        """Tokens of a value in order, doubles included; and "" or the code of what is wrong with it."""
        rule = self._feature.hashing.missing_value
        is_missing = rule is not None and rule.sentinel == text
        if rule is not None and is_missing:
            if self._missing == "no_bits":
                return [], ""
            text = rule.stand_in
        if not is_encodable(text, self._encoding):
            return [], "VALUE_CHARSET"
        if not is_missing:
            text, code = self._format(text)
            if code:
                return [], code
        tokens = self._tokens(text) if text else []
        return ([], "VALUE_NUMERIC") if tokens is None else (tokens, "")


def is_encodable(text: str, encoding: str) -> bool:
    """Whether a character set has all characters of a text."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def make_formatter(rule: Format) -> Formatter:
    """What a format does to a value whose characters the character set has."""
    if isinstance(rule, StringFormat):
        return _text_formatter(rule)
    if isinstance(rule, IntegerFormat):
        return _integer_formatter(rule)
    if isinstance(rule, DateFormat):
        return _date_formatter(rule)
    return _enum_formatter(rule)


def _text_formatter(rule: StringFormat) -> Formatter:
    if rule.pattern is not None:
        pattern = re.compile(rule.pattern)
        return lambda text: (text, "") if pattern.fullmatch(text) else ("", "VALUE_PATTERN")
    shortest, longest, case = rule.min_length, rule.max_length, rule.case

    def check(text: str) -> tuple[str, str]:
        if len(text) < shortest or (longest is not None and len(text) > longest):
            return "", "VALUE_LENGTH"
        if (case == "upper" and text.upper() != text) or (case == "lower" and text.lower() != text):
            return "", "VALUE_CASE"
        return text, ""

    return check


def _integer_formatter(rule: IntegerFormat) -> Formatter:
    def check(text: str) -> tuple[str, str]:
        try:
            value = int(text, base=10)
        except ValueError:
            return "", "VALUE_INTEGER"
        if (rule.minimum is not None and value < rule.minimum) or (rule.maximum is not None and value > rule.maximum):
            return "", "VALUE_RANGE"
        return str(value), ""

    return check


def _date_formatter(rule: DateFormat) -> Formatter:
    def check(text: str) -> tuple[str, str]:
        try:
            return datetime.strptime(text, rule.format).strftime(_DATE_OUTPUT), ""  # noqa: DTZ007
        except (ValueError, OverflowError):
            return "", "VALUE_DATE"

    return check


def _enum_formatter(rule: EnumFormat) -> Formatter:
    values = frozenset(rule.values)
    return lambda text: (text, "") if text in values else ("", "VALUE_ENUM")


def make_comparer(rule: NgramComparison | ExactComparison | NumericComparison) -> Comparer:
    """How a comparison cuts a formatted text into tokens."""
    if isinstance(rule, ExactComparison):
        return lambda text: [text]
    if isinstance(rule, NumericComparison):
        return lambda text: _numeric_tokens(text, rule)
    size, padding = rule.gram_length, " " * (rule.gram_length - 1)

    def grams(text: str) -> list[str]:
        padded = f"{padding}{text}{padding}"
        return [padded[start : start + size] for start in range(len(padded) - size + 1)]

    if rule.positional:
        return lambda text: [f"{place} {gram}" for place, gram in enumerate(grams(text), start=1)]
    return grams


def _numeric_tokens(text: str, rule: NumericComparison) -> list[str] | None:
    """The neighbourhood of a number: its grid point and ``resolution`` points to either side, scaled."""
    interval, resolution = rule.interval, rule.resolution
    try:
        scaled = _scaled_integer(text, rule.fractional_precision) * 2 * resolution
        residue = scaled % interval
        # A float comparison, because its rounding decides ties of very large numbers as in clkhash.
        point = scaled - residue if residue == 0 or residue < interval / 2 else scaled + interval - residue
        return [str(point + step * interval) for step in range(-resolution, resolution + 1)]
    except (ValueError, OverflowError):
        return None


def _scaled_integer(text: str, precision: int) -> int:
    try:
        return int(text, base=10) * int(10**precision)
    except ValueError:
        pass
    # Without a precision clkhash cuts the fraction off; with one it rounds.
    return round(float(text) * int(10**precision)) if precision else int(float(text))
