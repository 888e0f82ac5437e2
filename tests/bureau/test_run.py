"""A run of the bureau: each department gets its own handles, and the summary counts what was found."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bureau.hand_rows import AGREEMENT, Row, encode, person
from secure_match.bureau import BureauRun, run_bureau
from secure_match.bureau.package_files import read_packages
from secure_match.bureau.stations import link_packages
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import write_dataset
from secure_match.enrolment import FindingsPackage
from secure_match.enrolment.files import read_findings
from secure_match.errors import LinkageError, PackageError

OPEN = {"first_month": "202601", "last_month": None}
ROWS: dict[str, list[Row]] = {
    "population": [
        person(1, "张三", row_key="p1", status="1"),
        person(2, "李四", row_key="p2", status="1"),
        person(3, "王五", row_key="p3", status="2"),
    ],
    "employee_medical": [person(1, "张三", row_key="e1", **OPEN), person(9, "郑九", row_key="e9", **OPEN)],
    "resident_medical": [person(1, "张三", row_key="r1", **OPEN), person(9, "郑九", row_key="r9", known=False, **OPEN)],
    "employee_pension": [person(1, "张三", row_key="w1", **OPEN)],
}


def made() -> dict[str, EncodedDataset]:
    return {name: encode(name, rows) for name, rows in ROWS.items()}


DIGESTS = {name: f"{place:064x}" for place, name in enumerate(ROWS)}
RUN = run_bureau(AGREEMENT, list(made().values()), DIGESTS)


def listed(package: FindingsPackage) -> set[tuple[Any, ...]]:
    columns = ["kind", "rule", "dataset", "other_dataset", "first_month", "last_month", "evidence"]
    return {tuple(row[name] for name in columns) for row in package.table.to_pylist()}


def test_the_findings() -> None:
    assert list(RUN.findings) == ["police", "hrss", "medical"]
    assert listed(RUN.findings["police"]) == {("missing", "medical", "population", None, None, None, None)}
    months = (202601, 202612)
    assert listed(RUN.findings["medical"]) == {
        ("duplicate", "medical", one, two, *months, evidence)
        for one, two in (("employee_medical", "resident_medical"), ("resident_medical", "employee_medical"))
        for evidence in ("id_token", "passes")
    }
    assert RUN.findings["hrss"].table.num_rows == 0


def test_a_department_gets_its_own_handles_and_nobody_elses() -> None:
    datasets = made()
    handles = {name: set(dataset.table["handle"].to_pylist()) for name, dataset in datasets.items()}
    for party, package in RUN.findings.items():
        own = [name for name in ROWS if datasets[name].manifest.owner == party]
        assert [source.dataset for source in package.manifest.sources] == own
        assert [source.package_digest for source in package.manifest.sources] == [DIGESTS[name] for name in own]
        assert package.manifest.recipient == party
        for row in package.table.to_pylist():
            assert row["handle"] in handles[row["dataset"]]
        foreign = set().union(*(found for name, found in handles.items() if name not in own))
        content = b"".join(
            value if isinstance(value, bytes) else str(value).encode()
            for row in package.table.to_pylist()
            for value in row.values()
        )
        content += package.manifest.model_dump_json().encode()
        for handle in foreign:
            assert handle not in content
            assert handle.hex().encode() not in content


def test_both_sides_of_a_duplicate_have_one_id() -> None:
    table = RUN.findings["medical"].table
    by_dataset = {
        name: {row["finding_id"] for row in table.to_pylist() if row["dataset"] == name}
        for name in ("employee_medical", "resident_medical")
    }
    assert by_dataset["employee_medical"] == by_dataset["resident_medical"]
    assert len(by_dataset["employee_medical"]) == 2
    again = run_bureau(AGREEMENT, list(made().values())[::-1], DIGESTS)
    assert {party: package.table for party, package in again.findings.items()} == {
        party: package.table for party, package in RUN.findings.items()
    }


def test_the_summary() -> None:
    summary = RUN.summary
    assert summary["agreement"] == {"id": AGREEMENT.id, "fingerprint": AGREEMENT.fingerprint}
    assert [(item["dataset"], item["rows"], item["with_id_token"]) for item in summary["datasets"]] == [
        ("population", 3, 3),
        ("employee_pension", 1, 1),
        ("employee_medical", 2, 2),
        ("resident_medical", 2, 1),
    ]
    medical, pension = summary["duplicates"]
    assert medical == {
        "rule": "medical",
        "examined": True,
        "absent_datasets": [],
        "found": 2,
        "persons": 2,
        "skipped_persons": 0,
        "skipped_rows": 0,
        "by_id_token": 1,
        "by_passes": 1,
        "by_datasets": [{"datasets": ["employee_medical", "resident_medical"], "found": 2}],
    }
    assert (pension["found"], pension["by_datasets"]) == (0, [])
    assert (pension["examined"], pension["absent_datasets"]) == (False, ["resident_pension"])
    assert summary["missing"] == [
        {
            "rule": "medical",
            "examined": True,
            "found": 1,
            "held_for_review": 0,
            "eligible": 2,
            "covered": 1,
            "enrolled": 1,
            "excused": 0,
        },
        {"rule": "pension", "examined": False},
    ]
    assert summary["findings"] == {"police": 1, "hrss": 0, "medical": 4}
    assert summary["links"]["persons"] == 4
    assert summary["links"]["link_by_passes"] == 1
    json.dumps(summary)


@pytest.fixture
def packages(tmp_path: Path) -> list[Path]:
    paths = []
    for name, dataset in made().items():
        paths.append(tmp_path / f"{name}.smp")
        write_dataset(dataset, paths[-1])
    return paths


def test_from_files_to_files_and_again(tmp_path: Path, packages: list[Path]) -> None:
    def run(order: list[Path], out: Path) -> tuple[BureauRun, dict[str, Path], dict[str, Any]]:
        ticks = count(10)
        return link_packages(AGREEMENT, order, out, clock=lambda: float(next(ticks)))

    _, paths, summary = run(packages, tmp_path / "deep" / "run")
    assert sorted(path.name for path in (tmp_path / "deep" / "run").iterdir()) == [
        "findings-hrss.smf",
        "findings-medical.smf",
        "findings-police.smf",
        "links.parquet",
        "model.json",
        "stakes.parquet",
        "summary.json",
    ]
    assert json.loads((tmp_path / "deep" / "run" / "summary.json").read_text(encoding="utf-8")) == summary
    assert summary["seconds"] == 1.0
    assert pq.read_table(tmp_path / "deep" / "run" / "links.parquet").num_rows == summary["links"]["pairs"]
    _, again, _ = run(packages[::-1], tmp_path / "again")
    for party, path in paths.items():
        assert path.read_bytes() == again[party].read_bytes()
        assert read_findings(path).manifest.recipient == party
    for name in ("links.parquet", "model.json", "stakes.parquet", "summary.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "deep" / "run" / name).read_bytes()


def test_packages_that_do_not_belong_to_the_run_are_named(tmp_path: Path, packages: list[Path]) -> None:
    copy = tmp_path / "copy.smp"
    copy.write_bytes(packages[0].read_bytes())
    with pytest.raises(LinkageError) as caught:
        read_packages(AGREEMENT, [*packages, copy])
    assert (caught.value.code, caught.value.place.file) == ("DATASET_REPEATED", copy)
    other = AGREEMENT.model_copy(update={"title": "other"})
    with pytest.raises(LinkageError) as caught:
        read_packages(other, packages)
    assert (caught.value.code, caught.value.place.file) == ("DEFINITION_MISMATCH", packages[0])
    copy.write_bytes(copy.read_bytes()[:-10])
    with pytest.raises(PackageError) as caught_package:
        read_packages(AGREEMENT, [*packages[1:], copy])
    assert (caught_package.value.code, caught_package.value.place.file) == ("PACKAGE_TRUNCATED", copy)


def test_nothing_is_written_where_something_is_wrong(tmp_path: Path, packages: list[Path]) -> None:
    out = tmp_path / "run"
    with pytest.raises(LinkageError):
        link_packages(AGREEMENT, [*packages, packages[0]], out, clock=lambda: 0.0)
    assert not out.exists()
    out.write_text("a file")
    with pytest.raises(PackageError) as caught:
        link_packages(AGREEMENT, packages, out, clock=lambda: 0.0)
    assert (caught.value.code, caught.value.place.file) == ("FILE_NOT_WRITABLE", out)
