"""EDGE: ``bureau review request`` and ``answers``: ask a department about its own rows, and take the answer in."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from secure_match.agreement.files import read_agreement
from secure_match.bureau.look_files import default_looks
from secure_match.bureau.look_station import request_look, take_answer
from secure_match.bureau.review_files import default_decisions
from secure_match.bureau.review_looks import SECRET_BYTES
from secure_match.cli._desk import (
    IdentityOption,
    LogOption,
    PeriodOption,
    UnlockKeyOption,
    UnlockPkcs11Option,
    open_desk,
)
from secure_match.cli._desk import OperatorOption as ClerkOption
from secure_match.cli._output import print_json, say
from secure_match.cli._review_options import (
    AtOption,
    DecisionsOption,
    JsonOption,
    LooksOption,
    OperatorOption,
    RunArgument,
    entry_of,
)


def request(
    run: RunArgument,
    *,
    agreement_file: Annotated[Path, typer.Option("--agreement", help="The agreement of the run.")],
    party: Annotated[str, typer.Option(help="Id of the department to ask.")],
    out: Annotated[Path, typer.Option(help="The request to write, e.g. request-police.smq.")],
    limit: Annotated[int, typer.Option(min=0, help="Pairs of the queue, from its beginning; 0 for all.")] = 0,
    decisions: DecisionsOption = None,
    looks: LooksOption = None,
    identity: IdentityOption = None,
    operator: ClerkOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a department to look at its own rows in the queue. It learns nothing of the other side.

    Example: secure-match bureau review request run/ --agreement agreement.toml --party police --out police.smq
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
    report = request_look(
        run,
        agreement,
        out,
        party=party,
        decisions=decisions or default_decisions(run),
        looks=looks or default_looks(run),
        secret=secrets.token_bytes(SECRET_BYTES),
        limit=limit,
        desk=desk,
    )
    if as_json:
        kept = str(report.kept)
        print_json({"request": str(out), "request_id": report.request_id, "rows": report.rows, "kept": kept})
        return
    say(f"Wrote {out}: {report.rows:,} rows of {party}. The rows behind it are kept in {report.kept}.")
    say(f"Next: send it to {party}, which answers with: secure-match department look")


def answers(
    run: RunArgument,
    answer: Annotated[Path, typer.Argument(metavar="ANSWER", help="The department's answer (.sma).")],
    *,
    operator: OperatorOption,
    at: AtOption = None,
    looks: LooksOption = None,
    agreement_file: Annotated[
        Path | None, typer.Option("--agreement", help="The agreement of the run; needed with --identity.")
    ] = None,
    identity: IdentityOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Take a department's answer in, as evidence; it decides nothing.

    Example: secure-match bureau review answers run/ answer.sma --operator Lin
    """
    entry = entry_of(operator, at, overrule=False)
    folder = looks or default_looks(run)
    agreement = read_agreement(agreement_file) if agreement_file is not None else None
    desk = open_desk(
        agreement,
        identity,
        operator=operator,
        log=log,
        period=period,
        unlock_key=unlock_key,
        unlock_pkcs11=unlock_pkcs11,
    )
    found, known = take_answer(run, answer, looks=folder, operator=entry.operator, time=entry.time, desk=desk)
    if as_json:
        print_json({"answers": found, "already_there": known})
        return
    say(f"Took in {found:,} answers; {known:,} were there already. Next: secure-match bureau review show {run} PAIR")
