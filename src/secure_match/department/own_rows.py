"""RAW: the rows of an export that a package from the bureau speaks of.

They are found by their handles, which only the department that made them can make again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, Protocol

import pyarrow as pa

from secure_match.department.handles import HandleMaker
from secure_match.department.keys import DepartmentKey
from secure_match.department.normalise._cleaning import clean_text
from secure_match.errors import KeyFileError, UsageError
from secure_match.kernels._seen import SeenKeys

PLACE: Final = "\x1ffinding_place"
"""Column of found rows: the row of the package that it was found for."""


class Source(Protocol):
    """One of the recipient's datasets."""

    @property
    def dataset(self) -> str:
        """Its id."""

    @property
    def row_key(self) -> str:
        """Header of the row key in the export."""

    @property
    def handle_key_id(self) -> str:
        """Name of the key that its handles were made with."""


class Addressed(Protocol):
    """The manifest of a package for one department."""

    @property
    def agreement_id(self) -> str:
        """Id of the agreement."""

    @property
    def recipient(self) -> str:
        """Id of the department."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """Its datasets."""


class ForDepartment(Protocol):
    """A package for one department: findings or a request. ``table`` has the columns ``dataset`` and ``handle``."""

    @property
    def manifest(self) -> Addressed:
        """For whom it is."""

    @property
    def table(self) -> pa.Table:
        """What it says of the department's rows."""


def verify_recipient_key(package: ForDepartment, key: DepartmentKey, *, noun: str) -> None:
    """Check that a package is for the key's department and speaks of handles that the key made.

    Args:
        noun: what the package is, in the plural, for messages.

    Raises:
        KeyFileError: ``KEY_AGREEMENT``, ``KEY_PARTY`` or ``KEY_MISMATCH``.
    """
    manifest = package.manifest
    if key.agreement_id != manifest.agreement_id:
        raise KeyFileError(f"the {noun} belong to another agreement than the key", code="KEY_AGREEMENT")
    if key.party != manifest.recipient:
        raise KeyFileError(f"the {noun} are for {manifest.recipient}; the key belongs to {key.party}", code="KEY_PARTY")
    for source in manifest.sources:
        if HandleMaker(key, manifest.agreement_id, source.dataset).key_id != source.handle_key_id:
            raise KeyFileError(
                f"the handles of {source.dataset} were made with another key of {key.party}",
                code="KEY_MISMATCH",
            )


def choose_sources(
    package: ForDepartment, header: tuple[str, ...], dataset_id: str | None, *, noun: str = "findings"
) -> tuple[Source, ...]:
    """Datasets of a package that an export with this header can be.

    Raises:
        UsageError: ``DATASET_UNKNOWN`` or ``RESOLVE_NO_ROW_KEY``.
    """
    sources = package.manifest.sources
    known = ", ".join(source.dataset for source in sources)
    if dataset_id is not None:
        sources = tuple(source for source in sources if source.dataset == dataset_id)
        if not sources:
            raise UsageError(f"the {noun} have no dataset {dataset_id}; datasets: {known}", code="DATASET_UNKNOWN")
    fitting = tuple(source for source in sources if source.row_key in header)
    if not fitting:
        needed = ", ".join(dict.fromkeys(source.row_key for source in sources))
        raise UsageError(f"the export has no row key column ({needed})", code="RESOLVE_NO_ROW_KEY")
    return fitting


def find_own_rows(
    package: ForDepartment,
    sources: tuple[Source, ...],
    batches: Iterable[pa.RecordBatch],
    key: DepartmentKey,
) -> tuple[str, pa.Table]:
    """The export's rows that a package speaks of.

    Where several datasets have the same row key column, the one whose handles are found is the export's. Of rows that
    repeat a row key the first counts, as it does when an export is encoded.

    Args:
        batches: all columns of the export as strings, and ``row_number``.

    Returns:
        Which dataset the export turned out to be; and its rows, in its order, with a column ``PLACE``.

    Raises:
        UsageError: ``RESOLVE_NO_ROWS`` when the package speaks of rows and not one is in this export;
            ``RESOLVE_AMBIGUOUS`` when it speaks of rows of several datasets that are.
    """
    makers = {source.dataset: HandleMaker(key, package.manifest.agreement_id, source.dataset) for source in sources}
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
                found[dataset].append(rows.append_column(PLACE, pa.array([place for _, place in hits])))
    dataset = _choose_dataset(package, {name: sum(part.num_rows for part in parts) for name, parts in found.items()})
    if found[dataset]:
        return dataset, pa.concat_tables(found[dataset])
    empty = pa.table({name: pa.array([], pa.string()) for name in names})
    return dataset, empty.append_column(PLACE, pa.array([], pa.int64()))


def _choose_dataset(package: ForDepartment, hits_of: dict[str, int]) -> str:
    """The only dataset with rows of the package in the export, or the only one that has all of them there."""
    names = package.table["dataset"].to_pylist()
    totals = {name: names.count(name) for name in hits_of}
    if not any(totals.values()):
        return next(iter(hits_of))
    fitting = [name for name, hits in hits_of.items() if hits]
    if not fitting:
        raise UsageError(
            "not one row that the bureau names is in this export; name the export that was encoded",
            code="RESOLVE_NO_ROWS",
        )
    whole = [name for name in fitting if hits_of[name] == totals[name]]
    fitting = whole or fitting
    if len(fitting) > 1:
        raise UsageError(
            f"the export's row keys are those of several datasets ({', '.join(fitting)}); say which one it is",
            code="RESOLVE_AMBIGUOUS",
        )
    return fitting[0]


def _places_by_handle(package: ForDepartment, datasets: set[str]) -> dict[tuple[str, bytes], list[int]]:
    places: dict[tuple[str, bytes], list[int]] = defaultdict(list)
    columns = (package.table["dataset"].to_pylist(), package.table["handle"].to_pylist())
    for place, (dataset, handle) in enumerate(zip(*columns, strict=True)):
        if dataset in datasets:
            places[dataset, handle].append(place)
    return places
