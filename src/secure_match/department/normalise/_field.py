"""RAW: the value type that every normaliser returns, and the verdicts that it is built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.normalise._reasons import NUMBERS, REASON_CODES, REASONS
from secure_match.encoded import FieldState

StateArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
_NO_REASONS: Final = np.zeros(0, dtype=np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NormalisedField:
    """One identity field of a batch of rows.

    Attributes:
        values: string array of shape (rows,); null wherever the state is missing or invalid.
        states: uint8 of shape (rows,), see ``encoded.FieldState``.
        reason_numbers: uint8 of shape (rows,): 0, or 1 + the index of a code of ``REASONS``; empty stands for all 0.
        views: string arrays of shape (rows,) by name, for what the value alone does not hold (``former``, ``partial``).
            The view ``""`` is what a pass sees instead of the whole value.
        flags: bool of shape (rows,) by name: doubts that change no value. A row with a flag is not refused.
    """

    values: pa.StringArray
    states: StateArray
    reason_numbers: StateArray = field(default_factory=lambda: _NO_REASONS)
    views: Mapping[str, pa.StringArray] = field(default_factory=dict)
    flags: Mapping[str, BoolArray] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<NormalisedField: {len(self.states)} rows>"

    @property
    def reasons(self) -> pa.DictionaryArray:
        """Reason codes, dictionary(int8, string) of shape (rows,); null where the value is valid as it came."""
        numbers = self.reason_numbers if len(self.reason_numbers) else np.zeros(len(self.states), dtype=np.uint8)
        indices = pa.array(numbers.astype(np.int8) - 1, mask=numbers == 0)
        return pa.DictionaryArray.from_arrays(indices, pa.array(REASON_CODES, pa.string()))

    def counts(self) -> dict[str, int]:
        """Number of rows by reason code, the codes that occur, in the order of ``REASONS``."""
        found = np.bincount(self.reason_numbers, minlength=len(REASON_CODES) + 1)[1:]
        return {code: int(count) for code, count in zip(REASON_CODES, found, strict=True) if count}


class Verdicts:
    """States and reasons of a column under construction; a later verdict on a row replaces an earlier one.

    Args:
        rows: number of rows.
        otherwise: the reason of rows that get no verdict, all of which are invalid.
    """

    __slots__ = ("reasons", "states")

    def __init__(self, rows: int, otherwise: str) -> None:
        self.states = np.full(rows, REASONS[otherwise][0], dtype=np.uint8)
        self.reasons = np.full(rows, NUMBERS[otherwise], dtype=np.uint8)

    def accept(self, mask: BoolArray) -> None:
        """Rows that are valid as they came."""
        self.states[mask] = FieldState.VALID
        self.reasons[mask] = 0

    def give(self, mask: BoolArray, reason: str) -> None:
        """Rows whose state has this reason."""
        self.states[mask] = REASONS[reason][0]
        self.reasons[mask] = NUMBERS[reason]

    def field(
        self,
        values: pa.StringArray,
        *,
        views: Mapping[str, pa.StringArray] | None = None,
        flags: Mapping[str, BoolArray] | None = None,
    ) -> NormalisedField:
        """The field; values of rows that are missing or invalid become null."""
        usable = self.states <= FieldState.REPAIRED
        return NormalisedField(
            values=values if usable.all() and not values.null_count else keep(values, usable),
            states=self.states,
            reason_numbers=self.reasons,
            views=views or {},
            flags=flags or {},
        )


def to_bool(mask: pa.BooleanArray) -> BoolArray:
    """Arrow booleans as NumPy; null counts as False."""
    return np.asarray(pc.fill_null(mask, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def keep(values: pa.StringArray, mask: BoolArray) -> pa.StringArray:
    """``values`` where ``mask`` holds, null elsewhere."""
    return pc.if_else(pa.array(mask), values, pa.scalar(None, pa.string()))


def nulls(rows: int) -> pa.StringArray:
    """A string array of shape (rows,) without a value."""
    return pa.nulls(rows, pa.string())


def absent(rows: int) -> NormalisedField:
    """A field that the dataset lacks."""
    return Verdicts(rows, "empty").field(nulls(rows))


def group_numbers(parts: pa.StructArray, *names: str) -> npt.NDArray[np.int64]:
    """Numbers out of named groups of a regular expression: per row that of the first group with text, else 0."""
    text = pa.scalar(None, pa.string())
    for name in names:
        group = pc.struct_field(parts, name)
        text = pc.coalesce(text, pc.if_else(pc.equal(group, ""), pa.scalar(None, pa.string()), group))
    return np.asarray(pc.fill_null(text, "0").cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)


def scatter(fast: NormalisedField, rest: BoolArray, slow: NormalisedField) -> NormalisedField:
    """``fast`` with the rows of ``rest`` replaced by those of ``slow``, in order; ``slow`` has the views and flags."""
    if rest.all():
        return slow
    states, numbers = fast.states.copy(), fast.reason_numbers.copy()
    states[rest], numbers[rest] = slow.states, slow.reason_numbers
    empty = nulls(len(rest))
    flags = {name: np.zeros(len(rest), dtype=np.bool_) for name in slow.flags}
    for name, flag in slow.flags.items():
        flags[name][rest] = flag
    return NormalisedField(
        values=put(fast.values, rest, slow.values),
        states=states,
        reason_numbers=numbers,
        views={name: put(fast.views.get(name, empty), rest, view) for name, view in slow.views.items()},
        flags=flags,
    )


def concat(parts: Sequence[NormalisedField]) -> NormalisedField:
    """The fields of consecutive batches as one."""

    def views_of(name: str) -> pa.StringArray:
        # A part without the view has nothing there, except that without the view "" a pass sees the whole value.
        return pa.concat_arrays(
            [part.views.get(name, nulls(len(part.states)) if name else part.values) for part in parts]
        )

    def flags_of(name: str) -> BoolArray:
        return np.concatenate([part.flags.get(name, np.zeros(len(part.states), dtype=np.bool_)) for part in parts])

    views = dict.fromkeys(name for part in parts for name in part.views)
    flags = dict.fromkeys(name for part in parts for name in part.flags)
    return NormalisedField(
        values=pa.concat_arrays([part.values for part in parts]),
        states=np.concatenate([part.states for part in parts]),
        reason_numbers=np.concatenate([part.reason_numbers for part in parts]),
        views={name: views_of(name) for name in views},
        flags={name: flags_of(name) for name in flags},
    )


def put(values: pa.StringArray, mask: BoolArray, others: pa.StringArray) -> pa.StringArray:
    """``values`` with the rows of ``mask`` replaced by ``others``, in order."""
    return pc.replace_with_mask(values, pa.array(mask), others) if len(others) else values


def take_rows(values: pa.StringArray, mask: BoolArray) -> pa.StringArray:
    """The rows of ``mask``."""
    return values.filter(pa.array(mask))
