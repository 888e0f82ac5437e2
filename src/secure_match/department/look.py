"""RAW: the bureau's question about the department's own rows as a sheet to fill in, and the filled sheet as codes.

Invariant: an answer holds the request's items and codes, and nothing that stands in the export.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from secure_match import __version__
from secure_match.department._worklist_words import Language
from secure_match.department.keys import DepartmentKey
from secure_match.department.own_rows import PLACE, Source, find_own_rows
from secure_match.department.readers import ROW_NUMBER
from secure_match.enrolment import (
    ANSWER_SCHEMA,
    LOOK_VERDICTS,
    LookAnswer,
    LookAnswerManifest,
    LookRequest,
    LookVerdict,
)
from secure_match.errors import InputError, Place, UsageError

_HEADERS: Final[dict[Language, tuple[str, str, str, str]]] = {
    "zh": ("核对编号", "请核对的列", "核对结果", "原表行号"),
    "en": ("look item", "columns to check", "look answer", "export row"),
}
_WORDS: Final[dict[Language, dict[LookVerdict, str]]] = {
    "zh": {"right": "无误", "corrected": "已更正", "wrong_person": "混有他人信息", "cannot_tell": "无法判断"},
    "en": {name: name for name in LOOK_VERDICTS},
}
LOOK_TITLES: Final[dict[Language, str]] = {"zh": "核对表", "en": "look"}
"""Name of the sheet."""


def verdict_words(language: Language) -> tuple[str, ...]:
    """What may be written as an answer, in the order of ``LOOK_VERDICTS``."""
    return tuple(_WORDS[language][name] for name in LOOK_VERDICTS)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LookSheet:
    """The department's own rows with an empty column for the answer.

    Attributes:
        dataset: which dataset the export turned out to be.
        table: item, columns to check, answer and row number, then the export's columns, all strings; in the order of
            the export.
        asked: rows of this dataset that the request asks about.
        not_found: how many of them the export does not hold.
        other: the department's other datasets in the request, and how many rows of each.
    """

    dataset: str
    table: pa.Table
    asked: int
    not_found: int
    other: dict[str, int]

    def __repr__(self) -> str:
        return f"<LookSheet of {self.dataset}: {self.table.num_rows} rows>"


def look_sheet(
    request: LookRequest,
    sources: tuple[Source, ...],
    batches: Iterable[pa.RecordBatch],
    key: DepartmentKey,
    *,
    language: Language = "zh",
) -> LookSheet:
    """The rows that a request asks about, from the department's export.

    Args:
        batches: all columns of the export as strings, and ``row_number``.

    Raises:
        UsageError: as ``find_own_rows`` does.
    """
    dataset, rows = find_own_rows(request, sources, batches, key)
    asked = request.table.take(rows[PLACE])
    headers = next(source.headers for source in request.manifest.sources if source.dataset == dataset)
    separator = "、" if language == "zh" else ", "
    to_check = [separator.join(headers[name] for name in names.split(" ")) for names in asked["fields"].to_pylist()]
    columns: list[list[str]] = [
        [f"i{item.hex()}" for item in asked["item"].to_pylist()],
        to_check,
        [""] * len(to_check),
        [str(number) for number in rows[ROW_NUMBER].to_pylist()],
    ]
    export = rows.drop_columns([PLACE, ROW_NUMBER])
    arrays = [pa.array(values, pa.string()) for values in columns]
    totals = Counter(request.table["dataset"].to_pylist())
    return LookSheet(
        dataset=dataset,
        table=pa.table([*arrays, *export.columns], names=[*_HEADERS[language], *export.column_names]),
        asked=totals[dataset],
        not_found=totals[dataset] - len(to_check),
        other={name: count for name, count in sorted(totals.items()) if name != dataset},
    )


def answer_columns(header: tuple[str, ...]) -> tuple[str, str]:
    """The columns of a filled sheet that hold item and answer, in whichever language it was written.

    Raises:
        InputError: ``LOOK_SHEET``.
    """
    for item, _, answer, _ in _HEADERS.values():
        if header.count(item) == 1 and header.count(answer) == 1:
            return item, answer
    raise InputError("this is no sheet that department look wrote: its first columns are not there", code="LOOK_SHEET")


def answer_of(request: LookRequest, digest: str, batches: Iterable[pa.RecordBatch]) -> tuple[LookAnswer, int]:
    """A filled sheet as codes.

    Args:
        digest: of the request's package.
        batches: the two columns that ``answer_columns`` names, in that order, and ``row_number``.

    Returns:
        The answer, and how many items of the request were left empty.

    Raises:
        InputError: ``LOOK_SHEET`` for an unknown or repeated item or an answer that is none of the words, with row and
            column and without the cell.
        UsageError: ``LOOK_NOTHING`` where nothing was filled in.
    """
    known = set(request.table["item"].to_pylist())
    codes = {word: name for words in _WORDS.values() for name, word in words.items()}
    found: dict[bytes, LookVerdict] = {}
    for batch in batches:
        item_name, answer_name = (name for name in batch.schema.names if name != ROW_NUMBER)
        columns = (batch[name].to_pylist() for name in (ROW_NUMBER, item_name, answer_name))
        for number, item_text, answer_text in zip(*columns, strict=True):
            answer = (answer_text or "").strip()
            if not answer and not (item_text or "").strip():
                continue
            item = _item(item_text or "", known)
            if item is None or item in found:
                raise _refused("this item is not one of the request, or stands here twice", number, item_name)
            if not answer:
                continue
            if answer not in codes:
                words = ", ".join(verdict_words("en"))
                raise _refused(f"write one of {words} (or 无误, 已更正, 混有他人信息, 无法判断)", number, answer_name)
            found[item] = codes[answer]
    if not found:
        raise UsageError("no answer was filled in; there is nothing to send", code="LOOK_NOTHING")
    return _answer(request, digest, found), len(known) - len(found)


def _refused(message: str, row: int, column: str) -> InputError:
    return InputError(message, code="LOOK_SHEET", place=Place(row=row, column=column))


def _item(text: str, known: set[bytes]) -> bytes | None:
    item = b""
    with contextlib.suppress(ValueError):
        item = bytes.fromhex(text.strip().removeprefix("i"))
    return item if item in known else None


def _answer(request: LookRequest, digest: str, found: dict[bytes, LookVerdict]) -> LookAnswer:
    manifest = request.manifest
    ordered = sorted(found)
    columns = [pa.array(ordered, pa.binary(16)), pa.array([found[item] for item in ordered], pa.string())]
    return LookAnswer(
        manifest=LookAnswerManifest(
            agreement_id=manifest.agreement_id,
            agreement_fingerprint=manifest.agreement_fingerprint,
            key_epoch=manifest.key_epoch,
            sender=manifest.recipient,
            request_id=manifest.request_id,
            request_digest=digest,
            rows=len(ordered),
            tool=f"secure_match {__version__}",
        ),
        table=pa.table(columns, schema=ANSWER_SCHEMA),
    )
