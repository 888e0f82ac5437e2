"""RAW: the value type that every normaliser returns, and the cleaning that all of them begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.tables import MISSING_WORDS
from secure_match.encoded import FieldState

_INVISIBLE: Final = r"[\p{Cc}\p{Cf}]"
StateArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NormalisedField:
    """One identity field of a batch of rows.

    Attributes:
        values: string array of shape (rows,); null wherever the state is missing or invalid.
        states: uint8 of shape (rows,), see ``encoded.FieldState``.
    """

    values: pa.StringArray
    states: StateArray

    def __repr__(self) -> str:
        return f"<NormalisedField: {len(self.states)} rows>"


def clean_text(column: pa.Array) -> pa.StringArray:
    """NFKC, no control or zero-width characters, no blanks at the ends; nulls stay null."""
    # Invisible characters first: between a letter and its accent one would keep the two from composing.
    text = pc.replace_substring_regex(column, pattern=_INVISIBLE, replacement="")
    text = pc.utf8_normalize(text, form="NFKC")
    return pc.utf8_trim_whitespace(text)


def is_missing(text: pa.StringArray) -> BoolArray:
    """Which cells say, in one of the agreed words, that there is no value: bool of shape (rows,)."""
    upper = pc.utf8_upper(text)
    missing = pc.is_in(upper, value_set=pa.array(MISSING_WORDS, pa.string()))
    return to_bool(pc.or_kleene(missing, pc.is_null(text)))


def to_bool(mask: pa.BooleanArray) -> BoolArray:
    """Arrow booleans as NumPy; null counts as False."""
    return np.asarray(pc.fill_null(mask, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def keep(values: pa.StringArray, mask: BoolArray) -> pa.StringArray:
    """``values`` where ``mask`` holds, null elsewhere."""
    return pc.if_else(pa.array(mask), values, pa.scalar(None, pa.string()))


def group_numbers(parts: pa.StructArray, *names: str) -> npt.NDArray[np.int64]:
    """Numbers out of named groups of a regular expression: per row that of the first group with text, else 0."""
    text = pa.scalar(None, pa.string())
    for name in names:
        group = pc.struct_field(parts, name)
        text = pc.coalesce(text, pc.if_else(pc.equal(group, ""), pa.scalar(None, pa.string()), group))
    return np.asarray(pc.fill_null(text, "0").cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)


def state_array(*, missing: BoolArray, valid: BoolArray, repaired: BoolArray | None = None) -> StateArray:
    """States from masks; what is neither missing nor valid nor repaired is invalid."""
    states = np.full(len(missing), FieldState.INVALID, dtype=np.uint8)
    states[missing] = FieldState.MISSING
    states[valid] = FieldState.VALID
    if repaired is not None:
        states[repaired] = FieldState.REPAIRED
    return states
