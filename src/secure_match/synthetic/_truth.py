"""PUBLIC: what the generator knows and nobody else does: who is who, and what a perfect run would find.

A row that nobody can use (see :attr:`Truth.unusable`) counts as absent: no finding needs it, and a person whose
only row it is counts as missing, for that is what the usable rows of the files say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.synthetic._config import DATASETS, POPULATION, STUDENTS
from secure_match.synthetic._enrolments import GROUPS, PENSION_BIRTH_YEAR
from secure_match.synthetic._exports import Export
from secure_match.synthetic._identity import render_numbers
from secure_match.synthetic._numbers import number_conflicts
from secure_match.synthetic._people import NORMAL, People
from secure_match.synthetic._places import CLEAN_FORM, address_texts
from secure_match.synthetic._streams import BoolArray, IntArray
from secure_match.synthetic._text import digits_of, strings_of

IDENTIFIER_COLUMNS: Final = {"id_number": 1, "name": 2, "phone": 5, "address": 6}
"""Kind of identifier to its column in every export."""

_KEYED: Final = pa.schema([pa.field("row_key", pa.string()), pa.field("person", pa.int64())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The generator's own knowledge. It holds raw values; it is for measuring, never for linking.

    Attributes:
        person_of: per dataset the columns ``row_key`` (string) and ``person`` (int64), in the export's order.
        duplicates: one row per unordered pair of usable rows of one person in one exclusion group whose months
            overlap in 2026. ``rule`` (``medical`` or ``pension``), ``dataset_a``, ``row_key_a``, ``dataset_b``,
            ``row_key_b`` (strings), ``first_month``, ``last_month`` (int64, YYYYMM, an interval in 2026).
            (dataset_a, row_key_a) comes before (dataset_b, row_key_b); ordered by all columns from the left.
        missing: ``rule`` and ``row_key`` of the population file (strings), ordered. ``medical``: status 1 and
            no usable medical row of any months. ``pension``: status 1, born in 2010 or before, and neither a
            usable pension row of any months nor a usable row of students.
        numbers: trouble with ID numbers on usable rows: ``kind``, ``subject`` (int64), ``dataset``, ``row_key``,
            ordered by all columns from the left. ``one_number_two_people``: all rows with a valid number that stands
            on rows of two or more people; the subject is its first 17 digits. ``one_person_two_numbers``: all rows
            with a valid number of a person whose rows have two or more of them; the subject is the person. A number
            is valid as it stands in the file (see ``_numbers.valid_numbers``), so a mistyped 15-digit one often is.
        twins: pairs of twins, ``elder`` and ``twin`` (persons, int64), ordered by twin.
        unusable: per dataset the keys of the rows that must be quarantined.
        errors: per dataset the columns ``row_key`` and ``kind`` (strings), by kind, then as in the export. An
            unusable row without identity has no other kind that its empty columns could show.
        values: raw values by kind, as chunks with repetitions; see :meth:`identifiers`.
    """

    person_of: Mapping[str, pa.Table] = field(repr=False)
    duplicates: pa.Table = field(repr=False)
    missing: pa.Table = field(repr=False)
    numbers: pa.Table = field(repr=False)
    twins: pa.Table = field(repr=False)
    unusable: Mapping[str, frozenset[str]] = field(repr=False)
    errors: Mapping[str, pa.Table] = field(repr=False)
    values: Mapping[str, pa.ChunkedArray] = field(repr=False)

    def identifiers(self) -> dict[str, list[str]]:
        """All raw values by kind: ``id_number``, ``name``, ``phone``, ``address``.

        As written in any export and in their clean form, without empty ones, each once, sorted.
        """
        return {kind: sorted(set(pc.unique(values).to_pylist()) - {""}) for kind, values in self.values.items()}


def make_truth(people: People, exports: Mapping[str, Export]) -> Truth:
    """Put together what the generator knows about ``exports``."""
    keys = {dataset: export.table.column(0).combine_chunks() for dataset, export in exports.items()}
    return Truth(
        person_of={
            dataset: pa.table([keys[dataset], pa.array(export.person)], schema=_KEYED)
            for dataset, export in exports.items()
        },
        duplicates=_duplicates(exports, keys),
        missing=_missing(people, exports, keys[POPULATION]),
        numbers=number_conflicts(exports, keys, {dataset: _usable(export) for dataset, export in exports.items()}),
        twins=_twins(people),
        unusable={
            dataset: frozenset(keys[dataset].take(pa.array(export.unusable)).to_pylist())
            for dataset, export in exports.items()
        },
        errors={dataset: _errors(export, keys[dataset]) for dataset, export in exports.items()},
        values=_values(people, exports),
    )


def _twins(people: People) -> pa.Table:
    twin = np.flatnonzero(people.twin_of >= 0)
    return pa.table({"elder": pa.array(people.twin_of[twin]), "twin": pa.array(twin)})


def _usable(export: Export) -> BoolArray:
    usable = np.ones(len(export.person), dtype=bool)
    usable[export.unusable] = False
    return usable


def _duplicates(exports: Mapping[str, Export], keys: Mapping[str, pa.Array]) -> pa.Table:
    tables = [_pairs_of_group(rule, datasets, exports, keys) for rule, datasets in GROUPS.items()]
    table = pa.concat_tables(tables)
    return table.sort_by([(name, "ascending") for name in table.column_names]).combine_chunks()


def _pairs_of_group(
    rule: str, datasets: tuple[str, str], exports: Mapping[str, Export], keys: Mapping[str, pa.Array]
) -> pa.Table:
    person, low, high, origin = (list[IntArray]() for _ in range(4))
    for number, dataset in enumerate(datasets):
        spells = exports[dataset].spells
        if spells is None:
            continue
        rows = np.flatnonzero(_usable(exports[dataset]))
        first, last = spells.months_in_year()
        person.append(spells.person[rows])
        low.append(first[rows])
        high.append(last[rows])
        origin.append(np.full(len(rows), number, dtype=np.int64))
    texts = pa.concat_arrays([keys[name].filter(pa.array(_usable(exports[name]))) for name in datasets])
    persons, lows, highs, origins = (np.concatenate(parts) for parts in (person, low, high, origin))
    left, right = _same_person_pairs(persons)
    first, last = np.maximum(lows[left], lows[right]), np.minimum(highs[left], highs[right])
    common = first <= last
    left, right, first, last = left[common], right[common], first[common], last[common]
    names = pa.array(datasets, pa.string())
    key = pc.binary_join_element_wise(names.take(pa.array(origins)), texts, pa.scalar("/"))
    swap = pc.greater(key.take(pa.array(left)), key.take(pa.array(right))).to_numpy(zero_copy_only=False)
    left, right = np.where(swap, right, left), np.where(swap, left, right)
    return pa.table(
        {
            "rule": pa.array([rule] * len(left), pa.string()),
            "dataset_a": names.take(pa.array(origins[left])),
            "row_key_a": texts.take(pa.array(left)),
            "dataset_b": names.take(pa.array(origins[right])),
            "row_key_b": texts.take(pa.array(right)),
            "first_month": pa.array(_as_yyyymm(first)),
            "last_month": pa.array(_as_yyyymm(last)),
        }
    )


def _same_person_pairs(person: IntArray) -> tuple[IntArray, IntArray]:
    """All pairs of rows (indices) of one person."""
    order = np.argsort(person, kind="stable")
    ordered = person[order]
    left, right = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for distance in range(1, len(person)):
        same = np.flatnonzero(ordered[distance:] == ordered[:-distance])
        if not len(same):
            break
        left.append(order[same])
        right.append(order[same + distance])
    return np.concatenate(left), np.concatenate(right)


def _as_yyyymm(month: IntArray) -> IntArray:
    return (2025 + month // 12) * 100 + month % 12 + 1


def _missing(people: People, exports: Mapping[str, Export], keys: pa.Array) -> pa.Table:
    population = exports[POPULATION]
    person = population.person
    due = _usable(population) & (people.status[person] == NORMAL)
    rules = {
        "medical": due & ~_seen(people, exports, GROUPS["medical"])[person],
        "pension": due
        & (people.birth_year[person] <= PENSION_BIRTH_YEAR)
        & ~_seen(people, exports, (*GROUPS["pension"], STUDENTS))[person],
    }
    tables = []
    for rule, flags in rules.items():
        found = keys.filter(pa.array(flags))
        tables.append(pa.table({"rule": pa.array([rule] * len(found), pa.string()), "row_key": found}))
    return pa.concat_tables(tables).sort_by([("rule", "ascending"), ("row_key", "ascending")]).combine_chunks()


def _seen(people: People, exports: Mapping[str, Export], datasets: tuple[str, ...]) -> BoolArray:
    seen = np.zeros(len(people.age), dtype=bool)
    for dataset in datasets:
        seen[exports[dataset].person[_usable(exports[dataset])]] = True
    return seen


def _errors(export: Export, keys: pa.Array) -> pa.Table:
    kinds = sorted(kind for kind, rows in export.errors.items() if len(rows))
    rows = [export.errors[kind] for kind in kinds]
    kind_of = np.repeat(np.arange(len(kinds)), [len(part) for part in rows]) if kinds else np.empty(0, dtype=np.int64)
    index = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
    return pa.table(
        {"row_key": keys.take(pa.array(index)), "kind": pa.array(kinds, pa.string()).take(pa.array(kind_of))}
    )


def _values(people: People, exports: Mapping[str, Export]) -> dict[str, pa.ChunkedArray]:
    clean = {
        "id_number": [strings_of(render_numbers(people.number))],
        "name": [strings_of(people.name)],
        "phone": [strings_of(digits_of(people.phone[people.phone > 0], 11))],
        "address": [address_texts(people.homes, people.home, np.full(len(people.home), CLEAN_FORM, dtype=np.int64))],
    }
    written = {
        kind: [chunk for dataset in DATASETS for chunk in exports[dataset].table.column(column).chunks]
        for kind, column in IDENTIFIER_COLUMNS.items()
    }
    return {kind: pa.chunked_array(clean[kind] + written[kind], pa.string()) for kind in clean}
