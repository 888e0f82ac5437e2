"""EDGE: ``secure-match department``: encode, inspect, and the commands beside. Only these commands read raw rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from secure_match.agreement.files import read_agreement
from secure_match.cli import _department_passes, _department_rehearse, _department_returns, _department_tokens
from secure_match.cli._department_options import (
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
from secure_match.cli._output import message_language, print_json, row_progress, say
from secure_match.cli._release import approve, given_up_words, leaving_lines, release
from secure_match.department.files import verify_replaceable_report, write_report
from secure_match.department.inspect_report import inspection_html, inspection_json, inspection_lines
from secure_match.department.inspect_station import inspect_export, require_other_file
from secure_match.department.quarantine import describe_reasons
from secure_match.department.readers import ReadOptions
from secure_match.department.stations import EncodeReport, encode_export

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="For a department: inspect and encode an export, turn findings into worklists.",
)

app.command()(approve)
app.command()(release)

_COMPARE: Final = "both are the same in every department; compare them by telephone"


@app.command()
def encode(
    agreement_file: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Id of the dataset in the agreement.")],
    export: ExportArgument = None,
    *,
    source: InputOption = None,
    key: Annotated[Path, typer.Option(help="The department's key file.")],
    out: Annotated[Path | None, typer.Option(help="The package to write, e.g. police.smp.")] = None,
    charset: CharsetOption = None,
    delimiter: DelimiterOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    layout: LayoutOption = None,
    connection: ConnectionOption = None,
    ragged: RaggedOption = "refuse",
    quarantine: Annotated[Path | None, typer.Option(help="Where refused rows go. Default: beside the package.")] = None,
    kept: Annotated[
        Path | None,
        typer.Option(help="Where passes wait until the bureau asks (two phases). Default: PACKAGE.passes."),
    ] = None,
    supplement_to: Annotated[
        list[Path] | None,
        typer.Option(
            help="A package of this dataset that was sent: encode only the rows that it lacks, after they were "
            "corrected. Name its earlier supplements too."
        ),
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(help="The department's folder of ID tokens, made by department blind; needed under oprf."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Say what would leave, for approval; write nothing at all.")
    ] = False,
    scan: Annotated[
        Literal["sample", "all"],
        typer.Option(help="Search what leaves for the identifiers of a sample of rows, or of all rows, which is slow."),
    ] = "sample",
    identity: IdentityOption = None,
    operator: OperatorOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Encode an export into a package that may leave. Raw values stay here.

    Example: secure-match department encode agreement.toml population export.csv --key police.key --out police.smp
    """
    export = one_export(export, source)
    if out is None and not dry_run:
        raise typer.BadParameter("name the package with --out, or look first with --dry-run")
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
    with row_progress(f"encoding {dataset}", quiet=as_json) as progress:
        report = encode_export(
            agreement,
            dataset,
            export,
            key,
            out if out is not None else Path(f"{dataset}.smp"),
            options=options,
            quarantine=quarantine,
            kept=kept,
            progress=progress,
            inputs=(agreement_file,),
            supplement_to=supplement_to or (),
            desk=desk,
            scan=scan,
            dry_run=dry_run,
            tokens=tokens,
            assess=_department_rehearse.assessment(agreement, export, options, dataset, quiet=as_json),
        )
    if as_json:
        print_json(encode_report_json(report))
        return
    for line in encode_lines(report):
        say(line)
    if dry_run:
        say(*leaving_lines(report), "Nothing was written. Next: the same without --dry-run.")
    elif report.held is not None:
        say(f"Wrote {report.held}; it may not leave yet. Next: a second operator runs secure-match department approve.")
    else:
        say(f"Wrote {report.package}. Next: send it to the bureau.")
    if report.kept is not None:
        say(f"Passes of all rows are kept in {report.kept} until the bureau asks for some; it stays here.")


def encode_report_json(report: EncodeReport) -> dict[str, Any]:
    """The ``--json`` form of an encode report."""
    content = asdict(report)
    for name in ("package", "quarantine", "held", "kept"):
        content[name] = str(content[name]) if content[name] is not None else None
    content["export"] = str(report.export)
    return content


def encode_lines(report: EncodeReport) -> list[str]:
    """An encode report for people, without the line that says what to do next."""
    lines = [f"{report.dataset} ({report.title}) <- {report.export}: {'; '.join(report.notes)}"]
    for name, states in report.states.items():
        parts = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
        lines.append(f"  {name}: {parts}")
    if report.quarantine is not None:
        lines.append(f"  quarantined rows are in {report.quarantine}: {describe_reasons(report.reasons_by_column)}")
    if any(report.given_up.values()):
        lines.append(f"  small cells: {given_up_words(report.given_up)}")
    lines += [f"warning: {warning}" for warning in report.warnings]
    lines.append(f"agreement {report.agreement_fingerprint[:16]}…, shared secret {report.key_id}: {_COMPARE}")
    lines.append(
        f"read {report.read:,} = encoded {report.encoded:,} + quarantined {report.quarantined:,}; "
        f"package digest {report.package_digest[:16]}…"
    )
    if report.attack_rate is not None:
        lines.append(f"rehearsed: an adversary named {report.attack_rate:.2%} of the people that it did not know")
    if report.supplement_to is not None:
        lines.append(
            f"supplement to the package with digest {report.supplement_to[:16]}…; "
            f"{counted(report.already_sent, 'row')} sent before passed over"
        )
    return lines


@app.command()
def inspect(
    export: ExportArgument = None,
    *,
    source: InputOption = None,
    agreement_file: Annotated[
        Path | None, typer.Option("--agreement", help="The agreement; without it the columns are proposed.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Id of the export's dataset in the agreement.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write the report as one HTML page, e.g. report.html.")] = None,
    charset: CharsetOption = None,
    delimiter: DelimiterOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    layout: LayoutOption = None,
    connection: ConnectionOption = None,
    ragged: RaggedOption = "quarantine",
    lang: Annotated[
        Literal["zh", "en"] | None, typer.Option(help="Language of the report. Default: from LANG.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with an export before anything is encoded: counts and row numbers, never a value.

    Example: secure-match department inspect export.csv --agreement agreement.toml --dataset population
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
    language = lang or message_language()
    if html is not None:
        require_other_file(html, export, agreement_file, layout)
        verify_replaceable_report(html)
    agreement = read_agreement(agreement_file) if agreement_file is not None else None
    with row_progress("inspecting", quiet=as_json) as progress:
        inspection = inspect_export(export, agreement=agreement, dataset_id=dataset, options=options, progress=progress)
    if html is not None:
        write_report(inspection_html(inspection, language), html)
    if as_json:
        print_json(inspection_json(inspection) | {"html": str(html) if html is not None else None})
        return
    say(*inspection_lines(inspection, language), "")
    written = {"zh": f"已写入 {html}，", "en": f"Wrote {html}. "}[language] if html is not None else ""
    if dataset is None:
        step = {
            "zh": "下一步：把上面的内容写进协议，再用 --agreement 和 --dataset 检查一次。",
            "en": "Next: put the proposal into the agreement, then inspect again with --agreement and --dataset.",
        }
    else:
        step = {
            "zh": "下一步：在业务系统中处理上述问题后重新导出，再运行 secure-match department encode。",
            "en": "Next: mend the above in your system and export again, then: secure-match department encode.",
        }
    say(written + step[language])


app.command()(_department_rehearse.rehearse)
app.command()(_department_tokens.blind)
app.command()(_department_tokens.finalise)
app.command("release-passes")(_department_passes.release_passes_command)
app.command()(_department_returns.resolve)
app.command()(_department_returns.look)
