"""All fields of a batch: what an ID number implies, and what a dataset does not have."""

from __future__ import annotations

import pyarrow as pa

from bureau.hand_rows import AGREEMENT, number_of
from secure_match.department.normalise import normalise_fields
from secure_match.encoded import FieldState

MAN = number_of("16010119900307001")
WOMAN = number_of("16010119911231002")


def test_a_valid_id_number_says_birth_date_and_sex() -> None:
    columns = {
        "id_number": [MAN, MAN, MAN, None, "x", WOMAN, MAN[:6] + MAN[8:17]],
        "birth_date": [None, "1991-01-01", "19910231", "19910101", None, "不详", None],
        "sex": ["2", "9", "x", None, "男", "女", ""],
    }
    fields = normalise_fields(AGREEMENT, {name: pa.array(cells) for name, cells in columns.items()}, 7)
    valid, repaired, missing, invalid = FieldState
    assert list(fields) == ["id_number", "name", "sex", "birth_date", "phone"]
    assert fields["id_number"].states.tolist() == [valid, valid, valid, missing, invalid, valid, repaired]
    assert fields["birth_date"].values.to_pylist() == [
        "19900307",
        "19900307",
        "19900307",
        "19910101",
        None,
        "19911231",
        "19900307",
    ]
    assert fields["birth_date"].states.tolist() == [repaired, repaired, repaired, valid, missing, repaired, repaired]
    assert fields["sex"].values.to_pylist() == ["1", "1", "1", None, "1", "2", "1"]
    assert fields["sex"].states.tolist() == [repaired, repaired, repaired, missing, valid, valid, repaired]
    assert fields["name"].values.to_pylist() == [None] * 7
    assert fields["name"].states.tolist() == [missing] * 7


def test_no_rows_and_no_columns() -> None:
    fields = normalise_fields(AGREEMENT, {}, 0)
    assert [len(field.states) for field in fields.values()] == [0] * 5
    empty = {name: pa.array([], pa.string()) for name in AGREEMENT.fields}
    assert [len(field.values) for field in normalise_fields(AGREEMENT, empty, 0).values()] == [0] * 5


def test_a_field_does_not_print_its_values() -> None:
    fields = normalise_fields(AGREEMENT, {"name": pa.array(["张三"])}, 1)
    assert repr(fields["name"]) == "<NormalisedField: 1 rows>"
