"""EDGE: measures a demo: findings against the generator's truth, and the bytes that left against all raw values."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.agreement import NUMBER_FINDING_KINDS, Agreement, Dataset
from secure_match.audit import PackageKind
from secure_match.cli._demo_release import SecondPhase
from secure_match.cli._demo_tokens import TokenRound
from secure_match.department.handles import HandleMaker
from secure_match.department.keys import DepartmentKey
from secure_match.department.leak_scan import IdentifierScanner, RandomRange, ScanReport, random_digits
from secure_match.encoded import matrix_from_binary
from secure_match.encoded.files import REQUEST_PART, ROWS_PART, read_dataset, read_pass_request
from secure_match.encoded.layout import ColumnRange, binary_column_ranges
from secure_match.enrolment.files import FINDINGS_PART, read_findings
from secure_match.exchange.desk import Desk
from secure_match.exchange.files import sealed_place
from secure_match.exchange.oprf.files import ELEMENTS_PART, read_blinded, read_evaluated
from secure_match.kernels._seen import SeenKeys
from secure_match.synthetic import City

_FINDING, _KIND, _RULE = 0, 1, 2
_KIND_WORDS: Final = {
    "重复": "duplicate",
    "未参保": "missing",
    "一号多人": "one_number_two_people",
    "一人多号": "one_person_two_numbers",
}

_REQUEST_PARTS: Final[dict[PackageKind, tuple[str, Callable[[Path], int]]]] = {
    "pass-request": (REQUEST_PART, lambda path: int(read_pass_request(path).table.num_rows)),
    "blinded": (ELEMENTS_PART, lambda path: len(read_blinded(path)[0].elements)),
    "evaluated": (ELEMENTS_PART, lambda path: len(read_evaluated(path).elements)),
}
"""Kind of a package whose cells belong to no row to its part, and to what counts its rows."""

IntArray = npt.NDArray[np.int64]
WordMatrix = npt.NDArray[np.uint64]
HandleMatrix = npt.NDArray[np.uint8]
Found = list[tuple[str, str, str, str]]
"""Rows of a worklist: finding id, kind, rule, row key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A package that was sent: its sealed file, and the desk of the party that it is for."""

    path: Path
    desk: Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFiles:
    """What left and what came of it: packages by dataset, requests, findings packages, the bureau's other files."""

    packages: Sequence[tuple[str, Sent]]
    requests: Sequence[tuple[PackageKind, Sent]]
    findings: Sequence[Sent]
    other: Sequence[Path]

    @classmethod
    def of(
        cls,
        agreement: Agreement,
        desks: Mapping[str, Desk],
        packages: Mapping[str, Path],
        asked: SecondPhase,
        tokens: TokenRound,
        findings: Mapping[str, Path],
        bureau: Path,
    ) -> SentFiles:
        """The files of a demo; ``findings`` are by department, ``bureau`` is the run directory."""
        taker = next(party.id for party in agreement.parties if party.role == "bureau")
        holders = [party.id for party in agreement.key_holders]
        names = ("summary.json", "links.parquet", "model.json", "stakes.parquet")
        return cls(
            packages=[
                (dataset, Sent(path=path, desk=desks[taker]))
                for dataset, path in (*packages.items(), *asked.packages.items())
            ],
            requests=[
                *(("pass-request", Sent(path=path, desk=desks[party])) for party, path in asked.all_requests),
                *(
                    ("blinded", Sent(path=path, desk=desks[holder]))
                    for holder in holders
                    for path in tokens.requests.values()
                ),
                *(("evaluated", Sent(path=path, desk=desks[party])) for party, path in tokens.answers.items()),
            ],
            findings=[Sent(path=path, desk=desks[party]) for party, path in findings.items()],
            other=[bureau / name for name in names],
        )


def worklist_findings(dataset: Dataset, path: Path) -> Found:
    """Read a worklist back as its department would."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        key = next(reader).index(dataset.row_key)
        return [(row[_FINDING], _KIND_WORDS[row[_KIND]], row[_RULE], row[key]) for row in reader]


def measure_findings(city: City, found: Mapping[str, Found]) -> dict[str, Any]:
    """Duplicates (pairs of rows), missing people and trouble with ID numbers against the truth, in all and by rule."""
    sides: dict[str, list[tuple[str, str]]] = defaultdict(list)
    rules: dict[str, str] = {}
    missing: set[tuple[str, str]] = set()
    groups: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for dataset, rows in found.items():
        for finding, kind, rule, row_key in rows:
            if kind == "missing":
                missing.add((rule, row_key))
            elif kind in NUMBER_FINDING_KINDS:
                groups[kind, finding].add((dataset, row_key))
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
        "numbers": _score_numbers(city, groups),
    }


def _score_numbers(city: City, groups: Mapping[tuple[str, str], set[tuple[str, str]]]) -> dict[str, Any]:
    """Findings on ID numbers by subject: a number, or a person.

    A finding is right when all its rows are rows of one true subject of its kind; it need not have all of them.
    """
    subject_of: dict[tuple[str, str, str], int] = {}
    for row in city.truth.numbers.to_pylist():
        subject_of[row["kind"], row["dataset"], row["row_key"]] = row["subject"]
    expected = {(kind, subject) for (kind, _, _), subject in subject_of.items()}
    found: set[tuple[str, int | str]] = set()
    for (kind, finding), rows in groups.items():
        subjects = {subject_of.get((kind, *row)) for row in rows}
        subject = next(iter(subjects)) if len(subjects) == 1 else None
        found.add((kind, finding if subject is None else subject))
    result = _score(expected, found)
    result["by_kind"] = result.pop("by_rule")
    return result


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


def measure_leaks(city: City, rows: DemoRows, sent: SentFiles) -> dict[str, Any]:
    """Search every byte that left a department, and every byte the bureau made of it, for all raw values."""
    scanner = IdentifierScanner(city.truth.values, rows)
    reports: list[ScanReport] = []
    for dataset, sent_package in sent.packages:
        with _opened(sent_package, "encodings", scanner, reports) as path:
            handles = read_dataset(path).table["handle"]
            reports.append(_scan(scanner, path, ROWS_PART, rows.ids(dataset, handles)))
    for kind, request in sent.requests:
        with _opened(request, kind, scanner, reports) as path:
            part, rows_there = _REQUEST_PARTS[kind]
            reports.append(_scan(scanner, path, part, np.full(rows_there(path), -1, dtype=np.int64)))
    for sent_package in sent.findings:
        with _opened(sent_package, "findings", scanner, reports) as path:
            table = read_findings(path).table
            ids = np.full(table.num_rows, -1, dtype=np.int64)
            names = np.asarray(table["dataset"].to_pylist(), dtype=np.str_)
            for dataset in np.unique(names).tolist():
                mine = np.flatnonzero(names == dataset)
                ids[mine] = rows.ids(dataset, table["handle"].take(pa.array(mine)))
            reports.append(_scan(scanner, path, FINDINGS_PART, ids))
    # Compressed and columnar files hold keyed bytes everywhere: they are one random range that belongs to no row.
    for path in sent.other:
        data = path.read_bytes()
        whole = RandomRange(start=0, width=max(1, len(data)), row_ids=np.full(min(1, len(data)), -1, dtype=np.int64))
        ranges = (whole,) if path.suffix == ".parquet" else random_digits(data)
        reports.append(scanner.scan(data, ranges))
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


@contextmanager
def _opened(sent: Sent, kind: PackageKind, scanner: IdentifierScanner, reports: list[ScanReport]) -> Iterator[Path]:
    """Search a sealed package as whoever carries it sees it; then its content, for whom it is sealed to."""
    data, sealed = sent.path.read_bytes(), _sealed_range(sent.path)
    reports.append(scanner.scan(data, [sealed, *random_digits(data, [sealed])]))
    with sent.desk.private_folder() as folder:
        content = folder / sent.path.name
        sent.desk.open_content(sent.path, content, kind)
        yield content


def _sealed_range(path: Path) -> RandomRange:
    """Sealed content is pseudo-random and belongs to no row; what is around it is searched without allowance."""
    start, size = sealed_place(path)
    return RandomRange(start=start, width=size, row_ids=np.full(1, -1, dtype=np.int64))


def _scan(scanner: IdentifierScanner, path: Path, part: str, ids: IntArray) -> ScanReport:
    data, columns = binary_column_ranges(path, part)
    ranges = [RandomRange(start=item.start, width=item.width, row_ids=_ids_of(item, ids)) for item in columns]
    return scanner.scan(data, [*ranges, *random_digits(data, ranges)])


def _ids_of(item: ColumnRange, ids: IntArray) -> IntArray:
    if item.first_row is None:
        return np.full(item.rows, -1, dtype=np.int64)
    return ids[item.first_row : item.first_row + item.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class _RowsHolding:
    """The ids of the rows that hold a value: a row is looked at when it is asked about, none is kept."""

    value: str
    rows: DemoRows

    def __contains__(self, row: object) -> bool:
        return isinstance(row, int) and self.value in self.rows.cells(row)


class DemoRows:
    """A number for every row of every export, from 0 on, -1 for no row; and what stands on it."""

    def __init__(self, agreement: Agreement, city: City, keys: Mapping[str, DepartmentKey]) -> None:
        self._tables = [city.exports[dataset.id] for dataset in agreement.datasets]
        self._ends = np.cumsum([table.num_rows for table in self._tables], dtype=np.int64)
        self._handles: dict[str, tuple[WordMatrix, IntArray]] = {}
        for dataset, table, end in zip(agreement.datasets, self._tables, self._ends.tolist(), strict=True):
            maker = HandleMaker(keys[dataset.owner], agreement.id, dataset.id)
            handles, _, _ = maker.make(table[dataset.row_key].combine_chunks(), SeenKeys())
            words = _handle_words(handles)
            order = np.lexsort((words[:, 1], words[:, 0]))
            self._handles[dataset.id] = words[order], order + (end - table.num_rows)

    def ids(self, dataset: str, handles: pa.ChunkedArray) -> IntArray:
        """The number of the row of each handle, int64 of shape (handles,).

        Raises:
            KeyError: a handle is of no row of the export.
        """
        known, numbers = self._handles[dataset]
        words = _handle_words(handles)
        places = np.minimum(np.searchsorted(known[:, 0], words[:, 0]), max(len(known) - 1, 0))
        # Of 2^32 handles two would share their first eight bytes; a city has some millions.
        if len(words) and not (known[places] == words).all():
            raise KeyError("a package holds a handle of no row")
        return numbers[places]

    def handles(self, dataset: str) -> HandleMatrix:
        """The handle of every row in the export's order, uint8 of shape (rows, 16)."""
        known, numbers = self._handles[dataset]
        words = np.empty_like(known)
        words[numbers - numbers.min(initial=np.iinfo(np.int64).max)] = known
        return words.astype(">u8").view(np.uint8)

    def cells(self, row: int) -> set[str]:
        """The texts on a row; none for -1."""
        if row < 0:
            return set()
        place = int(np.searchsorted(self._ends, row, side="right"))
        table = self._tables[place]
        index = row - (int(self._ends[place]) - table.num_rows)
        return {column[index].as_py() or "" for column in table.columns}

    def get(self, key: str, default: Container[int], /) -> Container[int]:
        """The rows that hold a value."""
        return _RowsHolding(value=key, rows=self)


def _handle_words(handles: pa.ChunkedArray | pa.Array) -> WordMatrix:
    return np.ascontiguousarray(matrix_from_binary(handles)[0]).view(">u8").astype(np.uint64)
