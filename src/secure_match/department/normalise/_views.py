"""RAW: parts and keys of normalised values that passes encode or block on, by the name of the view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.normalise._addresses import address_tokens_of
from secure_match.department.normalise._field import NormalisedField, nulls
from secure_match.department.normalise._id_number import partials_of
from secure_match.department.normalise._name_keys import (
    dialects_of,
    given_dialects_of,
    given_ends_of,
    given_starts_of,
    pinyins_of,
    shapes_of,
    surname_dialects_of,
)
from secure_match.department.normalise._names import surnames_of
from secure_match.department.normalise._text_views import sorted_words_of, sounds_of

_VIEWS: Final[dict[str, Callable[[NormalisedField], pa.StringArray]]] = {
    "": lambda field: field.values,
    "partial": partials_of,
    "surname": lambda field: surnames_of(field.values),
    "surname_dialect": lambda field: surname_dialects_of(field.values),
    "given_dialect": lambda field: given_dialects_of(field.values),
    "given_start": lambda field: given_starts_of(field.values),
    "given_end": lambda field: given_ends_of(field.values),
    "pinyin": lambda field: pinyins_of(field.values),
    "dialect": lambda field: dialects_of(field.values),
    "shape": lambda field: shapes_of(field.values),
    "year": lambda field: pc.utf8_slice_codeunits(field.values, 0, 4),
    "month_day": lambda field: pc.utf8_slice_codeunits(field.values, 4, 8),
    "tokens": lambda field: address_tokens_of(field.values),
    "county": lambda field: pc.utf8_slice_codeunits(field.values, 0, 6),
    "sorted": lambda field: sorted_words_of(field.values),
    "initial": lambda field: pc.utf8_slice_codeunits(field.values, 0, 1),
    "sound": lambda field: sounds_of(field.values),
    "prefix3": lambda field: pc.utf8_slice_codeunits(field.values, 0, 3),
}


def view_values(field: NormalisedField, view: str) -> pa.StringArray:
    """A view of a field, string array of shape (rows,); null where it has no value.

    Args:
        view: one of ``agreement.VIEWS`` of the field's kind; ``""`` is what a pass sees of the whole value.
    """
    if view in field.views and view != "partial":
        return field.views[view]
    make = _VIEWS.get(view)
    return make(field) if make is not None else nulls(len(field.states))
