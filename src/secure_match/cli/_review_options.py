"""EDGE: what the commands of ``bureau review`` take, in one wording."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from secure_match.bureau.review import Entry
from secure_match.bureau.review_decisions import parse_time

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a finished run of bureau link.")]
PairArgument = Annotated[str, typer.Argument(metavar="PAIR", help="Id of the pair, as review list shows it.")]
DecisionsOption = Annotated[
    Path | None, typer.Option(help="File of decisions. Default: decisions.csv beside the run directory.")
]
OperatorOption = Annotated[str, typer.Option(help="Who decides: the clerk's name or staff id in letters.")]
AtOption = Annotated[str | None, typer.Option(help="When, ISO 8601 with zone. Default: now.")]
LooksOption = Annotated[
    Path | None, typer.Option(help="Folder of requests and answers. Default: looks beside the run directory.")
]
OverruleOption = Annotated[bool, typer.Option("--overrule", help="Contradict an earlier decision of another operator.")]
JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]


def entry_of(operator: str, at: str | None, *, overrule: bool) -> Entry:
    """What a clerk enters, now where no time is given."""
    when = parse_time(at) if at is not None else datetime.now(UTC)
    return Entry(operator=operator, time=when, overrule=overrule)
