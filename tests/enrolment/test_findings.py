"""Findings packages: what they refuse to be, and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from secure_match.encoded.files import read_dataset
from secure_match.enrolment import FINDINGS_SCHEMA, FindingsManifest, FindingSource, FindingsPackage, RuleTitle
from secure_match.enrolment.files import read_findings, write_findings
from secure_match.errors import PackageError

SOURCE = FindingSource(dataset="d", title="t", row_key="k", handle_key_id="0" * 16, package_digest="0" * 64)
MANIFEST = FindingsManifest(
    agreement_id="city",
    agreement_fingerprint="0" * 64,
    key_epoch="1",
    recipient="police",
    sources=(SOURCE,),
    dataset_titles={"d": "t"},
    rules=(RuleTitle(id="r", kind="missing", title="t"),),
    rows=1,
    tool="test",
)
ROW: dict[str, Any] = {
    "finding_id": b"f" * 16,
    "kind": "missing",
    "rule": "r",
    "dataset": "d",
    "handle": b"h" * 16,
    "other_dataset": None,
    "first_month": None,
    "last_month": None,
    "evidence": None,
}


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.table(
        [pa.array([row[field.name] for row in rows], field.type) for field in FINDINGS_SCHEMA], schema=FINDINGS_SCHEMA
    )


def test_round_trip(tmp_path: Path) -> None:
    package = FindingsPackage(manifest=MANIFEST, table=table(ROW))
    one, two = tmp_path / "1.smf", tmp_path / "2.smf"
    write_findings(package, one)
    write_findings(package, two)
    assert one.read_bytes() == two.read_bytes()
    read = read_findings(one)
    assert (read.manifest, read.table) == (MANIFEST, package.table)
    with pytest.raises(PackageError) as caught:
        read_dataset(one)
    assert (caught.value.code, caught.value.place.file) == ("PACKAGE_MANIFEST", one)
    one.write_bytes(one.read_bytes()[:-1])
    with pytest.raises(PackageError) as caught:
        read_findings(one)
    assert (caught.value.code, caught.value.place.file) == ("PACKAGE_TRUNCATED", one)


BROKEN = {
    "count": table(ROW, ROW),
    "no rows": table(),
    "column": table(ROW).append_column("name", pa.array(["x"])),
    "unlisted dataset": table(ROW | {"dataset": "e"}),
    "no dataset": table(ROW | {"dataset": None}),
    "no handle": table(ROW | {"handle": None}),
    "no id": table(ROW | {"finding_id": None}),
    "no kind": table(ROW | {"kind": None}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_findings_agree_with_their_manifest(case: str) -> None:
    with pytest.raises(PackageError) as caught:
        FindingsPackage(manifest=MANIFEST, table=BROKEN[case])
    assert caught.value.code == "PACKAGE_CONTENT"
