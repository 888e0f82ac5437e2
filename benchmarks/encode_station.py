"""The encode station: rows per second of ``department encode`` as a whole and by stage, and its peak memory.

The export is the population file of a synthetic city, the agreement is the template. The whole station runs as users
run it, from CSV to package, in a process of its own (peak memory is that process's), alternating with the peer. Stages
are timed one after the other with one thread, so that they show what each costs; in the station they overlap. Beside
wall time stands the processors' time, which a busy machine stretches less.

The peer is clkhash 0.18.3: the same fields of the same rows into *one* CLK with as many insertions, where the station
makes four keyed encodings, tokens, handles and codes. It gets clean values in memory and neither reads nor normalises.

Example:
    python benchmarks/encode_station.py --people 100000 --repeats 3
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from _common import describe, machine, seconds
from clkhash import clk
from clkhash.schema import from_json_dict
from encode import forget_tokens

from secure_match.agreement import Agreement, Dataset, dataset_passes
from secure_match.agreement.files import read_agreement, write_trusted_agreement
from secure_match.department import DepartmentKey
from secure_match.department.dataset_encoder import DatasetEncoder
from secure_match.department.files import write_key
from secure_match.department.handles import HandleMaker
from secure_match.department.normalise import NormalisedField, normalise_fields
from secure_match.department.normalise._cleaning import clean_text
from secure_match.department.passes import PassKeys, encode_passes, view_of
from secure_match.department.readers import CsvExport
from secure_match.department.tokens import id_tokens
from secure_match.encoded.files import open_package, write_dataset
from secure_match.encoded.handle_order import sorted_by_handle
from secure_match.kernels._seen import SeenKeys
from secure_match.synthetic import CityConfig, generate_city, write_exports

DATASET = "population"
STATION = """
import resource, sys, time
from pathlib import Path
from secure_match.agreement.files import read_agreement
from secure_match.department.stations import encode_export
folder = Path(sys.argv[1])
agreement = read_agreement(folder / "agreement.toml")
def run(name, out):
    start = time.perf_counter(), time.process_time()
    encode_export(agreement, "population", folder / name, folder / "key", folder / out)
    return f"{time.perf_counter() - start[0]} {time.process_time() - start[1]}"
run("warm.csv", "warm.smp")
print(run("population.csv", "out.smp"), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class Stages:
    """Seconds by stage: on the clock, and of all processors."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.busy: dict[str, float] = defaultdict(float)

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        start = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] += time.perf_counter() - start[0]
        self.busy[name] += time.process_time() - start[1]


def prepare(folder: Path, people: int, seed: int) -> tuple[Agreement, Dataset, DepartmentKey]:
    """Agreement, key and export in a folder; and the first rows once more, for compiling before anything is timed."""
    agreement = read_agreement(write_trusted_agreement(folder))
    dataset = agreement.dataset(DATASET)
    assert dataset is not None
    key = DepartmentKey.create(
        party=dataset.owner,
        agreement_id=agreement.id,
        key_epoch=agreement.key_epoch,
        encoding_secret=b"benchmark secret, protects nothi",
        handle_secret=b"benchmark handle, protects nothi",
    )
    write_key(key, folder / "key")
    write_exports(generate_city(CityConfig(people=people, seed=seed)), folder)[DATASET].replace(
        folder / "population.csv"
    )
    with (folder / "population.csv").open("rb") as stream:
        (folder / "warm.csv").write_bytes(b"".join(stream.readline() for _ in range(200)))
    return agreement, dataset, key


def run_stages(
    agreement: Agreement, dataset: Dataset, key: DepartmentKey, folder: Path, export: str
) -> tuple[Stages, int]:
    """Every stage by itself over all batches; the number of rows."""
    stages, rows, seen = Stages(), 0, SeenKeys()
    source = CsvExport.open(folder / export)
    encoder = DatasetEncoder(agreement, DATASET, key)
    handles = HandleMaker(key, agreement.id, DATASET)
    passes = [(item, PassKeys.derive(bytes(32), "", "", item.id)) for item in dataset_passes(agreement, dataset)]
    with stages.time("read"):
        batches = list(source.batches(encoder.columns))
    with stages.time("survey"):
        facts = encoder.survey(batches)
    for batch in batches:
        rows += batch.num_rows
        with stages.time("normalise"):
            raw = {name: batch[header] for name, header in dataset.identity.items()}
            fields = normalise_fields(agreement, raw, batch.num_rows, facts=facts)
        with stages.time("handles"):
            handles.make(clean_text(batch[dataset.row_key]), seen)
        with stages.time("ID tokens"):
            id_tokens(fields["id_number"], bytes(32))
        for item, keys in passes:
            with stages.time(f"pass {item.id}"):
                encode_passes([(item, keys)], fields, threads=1)
    result = encoder.encode(source.batches(encoder.columns), facts=facts)
    parts = result.dataset.table.to_batches(max_chunksize=1 << 16)
    with stages.time("order by handle"):
        sorted_by_handle([pa.Table.from_batches([part]) for part in parts], result.dataset.table.schema)
    with stages.time("write"):
        write_dataset(result.dataset, folder / "out.smp")
    with stages.time("digest"), open_package(folder / "out.smp") as reader:
        _ = reader.digest
    return stages, rows


def peer_rows(agreement: Agreement, dataset: Dataset, folder: Path, rows: int) -> tuple[object, list[list[str]]]:
    """A clkhash schema with a feature per field of every pass, and clean values of the first rows."""
    source = CsvExport.open(folder / "population.csv")
    batch = next(source.batches(tuple(dataset.identity.values()))).slice(0, rows)
    raw = {name: batch[header] for name, header in dataset.identity.items()}
    fields: dict[str, NormalisedField] = normalise_fields(agreement, raw, batch.num_rows)
    encoded = [field for item in dataset_passes(agreement, dataset) for field in item.fields]
    columns = [[text or "" for text in view_of(fields, field.field).to_pylist()] for field in encoded]
    features = [
        {
            "identifier": f"{place} {field.field}",
            "format": {"type": "string", "encoding": "utf-8", "minLength": 0},
            "hashing": {
                "comparison": {"type": "ngram", "n": 2, "positional": field.positional},
                "strategy": {"bitsPerFeature": field.insertions},
                "hash": {"type": "blakeHash"},
            },
        }
        for place, field in enumerate(encoded)
    ]
    config = {"l": 1024, "kdf": {"type": "HKDF", "hash": "SHA256", "info": "", "salt": "", "keySize": 64}}
    schema = from_json_dict({"version": 3, "clkConfig": config, "features": features})
    return schema, [list(row) for row in zip(*columns, strict=True)]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Time department encode on a synthetic population file, by stage and beside clkhash 0.18.3.",
        epilog="example: python benchmarks/encode_station.py --people 100000 --repeats 3",
    )
    parser.add_argument("--people", type=int, default=100_000, help="rows of the export (default: 100000)")
    parser.add_argument("--peer-rows", type=int, default=3000, help="rows that clkhash gets (default: 3000)")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each (default: 3)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the city (default: 7)")
    options = parser.parse_args(arguments)
    if min(options.people, options.peer_rows, options.repeats) < 1:
        parser.error("people, peer-rows and repeats are at least 1")
    print(machine())
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        agreement, dataset, key = prepare(folder, options.people, options.seed)
        run_stages(agreement, dataset, key, folder, "warm.csv")
        stages, rows = run_stages(agreement, dataset, key, folder, "population.csv")
        schema, values = peer_rows(agreement, dataset, folder, options.peer_rows)

        def peer() -> object:
            forget_tokens()
            return clk.generate_clks(values, schema, "benchmark secret", validate=False, max_workers=1)

        own, other, busy, peak = [], [], [], 0
        for _ in range(options.repeats):
            command = [sys.executable, "-c", STATION, directory]
            answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            own.append(float(answer[0]))
            busy.append(float(answer[1]))
            peak = max(peak, int(answer[2]))
            other.append(seconds(peer))
    print(f"{rows} rows, {options.repeats} repeats, in turn; peak memory of the station {peak / 1024:,.0f} MiB")
    print(describe("station, two threads", own, rows, "rows"))
    print(f"  {'its processors':<22} median {statistics.median(busy) / rows * 1e6:.2f} µs per row")
    print(describe("clkhash, one CLK", other, len(values), "rows"))
    ratios = [rows / mine / (len(values) / peers) for mine, peers in zip(own, other, strict=True)]
    spread = f"{min(ratios):.1f}..{max(ratios):.1f}"
    print(f"  ratio of rates         median {statistics.median(ratios):.1f}     spread {spread}")
    print("stages one after the other, one thread (normalise: its own two):")
    for name, spent in stages.seconds.items():
        busy_each = stages.busy[name] / rows * 1e6
        print(f"  {name:<22} {spent / rows * 1e6:6.2f} µs per row   of processors {busy_each:6.2f} µs")


if __name__ == "__main__":
    main()
