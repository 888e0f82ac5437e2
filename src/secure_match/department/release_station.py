"""RAW: the second operator's two stations: approve what is held, and release what was approved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from secure_match.agreement import Agreement, LeavingColumn, leaving_columns
from secure_match.audit import Event, make_artifact
from secure_match.audit.files import append_event
from secure_match.department.canaries import ScanSummary
from secure_match.department.files import verify_replaceable_package
from secure_match.department.held_files import (
    Held,
    approval_path,
    read_approval,
    read_held,
    report_path,
    scan_of,
    write_approval,
)
from secure_match.department.release import CellCount, count_cells, fuzzy_rows
from secure_match.department.release_files import Written, write_release
from secure_match.encoded.files import verify_writable
from secure_match.errors import KeyFileError, Place, UsageError
from secure_match.exchange.approvals import make_approval, verify_other_operator
from secure_match.exchange.desk import Desk
from secure_match.exchange.identities import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSummary:
    """What would leave: the same as in the report of a dry run."""

    dataset: str
    title: str
    operator: str
    period: str
    read: int
    encoded: int
    quarantined: int
    package_digest: str
    agreement_fingerprint: str
    columns: tuple[LeavingColumn, ...]
    cells: CellCount
    given_up: dict[str, int]
    fuzzy_rows: int
    scan: ScanSummary | None


def approve_release(
    agreement: Agreement,
    held: Path,
    identity: Identity,
    *,
    operator: str,
    log: Path,
    clock: Callable[[], datetime],
) -> tuple[HeldSummary, Path]:
    """Approve a held package: the approval is signed, logged and written beside it.

    Args:
        identity: the approver's, whose signing key the agreement names as the owner's ``approval`` key.
        operator: the approver; somebody else than who encoded.
        log: the approver's audit log.
        clock: the time, with its zone.

    Raises:
        SecureMatchError: as ``read_held``; ``APPROVAL_OPERATOR``, ``KEY_PARTY``, ``KEYS_MISSING``.
    """
    waiting = read_held(agreement, held)
    verify_other_operator(operator, (waiting.report.operator,))
    now = clock()
    approval = make_approval(agreement, identity, waiting.dataset.id, waiting.digest, operator=operator, time=now)
    event = Event(
        party=identity.party,
        operator=operator,
        action="approve",
        inputs=(make_artifact(held, waiting.digest),),
        details={"agreement": agreement.fingerprint, "dataset": waiting.dataset.id, "content": waiting.digest},
    )
    append_event(log, event, time=now)
    write_approval(agreement, waiting, approval, approval_path(held))
    return summarise_held(agreement, waiting), approval_path(held)


def release_held(
    agreement: Agreement, held: Path, approval: Path, out: Path, desk: Desk
) -> tuple[HeldSummary, Written]:
    """Seal and write what was approved. The held files stay, for whoever deletes them.

    Raises:
        SecureMatchError: as ``read_held``, ``read_approval`` and ``write_release``; ``KEY_PARTY``,
            ``OUTPUT_IS_INPUT``, ``FILE_EXISTS``.
    """
    if out.resolve() in {path.resolve() for path in (held, report_path(held), approval)}:
        raise UsageError("this output would overwrite another file", code="OUTPUT_IS_INPUT", place=Place(file=out))
    verify_writable(out)
    verify_replaceable_package(out)
    waiting = read_held(agreement, held)
    if desk.party != waiting.dataset.owner:
        raise KeyFileError(
            f"{waiting.dataset.id} is owned by {waiting.dataset.owner}; the identity is of {desk.party}",
            code="KEY_PARTY",
        )
    word = read_approval(agreement, waiting, approval)
    verify_other_operator(word.operator, (waiting.report.operator, desk.operator))
    written = write_release(
        agreement,
        waiting.dataset,
        waiting.encoded,
        out,
        desk,
        approval=word,
        inputs=(make_artifact(held, waiting.digest),),
        counts={"given_up": sum(waiting.report.given_up.values())} if waiting.report.given_up else {},
    )
    return summarise_held(agreement, waiting), written


def summarise_held(agreement: Agreement, held: Held) -> HeldSummary:
    """What an approver is shown."""
    counts = held.encoded.manifest.counts
    return HeldSummary(
        dataset=held.dataset.id,
        title=held.dataset.title,
        operator=held.report.operator,
        period=held.report.period,
        read=counts.read,
        encoded=counts.encoded,
        quarantined=counts.quarantined,
        package_digest=held.digest,
        agreement_fingerprint=agreement.fingerprint,
        columns=leaving_columns(agreement, held.dataset, held.encoded.manifest.phase),
        cells=_cells(agreement, held),
        given_up=held.report.given_up,
        fuzzy_rows=fuzzy_rows(held.encoded),
        scan=scan_of(held.report),
    )


def _cells(agreement: Agreement, held: Held) -> CellCount:
    """Cells of what is held; passes alone have none."""
    if held.encoded.manifest.phase == 2:
        return CellCount(columns=())
    return count_cells(agreement, held.dataset, held.encoded)
