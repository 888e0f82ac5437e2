"""Sets of passes by what they cost and what they catch: how the default of the city's agreement was chosen.

For each set, on a synthetic city: how often two rows of one person, both with a name and a birth date, share no block
in any pass; the min-entropy of each pass's block values in the population file; and how many rows' encodings leave in
two phases. Nothing is encoded and nothing is linked: blocks alone decide all of it.

Example:
    python benchmarks/default_passes.py --people 100000 --seed 101
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from _common import machine

from secure_match.agreement import (
    Agreement,
    Dataset,
    Pass,
    PassField,
    city_template,
    dataset_passes,
    parse_agreement,
    trusted_template,
)
from secure_match.agreement.tables import UNKNOWN_CHARACTER
from secure_match.department.normalise import NormalisedField, normalise_fields
from secure_match.department.passes import view_of
from secure_match.synthetic import City, CityConfig, generate_city

ROWS = 200_000
"""Rows that are normalised at a time."""
NONE = np.uint64(0)
WHOLE = ("name", "birth_date")
BY_SOUND = {"name": "name.dialect"}
Words = np.ndarray


def _pass(name: str, *block_on: str) -> Pass:
    fields = (PassField(field="name.shape", qgram_sizes=(2,), insertions=100),)
    return Pass(id=name, block_on=block_on, fields=fields)


def _sets() -> dict[str, tuple[Pass, ...]]:
    """Name of a set to its passes; the first is the default."""
    default, wide = (parse_agreement(text).passes for text in (city_template(), trusted_template()))
    without = {item.id: item for item in default}
    return {
        "default": default,
        "trusted template": wide,
        "birth date and sex alone": (_pass("birth", "birth_date", "sex"),),
        "default, names by sound": tuple(
            item.model_copy(
                update={"block_on": tuple("name.dialect" if part == "name" else part for part in item.block_on)}
            )
            for item in default
        ),
        "default, whole surname block": (
            _pass("birth", "birth_date", "sex", "name.surname_dialect"),
            *(item for item in default if item.id not in {"given_start", "given_end"}),
        ),
        "default, without given": tuple(item for item in default if item.id != "given"),
        "default, without phone": tuple(item for item in default if item.id != "phone"),
        "default, without partial": tuple(item for item in default if item.id != "partial"),
        "default, one name pass": tuple(without[name] for name in without if name != "name_day"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One dataset: per pass id the block of each row as a word (0 for none), its ID number likewise, its person."""

    kind: str
    numbers: Words
    person: np.ndarray
    blocks: dict[tuple[str, ...], Words]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Miss probability, min-entropy and rows released for sets of passes.",
        epilog="example: python benchmarks/default_passes.py --people 100000 --seed 101",
    )
    parser.add_argument("--people", type=int, default=100_000, help="people of the city (default: 100000)")
    parser.add_argument("--seed", type=int, default=101, help="seed of the city (default: 101)")
    parser.add_argument("--only", help="one set by its name")
    options = parser.parse_args(arguments)
    print(machine())
    city = generate_city(CityConfig(people=options.people, seed=options.seed))
    agreement = parse_agreement(city_template())
    sets = {name: passes for name, passes in _sets().items() if options.only in (None, name)}
    wanted = sorted({WHOLE, *(item.block_on for passes in sets.values() for item in passes)})
    rows = {dataset.id: _rows(agreement, dataset, city, wanted) for dataset in agreement.datasets}
    print(f"{options.people:,} people, seed {options.seed}")
    print(
        "set                       rows of one person sharing no block   enrolments asked   population asked   passes"
    )
    for name, passes in sets.items():
        _line(name, passes, rows)
    print("min-entropy in bits of block values in the population file")
    population = next(item for item in rows.values() if item.kind == "population")
    for block_on in wanted:
        print(f"  {' + '.join(block_on):<48} {_min_entropy(population.blocks[block_on]):5.1f}")


def _rows(agreement: Agreement, dataset: Dataset, city: City, wanted: list[tuple[str, ...]]) -> Rows:
    table = city.exports[dataset.id]
    person = city.truth.person_of[dataset.id]["person"].to_numpy()
    available = {item.block_on for item in dataset_passes(agreement, dataset)}
    parts: dict[tuple[str, ...], list[Words]] = {block_on: [] for block_on in wanted}
    numbers: list[Words] = []
    for begin in range(0, table.num_rows, ROWS):
        chunk = table.slice(begin, ROWS)
        raw = {name: chunk[header].combine_chunks() for name, header in dataset.identity.items()}
        fields = normalise_fields(agreement, raw, chunk.num_rows)
        numbers.append(_words([view_of(fields, "id_number")], fields["id_number"].states <= 1))
        for block_on in wanted:
            parts[block_on].append(_blocks(fields, block_on))
    assert available
    return Rows(
        kind=dataset.kind,
        numbers=np.concatenate(numbers),
        person=person,
        blocks={block_on: np.concatenate(found) for block_on, found in parts.items()},
    )


def _blocks(fields: dict[str, NormalisedField], block_on: tuple[str, ...]) -> Words:
    values = [view_of(fields, reference) for reference in block_on]
    known = np.ones(len(values[0]), dtype=np.bool_)
    for column in values:
        lost = pc.fill_null(pc.match_substring(column, UNKNOWN_CHARACTER), True)
        known &= ~np.asarray(lost.to_numpy(zero_copy_only=False), dtype=np.bool_)
    return _words(values, known)


def _words(values: list[pa.StringArray], known: np.ndarray) -> Words:
    """A word of 64 bits per row: equal texts have equal ones; 0 where a row is not known."""
    word = np.full(len(values[0]), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for column in values:
        coded = column.dictionary_encode()
        of_text = np.array([hash(text) & 0xFFFFFFFFFFFFFFFF for text in coded.dictionary.to_pylist()] or [0], np.uint64)
        here = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        known = known & (here >= 0)
        word = (word ^ of_text[np.maximum(here, 0)]) * np.uint64(0xBF58476D1CE4E5B9)
        word ^= word >> np.uint64(29)
    return np.where(known, word | np.uint64(1), NONE)


def _line(name: str, passes: tuple[Pass, ...], rows: dict[str, Rows]) -> None:
    population = next(item for item in rows.values() if item.kind == "population")
    known = np.unique(population.numbers)
    ways = [item.block_on for item in passes]
    pairs = missed = asked = total = 0
    tags: dict[tuple[str, ...], list[Words]] = {way: [] for way in ways}
    first = np.full(int(max(item.person.max() for item in rows.values())) + 1, -1, dtype=np.int64)
    first[population.person] = np.arange(len(population.person))
    for item in rows.values():
        if item.kind == "population":
            continue
        at = first[item.person]
        usable = (at >= 0) & (item.blocks[WHOLE] != NONE)
        usable[usable] &= population.blocks[WHOLE][at[usable]] != NONE
        together = np.zeros(len(at), dtype=np.bool_)
        for way in ways:
            here = item.blocks[way]
            together |= (here != NONE) & (here == population.blocks[way][np.maximum(at, 0)])
        pairs += int(usable.sum())
        missed += int((usable & ~together).sum())
        unmatched = ~(np.isin(item.numbers, known) & (item.numbers != NONE))
        asked += int(unmatched.sum())
        total += len(at)
        for way in ways:
            tags[way].append(item.blocks[way][unmatched])
    given = np.zeros(len(population.person), dtype=np.bool_)
    for way in ways:
        named = np.unique(np.concatenate(tags[way]))
        given |= np.isin(population.blocks[way], named[named != NONE])
    share = missed / max(pairs, 1)
    print(
        f"{name:<26} {missed:6,} of {pairs:10,} = {share:.1e}           {asked / total:6.1%}             "
        f"{given.mean():6.1%}        {len(passes)}"
    )


def _min_entropy(blocks: Words) -> float:
    """Bits of the most frequent block value among rows that have one."""
    _, counts = np.unique(blocks[blocks != NONE], return_counts=True)
    return -math.log2(counts.max() / counts.sum()) if len(counts) else math.inf


if __name__ == "__main__":
    main()
