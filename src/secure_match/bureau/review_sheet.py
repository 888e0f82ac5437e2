"""ENCODED: the queue as a spreadsheet for clerks, and their verdicts back.

Invariant: a sheet is taken in as a whole or not at all; what is wrong with it is said of every row at once, by row and
column, and no cell is repeated.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from secure_match.bureau.review_decisions import ReviewDecision, Verdict, clean_text, parse_verdict
from secure_match.bureau.review_evidence import evidence_of
from secure_match.encoded.csv_cells import write_safe_rows
from secure_match.errors import Place, SecureMatchError, UsageError

_NEEDED: Final = ("pair", "verdict", "reason")
_CHARSETS: Final = ("utf-8-sig", "gb18030")
"""What spreadsheet programs save as CSV, in the order in which they are tried."""


class SheetError(UsageError):
    """A sheet was refused. ``problems`` says everything that is wrong with it, in the order of its rows."""

    def __init__(self, problems: Sequence[SecureMatchError]) -> None:
        count = len(problems)
        super().__init__(
            f"{count} {'thing is' if count == 1 else 'things are'} wrong with the sheet; nothing of it was taken in",
            code="REVIEW_SHEET",
        )
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """A filled row of a sheet; ``row`` is its number as a spreadsheet counts."""

    row: int
    pair: str
    verdict: Verdict
    operator: str
    reason: str


def serialise_queue(queue: pa.Table, last: Mapping[str, ReviewDecision]) -> bytes:
    """A queue as CSV with empty columns ``verdict`` and ``reason``: UTF-8 with byte order mark.

    Args:
        last: pair id to the decision that counts now.
    """
    evidence = evidence_of(queue)
    passes = list(evidence[0].passes) if evidence else []
    more = zip(*(queue[name].to_pylist() for name in ("value", "cause", "findings")), strict=True)
    rows = []
    for item, (value, cause, findings) in zip(evidence, more, strict=True):
        before = last.get(item.pair)
        (dataset_a, _), (dataset_b, _) = item.rows
        rows.append(
            [
                *(item.pair, f"{value:.4f}", cause, findings, dataset_a, dataset_b, item.token_state),
                *(item.passes[name] for name in passes),
                "" if item.probability is None else f"{item.probability:.4f}",
                *(before.verdict if before else "", "", ""),
            ]
        )
    header = ["pair", "value", "cause", "findings", "dataset_a", "dataset_b", "token_state"]
    text = io.StringIO(newline="")
    write_safe_rows(text, [*header, *passes, "match_probability", "decided", "verdict", "reason"], rows)
    return text.getvalue().encode("utf-8-sig")


def parse_sheet(data: bytes, *, operator: str) -> tuple[list[SheetRow], list[SecureMatchError]]:
    """The filled rows of a sheet and what is wrong with it; rows without verdict and reason are passed over.

    Args:
        data: CSV in UTF-8 or GB18030 with the columns ``pair``, ``verdict``, ``reason`` and, where a row is not
            ``operator``'s, ``operator``; others are not looked at.
    """
    table = _cells(data)
    if not table:
        return [], [UsageError("this is no CSV file with a header", code="REVIEW_SHEET")]
    header = [name.strip() for name in table[0]]
    problems: list[SecureMatchError] = [
        UsageError("this column has to be there, once", code="REVIEW_SHEET", place=Place(row=1, column=name))
        for name in _NEEDED
        if header.count(name) != 1
    ]
    if problems:
        return [], problems
    rows: list[SheetRow] = []
    seen: set[str] = set()
    for number, cells in enumerate(table[1:], start=2):
        row = dict(zip(header, [cell.strip() for cell in cells], strict=False))
        if not row.get("verdict") and not row.get("reason"):
            continue
        found = _parse_row(row, number, operator, problems)
        if found is None:
            continue
        if found.pair in seen:
            problems.append(_problem("the pair stands in the sheet twice", number, "pair"))
        seen.add(found.pair)
        rows.append(found)
    return rows, problems


def _cells(data: bytes) -> list[list[str]]:
    for charset in _CHARSETS:
        with contextlib.suppress(UnicodeDecodeError, csv.Error):
            return list(csv.reader(io.StringIO(data.decode(charset), newline=""), strict=True))
    return []


def _problem(message: str, row: int, column: str) -> UsageError:
    return UsageError(message, code="REVIEW_SHEET", place=Place(row=row, column=column))


@contextlib.contextmanager
def collecting(problems: list[SecureMatchError]) -> Iterator[None]:
    """Put an error of the block among the problems in place of raising it."""
    try:
        yield
    except SecureMatchError as error:
        problems.append(error)


def _parse_row(cells: dict[str, str], row: int, operator: str, problems: list[SecureMatchError]) -> SheetRow | None:
    before = len(problems)
    verdict: Verdict = "unsure"
    texts = {"operator": cells.get("operator") or operator, "reason": cells.get("reason", "")}
    if not cells.get("pair"):
        problems.append(_problem("the pair's id is missing", row, "pair"))
    with collecting(problems):
        verdict = parse_verdict(cells.get("verdict", ""), row=row)
    for column, text in texts.items():
        with collecting(problems):
            clean_text(text, column=column, row=row)
    if len(problems) > before:
        return None
    return SheetRow(row=row, pair=cells["pair"], verdict=verdict, operator=texts["operator"], reason=texts["reason"])
