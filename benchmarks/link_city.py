"""Linking five packages of a made-up city, from files to findings: time and peak memory for growing numbers of people.

Every run is ``secure-match bureau link`` in a process of its own, as a user would run it. Beside it stands, in turn, a
process that only hashes the same files: no run that verifies what it takes in can be faster. Then, in one process,
``link`` against the plain way that it replaced (whole arrays of every pass, taken twice), and clusters of many links.

Example:
    python benchmarks/link_city.py --people 10000 100000 1600000 --svg link_city.svg
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _common import describe, describe_ratio, in_turn, machine
from _packages import write_city
from _svg import Panel, plot

from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.encoded import EncodedDataset, matrix_from_binary
from secure_match.encoded.mapped_files import map_package
from secure_match.linkage import blocked_pairs, cluster, link, pair_similarity, verified_datasets

_COMPARED = 200_000
"""People of the largest city on which the plain way is measured, too."""
_HASH = (
    "import hashlib, sys\n"
    "for name in sys.argv[1:]:\n"
    "    with open(name, 'rb') as stream:\n"
    "        hashlib.file_digest(stream, 'sha256')\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One size: records, packages in bytes, seconds of each run, its processor seconds, seconds
    of its work without the start of Python and the writing of results, and of each hashing; memory in bytes."""

    people: int
    records: int
    package_bytes: int
    seconds: list[float]
    processor: list[float]
    work: list[float]
    hashing: list[float]
    peak_bytes: int
    planned_bytes: int
    links: int


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Time and peak memory of linking a made-up city, with the fitted exponents of their growth.",
        epilog="example: python benchmarks/link_city.py --people 10000 100000 1600000 --svg link_city.svg",
    )
    parser.add_argument("--people", type=int, nargs="+", default=[10_000, 40_000, 160_000], help="sizes of the city")
    parser.add_argument("--repeats", type=int, default=3, help="runs of every size (default: 3)")
    parser.add_argument("--links", type=int, default=20_000_000, help="pairs to cluster (default: 20,000,000)")
    parser.add_argument("--svg", type=Path, help="where to put the plot")
    options = parser.parse_args(arguments)
    print(machine())
    agreement = parse_agreement(trusted_template())
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "agreement.toml").write_text(trusted_template(), encoding="utf-8")
        points = []
        for people in sorted(options.people):
            paths = write_city(agreement, people, folder)
            points.append(measure(folder, paths, people, options.repeats))
            tell(points[-1])
            if people == max((size for size in options.people if size <= _COMPARED), default=0):
                compare(agreement, paths, options.repeats)
    fit(points)
    cluster_links(options.links)
    if options.svg is not None:
        options.svg.write_text(drawn(points), encoding="utf-8")
        print(f"wrote {options.svg}")


def measure(folder: Path, paths: list[Path], people: int, repeats: int) -> Point:
    """Run the command and the hashing in turn, each in a fresh process; the first run, which compiles, is not taken."""
    out = folder / "run"
    words = [str(Path(sys.executable).with_name("secure-match")), "bureau", "link", str(folder / "agreement.toml")]
    words += [*map(str, paths), "--out", str(out), "--json"]
    hashing = [sys.executable, "-c", _HASH, *map(str, paths)]
    timed(words)
    runs, work, floors, peaks, processor = [], [], [], [], []
    for _ in range(repeats):
        seconds, used = timed(words)
        runs.append(seconds)
        processor.append(used)
        floors.append(timed(hashing)[0])
        summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        work.append(summary["seconds"])
        peaks.append(summary["memory"]["measured_peak_bytes"])
    return Point(
        people=people,
        records=sum(item["rows"] for item in summary["datasets"]),
        package_bytes=sum(path.stat().st_size for path in paths),
        seconds=runs,
        processor=processor,
        work=work,
        hashing=floors,
        peak_bytes=max(peaks),
        planned_bytes=summary["memory"]["planned_peak_bytes"],
        links=summary["links"]["link"],
    )


def timed(words: list[str]) -> tuple[float, float]:
    """Wall time of a process, and processor time of all its threads."""
    start = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words[0]} ended with {process.returncode}")
    seconds = time.perf_counter() - start
    return seconds, usage.ru_utime + usage.ru_stime


def tell(point: Point) -> None:
    size = f"{point.records:,} records in {point.package_bytes / 1e9:.2f} GB"
    print(f"{point.people:,} people, {size}: {point.links:,} links")
    print(describe("link, whole process", point.seconds, point.records, "records"))
    print(describe("processor time of it", point.processor, point.records, "records"))
    print(describe("less start and writing", point.work, point.records, "records"))
    print(describe("hashing the files", point.hashing, point.records, "records"))
    ratio = statistics.median(point.seconds) / statistics.median(point.hashing)
    gib = 1 << 30
    print(
        f"  link takes {ratio:.1f} times as long as hashing its input; peak {point.peak_bytes / gib:.2f} GiB, ", end=""
    )
    print(f"planned {point.planned_bytes / gib:.2f} GiB")


def compare(agreement: Agreement, paths: list[Path], repeats: int) -> None:
    """``link`` against the plain way, in one process, on the same mapped packages."""
    mapped = [map_package(path) for path in paths]
    datasets = [package.dataset for package in mapped]
    verified = verified_datasets(agreement, datasets)
    result = link(agreement, verified)
    codes = result.rows.token_codes.astype(np.int64)
    row_i, row_j = plain_pairs(agreement, list(result.rows.datasets), codes)
    by_passes = codes[result.row_i] != codes[result.row_j]
    by_passes |= codes[result.row_i] < 0
    if not (np.array_equal(row_i, result.row_i[by_passes]) and np.array_equal(row_j, result.row_j[by_passes])):
        raise SystemExit("the plain way finds other pairs")
    ours, plain = in_turn(
        lambda: link(agreement, verified),
        lambda: plain_pairs(agreement, list(result.rows.datasets), codes),
        repeats,
    )
    print(
        "candidates of all passes and evidence on them, in one process; ours also joins tokens, decides and clusters:"
    )
    print(describe("link", ours, len(result.rows), "records"))
    print(describe("plain, whole arrays", plain, len(result.rows), "records"))
    print(describe_ratio(ours, plain))


def plain_pairs(agreement: Agreement, datasets: list[EncodedDataset], codes: np.ndarray) -> np.ndarray:
    """Candidates and their evidence by the plain functions, on arrays of all rows that are assembled per pass."""

    def arrays(pass_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        columns = [
            [matrix_from_binary(dataset.table[f"pass.{pass_id}.{name}"]) for dataset in datasets]
            for name in ("encoding", "block")
        ]
        encodings, tags = (np.concatenate([part[0] for part in parts]) for parts in columns)
        return encodings, np.concatenate([part[1] for part in columns[0]]), tags

    limits = agreement.limits
    pairs = [np.zeros((2, 0), dtype=np.int64)]
    for item in agreement.passes:
        link_threshold, review = agreement.thresholds_of(item)
        different = max(agreement.thresholds.different_ids_review or review, review)
        result = blocked_pairs(
            *arrays(item.id),
            codes,
            base_threshold=review,
            different_threshold=different if item.review_only else min(different, link_threshold),
            max_block_rows=limits.max_block_rows,
        )
        pairs.append(np.stack([result.row_i, result.row_j]))
    row_i, row_j = np.unique(np.concatenate(pairs, axis=1), axis=1)
    for item in agreement.passes:
        pair_similarity(*arrays(item.id), row_i, row_j)
    return np.stack([row_i, row_j])


def fit(points: list[Point]) -> None:
    """Exponents of growth: least squares of logarithms."""
    if len(points) < 2:
        return
    records = [math.log(point.records) for point in points]
    for name, values in (
        ("time (less start and writing)", [statistics.median(point.work) for point in points]),
        ("processor time", [statistics.median(point.processor) for point in points]),
        ("peak memory", [point.peak_bytes for point in points]),
    ):
        exponent = np.polyfit(records, np.log(values), 1)[0]
        print(f"{name} grows as records^{exponent:.2f} from {points[0].records:,} to {points[-1].records:,} records")


def peak_bytes(*, begin: bool = False) -> int:
    """This process's largest memory since the last time that counting began, as Linux keeps it."""
    if begin:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def cluster_links(links: int) -> None:
    """Cluster persons of four rows, the first of a one-record-per-person dataset, with one wrong pair in twenty."""
    rng = np.random.default_rng(3)
    persons = max(links * 19 // 20 // 3, 1)
    first = np.repeat(np.arange(persons, dtype=np.int32), 3)
    other = persons + np.arange(3 * persons, dtype=np.int32)
    wrong = rng.integers(0, 4 * persons, (2, links - len(first))).astype(np.int32)
    order = rng.permutation(links)
    left, right = (np.concatenate(sides)[order] for sides in ((first, wrong[0]), (other, wrong[1])))
    weight = rng.normal(12.0, 5.0, links)
    weight[order >= len(first)] -= 12.0
    bits = np.zeros(4 * persons, dtype=np.uint64)
    bits[:persons] = 1
    small = np.arange(20, dtype=np.int32)
    cluster(20, small, small[::-1].copy(), np.linspace(-1.0, 1.0, 20), constraint_bit=bits[:20])
    del first, other, wrong, order
    before = peak_bytes(begin=True)
    start, used = time.perf_counter(), time.process_time()
    result = cluster(len(bits), left, right, weight, constraint_bit=bits)
    seconds, used = time.perf_counter() - start, time.process_time() - used
    more = (peak_bytes() - before) / (1 << 30)
    print(
        f"clusters: {links:,} pairs of {len(bits):,} rows in {seconds:.2f} s, "
        f"{used:.2f} s of the processor ({links / used:,.0f} pairs/s), "
        f"{int(result.refused.sum()):,} links cut, peak raised by {more:.2f} GiB"
    )


def drawn(points: list[Point]) -> str:
    gib = 1 << 30
    times = {"link, whole process": [(point.records, statistics.median(point.seconds)) for point in points]}
    times["hashing"] = [(point.records, statistics.median(point.hashing)) for point in points]
    memory = {"measured": [(point.records, point.peak_bytes / gib) for point in points]}
    memory["planned"] = [(point.records, point.planned_bytes / gib) for point in points]
    return plot(
        [
            Panel(title="Linking a city: time", x_label="records", y_label="seconds", lines=times),
            Panel(title="Linking a city: peak memory", x_label="records", y_label="GiB", lines=memory),
        ]
    )


if __name__ == "__main__":
    main()
