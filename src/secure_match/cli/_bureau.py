"""EDGE: ``secure-match bureau``: link packages. This process never loads the department's code."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from secure_match.agreement.files import read_agreement
from secure_match.bureau.stations import link_packages
from secure_match.cli._output import print_json, say, show_table, step_progress

app = typer.Typer(no_args_is_help=True, add_completion=False, help="For the bureau: link packages and return findings.")

_STEPS = 10


@app.callback()
def _group() -> None:
    """Keep ``link`` a command of its own."""


@app.command()
def link(
    agreement_file: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    packages: Annotated[
        list[Path], typer.Argument(metavar="PACKAGES", help="Packages of the departments (.smp), in any order.")
    ],
    out: Annotated[Path, typer.Option(help="Directory for findings, links and summary.json; made if it is not there.")],
    threads: Annotated[int | None, typer.Option(min=1, help="Threads that compare. Default: all cores.")] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Link packages across and within; write one findings package per department.

    Example: secure-match bureau link agreement.toml police.smp medical.smp --out run/
    """
    agreement = read_agreement(agreement_file)
    with step_progress("linking", _STEPS, quiet=as_json) as progress:
        _, paths, summary = link_packages(
            agreement, packages, out, clock=time.monotonic, threads=threads, progress=progress
        )
    if as_json:
        print_json(summary)
        return
    show_summary(summary)
    say(f"Wrote {', '.join(map(str, (*paths.values(), out / 'links.parquet')))} and {out / 'summary.json'}.")
    say("Next: send each department its findings package.")


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
    for item in links["passes"]:
        if item["skipped_blocks"]:
            say(
                f"pass {item['id']}: not compared, because larger than max_block_rows: "
                f"blocks {item['skipped_blocks']:,}, rows in them {item['skipped_rows']:,}"
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
