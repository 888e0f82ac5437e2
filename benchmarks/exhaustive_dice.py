"""All pairs of two sets of encodings: our kernel against anonlink's accelerated one, in turn, in one process.

Both get what they take (a packed matrix, a list of bitarrays) ready made and give all pairs at the threshold,
each in its own order. Before anything is timed the pairs are compared; those exactly at the threshold are
left out of that, because anonlink's length bound loses some of them to rounding.

Example:
    python benchmarks/exhaustive_dice.py --rows 5000 10000 --threads 1 --repeats 7
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from _common import describe, describe_ratio, in_turn, machine

from secure_match.linkage import similar_pairs

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from anonlink.similarities import dice_coefficient_accelerated
    from bitarray import bitarray

ByteMatrix = npt.NDArray[np.uint8]


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Time all pairs by Dice: secure_match against anonlink's accelerated kernel.",
        epilog="example: python benchmarks/exhaustive_dice.py --rows 5000 10000 --threads 1 2 --repeats 7",
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[2000, 8000], help="rows per side (default: 2000 8000)")
    parser.add_argument("--bits", type=int, default=1024, help="bits per encoding, a multiple of 8 (default: 1024)")
    parser.add_argument("--threshold", type=float, default=0.8, help="similarity threshold (default: 0.8)")
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[1], help="threads of ours; anonlink has one (default: 1)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each (default: 5)")
    parser.add_argument("--fill", type=float, default=0.4, help="mean share of set bits (default: 0.4)")
    parser.add_argument(
        "--fill-spread", type=float, default=0.06, help="standard deviation of it over rows (default: 0.06)"
    )
    parser.add_argument("--overlap", type=float, default=0.5, help="share of rows with a noisy twin (default: 0.5)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random encodings (default: 1)")
    options = parser.parse_args(arguments)
    if options.bits % 8 or options.bits < 8 or min(options.rows) < 1 or options.repeats < 1 or min(options.threads) < 1:
        parser.error("rows, repeats and threads are at least 1; bits are a multiple of 8")
    return options


def make_encodings(options: argparse.Namespace, rows: int) -> tuple[ByteMatrix, ByteMatrix]:
    """Two sets of random encodings of which a share are twins with 3 % of the bits drawn anew."""
    rng = np.random.default_rng(options.seed)

    def draw() -> npt.NDArray[np.bool_]:
        fill = np.clip(rng.normal(options.fill, options.fill_spread, (rows, 1)), 0.02, 0.98)
        return rng.random((rows, options.bits), dtype=np.float32) < fill

    first, second = draw(), draw()
    twins = int(rows * options.overlap)
    noise = rng.random((twins, options.bits), dtype=np.float32) < 0.03
    second[:twins] = np.where(noise, second[:twins], first[:twins])
    return np.packbits(first, axis=1), np.packbits(second[rng.permutation(rows)], axis=1)


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


def main(arguments: list[str] | None = None) -> None:
    options = parse_arguments(arguments)
    print(machine())
    print(
        f"{options.bits} bits, threshold {options.threshold}, fill {options.fill} +- {options.fill_spread}, "
        f"{options.repeats} repeats, in turn"
    )
    for rows in options.rows:
        compare(options, rows)


def compare(options: argparse.Namespace, rows: int) -> None:
    """Check, then time, one size at every number of threads."""
    a, b = make_encodings(options, rows)
    records = as_bitarrays(a), as_bitarrays(b)

    def peer() -> object:
        return dice_coefficient_accelerated(records, options.threshold)

    num_pairs = verify_same_pairs(a, b, peer, options.threshold)
    for threads in options.threads:
        own = partial(similar_pairs, a, b, threshold=options.threshold, threads=threads)
        ours, theirs = in_turn(own, peer, options.repeats)
        print(f"{rows} x {rows} rows, {num_pairs} pairs found, {threads} thread(s)")
        print(describe("secure_match", ours, rows * rows, "pairs"))
        print(describe("anonlink accelerated", theirs, rows * rows, "pairs"))
        print(describe_ratio(ours, theirs))


if __name__ == "__main__":
    main()
