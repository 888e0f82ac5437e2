"""EDGE: ``secure-match agreement``: write a template, check an agreement and see what would leave."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from secure_match.agreement import dataset_passes, leaving_columns
from secure_match.agreement.files import read_agreement, write_agreement
from secure_match.cli._output import print_json, say, show_table

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Write and check the agreement that every party holds."
)

JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]


@app.command()
def new(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="Where agreement.toml is written; made if it is not there.")
    ],
    template: Annotated[
        Literal["city", "generic"],
        typer.Option(
            help="city: a Chinese city's registers. generic: two registers with names and addresses of any land."
        ),
    ] = "city",
) -> None:
    """Write a commented agreement that works as it stands.

    Example: secure-match agreement new city/
    """
    path = write_agreement(directory, template)
    say(f"Wrote {path}. Edit it, then: secure-match agreement check {path}")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The agreement, e.g. agreement.toml.")],
    as_json: JsonOption = False,
) -> None:
    """Validate an agreement; print its fingerprint and exactly which columns would leave each department.

    Example: secure-match agreement check city/agreement.toml
    """
    agreement = read_agreement(file)
    datasets = {dataset.id: leaving_columns(agreement, dataset) for dataset in agreement.datasets}
    if as_json:
        print_json(
            {
                "id": agreement.id,
                "fingerprint": agreement.fingerprint,
                "datasets": [
                    {
                        "id": dataset.id,
                        "owner": dataset.owner,
                        "kind": dataset.kind,
                        "passes": [item.id for item in dataset_passes(agreement, dataset)],
                        "columns": [
                            {"name": column.name, "form": column.form, "source": column.source}
                            for column in datasets[dataset.id]
                        ],
                    }
                    for dataset in agreement.datasets
                ],
            }
        )
        return
    for dataset in agreement.datasets:
        show_table(
            f"{dataset.id} ({dataset.title}), owned by {dataset.owner}: these columns leave, and nothing else",
            ["column", "form", "made from"],
            [[column.name, column.form, column.source] for column in datasets[dataset.id]],
        )
    say(
        f"agreement {agreement.id}: valid",
        f"fingerprint {agreement.fingerprint}",
        "Every party has to see the same fingerprint. Next: secure-match keys new --help",
    )
