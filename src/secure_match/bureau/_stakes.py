"""ENCODED: how many findings hang on a pair: what would appear or vanish if the pair were decided otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.agreement import Agreement
from secure_match.bureau.review_pairs import id_texts, pair_words
from secure_match.enrolment import Missing, PersonRows
from secure_match.linkage import Decision

BoolArray = npt.NDArray[np.bool_]
CountArray = npt.NDArray[np.int32]
RowArray = npt.NDArray[np.int32]

STAKES_SCHEMA: Final = pa.schema([pa.field("pair", pa.string()), pa.field("findings", pa.int32())])
_PAIRS_AT_A_TIME: Final = 1 << 20


def stakes_of(agreement: Agreement, rows: PersonRows, missing: Sequence[Missing]) -> pa.Table:
    """Findings that hang on links and possible links.

    A pair counts one finding for each exclusion rule under which its two rows, as one person's, conflict: of a link it
    would vanish, of a possible link it would appear. A possible link counts one more for each coverage rule by which
    one of its rows is held for review. What hangs on several pairs together, because two rows are one person only
    through a third, is not counted.

    Returns:
        ``STAKES_SCHEMA``, in the order of the pairs; only pairs on which a finding hangs.
    """
    links = rows.links
    held = np.zeros(len(links.rows), dtype=np.int32)
    for item in missing:
        held[item.held] += 1
    members = [rows.in_schemes(group.schemes) & (rows.first_month <= rows.last_month) for group in agreement.exclusions]
    schemes = np.array(rows.schemes)[links.rows.dataset_of] if agreement.exclusions else np.zeros(0, dtype=np.str_)
    parts = [STAKES_SCHEMA.empty_table()]
    for begin in range(0, len(links.row_i), _PAIRS_AT_A_TIME):
        part = slice(begin, begin + _PAIRS_AT_A_TIME)
        row_i, row_j, decision = links.row_i[part], links.row_j[part], links.decision[part]
        count = np.where(decision == Decision.POSSIBLE_LINK, held[row_i] + held[row_j], 0).astype(np.int32)
        for group, member in zip(agreement.exclusions, members, strict=True):
            conflict = _conflict(rows, member, row_i, row_j)
            if not group.same_scheme:
                conflict &= schemes[row_i] != schemes[row_j]
            count += conflict
        count[decision == Decision.NON_LINK] = 0
        parts.append(_table(rows, begin, count))
    return pa.concat_tables(parts).combine_chunks()


def _conflict(rows: PersonRows, member: BoolArray, row_i: RowArray, row_j: RowArray) -> BoolArray:
    """Which pairs are of members of an exclusion with a month in common: bool of shape (pairs,)."""
    first = np.maximum(rows.first_month[row_i], rows.first_month[row_j])
    last = np.minimum(rows.last_month[row_i], rows.last_month[row_j])
    conflict: BoolArray = member[row_i] & member[row_j] & (first <= last)
    return conflict


def _table(rows: PersonRows, begin: int, count: CountArray) -> pa.Table:
    some = count > 0
    pairs = rows.links.pairs_table(begin, begin + len(count)).filter(pa.array(some))
    texts = id_texts(pair_words(pairs))
    return pa.table([pa.array(texts, pa.string()), pa.array(count[some])], schema=STAKES_SCHEMA)
