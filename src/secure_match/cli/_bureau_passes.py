"""EDGE: ``secure-match bureau request-passes``: ask departments for the passes of rows that ID tokens do not join."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from secure_match.agreement.files import read_agreement
from secure_match.bureau.pass_station import AskedReport, request_passes
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


def request_passes_command(
    agreement_file: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    packages: Annotated[
        list[Path],
        typer.Argument(metavar="PACKAGES", help="Packages of the departments (.smp) that came in, of both phases."),
    ],
    out: Annotated[Path, typer.Option(help="Directory for the requests, passes-DEPARTMENT.smr.")],
    identity: IdentityOption = None,
    operator: OperatorOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    also_period: Annotated[
        list[str] | None, typer.Option(help="An older month (YYYY-MM) whose packages are meant to be in the run.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")] = False,
) -> None:
    """Write a request for passes to each department that has to be asked; run it again when the first answers came.

    Example: secure-match bureau request-passes agreement.toml sent/*.smp --out requests/
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
    report = request_passes(agreement, packages, out, desk=desk, also_periods=also_period or ())
    if as_json:
        requests = [asdict(item) | {"path": str(item.path)} for item in report.requests]
        print_json({"requests": requests, "unanswered": list(report.unanswered)})
        return
    for name in report.unanswered:
        say(f"warning: {name} was asked before and no answer of it is among the packages; its rows are left out")
    for item in report.requests:
        say(f"Wrote {item.path}: {_words(item)}.")
    if not report.requests:
        say("There is nothing to ask for. Next: secure-match bureau link.")
    elif report.requests[0].by == "handle":
        say("Next: send them; when the answers are here, run this again with all packages.")
    else:
        say("Next: send it; when the answer is here, secure-match bureau link with all packages.")


def _words(item: AskedReport) -> str:
    """What is asked of a department."""
    if item.by == "handle":
        return ", ".join(f"{name} {count:,} of {item.rows[name]:,} rows" for name, count in item.values.items())
    return ", ".join(f"{name} by {count:,} block tags" for name, count in item.values.items())
