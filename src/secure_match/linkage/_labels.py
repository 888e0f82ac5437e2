"""ENCODED: clerks' decisions on pairs of rows, as a run takes them in.

Invariants: pairs rise by (row_i, row_j), each stands once, and ``row_i < row_j``. A label overrules what the evidence
says of its pair: a match links, a non-match does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secure_match.errors import LinkageError
from secure_match.linkage._decide import Decision
from secure_match.linkage._keys import BoolArray, RowArray
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._rows import PairKeys, pair_keys


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairLabels:
    """Pairs that clerks decided.

    Attributes:
        row_i: int32 of shape (labels,), row numbers in canonical order (see ``RowTable``).
        row_j: int32 of shape (labels,); ``row_i < row_j``.
        is_match: bool of shape (labels,): the two rows are one person.

    Raises:
        LinkageError: ``LABEL_ORDER`` where the arrays are not of one length, in the order above, and distinct.
    """

    row_i: RowArray
    row_j: RowArray
    is_match: BoolArray

    def __post_init__(self) -> None:
        one_length = self.row_i.shape == self.row_j.shape == self.is_match.shape == (len(self.row_i),)
        typed = self.row_i.dtype == self.row_j.dtype == np.int32 and self.is_match.dtype == np.bool_
        if not one_length or not typed or (self.row_i < 0).any() or (self.row_i >= self.row_j).any():
            raise LinkageError("labels are pairs of int32 rows with row_i < row_j, and a bool each", code="LABEL_ORDER")
        keys = self.keys
        if (keys[1:] <= keys[:-1]).any():
            raise LinkageError("labels rise by (row_i, row_j), each pair once", code="LABEL_ORDER")

    def __len__(self) -> int:
        return len(self.row_i)

    @classmethod
    def none(cls) -> PairLabels:
        """No labels."""
        rows = np.zeros(0, dtype=np.int32)
        return cls(row_i=rows, row_j=rows, is_match=np.zeros(0, dtype=np.bool_))

    @property
    def keys(self) -> PairKeys:
        """The pairs as words that rise: uint64 of shape (labels,)."""
        return pair_keys(self.row_i.astype(np.int64), self.row_j.astype(np.int64))

    def verify_rows(self, rows: int) -> None:
        """Check that every pair is of rows that exist.

        Raises:
            LinkageError: ``PAIR_RANGE``.
        """
        if len(self) and int(self.row_j.max()) >= rows:
            raise LinkageError("a label names a row that does not exist", code="PAIR_RANGE")

    def places(self, keys: PairKeys) -> npt.NDArray[np.int8]:
        """1 where a pair is labelled a match, 0 for a non-match, -1 without a label: int8 of shape (pairs,).

        Args:
            keys: keys of all pairs in rising order; every labelled pair is among them.
        """
        found = np.full(len(keys), -1, dtype=np.int8)
        found[np.searchsorted(keys, self.keys)] = self.is_match
        return found

    def truth(self, keys: PairKeys) -> FloatArray | None:
        """What is known of pairs: 1, 0, or NaN; float64 of shape (pairs,), or None where there is no label."""
        if not len(self):
            return None
        found = self.places(keys).astype(np.float64)
        return np.where(found < 0, np.nan, found)

    def overrule(self, keys: PairKeys, decision: npt.NDArray[np.int8], balance: FloatArray) -> None:
        """Put decisions on labelled pairs right, in place: a match is a link before all others, a non-match none."""
        if not len(self):
            return
        places = np.searchsorted(keys, self.keys)
        decision[places] = np.where(self.is_match, Decision.LINK, Decision.NON_LINK)
        balance[places] = np.where(self.is_match, np.inf, -np.inf)
