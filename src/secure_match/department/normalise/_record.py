"""RAW: all identity fields of a batch of rows, the ones that an ID number implies included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pyarrow as pa

from secure_match.agreement import Agreement, IdentityField
from secure_match.department.normalise._addresses import normalise_addresses, normalise_divisions
from secure_match.department.normalise._cross_check import TIED_KINDS, cross_check
from secure_match.department.normalise._dates import normalise_birth_dates
from secure_match.department.normalise._field import NormalisedField, absent, concat
from secure_match.department.normalise._generic import normalise_digits, normalise_identifiers, normalise_texts
from secure_match.department.normalise._id_number import normalise_id_numbers
from secure_match.department.normalise._names import normalise_names
from secure_match.department.normalise._survey import ColumnFacts, ColumnSurvey
from secure_match.department.normalise._texts import normalise_phones, normalise_sexes

_THREADS: Final = 2
_CHUNK_ROWS: Final = 32_768
"""Rows whose arrays of characters stay in the processor's cache; more are shared out among threads."""


def normalise_fields(
    agreement: Agreement, columns: Mapping[str, pa.Array], rows: int, *, facts: ColumnFacts | None = None
) -> dict[str, NormalisedField]:
    """Normalise a batch.

    Birth date and sex come from a valid ID number where the row has one: its check digit protects them, and nothing
    protects the row's own. The state says whether they differed (repaired) from what the row holds, and a flag
    ``differs_from_id_number`` marks readable values that did.

    Args:
        agreement: names the fields and their kinds.
        columns: identity field to raw string array of shape (rows,); fields that the dataset lacks are absent.
        rows: number of rows.
        facts: about the whole columns that the batch is part of; by default the batch is taken for all there is.

    Returns:
        Every identity field of the agreement, in its order; absent fields are all missing.
    """
    if facts is None:
        survey = ColumnSurvey(agreement)
        survey.add(columns)
        facts = survey.facts()

    # An agreement has one field of each of these kinds at most; those of the other kinds stand for themselves.
    tied = {field.kind: name for name, field in agreement.fields.items() if field.kind in TIED_KINDS}

    def part(start: int) -> dict[str, NormalisedField]:
        count = min(_CHUNK_ROWS, rows - start)
        made: dict[str, NormalisedField] = {}
        for name, field in agreement.fields.items():
            column = columns.get(name)
            normalise = _normaliser(agreement, field, facts)
            made[name] = normalise(column.slice(start, count)) if column is not None else absent(count)
        checked = cross_check({kind: made[name] for kind, name in tied.items()})
        return made | {name: checked[kind] for kind, name in tied.items()}

    if rows <= _CHUNK_ROWS:
        return part(0)
    with ThreadPoolExecutor(_THREADS) as pool:
        parts = list(pool.map(part, range(0, rows, _CHUNK_ROWS)))
    return {name: concat([fields[name] for fields in parts]) for name in agreement.fields}


def _normaliser(
    agreement: Agreement, field: IdentityField, facts: ColumnFacts
) -> Callable[[pa.Array], NormalisedField]:
    code_map = agreement.code_maps[field.code_map] if field.code_map is not None else {}
    normalisers: dict[str, Callable[[pa.Array], NormalisedField]] = {
        "id_number": lambda column: normalise_id_numbers(column, damaged=facts.id_damaged),
        "identifier": normalise_identifiers,
        "name": normalise_names,
        "sex": normalise_sexes,
        "birth_date": normalise_birth_dates,
        "phone": lambda column: normalise_phones(column, facts.shared_phones),
        "address": lambda column: normalise_addresses(column, field.divisions),
        "division": lambda column: normalise_divisions(column, code_map),
        "text": normalise_texts,
        "digits": normalise_digits,
    }
    return normalisers[field.kind]
