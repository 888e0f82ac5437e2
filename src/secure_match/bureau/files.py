"""ENCODED: the bureau's files: packages in; findings, links and a summary out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

import pyarrow.parquet as pq

from secure_match.agreement import Agreement
from secure_match.audit import make_artifact
from secure_match.bureau._run import BureauRun
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import atomic_writer, file_digest, verify_writable
from secure_match.encoded.mapped_files import MappedPackage, map_package
from secure_match.encoded.supplements import join_supplements
from secure_match.enrolment import FINDINGS_NOTES, FindingsPackage
from secure_match.enrolment.files import write_findings
from secure_match.errors import PackageError, Place, located
from secure_match.exchange.desk import Desk, Outgoing
from secure_match.linkage import LinkResult, VerifiedDatasets

SUMMARY_NAME: Final = "summary.json"
LINKS_NAME: Final = "links.parquet"
MODEL_NAME: Final = "model.json"
STAKES_NAME: Final = "stakes.parquet"
_READERS: Final = 2
"""Hashing is what takes time; beyond two the disk is."""
_PAIRS_PER_GROUP: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TakenIn:
    """Packages of one run, verified and mapped.

    Attributes:
        verified: their datasets.
        digests: dataset id to package digest.
        supplements: dataset id to the digests of the supplements that were joined to it, where there are any.
        packages: the maps, in the order of the files.
    """

    verified: VerifiedDatasets
    digests: dict[str, str]
    supplements: dict[str, tuple[str, ...]]
    packages: tuple[MappedPackage, ...]

    @property
    def all_digests(self) -> dict[str, str]:
        """The digests of everything that was taken in, by a name of each."""
        more = {
            f"{name}/{place}": digest for name, item in self.supplements.items() for place, digest in enumerate(item)
        }
        return self.digests | more

    def release(self) -> None:
        """Give memory that shows files back to the system."""
        for package in self.packages:
            package.release()

    def verify_unchanged(self) -> None:
        """Check that no file changed since its digest was verified.

        Raises:
            PackageError: ``PACKAGE_CHANGED``.
        """
        for package in self.packages:
            package.verify_unchanged()


def read_packages(
    agreement: Agreement,
    paths: Sequence[Path],
    *,
    threads: int | None = None,
    share: Callable[[float], None] | None = None,
) -> TakenIn:
    """Take packages in, in any order, and join supplements to theirs; each has to fit the others.

    Args:
        threads: how many packages are verified side by side; None for two.
        share: told the share of the packages that is done.

    Raises:
        PackageError: as ``encoded.files.read_dataset``, ``join_supplements`` and ``linkage.verify_linkable`` do, with
            the file; of several the first in the order of the paths.
        LinkageError: as ``linkage.verify_linkable`` does, with the file.
    """
    verified = VerifiedDatasets(agreement_fingerprint=agreement.fingerprint)
    packages: list[MappedPackage] = []
    pool = ThreadPoolExecutor(max_workers=min(threads or _READERS, _READERS))
    try:
        for package in pool.map(map_package, paths):
            package.release()
            packages.append(package)
            if share is not None:
                share(len(packages) / len(paths))
    finally:
        # A refused package, or a stop, does not wait for those that nobody began to read.
        pool.shutdown(cancel_futures=True)
    whole = _with_supplements(packages)
    for item in whole:
        with located(item.path):
            verified = verified.joined(agreement, item.dataset)
        for package in packages:
            package.release()
    return TakenIn(
        verified=verified,
        digests={item.dataset.manifest.dataset: item.digest for item in whole},
        supplements={item.dataset.manifest.dataset: item.supplements for item in whole if item.supplements},
        packages=tuple(packages),
    )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class _Whole:
    """A dataset with all its rows; ``supplements`` are the digests of those that were joined to it."""

    path: Path
    dataset: EncodedDataset
    digest: str
    supplements: tuple[str, ...] = ()


def _with_supplements(packages: Sequence[MappedPackage]) -> list[_Whole]:
    """Whole packages, each with its supplements joined to it in the order of their digests.

    Raises:
        PackageError: ``SUPPLEMENT_BASE``, ``SUPPLEMENT_ROWS``, with the supplement's file.
    """
    bases = [item for item in packages if item.dataset.manifest.supplement_to is None]
    whole = [_Whole(path=item.path, dataset=item.dataset, digest=item.digest) for item in bases]
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


def verify_outputs(agreement: Agreement, directory: Path) -> None:
    """Check, before any work, that the results of a run can be written into a directory.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    names = (LINKS_NAME, MODEL_NAME, STAKES_NAME, SUMMARY_NAME)
    for name in (*(findings_name(party.id) for party in agreement.parties), *names):
        verify_writable(directory / name)


def findings_name(party: str) -> str:
    """The name of a department's findings in a run directory."""
    return f"findings-{party}.smf"


def write_run(run: BureauRun, directory: Path, extra: dict[str, Any], *, desk: Desk | None = None) -> dict[str, Path]:
    """Write a run into a directory, in the place of an earlier run.

    Args:
        desk: the bureau's, under a sealed agreement: it seals the findings and logs the run.
        extra: keys that join the summary, such as the time that the run took.

    Returns:
        Department to the path of its findings package.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    paths = {party: directory / findings_name(party) for party in run.findings}
    for old in directory.glob(findings_name("*")):
        old.unlink()
    with atomic_writer(directory / LINKS_NAME) as stream:
        _write_links(run.links, stream)
    write_json(run.model, directory / MODEL_NAME)
    with atomic_writer(directory / STAKES_NAME) as stream:
        pq.write_table(run.stakes, stream)
    write_json(run.summary | extra, directory / SUMMARY_NAME)
    if desk is not None:
        _log_run(run, directory, desk)
    for party, package in run.findings.items():
        if desk is None:
            write_findings(package, paths[party])
        else:
            _send_findings(package, paths[party], desk)
    return paths


def _log_run(run: BureauRun, directory: Path, desk: Desk) -> None:
    names = (LINKS_NAME, MODEL_NAME, STAKES_NAME, SUMMARY_NAME)
    links = run.summary["links"]
    desk.note(
        "link",
        inputs=[make_artifact(item["dataset"], item["package_digest"]) for item in run.summary["datasets"]],
        outputs=[make_artifact(name, file_digest(directory / name)) for name in names],
        counts={name: links[name] for name in ("link", "possible_link", "persons")},
    )


def _send_findings(package: FindingsPackage, path: Path, desk: Desk) -> None:
    outgoing = Outgoing(
        kind="findings",
        recipient=package.manifest.recipient,
        columns=FINDINGS_NOTES,
        counts={"findings": package.manifest.rows},
    )
    desk.send_written(lambda plain: write_findings(package, plain), path, outgoing)


def _write_links(links: LinkResult, stream: IO[bytes]) -> None:
    """Write pairs as Parquet, some at a time."""
    with pq.ParquetWriter(stream, links.pairs_table(0, 0).schema) as writer:
        for begin in range(0, len(links.row_i), _PAIRS_PER_GROUP):
            writer.write_table(links.pairs_table(begin, begin + _PAIRS_PER_GROUP))


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
