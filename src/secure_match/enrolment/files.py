"""ENCODED: findings (``.smf``), look requests (``.smq``) and answers to them (``.sma``) on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from secure_match.encoded.files import open_package, read_table_part, write_package
from secure_match.encoded.manifest import parse_manifest
from secure_match.enrolment._findings import FINDINGS_SCHEMA, FindingsManifest, FindingsPackage
from secure_match.enrolment._look import (
    ANSWER_SCHEMA,
    REQUEST_SCHEMA,
    LookAnswer,
    LookAnswerManifest,
    LookRequest,
    LookRequestManifest,
)
from secure_match.errors import located

FINDINGS_PART: Final = "findings.arrow"
REQUEST_PART: Final = "request.arrow"
ANSWER_PART: Final = "answer.arrow"


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


def write_look_request(request: LookRequest, path: Path) -> None:
    """Write a request. Same request, same bytes."""
    write_package(request.manifest, REQUEST_PART, request.table, path)


def read_look_request(path: Path) -> tuple[LookRequest, str]:
    """Read a request, and its digest (lower-case hex SHA-256).

    Raises:
        PackageError: as ``encoded.files.read_dataset`` does.
    """
    with located(path), open_package(path) as reader:
        manifest = parse_manifest(LookRequestManifest, reader.manifest)
        table = read_table_part(reader, REQUEST_PART, REQUEST_SCHEMA, manifest.rows)
        return LookRequest(manifest=manifest, table=table), reader.digest


def write_look_answer(answer: LookAnswer, path: Path) -> None:
    """Write an answer. Same answer, same bytes."""
    write_package(answer.manifest, ANSWER_PART, answer.table, path)


def read_look_answer(path: Path) -> LookAnswer:
    """Read an answer.

    Raises:
        PackageError: as ``encoded.files.read_dataset`` does.
    """
    with located(path), open_package(path) as reader:
        manifest = parse_manifest(LookAnswerManifest, reader.manifest)
        table = read_table_part(reader, ANSWER_PART, ANSWER_SCHEMA, manifest.rows)
        return LookAnswer(manifest=manifest, table=table)
