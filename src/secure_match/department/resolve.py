"""RAW: findings back to people: only the department that made the handles can do it, from its own export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from secure_match.department._worklist_words import ADVICE, BETWEEN, HEADERS, WORDS, Language
from secure_match.department.keys import DepartmentKey
from secure_match.department.own_rows import PLACE, Source, find_own_rows
from secure_match.department.readers import ROW_NUMBER
from secure_match.enrolment import FindingsPackage


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Worklist:
    """The department's own rows with the finding beside each.

    Attributes:
        dataset: which dataset the export turned out to be.
        table: finding columns, then the export's columns, all strings; one row per finding on a row, ordered by
            kind and rule, then by the first export row of a finding; rows of one finding stand together.
        findings: findings of the package on this dataset.
        not_found: how many of them are on rows that the export does not hold.
        other_findings: the department's other datasets with findings in the package, and how many each has.
    """

    dataset: str
    table: pa.Table
    findings: int
    not_found: int
    other_findings: dict[str, int]

    def __repr__(self) -> str:
        return (
            f"<Worklist of {self.dataset}: {self.table.num_rows} rows, {self.findings} findings, "
            f"{self.not_found} not found>"
        )


def resolve(
    package: FindingsPackage,
    sources: tuple[Source, ...],
    batches: Iterable[pa.RecordBatch],
    key: DepartmentKey,
    *,
    language: Language = "zh",
) -> Worklist:
    """Put findings beside the export's rows.

    Args:
        batches: all columns of the export as strings, and ``row_number``.

    Raises:
        UsageError: as ``find_own_rows`` does.
    """
    dataset, found = find_own_rows(package, sources, batches, key)
    own_rows = _in_reading_order(package, found) if found.num_rows else found
    totals = Counter(package.table["dataset"].to_pylist())
    return Worklist(
        dataset=dataset,
        table=_worklist_table(package, own_rows, language),
        findings=totals[dataset],
        not_found=totals[dataset] - len(own_rows[PLACE].unique()),
        other_findings={name: count for name, count in sorted(totals.items()) if name != dataset},
    )


def _in_reading_order(package: FindingsPackage, own_rows: pa.Table) -> pa.Table:
    """Order rows for people: kind and rule, then the first export row of the finding, then the export row."""
    findings = package.table.take(own_rows[PLACE])
    names = [findings[name].to_pylist() for name in ("kind", "rule", "finding_id")]
    rows = own_rows[ROW_NUMBER].to_pylist()
    first: dict[bytes, int] = {}
    for finding, row in zip(names[2], rows, strict=True):
        first[finding] = min(row, first.get(finding, row))
    keys = [(kind, rule, first[finding], finding, row) for kind, rule, finding, row in zip(*names, rows, strict=True)]
    return own_rows.take(pa.array(sorted(range(len(keys)), key=keys.__getitem__), pa.int64()))


def _worklist_table(package: FindingsPackage, own_rows: pa.Table, language: Language) -> pa.Table:
    words = WORDS[language]
    titles = {(str(rule.kind), rule.id): rule.title for rule in package.manifest.rules}
    findings = package.table.take(own_rows[PLACE])
    kinds, rules = findings["kind"].to_pylist(), findings["rule"].to_pylist()
    others = findings["other_dataset"].to_pylist()
    columns = [
        [value.hex() for value in findings["finding_id"].to_pylist()],
        [words.get(kind, kind) for kind in kinds],
        rules,
        [_explained(titles.get((kind, rule), ""), kind, language) for kind, rule in zip(kinds, rules, strict=True)],
        [_dataset_titles(package, names, language) if names is not None else None for names in others],
        [str(month) if month is not None else None for month in findings["first_month"].to_pylist()],
        [str(month) if month is not None else None for month in findings["last_month"].to_pylist()],
        [words.get(text, text) if text is not None else None for text in findings["evidence"].to_pylist()],
        [str(number) for number in own_rows[ROW_NUMBER].to_pylist()] if ROW_NUMBER in own_rows.column_names else [],
    ]
    export = own_rows.drop_columns([name for name in (PLACE, ROW_NUMBER) if name in own_rows.column_names])
    arrays = [pa.array(values, pa.string()) for values in columns]
    return pa.table([*arrays, *export.columns], names=[*HEADERS[language], *export.column_names])


def _explained(title: str, kind: str, language: Language) -> str:
    """A finding's title and, where there is something to say, what to do."""
    return BETWEEN[language][0].join(text for text in (title, ADVICE[language].get(kind, "")) if text)


def _dataset_titles(package: FindingsPackage, names: str, language: Language) -> str:
    """Titles of the datasets in a cell of ``other_dataset``."""
    titles = package.manifest.dataset_titles
    return BETWEEN[language][1].join(titles.get(name, name) for name in names.split(","))
