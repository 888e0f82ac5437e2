"""RAW: all identity fields of a batch of rows, the ones that an ID number implies included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement
from secure_match.department.normalise._dates import normalise_birth_dates
from secure_match.department.normalise._field import NormalisedField
from secure_match.department.normalise._id_number import birth_dates_of, normalise_id_numbers, sexes_of
from secure_match.department.normalise._texts import normalise_names, normalise_phones, normalise_sexes
from secure_match.encoded import FieldState

_NORMALISERS: Final[dict[str, Callable[[pa.Array], NormalisedField]]] = {
    "id_number": normalise_id_numbers,
    "name": normalise_names,
    "sex": normalise_sexes,
    "birth_date": normalise_birth_dates,
    "phone": normalise_phones,
}


def normalise_fields(agreement: Agreement, columns: Mapping[str, pa.Array], rows: int) -> dict[str, NormalisedField]:
    """Normalise a batch.

    A birth date or sex that is missing or invalid is filled from a valid ID number and counts as repaired; where the
    record has its own valid value, that one stays.

    Args:
        agreement: names the fields and their kinds.
        columns: identity field to raw string array of shape (rows,); fields that the dataset lacks are absent.
        rows: number of rows.

    Returns:
        Every identity field of the agreement, in its order; absent fields are all missing.
    """
    by_kind: dict[str, NormalisedField] = {}
    for name, field in agreement.fields.items():
        column = columns.get(name)
        by_kind[field.kind] = _NORMALISERS[field.kind](column) if column is not None else _absent(rows)
    numbers = by_kind.get("id_number")
    if numbers is not None:
        for kind, implied in (("birth_date", birth_dates_of), ("sex", sexes_of)):
            if kind in by_kind:
                by_kind[kind] = _fill(by_kind[kind], implied(numbers.values))
    return {name: by_kind[field.kind] for name, field in agreement.fields.items()}


def _absent(rows: int) -> NormalisedField:
    return NormalisedField(values=pa.nulls(rows, pa.string()), states=np.full(rows, FieldState.MISSING, dtype=np.uint8))


def _fill(own: NormalisedField, implied: pa.StringArray) -> NormalisedField:
    filled = np.asarray(
        pc.and_(pc.is_null(own.values), pc.is_valid(implied)).to_numpy(zero_copy_only=False), dtype=np.bool_
    )
    states = np.where(filled, np.uint8(FieldState.REPAIRED), own.states)
    return NormalisedField(values=pc.coalesce(own.values, implied), states=states)
