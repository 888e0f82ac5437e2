"""ENCODED: the bureau's files: packages in; findings, links and a summary out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from secure_match.agreement import Agreement
from secure_match.bureau._run import BureauRun
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import atomic_writer, read_package, verify_writable
from secure_match.encoded.supplements import join_supplements
from secure_match.enrolment.files import write_findings
from secure_match.errors import PackageError, Place, located
from secure_match.linkage import verify_linkable

SUMMARY_NAME: Final = "summary.json"
LINKS_NAME: Final = "links.parquet"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Package:
    """A package that was read; ``supplements`` are the digests of those that were joined to it."""

    path: Path
    dataset: EncodedDataset
    digest: str
    supplements: tuple[str, ...] = ()


def read_packages(
    agreement: Agreement, paths: Sequence[Path]
) -> tuple[list[EncodedDataset], dict[str, str], dict[str, tuple[str, ...]]]:
    """Read packages, in any order, join supplements to theirs, and check that each belongs to the agreement and others.

    Returns:
        The datasets; dataset id to package digest; dataset id to the digests of its supplements, where it has any.

    Raises:
        PackageError: as ``encoded.files.read_dataset`` and ``linkage.verify_linkable`` do, with the file.
        LinkageError: as ``linkage.verify_linkable`` does, with the file.
    """
    datasets: list[EncodedDataset] = []
    read = (read_package(path) for path in paths)
    packages = [
        _Package(path=path, dataset=dataset, digest=digest) for path, (dataset, digest) in zip(paths, read, strict=True)
    ]
    whole = _with_supplements(packages)
    for item in whole:
        with located(item.path):
            verify_linkable(agreement, [item.dataset], beside=datasets)
        datasets.append(item.dataset)
    names = [item.dataset.manifest.dataset for item in whole]
    digests = {name: item.digest for name, item in zip(names, whole, strict=True)}
    supplements = {name: item.supplements for name, item in zip(names, whole, strict=True) if item.supplements}
    return datasets, digests, supplements


def _with_supplements(packages: Sequence[_Package]) -> list[_Package]:
    """Whole packages, each with its supplements joined to it in the order of their digests.

    Raises:
        PackageError: ``SUPPLEMENT_BASE``, ``SUPPLEMENT_ROWS``, with the supplement's file.
    """
    whole = [item for item in packages if item.dataset.manifest.supplement_to is None]
    place = {item.digest: number for number, item in enumerate(whole)}
    supplements = [item for item in packages if item.dataset.manifest.supplement_to is not None]
    for item in sorted(supplements, key=lambda item: item.digest):
        wanted = str(item.dataset.manifest.supplement_to)
        if wanted not in place:
            raise PackageError(
                f"this is a supplement to the package with digest {wanted[:16]}…, which is not among those named; "
                "name both",
                code="SUPPLEMENT_BASE",
                place=Place(file=item.path),
            )
        base = whole[place[wanted]]
        with located(item.path):
            joined = join_supplements(base.dataset, base.digest, [item.dataset])
        whole[place[wanted]] = replace(base, dataset=joined, supplements=(*base.supplements, item.digest))
    return whole


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
