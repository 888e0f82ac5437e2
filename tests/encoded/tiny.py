"""A package of two rows with every kind of column."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from secure_match.encoded import CodedColumn, DatasetManifest, PassColumn, RowCounts, dataset_schema

MANIFEST = DatasetManifest(
    definition="agreement",
    definition_id="city",
    definition_fingerprint="0" * 64,
    dataset="people",
    owner="police",
    key_epoch="1",
    key_id="0" * 16,
    handle_key_id="1" * 16,
    counts=RowCounts(read=3, encoded=2, quarantined=1),
    id_tokens=True,
    state_fields=("name",),
    passes=(PassColumn(id="birth", bits=256, blocked=True), PassColumn(id="all", bits=12, blocked=False)),
    coded=(
        CodedColumn(name="status", type="code"),
        CodedColumn(name="first", type="month"),
        CodedColumn(name="year", type="integer"),
    ),
    tool="test",
)
TABLE = pa.table(
    [
        pa.array([b"h" * 16, b"i" * 16], pa.binary(16)),
        pa.array([None, b"t" * 16], pa.binary(16)),
        pa.array([0, 3], pa.uint8()),
        pa.array([b"b" * 16, None], pa.binary(16)),
        pa.array([b"x" * 32, None], pa.binary(32)),
        pa.array([b"yy", b"zz"], pa.binary(2)),
        pa.array(["1", None]),
        pa.array([202601, None], pa.int32()),
        pa.array([None, -7], pa.int32()),
    ],
    schema=dataset_schema(MANIFEST),
)


def manifest_with(**changes: Any) -> DatasetManifest:
    return MANIFEST.model_copy(update=changes)
