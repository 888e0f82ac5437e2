"""Packages of a made-up city, straight as encodings: no department and no key is needed to measure the bureau.

People, households, name frequencies, files and their error rates are shaped like the demo's. Encodings are drawn from
a mixer of 64-bit words, keyed by block value as real ones are: equal values in one block set equal bits, and values of
different blocks have nothing in common. Nothing here is secret or safe.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from secure_match.agreement import Agreement, Dataset, dataset_fields, dataset_passes, leaving_columns
from secure_match.encoded import (
    CodedColumn,
    DatasetManifest,
    EncodedDataset,
    PassColumn,
    RowCounts,
    binary_from_matrix,
    dataset_schema,
)
from secure_match.encoded.files import write_dataset
from secure_match.kernels import jit

FIVE = ("population", "employee_pension", "resident_pension", "employee_medical", "resident_medical")
"""The packages of the target: together about 2.9 records per person."""
COVER = {
    "population": (0.0, 1.0),
    "employee_pension": (0.0, 0.42),
    "resident_pension": (0.415, 0.855),
    "employee_medical": (0.0, 0.44),
    "resident_medical": (0.435, 1.075),
}
"""Which part of the people a file holds; where two parts overlap, people are enrolled twice."""
_NO_TOKEN, _NAME_SLIP, _BIRTH_SLIP, _NO_PHONE, _OTHER_PHONE = 0.015, 0.008, 0.005, 0.11, 0.35
_DAYS, _SURNAMES, _CHARACTERS = 29_200, 400, 1_500
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
Columns = dict[str, np.ndarray]


@jit
def _mixed(word: np.uint64) -> np.uint64:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@jit
def _encode(block: np.ndarray, parts: np.ndarray, draws: int, out: np.ndarray) -> None:
    """Set ``draws`` bits for every part of a row, under the row's block."""
    bits = np.uint64(out.shape[1] * 8)
    for row in range(out.shape[0]):
        for part in range(parts.shape[0]):
            state = _mixed(block[row] ^ _mixed(np.uint64(parts[part, row] * 64 + part + 1)))
            for _ in range(draws):
                state += _GOLDEN
                bit = _mixed(state) % bits
                out[row, bit // np.uint64(8)] |= np.uint8(1) << np.uint8(bit % np.uint64(8))


def _mix(*columns: np.ndarray) -> np.ndarray:
    """One pseudo-random word per row from some columns."""
    state = np.zeros(len(columns[0]), dtype=np.uint64)
    for place, column in enumerate(columns):
        state = (state ^ column.astype(np.uint64)) + np.uint64(int(_GOLDEN) * (place + 1) % (1 << 64))
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return state


def _population(people: int, rng: np.random.Generator) -> Columns:
    def common(size: int, power: float) -> np.ndarray:
        weights = 1.0 / np.arange(1, size + 1) ** power
        return rng.choice(size, people, p=weights / weights.sum())

    return {
        "token": rng.integers(1, 1 << 62, people),
        "household": np.arange(people) // 3,
        "surname": common(_SURNAMES, 1.0),
        "first": common(_CHARACTERS, 1.0),
        "second": common(_CHARACTERS, 1.0),
        "day": rng.integers(0, _DAYS, people),
        "sex": rng.integers(0, 2, people),
    }


def _file(city: Columns, cover: tuple[float, float], rng: np.random.Generator) -> Columns:
    """Rows of one file: some of the people, in any order, with the slips of a file."""
    people = len(city["token"])
    chosen = rng.permutation(np.arange(int(people * cover[0]), int(people * cover[1])) % people)
    rows = {name: values[chosen].copy() for name, values in city.items()}
    count = len(chosen)
    rows["token"][rng.random(count) < _NO_TOKEN] = 0
    for name, rate, size in (("second", _NAME_SLIP, _CHARACTERS), ("day", _BIRTH_SLIP, _DAYS)):
        wrong = rng.random(count) < rate
        rows[name][wrong] = rng.integers(0, size, int(wrong.sum()))
    rows["phone"] = rows.pop("household") + 1
    other = rng.random(count) < _OTHER_PHONE
    rows["phone"][other] = rng.integers(people, people * 40, int(other.sum()))
    rows["phone"][rng.random(count) < _NO_PHONE] = 0
    return rows


def _pass_parts(name: str, rows: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Block word, parts of shape (parts, rows), validity and draws per part of one pass of the template."""
    whole_name = [rows["surname"], rows["first"], rows["second"]]
    year, month, day = rows["day"] // 365, rows["day"] % 365 // 31, rows["day"] % 365 % 31
    everyone = np.ones(len(year), dtype=np.bool_)
    date = [year // 10, year % 10, month, day]
    if name == "birth":
        return _mix(rows["day"], rows["sex"]), np.array(whole_name), everyone, 66
    if name == "name_year":
        return _mix(*whole_name, year + 1000), np.array([month, day // 10, day % 10]), everyone, 66
    if name == "name_day":
        return _mix(*whole_name, month, day + 2000), np.array([year // 10, year % 10]), everyone, 100
    return _mix(rows["phone"]), np.array([*whole_name, *date]), rows["phone"] > 0, 57


def _words(*columns: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.stack(columns, axis=1)).view(np.uint8).reshape(len(columns[0]), -1)


def _manifest(agreement: Agreement, dataset: Dataset, rows: int) -> DatasetManifest:
    passes = dataset_passes(agreement, dataset)
    return DatasetManifest(
        definition="agreement",
        definition_id=agreement.id,
        definition_fingerprint=agreement.fingerprint,
        dataset=dataset.id,
        owner=dataset.owner,
        key_epoch=agreement.key_epoch,
        key_id="0" * 16,
        handle_key_id="1" * 16,
        counts=RowCounts(read=rows, encoded=rows, quarantined=0),
        id_tokens=True,
        state_fields=tuple(dataset_fields(agreement, dataset)),
        passes=tuple(PassColumn(id=item.id, bits=item.encoded_bits, blocked=bool(item.block_on)) for item in passes),
        coded=tuple(CodedColumn(name=column.name, type=column.type) for column in dataset.columns),
        tool="benchmark",
    )


def _codes(dataset: Dataset, rows: Columns, rng: np.random.Generator) -> dict[str, pa.Array]:
    count = len(rows["day"])
    first = rng.integers(1, 10, count)
    last = np.minimum(first + rng.integers(1, 12, count), 13)
    made: dict[str, pa.Array] = {}
    for column in dataset.columns:
        if column.name == "first_month":
            made[column.name] = pa.array((202600 + first).astype(np.int32))
        elif column.name == "last_month":
            made[column.name] = pa.array((202600 + np.minimum(last, 12)).astype(np.int32), mask=last > 12)
        elif column.type == "code":
            made[column.name] = pa.array(np.where(rng.random(count) < 0.02, "2", "1"), pa.string())
        else:
            made[column.name] = pa.array(np.where(rows["day"] < _DAYS * 0.8, 1890, 2011).astype(np.int32))
    return made


def make_dataset(agreement: Agreement, dataset: Dataset, city: Columns, rng: np.random.Generator) -> EncodedDataset:
    """One file of the city as an encoded dataset."""
    rows = _file(city, COVER[dataset.id], rng)
    count = len(rows["token"])
    manifest = _manifest(agreement, dataset, count)
    high = np.sort(rng.integers(0, 1 << 63, count).astype(np.uint64)).byteswap()
    columns: dict[str, pa.Array] = {
        "handle": binary_from_matrix(_words(high, rng.integers(0, 1 << 63, count).astype(np.uint64))),
        "id_token": binary_from_matrix(
            _words(_mix(rows["token"]), _mix(rows["token"], rows["token"])), rows["token"] > 0
        ),
    }
    for name in manifest.state_fields:
        columns[f"state.{name}"] = pa.array(np.zeros(count, dtype=np.uint8))
    for item in manifest.passes:
        block, parts, valid, draws = _pass_parts(item.id, rows)
        matrix = np.zeros((count, item.width_bytes), dtype=np.uint8)
        _encode(block, parts.astype(np.int64), draws, matrix)
        columns[f"pass.{item.id}.block"] = binary_from_matrix(_words(block, _mix(block)), valid)
        columns[f"pass.{item.id}.encoding"] = binary_from_matrix(matrix, valid)
    columns |= {f"code.{name}": cells for name, cells in _codes(dataset, rows, rng).items()}
    names = [column.name for column in leaving_columns(agreement, dataset)]
    table = pa.table([columns[name] for name in names], schema=dataset_schema(manifest))
    return EncodedDataset(manifest=manifest, table=table)


def write_city(agreement: Agreement, people: int, directory: Path, *, seed: int = 7) -> list[Path]:
    """Write the five packages of a city of ``people``; same arguments, same bytes."""
    rng = np.random.default_rng(seed)
    city = _population(people, rng)
    paths = []
    for name in FIVE:
        dataset = agreement.dataset(name)
        if dataset is None:
            raise SystemExit(f"the template has no dataset {name} any more")
        paths.append(directory / f"{name}.smp")
        write_dataset(make_dataset(agreement, dataset, city, rng), paths[-1])
    return paths
