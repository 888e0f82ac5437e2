"""EDGE: measures a demo: findings against the generator's truth, and the bytes that left against all raw values."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from secure_match.agreement import Agreement, Dataset
from secure_match.department.handles import HandleMaker
from secure_match.department.keys import DepartmentKey
from secure_match.department.leak_scan import (
    CHANCE_BYTES,
    IdentifierScanner,
    RandomRange,
    ScanReport,
    forms_of,
)
from secure_match.encoded.files import ROWS_PART, read_dataset
from secure_match.encoded.layout import binary_column_ranges
from secure_match.enrolment.files import FINDINGS_PART, read_findings
from secure_match.kernels._seen import SeenKeys
from secure_match.synthetic import City

_FINDING, _KIND, _RULE = 0, 1, 2
_KIND_WORDS: Final = {"重复": "duplicate", "未参保": "missing"}

Found = list[tuple[str, str, str, str]]
"""Rows of a worklist: finding id, kind, rule, row key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFiles:
    """What left departments and what came of it: packages by dataset, findings packages, the bureau's other files."""

    packages: Mapping[str, Path]
    findings: Sequence[Path]
    other: Sequence[Path]


def worklist_findings(dataset: Dataset, path: Path) -> Found:
    """Read a worklist back as its department would."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        key = next(reader).index(dataset.row_key)
        return [(row[_FINDING], _KIND_WORDS[row[_KIND]], row[_RULE], row[key]) for row in reader]


def measure_findings(city: City, found: Mapping[str, Found]) -> dict[str, Any]:
    """Duplicates (pairs of rows) and missing people against the truth, in all and by rule."""
    sides: dict[str, list[tuple[str, str]]] = defaultdict(list)
    rules: dict[str, str] = {}
    missing: set[tuple[str, str]] = set()
    for dataset, rows in found.items():
        for finding, kind, rule, row_key in rows:
            if kind == "missing":
                missing.add((rule, row_key))
            else:
                sides[finding].append((dataset, row_key))
                rules[finding] = rule
    duplicates = {(rules[finding], *sorted(rows)) for finding, rows in sides.items()}
    true_duplicates = {
        (row["rule"], *sorted(((row["dataset_a"], row["row_key_a"]), (row["dataset_b"], row["row_key_b"]))))
        for row in city.truth.duplicates.to_pylist()
    }
    true_missing = {(row["rule"], row["row_key"]) for row in city.truth.missing.to_pylist()}
    return {
        "duplicates": _score(true_duplicates, duplicates),
        "missing": _score(true_missing, missing),
    }


def _score(expected: set[Any], found: set[Any]) -> dict[str, Any]:
    rules = sorted({item[0] for item in expected | found})
    result = _counts(expected, found)
    result["by_rule"] = {
        rule: _counts({item for item in expected if item[0] == rule}, {item for item in found if item[0] == rule})
        for rule in rules
    }
    return result


def _counts(expected: set[Any], found: set[Any]) -> dict[str, Any]:
    hits = len(expected & found)
    return {
        "expected": len(expected),
        "found": len(found),
        "true_positive": hits,
        "false_positive": len(found) - hits,
        "false_negative": len(expected) - hits,
        # Nothing found is nothing wrong; nothing expected is nothing missed.
        "precision": round(hits / len(found), 6) if found else 1.0,
        "recall": round(hits / len(expected), 6) if expected else 1.0,
    }


def measure_leaks(
    agreement: Agreement, city: City, keys: Mapping[str, DepartmentKey], sent: SentFiles
) -> dict[str, Any]:
    """Search every byte that left a department, and every byte the bureau made of it, for all raw values."""
    row_ids, owners = _row_ids(agreement, city, keys)
    scanner = IdentifierScanner(city.truth.identifiers(), owners)
    reports: list[ScanReport] = []
    for dataset, path in sent.packages.items():
        handles = read_dataset(path).table["handle"].to_pylist()
        ids = np.array([row_ids[dataset, handle] for handle in handles], dtype=np.int64)
        reports.append(_scan(scanner, path, ROWS_PART, ids))
    for path in sent.findings:
        rows = read_findings(path).table.select(["dataset", "handle"]).to_pylist()
        ids = np.array([row_ids[row["dataset"], row["handle"]] for row in rows], dtype=np.int64)
        reports.append(_scan(scanner, path, FINDINGS_PART, ids))
    # Compressed and columnar files hold keyed bytes everywhere: they are one random range that belongs to no row.
    for path in sent.other:
        data = path.read_bytes()
        whole = RandomRange(start=0, width=1, row_ids=np.full(len(data), -1, dtype=np.int64))
        reports.append(scanner.scan(data, (whole,) if path.suffix == ".parquet" else ()))
    by_form: dict[str, int] = defaultdict(int)
    for report in reports:
        for name, count in report.hits.items():
            by_form[name] += count
    return {
        "raw_identifier_hits": sum(by_form.values()),
        "raw_identifier_hits_by_form": dict(by_form),
        "scanned_bytes": sum(report.scanned_bytes for report in reports),
        "short_patterns_by_chance": {
            "observed": sum(report.chance_hits for report in reports),
            "expected": round(sum(report.chance_expected for report in reports), 2),
        },
    }


def _scan(scanner: IdentifierScanner, path: Path, part: str, ids: np.ndarray[Any, np.dtype[np.int64]]) -> ScanReport:
    data, columns = binary_column_ranges(path, part)
    ranges = [
        RandomRange(start=item.start, width=item.width, row_ids=ids[item.first_row : item.first_row + item.rows])
        for item in columns
    ]
    return scanner.scan(data, ranges)


def _row_ids(
    agreement: Agreement, city: City, keys: Mapping[str, DepartmentKey]
) -> tuple[dict[tuple[str, bytes], int], dict[str, set[int]]]:
    """A number for every row, by dataset and handle; and which rows hold each value that is short in some form."""
    numbers: dict[tuple[str, bytes], int] = {}
    owners: dict[str, set[int]] = defaultdict(set)
    for dataset in agreement.datasets:
        export = city.exports[dataset.id]
        maker = HandleMaker(keys[dataset.owner], agreement.id, dataset.id)
        handles, _, _ = maker.make(export[dataset.row_key].combine_chunks(), SeenKeys())
        first = len(numbers)
        for row, handle in enumerate(handles.to_pylist()):
            numbers[dataset.id, handle] = first + row
        for column in export.columns:
            for row, value in enumerate(_texts(column)):
                if value and any(len(pattern) < CHANCE_BYTES for _, pattern in forms_of(value)):
                    owners[value].add(first + row)
    return numbers, owners


def _texts(column: pa.ChunkedArray) -> list[str]:
    return [value or "" for value in column.to_pylist()]
