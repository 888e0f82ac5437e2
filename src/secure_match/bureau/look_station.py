"""ENCODED: the bureau asks a department about its rows, and takes the answer in. Commands call these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement
from secure_match.bureau.files import findings_name
from secure_match.bureau.look_files import add_answers, read_asked_rows, write_asked_rows
from secure_match.bureau.review_decisions import clean_text, settled, time_text
from secure_match.bureau.review_files import read_decisions_if_any
from secure_match.bureau.review_looks import build_request, mapping_of, new_records, records_of
from secure_match.bureau.run_files import read_queue, read_run_agreement
from secure_match.encoded.files import open_package, verify_writable
from secure_match.enrolment.files import read_findings, read_look_answer, write_look_request
from secure_match.errors import LinkageError, Place, UsageError, located


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReport:
    """What was asked: rows of the department, the request's id, and where its rows are kept."""

    rows: int
    request_id: str
    kept: Path


def request_look(
    run: Path,
    agreement: Agreement,
    out: Path,
    *,
    party: str,
    decisions: Path,
    looks: Path,
    secret: bytes,
    limit: int = 0,
) -> RequestReport:
    """Write a request to a department for its rows in the queue that nobody decided.

    Args:
        out: the request (``.smq``); no file may be there.
        decisions: file of decisions; pairs that are decided by it are left out.
        looks: folder in which the rows behind the request are kept.
        secret: 32 fresh random bytes.
        limit: how many pairs of the queue, from its beginning; 0 for all.

    Raises:
        LinkageError: ``DEFINITION_MISMATCH`` where the run was made under another agreement.
        UsageError: ``FILE_EXISTS``, or as ``build_request``.
        PackageError: ``FILE_NOT_FOUND`` where the run returned nothing to the department.
    """
    if read_run_agreement(run).fingerprint != agreement.fingerprint:
        raise LinkageError(
            "the run was made under another agreement", code="DEFINITION_MISMATCH", place=Place(file=run)
        )
    verify_writable(out)
    if out.exists():
        raise UsageError("there is a file already; name another", code="FILE_EXISTS", place=Place(file=out))
    queue = read_queue(run)
    decided = pa.array(sorted(settled(read_decisions_if_any(decisions))), pa.string())
    queue = queue.filter(pc.invert(pc.is_in(queue["pair"], value_set=decided)))
    request = build_request(
        agreement,
        queue.slice(0, limit or None),
        party=party,
        handle_key_ids=_handle_key_ids(run, agreement, party),
        secret=secret,
    )
    write_look_request(request, out)
    with open_package(out) as reader:
        digest = reader.digest
    kept = write_asked_rows(mapping_of(request, digest), looks)
    return RequestReport(rows=request.table.num_rows, request_id=request.manifest.request_id, kept=kept)


def _handle_key_ids(run: Path, agreement: Agreement, party: str) -> dict[str, str]:
    """Datasets of the department in the run, with the names of their handle keys, as its findings name them."""
    if agreement.party(party) is None:
        return {}
    manifest = read_findings(run / findings_name(party)).manifest
    return {source.dataset: source.handle_key_id for source in manifest.sources}


def take_answer(run: Path, answer: Path, *, looks: Path, operator: str, time: datetime) -> tuple[int, int]:
    """Take a department's answer in. It decides nothing.

    Returns:
        How many rows it is on, and how many of those answers were there already.

    Raises:
        PackageError: as ``read_look_answer``; ``LOOK_UNKNOWN``, ``LOOK_MISMATCH``.
        LinkageError: ``DEFINITION_MISMATCH`` where it was made under another agreement than the run.
    """
    name = clean_text(operator, column="operator")
    package = read_look_answer(answer)
    with located(answer):
        if package.manifest.agreement_id != read_run_agreement(run).id:
            raise LinkageError("the answer was made under another agreement than the run", code="DEFINITION_MISMATCH")
        asked = read_asked_rows(looks, package.manifest.request_id)
        found = records_of(package, asked, operator=name, time=time_text(time))
        added = add_answers(looks, lambda before: new_records(found, before))
    return len(found), len(found) - len(added)
