"""EDGE: ``secure-match department``: inspect, encode, resolve, look. Only these commands read raw rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from secure_match.agreement.files import read_agreement
from secure_match.cli._output import message_language, print_json, row_progress, say
from secure_match.department.files import verify_replaceable_report, write_report
from secure_match.department.inspect_report import inspection_html, inspection_json, inspection_lines
from secure_match.department.inspect_station import inspect_export, require_other_file
from secure_match.department.look import verdict_words
from secure_match.department.look_station import write_answer, write_look_sheet
from secure_match.department.quarantine import describe_reasons
from secure_match.department.readers import ReadOptions
from secure_match.department.stations import EncodeReport, encode_export, resolve_findings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="For a department: inspect and encode an export, turn findings into worklists.",
)

JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]
ExportArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="EXPORT",
        show_default=False,
        help="CSV, XLSX, XLS, ODS, DBF, Parquet, Arrow or fixed-width file, a .sql query file, or a URL: "
        "postgresql://host/database?table=NAME or sqlite:///FILE?table=NAME.",
    ),
]
InputOption = Annotated[str | None, typer.Option("--input", help="Another way to name EXPORT.")]
CharsetOption = Annotated[
    str | None,
    typer.Option(
        help="utf-8, utf-8-sig, utf-16-le, utf-16-be or gb18030. "
        "Without it the charset is found by strict decoding and reported."
    ),
]
DelimiterOption = Annotated[
    str | None, typer.Option(help="One character, or tab, comma, semicolon, pipe. Without it the header line tells.")
]
SheetOption = Annotated[str | None, typer.Option(help="Sheet of a workbook; needed where several hold cells.")]
HeaderRowOption = Annotated[
    int | None, typer.Option(min=1, help="Line or sheet row, from 1, that holds the column names.")
]
LayoutOption = Annotated[Path | None, typer.Option(help="Layout file (TOML) of a fixed-width export.")]
ConnectionOption = Annotated[
    str | None,
    typer.Option(
        help="Database URL that a .sql query file is run on. The password comes from PGPASSWORD, "
        "SECURE_MATCH_DB_PASSWORD or the file named in SECURE_MATCH_DB_PASSWORD_FILE."
    ),
]
RaggedOption = Annotated[
    Literal["refuse", "quarantine"],
    typer.Option(help="Rows with more or fewer cells than the header: refuse the file, or quarantine them."),
]

_COMPARE: Final = "both are the same in every department; compare them by telephone"


@app.command()
def encode(
    agreement_file: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Id of the dataset in the agreement.")],
    export: ExportArgument = None,
    *,
    source: InputOption = None,
    key: Annotated[Path, typer.Option(help="The department's key file.")],
    out: Annotated[Path, typer.Option(help="The package to write, e.g. police.smp.")],
    charset: CharsetOption = None,
    delimiter: DelimiterOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    layout: LayoutOption = None,
    connection: ConnectionOption = None,
    ragged: RaggedOption = "refuse",
    quarantine: Annotated[Path | None, typer.Option(help="Where refused rows go. Default: beside the package.")] = None,
    supplement_to: Annotated[
        list[Path] | None,
        typer.Option(
            help="A package of this dataset that was sent: encode only the rows that it lacks, after they were "
            "corrected. Name its earlier supplements too."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Encode an export into a package that may leave. Raw values stay here.

    Example: secure-match department encode agreement.toml population export.csv --key police.key --out police.smp
    """
    export = _one_export(export, source)
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
    with row_progress(f"encoding {dataset}", quiet=as_json) as progress:
        report = encode_export(
            agreement,
            dataset,
            export,
            key,
            out,
            options=options,
            quarantine=quarantine,
            progress=progress,
            inputs=(agreement_file,),
            supplement_to=supplement_to or (),
        )
    if as_json:
        print_json(encode_report_json(report))
        return
    for line in encode_lines(report):
        say(line)
    say(f"Wrote {report.package}. Next: send it to the bureau.")


def encode_report_json(report: EncodeReport) -> dict[str, Any]:
    """The ``--json`` form of an encode report."""
    content = asdict(report)
    content["package"], content["export"] = str(report.package), str(report.export)
    content["quarantine"] = str(report.quarantine) if report.quarantine is not None else None
    return content


def encode_lines(report: EncodeReport) -> list[str]:
    """An encode report for people, without the line that says what to do next."""
    lines = [f"{report.dataset} ({report.title}) <- {report.export}: {'; '.join(report.notes)}"]
    for name, states in report.states.items():
        parts = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
        lines.append(f"  {name}: {parts}")
    if report.quarantine is not None:
        lines.append(f"  quarantined rows are in {report.quarantine}: {describe_reasons(report.reasons_by_column)}")
    lines += [f"warning: {warning}" for warning in report.warnings]
    lines.append(f"agreement {report.agreement_fingerprint[:16]}…, shared secret {report.key_id}: {_COMPARE}")
    lines.append(
        f"read {report.read:,} = encoded {report.encoded:,} + quarantined {report.quarantined:,}; "
        f"package digest {report.package_digest[:16]}…"
    )
    if report.supplement_to is not None:
        lines.append(
            f"supplement to the package with digest {report.supplement_to[:16]}…; "
            f"{_counted(report.already_sent, 'row')} sent before passed over"
        )
    return lines


@app.command()
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
    as_json: JsonOption = False,
) -> None:
    """Turn findings into a worklist: the department's own rows with the finding beside each.

    Example: secure-match department resolve findings-police.smf export.csv --key police.key --out worklist.xlsx
    """
    export = _one_export(export, source)
    options = ReadOptions(
        charset=charset,
        delimiter=delimiter,
        sheet=sheet,
        header_row=header_row,
        layout=layout,
        connection=connection,
        ragged=ragged,
    )
    report = resolve_findings(
        findings, export, key, [out], dataset_id=dataset, options=options, language=lang, overwrite=overwrite
    )
    if as_json:
        content = asdict(report)
        del content["worklists"]
        print_json(content | {"worklist": str(out)})
        return
    if report.not_found:
        say(
            f"{_counted(report.not_found, 'finding')} of {report.findings:,} on rows that this export does not hold: "
            "is it the one that was encoded?"
        )
    say(
        f"{report.dataset}: {_counted(report.findings, 'finding')}. Wrote {out} with {_counted(report.rows, 'row')}; "
        "it holds raw values."
    )
    if report.other_findings:
        others = ", ".join(f"{name} {count:,}" for name, count in report.other_findings.items())
        say(f"Still to resolve, each with its own export: {others}.")


@app.command()
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
    as_json: JsonOption = False,
) -> None:
    """Look at the rows that the bureau asks about, then answer in codes.

    Example: secure-match department look request.smq --export export.csv --key police.key --out look.xlsx

    Then: secure-match department look request.smq --answers look.xlsx --out answer.sma
    """
    if (export is None) == (answers is None):
        raise typer.BadParameter("name either --export or --answers")
    if answers is not None:
        answered, left = write_answer(request, answers, out)
        if as_json:
            print_json({"answer": str(out), "answered": answered, "left": left})
            return
        say(f"Wrote {out} with {_counted(answered, 'answer')}, codes only; {left:,} left open.")
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
    agreement = read_agreement(agreement_file) if agreement_file is not None else None
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
    )
    if as_json:
        print_json(asdict(report) | {"sheet": str(out)})
        return
    if report.not_found:
        say(
            f"{_counted(report.not_found, 'row')} of {report.asked:,} not in this export: "
            "is it the one that was encoded?"
        )
    say(f"{report.dataset}: wrote {out} with {_counted(report.rows, 'row')}; it holds raw values.")
    if report.other:
        others = ", ".join(f"{name} {count:,}" for name, count in report.other.items())
        say(f"Still to look at, each with its own export: {others}.")
    say(f"Next: write one of {', '.join(verdict_words(lang))} into each row, then look with --answers {out}.")


def _one_export(*names: str | None) -> str:
    given = [name for name in names if name is not None]
    if len(given) != 1:
        raise typer.BadParameter("name the export once, as EXPORT or with --input")
    return given[0]


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


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
    export = _one_export(export, source)
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
