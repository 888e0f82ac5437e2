"""ENCODED: what clerks decided on pairs, as values: one row per decision, the last of a pair counts.

Invariants:

* a decision names its rows by dataset and handle, so that it outlives the run in which it was made,
* decisions are only ever added; a changed mind is a new one,
* a free text of a clerk holds no control character and no seven digits in a row: a raw number typed by mistake is
  refused, and not repeated in the message.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from secure_match.agreement.strict import StrictModel, VisibleText, first_problem
from secure_match.bureau.review_pairs import RowName, pair_id
from secure_match.encoded.csv_cells import FORMULA_STARTS
from secure_match.encoded.manifest import HexDigest, Identifier
from secure_match.errors import LinkageError, Place, UsageError, visible

Verdict = Literal["match", "non-match", "unsure"]
VERDICTS: Final[tuple[Verdict, ...]] = ("match", "non-match", "unsure")
HandleHex = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
PairText = Annotated[str, Field(pattern=r"^p[0-9a-f]{12}$")]
UtcTime = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]

_LONGEST_TEXT: Final = 500
_DIGITS_IN_A_ROW: Final = re.compile(r"(?:\d ?){7}")
"""Seven digits, also with single blanks between them: phone and ID numbers are longer, a date with dashes is none."""


class ReviewDecision(StrictModel):
    """One decision of a clerk on a pair.

    Attributes:
        pair: the pair's id, which its rows give.
        dataset_a: dataset of one row, and ``handle_a`` its handle; likewise b.
        verdict: ``match``, ``non-match``, or ``unsure``, which takes an earlier verdict back.
        time: UTC, ISO 8601, in seconds.
        match_probability: what the model said of the pair at that time, 0 to 1; None where it said nothing.
        agreement_id: of the run that the clerk looked at; likewise ``agreement_fingerprint``.
    """

    pair: PairText
    dataset_a: Identifier
    handle_a: HandleHex
    dataset_b: Identifier
    handle_b: HandleHex
    verdict: Verdict
    operator: VisibleText
    reason: VisibleText
    time: UtcTime
    match_probability: Annotated[float, Field(ge=0.0, le=1.0)] | None
    agreement_id: Identifier
    agreement_fingerprint: HexDigest

    @property
    def rows(self) -> tuple[RowName, RowName]:
        """Both rows."""
        return (self.dataset_a, bytes.fromhex(self.handle_a)), (self.dataset_b, bytes.fromhex(self.handle_b))


COLUMNS: Final = tuple(ReviewDecision.model_fields)


def clean_text(text: str, *, column: str, row: int | None = None) -> str:
    """A clerk's text without blanks at its ends.

    Raises:
        UsageError: ``REVIEW_TEXT`` for one that is empty, longer than 500 characters, holds control characters or seven
            digits in a row, or would start a formula in a spreadsheet.
    """
    text = text.strip()
    problem = ""
    if not text:
        problem = "write something here; the decision has to be understood later"
    elif len(text) > _LONGEST_TEXT:
        problem = f"write at most {_LONGEST_TEXT} characters"
    elif visible(text) != text:
        problem = "remove line breaks, tabs and invisible characters"
    elif text.startswith(FORMULA_STARTS):
        problem = "begin with a letter: a spreadsheet would take this for a formula"
    elif _DIGITS_IN_A_ROW.search(unicodedata.normalize("NFKC", text)):
        problem = "there are seven digits in a row; never write a person's number here"
    if problem:
        raise UsageError(problem, code="REVIEW_TEXT", place=Place(row=row, column=column))
    return text


def parse_verdict(text: str, *, row: int | None = None) -> Verdict:
    """A verdict of the vocabulary.

    Raises:
        UsageError: ``REVIEW_VERDICT``.
    """
    for verdict in VERDICTS:
        if text.strip().lower() == verdict:
            return verdict
    raise UsageError(
        f"the verdict is one of {', '.join(VERDICTS)}", code="REVIEW_VERDICT", place=Place(row=row, column="verdict")
    )


def parse_time(text: str) -> datetime:
    """A time with its zone, in UTC.

    Raises:
        UsageError: ``REVIEW_TIME``.
    """
    found: datetime | None = None
    with contextlib.suppress(ValueError):
        found = datetime.fromisoformat(text)
    if found is None or found.tzinfo is None:
        raise UsageError("give date, time and zone, such as 2026-11-23T09:30:00+08:00", code="REVIEW_TIME")
    return found.astimezone(UTC)


def time_text(when: datetime) -> str:
    """A time in UTC as decisions hold it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def serialise_decisions(decisions: Iterable[ReviewDecision], *, header: bool) -> bytes:
    """Decisions as CSV rows in UTF-8, without byte order mark."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(COLUMNS)
    for item in decisions:
        cells = item.model_dump()
        writer.writerow(["" if cells[name] is None else str(cells[name]) for name in COLUMNS])
    return text.getvalue().encode()


def parse_decisions(data: bytes) -> tuple[ReviewDecision, ...]:
    """Decisions in their order, the oldest first.

    Raises:
        LinkageError: ``DECISIONS_FORMAT`` with row and column. The whole file counts, or nothing of it.
    """
    text: str | None = None
    with contextlib.suppress(UnicodeDecodeError):
        text = data.decode("utf-8")
    if text is None:
        raise _damaged("the file is not UTF-8; was it saved by a spreadsheet? take it from a backup")
    if text and not text.endswith("\n"):
        raise _damaged("the last line is cut off: a write was interrupted; look at that line and complete or remove it")
    rows: list[list[str]] | None = None
    with contextlib.suppress(csv.Error):
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    if rows is None:
        raise _damaged("the quotes of the file do not fit; take it from a backup")
    if rows and tuple(rows[0]) != COLUMNS:
        raise _damaged(f"the first line has to be {','.join(COLUMNS)}", row=1)
    return tuple(_parse_row(cells, row) for row, cells in enumerate(rows[1:], start=2))


def _damaged(message: str, *, row: int | None = None, column: str | None = None) -> LinkageError:
    return LinkageError(message, code="DECISIONS_FORMAT", place=Place(row=row, column=column))


def _parse_row(cells: Sequence[str], row: int) -> ReviewDecision:
    if len(cells) != len(COLUMNS):
        raise _damaged(f"the row has {len(cells)} cells in place of {len(COLUMNS)}", row=row)
    values: dict[str, object] = dict(zip(COLUMNS, cells, strict=True))
    column, reason = "", ""
    item: ReviewDecision | None = None
    try:
        number = str(values["match_probability"])
        values["match_probability"] = float(number) if number else None
        item = ReviewDecision.model_validate(values)
    except ValidationError as error:
        problem = first_problem(error)
        column, reason = problem.key, problem.reason
    except ValueError:
        column, reason = "match_probability", "this is no number"
    if item is None:
        raise _damaged(reason, row=row, column=column)
    if pair_id(*item.rows) != item.pair:
        raise _damaged("the pair's id is not that of the two rows", row=row, column="pair")
    return item


def by_pair(decisions: Iterable[ReviewDecision]) -> dict[str, list[ReviewDecision]]:
    """Pair id to the decisions on it, the oldest first."""
    found: dict[str, list[ReviewDecision]] = {}
    for item in decisions:
        found.setdefault(item.pair, []).append(item)
    return found


def settled(decisions: Iterable[ReviewDecision]) -> dict[str, ReviewDecision]:
    """Pair id to the decision that counts: the last one. Pairs of which that is ``unsure`` are left out."""
    last = {pair: items[-1] for pair, items in by_pair(decisions).items()}
    return {pair: item for pair, item in last.items() if item.verdict != "unsure"}


def verify_consistent(
    new: ReviewDecision, earlier: Mapping[str, Sequence[ReviewDecision]], *, overrule: bool, row: int | None = None
) -> None:
    """Check that a decision does not silently contradict one of another operator.

    What counts already may be repeated by anybody. Otherwise each other operator's last verdict on the pair must be the
    same or ``unsure``.

    Args:
        earlier: decisions by pair, the oldest first.
        overrule: the operator says that he knows of it.

    Raises:
        UsageError: ``REVIEW_CONTRADICTS``.
    """
    before = earlier.get(new.pair, ())
    if overrule or not before or before[-1].verdict == new.verdict:
        return
    last_of = {item.operator: item.verdict for item in before}
    others = [name for name, verdict in last_of.items() if name != new.operator]
    if any(last_of[name] not in (new.verdict, "unsure") for name in others):
        raise UsageError(
            f"another operator decided otherwise on {new.pair}; look at it with review show, and add --overrule if you "
            "mean it",
            code="REVIEW_CONTRADICTS",
            place=Place(row=row),
        )
