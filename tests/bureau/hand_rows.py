"""Encoded datasets from a few rows written by hand, under the template agreement with passes that tests rely on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.department.dataset_encoder import DatasetEncoder, EncodingResult
from secure_match.department.keys import DepartmentKey
from secure_match.department.readers import ROW_NUMBER
from secure_match.encoded import EncodedDataset

PASSES = """
[[passes]]
id = "birth"
block_on = ["birth_date", "sex"]
fields = [{ field = "name", qgram_sizes = [1, 2], insertions = 200 }]

[[passes]]
id = "name"
block_on = ["name"]
fields = [{ field = "birth_date", qgram_sizes = [1, 2], positional = true, insertions = 200 }]
link_threshold = 0.98
review_threshold = 0.75

[[passes]]
id = "phone"
block_on = ["phone"]
fields = [
    { field = "name", qgram_sizes = [1, 2], insertions = 200 },
    { field = "birth_date", qgram_sizes = [1, 2], positional = true, insertions = 200 },
]
link_threshold = 0.85

[thresholds]
link = 0.80
review = 0.55
different_ids_link = 0.95
different_ids_review = 0.80

"""


def agreement_text() -> str:
    """The template with the passes and thresholds above, whichever ones it is delivered with."""
    head, _, rest = trusted_template().partition("[[passes]]")
    return head + PASSES + rest[rest.index("[limits]") :]


AGREEMENT = parse_agreement(agreement_text())
SHARED = bytes(range(32))
Row = dict[str, Any]


def number_of(first_17: str) -> str:
    """An 18-character number: ISO 7064 MOD 11-2, computed by its recursion."""
    rest = 0
    for digit in first_17:
        rest = (rest + int(digit)) * 2 % 11
    return first_17 + "0123456789X"[(12 - rest) % 11]


def person(sequence: int, name: str | None, birth: str = "19900101", *, known: bool = True, **more: str | None) -> Row:
    """A row with identity fields by kind; ``known=False`` leaves the ID number out."""
    sex = "1" if sequence % 2 else "2"
    number = number_of(f"160101{birth}{sequence:03}") if known else None
    return {"id_number": number, "name": name, "sex": sex, "birth_date": birth, "phone": None, **more}


def key_for(agreement: Agreement, dataset_id: str, **changes: Any) -> DepartmentKey:
    dataset = agreement.dataset(dataset_id)
    assert dataset is not None
    parts = {
        "party": dataset.owner,
        "agreement_id": agreement.id,
        "key_epoch": agreement.key_epoch,
        "encoding_secret": SHARED,
        "handle_secret": dataset.owner.encode().ljust(32, b"."),
    }
    return DepartmentKey.create(**(parts | changes))


def batch(agreement: Agreement, dataset_id: str, rows: Sequence[Row]) -> pa.RecordBatch:
    """Rows by field kind and coded column (``row_key`` is made up where it is not given) as an export's columns."""
    dataset = agreement.dataset(dataset_id)
    assert dataset is not None
    columns: dict[str, list[str | None]] = {
        dataset.row_key: [row.get("row_key", f"r{place}") for place, row in enumerate(rows)]
    }
    for name, header in dataset.identity.items():
        columns[header] = [row.get(name) for row in rows]
    for column in dataset.columns:
        if column.column is not None:
            columns[column.column] = [row.get(column.name) for row in rows]
    numbers = [row.get("row_number", place + 2) for place, row in enumerate(rows)]
    arrays = [pa.array(numbers, pa.int64()), *(pa.array(cells, pa.string()) for cells in columns.values())]
    return pa.record_batch(arrays, names=[ROW_NUMBER, *columns])


def encoding_of(dataset_id: str, rows: Sequence[Row], agreement: Agreement = AGREEMENT, **key: Any) -> EncodingResult:
    encoder = DatasetEncoder(agreement, dataset_id, key_for(agreement, dataset_id, **key))
    return encoder.encode([batch(agreement, dataset_id, rows)] if rows else [])


def encode(dataset_id: str, rows: Sequence[Row], agreement: Agreement = AGREEMENT, **key: Any) -> EncodedDataset:
    result = encoding_of(dataset_id, rows, agreement, **key)
    assert result.quarantine.to_pylist() == []
    return result.dataset
