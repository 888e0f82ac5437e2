"""EDGE: ``secure-match department resolve`` and ``look``: what the bureau sends, and the department's rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from secure_match.agreement.files import read_agreement
from secure_match.cli._department_options import (
    AgreementOption,
    CharsetOption,
    ConnectionOption,
    DelimiterOption,
    ExportArgument,
    HeaderRowOption,
    InputOption,
    JsonOption,
    LayoutOption,
    RaggedOption,
    SheetOption,
    counted,
    one_export,
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
from secure_match.cli._output import print_json, say
from secure_match.department.look import verdict_words
from secure_match.department.look_station import write_answer, write_look_sheet
from secure_match.department.readers import ReadOptions
from secure_match.department.stations import resolve_findings


def resolve(
    findings: Annotated[
        Path, typer.Argument(metavar="FINDINGS", help="The findings package from the bureau, e.g. findings-police.smf.")
    ],
    export: ExportArgument = None,
    *,
    source: InputOption = None,
    key: Annotated[Path, typer.Option(help="The department's key file.")],
    out: Annotated[Path, typer.Option(help="The worklist to write: .xlsx or .csv. It holds raw values; keep it here.")],
    dataset: Annotated[
        str | None, typer.Option(help="Id of the export's dataset. Without it, the one whose rows are found.")
    ] = None,
    charset: CharsetOption = None,
    delimiter: DelimiterOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    layout: LayoutOption = None,
    connection: ConnectionOption = None,
    ragged: RaggedOption = "refuse",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", metavar="", help="Replace a worklist that is there already; never a key.")
    ] = False,
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of the worklist's headers.")] = "zh",
    agreement_file: AgreementOption = None,
    identity: IdentityOption = None,
    operator: OperatorOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Turn findings into a worklist: the department's own rows with the finding beside each.

    Example: secure-match department resolve findings-police.smf export.csv --key police.key --out worklist.xlsx
    """
    export = one_export(export, source)
    options = ReadOptions(
        charset=charset,
        delimiter=delimiter,
        sheet=sheet,
        header_row=header_row,
        layout=layout,
        connection=connection,
        ragged=ragged,
    )
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
    report = resolve_findings(
        findings,
        export,
        key,
        [out],
        dataset_id=dataset,
        options=options,
        language=lang,
        overwrite=overwrite,
        desk=desk,
    )
    if as_json:
        content = asdict(report)
        del content["worklists"]
        print_json(content | {"worklist": str(out)})
        return
    if report.not_found:
        say(
            f"{counted(report.not_found, 'finding')} of {report.findings:,} on rows that this export does not hold: "
            "is it the one that was encoded?"
        )
    say(
        f"{report.dataset}: {counted(report.findings, 'finding')}. Wrote {out} with {counted(report.rows, 'row')}; "
        "it holds raw values."
    )
    if report.other_findings:
        others = ", ".join(f"{name} {count:,}" for name, count in report.other_findings.items())
        say(f"Still to resolve, each with its own export: {others}.")


def look(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="The bureau's questions, e.g. request.smq.")],
    *,
    export: Annotated[str | None, typer.Option(help="The export that was encoded: write its rows to a sheet.")] = None,
    answers: Annotated[Path | None, typer.Option(help="The sheet, filled in: write an answer for the bureau.")] = None,
    key: Annotated[Path | None, typer.Option(help="The department's key file; needed with --export.")] = None,
    out: Annotated[Path, typer.Option(help="The sheet (.xlsx or .csv; it holds raw values) or the answer (.sma).")],
    agreement_file: Annotated[
        Path | None, typer.Option("--agreement", help="Refuse questions that were made under another agreement.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Id of the export's dataset. Without it, the one whose rows are found.")
    ] = None,
    charset: CharsetOption = None,
    delimiter: DelimiterOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    layout: LayoutOption = None,
    connection: ConnectionOption = None,
    ragged: RaggedOption = "refuse",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", metavar="", help="Replace a sheet that is there already; never a key.")
    ] = False,
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of the sheet's headers.")] = "zh",
    identity: IdentityOption = None,
    operator: OperatorOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the rows that the bureau asks about, then answer in codes.

    Example: secure-match department look request.smq --export export.csv --key police.key --out look.xlsx

    Then: secure-match department look request.smq --answers look.xlsx --out answer.sma
    """
    if (export is None) == (answers is None):
        raise typer.BadParameter("name either --export or --answers")
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
    if answers is not None:
        answered, left = write_answer(request, answers, out, desk=desk)
        if as_json:
            print_json({"answer": str(out), "answered": answered, "left": left})
            return
        say(f"Wrote {out} with {counted(answered, 'answer')}, codes only; {left:,} left open.")
        say("Next: send it to the bureau.")
        return
    if key is None:
        raise typer.BadParameter("--export needs --key")
    options = ReadOptions(
        charset=charset,
        delimiter=delimiter,
        sheet=sheet,
        header_row=header_row,
        layout=layout,
        connection=connection,
        ragged=ragged,
    )
    report = write_look_sheet(
        request,
        str(export),
        key,
        out,
        agreement=agreement,
        dataset_id=dataset,
        options=options,
        language=lang,
        overwrite=overwrite,
        desk=desk,
    )
    if as_json:
        print_json(asdict(report) | {"sheet": str(out)})
        return
    if report.not_found:
        say(
            f"{counted(report.not_found, 'row')} of {report.asked:,} not in this export: "
            "is it the one that was encoded?"
        )
    say(f"{report.dataset}: wrote {out} with {counted(report.rows, 'row')}; it holds raw values.")
    if report.other:
        others = ", ".join(f"{name} {count:,}" for name, count in report.other.items())
        say(f"Still to look at, each with its own export: {others}.")
    say(f"Next: write one of {', '.join(verdict_words(lang))} into each row, then look with --answers {out}.")
