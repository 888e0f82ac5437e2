"""EDGE: ``secure-match department release-passes``: what the bureau asked for leaves, and nothing else."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from secure_match.agreement.files import read_agreement
from secure_match.cli._department_options import JsonOption, counted
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
from secure_match.department.pass_station import PassesReport, release_passes


def release_passes_command(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="The bureau's request, e.g. passes-police.smr.")],
    agreement_file: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    *,
    kept: Annotated[
        list[Path],
        typer.Option(help="What encode kept beside a package: PACKAGE.passes. Once for every package asked about."),
    ],
    out: Annotated[Path, typer.Option(help="Directory for the packages, DATASET-passes.smp; it has to be there.")],
    identity: IdentityOption = None,
    operator: OperatorOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Answer the bureau's request: the passes of rows that ID tokens do not join, within the agreement's share.

    Example: secure-match department release-passes passes-police.smr agreement.toml --kept police.smp.passes --out .
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
    reports = release_passes(agreement, request, kept, out, desk=desk)
    if as_json:
        packages = [str(item.package) if item.package is not None else None for item in reports]
        print_json(
            {"packages": [asdict(item) | {"package": path} for item, path in zip(reports, packages, strict=True)]}
        )
        return
    for item in reports:
        say(_line(item))
    if any(item.held for item in reports):
        say("They may not leave yet. Next, for each: a second operator runs secure-match department approve.")
    elif any(item.package is not None for item in reports):
        say("Next: send each to the bureau.")


def _line(item: PassesReport) -> str:
    """What was given out of one package, in a sentence."""
    asked = counted(item.asked, "row" if item.by == "handle" else "block tag")
    share = f"{item.released:,} of {item.of_rows:,} rows so far" if item.of_rows else "none"
    if item.package is None:
        return f"{item.dataset}: asked about {asked}; there is nothing to give out."
    return f"{item.dataset}: asked about {asked}; wrote {item.package} with {counted(item.rows, 'row')} ({share})."
