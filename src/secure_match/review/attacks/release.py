"""AUDIT: a package of encodings laid beside a roster, as attacks take it.

The adversary cuts its roster into the fields and views of the agreement's passes; whoever holds the roster does that
and hands in texts. Nothing here opens a file or normalises a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement, Pass
from secure_match.encoded import EncodedDataset, matrix_from_binary
from secure_match.exchange.opaque import Guarded
from secure_match.review.attacks._tokens import roster_tokens
from secure_match.review.attacks.inputs import BoolArray, ByteMatrix, IntArray, PlainColumn, SeenPass

_JOINT = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class AttackedRelease(Guarded):
    """What a bureau holds of one dataset, the adversary's roster, and the truth.

    Attributes:
        name: of the dataset, for reports.
        passes: the passes that left, rows in one order.
        truth: int64 of shape (rows,), place of each row's person in the roster, or -1.
        people: of the roster.
        tokens: ID tokens, uint8 of shape (rows, 16), and which rows have one; None where the dataset has none.
        numbers: ID number of each person of the roster, empty where there is none.
        coded: coded column to its codes as they left, int64 of shape (rows,), -1 where empty.
        table: the same columns of the adversary's own table, brought into the same form; int64 of shape (table rows,).
            Equal codes mean the same on both sides. Empty where it has no such columns.
        raw: the same columns of that table as its source has them.
        table_truth: int64 of shape (rows,), each row's place in the table, or -1.
    """

    name: str
    passes: tuple[SeenPass, ...]
    truth: IntArray
    people: int
    tokens: tuple[ByteMatrix, BoolArray] | None
    numbers: Sequence[str]
    coded: Mapping[str, IntArray]
    table: Mapping[str, IntArray]
    raw: Mapping[str, IntArray]
    table_truth: IntArray

    @property
    def present(self) -> BoolArray:
        """Rows with an encoding in any pass: bool of shape (rows,)."""
        if not self.passes:
            return np.zeros(len(self.truth), dtype=np.bool_)
        found: BoolArray = np.logical_or.reduce([item.present for item in self.passes])
        return found


def seen_pass(
    item: Pass, texts: Mapping[str, Sequence[str]], tags: ByteMatrix | None, encodings: ByteMatrix, present: BoolArray
) -> SeenPass:
    """One pass beside the roster.

    Args:
        item: the pass.
        texts: field or view of a field (as passes name them) to each person's text, empty where there is none.
        tags: uint8 of shape (rows, 16); None for a pass without blocks.
        encodings: uint8 of shape (rows, bytes).
        present: bool of shape (rows,).
    """
    values: list[str] | None = None
    if tags is not None:
        parts = [texts[reference] for reference in item.block_on]
        values = [_JOINT.join(cells) if all(cells) else "" for cells in zip(*parts, strict=True)]
    columns = [
        PlainColumn(
            name=field.field,
            values=texts[field.field],
            qgram_sizes=field.qgram_sizes,
            positional=field.positional,
            insertions=field.insertions,
            space="shared" if field.shared else "",
        )
        for field in item.fields
    ]
    return SeenPass(
        id=item.id,
        encodings=encodings,
        present=present,
        columns=columns,
        tags=tags,
        block_values=values,
        block_on=item.block_on,
        tokens=roster_tokens(columns),
    )


def seen_passes(
    agreement: Agreement, encoded: EncodedDataset, texts: Mapping[str, Sequence[str]]
) -> tuple[SeenPass, ...]:
    """The passes of a dataset beside the roster, in the order of the agreement."""
    described = {item.id: item for item in agreement.passes}
    found: list[SeenPass] = []
    for column in encoded.manifest.passes:
        encodings, present = matrix_from_binary(encoded.table[f"pass.{column.id}.encoding"])
        tags = matrix_from_binary(encoded.table[f"pass.{column.id}.block"])[0] if column.blocked else None
        found.append(seen_pass(described[column.id], texts, tags, encodings, present))
    return tuple(found)


def text_numbers(values: Sequence[str | int | None], numbers: dict[str, int]) -> npt.NDArray[np.int64]:
    """Texts as numbers that ``numbers`` keeps from call to call: int64 of shape (values,), -1 for empty ones."""
    return np.array(
        [-1 if value is None or value == "" else numbers.setdefault(str(value), len(numbers)) for value in values],
        dtype=np.int64,
    )
