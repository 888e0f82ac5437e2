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
from secure_match.encoded.manifest import parse_manifest
from secure_match.enrolment import REQUEST_NOTES, FindingsManifest
from secure_match.enrolment.files import read_findings, read_look_answer, write_look_request
from secure_match.errors import LinkageError, Place, UsageError, located
from secure_match.exchange.desk import Desk, Outgoing, require_desk
from secure_match.exchange.files import is_sealed, read_sealed
from secure_match.exchange.private_folders import private_folder


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
    desk: Desk | None = None,
) -> RequestReport:
    """Write a request to a department for its rows in the queue that nobody decided.

    Args:
        out: the request (``.smq``); no file may be there.
        decisions: file of decisions; pairs that are decided by it are left out.
        looks: folder in which the rows behind the request are kept.
        secret: 32 fresh random bytes.
        limit: how many pairs of the queue, from its beginning; 0 for all.
        desk: the bureau's, under a sealed agreement.

    Raises:
        LinkageError: ``DEFINITION_MISMATCH`` where the run was made under another agreement.
        UsageError: ``FILE_EXISTS``, or as ``build_request``.
        PackageError: ``FILE_NOT_FOUND`` where the run returned nothing to the department.
    """
    if read_run_agreement(run).fingerprint != agreement.fingerprint:
        raise LinkageError(
            "the run was made under another agreement", code="DEFINITION_MISMATCH", place=Place(file=run)
        )
    require_desk(agreement, desk)
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
    with private_folder(out.parent) if desk is None else desk.private_folder() as folder:
        plain = folder / out.name
        write_look_request(request, plain)
        with open_package(plain) as reader:
            digest = reader.digest
        kept = write_asked_rows(mapping_of(request, digest, sealed=desk is not None), looks)
        if desk is None:
            plain.replace(out)
        else:
            counts = {"rows": request.table.num_rows}
            outgoing = Outgoing(kind="look-request", recipient=party, columns=REQUEST_NOTES, counts=counts)
            desk.send(plain, out, outgoing)
    return RequestReport(rows=request.table.num_rows, request_id=request.manifest.request_id, kept=kept)


def _handle_key_ids(run: Path, agreement: Agreement, party: str) -> dict[str, str]:
    """Datasets of the department in the run, with the names of their handle keys, as its findings name them."""
    if agreement.party(party) is None:
        return {}
    path = run / findings_name(party)
    if not agreement.sealed:
        manifest = read_findings(path).manifest
    else:
        # Findings are sealed to the department; what the bureau itself wrote about them can be read.
        with located(path):
            manifest = parse_manifest(FindingsManifest, read_sealed(path).manifest.content)
    return {source.dataset: source.handle_key_id for source in manifest.sources}


def take_answer(
    run: Path, answer: Path, *, looks: Path, operator: str, time: datetime, desk: Desk | None = None
) -> tuple[int, int]:
    """Take a department's answer in. It decides nothing.

    Args:
        desk: the bureau's, where the answer is sealed.

    Returns:
        How many rows it is on, and how many of those answers were there already.

    Raises:
        PackageError: as ``read_look_answer``; ``LOOK_UNKNOWN``, ``LOOK_MISMATCH``.
        LinkageError: ``DEFINITION_MISMATCH`` where it was made under another agreement than the run.
    """
    name = clean_text(operator, column="operator")
    if desk is None:
        if is_sealed(answer):
            raise _identity_needed(answer)
        package = read_look_answer(answer)
    else:
        with desk.received(answer, "look-answer", action="answers") as content:
            package = read_look_answer(content)
    with located(answer):
        if package.manifest.agreement_id != read_run_agreement(run).id:
            raise LinkageError("the answer was made under another agreement than the run", code="DEFINITION_MISMATCH")
        asked = read_asked_rows(looks, package.manifest.request_id)
        if asked.sealed and desk is None:
            raise _identity_needed(answer)
        found = records_of(package, asked, operator=name, time=time_text(time))
        added = add_answers(looks, lambda before: new_records(found, before))
    return len(found), len(found) - len(added)


def _identity_needed(answer: Path) -> UsageError:
    return UsageError(
        "this run's questions and answers are sealed: name the bureau's identity file with --identity, and the "
        "agreement with --agreement",
        code="IDENTITY_NEEDED",
        place=Place(file=answer),
    )
