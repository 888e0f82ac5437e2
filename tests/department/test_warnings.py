"""Warnings of damaged columns, told from counts; and the words for why rows were refused."""

from __future__ import annotations

import pyarrow as pa
import pytest

from bureau.hand_rows import AGREEMENT
from secure_match.department._warnings import column_warnings
from secure_match.department.dataset_encoder import require_dataset
from secure_match.department.quarantine import SCHEMA, count_reasons, describe_reasons

DATASET = require_dataset(AGREEMENT, "employee_medical")


def states(**counts: int) -> dict[str, int]:
    named = {"valid": 0, "repaired": 0, "missing": 0, "invalid": 0} | counts
    return named | {"valid": 100 - sum(named.values())}


@pytest.mark.parametrize(
    ("state", "most", "hint"),
    [
        ("invalid", 5, "did the column go through Excel? export it as text"),
        ("missing", 20, "is this the column of ID numbers?"),
        ("repaired", 50, "15-digit"),
    ],
)
def test_a_share_is_warned_of_when_it_is_past_its_limit(state: str, most: int, hint: str) -> None:
    assert column_warnings(AGREEMENT, DATASET, {"id_number": states(**{state: most})}) == ()
    (line,) = column_warnings(AGREEMENT, DATASET, {"id_number": states(**{state: most + 1})})
    assert line.startswith(f"column certno (id_number): {most + 1}.0% {state}; ")
    assert hint in line


def test_every_field_and_state_has_a_line_and_no_row_has_none() -> None:
    bad = states(invalid=10, missing=30, repaired=51)
    lines = column_warnings(AGREEMENT, DATASET, dict.fromkeys(DATASET.identity, bad))
    assert len(lines) == 3 * len(DATASET.identity)
    assert len({line.split(":")[0] for line in lines}) == len(DATASET.identity)
    assert column_warnings(AGREEMENT, DATASET, {"name": dict.fromkeys(bad, 0)}) == ()


def test_reasons_name_their_columns() -> None:
    rows = [("AAE042", "MONTH_INVALID"), ("", "NO_IDENTITY"), *[("AAE041", "MONTH_INVALID")] * 1200]
    columns = [list(range(len(rows))), [column for column, _ in rows], [code for _, code in rows]]
    reasons = count_reasons(pa.table([pa.array(column) for column in columns], schema=SCHEMA))
    assert reasons == {"MONTH_INVALID": {"AAE041": 1200, "AAE042": 1}, "NO_IDENTITY": {"": 1}}
    assert describe_reasons(reasons) == "MONTH_INVALID 1,201 (AAE041 1,200, AAE042 1), NO_IDENTITY 1"
    assert describe_reasons({"MONTH_INVALID": {"AAE041": 18}}) == "MONTH_INVALID 18 (AAE041)"
    assert count_reasons(SCHEMA.empty_table()) == {}
