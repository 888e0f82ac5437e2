"""EDGE: ``secure-match bureau``: link packages. This process never loads the department's code."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from secure_match.agreement.files import read_agreement
from secure_match.bureau.stations import LinkOptions, link_packages
from secure_match.bureau.work_files import WORK_NAME
from secure_match.cli import _bureau_passes, _review
from secure_match.cli._desk import (
    IdentityOption,
    LogOption,
    OperatorOption,
    PeriodOption,
    UnlockKeyOption,
    UnlockPkcs11Option,
    open_desk,
)
from secure_match.cli._memory import peak_bytes
from secure_match.cli._output import print_json, say, say_aside, share_progress, show_table
from secure_match.errors import UsageError
from secure_match.linkage import MemoryPlan, size_text

app = typer.Typer(no_args_is_help=True, add_completion=False, help="For the bureau: link packages and return findings.")
app.add_typer(_review.app, name="review")
app.command("request-passes")(_bureau_passes.request_passes_command)

# Packages, ID tokens, evidence, clusters, findings, writing; every pass is a step of its own.
_STEPS_BESIDE_PASSES: Final = 6
_SIZE: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?(MB|MiB|GB|GiB|TB|TiB)", re.IGNORECASE | re.ASCII)
_UNITS: Final = {"mb": 10**6, "mib": 1 << 20, "gb": 10**9, "gib": 1 << 30, "tb": 10**12, "tib": 1 << 40}

NUMBER_WORDS: Final = {
    "one_number_two_people": "one number, two people",
    "one_person_two_numbers": "one person, two numbers",
}
"""Kinds of findings on ID numbers as people read them."""


@app.command()
def link(
    agreement_file: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    packages: Annotated[
        list[Path], typer.Argument(metavar="PACKAGES", help="Packages of the departments (.smp), in any order.")
    ],
    out: Annotated[Path, typer.Option(help="Directory for findings, links and summary.json; made if it is not there.")],
    threads: Annotated[int | None, typer.Option(min=1, help="Threads that compare. Default: all cores.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run into the same directory that was stopped.")
    ] = False,
    memory_limit: Annotated[
        str | None, typer.Option(help="Refuse a run that is planned to need more memory, e.g. 8GiB.")
    ] = None,
    decisions: Annotated[
        Path | None, typer.Option(help="Decisions of clerks (bureau review): their pairs are linked or kept apart.")
    ] = None,
    identity: IdentityOption = None,
    operator: OperatorOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    also_period: Annotated[
        list[str] | None, typer.Option(help="An older month (YYYY-MM) whose packages are meant to be in the run.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Link packages across and within; write one findings package per department.

    Example: secure-match bureau link agreement.toml police.smp medical.smp --out run/
    """
    limit = _size_bytes(memory_limit) if memory_limit is not None else None
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
    with share_progress("linking", _STEPS_BESIDE_PASSES + len(agreement.passes), quiet=as_json) as (begin, share):
        options = LinkOptions(
            decisions=decisions,
            desk=desk,
            also_periods=also_period or (),
            resume=resume,
            memory_limit_bytes=limit,
            planned=_nobody if as_json else _say_plan,
            note=_nobody if as_json else say,
            share=share,
            peak_bytes=peak_bytes,
        )
        with _saying_how_to_go_on(out):
            _, paths, summary = link_packages(
                agreement, packages, out, clock=time.monotonic, threads=threads, progress=begin, options=options
            )
    if as_json:
        print_json(summary)
        return
    show_summary(summary)
    _say_memory(summary["memory"])
    say(f"Wrote {', '.join(map(str, (*paths.values(), out / 'links.parquet')))} and {out / 'summary.json'}.")
    say("Next: send each department its findings package.")


@contextmanager
def _saying_how_to_go_on(out: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if (out / WORK_NAME).is_dir():
            say_aside(f"finished steps are kept in {out / WORK_NAME}; to continue, add --resume")
        raise


def _nobody(_: object) -> None:
    pass


def _say_plan(plan: MemoryPlan) -> None:
    say(f"planned peak memory {size_text(plan.peak_bytes)} for {plan.rows:,} rows (most in {plan.largest_step})")


def _say_memory(memory: dict[str, int]) -> None:
    if "measured_peak_bytes" in memory:
        measured, planned = (size_text(memory[name]) for name in ("measured_peak_bytes", "planned_peak_bytes"))
        say(f"peak memory {measured}, planned {planned}")


def _size_bytes(text: str) -> int:
    """A size with its unit in bytes.

    Raises:
        UsageError: ``MEMORY_LIMIT``.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError("give a number and a unit for --memory-limit, such as 8GiB or 900MB", code="MEMORY_LIMIT")
    return int(float(found[1]) * _UNITS[found[2].lower()])


def _expected(evidence: dict[str, Any]) -> str:
    """What the model expects of the links, in a sentence."""
    precision, recall = (
        f"{evidence[name]['value']:.4f} ({evidence[name]['low']:.4f} to {evidence[name]['high']:.4f})"
        for name in ("precision", "recall")
    )
    how = f"linked from {evidence['link_weight']:.2f} bits on" if evidence["calibrated"] else "by fixed similarities"
    return (
        f"expected without labels: precision {precision}, recall {recall}; {how}; "
        f"{evidence['review_true']:.1f} true pairs among the possible links"
    )


def show_summary(summary: dict[str, Any]) -> None:
    """A bureau's summary for people."""
    show_table(
        "Packages taken in",
        ["dataset", "owner", "rows", "with ID token", "quarantined there"],
        [
            [
                item["dataset"],
                item["owner"],
                f"{item['rows']:,}",
                f"{item['with_id_token']:,}",
                f"{item['quarantined']:,}",
            ]
            for item in summary["datasets"]
        ],
    )
    links = summary["links"]
    say(
        f"links {links['link']:,} (ID tokens {links['link_by_id_token']:,}, passes {links['link_by_passes']:,}), "
        f"possible links {links['possible_link']:,}, persons {links['persons']:,}"
    )
    say(_expected(summary["evidence"]))
    review = summary["review"]
    if review["labels"] or review["gone"]:
        say(
            f"decisions of clerks: match {review['match']:,}, non-match {review['non_match']:,}, "
            f"on rows that are gone {review['gone']:,}"
        )
    for item in links["passes"]:
        if item["skipped_blocks"]:
            say(
                f"pass {item['id']}: not compared, because larger than max_block_rows: "
                f"blocks {item['skipped_blocks']:,}, rows in them {item['skipped_rows']:,}, "
                f"pairs that nobody compared {item['skipped_pairs']:,}"
            )
    show_table(
        "Duplicates (pairs of rows)",
        ["rule", "datasets", "found"],
        [
            [item["rule"], " + ".join(pair["datasets"]), f"{pair['found']:,}"]
            for item in summary["duplicates"]
            for pair in item["by_datasets"]
        ],
    )
    show_table(
        "Missing (people of the population)",
        ["rule", "missing", "held for review", "enrolled", "excused", "of eligible"],
        [
            [
                item["rule"],
                f"{item['found']:,}",
                f"{item['held_for_review']:,}",
                f"{item['enrolled']:,}",
                f"{item['excused']:,}",
                f"{item['eligible']:,}",
            ]
            if item["examined"]
            else [item["rule"], "not examined: a dataset of the rule was not handed in", "", "", "", ""]
            for item in summary["missing"]
        ],
    )
    if summary["numbers"]:
        show_table(
            "Trouble with ID numbers (groups of rows)",
            ["kind", "found", "people", "numbers", "rows", "twice in one register"],
            [
                [
                    NUMBER_WORDS[item["kind"]],
                    *(f"{item[name]:,}" for name in ("found", "persons", "numbers", "rows")),
                    f"{item['repeated_in_one_record_dataset']:,}",
                ]
                for item in summary["numbers"]
            ],
        )
    for item in summary["numbers"]:
        if item["skipped"]:
            say(
                f"{NUMBER_WORDS[item['kind']]}: not reported, because larger than max_rows_per_person: "
                f"groups {item['skipped']:,}, rows in them {item['skipped_rows']:,}"
            )
