"""The synthetic city as three sets: clean, default and hard; and the plaintext that its peers get.

``clean``: every rate of error is 0. ``default``: the city's own rates. ``hard``: every rate of error from ``id_typo``
to ``town_stale`` times three (no share above 1, so that all phones and addresses differ), 3 % of births are twins, the
numbers of resident_medical went through a spreadsheet, and resident_pension has no ID numbers at all.

Peers get the values that our own departments encode, normalised, so that nobody loses for want of cleaning: a birth
date that a valid ID number overrules is overruled for them, too. An ID number that is invalid is given to them as it
was written, for they can compare it fuzzily; our departments make no token of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from _sets import IntArray, LinkageSet

from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.department.normalise import normalise_fields
from secure_match.synthetic import City, CityConfig, generate_city
from secure_match.synthetic._people import draw_people
from secure_match.synthetic._streams import Streams

CITY_SETS = ("city_clean", "city_default", "city_hard")
PEER_COLUMNS = ("name", "sex", "birth_date", "phone", "id_number")
ERROR_RATES = tuple(
    name
    for names in [[item.name for item in fields(CityConfig)]]
    for name in names[names.index("id_typo") : names.index("town_stale") + 1]
)
NOT_CLEAN = (*ERROR_RATES, "format_noise", "unusable")
HARDER, HARD_TWINS = 3.0, 0.03
SPREADSHEET_FILE, FILE_WITHOUT_IDS = "resident_medical", "resident_pension"


@dataclass(frozen=True, slots=True, kw_only=True)
class CitySet(LinkageSet):
    """A city beside the set; ``twins`` are persons, int64 of shape (2, pairs)."""

    city: City = field(repr=False)
    twins: IntArray = field(repr=False)


def city_config(name: str, *, people: int, seed: int) -> CityConfig:
    """The settings of one of ``CITY_SETS``."""
    plain = CityConfig(people=people, seed=seed)
    if name == "city_clean":
        return replace(plain, **dict.fromkeys(NOT_CLEAN, 0.0))
    if name == "city_hard":
        harder = {rate: min(1.0, HARDER * getattr(plain, rate)) for rate in ERROR_RATES}
        return replace(plain, twin_births=HARD_TWINS, excel_damage=frozenset({SPREADSHEET_FILE}), **harder)
    return plain


def city_set(name: str, *, people: int, seed: int) -> CitySet:
    """One of ``CITY_SETS``; rows are those of the exports, in their order."""
    config = city_config(name, people=people, seed=seed)
    agreement = parse_agreement(trusted_template())
    city = generate_city(config)
    if name == "city_hard":
        city = _without_ids(agreement, city, FILE_WITHOUT_IDS)
    return CitySet(
        name=f"{name}/{seed}",
        files={dataset: _peer_table(agreement, dataset, table) for dataset, table in city.exports.items()},
        person=np.concatenate([_usable_person(city, dataset) for dataset in city.exports]),
        within=True,
        one_to_one=False,
        agreement="city",
        city=city,
        twins=_twins(config),
    )


def _without_ids(agreement: Agreement, city: City, dataset: str) -> City:
    """The city with an empty ID column in one file."""
    table = city.exports[dataset]
    place = table.column_names.index(_headers(agreement, dataset)["id_number"])
    emptied = table.set_column(place, table.field(place), pa.array([""] * len(table), pa.string()))
    return replace(city, exports=city.exports | {dataset: emptied})


def _headers(agreement: Agreement, dataset: str) -> dict[str, str]:
    found = agreement.dataset(dataset)
    assert found is not None
    return found.identity


def _usable_person(city: City, dataset: str) -> IntArray:
    truth = city.truth.person_of[dataset]
    person = truth["person"].to_numpy().astype(np.int64)
    unusable = city.truth.unusable[dataset]
    person[np.array([key in unusable for key in truth["row_key"].to_pylist()], dtype=np.bool_)] = -1
    return person


def _peer_table(agreement: Agreement, dataset: str, table: pa.Table) -> pa.Table:
    columns = {name: table[header].combine_chunks() for name, header in _headers(agreement, dataset).items()}
    normalised = normalise_fields(agreement, columns, len(table))
    values = {name: pc.fill_null(normalised[name].values, "") for name in PEER_COLUMNS}
    written = pc.utf8_upper(pc.utf8_trim_whitespace(pc.utf8_normalize(columns["id_number"], "NFKC")))
    values["id_number"] = pc.if_else(pc.equal(values["id_number"], ""), written, values["id_number"])
    return pa.table(values)


def _twins(config: CityConfig) -> IntArray:
    twin_of = draw_people(config, Streams(seed=config.seed)).twin_of
    younger = np.flatnonzero(twin_of >= 0)
    return np.stack([twin_of[younger], younger])
