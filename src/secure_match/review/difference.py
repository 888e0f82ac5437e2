"""AUDIT: what changed from one package to another: manifests, rows by their key, cells by column.

Invariants:

* rows are told apart by the key of their kind (``KEYS``); only numbers of rows are given out, never a key or a cell,
* the manifests' keys are compared by path, in the order of their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.encoded import EncodedDataset
from secure_match.errors import UsageError
from secure_match.review._distributions import IntArray
from secure_match.review.files import ReadPackage

JSON_FORMAT: Final = "secure_match/package-difference"
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "encodings": ("handle",),
    "findings": ("finding_id", "dataset", "handle"),
    "look-request": ("dataset", "handle"),
    "look-answer": ("item",),
    "blinded": ("element",),
    "evaluated": ("element",),
}
"""Kind of a package to the columns that tell its rows apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedKey:
    """A key of the manifests that differs; a value is None where its manifest lacks the key."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChanges:
    """What became of rows.

    Attributes:
        before: rows of the first package.
        after: rows of the second.
        added: rows whose key only the second has.
        gone: rows whose key only the first has.
        changed: rows of both of which a cell differs.
        cells: column that both have to the number of common rows whose cell differs.
        tokens_kept: common rows with the same ID token; None where a package has none.
    """

    before: int
    after: int
    added: int
    gone: int
    changed: int
    cells: dict[str, int]
    tokens_kept: int | None

    @property
    def common(self) -> int:
        """Rows that both have."""
        return self.before - self.gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between two packages of one kind; rows is None where one of them was not opened."""

    kind: str
    manifest: tuple[ChangedKey, ...]
    rows: RowChanges | None


def difference(before: ReadPackage, after: ReadPackage) -> Difference:
    """What differs between two packages.

    Raises:
        UsageError: ``PACKAGE_KINDS`` where they hold different things.
    """
    if before.kind != after.kind:
        raise UsageError(
            f"one package holds {before.kind}, the other {after.kind}; name two of a kind", code="PACKAGE_KINDS"
        )
    rows = None
    if before.table is not None and after.table is not None:
        rows = _row_changes(before, before.table, after.table)
    return Difference(kind=before.kind, manifest=tuple(_changed_keys(before, after)), rows=rows)


def _changed_keys(before: ReadPackage, after: ReadPackage) -> Iterator[ChangedKey]:
    first, second = _flat(_whole_manifest(before)), _flat(_whole_manifest(after))
    for key in sorted(first.keys() | second.keys()):
        if first.get(key) != second.get(key):
            yield ChangedKey(key=key, before=first.get(key), after=second.get(key))


def _whole_manifest(package: ReadPackage) -> dict[str, Any]:
    """The manifest that stands outside, which holds the content's; of a plain package the content's as ``content``."""
    if package.sealed is None:
        return {"content": package.manifest, "content_digest": package.digest}
    outside: dict[str, Any] = package.sealed.manifest.model_dump(mode="json")
    # The sealed key and its digest differ between any two packages and say nothing.
    outside["sealing"] = {"suite": outside["sealing"]["suite"]}
    return outside


def _flat(value: object, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        return {
            key: text for name, item in value.items() for key, text in _flat(item, f"{path}.{name}".strip(".")).items()
        }
    if isinstance(value, list):
        return {key: text for place, item in enumerate(value) for key, text in _flat(item, f"{path}[{place}]").items()}
    return {} if value is None else {path: str(value)}


def _row_changes(before: ReadPackage, first: pa.Table, second: pa.Table) -> RowChanges:
    names = KEYS[before.kind]
    left, right = _common_rows(first.select(names), second.select(names))
    shared = [name for name in first.column_names if name in second.column_names and name not in names]
    changed = np.zeros(len(left), dtype=np.bool_)
    cells: dict[str, int] = {}
    for name in shared:
        differs = _differs(first[name].take(pa.array(left)), second[name].take(pa.array(right)))
        cells[name] = int(differs.sum())
        changed |= differs
    tokens = None
    if isinstance(before.content, EncodedDataset) and "id_token" in shared:
        given = pc.is_valid(first["id_token"].take(pa.array(left))).to_numpy()
        differs = _differs(first["id_token"].take(pa.array(left)), second["id_token"].take(pa.array(right)))
        tokens = int((given & ~differs).sum())
    return RowChanges(
        before=first.num_rows,
        after=second.num_rows,
        added=second.num_rows - len(left),
        gone=first.num_rows - len(left),
        changed=int(changed.sum()),
        cells=cells,
        tokens_kept=tokens,
    )


def _common_rows(first: pa.Table, second: pa.Table) -> tuple[IntArray, IntArray]:
    """Row numbers of the keys that both tables have, int64 of shape (rows,), in the order of the first."""
    names = first.column_names
    numbered = [
        table.append_column(side, pa.array(np.arange(table.num_rows, dtype=np.int64)))
        for table, side in ((first, "_before"), (second, "_after"))
    ]
    joined = numbered[0].join(numbered[1], keys=names, join_type="inner").sort_by("_before")
    return joined["_before"].to_numpy(), joined["_after"].to_numpy()


def _differs(first: pa.ChunkedArray, second: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which cells differ, bool of shape (rows,); two empty cells do not; of columns of two types all do."""
    if first.type != second.type:
        return np.ones(len(first), dtype=np.bool_)
    both = pc.and_(pc.is_valid(first), pc.is_valid(second))
    one = pc.xor(pc.is_valid(first), pc.is_valid(second))
    unequal = pc.fill_null(pc.not_equal(first, second), False)
    return np.asarray(pc.or_(one, pc.and_(both, unequal)).to_numpy(), dtype=np.bool_)


def difference_json(found: Difference) -> dict[str, Any]:
    """The difference for machines."""
    rows = found.rows
    return {
        "format": JSON_FORMAT,
        "format_version": 1,
        "kind": found.kind,
        "manifest": [{"key": item.key, "before": item.before, "after": item.after} for item in found.manifest],
        "rows": None
        if rows is None
        else {
            "before": rows.before,
            "after": rows.after,
            "common": rows.common,
            "added": rows.added,
            "gone": rows.gone,
            "changed": rows.changed,
            "changed_cells": rows.cells,
            "tokens_kept": rows.tokens_kept,
        },
    }
