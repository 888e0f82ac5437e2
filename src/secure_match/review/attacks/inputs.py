"""AUDIT: what attacks take: a pass as the bureau holds it, and the roster that it is laid beside.

The adversary knows the agreement, so it can cut its roster into the fields, views and q-grams of a pass; it lacks the
keys alone. ``truth`` says whose row each encoding is: attacks draw known pairs from it and are scored by it, and use it
for nothing else.

Invariants: row and roster order are the caller's, and results do not depend on values of ``truth`` outside the known
pairs; plaintext is shown by no ``repr`` and cannot be pickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from secure_match.exchange.opaque import Guarded

if TYPE_CHECKING:
    from secure_match.review.attacks._tokens import RosterTokens

BoolArray = npt.NDArray[np.bool_]
ByteMatrix = npt.NDArray[np.uint8]
FloatMatrix = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

NOBODY = -1
"""In ``truth``: the row's person is not in the roster."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class PlainColumn(Guarded):
    """A column of the roster that a pass encodes.

    Attributes:
        name: of the field or view, for reports.
        values: text of each person of the roster; empty where missing.
        qgram_sizes: lengths of the q-grams that become tokens.
        positional: whether a token carries its place.
        insertions: bits that the whole field sets; fields are weighed by it.
        space: what keeps tokens of different columns apart; shared columns have one space. Empty for ``name``.
    """

    name: str
    values: Sequence[str]
    qgram_sizes: tuple[int, ...] = (2,)
    positional: bool = False
    insertions: int = 200
    space: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SeenPass(Guarded):
    """One pass of a package, and the same pass of the roster.

    Attributes:
        id: of the pass, for reports.
        encodings: uint8 of shape (rows, bytes).
        present: bool of shape (rows,); rows without an encoding take no part.
        columns: what is encoded, of roster length.
        tags: uint8 of shape (rows, 16), or None for a pass without blocks.
        block_values: joint block value of each person of the roster, empty where one is missing; None without blocks.
        block_on: names of what the block value is joined of, for reports.
        tokens: the columns cut into tokens, where that was done before; see ``_tokens.tokens_of``.
    """

    id: str
    encodings: ByteMatrix
    present: BoolArray
    columns: Sequence[PlainColumn]
    tags: ByteMatrix | None = None
    block_values: Sequence[str] | None = None
    block_on: Sequence[str] = ()
    tokens: RosterTokens | None = None

    @property
    def roster_size(self) -> int:
        """People of the roster."""
        return len(self.columns[0].values)


def draw_known(truth: IntArray, pairs: int, seed: int, present: BoolArray | None = None) -> IntArray:
    """Rows that the adversary knows, drawn without replacement among those whose person is in the roster; rising.

    Args:
        truth: int64 of shape (rows,), place of each row's person in the roster, or ``NOBODY``.
        pairs: how many; all rows where there are fewer.
        seed: of the draw.
        present: bool of shape (rows,); draws among these rows only.
    """
    usable = truth >= 0 if present is None else (truth >= 0) & present
    rows = np.flatnonzero(usable)
    chosen = np.random.default_rng(seed).choice(rows, size=min(pairs, len(rows)), replace=False)
    return np.sort(chosen).astype(np.int64)


def unseen_rows(truth: IntArray, known: IntArray, present: BoolArray) -> IntArray:
    """Rows to try: they have an encoding, and their person is in the roster and not among the known pairs; rising."""
    fresh = present & (truth >= 0) & ~np.isin(truth, truth[known])
    return np.flatnonzero(fresh).astype(np.int64)


def group_numbers(tags: ByteMatrix, present: BoolArray) -> IntArray:
    """Tags as numbers from 0 in order of their bytes: int64 of shape (rows,), -1 for rows that are not present."""
    numbers = np.full(len(tags), -1, dtype=np.int64)
    rows = np.ascontiguousarray(tags[present])
    if len(rows):
        whole = rows.view(f"V{rows.shape[1]}").ravel()
        numbers[present] = np.unique(whole, return_inverse=True)[1]
    return numbers


def value_numbers(values: Sequence[str]) -> IntArray:
    """Texts as numbers from 0 in order of first occurrence: int64 of shape (people,), -1 for empty ones."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) if value else -1 for value in values], dtype=np.int64)


def joint_texts(columns: Sequence[PlainColumn]) -> list[str]:
    """All columns of a person as one text, empty if all are; for whoever compares whole encodings."""
    return ["\x1f".join(cells) if any(cells) else "" for cells in zip(*(item.values for item in columns), strict=True)]
