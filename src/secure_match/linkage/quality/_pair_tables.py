"""ENCODED: the columns of a run's pairs and of a table of clusters, checked, as arrays.

Invariant: a table is taken as its columns say or refused with the column; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.errors import LinkageError, Place, UsageError
from secure_match.linkage import Decision
from secure_match.linkage.quality._pair_quality import BoolArray, IntArray
from secure_match.linkage.quality._row_numbers import RowNames
from secure_match.linkage.quality._sweep import FloatArray

SIMILARITY: Final = "similarity."
PROBABILITY: Final = "match_probability"
WEIGHT: Final = "match_weight"
BEST_SIMILARITY: Final = "best_similarity"
"""Score of a run without a model: the largest similarity of a pair; 1 for a pair of equal ID tokens."""
_EQUAL: Final = "EQUAL"
_HANDLE: Final = pa.binary(16)
_NAMES: Final = re.compile(r"[A-Z][A-Z0-9_]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairColumns:
    """The columns of a run's pairs, as ``PairEvidence`` wants them, with rows still by name."""

    left: RowNames
    right: RowNames
    decision: npt.NDArray[np.int8]
    refused: BoolArray
    token_state: npt.NDArray[np.int8]
    token_states: tuple[str, ...]
    compared: Mapping[str, BoolArray]
    score: FloatArray
    score_name: str
    probability: FloatArray | None
    reviewed: int


def wanted_columns(schema: pa.Schema, score: str | None) -> list[str]:
    """The columns to read of a run's pairs, in their order; only those that the file has.

    Args:
        score: the column for thresholds, or None for ``match_weight``, else the best similarity.

    Raises:
        UsageError: ``THRESHOLD_COLUMN`` when there is no such column of numbers.
    """
    numbers = [field.name for field in schema if pa.types.is_floating(field.type)]
    if score is not None and score not in numbers:
        raise UsageError(
            f"--threshold names a column of numbers; there are {', '.join(numbers) or 'none'}", code="THRESHOLD_COLUMN"
        )
    fixed = {"dataset_a", "handle_a", "dataset_b", "handle_b", "decision", "refused", "token_state", "reviewed"}
    named = fixed | {PROBABILITY, WEIGHT, score}
    return [name for name in schema.names if name in named or name.startswith(SIMILARITY)]


def pair_columns(table: pa.Table, score: str | None) -> PairColumns:
    """Check the columns of a run's pairs.

    Raises:
        LinkageError: ``PAIRS_COLUMN`` for a column that is missing, of another type, or empty in a row.
    """
    decision, names = _coded(table, "decision")
    known = {item.name: item.value for item in Decision}
    if set(names) - set(known):
        raise LinkageError(
            f"a decision is one of {', '.join(known)}", code="PAIRS_COLUMN", place=Place(column="decision")
        )
    code_of = np.array([known[name] for name in names], dtype=np.int8)
    state, states = _coded(table, "token_state")
    similarity = [name for name in table.column_names if name.startswith(SIMILARITY)]
    if score is None and WEIGHT in table.column_names:
        score = WEIGHT
    values = _numbers(table, score) if score is not None else _best_similarity(table, similarity, state, states)
    return PairColumns(
        left=_row_names(table, "a"),
        right=_row_names(table, "b"),
        decision=code_of[decision] if len(code_of) else decision,
        refused=_array(table, "refused", pa.bool_()).to_numpy(zero_copy_only=False),
        token_state=state,
        token_states=states,
        compared={
            name.removeprefix(SIMILARITY): np.asarray(pc.is_valid(_column(table, name)), dtype=np.bool_)
            for name in similarity
        },
        score=values,
        score_name=score or BEST_SIMILARITY,
        probability=_numbers(table, PROBABILITY) if PROBABILITY in table.column_names else None,
        reviewed=len(table) - table["reviewed"].null_count if "reviewed" in table.column_names else 0,
    )


def cluster_columns(table: pa.Table) -> tuple[RowNames, IntArray]:
    """The rows of a table of clusters, and the cluster of each as a number.

    Raises:
        LinkageError: ``CLUSTERS_COLUMN`` for a column that is missing, of another type, or empty in a row.
    """
    names: RowNames | None = None
    problem, column = "", ""
    try:
        names = _text(table, "dataset"), _array(table, "handle", _HANDLE)
        cluster = _column(table, "cluster")
        kind = cluster.type.value_type if pa.types.is_dictionary(cluster.type) else cluster.type
        if cluster.null_count or not (pa.types.is_integer(kind) or pa.types.is_string(kind)):
            problem, column = "the column must hold whole numbers or text, and no row empty", "cluster"
    except LinkageError as error:
        problem, column = error.message, error.place.column or ""
    if problem or names is None:
        raise LinkageError(problem, code="CLUSTERS_COLUMN", place=Place(column=column))
    codes = pc.dictionary_encode(cluster) if not pa.types.is_dictionary(cluster.type) else cluster
    return names, codes.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _row_names(table: pa.Table, side: str) -> RowNames:
    return _text(table, f"dataset_{side}"), _array(table, f"handle_{side}", _HANDLE)


def _column(table: pa.Table, name: str) -> pa.Array:
    if name not in table.column_names:
        raise LinkageError(
            "the column is missing; is this a run's links.parquet?", code="PAIRS_COLUMN", place=Place(column=name)
        )
    combined = table[name].combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def _array(table: pa.Table, name: str, kind: pa.DataType) -> pa.Array:
    column = _column(table, name)
    if column.type != kind or column.null_count:
        raise LinkageError(
            f"the column must be of the type {kind}, and no row empty", code="PAIRS_COLUMN", place=Place(column=name)
        )
    return column


def _text(table: pa.Table, name: str) -> pa.Array:
    column = _column(table, name)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)) or column.null_count:
        raise LinkageError("the column must be text, and no row empty", code="PAIRS_COLUMN", place=Place(column=name))
    return column.cast(pa.string())


def _coded(table: pa.Table, name: str) -> tuple[npt.NDArray[np.int8], tuple[str, ...]]:
    """A column of few names in capitals, as codes."""
    codes = pc.dictionary_encode(_text(table, name))
    names = tuple(codes.dictionary.to_pylist())
    if len(names) > np.iinfo(np.int8).max or not all(_NAMES.fullmatch(item) for item in names):
        raise LinkageError(
            "the column must hold a few names in capitals", code="PAIRS_COLUMN", place=Place(column=name)
        )
    return codes.indices.to_numpy(zero_copy_only=False).astype(np.int8), names


def _numbers(table: pa.Table, name: str) -> FloatArray:
    """A column of numbers, float64; NaN where a row is empty."""
    column = _column(table, name)
    if not pa.types.is_floating(column.type):
        raise LinkageError("the column must hold numbers", code="PAIRS_COLUMN", place=Place(column=name))
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _best_similarity(
    table: pa.Table, names: list[str], state: npt.NDArray[np.int8], states: tuple[str, ...]
) -> FloatArray:
    best = np.full(len(table), np.nan)
    for name in names:
        best = np.fmax(best, _numbers(table, name))
    if _EQUAL in states:
        best[state == states.index(_EQUAL)] = 1.0
    return best
