"""ENCODED: findings split by owner: each department gets its own handles and nothing of another's rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match import __version__
from secure_match.agreement import Agreement
from secure_match.encoded import DatasetManifest, binary_from_matrix
from secure_match.enrolment import (
    FINDINGS_SCHEMA,
    Duplicates,
    FindingsManifest,
    FindingSource,
    FindingsPackage,
    Missing,
    NumberConflicts,
    PersonRows,
    RuleTitle,
)

_ID_BYTES: Final = 16
_ORDER: Final = [
    ("dataset", "ascending"),
    ("kind", "ascending"),
    ("rule", "ascending"),
    ("place", "ascending"),
]
IntArray = npt.NDArray[np.int64]


def build_returns(
    agreement: Agreement,
    rows: PersonRows,
    digests: Mapping[str, str],
    *,
    duplicates: Sequence[Duplicates],
    missing: Sequence[Missing],
    numbers: Sequence[NumberConflicts],
) -> dict[str, FindingsPackage]:
    """One findings package for each department that has a dataset in the run, empty ones included.

    Args:
        digests: dataset id to the digest of the package that it came in.
    """
    tables = [_duplicate_rows(rows, item) for item in duplicates] + [_missing_rows(rows, item) for item in missing]
    tables += [_number_rows(rows, item) for item in numbers]
    extended = FINDINGS_SCHEMA.append(pa.field("place", pa.int64()))
    table = pa.concat_tables(tables) if tables else extended.empty_table()
    owners = {item.manifest.dataset: item.manifest for item in rows.links.rows.datasets}
    packages: dict[str, FindingsPackage] = {}
    for party in agreement.parties:
        own = [name for name, manifest in owners.items() if manifest.owner == party.id]
        if not own:
            continue
        mask = pc.is_in(table["dataset"], value_set=pa.array(own, pa.string()))
        part = table.filter(mask).sort_by(_ORDER).drop_columns(["place"]).cast(FINDINGS_SCHEMA).combine_chunks()
        manifest = FindingsManifest(
            agreement_id=agreement.id,
            agreement_fingerprint=agreement.fingerprint,
            key_epoch=agreement.key_epoch,
            recipient=party.id,
            sources=tuple(_source(agreement, owners[name], digests[name]) for name in own),
            dataset_titles={dataset.id: dataset.title for dataset in agreement.datasets if dataset.id in owners},
            rules=_rule_titles(agreement),
            rows=part.num_rows,
            tool=f"secure_match {__version__}",
        )
        packages[party.id] = FindingsPackage(manifest=manifest, table=part)
    return packages


def _source(agreement: Agreement, manifest: DatasetManifest, digest: str) -> FindingSource:
    declared = next(dataset for dataset in agreement.datasets if dataset.id == manifest.dataset)
    return FindingSource(
        dataset=declared.id,
        title=declared.title,
        row_key=declared.row_key,
        handle_key_id=manifest.handle_key_id,
        package_digest=digest,
    )


def _rule_titles(agreement: Agreement) -> tuple[RuleTitle, ...]:
    duplicate = [RuleTitle(id=rule.id, kind="duplicate", title=rule.title) for rule in agreement.exclusions]
    missing = [RuleTitle(id=rule.id, kind="missing", title=rule.title) for rule in agreement.coverage]
    numbers = [RuleTitle(id=kind, kind=kind, title=title) for kind, title in agreement.number_findings.titles.items()]
    return (*duplicate, *missing, *numbers)


def _duplicate_rows(rows: PersonRows, item: Duplicates) -> pa.Table:
    """Two rows per finding, one for each side."""
    ids = _finding_ids("duplicate", item.rule, rows, item.row_i, item.row_j)
    names = np.array(rows.dataset_ids, dtype=object)
    of = rows.links.rows.dataset_of
    evidence = np.where(item.by_token, "id_token", "passes").astype(object)
    sides = []
    for own, other in ((item.row_i, item.row_j), (item.row_j, item.row_i)):
        sides.append(
            _table(
                ids=ids,
                kind="duplicate",
                rule=item.rule,
                rows=rows,
                own=own,
                other=names[of[other]],
                months=(item.first_month, item.last_month),
                evidence=evidence,
            )
        )
    return pa.concat_tables(sides)


def _missing_rows(rows: PersonRows, item: Missing) -> pa.Table:
    ids = _finding_ids("missing", item.rule, rows, item.row, item.row)
    return _table(
        ids=ids,
        kind="missing",
        rule=item.rule,
        rows=rows,
        own=item.row,
        other=None,
        months=None,
        evidence=None,
    )


def _number_rows(rows: PersonRows, item: NumberConflicts) -> pa.Table:
    """One row for each row of a finding, with the datasets of the finding's other rows.

    A finding is named after its first row, so that it keeps its id when further rows join it.
    """
    ids = np.array(_finding_ids(item.kind, item.kind, rows, item.first_row, item.first_row), dtype=object)
    evidence = "id_token" if item.kind == "one_number_two_people" else "passes"
    return _table(
        ids=ids[item.finding].tolist(),
        kind=item.kind,
        rule=item.kind,
        rows=rows,
        own=item.row,
        other=_other_datasets(rows, item),
        months=None,
        evidence=np.full(len(item.row), evidence, dtype=object),
    )


def _other_datasets(rows: PersonRows, item: NumberConflicts) -> npt.NDArray[np.object_]:
    """Ids of the datasets that hold the other rows of each row's finding, object of shape (rows,)."""
    of = rows.links.rows.dataset_of[item.row]
    counts = np.zeros((len(item), len(rows.dataset_ids)), dtype=np.int64)
    np.add.at(counts, (item.finding, of), 1)
    others = counts[item.finding]
    others[np.arange(len(of)), of] -= 1
    kinds, kind_of = np.unique(others > 0, axis=0, return_inverse=True)
    texts = [",".join(rows.dataset_ids[place] for place in np.flatnonzero(kind)) for kind in kinds]
    return np.array(texts, dtype=object)[kind_of]


def _table(
    *,
    ids: list[bytes],
    kind: str,
    rule: str,
    rows: PersonRows,
    own: IntArray,
    other: npt.NDArray[np.object_] | None,
    months: tuple[IntArray, IntArray] | None,
    evidence: npt.NDArray[np.object_] | None,
) -> pa.Table:
    count = len(own)
    names = np.array(rows.dataset_ids, dtype=object)
    table = rows.links.rows
    text = pa.string()
    first, last = (
        (pa.array(month.astype(np.int32)) for month in months) if months else [pa.nulls(count, pa.int32())] * 2
    )
    columns = [
        pa.array(ids, pa.binary(_ID_BYTES)),
        pa.array([kind] * count, text),
        pa.array([rule] * count, text),
        pa.array(names[table.dataset_of[own]], text),
        binary_from_matrix(table.handles[own]),
        pa.array(other, text) if other is not None else pa.nulls(count, text),
        first,
        last,
        pa.array(evidence, text) if evidence is not None else pa.nulls(count, text),
        # Canonical row number: a stable order inside the package, dropped before it leaves.
        pa.array(own),
    ]
    return pa.table(columns, schema=FINDINGS_SCHEMA.append(pa.field("place", pa.int64())))


def _finding_ids(kind: str, rule: str, rows: PersonRows, row_i: IntArray, row_j: IntArray) -> list[bytes]:
    """Stable over runs: a digest of rule and handles. Handles are keyed, so the digest reveals neither of them."""
    sides = [_row_texts(rows, side) for side in (row_i, row_j)]
    start = f"{kind}|{rule}|"
    ids = []
    for one, two in zip(*sides, strict=True):
        text = one if one == two else f"{one}|{two}" if one < two else f"{two}|{one}"
        ids.append(hashlib.blake2b((start + text).encode(), digest_size=_ID_BYTES).digest())
    return ids


def _row_texts(rows: PersonRows, index: IntArray) -> list[str]:
    """Dataset and handle of rows."""
    table = rows.links.rows
    handles, width = table.handles[index].tobytes().hex(), 2 * table.handles.shape[1]
    names = [f"{name}:" for name in rows.dataset_ids]
    of = table.dataset_of[index].tolist()
    return [names[dataset] + handles[place * width : (place + 1) * width] for place, dataset in enumerate(of)]
