"""ENCODED: pairs of a run that a clerk should look at, and in which order.

The value of a look is the loss that it is expected to remove::

    value = min(p, 1 - p) x (1 + findings)

``p`` is the pair's match probability (1/2 where the run gives none): deciding without looking errs with probability
``min(p, 1 - p)``. ``findings`` counts the findings that appear or vanish with the pair (``stakes``), and 0 where the
run cannot tell.

Invariants: the queue falls by value, of equal values the smaller pair id comes first. A pair's id depends on its two
rows alone, in whatever order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.encoded import matrix_from_binary

RowName = tuple[str, bytes]
"""Dataset and handle of a row."""
WordArray = npt.NDArray[np.uint64]
FloatArray = npt.NDArray[np.float64]

SURE: Final = 0.99
"""A link whose probability is below this is worth a look."""
CONTRADICTING: Final = 0.6
"""Equal ID tokens whose compared passes are all below this similarity: one number, perhaps two people."""
_UNKNOWN: Final = 0.5

LINK_COLUMNS: Final = (
    "dataset_a",
    "handle_a",
    "dataset_b",
    "handle_b",
    "token_state",
    "decision",
    "refused",
    "match_weight",
    "match_probability",
    "reviewed",
)
"""Columns of a pair besides ``similarity.*`` and ``weight.*``; the last three are null in runs that give none."""

_ID_BITS: Final = np.uint64(16)
# Constants of the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)


def _mixed(words: WordArray) -> WordArray:
    words = words + _STEP
    words = (words ^ (words >> np.uint64(30))) * _MIX_1
    words = (words ^ (words >> np.uint64(27))) * _MIX_2
    mixed: WordArray = words ^ (words >> np.uint64(31))
    return mixed


def _row_words(datasets: pa.Array, handles: pa.Array) -> WordArray:
    """A word for each row, from its dataset and all of its handle."""
    coded = datasets.dictionary_encode()
    names = [hashlib.blake2b(str(name).encode(), digest_size=8).digest() for name in coded.dictionary.to_pylist()]
    name_words = np.frombuffer(b"".join(names), dtype=">u8").astype(np.uint64)
    halves = np.ascontiguousarray(matrix_from_binary(handles)[0]).view(">u8").astype(np.uint64).reshape(-1, 2)
    of_name: WordArray = name_words[coded.indices.to_numpy()] if len(name_words) else np.zeros(0, dtype=np.uint64)
    return _mixed(_mixed(halves[:, 0] ^ of_name) ^ halves[:, 1])


def pair_words(table: pa.Table) -> WordArray:
    """The 48 bits of each pair's id as words, uint64 of shape (pairs,).

    A checksum of keyed handles, not a secret: two pairs of a run can share one, so a pair is looked up with all its
    rows and an id of two pairs is refused.
    """
    sides = [_row_words(_flat(table[f"dataset_{side}"]), _flat(table[f"handle_{side}"])) for side in ("a", "b")]
    return _mixed(sides[0] + sides[1]) >> _ID_BITS


def id_texts(words: WordArray) -> list[str]:
    """Words as pair ids. The letter keeps a spreadsheet from taking one for a number."""
    return [f"p{word:012x}" for word in words.tolist()]


def pair_id(one: RowName, two: RowName) -> str:
    """The id of a pair: ``p`` and 12 hexadecimal digits, the same for both orders of its rows."""
    columns: dict[str, pa.Array] = {}
    for side, (dataset, handle) in (("a", one), ("b", two)):
        columns[f"dataset_{side}"] = pa.array([dataset], pa.string())
        columns[f"handle_{side}"] = pa.array([handle], pa.binary(16))
    return id_texts(pair_words(pa.table(columns)))[0]


def _flat(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece, a dictionary as its values."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.combine_chunks()


def queue_of(tables: Iterable[pa.Table], stakes: Mapping[str, int] | None) -> pa.Table:
    """The pairs to look at, the most valuable first.

    Args:
        tables: pairs of a run, with ``LINK_COLUMNS`` and ``similarity.*``; any number at a time.
        stakes: pair id to the number of findings that hang on it; None where the run cannot tell.

    Returns:
        The columns of ``tables``, and ``pair`` (string), ``cause`` (string: POSSIBLE_LINK, LOW_PROBABILITY or
        CONTRADICTING), ``findings`` (int64, null where unknown), ``value`` (float64).
    """
    parts = [_queued(table, stakes) for table in tables]
    table = pa.concat_tables(parts)
    return table.take(pc.sort_indices(table, sort_keys=[("value", "descending"), ("pair", "ascending")]))


def _queued(table: pa.Table, stakes: Mapping[str, int] | None) -> pa.Table:
    causes = _causes(table)
    table = table.filter(pa.array(causes != ""))
    pairs = id_texts(pair_words(table))
    findings = [stakes.get(pair, 0) for pair in pairs] if stakes is not None else [0] * len(pairs)
    probability = probabilities(table)
    value = np.minimum(probability, 1.0 - probability) * (1.0 + np.array(findings, dtype=np.float64))
    known = pa.array(findings, pa.int64()) if stakes is not None else pa.nulls(len(pairs), pa.int64())
    added = {
        "pair": pa.array(pairs, pa.string()),
        "cause": pa.array(causes[causes != ""].tolist(), pa.string()),
        "findings": known,
        "value": pa.array(value, pa.float64()),
    }
    for name, column in added.items():
        table = table.append_column(name, column)
    return table


def probabilities(table: pa.Table) -> FloatArray:
    """Match probability of pairs, 1/2 where there is none, float64 of shape (pairs,)."""
    return np.asarray(pc.fill_null(_flat(table["match_probability"]), _UNKNOWN).to_numpy(), dtype=np.float64)


def _causes(table: pa.Table) -> npt.NDArray[np.object_]:
    """Why each pair is in the queue, "" where it is not."""
    known, reviewed = (_bools(_flat(table[name]).is_valid()) for name in ("match_probability", "reviewed"))
    best = np.full(table.num_rows, np.nan)
    for name in (name for name in table.column_names if name.startswith("similarity.")):
        best = np.fmax(best, np.asarray(_flat(table[name]).to_numpy(zero_copy_only=False), dtype=np.float64))
    is_link = _bools(pc.equal(_flat(table["decision"]), "LINK")) & ~reviewed
    is_equal = _bools(pc.equal(_flat(table["token_state"]), "EQUAL"))
    causes = np.full(table.num_rows, "", dtype=object)
    causes[is_link & known & (probabilities(table) < SURE)] = "LOW_PROBABILITY"
    causes[is_link & is_equal & (best < CONTRADICTING)] = "CONTRADICTING"
    causes[_bools(pc.equal(_flat(table["decision"]), "POSSIBLE_LINK"))] = "POSSIBLE_LINK"
    return causes


def _bools(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
