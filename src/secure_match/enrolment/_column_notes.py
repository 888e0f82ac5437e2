"""ENCODED: what may stand in each column that goes to or comes from a department, in words, for sealed manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from secure_match.enrolment._findings import FINDINGS_SCHEMA
from secure_match.enrolment._look import ANSWER_SCHEMA, LOOK_VERDICTS, REQUEST_SCHEMA
from secure_match.exchange.manifest import ColumnNote


def _notes(schema: pa.Schema, words: Mapping[str, str]) -> tuple[ColumnNote, ...]:
    return tuple(ColumnNote(name=field.name, type=str(field.type), allowed=words[field.name]) for field in schema)


FINDINGS_NOTES: Final = _notes(
    FINDINGS_SCHEMA,
    {
        "finding_id": "name of the finding, the same on all its rows",
        "kind": "duplicate, missing, one_number_two_people or one_person_two_numbers",
        "rule": "id of a rule of the agreement",
        "dataset": "one of the recipient's datasets",
        "handle": "one of the recipient's own rows",
        "other_dataset": "ids of the datasets that the other rows are in, never which rows",
        "first_month": "YYYYMM",
        "last_month": "YYYYMM",
        "evidence": "id_token or passes",
    },
)
REQUEST_NOTES: Final = _notes(
    REQUEST_SCHEMA,
    {
        "item": "name of the row in this request, drawn at random",
        "dataset": "one of the recipient's datasets",
        "handle": "one of the recipient's own rows",
        "fields": "ids of identity fields to look at",
    },
)
ANSWER_NOTES: Final = _notes(
    ANSWER_SCHEMA, {"item": "as the request named it", "verdict": f"one of {', '.join(LOOK_VERDICTS)}"}
)
