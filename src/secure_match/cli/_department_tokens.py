"""EDGE: ``secure-match department blind`` and ``finalise``: ID tokens from the key holders, who see no number."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from secure_match.agreement.files import read_agreement
from secure_match.cli._department_options import (
    CharsetOption,
    ConnectionOption,
    DelimiterOption,
    HeaderRowOption,
    JsonOption,
    LayoutOption,
    RaggedOption,
    SheetOption,
    counted,
)
from secure_match.cli._desk import (
    IdentityOption,
    LogOption,
    OperatorOption,
    PeriodOption,
    UnlockKeyOption,
    UnlockPkcs11Option,
    open_desk,
)
from secure_match.cli._output import print_json, say, share_progress
from secure_match.department.blind_station import BlindProgress, BlindReport, blind_exports
from secure_match.department.finalise_station import FinaliseReport, finalise_answers
from secure_match.department.readers import ReadOptions
from secure_match.department.token_requests import write_again

AgreementArgument = Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")]
StoreOption = Annotated[
    Path, typer.Option(help="The department's own folder of tokens, e.g. police.tokens. It never leaves.")
]


def blind(
    agreement_file: AgreementArgument,
    exports: Annotated[
        list[str] | None,
        typer.Argument(metavar="EXPORT...", show_default=False, help="Exports, each a file or a URL, as for encode."),
    ] = None,
    *,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Id of an export's dataset in the agreement; once for each export, in their order."),
    ] = None,
    key: Annotated[Path, typer.Option(help="The department's key file.")],
    store: StoreOption,
    out: Annotated[
        Path,
        typer.Option(help="The request to write, e.g. request.smb. With two key holders each gets one, with its id."),
    ],
    again: Annotated[
        str | None, typer.Option(help="Id of a request that waits: write its file again. Then no EXPORT is read.")
    ] = None,
    charset: CharsetOption = None,
    delimiter: DelimiterOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    layout: LayoutOption = None,
    connection: ConnectionOption = None,
    ragged: RaggedOption = "refuse",
    identity: IdentityOption = None,
    operator: OperatorOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the key holders for ID tokens: write a request of blinded numbers, of which nobody else can read one.

    Numbers that have a token, or stand in a request that waits, are not asked again.

    Example: secure-match department blind agreement.toml export.csv --dataset population --key police.key
    --store police.tokens --out request.smb
    """
    named, datasets = exports or [], dataset or []
    if len(named) != len(datasets) or bool(named) == (again is not None):
        raise typer.BadParameter("name exports with one --dataset for each, or --again with neither")
    options = ReadOptions(
        charset=charset,
        delimiter=delimiter,
        sheet=sheet,
        header_row=header_row,
        layout=layout,
        connection=connection,
        ragged=ragged,
    )
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
    if again is not None:
        paths = write_again(agreement, again, key, store, out, desk=desk)
        written = ", ".join(map(str, paths))
        print_json({"requests": [str(path) for path in paths]}) if as_json else say(f"Wrote {written} again.")
        return
    with share_progress("asking", 2, quiet=as_json) as (begin, share):
        begin("reading exports")
        begun = False

        def blinded(done: float) -> None:
            nonlocal begun
            if not begun:
                begin("blinding numbers")
                begun = True
            share(done)

        report = blind_exports(
            agreement,
            list(zip(datasets, named, strict=True)),
            key,
            store,
            out,
            random=secrets.token_bytes,
            options=options,
            inputs=(agreement_file,),
            progress=BlindProgress(blinded=blinded),
            desk=desk,
        )
    if as_json:
        print_json(asdict(report) | {"requests": [str(path) for path in report.requests]})
    else:
        say(*_blind_lines(report, store))


def _blind_lines(report: BlindReport, store: Path) -> list[str]:
    lines = [
        f"{counted(report.rows, 'row')} with a valid ID number, {counted(report.distinct, 'different number')}: "
        f"{report.kept:,} have a token, {report.waiting:,} wait for an answer, {report.asked:,} are asked now"
    ]
    if report.resumed:
        lines.append(f"went on with an interrupted run, which had blinded {report.resumed:,}")
    if report.requests:
        files = " and ".join(map(str, report.requests))
        whom = "each to its key holder" if len(report.requests) > 1 else "it to the key holder"
        lines.append(
            f"Wrote {files} (request {report.request_id}); the blinds are in {store}, which stays here. "
            f"Next: send {whom}, then secure-match department finalise."
        )
    elif report.open_requests:
        lines.append("Nothing new to ask. Next: wait for the answers, then secure-match department finalise.")
    else:
        lines.append(f"Nothing to ask. Next: secure-match department encode --tokens {store}")
    return lines


def finalise(
    agreement_file: AgreementArgument,
    answers: Annotated[
        list[Path], typer.Argument(metavar="ANSWER...", help="Answers of the key holders, e.g. answer.sme.")
    ],
    *,
    store: StoreOption,
    identity: IdentityOption = None,
    operator: OperatorOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Take the key holders' answers: check their proofs, take the blinds off, keep the tokens.

    Example: secure-match department finalise agreement.toml answer.sme --store police.tokens
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
    with share_progress("finalising", 1, quiet=as_json) as (begin, share):
        begin("checking proofs and taking blinds off")
        report = finalise_answers(agreement, answers, store, random=secrets.token_bytes, progress=share, desk=desk)
    if as_json:
        print_json(asdict(report))
    else:
        say(*_finalise_lines(report, store))


def _finalise_lines(report: FinaliseReport, store: Path) -> list[str]:
    lines = [f"{name}: its tokens were kept before" for name in report.repeated]
    lines += [f"request {name}: waits for {' and '.join(parties)}" for name, parties in report.missing.items()]
    lines.append(f"{report.tokens:,} new tokens in {store}, which holds {report.kept:,}.")
    waiting = "take the other answers, too" if report.missing else f"secure-match department encode --tokens {store}"
    return [*lines[:-1], f"{lines[-1]} Next: {waiting}"]
