"""RAW: what an ID number says about birth date, sex and division, against what the row says itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.normalise._field import BoolArray, NormalisedField, to_bool
from secure_match.department.normalise._id_number import birth_dates_of, partials_of, regions_of, sexes_of
from secure_match.department.normalise._reasons import NUMBERS
from secure_match.encoded import FieldState

TIED_KINDS: Final = ("id_number", "birth_date", "sex", "division")
"""Kinds that this module looks at."""
DIFFERS: Final = "differs_from_id_number"


def cross_check(by_kind: Mapping[str, NormalisedField]) -> dict[str, NormalisedField]:
    """The fields with birth date and sex taken from valid ID numbers, and flags where readable values disagree.

    A region is that of the first registration and people move: a division never changes, it is only flagged.
    """
    result = dict(by_kind)
    numbers = by_kind.get("id_number")
    if numbers is None:
        return result
    if "birth_date" in result:
        field = _prefer(result["birth_date"], birth_dates_of(numbers.values))
        result["birth_date"] = _fill(field, numbers)
    if "sex" in result:
        result["sex"] = _prefer(result["sex"], sexes_of(numbers.values))
    if "division" in result:
        result["division"] = _flag_region(result["division"], regions_of(numbers.values))
    return result


def _prefer(own: NormalisedField, implied: pa.StringArray) -> NormalisedField:
    """The implied values where there are any, else the row's own."""
    known = to_bool(pc.is_valid(implied))
    readable = to_bool(pc.is_valid(own.values))
    agrees = to_bool(pc.equal(own.values, implied))
    states, reasons = own.states.copy(), own.reason_numbers.copy()
    short_agrees = np.zeros(len(states), dtype=np.bool_)
    if "two_digit" in own.views:
        short = own.views["two_digit"]
        short_agrees = to_bool(pc.equal(short, pc.utf8_slice_codeunits(implied, 2, 8)))
        readable = readable | to_bool(pc.is_valid(short))
    differs = known & readable & ~agrees & ~short_agrees
    for mask, reason in (
        (known & ~agrees, "from_id_number"),
        (differs, "replaced_by_id_number"),
        (short_agrees, "two_digit_year"),
    ):
        states[mask] = FieldState.REPAIRED
        reasons[mask] = NUMBERS[reason]
    return NormalisedField(
        values=pc.coalesce(implied, own.values),
        states=states,
        reason_numbers=reasons,
        views=own.views,
        flags=_with_flag(own, differs),
    )


def _fill(own: NormalisedField, numbers: NormalisedField) -> NormalisedField:
    """Birth dates of damaged numbers, where the row has none of its own: no check digit protects those."""
    if "partial" not in numbers.views:
        return own
    implied = pc.utf8_slice_codeunits(partials_of(numbers), 6, 14)
    filled = (own.states >= FieldState.MISSING) & to_bool(pc.is_valid(implied))
    states, reasons = own.states.copy(), own.reason_numbers.copy()
    states[filled], reasons[filled] = FieldState.REPAIRED, NUMBERS["from_partial_id"]
    return NormalisedField(
        values=pc.coalesce(own.values, pc.if_else(pa.array(filled), implied, pa.scalar(None, pa.string()))),
        states=states,
        reason_numbers=reasons,
        views=own.views,
        flags=own.flags,
    )


def _flag_region(own: NormalisedField, regions: pa.StringArray) -> NormalisedField:
    """Flag other counties than that of the ID number."""
    differs = to_bool(pc.not_equal(pc.utf8_slice_codeunits(own.values, 0, 6), regions))
    return NormalisedField(
        values=own.values,
        states=own.states,
        reason_numbers=own.reason_numbers,
        views=own.views,
        flags=_with_flag(own, differs),
    )


def _with_flag(own: NormalisedField, differs: BoolArray) -> dict[str, BoolArray]:
    return {**own.flags, DIFFERS: differs}
