"""RAW: the people of an export as an adversary with the same plaintext would cut them up: one text per field and view.

Rows of one ID number are one person; without a number, rows that are equal in all identity fields. Rows without a row
key are nobody's: they have no handle and leave no department.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement, Dataset, dataset_passes, id_token_field
from secure_match.department.handles import HANDLE_BYTES
from secure_match.department.normalise import ColumnFacts, NormalisedField, normalise_fields
from secure_match.department.passes import view_of
from secure_match.encoded import matrix_from_binary
from secure_match.exchange.opaque import Guarded

Int64Array = npt.NDArray[np.int64]
HandleMaking = Callable[[pa.RecordBatch], tuple[pa.Array, npt.NDArray[np.bool_]]]
"""From a batch to handles, fixed_size_binary(16), and which rows have one that no earlier row had."""
HANDLE: Final = "handle"
"""Column of a roster that says which row of a package each of its rows is."""
_JOINT: Final = "\x1f"
_NUMBER: Final = ""
"""Stands beside the names of fields and views for what ID tokens are made of."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Roster(Guarded):
    """People in plaintext, and which rows are theirs.

    Attributes:
        people: how many.
        texts: field or view to the text of each person; empty where there is none.
        numbers: ID number, or identifier, of each person; empty where there is none.
        handles: of the rows, fixed_size_binary(16).
        person_of: int64 of shape (rows,).
        columns: by coded column its source, raw, of each row: a column of the export or a view of a field.
    """

    people: int
    texts: Mapping[str, Sequence[str]]
    numbers: Sequence[str]
    handles: pa.Array
    person_of: Int64Array
    columns: Mapping[str, Sequence[str]]

    def persons(self, handles: pa.ChunkedArray | pa.Array) -> Int64Array:
        """The person of each row by its handle, -1 for nobody: int64 of shape (handles,)."""
        place = self.rows(handles)
        return np.where(place >= 0, self.person_of[np.maximum(place, 0)], -1) if len(self.person_of) else place

    def rows(self, handles: pa.ChunkedArray | pa.Array) -> Int64Array:
        """The row of each handle, -1 for none: int64 of shape (handles,)."""
        places = pc.fill_null(pc.index_in(handles, value_set=self.handles), -1)
        return np.array(places.to_pylist(), dtype=np.int64)


@dataclass(slots=True, repr=False, eq=False)
class _Collected:
    """What is read so far."""

    seen: dict[str, int] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    handles: list[pa.Array] = field(default_factory=list)
    person_of: list[int] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)


def read_roster(
    agreement: Agreement,
    dataset: Dataset,
    batches: Iterable[pa.RecordBatch],
    handles_of: HandleMaking,
    *,
    facts: ColumnFacts | None = None,
) -> Roster:
    """Normalise an export and tell its people apart. Memory: the texts of all people.

    Args:
        batches: the dataset's columns as strings.
        handles_of: makes, or reads, the handles of a batch.
        facts: of a survey of the same export.
    """
    passes = dataset_passes(agreement, dataset)
    wanted = {reference for item in passes for reference in (*item.block_on, *(part.field for part in item.fields))}
    number = id_token_field(agreement, dataset)
    kept = _Collected(
        texts={name: [] for name in (*sorted(wanted), _NUMBER)}, columns={column.name: [] for column in dataset.columns}
    )
    for batch in batches:
        raw = {name: batch[header] for name, header in dataset.identity.items()}
        fields = normalise_fields(agreement, raw, batch.num_rows, facts=facts)
        handles, usable = handles_of(batch)
        places = np.flatnonzero(usable)
        texts = {name: _texts(view_of(fields, name)) for name in sorted(wanted)}
        texts[_NUMBER] = _texts(fields[number].values) if number is not None else [""] * batch.num_rows
        keys = _person_keys(fields, texts[_NUMBER])
        for row in places.tolist():
            person = kept.seen.setdefault(keys[row], len(kept.seen))
            if person == len(kept.texts[_NUMBER]):
                for name, values in kept.texts.items():
                    values.append(texts[name][row])
            kept.person_of.append(person)
        kept.handles.append(handles.take(pa.array(places)))
        for column in dataset.columns:
            source = batch[column.column] if column.column is not None else view_of(fields, str(column.derive))
            kept.columns[column.name] += _texts(source.take(pa.array(places)))
    return Roster(
        people=len(kept.seen),
        texts={name: kept.texts[name] for name in sorted(wanted)},
        numbers=kept.texts[_NUMBER],
        handles=pa.concat_arrays(kept.handles) if kept.handles else pa.array([], pa.binary(16)),
        person_of=np.array(kept.person_of, dtype=np.int64),
        columns=kept.columns,
    )


def _person_keys(fields: Mapping[str, NormalisedField], numbers: Sequence[str]) -> list[str]:
    """What rows of one person have in common: the ID number, or all fields."""
    whole = [_texts(item.values) for item in fields.values()]
    joint = [_JOINT.join(cells) for cells in zip(*whole, strict=True)]
    return [f"n{number}" if number else f"w{rest}" for number, rest in zip(numbers, joint, strict=True)]


def _texts(values: pa.Array) -> list[str]:
    return [str(text) for text in pc.fill_null(values, "").to_pylist()]


def handles_from_column(name: str) -> HandleMaking:
    """Handles that stand in a column, as 32 hex digits; a row without one is nobody's."""
    taken: set[bytes] = set()

    def read(batch: pa.RecordBatch) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
        usable = np.zeros(batch.num_rows, dtype=np.bool_)
        found: list[bytes] = []
        for row, text in enumerate(batch[name].to_pylist()):
            handle = _handle(text or "")
            usable[row] = handle is not None and handle not in taken
            if handle is not None:
                taken.add(handle)
            found.append(handle or bytes(HANDLE_BYTES))
        return pa.array(found, pa.binary(16)), usable

    return read


def _handle(text: str) -> bytes | None:
    try:
        handle = bytes.fromhex(text.strip())
    except ValueError:
        return None
    return handle if len(handle) == HANDLE_BYTES else None


def handle_texts(handles: pa.Array) -> list[str]:
    """Handles as hex, as :func:`handles_from_column` reads them."""
    return [bytes(row).hex() for row in matrix_from_binary(handles)[0]]
