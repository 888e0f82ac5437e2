"""A file of the synthetic city as the bureau would see it, and the population file as the roster that it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement, Pass, id_token_field
from secure_match.department.normalise import NormalisedField, normalise_fields
from secure_match.department.passes import PassKeys, encode_passes, view_of
from secure_match.encoded import matrix_from_binary
from secure_match.review.attacks import SeenPass
from secure_match.review.attacks.inputs import IntArray
from secure_match.review.attacks.release import seen_pass
from secure_match.synthetic import City

POPULATION = "population"
_SECRET = b"a secret of benchmarks, no more.."


@dataclass(frozen=True, kw_only=True)
class Release:
    """Passes of one file, and whose row each is: a place in the population file, or -1."""

    name: str
    passes: list[SeenPass]
    truth: IntArray


def make_release(agreement: Agreement, city: City, dataset: str) -> Release:
    """Encode a file in all passes; the roster is the population file, normalised as the agreement says."""
    roster, rows = _fields(agreement, city, POPULATION), _fields(agreement, city, dataset)
    keyed = [(item, PassKeys.derive(_SECRET, agreement.fingerprint, item.id)) for item in agreement.passes]
    made = encode_passes(keyed, rows)
    passes = [_seen(item, roster, *columns) for item, columns in zip(agreement.passes, made, strict=True)]
    people = city.truth.person_of[POPULATION]["person"].to_numpy()
    place = np.full(int(max(people.max(), city.truth.person_of[dataset]["person"].to_numpy().max())) + 1, -1)
    place[people] = np.arange(len(people))
    truth = place[city.truth.person_of[dataset]["person"].to_numpy()].astype(np.int64)
    return Release(name=dataset, passes=passes, truth=truth)


def record_texts(agreement: Agreement, city: City) -> list[str]:
    """Name, birth date and phone of the population file as one text each: what a record-level CLK encodes."""
    fields = _fields(agreement, city, POPULATION)
    parts = [_texts(fields, name) for name in ("name", "birth_date", "phone")]
    return ["".join(cells) for cells in zip(*parts, strict=True)]


def id_numbers(agreement: Agreement, city: City, dataset: str) -> pa.Array:
    """Whole ID numbers of a file, null where a row would have no token."""
    described = agreement.dataset(dataset)
    name = id_token_field(agreement, described) if described is not None else None
    if name is None:
        return pa.nulls(city.exports[dataset].num_rows, pa.string())
    values = view_of(_fields(agreement, city, dataset), name)
    return pc.if_else(pc.equal(pc.utf8_length(values), 18), values, pa.scalar(None, pa.string()))


def column_texts(agreement: Agreement, city: City, reference: str) -> list[str]:
    """A field or view of the population file, empty where it has no value."""
    return _texts(_fields(agreement, city, POPULATION), reference)


def _fields(agreement: Agreement, city: City, dataset: str) -> dict[str, NormalisedField]:
    described = agreement.dataset(dataset)
    if described is None:
        raise SystemExit(f"the template has no dataset {dataset} any more")
    table = city.exports[dataset]
    raw = {name: table[header].combine_chunks() for name, header in described.identity.items()}
    return normalise_fields(agreement, raw, table.num_rows)


def _texts(fields: dict[str, NormalisedField], reference: str) -> list[str]:
    return pc.fill_null(view_of(fields, reference), "").to_pylist()


def _seen(item: Pass, roster: dict[str, NormalisedField], tags: pa.Array | None, encodings: pa.Array) -> SeenPass:
    bits, present = matrix_from_binary(encodings)
    names = (*item.block_on, *(field.field for field in item.fields))
    texts = {name: _texts(roster, name) for name in names}
    return seen_pass(item, texts, matrix_from_binary(tags)[0] if tags is not None else None, bits, present)
