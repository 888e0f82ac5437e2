"""The index against comparing everything: time, memory and recall, beside the time that anonlink's rate implies.

The two files are a synthetic city's: its population, and its medical enrolments, about one row per person on each
side, with the errors of the city's departments: other phones, other wordings of addresses, typing errors. They are
encoded by our encoder under a clkhash schema of six fields. Rows above ``--real-rows`` are mixed from two records
each, every bit from one or the other at random, which keeps how often each bit is set. Encodings are made by a
process of their own, so that its memory is not counted, and kept in ``--cache`` for the next run.

anonlink compares a sample of rows before and after each of our runs; its rate times all pairs is the time that it
would take on its one thread. On a machine that others use as well, time on the wall says little about either; the
ratio of processor seconds, over all of our threads, is printed beside it. Recall is counted on a sample of rows that
our exhaustive kernel compares with everything.

Example:
    python benchmarks/index.py --rows 100000 --other-rows 100000
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from _common import machine, seconds
from exhaustive_dice import as_bitarrays

from secure_match.agreement import LinkageSchema
from secure_match.department import Encoder, EncodingKey
from secure_match.linkage import CandidatePairs, similar_pairs
from secure_match.linkage._index_audit import binomial_interval
from secure_match.synthetic import CityConfig, generate_city

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from anonlink.similarities import dice_coefficient_accelerated

ByteMatrix = npt.NDArray[np.uint8]

BITS_PER_FIELD = {"name": 180, "sex": 20, "birth": 160, "phone": 100, "address": 60, "town": 40}
POSITIONAL = ("sex", "birth", "phone", "town")
POPULATION = ("姓名", "性别", "出生日期", "联系电话", "户籍地址", "镇街代码")
MEDICAL = ("psn_name", "gend", "brdy", "tel", "live_addr", "admdvs")
SEX_CODES = {"男": "1", "女": "2"}
CHUNK_ROWS = 50_000


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Time the index, measure its recall, and compare with anonlink's implied time.",
        epilog="example: python benchmarks/index.py --rows 1000000 --other-rows 1000000 --sample-rows 20000",
    )
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the first file (default: 100000)")
    parser.add_argument("--other-rows", type=int, default=100_000, help="rows of the second file (default: 100000)")
    parser.add_argument("--threshold", type=float, default=0.8, help="similarity threshold (default: 0.8)")
    parser.add_argument("--recall", type=float, default=0.999, help="recall that is asked for (default: 0.999)")
    parser.add_argument("--threads", type=int, default=None, help="threads of ours (default: all cores)")
    parser.add_argument("--repeats", type=int, default=1, help="timed runs of the index (default: 1)")
    parser.add_argument(
        "--sample-rows", type=int, default=20_000, help="rows compared with everything for the recall (default: 20000)"
    )
    parser.add_argument("--peer-rows", type=int, default=8000, help="rows per side for anonlink (default: 8000)")
    parser.add_argument(
        "--real-rows", type=int, default=1_000_000, help="rows of a file that are encoded (default: 1000000)"
    )
    parser.add_argument("--cache", type=Path, default=None, help="folder that keeps the encodings (default: none)")
    parser.add_argument("--seed", type=int, default=3, help="seed of the city and of the index (default: 3)")
    options = parser.parse_args(arguments)
    if min(options.rows, options.other_rows, options.sample_rows, options.peer_rows, options.repeats) < 1:
        parser.error("numbers of rows and of runs are at least 1")
    return options


def schema() -> LinkageSchema:
    """Six fields in 1,024 bits: bigrams of name and address, digits with their place of the rest."""
    features = [
        {
            "identifier": name,
            "format": {"type": "string", "encoding": "utf-8"},
            "hashing": {
                "comparison": {"type": "ngram", "n": 1 if name in POSITIONAL else 2, "positional": name in POSITIONAL},
                "strategy": {"bitsPerFeature": bits},
            },
        }
        for name, bits in BITS_PER_FIELD.items()
    ]
    return LinkageSchema.parse({"version": 3, "clkConfig": {"l": 1024, "kdf": {"type": "HKDF"}}, "features": features})


def encoded(tables: list[pa.Table], headers: tuple[str, ...], rows: int) -> ByteMatrix:
    """The first rows of the tables, encoded."""
    columns = {
        name: [value for table in tables for value in table[header].to_pylist()]
        for name, header in zip(BITS_PER_FIELD, headers, strict=True)
    }
    columns["sex"] = [SEX_CODES.get(value, value) for value in columns["sex"]]
    table = pa.table(columns)[:rows]
    encoder = Encoder(schema(), EncodingKey.from_secret(b"a benchmark's secret"))
    parts = [encoder.encode(table.slice(at, CHUNK_ROWS)).encodings() for at in range(0, table.num_rows, CHUNK_ROWS)]
    return np.concatenate(parts)


def make_files(folder: Path, rows: tuple[int, int], real_rows: int, seed: int) -> None:
    """Write both files' encodings to ``a.npy`` and ``b.npy``; run in a process of its own."""
    people = max(100, min(real_rows, max(rows)))
    city = generate_city(CityConfig(people=people, seed=seed))
    medical = [city.exports[name] for name in ("resident_medical", "employee_medical")]
    rng = np.random.default_rng(seed)
    for name, tables, headers, wanted in (
        ("a", [city.exports["population"]], POPULATION, rows[0]),
        ("b", medical, MEDICAL, rows[1]),
    ):
        real = encoded(tables, headers, min(wanted, real_rows))
        parts = [real]
        missing = wanted - len(real)
        while missing > 0:
            first = real[rng.permutation(len(real))[:missing]]
            second = real[rng.integers(0, len(real), len(first))]
            chosen = rng.integers(0, 256, first.shape, dtype=np.uint8)
            parts.append((first & chosen) | (second & ~chosen))
            missing -= len(first)
        np.save(folder / f"{name}.npy", np.concatenate(parts))


def load_files(options: argparse.Namespace, folder: Path) -> tuple[ByteMatrix, ByteMatrix]:
    """Both files, made first where the cache lacks them."""
    place = folder / f"index-{options.rows}-{options.other_rows}-{options.real_rows}-{options.seed}"
    if not (place / "b.npy").exists():
        place.mkdir(parents=True, exist_ok=True)
        maker = multiprocessing.get_context("spawn").Process(
            target=make_files, args=(place, (options.rows, options.other_rows), options.real_rows, options.seed)
        )
        spent = seconds(lambda: (maker.start(), maker.join()))
        if maker.exitcode != 0:
            sys.exit("the encodings could not be made")
        print(f"encodings made in {spent:.0f} s")
    return np.load(place / "a.npy"), np.load(place / "b.npy")


class Clock:
    """Wall and processor seconds of calls, one entry per call."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.processor: list[float] = []

    def measure(self, call: Callable[[], object]) -> None:
        start = time.process_time()
        self.wall.append(seconds(call))
        self.processor.append(time.process_time() - start)


def time_peer(a: ByteMatrix, b: ByteMatrix, clock: Clock, options: argparse.Namespace) -> int:
    """Let anonlink compare a sample of rows; return how many pairs that were."""
    rng = np.random.default_rng(options.seed)
    sides = [side[rng.permutation(len(side))[: options.peer_rows]] for side in (a, b)]
    records = [as_bitarrays(side) for side in sides]
    clock.measure(lambda: dice_coefficient_accelerated(records, options.threshold))
    return len(sides[0]) * len(sides[1])


def measure_recall(a: ByteMatrix, b: ByteMatrix, found: CandidatePairs, options: argparse.Namespace) -> None:
    """Print the share of a sample's pairs that were found, and the exhaustive kernel's rate."""
    rng = np.random.default_rng(options.seed + 1)
    rows = np.sort(rng.choice(len(a), min(options.sample_rows, len(a)), replace=False))
    truth: list[CandidatePairs] = []
    spent = seconds(
        lambda: truth.append(
            similar_pairs(a[rows], b, threshold=options.threshold, method="exhaustive", threads=options.threads)
        )
    )
    true = rows[truth[0].index_a] * len(b) + truth[0].index_b
    ours = (found.index_a * len(b) + found.index_b)[np.isin(found.index_a, rows)]
    if not np.isin(ours, true).all():
        sys.exit("the index gives pairs that the exhaustive kernel does not")
    hits = int(np.isin(true, ours).sum())
    low, high = binomial_interval(hits, len(true))
    print(f"  recall                 {hits} of {len(true)} pairs of {len(rows)} rows: "
          f"{hits / max(1, len(true)):.5f}, 95 % interval {low:.5f}..{high:.5f}")  # fmt: skip
    everything = len(a) * len(b)
    rate = len(rows) * len(b) / spent
    print(f"  exhaustive kernel      {rate / 1e6:,.0f} M pairs/s on the sample: {everything / rate:,.0f} s for all")


def main(arguments: list[str] | None = None) -> None:
    options = parse_arguments(arguments)
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        a, b = load_files(options, options.cache or Path(temporary))
    print(f"{len(a)} x {len(b)} rows, 1024 bits, {np.bitwise_count(a[:10000]).sum(1).mean() / 1024:.2f} of them set, "
          f"threshold {options.threshold}, recall {options.recall} asked for")  # fmt: skip
    similar_pairs(a[:200], b[:200], threshold=options.threshold, method="index")  # compiles
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    ours, theirs = Clock(), Clock()
    results: list[CandidatePairs] = []

    def search() -> None:
        results.clear()
        found = similar_pairs(
            a,
            b,
            threshold=options.threshold,
            method="index",
            recall=options.recall,
            seed=options.seed,
            threads=options.threads,
        )
        results.append(found)

    peer_pairs = time_peer(a, b, theirs, options)
    for _ in range(options.repeats):
        ours.measure(search)
        time_peer(a, b, theirs, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print_results(results[0], len(a) * len(b))
    print_ratio(ours, theirs, len(a) * len(b) / peer_pairs)
    print(
        f"  memory peak            {peak:.2f} GiB, of which {before:.2f} GiB were there before (encodings, libraries)"
    )
    measure_recall(a, b, results[0], options)


def print_results(pairs: CandidatePairs, num_pairs: int) -> None:
    """The work done, what is promised, and the audit."""
    report = pairs.report
    assert report is not None
    print(
        f"  method                 {report.method} ({report.reason}), {report.tables} tables of {report.key_bits} bits"
    )
    print(f"  compared               {report.compared:,} sketches, {report.compared / num_pairs:.2%} of all pairs")
    print(f"  candidates             {report.candidates:,}; pairs {len(pairs):,}; bucket {report.largest_bucket:,}")
    print(f"  recall promised        {report.recall_bound:.6f} at the threshold")
    if report.audit is not None:
        audit = report.audit
        print(f"  audit                  {audit.found} of {audit.pairs} pairs of {audit.rows} rows, "
              f"95 % interval {audit.low:.5f}..{audit.high:.5f}")  # fmt: skip


def print_ratio(ours: Clock, theirs: Clock, share: float) -> None:
    """Our time, anonlink's implied time, and their ratio, on the wall and in processor seconds."""
    for name, own, peer in (
        ("wall", ours.wall, theirs.wall),
        ("processor", ours.processor, theirs.processor),
    ):
        implied = [one * share for one in peer]
        ratio = statistics.median(implied) / statistics.median(own)
        print(f"  {name:<10} index       median {statistics.median(own):,.1f} s   "
              f"spread {min(own):,.1f}..{max(own):,.1f} s")  # fmt: skip
        print(f"  {name:<10} anonlink    median {statistics.median(implied):,.0f} s implied   "
              f"spread {min(implied):,.0f}..{max(implied):,.0f} s")  # fmt: skip
        print(f"  {name:<10} ratio       median {ratio:.0f}     "
              f"spread {min(implied) / max(own):.0f}..{max(implied) / min(own):.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
