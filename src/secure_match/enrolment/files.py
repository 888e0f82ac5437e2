"""ENCODED: findings packages on disk (``.smf``)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from secure_match.encoded.files import open_package, read_table_part, write_package
from secure_match.encoded.manifest import parse_manifest
from secure_match.enrolment._findings import FINDINGS_SCHEMA, FindingsManifest, FindingsPackage
from secure_match.errors import located

FINDINGS_PART: Final = "findings.arrow"


def write_findings(package: FindingsPackage, path: Path) -> None:
    """Write a findings package. Same findings, same bytes."""
    write_package(package.manifest, FINDINGS_PART, package.table, path)


def read_findings(path: Path) -> FindingsPackage:
    """Read a findings package.

    Raises:
        PackageError: as ``encoded.files.read_dataset`` does.
    """
    with located(path), open_package(path) as reader:
        manifest = parse_manifest(FindingsManifest, reader.manifest)
        table = read_table_part(reader, FINDINGS_PART, FINDINGS_SCHEMA, manifest.rows)
        return FindingsPackage(manifest=manifest, table=table)
