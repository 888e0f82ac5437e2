"""EDGE: ``secure-match review log``: are these the entries that were written, and do the parties' logs agree?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from secure_match.agreement import Agreement
from secure_match.agreement.files import read_agreement
from secure_match.audit import CrossCheck, Entry, LogFacts, Transfer
from secure_match.audit.files import read_log
from secure_match.cli._output import print_json, row_progress, say, show_table
from secure_match.errors import AuditError
from secure_match.review._log import parse_head, select_entries
from secure_match.review.log_files import Beside, cross_check_files, verify_log_file

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Verify audit logs and hold them together.")

_SHOWN: Final = 20
_DIGEST_SHOWN: Final = 16
LogArgument = Annotated[Path, typer.Argument(metavar="LOG", help="A party's audit log, or a copy of it.")]
AgreementOption = Annotated[
    Path | None, typer.Option(help="The agreement, whose signing keys the checkpoints are verified with.")
]
JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]


@app.command()
def verify(
    log: LogArgument,
    *,
    agreement: AgreementOption = None,
    party: Annotated[str | None, typer.Option(help="Whose log it has to be.")] = None,
    package: Annotated[
        list[Path] | None, typer.Option(help="A sealed package that the party sent; repeatable.")
    ] = None,
    kept: Annotated[Path | None, typer.Option(help="An older copy of the log, or lines of it kept elsewhere.")] = None,
    head: Annotated[list[str] | None, typer.Option(help="A head that was noted, ENTRIES:HASH; repeatable.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Find any entry that was removed, changed, inserted or moved, and say where.

    Example: secure-match review log verify police.log --agreement agreement.toml --package population.smp
    """
    beside = Beside(
        agreement=_agreement(agreement),
        party=party,
        packages=package or [],
        kept=kept,
        heads=[parse_head(text) for text in head or []],
    )
    with row_progress("Verifying", quiet=as_json) as progress:
        facts = verify_log_file(log, beside, progress=progress)
    if as_json:
        print_json({"file": str(log), "packages_checked": len(beside.packages)} | _facts_json(facts))
        return
    say(f"{log}: {facts.head.entries:,} entries of {facts.party or 'nobody'}, {facts.first_time} to {facts.last_time}.")
    say(_signed_line(facts, beside.agreement is not None))
    if facts.steps_back:
        say(
            f"Times that the clock went back: {facts.steps_back:,}. Times are what clocks said; the order is the log's."
        )
    if beside.packages:
        say(f"Packages that are in it, behind the entries that they name: {len(beside.packages):,}.")
    say(
        f"Head {facts.head.entries}:{facts.head.hash}",
        "Next: keep this head elsewhere; what is cut off the end later is found with --head.",
    )


@app.command("cross-check")
def cross(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="Logs of different parties.")],
    *,
    agreement: AgreementOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold logs of several parties together: what was sent has to be taken in, and the other way round.

    Example: secure-match review log cross-check police.log civil.log bureau.log --agreement agreement.toml
    """
    with row_progress("Verifying", quiet=as_json) as progress:
        check, facts = cross_check_files(logs, _agreement(agreement), progress=progress)
    if as_json:
        transfers = [_transfer_json(item) for item in check.transfers]
        print_json(
            {"logs": [_facts_json(item) for item in facts], "transfers": transfers, "problems": len(check.problems)}
        )
    else:
        _tell(check)
    if check.problems:
        raise AuditError(
            f"packages of which the logs do not say the same: {len(check.problems):,}; ask both sides for each",
            code="AUDIT_CROSS_CHECK",
        )


@app.command()
def show(
    log: LogArgument,
    *,
    last: Annotated[int, typer.Option(min=0, help="Entries to show at most, the latest; 0 for all.")] = _SHOWN,
    action: Annotated[str | None, typer.Option(help="Only entries of this action, such as release.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the entries of a log whose chain is whole.

    Example: secure-match review log show police.log --action release
    """
    facts = verify_log_file(log, Beside())
    entries = select_entries(read_log(log), action=action, last=last)
    if as_json:
        print_json({"file": str(log), "entries": [entry.model_dump(mode="json") for entry in entries]})
        return
    show_table(
        f"{log}: {len(entries):,} of {facts.head.entries:,} entries of {facts.party or 'nobody'}",
        ["entry", "time", "operator", "action", "in", "out", "counts and details"],
        [_row(entry) for entry in entries],
    )
    say(f"Next: secure-match review log verify {log} --agreement AGREEMENT")


def _agreement(path: Path | None) -> Agreement | None:
    return read_agreement(path) if path is not None else None


def _facts_json(facts: LogFacts) -> dict[str, Any]:
    return {
        "party": facts.party,
        "log": facts.log,
        "entries": facts.head.entries,
        "head": f"{facts.head.entries}:{facts.head.hash}",
        "first_time": facts.first_time,
        "last_time": facts.last_time,
        "checkpoints": facts.checkpoints,
        "signed_entries": facts.signed_entries,
        "clock_steps_back": facts.steps_back,
        "packages_sent": len(facts.sent),
    }


def _signed_line(facts: LogFacts, checked: bool) -> str:
    if not checked:
        return f"The chain is whole. {facts.checkpoints:,} checkpoints; their signatures need --agreement."
    left = max(0, facts.head.entries - facts.signed_entries - 1)
    more = f" Entries behind it that are not signed yet: {left:,}." if left else ""
    return f"The chain is whole, and {facts.party} signed it up to entry {facts.signed_entries:,}.{more}"


def _transfer_json(item: Transfer) -> dict[str, Any]:
    return {
        "status": item.status,
        "digest": item.digest,
        "name": item.name,
        "sent_entry": item.sent,
        "taken_entry": item.taken,
        **item.package.model_dump(mode="json"),
    }


def _tell(check: CrossCheck) -> None:
    rows = [_transfer_row(item) for item in check.transfers if item.status != "taken_in"]
    agreeing = len(check.transfers) - len(rows)
    parties = ", ".join(check.parties) or "nobody"
    say(f"Logs of {parties}. Packages of which both sides say the same: {agreeing:,}.")
    if rows:
        header = ["status", "sender", "recipient", "kind", "dataset", "period", "sequence", "sent", "taken", "digest"]
        show_table("Others", header, rows)


def _transfer_row(item: Transfer) -> list[str]:
    package = item.package
    return [
        item.status,
        package.sender,
        package.recipient,
        package.kind,
        package.dataset or "-",
        package.period,
        str(package.sequence),
        f"entry {item.sent}" if item.sent is not None else "-",
        f"entry {item.taken}" if item.taken is not None else "-",
        f"{item.digest[:_DIGEST_SHOWN]}…",
    ]


def _row(entry: Entry) -> list[str]:
    notes = [f"{name} {number:,}" for name, number in entry.counts.items()]
    notes += [
        f"{name} {text if len(text) <= _DIGEST_SHOWN else text[:_DIGEST_SHOWN] + '…'}"
        for name, text in entry.details.items()
    ]
    return [
        str(entry.number),
        entry.time,
        entry.operator,
        entry.action,
        ", ".join(item.name for item in entry.inputs),
        ", ".join(item.name for item in entry.outputs),
        ", ".join(notes),
    ]
