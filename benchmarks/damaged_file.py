"""What a file still links whose ID column a spreadsheet damaged: against the same file whole, in the same city.

Every city goes from export to worklist through the departments' and the bureau's stations. One dataset is encoded as it
is and as a spreadsheet leaves it, with all its identity columns and with ID number and name alone, under the template
with and without its pass on what remains of the numbers. Of the rows whose person is in the population file, "encoded"
is the share that was not quarantined, and recall the share of those that was linked to that person's row. Precision is
that of the rows that stand in one cluster with a row of the population file.

Example:
    python benchmarks/damaged_file.py --people 20000 --seeds 101 102 103 --dataset resident_medical
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from _common import machine

from secure_match.agreement import Agreement, Dataset, parse_agreement, trusted_template
from secure_match.bureau.stations import link_packages
from secure_match.cli._demo_measure import measure_findings, worklist_findings
from secure_match.department.files import read_key, write_key
from secure_match.department.handles import HandleMaker
from secure_match.department.keys import DepartmentKey
from secure_match.department.stations import encode_export, resolve_findings
from secure_match.kernels._seen import SeenKeys
from secure_match.linkage import LinkResult
from secure_match.synthetic import DATASETS, City, CityConfig, generate_city, write_exports

IntArray = npt.NDArray[np.int64]

PASS = "partial"
SWITCHES = {"rounded": "excel_damage", "scientific": "excel_scientific"}
CASES = (("whole", True), ("rounded", True), ("rounded", False), ("scientific", True))
"""Form of the ID column, and whether the agreement has the pass on what remains of it."""
ID_AND_NAME = frozenset({"id_number", "name"})
HARMLESS = frozenset({"town_stale", "address_differs", "format_noise", "excel_damage", "excel_scientific"})
"""Kinds of error that no pass of the template looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run found of the dataset.

    Attributes:
        rows: rows of the dataset whose person is in the population file and that were encoded.
        encoded: their share of all rows of the dataset whose person is in the population file.
        recall: share of them in one cluster with that person's row.
        population_recall: share of the population rows with a row in the dataset that stand in one cluster with one.
        precision: share of right ones among the dataset's rows that stand in a cluster with a population row.
        findings: scores of duplicates and missing people, as the demo counts them.
        lost: kinds of error of the rows that were not linked (own ones, and ``P:`` those of the population row).
    """

    rows: int
    encoded: float
    recall: float
    population_recall: float
    precision: float
    findings: dict[str, Any]
    lost: Counter[str]


def agreement_of(dataset_id: str, *, thin: bool, with_pass: bool) -> Agreement:
    """The template, with the dataset cut down to ID number and name, and without the pass, where asked."""
    agreement = parse_agreement(trusted_template())

    def cut(dataset: Dataset) -> Dataset:
        if not thin or dataset.id != dataset_id:
            return dataset
        kept = {name: header for name, header in dataset.identity.items() if name in ID_AND_NAME}
        return dataset.model_copy(update={"identity": kept})

    datasets = tuple(cut(dataset) for dataset in agreement.datasets)
    passes = tuple(item for item in agreement.passes if with_pass or item.id != PASS)
    return agreement.model_copy(update={"datasets": datasets, "passes": passes})


def run_city(agreement: Agreement, city: City, dataset_id: str, folder: Path) -> Outcome:
    """Encode, link, resolve and measure in files under ``folder``."""
    exports = write_exports(city, folder / "exports")
    keys = {owner: folder / f"{owner}.key" for owner in sorted({dataset.owner for dataset in agreement.datasets})}
    for owner, path in keys.items():
        write_key(_key(agreement, owner), path)
    packages = []
    for dataset in agreement.datasets:
        packages.append(folder / f"{dataset.id}.smp")
        encode_export(agreement, dataset.id, exports[dataset.id], keys[dataset.owner], packages[-1])
    run, findings, _ = link_packages(agreement, packages, folder / "bureau", clock=time.monotonic)
    found = {}
    for dataset in agreement.datasets:
        out = folder / f"{dataset.id}.worklist.csv"
        key = keys[dataset.owner]
        resolve_findings(findings[dataset.owner], exports[dataset.id], key, [out], dataset_id=dataset.id)
        found[dataset.id] = worklist_findings(dataset, out)
    person, row_keys = _people(agreement, city, run.links, keys)
    return _outcome(city, run.links, dataset_id, person, row_keys, measure_findings(city, found))


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


def _people(agreement: Agreement, city: City, links: LinkResult, keys: dict[str, Path]) -> tuple[IntArray, list[str]]:
    """The person, int64 of shape (rows,), and the row key of every row of a run."""
    person = np.full(len(links.rows), -1, dtype=np.int64)
    row_keys = [""] * len(links.rows)
    for index, encoded in enumerate(links.rows.datasets):
        dataset = agreement.dataset(encoded.manifest.dataset)
        assert dataset is not None
        truth = city.truth.person_of[dataset.id]
        maker = HandleMaker(read_key(keys[dataset.owner]), agreement.id, dataset.id)
        handles = maker.make(truth["row_key"].combine_chunks(), SeenKeys())[0].to_pylist()
        known = dict(zip(handles, zip(*truth.to_pydict().values(), strict=True), strict=True))
        for row in np.flatnonzero(links.rows.dataset_of == index).tolist():
            row_keys[row], person[row] = known[links.rows.handles[row].tobytes()]
    return person, row_keys


def _outcome(
    city: City, links: LinkResult, dataset_id: str, person: IntArray, row_keys: list[str], findings: dict[str, Any]
) -> Outcome:
    names = [item.manifest.dataset for item in links.rows.datasets]
    ours = np.flatnonzero(links.rows.dataset_of == names.index(dataset_id))
    population = np.flatnonzero(links.rows.dataset_of == names.index("population"))
    # The population file has one record per person, so that a cluster holds one of its rows at most.
    row_of_label = dict(zip(links.labels[population].tolist(), population.tolist(), strict=True))
    row_of_person = dict(zip(person[population].tolist(), population.tolist(), strict=True))
    linked = {row: row_of_label.get(label, -1) for row, label in zip(ours.tolist(), links.labels[ours], strict=True)}
    right = {
        row: row_of_person[who] for row, who in zip(linked, person[ours].tolist(), strict=True) if who in row_of_person
    }
    hits = [row for row, other in right.items() if linked[row] == other]
    everybody = city.truth.person_of[dataset_id]["person"].to_pylist()
    kinds = {name: _kinds(city, name) for name in (dataset_id, "population")}
    lost: Counter[str] = Counter()
    for row, other in right.items():
        if linked[row] != other:
            own = kinds[dataset_id].get(row_keys[row], set())
            theirs = kinds["population"].get(row_keys[other], set())
            lost[" ".join([*sorted(own), *sorted(f"P:{kind}" for kind in theirs)]) or "none"] += 1
    return Outcome(
        rows=len(right),
        encoded=len(right) / sum(who in row_of_person for who in everybody),
        recall=len(hits) / len(right),
        population_recall=len({right[row] for row in hits}) / len(set(right.values())),
        precision=len(hits) / max(sum(other >= 0 for other in linked.values()), 1),
        findings=findings,
        lost=lost,
    )


def _kinds(city: City, dataset_id: str) -> dict[str, set[str]]:
    """Row key to the kinds of error of the row that a pass can see."""
    errors = city.truth.errors[dataset_id]
    found: dict[str, set[str]] = {}
    for row_key, kind in zip(errors["row_key"].to_pylist(), errors["kind"].to_pylist(), strict=True):
        if kind not in HARMLESS:
            found.setdefault(row_key, set()).add(kind)
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Link recall and findings with one dataset's ID column damaged by a spreadsheet.",
        epilog="example: python benchmarks/damaged_file.py --seeds 101 102 103 --dataset resident_medical --lost 8",
    )
    parser.add_argument("--people", type=int, default=20_000, help="people of each city (default: 20000)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103], help="seeds (default: 101 102 103)")
    parser.add_argument("--dataset", choices=DATASETS[1:], default="resident_medical", help="the damaged dataset")
    parser.add_argument("--lost", type=int, default=0, help="kinds of error behind lost links to show (default: 0)")
    options = parser.parse_args(arguments)
    print(machine())
    print(f"{options.dataset}, {options.people} people")
    print("columns      ID column   pass  seed     rows  encoded recall  of pop. precision duplicates     missing")
    print("                                                                              precision recall, each")
    for thin in (False, True):
        for form, with_pass in CASES:
            agreement = agreement_of(options.dataset, thin=thin, with_pass=with_pass)
            label = f"{'ID and name' if thin else 'all':<11}  {form:<10}  {'yes' if with_pass else 'no':<4}"
            lost: Counter[str] = Counter()
            for seed in options.seeds:
                damage = {SWITCHES[form]: frozenset({options.dataset})} if form in SWITCHES else {}
                city = generate_city(CityConfig(people=options.people, seed=seed, **damage))
                with tempfile.TemporaryDirectory() as folder:
                    outcome = run_city(agreement, city, options.dataset, Path(folder))
                print(f"{label}  {seed:<6}  {_line(outcome)}", flush=True)
                lost += outcome.lost
            for kinds, count in lost.most_common(options.lost):
                print(f"    {count:5}  {kinds}")


def _line(outcome: Outcome) -> str:
    scores = [
        f"{outcome.findings[kind]['precision']:.4f} {outcome.findings[kind]['recall']:.4f}"
        for kind in ("duplicates", "missing")
    ]
    shares = (outcome.encoded, outcome.recall, outcome.population_recall, outcome.precision)
    return "  ".join([f"{outcome.rows:5}", *(f"{share:.4f}" for share in shares), *scores])


if __name__ == "__main__":
    main()
