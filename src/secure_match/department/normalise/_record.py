"""RAW: all identity fields of a batch of rows, the ones that an ID number implies included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement
from secure_match.department.normalise._dates import normalise_birth_dates
from secure_match.department.normalise._field import NormalisedField, to_bool
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

    Birth date and sex come from a valid ID number where the row has one: its check digit protects them, and nothing
    protects the row's own. The state says whether they differed (repaired) from what the row holds.

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
                by_kind[kind] = _prefer(by_kind[kind], implied(numbers.values))
    return {name: by_kind[field.kind] for name, field in agreement.fields.items()}


def _absent(rows: int) -> NormalisedField:
    return NormalisedField(values=pa.nulls(rows, pa.string()), states=np.full(rows, FieldState.MISSING, dtype=np.uint8))


def _prefer(own: NormalisedField, implied: pa.StringArray) -> NormalisedField:
    """The implied values where there are any, else the row's own."""
    agrees = to_bool(pc.equal(own.values, implied))
    replaced = to_bool(pc.is_valid(implied)) & ~agrees
    states = np.where(replaced, np.uint8(FieldState.REPAIRED), own.states)
    return NormalisedField(values=pc.coalesce(implied, own.values), states=states)
