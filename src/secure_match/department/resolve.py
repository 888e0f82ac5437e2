"""RAW: findings back to people: only the department that made the handles can do it, from its own export."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from secure_match.department.handles import HandleMaker
from secure_match.department.keys import DepartmentKey
from secure_match.department.normalise._cleaning import clean_text
from secure_match.department.readers import ROW_NUMBER
from secure_match.enrolment import FindingSource, FindingsPackage
from secure_match.errors import KeyFileError, UsageError
from secure_match.kernels._seen import SeenKeys

_PLACE: Final = "\x1ffinding_place"
Language = Literal["zh", "en"]

_HEADERS: Final[dict[Language, tuple[str, ...]]] = {
    "zh": (
        "疑点编号",
        "疑点类型",
        "规则",
        "说明",
        "对方数据",
        "重叠起月",
        "重叠止月",
        "比对依据",
        "原表行号",
    ),
    "en": (
        "finding",
        "kind",
        "rule",
        "title",
        "other dataset",
        "first month",
        "last month",
        "evidence",
        "export row",
    ),
}
_WORDS: Final[dict[Language, dict[str, str]]] = {
    "zh": {"duplicate": "重复", "missing": "未参保", "id_token": "身份证号一致", "passes": "姓名等信息一致"},
    "en": {
        "duplicate": "duplicate",
        "missing": "missing",
        "id_token": "equal ID number",
        "passes": "name and others",
    },
}


SHEET_TITLES: Final[dict[Language, str]] = {"zh": "核查清单", "en": "worklist"}
"""Name of the sheet of a worklist."""


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


def verify_findings_key(package: FindingsPackage, key: DepartmentKey) -> None:
    """Check that the findings are for the key's department and were made from its handles.

    Raises:
        KeyFileError: ``KEY_AGREEMENT``, ``KEY_PARTY`` or ``KEY_MISMATCH``.
    """
    manifest = package.manifest
    if key.agreement_id != manifest.agreement_id:
        raise KeyFileError("the findings belong to another agreement than the key", code="KEY_AGREEMENT")
    if key.party != manifest.recipient:
        raise KeyFileError(
            f"the findings are for {manifest.recipient}; the key belongs to {key.party}", code="KEY_PARTY"
        )
    for source in manifest.sources:
        if HandleMaker(key, manifest.agreement_id, source.dataset).key_id != source.handle_key_id:
            raise KeyFileError(
                f"the handles of {source.dataset} were made with another key of {key.party}",
                code="KEY_MISMATCH",
            )


def choose_sources(
    package: FindingsPackage, header: tuple[str, ...], dataset_id: str | None
) -> tuple[FindingSource, ...]:
    """Datasets of the findings that an export with this header can be.

    Raises:
        UsageError: ``DATASET_UNKNOWN`` or ``RESOLVE_NO_ROW_KEY``.
    """
    sources = package.manifest.sources
    known = ", ".join(source.dataset for source in sources)
    if dataset_id is not None:
        sources = tuple(source for source in sources if source.dataset == dataset_id)
        if not sources:
            raise UsageError(f"the findings have no dataset {dataset_id}; datasets: {known}", code="DATASET_UNKNOWN")
    fitting = tuple(source for source in sources if source.row_key in header)
    if not fitting:
        needed = ", ".join(dict.fromkeys(source.row_key for source in sources))
        raise UsageError(f"the export has no row key column ({needed})", code="RESOLVE_NO_ROW_KEY")
    return fitting


def resolve(
    package: FindingsPackage,
    sources: tuple[FindingSource, ...],
    batches: Iterable[pa.RecordBatch],
    key: DepartmentKey,
    *,
    language: Language = "zh",
) -> Worklist:
    """Put findings beside the export's rows.

    Where several datasets have the same row key column, the one whose handles are found is the export's. Of rows that
    repeat a row key the first counts, as it does when an export is encoded.

    Args:
        batches: all columns of the export as strings, and ``row_number``.

    Raises:
        UsageError: ``RESOLVE_NO_ROWS`` when there are findings and not one is on a row of this export;
            ``RESOLVE_AMBIGUOUS`` when the findings of several datasets are.
    """
    manifest = package.manifest
    makers = {source.dataset: HandleMaker(key, manifest.agreement_id, source.dataset) for source in sources}
    row_keys = {source.dataset: source.row_key for source in sources}
    wanted = _places_by_handle(package, set(makers))
    found: dict[str, list[pa.Table]] = {name: [] for name in makers}
    seen = {name: SeenKeys() for name in makers}
    names: list[str] = []
    for batch in batches:
        names = batch.schema.names
        for dataset, maker in makers.items():
            handles, _, repeated = maker.make(clean_text(batch[row_keys[dataset]]), seen[dataset])
            hits = [
                (row, place)
                for row, handle in enumerate(handles.to_pylist())
                if not repeated[row]
                for place in wanted.get((dataset, handle), ())
            ]
            if hits:
                rows = pa.table(batch.take(pa.array([row for row, _ in hits])))
                found[dataset].append(rows.append_column(_PLACE, pa.array([place for _, place in hits])))
    hits_of = {name: sum(part.num_rows for part in parts) for name, parts in found.items()}
    dataset = _choose_dataset(package, hits_of)
    empty = pa.table({name: pa.array([], pa.string()) for name in names}).append_column(
        _PLACE, pa.array([], pa.int64())
    )
    own_rows = _in_reading_order(package, pa.concat_tables(found[dataset])) if found[dataset] else empty
    totals = Counter(package.table["dataset"].to_pylist())
    return Worklist(
        dataset=dataset,
        table=_worklist_table(package, own_rows, language),
        findings=totals[dataset],
        not_found=totals[dataset] - len(own_rows[_PLACE].unique()),
        other_findings={name: count for name, count in sorted(totals.items()) if name != dataset},
    )


def _in_reading_order(package: FindingsPackage, own_rows: pa.Table) -> pa.Table:
    """Order rows for people: kind and rule, then the first export row of the finding, then the export row."""
    findings = package.table.take(own_rows[_PLACE])
    names = [findings[name].to_pylist() for name in ("kind", "rule", "finding_id")]
    rows = own_rows[ROW_NUMBER].to_pylist()
    first: dict[bytes, int] = {}
    for finding, row in zip(names[2], rows, strict=True):
        first[finding] = min(row, first.get(finding, row))
    keys = [(kind, rule, first[finding], finding, row) for kind, rule, finding, row in zip(*names, rows, strict=True)]
    return own_rows.take(pa.array(sorted(range(len(keys)), key=keys.__getitem__), pa.int64()))


def _choose_dataset(package: FindingsPackage, hits_of: dict[str, int]) -> str:
    """The only dataset with findings on the export's rows, or the only one that has all its findings there."""
    names = package.table["dataset"].to_pylist()
    totals = {name: names.count(name) for name in hits_of}
    if not any(totals.values()):
        return next(iter(hits_of))
    fitting = [name for name, hits in hits_of.items() if hits]
    if not fitting:
        raise UsageError(
            "no finding is on a row of this export; name the export that was encoded", code="RESOLVE_NO_ROWS"
        )
    whole = [name for name in fitting if hits_of[name] == totals[name]]
    fitting = whole or fitting
    if len(fitting) > 1:
        raise UsageError(
            f"the export's row keys are those of several datasets ({', '.join(fitting)}); say which one it is",
            code="RESOLVE_AMBIGUOUS",
        )
    return fitting[0]


def _places_by_handle(package: FindingsPackage, datasets: set[str]) -> dict[tuple[str, bytes], list[int]]:
    places: dict[tuple[str, bytes], list[int]] = defaultdict(list)
    columns = (package.table["dataset"].to_pylist(), package.table["handle"].to_pylist())
    for place, (dataset, handle) in enumerate(zip(*columns, strict=True)):
        if dataset in datasets:
            places[dataset, handle].append(place)
    return places


def _worklist_table(package: FindingsPackage, own_rows: pa.Table, language: Language) -> pa.Table:
    words = _WORDS[language]
    titles = {(str(rule.kind), rule.id): rule.title for rule in package.manifest.rules}
    findings = package.table.take(own_rows[_PLACE])
    kinds, rules = findings["kind"].to_pylist(), findings["rule"].to_pylist()
    others = findings["other_dataset"].to_pylist()
    columns = [
        [value.hex() for value in findings["finding_id"].to_pylist()],
        [words.get(kind, kind) for kind in kinds],
        rules,
        [titles.get(pair, "") for pair in zip(kinds, rules, strict=True)],
        [package.manifest.dataset_titles.get(name, name) if name is not None else None for name in others],
        [str(month) if month is not None else None for month in findings["first_month"].to_pylist()],
        [str(month) if month is not None else None for month in findings["last_month"].to_pylist()],
        [words.get(text, text) if text is not None else None for text in findings["evidence"].to_pylist()],
        [str(number) for number in own_rows[ROW_NUMBER].to_pylist()] if ROW_NUMBER in own_rows.column_names else [],
    ]
    export = own_rows.drop_columns([name for name in (_PLACE, ROW_NUMBER) if name in own_rows.column_names])
    arrays = [pa.array(values, pa.string()) for values in columns]
    return pa.table([*arrays, *export.columns], names=[*_HEADERS[language], *export.column_names])
