"""How fast an export is inspected, end to end and stage by stage, on a CSV file of synthetic people.

The whole is the command in a process of its own. The stages are timed here, on the same batches one after the other.

Example:
    python benchmarks/inspect_export.py --rows 1000000
"""

from __future__ import annotations

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
from _common import machine

from secure_match.agreement import parse_agreement, trusted_template
from secure_match.department._hash_runs import SeenTexts, SharedTexts
from secure_match.department.inspection import Inspector
from secure_match.department.normalise import normalise_fields
from secure_match.department.readers import ROW_NUMBER, CsvExport
from secure_match.synthetic import CityConfig, generate_city

DATASET = "population"
PEOPLE = 50_000


def write_export(rows: int, path: Path) -> None:
    """The population of a city, again and again with other row keys."""
    table = generate_city(CityConfig(people=min(PEOPLE, rows), seed=1)).exports[DATASET]
    records = list(zip(*[column.to_pylist() for column in table.columns], strict=True))
    with path.open("w", encoding="gb18030", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(table.column_names)
        for number in range(rows):
            turn, place = divmod(number, len(records))
            key, *rest = records[place]
            writer.writerow([f"{turn}-{key}", *rest])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Rows per second of department inspect, with a breakdown by stage.",
        epilog="example: python benchmarks/inspect_export.py --rows 1000000",
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the export (default: 1000000)")
    options = parser.parse_args(arguments)
    if options.rows < 1:
        parser.error("rows is at least 1")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        write_export(options.rows, path)
        print(machine())
        print(f"{options.rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB of GB18030 CSV, pyarrow {pa.__version__}")
        command = [
            sys.executable,
            "-c",
            "from secure_match.cli import main; main()",
            "department",
            "inspect",
            str(path),
        ]
        start = time.perf_counter()
        subprocess.run([*command, "--json"], check=True, stdout=subprocess.DEVNULL)
        show("the command, start included", time.perf_counter() - start, options.rows)
        print(f"  its peak memory {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:,.0f} MiB")
        stages(path, options.rows)


def stages(path: Path, rows: int) -> None:
    agreement = parse_agreement(trusted_template())
    dataset = agreement.dataset(DATASET)
    assert dataset is not None
    names = ("find charset and header", "read", "normalise", "hash row keys and phones", "all of a batch but reading")
    spent = dict.fromkeys(names, 0.0)
    start = time.perf_counter()
    export = CsvExport.open(path)
    spent["find charset and header"] = time.perf_counter() - start
    seen, shared = SeenTexts(), SharedTexts()
    inspector = Inspector(agreement, dataset, row_key=dataset.row_key, columns=export.header, numeric_columns={})
    start = time.perf_counter()
    for batch in export.batches(export.header):
        read = time.perf_counter()
        spent["read"] += read - start
        fields = normalise_fields(
            agreement, {name: batch[header] for name, header in dataset.identity.items()}, batch.num_rows
        )
        normalised = time.perf_counter()
        spent["normalise"] += normalised - read
        keys = batch[dataset.row_key]
        seen.add(keys, batch[ROW_NUMBER].is_valid().to_numpy(zero_copy_only=False))
        shared.add(fields["phone"].values)
        hashed = time.perf_counter()
        spent["hash row keys and phones"] += hashed - normalised
        inspector.add(batch)
        start = time.perf_counter()
        spent["all of a batch but reading"] += start - hashed
    for name, seconds in spent.items():
        show(name, seconds, rows)


def show(name: str, seconds: float, rows: int) -> None:
    print(f"  {name:<28} {seconds:8.2f} s   {rows / seconds:12,.0f} rows/s")


if __name__ == "__main__":
    main()
