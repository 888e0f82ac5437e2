"""ENCODED: the clerk's station: decide on a pair, take a sheet of verdicts in. Commands call these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from secure_match.bureau.review_decisions import (
    ReviewDecision,
    Verdict,
    by_pair,
    clean_text,
    time_text,
    verify_consistent,
)
from secure_match.bureau.review_files import add_decisions, read_decisions_if_any
from secure_match.bureau.review_sheet import SheetError, SheetRow, collecting, parse_sheet
from secure_match.bureau.run_files import RunAgreement, find_pair, find_pairs, pair_error, read_run_agreement
from secure_match.errors import Place, SecureMatchError

Earlier = Mapping[str, Sequence[ReviewDecision]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a clerk enters.

    Attributes:
        operator: who decides.
        time: when, with its zone.
        overrule: decisions of other operators may be contradicted.
    """

    operator: str
    time: datetime
    overrule: bool = False


def decide_pair(
    run: Path, pair: str, decisions: Path, *, verdict: Verdict, reason: str, entry: Entry
) -> ReviewDecision:
    """Record a clerk's verdict on one pair of a run.

    Args:
        decisions: the file that it is added to; made if it is not there.

    Raises:
        UsageError: ``PAIR_UNKNOWN``, ``PAIR_AMBIGUOUS``, ``REVIEW_TEXT``, ``REVIEW_CONTRADICTS``.
        PackageError, LinkageError: as ``add_decisions`` and ``find_pair`` do. Nothing is added then.
    """
    operator = clean_text(entry.operator, column="operator")
    reason = clean_text(reason, column="reason")
    (row,) = find_pair(run, pair).to_pylist()
    new = _decision(row, read_run_agreement(run), verdict=verdict, operator=operator, reason=reason, time=entry.time)

    def choose(before: Sequence[ReviewDecision]) -> Sequence[ReviewDecision]:
        verify_consistent(new, by_pair(before), overrule=entry.overrule)
        return [new]

    add_decisions(decisions, choose)
    return new


def import_sheet(run: Path, sheet: bytes, decisions: Path, *, entry: Entry) -> tuple[int, int]:
    """Record the verdicts of a sheet, all of them or none.

    A row that stands in the decisions already, with the same operator, verdict and reason, is passed over, so that a
    sheet can be taken in twice.

    Returns:
        How many decisions were added, and how many were there already.

    Raises:
        SheetError: ``REVIEW_SHEET`` with everything that is wrong.
        PackageError, LinkageError: as ``add_decisions`` and ``find_pairs`` do.
    """
    operator = clean_text(entry.operator, column="operator")
    rows, problems = parse_sheet(sheet, operator=operator)
    known: dict[str, list[dict[str, Any]]] = {}
    for pair in find_pairs(run, [row.pair for row in rows]).to_pylist():
        known.setdefault(pair["pair"], []).append(pair)
    agreement = read_run_agreement(run)
    numbered: list[tuple[SheetRow, ReviewDecision]] = []
    for row in rows:
        found = known.get(row.pair, [])
        if len(found) != 1:
            problems.append(pair_error(len(found), place=Place(row=row.row, column="pair")))
            continue
        item = _decision(
            found[0], agreement, verdict=row.verdict, operator=row.operator, reason=row.reason, time=entry.time
        )
        numbered.append((row, item))

    def choose(before: Sequence[ReviewDecision]) -> Sequence[ReviewDecision]:
        return _new_ones(numbered, by_pair(before), problems, overrule=entry.overrule)

    # Once before anything is made, and once more under the lock.
    choose(read_decisions_if_any(decisions))
    added = add_decisions(decisions, choose)
    return len(added), len(numbered) - len(added)


def _new_ones(
    numbered: Sequence[tuple[SheetRow, ReviewDecision]],
    earlier: Earlier,
    problems: Sequence[SecureMatchError],
    *,
    overrule: bool,
) -> list[ReviewDecision]:
    new, found = [], list(problems)
    for row, item in numbered:
        said = {(old.operator, old.verdict, old.reason) for old in earlier.get(item.pair, ())}
        if (item.operator, item.verdict, item.reason) in said:
            continue
        with collecting(found):
            verify_consistent(item, earlier, overrule=overrule, row=row.row)
        new.append(item)
    if found:
        raise SheetError(sorted(found, key=lambda problem: problem.place.row or 0))
    return new


def _decision(
    row: Mapping[str, Any],
    agreement: RunAgreement,
    *,
    verdict: Verdict,
    operator: str,
    reason: str,
    time: datetime,
) -> ReviewDecision:
    probability = row["match_probability"]
    return ReviewDecision(
        pair=row["pair"],
        dataset_a=row["dataset_a"],
        handle_a=row["handle_a"].hex(),
        dataset_b=row["dataset_b"],
        handle_b=row["handle_b"].hex(),
        verdict=verdict,
        operator=operator,
        reason=reason,
        time=time_text(time),
        # A damaged run must not put a number into the decisions that they cannot be read with.
        match_probability=probability if probability is not None and 0 <= probability <= 1 else None,
        agreement_id=agreement.id,
        agreement_fingerprint=agreement.fingerprint,
    )
