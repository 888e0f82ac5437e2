"""A run directory written by hand: pairs with the evidence that a test wants, and a summary that names an agreement."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

AGREEMENT_ID = "city_enrolment"
FINGERPRINT = "ab" * 32


def handle(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def pair(one: str, two: str, **changes: Any) -> dict[str, Any]:
    """A pair of rows named ``dataset/row``: a possible link with p = 0.5 unless the changes say otherwise."""
    row: dict[str, Any] = {}
    for side, name in (("a", one), ("b", two)):
        row[f"dataset_{side}"], row[f"handle_{side}"] = name.partition("/")[0], handle(name)
    return (
        row
        | {
            "token_state": "UNKNOWN",
            "similarity.birth": 0.7,
            "similarity.phone": None,
            "decision": "POSSIBLE_LINK",
            "refused": False,
            "match_weight": 0.0,
            "match_probability": 0.5,
            "weight.prior": -10.0,
            "weight.id_token": 0.0,
            "weight.birth": 7.5,
            "weight.code.sex": 2.5,
            "reviewed": None,
        }
        | changes
    )


LINKED = {"decision": "LINK", "token_state": "EQUAL", "match_weight": 20.0, "match_probability": 0.999999}

_TYPES = {
    "handle_a": pa.binary(16),
    "handle_b": pa.binary(16),
    "refused": pa.bool_(),
    "match_weight": pa.float64(),
    "match_probability": pa.float64(),
}
_NAMES = ("dataset_a", "dataset_b", "token_state", "decision", "reviewed")


def pairs_table(rows: list[dict[str, Any]]) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    for name in pair("x/1", "x/2"):
        values = [row[name] for row in rows]
        if name in _NAMES:
            columns[name] = pa.array(values, pa.string()).dictionary_encode()
        elif name.startswith("weight."):
            columns[name] = pa.array(values, pa.float32())
        else:
            columns[name] = pa.array(values, _TYPES.get(name, pa.float64()))
    return pa.table(columns)


def write_run(folder: Path, rows: list[dict[str, Any]], stakes: dict[str, int] | None = None) -> Path:
    """Write a run with few pairs a row group, so that reading goes through several."""
    folder.mkdir(parents=True)
    pq.write_table(pairs_table(rows), folder / "links.parquet", row_group_size=3)
    summary = {"agreement": {"id": AGREEMENT_ID, "fingerprint": FINGERPRINT}}
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    if stakes is not None:
        table = pa.table({"pair": pa.array(stakes, pa.string()), "findings": pa.array(stakes.values(), pa.int32())})
        pq.write_table(table, folder / "stakes.parquet")
    return folder
