"""EDGE: ``secure-match department``: encode an export, resolve findings. The only commands that read raw rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from secure_match.agreement.files import read_agreement
from secure_match.cli._output import print_json, row_progress, say
from secure_match.department.quarantine import describe_reasons
from secure_match.department.stations import EncodeReport, encode_export, resolve_findings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="For a department: encode an export, turn findings into worklists."
)

JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]
CharsetOption = Annotated[
    str | None,
    typer.Option(help="utf-8, utf-8-sig or gb18030. Without it the charset is found by strict decoding and reported."),
]

_COMPARE: Final = "both are the same in every department; compare them by telephone"


@app.command()
def encode(
    agreement_file: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Id of the dataset in the agreement.")],
    export: Annotated[Path, typer.Argument(metavar="EXPORT", help="The export, a CSV file with a header row.")],
    key: Annotated[Path, typer.Option(help="The department's key file.")],
    out: Annotated[Path, typer.Option(help="The package to write, e.g. police.smp.")],
    charset: CharsetOption = None,
    quarantine: Annotated[Path | None, typer.Option(help="Where refused rows go. Default: beside the package.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Encode an export into a package that may leave. Raw values stay here.

    Example: secure-match department encode agreement.toml population export.csv --key police.key --out police.smp
    """
    agreement = read_agreement(agreement_file)
    with row_progress(f"encoding {dataset}", quiet=as_json) as progress:
        report = encode_export(
            agreement,
            dataset,
            export,
            key,
            out,
            charset=charset,
            quarantine=quarantine,
            progress=progress,
            inputs=(agreement_file,),
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
    lines = [f"{report.dataset} ({report.title}) <- {report.export}: charset {report.charset.upper()}"]
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
    return lines


@app.command()
def resolve(
    findings: Annotated[
        Path, typer.Argument(metavar="FINDINGS", help="The findings package from the bureau, e.g. findings-police.smf.")
    ],
    export: Annotated[Path, typer.Argument(metavar="EXPORT", help="The export that was encoded.")],
    key: Annotated[Path, typer.Option(help="The department's key file.")],
    out: Annotated[Path, typer.Option(help="The worklist to write: .xlsx or .csv. It holds raw values; keep it here.")],
    dataset: Annotated[
        str | None, typer.Option(help="Id of the export's dataset. Without it, the one whose rows are found.")
    ] = None,
    charset: CharsetOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", metavar="", help="Replace a worklist that is there already; never a key.")
    ] = False,
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of the worklist's headers.")] = "zh",
    as_json: JsonOption = False,
) -> None:
    """Turn findings into a worklist: the department's own rows with the finding beside each.

    Example: secure-match department resolve findings-police.smf export.csv --key police.key --out worklist.xlsx
    """
    report = resolve_findings(
        findings, export, key, [out], dataset_id=dataset, charset=charset, language=lang, overwrite=overwrite
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


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
