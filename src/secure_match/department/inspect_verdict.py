"""RAW: what to mend in an export, in which order, and what it costs to leave it. Counts in, findings out.

The rule that turns shares into an estimate, also printed in every report: a row that ``encode`` would refuse loses its
links; a row with a usable ID number loses none; any other row is found by its best pass, and is missed as often as a
field that this pass blocks on differs between two rows of one person (``inspection.DIFFERS``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from secure_match.agreement import TOKEN_KINDS
from secure_match.agreement.profiles import Mapping
from secure_match.department.inspection import ColumnReport, Content
from secure_match.department.normalise._cross_check import DIFFERS

CODES: Final = (
    "ROW_KEY_UNKNOWN", "ID_UNKNOWN", "ID_DAMAGED", "ID_UNUSABLE", "ROW_WIDTH", "ROW_KEY_MISSING", "ROW_KEY_DUPLICATE",
    "NO_IDENTITY", "CODE_UNKNOWN", "MONTH_INVALID", "VALUE_RANGE", "COLUMN_DAMAGED", "FIELD_INVALID", "FIELD_DIFFERS",
    "COLUMN_EMPTY",
    "MAPPING_DOUBTFUL", "PHONE_SHARED",
)  # fmt: skip
"""All codes of findings; of equal cost, the first is named first."""
SHARED_FROM: Final = ("10-99", "100+")
"""Classes of rows per phone number that no household explains."""
DOUBTFUL_BELOW: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to mend.

    Attributes:
        code: one of ``CODES``.
        column: the header at fault, or empty.
        rows: rows concerned.
        missed: rows that are expected to find no partner because of it; None where it stops the whole export.
        examples: numbers of the first few rows, where known.
    """

    code: str
    column: str
    rows: int
    missed: float | None
    examples: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to mend, the costliest first, and what the rows as they are would lose.

    Attributes:
        missed: rows that are expected to find no partner although there is one.
        missed_per_10_000: the same for every 10,000 rows.
    """

    findings: list[Finding]
    missed: float
    missed_per_10_000: float


def judge(content: Content, *, row_key: str | None, mapping: Mapping | None) -> Verdict:
    """Findings on what was found.

    Args:
        row_key: header of the row key, None where there is none.
        mapping: the proposal that was used; None where an agreement said which column is what.
    """
    findings = [
        Finding(code=item.code, column=item.column, rows=item.rows, missed=float(item.rows), examples=item.examples)
        for item in content.refusals
    ]
    if row_key is None:
        findings.append(Finding(code="ROW_KEY_UNKNOWN", column="", rows=content.rows, missed=None, examples=[]))
    findings += _id_findings(content)
    findings += _column_findings(content)
    if mapping is not None:
        findings += [
            _note("MAPPING_DOUBTFUL", item.column, content.rows)
            for item in mapping.columns
            if item.confidence < DOUBTFUL_BELOW
        ]
    shared = sum((content.shared_phones or {}).get(name, 0) for name in SHARED_FROM)
    if shared:
        phone = next(item.column or "" for item in content.fields if item.kind == "phone")
        findings.append(_note("PHONE_SHARED", phone, shared))
    findings.sort(key=lambda item: (item.missed is not None, -(item.missed or 0.0), CODES.index(item.code), -item.rows))
    missed = content.links.refused + content.links.missed_by_passes
    share = missed / content.rows if content.rows else 0.0
    return Verdict(findings=findings, missed=round(missed, 1), missed_per_10_000=round(10_000 * share, 1))


def _id_findings(content: Content) -> list[Finding]:
    """Rows that passes alone can link are the cost of ID numbers that are missing, wrong or damaged."""
    identity = next((item for item in content.fields if item.kind in TOKEN_KINDS), None)
    links = content.links
    if identity is None:
        return []
    if identity.column is None:
        return [Finding(code="ID_UNKNOWN", column="", rows=links.by_passes, missed=links.missed_by_passes, examples=[])]
    damage = next((item for item in content.columns if item.column == identity.column and item.damaged), None)
    examples = [number for reason in identity.reasons for number in reason.examples if reason.state != "repaired"]
    if damage is not None:
        return [_damage("ID_DAMAGED", damage, missed=links.missed_by_passes, examples=sorted(examples)[:5])]
    unusable = identity.states["missing"] + identity.states["invalid"]
    if not unusable:
        return []
    return [
        Finding(
            code="ID_UNUSABLE",
            column=identity.column,
            rows=unusable,
            missed=links.missed_by_passes,
            examples=sorted(examples)[:5],
        )
    ]


def _column_findings(content: Content) -> list[Finding]:
    findings = []
    mapped = {item.column: item for item in content.fields if item.column is not None}
    for column in content.columns:
        item = mapped.get(column.column)
        if column.damaged and (item is None or item.kind not in TOKEN_KINDS):
            findings.append(_damage("COLUMN_DAMAGED", column, missed=0.0, examples=[]))
        if item is not None and not column.filled:
            findings.append(_note("COLUMN_EMPTY", column.column, content.rows))
    for item in content.fields:
        if item.column is not None and item.kind not in TOKEN_KINDS and item.states["invalid"]:
            examples = next(reason.examples for reason in item.reasons if reason.state == "invalid")
            findings.append(_note("FIELD_INVALID", item.column, item.states["invalid"], examples))
        # People move: a town that is not the region of the ID number is nothing to mend.
        differs = next((flag for flag in item.flags if flag.flag == DIFFERS), None)
        if item.column is not None and item.kind in ("birth_date", "sex") and differs is not None:
            findings.append(_note("FIELD_DIFFERS", item.column, differs.rows, differs.examples))
    return findings


def _damage(code: str, column: ColumnReport, *, missed: float, examples: list[int]) -> Finding:
    rows = column.ending_000 + column.powers
    return Finding(code=code, column=column.column, rows=rows, missed=missed, examples=examples)


def _note(code: str, column: str, rows: int, examples: list[int] | None = None) -> Finding:
    """A finding that costs no link by itself."""
    return Finding(code=code, column=column, rows=rows, missed=0.0, examples=examples or [])
