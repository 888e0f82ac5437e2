"""Our own line: departments encode, the bureau links their packages; labels and raw values stay out of it.

Every set names an agreement; its text stands in ``agreements/NAME.toml`` (the city's is the template that comes with
the library, unless a file of that name is there). Files become exports with a row key of their own, go through the
departments' and the bureau's stations as they would for a user, and only the bureau's result is measured: the score of
a pair is its match weight, what is chosen are the clusters at the calibrated threshold, and what the run expects of its
own precision and recall comes from its calibration. For a city, its findings are measured, too.
"""

from __future__ import annotations

import csv
import hashlib
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from _city_sets import CitySet
from _measure import FloatArray, IntArray
from _sets import ID_COLUMN, LinkageSet

from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.bureau.stations import link_packages
from secure_match.cli._demo_measure import measure_findings, worklist_findings
from secure_match.department.files import read_key, write_key
from secure_match.department.handles import HandleMaker
from secure_match.department.keys import DepartmentKey
from secure_match.department.stations import encode_export, resolve_findings
from secure_match.kernels._seen import SeenKeys
from secure_match.linkage import LinkResult
from secure_match.synthetic import write_exports

AGREEMENTS = Path(__file__).with_name("agreements")
ROW_KEY = "row"


@dataclass(frozen=True, slots=True, kw_only=True)
class OurResult:
    """What the bureau found, in rows of the set.

    Attributes:
        left: int64 of shape (pairs,), all pairs with evidence; ``right`` likewise.
        score: float64 of shape (pairs,), match weight in bits.
        labels: int64 of shape (rows,): rows of one cluster have one label; a row that was not encoded has its own.
        estimated: precision and recall that the run expects of its links.
        seconds: wall time of encoding, linking and examining.
        extra: further measures.
    """

    left: IntArray = field(repr=False)
    right: IntArray = field(repr=False)
    score: FloatArray = field(repr=False)
    labels: IntArray = field(repr=False)
    estimated: tuple[float, float]
    seconds: float
    extra: dict[str, Any]


def agreement_of(problem: LinkageSet) -> Agreement:
    """The agreement of the set; without the ID number where the set has none."""
    path = AGREEMENTS / f"{problem.agreement}.toml"
    text = path.read_text(encoding="utf-8") if path.exists() else trusted_template()
    if isinstance(problem, CitySet) or ID_COLUMN in problem.columns:
        return parse_agreement(text)
    # Every line that names the ID column is about nothing else.
    return parse_agreement("\n".join(line for line in text.splitlines() if ID_COLUMN not in line))


def run_ours(problem: LinkageSet) -> OurResult:
    """Encode, link and measure, in files of a folder that is removed afterwards."""
    agreement = agreement_of(problem)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        exports = _exports(problem, folder / "exports")
        keys = {owner: folder / f"{owner}.key" for owner in sorted({item.owner for item in agreement.datasets})}
        for owner, path in keys.items():
            write_key(_key(agreement, owner), path)
        start = time.perf_counter()
        packages = []
        for dataset in agreement.datasets:
            packages.append(folder / f"{dataset.id}.smp")
            encode_export(agreement, dataset.id, exports[dataset.id], keys[dataset.owner], packages[-1])
        run, findings, _ = link_packages(agreement, packages, folder / "bureau", clock=time.monotonic)
        seconds = time.perf_counter() - start
        expected = run.links.expectation
        row = _rows(problem, agreement, run.links, keys)
        labels = _labels(problem, run.links, row)
        extra: dict[str, Any] = {"rows encoded": len(row)}
        if isinstance(problem, CitySet):
            found = {}
            for dataset in agreement.datasets:
                out = folder / f"{dataset.id}.worklist.csv"
                key = keys[dataset.owner]
                resolve_findings(findings[dataset.owner], exports[dataset.id], key, [out], dataset_id=dataset.id)
                found[dataset.id] = worklist_findings(dataset, out)
            extra |= _city_measures(problem, labels, measure_findings(problem.city, found))
        return OurResult(
            left=row[run.links.row_i],
            right=row[run.links.row_j],
            score=run.links.weight,
            labels=labels,
            estimated=(expected.precision.value, expected.recall.value),
            seconds=seconds,
            extra=extra,
        )


def _exports(problem: LinkageSet, folder: Path) -> dict[str, Path]:
    """An export per file; a FEBRL file's row key is its row's number in the set."""
    if isinstance(problem, CitySet):
        return write_exports(problem.city, folder)
    folder.mkdir()
    paths, start = {}, 0
    for name, table in problem.files.items():
        paths[name] = folder / f"{name}.csv"
        with paths[name].open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow([ROW_KEY, *table.column_names])
            columns = [column.to_pylist() for column in table.columns]
            writer.writerows(zip(range(start, start + len(table)), *columns, strict=True))
        start += len(table)
    return paths


def _key(agreement: Agreement, owner: str) -> DepartmentKey:
    """A key that protects nothing: the people are made up."""
    shared, own = (hashlib.sha256(f"benchmark key, worthless: {name}".encode()).digest() for name in ("shared", owner))
    return DepartmentKey.create(
        party=owner,
        agreement_id=agreement.id,
        key_epoch=agreement.key_epoch,
        encoding_secret=shared,
        handle_secret=own,
    )


def _rows(problem: LinkageSet, agreement: Agreement, links: LinkResult, keys: dict[str, Path]) -> IntArray:
    """The row of the set, int64 of shape (rows of the run,): only who holds the keys can tell."""
    row = np.full(len(links.rows), -1, dtype=np.int64)
    starts = np.cumsum([0, *(len(table) for table in problem.files.values())])
    first = dict(zip(problem.files, starts.tolist(), strict=False))
    for index, encoded in enumerate(links.rows.datasets):
        dataset = agreement.dataset(encoded.manifest.dataset)
        assert dataset is not None
        maker = HandleMaker(read_key(keys[dataset.owner]), agreement.id, dataset.id)
        row_keys = _row_keys(problem, dataset.id, first[dataset.id])
        place = {handle: at for at, handle in enumerate(maker.make(row_keys, SeenKeys())[0].to_pylist())}
        for number in np.flatnonzero(links.rows.dataset_of == index).tolist():
            row[number] = first[dataset.id] + place[links.rows.handles[number].tobytes()]
    return row


def _row_keys(problem: LinkageSet, dataset_id: str, first: int) -> pa.Array:
    if isinstance(problem, CitySet):
        return problem.city.truth.person_of[dataset_id]["row_key"].combine_chunks()
    return pa.array([str(first + at) for at in range(len(problem.files[dataset_id]))], pa.string())


def _labels(problem: LinkageSet, links: LinkResult, row: IntArray) -> IntArray:
    labels = -1 - np.arange(len(problem.person), dtype=np.int64)
    labels[row] = links.labels
    return labels


def _city_measures(problem: CitySet, labels: IntArray, findings: dict[str, Any]) -> dict[str, Any]:
    """Precision and recall of the findings, and how many pairs of twins share a cluster."""
    measured: dict[str, Any] = {}
    for kind in ("duplicates", "missing"):
        measured |= {f"{kind} {name}": round(findings[kind][name], 4) for name in ("precision", "recall")}
    clusters_of_person: dict[int, set[int]] = {}
    for who, label in zip(problem.person.tolist(), labels.tolist(), strict=True):
        clusters_of_person.setdefault(who, set()).add(label)
    merged = sum(
        not clusters_of_person.get(elder, set()).isdisjoint(clusters_of_person.get(younger, set()))
        for elder, younger in problem.twins.T.tolist()
    )
    return measured | {"pairs of twins": problem.twins.shape[1], "twins merged": merged}
