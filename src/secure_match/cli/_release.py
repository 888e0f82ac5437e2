"""EDGE: what would leave, in words, and the second operator's commands: ``department approve`` and ``release``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from secure_match.agreement.files import read_agreement
from secure_match.cli._desk import (
    IdentityOption,
    LogOption,
    OperatorOption,
    PeriodOption,
    UnlockKeyOption,
    UnlockPkcs11Option,
    open_desk,
)
from secure_match.cli._output import print_json, say
from secure_match.cli._unlock import read_identity_from
from secure_match.department.canaries import ScanSummary
from secure_match.department.encode_station import EncodeReport
from secure_match.department.held_files import approval_path
from secure_match.department.release_station import HeldSummary, approve_release, release_held
from secure_match.errors import UsageError
from secure_match.exchange.desk import require_desk

HeldArgument = Annotated[Path, typer.Argument(metavar="HELD", help="What waits for approval, e.g. police.smp.held.")]
AgreementArgument = Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")]
JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]


def approve(
    held: HeldArgument,
    agreement_file: AgreementArgument,
    identity: Annotated[Path, typer.Option(help="The second operator's own identity file.")],
    operator: Annotated[str, typer.Option(help="Who approves: somebody else than who encoded.")],
    *,
    log: LogOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a package that waits: show what would leave, and sign that exactly this may.

    Example: secure-match department approve police.smp.held agreement.toml --identity approver.identity --operator li
    """
    agreement = read_agreement(agreement_file)
    summary, path = approve_release(
        agreement,
        held,
        read_identity_from(identity, unlock_key, unlock_pkcs11),
        operator=operator,
        log=log if log is not None else identity.with_suffix(".log"),
        clock=lambda: datetime.now(UTC),
    )
    if as_json:
        print_json(asdict(summary) | {"approval": str(path)})
        return
    say(f"{summary.dataset} ({summary.title}), encoded by {summary.operator} for {summary.period}")
    say(*leaving_lines(summary), f"Wrote {path}: {operator} approves. Next: secure-match department release {held}")


def release(
    held: HeldArgument,
    agreement_file: AgreementArgument,
    out: Annotated[Path, typer.Option(help="The package to write, e.g. police.smp.")],
    *,
    approval: Annotated[Path | None, typer.Option(help="The approval. Default: beside HELD.")] = None,
    identity: IdentityOption = None,
    operator: OperatorOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Seal and write a package that a second operator approved.

    Example: secure-match department release police.smp.held agreement.toml --identity police.identity --out police.smp
    """
    agreement = read_agreement(agreement_file)
    desk = open_desk(
        agreement,
        identity,
        operator=operator,
        log=log,
        period=period,
        unlock_key=unlock_key,
        unlock_pkcs11=unlock_pkcs11,
    )
    if desk is None:
        require_desk(agreement, desk)
        raise UsageError("only a sealed agreement has approvals; name --identity", code="IDENTITY_NEEDED")
    chosen = approval if approval is not None else approval_path(held)
    summary, written = release_held(agreement, held, chosen, out, desk)
    if as_json:
        content = {"package": str(out), "package_id": written.package_id, "package_digest": written.digest}
        print_json(asdict(summary) | content)
        return
    say(f"{summary.dataset}: {summary.encoded:,} rows, approved. Wrote {out}. Next: send it to the bureau.")


def leaving_lines(report: EncodeReport | HeldSummary) -> list[str]:
    """What would leave, for somebody who has to answer for it."""
    lines = ["what would leave:"]
    lines += [f"  {column.name}: {column.form} (from {column.source})" for column in report.columns]
    on_request = report.on_request if isinstance(report, EncodeReport) else ()
    if on_request:
        lines.append("what would leave of rows that the bureau asks for:")
        lines += [f"  {column.name}: {column.form} (from {column.source})" for column in on_request]
    lines.append(
        f"rows: {report.encoded:,} of {report.read:,}, {report.quarantined:,} quarantined; "
        f"{report.fuzzy_rows:,} carry a fuzzy encoding ({report.fuzzy_rows / max(1, report.encoded):.1%})"
    )
    if report.cells.columns:
        lines.append(
            f"combinations of {', '.join(report.cells.columns)}: the smallest has {report.cells.smallest:,} rows; "
            f"given up: {given_up_words(report.given_up)}"
        )
    else:
        lines.append("combinations of coded columns: none under the rule for small cells")
    lines.append(scan_words(report.scan))
    lines.append(f"digest of the content: {report.package_digest}")
    return lines


def given_up_words(given_up: Mapping[str, int]) -> str:
    """How many cells each column gave up."""
    return ", ".join(f"{name} {count:,} cells" for name, count in given_up.items() if count) or "nothing"


def scan_words(scan: ScanSummary | None) -> str:
    """What was searched for, in a line."""
    if scan is None:
        return "search for identifiers: not made"
    rows = f"all {scan.rows:,} rows" if scan.complete else f"{scan.rows:,} rows, evenly spaced"
    return (
        f"search for identifiers: {scan.values:,} values of {rows}, each in {scan.forms} forms, in "
        f"{scan.scanned_bytes:,} bytes: none found"
    )
