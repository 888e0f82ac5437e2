"""RAW: export columns to the codes that the agreement lets leave; a value outside its list or range never does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import CodedColumn, ValidMonths
from secure_match.department.normalise._cleaning import clean_text, is_missing
from secure_match.department.normalise._field import BoolArray, group_numbers, keep, to_bool
from secure_match.encoded.coded_values import leaving_months

_MONTH_FORM: Final = (
    r"^(?P<year>\d{4})[-/.年](?P<month>\d{1,2})(?:月|[-/.月]\d{1,2}日?)?$"
    r"|^(?P<year_solid>\d{4})(?P<month_solid>\d{2})(?:\d{2})?$"
)
"""Months with or without a day, which is dropped: 202601, 20260115, 2026-1, 2026/1/15, 2026年1月."""
_EARLIEST_YEAR: Final = 1900


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class CodedResult:
    """One coded column of a batch.

    Attributes:
        values: string or int32 array of shape (rows,); null where empty or refused.
        refused: rows whose value may not leave, bool of shape (rows,).
        code: the reason code of the refused rows.
    """

    values: pa.Array
    refused: BoolArray
    code: str


def encode_column(
    column: CodedColumn, raw: pa.StringArray, months: ValidMonths, code_map: Mapping[str, str] | None = None
) -> CodedResult:
    """Translate one coded column.

    Args:
        column: its declaration.
        raw: string array of shape (rows,), from the export or derived from an identity field.
        months: the months that spells are cut to.
        code_map: old code to new code, for a column of type ``code`` that has a site map.
    """
    text = clean_text(raw)
    missing = _is_empty(column, text)
    if column.type == "code":
        values, refused, code = _codes(column, _mapped(text, code_map or {}), missing)
    elif column.type == "month":
        values, refused, code = _months(text, missing, months)
    else:
        values, refused, code = _integers(column, text, missing)
    if column.required:
        refused = refused | missing
    return CodedResult(values=values, refused=refused, code=code)


def _is_empty(column: CodedColumn, text: pa.StringArray) -> BoolArray:
    if column.type == "code":
        # A code list may contain "0" or "无"; only no text at all is empty there.
        return to_bool(pc.or_kleene(pc.is_null(text), pc.equal(text, "")))
    missing = is_missing(text)
    # As a month 0 says that there is none; as a number it is one.
    return missing & ~to_bool(pc.equal(text, "0")) if column.type == "integer" else missing


def _mapped(text: pa.StringArray, code_map: Mapping[str, str]) -> pa.StringArray:
    place = pc.index_in(text, value_set=pa.array(list(code_map), pa.string()))
    return pc.coalesce(pa.array(list(code_map.values()), pa.string()).take(place), text)


def _codes(column: CodedColumn, text: pa.StringArray, missing: BoolArray) -> tuple[pa.Array, BoolArray, str]:
    known = to_bool(pc.is_in(text, value_set=pa.array(column.codes or (), pa.string())))
    return keep(text, known), ~known & ~missing, "CODE_UNKNOWN"


def _months(text: pa.StringArray, missing: BoolArray, months: ValidMonths) -> tuple[pa.Array, BoolArray, str]:
    parts = pc.extract_regex(text, pattern=_MONTH_FORM)
    found = to_bool(pc.is_valid(parts)) & ~missing
    year, month = (group_numbers(parts, name, f"{name}_solid") for name in ("year", "month"))
    valid = found & (month >= 1) & (month <= 12) & (year >= _EARLIEST_YEAR)
    stamp = year * 100 + month
    # Cut to one month beyond the valid months, so that a spell that ended before them or starts after them is empty.
    stamp = np.clip(stamp, *leaving_months(months))
    return pa.array(stamp.astype(np.int32), mask=~valid), ~valid & ~missing, "MONTH_INVALID"


def _integers(column: CodedColumn, text: pa.StringArray, missing: BoolArray) -> tuple[pa.Array, BoolArray, str]:
    low, high = column.range or (0, 0)
    text = pc.replace_substring_regex(text, pattern=r"^\+(\d)", replacement=r"\1")
    shaped = to_bool(pc.match_substring_regex(text, r"^-?\d{1,9}$")) & ~missing
    number = _numbers(text, shaped)
    valid = shaped & (number >= low) & (number <= high)
    if column.bands is not None:
        bounds = np.array(column.bands, dtype=np.int64)
        number = bounds[np.clip(np.searchsorted(bounds, number, side="right") - 1, 0, len(bounds) - 1)]
    return pa.array(number.astype(np.int32), mask=~valid), ~valid & ~missing, "VALUE_RANGE"


def _numbers(text: pa.StringArray, mask: BoolArray) -> npt.NDArray[np.int64]:
    digits = pc.if_else(pa.array(mask), text, pa.scalar("0"))
    return np.asarray(digits.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)
