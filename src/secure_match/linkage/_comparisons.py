"""ENCODED: what is compared of a pair of rows, and the level at which each comparison finds it to agree.

Invariants:

* level 0 says that nothing could be compared; it is no evidence for either side,
* levels rise with agreement,
* levels are made of tokens, block tags, encodings and codes that left; nothing else of a row is known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement, Pass, split_view
from secure_match.linkage._asked import OpenRows
from secure_match.linkage._keys import RowArray
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._rows import RowTable, TokenState, token_states

LevelArray = npt.NDArray[np.int8]

MISSING: Final = 0
DIFFERENT: Final = 1
EQUAL: Final = 2
SIMILARITY_EDGES: Final = (0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
"""Lower bounds of levels of similarity, fine where true and false pairs overlap; equal encodings have their own."""
_ROUNDING: Final = 1e-9
_PAIRS_AT_A_TIME: Final = 1 << 20

CODE_PREFIX: Final = "code."


class ComparisonKind(StrEnum):
    """What a comparison looks at."""

    TOKENS = "tokens"
    ENCODINGS = "encodings"
    CODES = "codes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One comparison of a pair.

    Attributes:
        name: ``id_token``, pass ids joined by ``+``, or ``code.`` and the name of a coded column.
        kind: what it looks at.
        fields: identity fields that it holds evidence on; two comparisons without a common one err independently.
        levels: names of the levels, in rising agreement; the first is ``missing``.
        passes: ids of the passes that are compared. Several are ways to one comparison: they encode the same in blocks
            of parts of the same fields, and what they say is said once.
    """

    name: str
    kind: ComparisonKind
    fields: frozenset[str]
    levels: tuple[str, ...]
    passes: tuple[str, ...] = ()


def comparisons_of(agreement: Agreement, passes: Sequence[Pass]) -> tuple[Comparison, ...]:
    """All comparisons of a run: ID tokens, the passes that it has, and the coded columns that may be compared."""
    token_fields = frozenset(
        name for name, field in agreement.fields.items() if field.kind in ("id_number", "identifier")
    )
    found = [Comparison(name="id_token", kind=ComparisonKind.TOKENS, fields=token_fields, levels=_CODE_LEVELS)]
    for alike in _ways(passes):
        item, names = alike[0], tuple(way.id for way in alike)
        references = (*item.block_on, *(field.field for field in item.fields))
        fields = _fields(agreement, references)
        levels = _BLOCKED_LEVELS if item.block_on else _PASS_LEVELS
        found.append(
            Comparison(name="+".join(names), kind=ComparisonKind.ENCODINGS, fields=fields, levels=levels, passes=names)
        )
    for name in agreement.compare_columns:
        sources = {column.derive for dataset in agreement.datasets for column in dataset.columns if column.name == name}
        fields = frozenset(split_view(source)[0] for source in sources if source is not None) or frozenset({name})
        found.append(Comparison(name=CODE_PREFIX + name, kind=ComparisonKind.CODES, fields=fields, levels=_CODE_LEVELS))
    return tuple(found)


def _ways(passes: Sequence[Pass]) -> list[list[Pass]]:
    """Passes in order; those that encode the same, in blocks of parts of the same fields, stand together."""
    found: dict[tuple[object, ...], list[Pass]] = {}
    for item in passes:
        blocked = frozenset(split_view(reference)[0] for reference in item.block_on)
        made = (item.fields, item.bits, item.encoder, item.num_majorities, item.hardening)
        found.setdefault((blocked, *made) if blocked else (item.id,), []).append(item)
    return list(found.values())


def _fields(agreement: Agreement, references: Iterable[str]) -> frozenset[str]:
    """Identity fields behind references; part of an ID number holds the birth date too."""
    names = {split_view(reference)[0] for reference in references}
    if any(agreement.fields[name].kind == "id_number" for name in names):
        names |= {name for name, field in agreement.fields.items() if field.kind == "birth_date"}
    return frozenset(names)


_CODE_LEVELS: Final = ("missing", "different", "equal")
_BANDS: Final = (
    f"below {SIMILARITY_EDGES[0]:.2f}",
    *(f"{low:.2f} to {high:.2f}" for low, high in pairwise(SIMILARITY_EDGES)),
    "equal",
)
_BLOCKED_LEVELS: Final = ("missing", "other block", *_BANDS)
_PASS_LEVELS: Final = ("missing", *_BANDS)


def pass_levels(item: Pass, blocks: RowArray, pairs: tuple[RowArray, RowArray], similarity: FloatArray) -> LevelArray:
    """The level of pairs in a pass.

    Args:
        blocks: block of each row in the pass, int32 of shape (rows,), -1 for none.
        pairs: row_i and row_j, int32 of shape (pairs,).
        similarity: float64 of shape (pairs,); NaN where the pair cannot be compared in this pass.

    Returns:
        int8 of shape (pairs,).
    """
    first = EQUAL if item.block_on else DIFFERENT
    levels = np.empty(len(similarity), dtype=np.int8)
    edges = np.array(SIMILARITY_EDGES) - _ROUNDING
    for begin in range(0, len(levels), _PAIRS_AT_A_TIME):
        part = slice(begin, begin + _PAIRS_AT_A_TIME)
        one, two = blocks[pairs[0][part]], blocks[pairs[1][part]]
        values = np.asarray(similarity[part])
        level = first + np.searchsorted(edges, values, side="right")
        level[np.isnan(values)] = DIFFERENT if item.block_on else MISSING
        level[(one < 0) | (two < 0)] = MISSING
        levels[part] = level
    return levels


def token_levels(codes: RowArray, pairs: tuple[RowArray, RowArray]) -> LevelArray:
    """The level of pairs by their ID tokens, int8 of shape (pairs,)."""
    level_of = np.zeros(len(TokenState), dtype=np.int8)
    level_of[TokenState.DIFFERENT], level_of[TokenState.EQUAL] = DIFFERENT, EQUAL
    levels: LevelArray = level_of[token_states(codes, *pairs)]
    return levels


def code_levels(rows: RowTable, name: str, pairs: tuple[RowArray, RowArray]) -> LevelArray:
    """The level of pairs by a coded column, int8 of shape (pairs,); datasets without the column are missing."""
    codes = _codes_of_rows(rows, name)
    one, two = codes[pairs[0]], codes[pairs[1]]
    levels = np.where(one == two, np.int8(EQUAL), np.int8(DIFFERENT))
    levels[(one < 0) | (two < 0)] = MISSING
    return levels


def _codes_of_rows(rows: RowTable, name: str) -> RowArray:
    codes = np.full(len(rows), -1, dtype=np.int32)
    known: dict[object, int] = {}
    for start, dataset in zip(rows.starts, rows.datasets, strict=False):
        if f"code.{name}" not in dataset.table.column_names:
            continue
        column = dataset.table[f"code.{name}"].combine_chunks().dictionary_encode()
        number = np.array([known.setdefault(value, len(known)) for value in column.dictionary.to_pylist()] or [0])
        here = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        codes[start : start + len(dataset)] = np.where(here < 0, -1, number[here])
    return codes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparedPairs:
    """Pairs of rows and what the passes say of them: candidates first, then random pairs.

    Attributes:
        rows: all rows of the run.
        passes: the passes that it has.
        blocks: pass id to the block of each row, int32 of shape (rows,), -1 for none.
        row_i: int32 of shape (pairs,).
        row_j: int32 of shape (pairs,).
        similarity: pass id to similarity, float64 of shape (pairs,); NaN where the pair cannot be compared.
        candidates: how many of the pairs are candidates.
        opened: rows of a release in two phases of which more than the token is known; None in one phase.
    """

    rows: RowTable
    passes: tuple[Pass, ...]
    blocks: Mapping[str, RowArray]
    row_i: RowArray
    row_j: RowArray
    similarity: Mapping[str, FloatArray]
    candidates: int
    opened: OpenRows | None = None

    def levels(self, comparisons: Sequence[Comparison]) -> tuple[LevelArray, ...]:
        """The level of every pair, one int8 array of shape (pairs,) per comparison."""
        pairs = (self.row_i, self.row_j)
        passes = {item.id: item for item in self.passes}
        found = []
        for item in comparisons:
            if item.kind is ComparisonKind.TOKENS:
                found.append(token_levels(self.rows.token_codes, pairs))
            elif item.kind is ComparisonKind.CODES:
                found.append(code_levels(self.rows, item.name.removeprefix(CODE_PREFIX), pairs))
            else:
                ways = [
                    pass_levels(passes[name], self.blocks[name], pairs, self.similarity[name]) for name in item.passes
                ]
                # A pair that one way leaves in two blocks, and another brings together, is together.
                found.append(ways[0] if len(ways) == 1 else np.maximum.reduce(ways))
        return tuple(found)
