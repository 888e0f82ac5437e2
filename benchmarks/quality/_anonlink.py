"""The peer clkhash + anonlink: one CLK per row, Dice similarity of all pairs, a threshold.

``tutorial`` is the weighted linkage schema of clkhash's tutorial for FEBRL 4, ``tuned`` the one of this repository's
example (``examples/febrl4_schema.json``), which weighs more carefully. Numbers are hashed as text in both, for a schema
that expects a number stops at the first row with a slip in it. Where a set has ID numbers, they are one more feature; a
city is encoded both with and without. Rows of one file against themselves are compared by giving anonlink the file
twice, for it knows no pairs within a file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from _measure import FloatArray, IntArray, ScoredPairs, scored_pairs
from _sets import LinkageSet
from anonlink.similarities import dice_coefficient_accelerated
from bitarray import bitarray
from clkhash.clk import generate_clks
from clkhash.schema import from_json_dict

TUNED_SCHEMA = Path(__file__).parents[2] / "examples" / "febrl4_schema.json"
SECRET = b"worthless: the people are made up"
CHUNK_ROWS = 2_000
"""Rows compared at a time with all others, so that the pairs of a large city need not stand in memory at once."""

Pairs = tuple[IntArray, IntArray, FloatArray]
Feature = tuple[str, int, bool, int]
"""Column, length of its q-grams, whether they carry their place, and bits that the column sets."""

TUTORIAL: tuple[Feature, ...] = (
    ("given_name", 2, False, 200),
    ("surname", 2, False, 200),
    ("street_number", 1, True, 100),
    ("address_1", 2, False, 100),
    ("address_2", 2, False, 100),
    ("suburb", 2, False, 100),
    ("postcode", 1, True, 100),
    ("state", 2, True, 100),
    ("date_of_birth", 1, True, 200),
    ("soc_sec_id", 1, True, 200),
)
CITY: tuple[Feature, ...] = (
    ("name", 1, False, 120),
    ("sex", 1, False, 15),
    ("birth_date", 1, True, 120),
    ("phone", 1, True, 60),
    ("id_number", 1, True, 120),
)
BEST_PER_ROW = 50
"""anonlink's ``k``: pairs kept per row, the most similar; no person has a tenth as many rows."""
LOWEST = {"tutorial": 0.70, "tuned": 0.45, "with ID": 0.70, "without ID": 0.70}
"""Similarity from which on pairs are taken; the best threshold lies well above in every set."""


def schemas_of(problem: LinkageSet) -> tuple[str, ...]:
    return ("tutorial", "tuned") if problem.name.startswith("febrl") else ("with ID", "without ID")


def schema_document(name: str, columns: Sequence[str]) -> dict[str, Any]:
    """A linkage schema (version 3) over the columns of a set, in their order."""
    if name == "tuned":
        document: dict[str, Any] = json.loads(TUNED_SCHEMA.read_text(encoding="utf-8"))
        features = {item["identifier"]: item for item in document["features"]}
        features["soc_sec_id"] = _feature(("soc_sec_id", 1, True, 60), "blakeHash")
    else:
        kdf = {"type": "HKDF", "hash": "SHA256", "info": "", "salt": "", "keySize": 64}
        document = {"version": 3, "clkConfig": {"l": 1024, "kdf": kdf}}
        table = TUTORIAL if name == "tutorial" else CITY
        features = {item[0]: _feature(item, "doubleHash" if name == "tutorial" else "blakeHash") for item in table}
        if name == "without ID":
            del features["id_number"]
    absent = [{"identifier": column, "ignored": True} for column in columns]
    return document | {
        "features": [features.get(column, ignored) for column, ignored in zip(columns, absent, strict=True)]
    }


def _feature(feature: Feature, hashing: str) -> dict[str, Any]:
    column, length, positional, bits = feature
    return {
        "identifier": column,
        "format": {"type": "string", "encoding": "utf-8"},
        "hashing": {
            "comparison": {"type": "ngram", "n": length, "positional": positional},
            "strategy": {"bitsPerFeature": bits},
            "hash": {"type": hashing},
        },
    }


def run_anonlink(problem: LinkageSet, name: str, *, largest: int) -> tuple[ScoredPairs, float, str]:
    """Scored pairs, seconds of encoding and comparing, and how they were blocked, as words for the table.

    Args:
        largest: rows above which only rows of one birth date are compared.
    """
    start = time.perf_counter()
    schema = from_json_dict(schema_document(name, problem.columns))
    files = [_clks(table, schema) for table in problem.files.values()]
    words = ""
    if not problem.within:
        parts = [_similar(files[0], files[1], LOWEST[name], len(files[0]))]
    else:
        everything = [clk for clks in files for clk in clks]
        if len(everything) <= largest:
            parts = [
                _similar(everything[at : at + CHUNK_ROWS], everything[: at + CHUNK_ROWS], LOWEST[name], at)
                for at in range(0, len(everything), CHUNK_ROWS)
            ]
        else:
            words = ", blocked on birth date"
            parts = [_similar_rows(everything, rows, LOWEST[name]) for rows in _blocks(problem)]
    left, right, score = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return scored_pairs(problem, left, right, score), time.perf_counter() - start, words


def _clks(table: pa.Table, schema: Any) -> list[bitarray]:
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    return list(generate_clks(rows, schema, SECRET, max_workers=1))


def _similar(first: list[bitarray], second: list[bitarray], threshold: float, offset: int) -> Pairs:
    """Rows and similarity of the pairs of two lists; ``offset`` is the row at which the list begins that lies later:
    the second of two files, or the first where it is the end of the second."""
    score, (one, other) = dice_coefficient_accelerated([first, second], threshold, k=BEST_PER_ROW)
    left, right = np.asarray(one, dtype=np.int64), np.asarray(other, dtype=np.int64)
    within = len(second) == offset + len(first)
    left, right = (left + offset, right) if within else (left, right + offset)
    kept = left > right if within else np.ones(len(left), dtype=np.bool_)
    return left[kept], right[kept], np.asarray(score, dtype=np.float64)[kept]


def _similar_rows(clks: list[bitarray], rows: IntArray, threshold: float) -> Pairs:
    chosen = [clks[row] for row in rows.tolist()]
    left, right, score = _similar(chosen, chosen, threshold, 0)
    return rows[left], rows[right], score


def _blocks(problem: LinkageSet) -> list[IntArray]:
    """The rows of every birth date that two rows or more have."""
    dates = pa.concat_tables(problem.files.values())["birth_date"].combine_chunks().dictionary_encode()
    code = dates.indices.to_numpy()
    code[np.asarray(dates.dictionary.to_pylist(), dtype=np.str_)[code] == ""] = -1
    order = np.argsort(code, kind="stable")
    ends = np.flatnonzero(np.diff(code[order])) + 1
    return [rows for rows in np.split(order, ends) if len(rows) > 1 and code[rows[0]] >= 0]
