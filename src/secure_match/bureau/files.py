"""ENCODED: what the bureau writes: findings, links and a summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any, Final

import pyarrow.parquet as pq

from secure_match.agreement import Agreement
from secure_match.audit import make_artifact
from secure_match.bureau._run import BureauRun
from secure_match.encoded.files import atomic_writer, file_digest, verify_writable
from secure_match.enrolment import FINDINGS_NOTES, FindingsPackage
from secure_match.enrolment.files import write_findings
from secure_match.errors import PackageError, Place
from secure_match.exchange.desk import Desk, Outgoing
from secure_match.linkage import LinkResult

SUMMARY_NAME: Final = "summary.json"
LINKS_NAME: Final = "links.parquet"
MODEL_NAME: Final = "model.json"
STAKES_NAME: Final = "stakes.parquet"
_PAIRS_PER_GROUP: Final = 1 << 20


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
