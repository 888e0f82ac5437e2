"""ENCODED: the bureau's files: packages in; findings, links and a summary out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from secure_match.agreement import Agreement
from secure_match.bureau._run import BureauRun
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import atomic_writer, read_package, verify_writable
from secure_match.enrolment.files import write_findings
from secure_match.errors import PackageError, Place, located
from secure_match.linkage import verify_linkable

SUMMARY_NAME: Final = "summary.json"
LINKS_NAME: Final = "links.parquet"


def read_packages(agreement: Agreement, paths: Sequence[Path]) -> tuple[list[EncodedDataset], dict[str, str]]:
    """Read packages, in any order, and check that each belongs to the agreement and to those before it.

    Returns:
        The datasets, and dataset id to package digest.

    Raises:
        PackageError: as ``encoded.files.read_dataset`` and ``linkage.verify_linkable`` do, with the file.
        LinkageError: as ``linkage.verify_linkable`` does, with the file.
    """
    datasets: list[EncodedDataset] = []
    digests: dict[str, str] = {}
    for path in paths:
        dataset, digest = read_package(path)
        with located(path):
            verify_linkable(agreement, [dataset], beside=datasets)
        datasets.append(dataset)
        digests[dataset.manifest.dataset] = digest
    return datasets, digests


def write_run(run: BureauRun, directory: Path, extra: dict[str, Any]) -> dict[str, Path]:
    """Write a run into a directory, which is made if it is not there.

    Args:
        extra: keys that join the summary, such as the time that the run took.

    Returns:
        Department to the path of its findings package.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    make_directory(directory)
    paths = {party: directory / f"findings-{party}.smf" for party in run.findings}
    for path in (*paths.values(), directory / LINKS_NAME, directory / SUMMARY_NAME):
        verify_writable(path)
    for old in directory.glob("findings-*.smf"):
        old.unlink()
    for party, package in run.findings.items():
        write_findings(package, paths[party])
    with atomic_writer(directory / LINKS_NAME) as stream:
        pq.write_table(run.links.pairs_table(), stream)
    write_json(run.summary | extra, directory / SUMMARY_NAME)
    return paths


def write_json(value: dict[str, Any], path: Path) -> None:
    """Write a JSON file for machines and people."""
    with atomic_writer(path) as stream:
        stream.write(json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n")


def make_directory(directory: Path) -> None:
    """Make a directory and its parents.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    problem = ""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = error.strerror or "cannot be made"
    if problem:
        raise PackageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=directory))
