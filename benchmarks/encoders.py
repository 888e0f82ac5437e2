"""What each encoder and hardening costs: rows per second, and F1 of the name pass on synthetic cities, beside clk.

Pairs are those of the population and every other dataset whose block (birth date and sex) is equal; a pair is taken for
one person where the Dice similarity reaches a threshold. The threshold with the best F1 on the first city is used on
the others, whose counts are added up. "unequal" is the F1 of the pairs whose plain encodings differ: there alone an
encoder can lose anything. Recall is that of pairs in one block; what the block loses is the same for all encoders.

Example:
    python benchmarks/encoders.py --people 20000 --seeds 201 202 203
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from _common import in_turn, machine

from secure_match.agreement import Agreement, Dataset, Pass, city_template, dataset_passes, parse_agreement
from secure_match.department.normalise import NormalisedField, normalise_fields
from secure_match.department.passes import PassKeys, encode_pass
from secure_match.encoded import matrix_from_binary
from secure_match.synthetic import City, CityConfig, generate_city

SECRET = b"benchmark secret, protects nothi"
PASS = "birth"
VARIANTS: dict[str, dict[str, Any]] = {
    "clk": {},
    "clk, blip 0.02": {"hardening": {"blip": {"flip": 0.02}}},
    "clk, blip 0.05": {"hardening": {"blip": {"flip": 0.05}}},
    "clk, blip 0.1": {"hardening": {"blip": {"flip": 0.1}}},
    "clk, fold": {"hardening": {"xor_fold": True}},
    "clk, rule90": {"hardening": {"rule90": True}},
    "clk, balance": {"hardening": {"balance": True}},
    "clk, fold, rule90": {"hardening": {"xor_fold": True, "rule90": True}},
    "majority 1": {"encoder": "majority_xor", "majorities": 1},
    "majority 2": {"encoder": "majority_xor", "majorities": 2},
    "majority 3": {"encoder": "majority_xor", "majorities": 3},
    "majority 3, 2048 bits": {"encoder": "majority_xor", "majorities": 3, "bits": 2048},
    "majority 4": {"encoder": "majority_xor", "majorities": 4},
    "majority 3, blip 0.02": {"encoder": "majority_xor", "majorities": 3, "hardening": {"blip": {"flip": 0.02}}},
    "majority 2, blip 0.05": {"encoder": "majority_xor", "majorities": 2, "hardening": {"blip": {"flip": 0.05}}},
}

Fields = dict[str, NormalisedField]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Register:
    """One dataset of a city: normalised fields, person and a handle of every row."""

    name: str
    fields: Fields
    person: np.ndarray
    handles: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Pairs that were taken for one person, rightly and wrongly, and those that are."""

    right: int
    wrong: int
    true: int

    @property
    def f1(self) -> float:
        return 2 * self.right / max(self.right + self.wrong + self.true, 1)

    def __add__(self, other: Counts) -> Counts:
        return Counts(right=self.right + other.right, wrong=self.wrong + other.wrong, true=self.true + other.true)


def registers(agreement: Agreement, city: City) -> list[Register]:
    """The population first, then every dataset that has the pass."""
    found = []
    for dataset in sorted(agreement.datasets, key=lambda one: one.kind != "population"):
        if any(item.id == PASS for item in dataset_passes(agreement, dataset)):
            found.append(_register(agreement, dataset, city))
    return found


def _register(agreement: Agreement, dataset: Dataset, city: City) -> Register:
    table = city.exports[dataset.id].combine_chunks()
    raw = {name: table[header].combine_chunks() for name, header in dataset.identity.items()}
    truth = city.truth.person_of[dataset.id]
    known = dict(zip(truth["row_key"].to_pylist(), truth["person"].to_pylist(), strict=True))
    person = np.array([known.get(key, -1 - row) for row, key in enumerate(table[dataset.row_key].to_pylist())])
    handles = np.zeros((len(person), 16), dtype=np.uint8)
    handles[:, :8] = np.arange(len(person), dtype="<u8").view(np.uint8).reshape(-1, 8)
    return Register(
        name=dataset.id, fields=normalise_fields(agreement, raw, len(person)), person=person, handles=handles
    )


def encode(item: Pass, register: Register) -> tuple[pa.Array | None, pa.Array]:
    keys = PassKeys.derive(SECRET, "", "", item.id).with_noise(SECRET, register.name, item.id)
    return encode_pass(item, register.fields, keys, handles=register.handles)


def pairs_of(item: Pass, city: list[Register]) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Rows of the population and of each other dataset in one block; whether the pairs are one person."""
    tags = [tag_numbers(encode(item, register)[0]) for register in city]
    order = np.argsort(tags[0], kind="stable")
    ordered = tags[0][order]
    pairs, is_match = [], []
    for register, others in zip(city[1:], tags[1:], strict=True):
        first, last = np.searchsorted(ordered, others, side="left"), np.searchsorted(ordered, others, side="right")
        sizes = np.where(others >= 0, last - first, 0)
        row = np.repeat(np.arange(len(others)), sizes)
        place = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(first, sizes)
        pairs.append((order[place], row))
        is_match.append(city[0].person[order[place]] == register.person[row])
    return pairs, np.concatenate(is_match)


def tag_numbers(tags: pa.Array | None) -> np.ndarray:
    """The first seven bytes of each tag as a number, -1 for none."""
    assert tags is not None
    matrix, valid = matrix_from_binary(tags)
    words = matrix[:, :8].copy().view("<u8")[:, 0] >> np.uint64(8)
    return np.where(valid, words.astype(np.int64), -1)


def similarities(item: Pass, city: list[Register], pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    population = matrix_from_binary(encode(item, city[0])[1])[0]
    found = []
    for register, (one, two) in zip(city[1:], pairs, strict=True):
        a, b = population[one], matrix_from_binary(encode(item, register)[1])[0][two]
        both = np.bitwise_count(a & b).sum(axis=1, dtype=np.int64)
        found.append(2 * both / (np.bitwise_count(a).sum(axis=1) + np.bitwise_count(b).sum(axis=1, dtype=np.int64)))
    return np.concatenate(found)


def best_threshold(similarity: np.ndarray, is_match: np.ndarray) -> float:
    """The threshold of the best F1, in the middle between two similarities; of equal ones the highest."""
    order = np.argsort(-similarity, kind="stable")
    values, right = similarity[order], np.cumsum(is_match[order])
    f1 = 2 * right / (np.arange(1, len(order) + 1) + is_match.sum())
    f1[:-1][values[:-1] == values[1:]] = 0
    best = int(np.argmax(f1))
    below = values[best + 1] if best + 1 < len(values) else 0.0
    return float((values[best] + below) / 2)


def counts(similarity: np.ndarray, is_match: np.ndarray, threshold: float) -> Counts:
    taken = similarity >= threshold
    return Counts(right=int((taken & is_match).sum()), wrong=int((taken & ~is_match).sum()), true=int(is_match.sum()))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Speed and linkage quality of encoders and hardenings, beside plain clk.",
        epilog="example: python benchmarks/encoders.py --people 20000 --seeds 201 202 203",
    )
    parser.add_argument("--people", type=int, default=20_000, help="people of each city (default: 20000)")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[201, 202, 203], help="the first sets thresholds (default: 201 202 203)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="timings of each encoder (default: 5)")
    options = parser.parse_args(arguments)
    agreement = parse_agreement(city_template())
    plain = next(item for item in agreement.passes if item.id == PASS)
    cities = [
        registers(agreement, generate_city(CityConfig(people=options.people, seed=seed))) for seed in options.seeds
    ]
    blocks = [pairs_of(plain, city) for city in cities]
    unequal = [similarities(plain, city, pairs) < 1 for city, (pairs, _) in zip(cities, blocks, strict=True)]
    print(machine())
    measured = [matches[differ] for (_, matches), differ in zip(blocks, unequal, strict=True)][1:] or [np.zeros(0)]
    print(f"pass {PASS}: {', '.join(field.field for field in plain.fields)} under {' and '.join(plain.block_on)}")
    print(
        f"{sum(map(len, measured)):,} pairs with unequal encodings, {int(sum(map(np.sum, measured))):,} of one person"
    )
    print("encoder                   bits    rows/s  times clk's time  threshold      F1     cost  unequal    cost")
    reference: tuple[float, float] | None = None
    for name, changes in VARIANTS.items():
        item = Pass.model_validate(plain.model_dump() | changes)
        scored = [similarities(item, city, pairs) for city, (pairs, _) in zip(cities, blocks, strict=True)]
        threshold = best_threshold(scored[0], blocks[0][1])
        tested = range(1, len(cities)) if len(cities) > 1 else range(1)
        whole = part = Counts(right=0, wrong=0, true=0)
        for index in tested:
            matches, differ = blocks[index][1], unequal[index]
            whole += counts(scored[index], matches, threshold)
            part += counts(scored[index][differ], matches[differ], threshold)
        own, theirs = in_turn(
            lambda item=item: encode(item, cities[0][0]), lambda: encode(plain, cities[0][0]), options.repeats
        )
        ratios = [one / two for one, two in zip(own, theirs, strict=True)]
        rate = len(cities[0][0].person) / statistics.median(own)
        reference = reference or (whole.f1, part.f1)
        print(
            f"{name:<24}  {item.encoded_bits:4}  {rate:8,.0f}  {statistics.median(ratios):5.2f} "
            f"({min(ratios):4.2f}..{max(ratios):4.2f})  {threshold:8.3f}  {whole.f1:.4f} {reference[0] - whole.f1:8.4f}"
            f"   {part.f1:.4f} {reference[1] - part.f1:7.4f}"
        )


if __name__ == "__main__":
    main()
