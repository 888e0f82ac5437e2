"""EDGE: ``secure-match bureau review``: the clerk's queue of pairs. It shows levels of evidence, never a value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from secure_match.bureau.look_files import default_looks, read_answers
from secure_match.bureau.review import decide_pair, import_sheet
from secure_match.bureau.review_decisions import ReviewDecision, by_pair, parse_verdict
from secure_match.bureau.review_evidence import evidence_of
from secure_match.bureau.review_files import default_decisions, read_decisions_if_any
from secure_match.bureau.review_sheet import SheetError, serialise_queue
from secure_match.bureau.run_files import find_neighbours, find_pair, read_queue, read_run_agreement
from secure_match.cli import _review_looks
from secure_match.cli._output import print_json, say, say_aside, show_table
from secure_match.cli._review_options import (
    AtOption,
    DecisionsOption,
    JsonOption,
    LooksOption,
    OperatorOption,
    OverruleOption,
    PairArgument,
    RunArgument,
    entry_of,
)
from secure_match.cli._review_text import (
    BESIDE_HEADERS,
    LIST_HEADERS,
    answer_line,
    beside_row,
    decision_line,
    evidence_json,
    evidence_lines,
    list_cells,
    list_rows,
)
from secure_match.encoded.files import atomic_writer, open_to_read, verify_writable
from secure_match.errors import Place, UsageError, located

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look at doubtful pairs and decide them.")

_NEIGHBOURS: Final = 20
_SHOWN: Final = 20


@app.command("list")
def list_pairs(
    run: RunArgument,
    limit: Annotated[int, typer.Option(min=0, help="Pairs to show at most; 0 for all.")] = _SHOWN,
    dataset: Annotated[str | None, typer.Option(help="Only pairs with a row of this dataset.")] = None,
    undecided: Annotated[
        bool, typer.Option("--undecided", help="Only pairs that nobody decided, or only with unsure.")
    ] = False,
    decisions: DecisionsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the queue, the most valuable pair first.

    Example: secure-match bureau review list run/ --undecided --limit 50
    """
    read_run_agreement(run)
    queue = read_queue(run)
    rows = list_rows(queue, _last(run, decisions))
    if dataset is not None:
        rows = [row for row in rows if dataset in row["datasets"]]
    if undecided:
        rows = [row for row in rows if row["decided"] in (None, "unsure")]
    shown = rows[:limit] if limit else rows
    if as_json:
        print_json({"run": str(run), "queue": queue.num_rows, "fitting": len(rows), "pairs": shown})
        return
    show_table(
        f"Pairs to look at: {len(shown):,} of {len(rows):,}",
        LIST_HEADERS,
        [list_cells(row) for row in shown],
    )
    if shown:
        say(f"Next: secure-match bureau review show {run} {shown[0]['pair']}")


@app.command()
def show(
    run: RunArgument,
    pair: PairArgument,
    decisions: DecisionsOption = None,
    looks: LooksOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the evidence on a pair, the pairs beside it, and what was decided.

    Example: secure-match bureau review show run/ p0123456789ab
    """
    found = find_pair(run, pair)
    (evidence,) = evidence_of(found)
    history = by_pair(read_decisions_if_any(decisions or default_decisions(run)))
    earlier = history.get(pair, [])
    beside = evidence_of(find_neighbours(run, found))
    ends = {(found[f"dataset_{side}"][0].as_py(), found[f"handle_{side}"][0].as_py().hex()) for side in ("a", "b")}
    answers = [item for item in read_answers(looks or default_looks(run)) if (item.dataset, item.handle) in ends]
    if as_json:
        print_json(
            evidence_json(evidence)
            | {
                "beside": [evidence_json(item) for item in beside],
                "answers": [item.model_dump() for item in answers],
                "decisions": [item.model_dump() for item in earlier],
            }
        )
        return
    say(*evidence_lines(evidence))
    if beside:
        show_table(
            f"Other pairs of these rows: {min(len(beside), _NEIGHBOURS):,} of {len(beside):,}",
            BESIDE_HEADERS,
            [beside_row(item, history.get(item.pair, [])) for item in beside[:_NEIGHBOURS]],
        )
    say(*map(answer_line, answers), *map(decision_line, earlier))
    say(f"Next: secure-match bureau review decide {run} {pair} --verdict VERDICT --operator NAME --reason TEXT")


def _last(run: Path, decisions: Path | None) -> dict[str, ReviewDecision]:
    history = by_pair(read_decisions_if_any(decisions or default_decisions(run)))
    return {pair: items[-1] for pair, items in history.items()}


@app.command()
def decide(
    run: RunArgument,
    pair: PairArgument,
    *,
    verdict: Annotated[str, typer.Option(help="match, non-match or unsure.")],
    operator: OperatorOption,
    reason: Annotated[str, typer.Option(help="Why, in words; never a person's name or number.")],
    at: AtOption = None,
    overrule: OverruleOption = False,
    decisions: DecisionsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a decision on a pair. Decisions are only ever added; the last one of a pair counts.

    Example: secure-match bureau review decide run/ p0123456789ab --verdict match --operator Lin --reason "both agree"
    """
    file = decisions or default_decisions(run)
    chosen = parse_verdict(verdict)
    entry = entry_of(operator, at, overrule=overrule)
    new = decide_pair(run, pair, file, verdict=chosen, reason=reason, entry=entry)
    if as_json:
        print_json({"decisions": str(file), "decision": new.model_dump()})
        return
    say(
        f"{new.pair}: {new.verdict}, by {new.operator} at {new.time}. Added to {file}.",
        f"Next: the next pair, or link again with --decisions {file}",
    )


@app.command()
def export(
    run: RunArgument,
    *,
    out: Annotated[Path, typer.Option(help="The CSV file to write, for a spreadsheet.")],
    decisions: DecisionsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the queue as a sheet with empty columns for verdict and reason.

    Example: secure-match bureau review export run/ --out queue.csv
    """
    verify_writable(out)
    if out.exists():
        raise UsageError("there is a file already, perhaps with verdicts", code="FILE_EXISTS", place=Place(file=out))
    queue = read_queue(run)
    with atomic_writer(out) as stream:
        stream.write(serialise_queue(queue, _last(run, decisions)))
    if as_json:
        print_json({"sheet": str(out), "pairs": queue.num_rows})
        return
    say(f"Wrote {out} with {queue.num_rows:,} pairs. Next: fill in verdict and reason, then review import.")


@app.command("import")
def import_verdicts(
    run: RunArgument,
    sheet: Annotated[Path, typer.Argument(metavar="SHEET", help="A sheet from review export, filled in.")],
    *,
    operator: OperatorOption,
    at: AtOption = None,
    overrule: OverruleOption = False,
    decisions: DecisionsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record the verdicts of a sheet, all of them or none.

    Example: secure-match bureau review import run/ queue.csv --operator Lin
    """
    file = decisions or default_decisions(run)
    with open_to_read(sheet) as stream:
        data = stream.read()
    try:
        with located(sheet):
            added, known = import_sheet(run, data, file, entry=entry_of(operator, at, overrule=overrule))
    except SheetError as error:
        say_aside(*map(str, error.problems))
        raise
    if as_json:
        print_json({"decisions": str(file), "added": added, "already_there": known})
        return
    say(f"Added {added:,} decisions to {file}; {known:,} were there already.")


app.command()(_review_looks.request)
app.command()(_review_looks.answers)
