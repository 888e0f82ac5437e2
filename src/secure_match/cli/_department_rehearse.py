"""EDGE: ``secure-match department rehearse``: attack the own release with the own plaintext, before anything leaves."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Literal

import typer

from secure_match.agreement import Agreement
from secure_match.agreement.files import read_agreement
from secure_match.cli._attack_extra import require_attacks
from secure_match.cli._department_options import (
    CharsetOption,
    ConnectionOption,
    DelimiterOption,
    HeaderRowOption,
    JsonOption,
    LayoutOption,
    RaggedOption,
    SheetOption,
)
from secure_match.cli._output import message_language, row_progress, say
from secure_match.department.files import verify_replaceable_package, verify_replaceable_worklist, write_roster
from secure_match.department.readers import ReadOptions
from secure_match.department.rehearsal import Rehearsal, rehearse_export
from secure_match.department.release import Assessment
from secure_match.encoded.files import verify_writable, write_dataset

_KEPT_PACKAGE = "rehearsal.smp"
_KEPT_ROSTER = "roster.csv"


def rehearse(
    export: Annotated[str, typer.Argument(metavar="EXPORT", help="The export, as for department encode.")],
    agreement_file: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    *,
    dataset: Annotated[
        str | None, typer.Option(help="Id of the export's dataset. Default: the only one whose columns it has.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Directory for privacy.html and privacy.json.")] = Path("privacy-report"),
    share: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Two phases: share of the rows that the bureau asks for. Default: limits.max_fuzzy_share, the most.",
        ),
    ] = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", metavar="", help="Also logistic and neural decoders; takes far longer.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws of known pairs.")] = 0,
    keep: Annotated[
        Path | None,
        typer.Option(help="Keep what was attacked here: the package and a roster with raw values; for review attack."),
    ] = None,
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
    """Attack what would leave, with your own plaintext and throw-away keys; write a privacy report to sign.

    Nothing leaves and no key of yours is read. The exit status is 3 where the agreement's limit is exceeded.

    Example: secure-match department rehearse export.csv agreement.toml --dataset population
    """
    require_attacks()
    from secure_match.cli._attack import rehearsal_report  # noqa: PLC0415  # An extra.
    from secure_match.cli._privacy import tell_privacy, verify_privacy_outputs  # noqa: PLC0415

    language = lang or message_language()
    agreement = read_agreement(agreement_file)
    verify_privacy_outputs(out)
    if keep is not None:
        _verify_kept(keep)
    options = ReadOptions(
        charset=charset,
        delimiter=delimiter,
        sheet=sheet,
        header_row=header_row,
        layout=layout,
        connection=connection,
        ragged=ragged,
    )
    made = _rehearsed(agreement, export, options, dataset, share, keep_rows=keep is not None, quiet=as_json)
    if keep is not None and made.rows is not None:
        write_dataset(made.encoded, keep / _KEPT_PACKAGE)
        write_roster(made.rows, keep / _KEPT_ROSTER)
        if not as_json:
            say(f"Kept {keep / _KEPT_PACKAGE} and {keep / _KEPT_ROSTER}, which holds raw values: it stays here.")
    report = rehearsal_report(agreement, made, thorough=thorough, seed=seed, quiet=as_json)
    tell_privacy(report, out, language, as_json=as_json)


def assessment(
    agreement: Agreement, export: str, options: ReadOptions, dataset: str, *, quiet: bool
) -> Assessment | None:
    """What rehearses an export before it is encoded; None where the agreement does not limit what attacks may name.

    Raises:
        UsageError: ``EXTRA_MISSING``.
    """
    if agreement.limits.max_attack_rate >= 1:
        return None
    require_attacks()

    def assess() -> float | None:
        from secure_match.cli._attack import rehearsal_report  # noqa: PLC0415  # An extra.

        made = _rehearsed(agreement, export, options, dataset, None, keep_rows=False, quiet=quiet)
        report = rehearsal_report(agreement, made, quiet=quiet)
        return report.judged if report.verdict != "too_few" else None

    return assess


def _rehearsed(
    agreement: Agreement,
    export: str,
    options: ReadOptions,
    dataset: str | None,
    share: float | None,
    *,
    keep_rows: bool,
    quiet: bool,
) -> Rehearsal:
    with row_progress("rehearsing", quiet=quiet) as progress:
        return rehearse_export(
            agreement,
            export,
            secrets.token_bytes,
            dataset_id=dataset,
            options=options,
            share=share,
            keep_rows=keep_rows,
            progress=progress,
        )


def _verify_kept(folder: Path) -> None:
    """Check that what was attacked can be kept, and overwrites nothing but an earlier one.

    Raises:
        UsageError: ``FILE_EXISTS``.
        PackageError: ``FILE_NOT_WRITABLE``, where the directory is not there, too.
    """
    verify_replaceable_package(folder / _KEPT_PACKAGE)
    verify_replaceable_worklist(folder / _KEPT_ROSTER, overwrite=False)
    for name in (_KEPT_PACKAGE, _KEPT_ROSTER):
        verify_writable(folder / name)
