"""Exports to encoded datasets: every row is accounted for, and nothing depends on the order of rows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bureau.hand_rows import AGREEMENT, Row, batch, encode, encoding_of, key_for, person
from secure_match.agreement import Agreement
from secure_match.department.dataset_encoder import DatasetEncoder, required_columns
from secure_match.department.quarantine import REASONS
from secure_match.encoded import EncodedDataset, FieldState
from secure_match.encoded.files import write_dataset
from secure_match.errors import AgreementError, KeyFileError, ReleaseError

SPELL = {"first_month": "202601", "last_month": "202606"}


def refusals(dataset: str, rows: list[Row]) -> list[tuple[int, str, str]]:
    result = encoding_of(dataset, rows)
    counts = result.dataset.manifest.counts
    assert (counts.read, counts.encoded) == (len(rows), len(rows) - result.quarantine.num_rows)
    return [tuple(row.values()) for row in result.quarantine.to_pylist()]


def test_each_reason_names_row_and_column() -> None:
    rows = [
        person(1, "张三", **SPELL),
        person(2, "张三", row_key="", **SPELL),
        person(3, "张三", row_key=None, **SPELL),
        person(4, "张三", row_key="r0", **SPELL),
        person(5, "张三", row_key=" r\u200b0 ", **SPELL),
        person(6, None, "", known=False, **SPELL),
        person(7, "张三", known=False, **SPELL),
        person(8, "张三", first_month="", last_month="202601"),
        person(9, "张三", first_month="202601", last_month="x"),
        person(10, "张三", first_month="x", last_month="x"),
    ]
    assert refusals("employee_medical", rows) == [
        (3, "psn_no", "ROW_KEY_MISSING"),
        (4, "psn_no", "ROW_KEY_MISSING"),
        (5, "psn_no", "ROW_KEY_DUPLICATE"),
        (6, "psn_no", "ROW_KEY_DUPLICATE"),
        (7, "", "NO_IDENTITY"),
        (9, "begn_ym", "MONTH_INVALID"),
        (10, "end_ym", "MONTH_INVALID"),
        (11, "begn_ym", "MONTH_INVALID"),
    ]


def test_codes_and_derived_columns_are_refused_too() -> None:
    rows = [
        person(1, "张三", status="1"),
        person(2, "张三", status="9"),
        person(3, "张三", status=None),
        person(5, "张三", "18800101", status="1"),
        person(7, "张三", "bad", known=False, phone="13912345678", status="1"),
    ]
    assert refusals("population", rows) == [
        (3, "人员状态", "CODE_UNKNOWN"),
        (4, "人员状态", "CODE_UNKNOWN"),
        (5, "出生日期", "VALUE_RANGE"),
    ]
    table = encoding_of("population", rows).dataset.table
    assert sorted(table["code.birth_band"].to_pylist(), key=str) == [1890, None]


def test_states_are_counted_over_all_rows_read() -> None:
    rows = [person(1, "张三", status="1"), person(2, "x1", status="1"), person(3, "", "", known=False, status="9")]
    result = encoding_of("population", rows)
    assert result.states["name"] == {"valid": 1, "repaired": 0, "missing": 1, "invalid": 1}
    assert result.states["id_number"] == {"valid": 2, "repaired": 0, "missing": 1, "invalid": 0}
    assert sorted(result.dataset.table["state.name"].to_pylist()) == [FieldState.VALID, FieldState.INVALID]


DIRTY = st.fixed_dictionaries(
    {
        "row_key": st.sampled_from([None, "", "1", "2", "3", " 1 ", "４", "5", "6"]),
        "id_number": st.sampled_from([None, "x", "160101900307001", person(1, "a")["id_number"]])
        | st.text(max_size=19),
        "name": st.sampled_from([None, "张三", "?", "李四"]) | st.text(max_size=4),
        "sex": st.sampled_from([None, "1", "女", "x"]),
        "birth_date": st.sampled_from([None, "19900101", "1990-1-2", "0", "19900231"]) | st.text(max_size=8),
        "phone": st.sampled_from([None, "13912345678", "1"]),
        "first_month": st.sampled_from([None, "202601", "2026-13", "190001", "299912"]) | st.text(max_size=6),
        "last_month": st.sampled_from([None, "202612", "0"]) | st.text(max_size=6),
    }
)


@settings(deadline=None, max_examples=40)
@given(st.lists(DIRTY, max_size=12), st.integers(1, 5))
def test_read_is_encoded_and_quarantined(rows: list[Row], batch_rows: int) -> None:
    encoder = DatasetEncoder(AGREEMENT, "resident_pension", key_for(AGREEMENT, "resident_pension"))
    whole = batch(AGREEMENT, "resident_pension", rows)
    done: list[int] = []
    cut = [whole.slice(start, batch_rows) for start in range(0, len(rows), batch_rows)]
    result = encoder.encode(cut, progress=done.append)
    counts = result.dataset.manifest.counts
    assert (counts.read, sum(done), len(result.dataset)) == (len(rows), len(rows), counts.encoded)
    assert counts.read == counts.encoded + counts.quarantined == counts.encoded + result.quarantine.num_rows
    numbers = result.quarantine["row_number"].to_pylist()
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(2, len(rows) + 2))
    assert set(result.quarantine["code"].to_pylist()) <= set(REASONS)
    assert [sum(states.values()) for states in result.states.values()] == [len(rows)] * 5
    at_once = encoder.encode([whole])
    assert at_once.dataset.table.equals(result.dataset.table)
    assert at_once.quarantine.equals(result.quarantine)


def bytes_of(dataset: EncodedDataset, path: Path) -> bytes:
    write_dataset(dataset, path)
    return path.read_bytes()


def test_spells_may_all_be_open() -> None:
    dataset = encode("employee_medical", [person(1, "张三", first_month="202601", last_month=None)])
    assert dataset.table["code.last_month"].to_pylist() == [None]


def test_shuffled_rows_make_the_same_package(tmp_path: Path) -> None:
    rows = [person(place, f"张{chr(0x4E00 + place)}", row_key=str(place), **SPELL) for place in range(1, 200)]
    one = bytes_of(encode("employee_medical", rows), tmp_path / "1.smp")
    Random(3).shuffle(rows)
    assert bytes_of(encode("employee_medical", rows), tmp_path / "2.smp") == one
    handles = encode("employee_medical", rows).table["handle"].to_pylist()
    assert handles == sorted(handles)


def handles_of(agreement: Agreement, dataset: str, rows: list[Row], **key: Any) -> dict[bytes, bytes]:
    """Token to handle: which row got which."""
    table = encode(dataset, rows, agreement, **key).table
    return dict(zip(table["id_token"].to_pylist(), table["handle"].to_pylist(), strict=True))


def test_handles_stay_when_the_agreement_is_amended_and_rows_come_and_go() -> None:
    rows = [person(place, "张三", row_key=str(place), **SPELL) for place in range(1, 6)]
    one = handles_of(AGREEMENT, "employee_medical", rows)
    assert handles_of(AGREEMENT, "employee_medical", rows[::-1][:3]).items() <= one.items()
    amended = AGREEMENT.model_copy(update={"title": "amended"})
    assert amended.fingerprint != AGREEMENT.fingerprint
    assert sorted(handles_of(amended, "employee_medical", rows).values()) == sorted(one.values())
    other_epoch = AGREEMENT.model_copy(update={"key_epoch": "2027"})
    assert sorted(handles_of(other_epoch, "employee_medical", rows).values()) == sorted(one.values())


def test_handles_differ_by_dataset_and_by_department_key() -> None:
    rows = [person(place, "张三", row_key=str(place), **SPELL) for place in range(1, 6)]
    sets = [
        set(handles_of(AGREEMENT, "employee_medical", rows).values()),
        set(handles_of(AGREEMENT, "resident_medical", rows).values()),
        set(handles_of(AGREEMENT, "employee_medical", rows, handle_secret=b"o" * 32).values()),
        set(handles_of(AGREEMENT.model_copy(update={"id": "other"}), "employee_medical", rows).values()),
    ]
    assert len(set().union(*sets)) == 20
    again = handles_of(AGREEMENT, "employee_medical", rows, encoding_secret=b"o" * 32)
    assert set(again.values()) == sets[0]


def test_key_ids_tell_keys_apart() -> None:
    one, two = encode("employee_medical", []).manifest, encode("resident_medical", []).manifest
    other = encode("employee_medical", [], encoding_secret=b"o" * 32, handle_secret=b"p" * 32).manifest
    assert one.key_id == two.key_id != other.key_id
    assert len({one.handle_key_id, two.handle_key_id, other.handle_key_id}) == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [({"party": "hrss"}, "KEY_PARTY"), ({"agreement_id": "other"}, "KEY_AGREEMENT"), ({"key_epoch": "1"}, "KEY_EPOCH")],
)
def test_a_key_of_somebody_else_is_refused(change: dict[str, str], code: str) -> None:
    with pytest.raises(KeyFileError) as caught:
        DatasetEncoder(AGREEMENT, "population", key_for(AGREEMENT, "population", **change))
    assert caught.value.code == code


def test_an_unknown_dataset_is_refused() -> None:
    with pytest.raises(AgreementError) as caught:
        DatasetEncoder(AGREEMENT, "soldiers", key_for(AGREEMENT, "population"))
    assert caught.value.code == "DATASET_UNKNOWN"


def test_an_empty_export_is_an_empty_dataset() -> None:
    for batches in ([], [batch(AGREEMENT, "population", [])]):
        result = DatasetEncoder(AGREEMENT, "population", key_for(AGREEMENT, "population")).encode(batches)
        assert (len(result.dataset), result.quarantine.num_rows) == (0, 0)


def test_required_columns_stand_once() -> None:
    population = AGREEMENT.datasets[0]
    assert required_columns(population) == (
        "人员编号",
        "公民身份号码",
        "姓名",
        "性别",
        "出生日期",
        "联系电话",
        "人员状态",
    )


def test_too_many_fuzzy_encodings_do_not_leave() -> None:
    limits = AGREEMENT.limits.model_copy(update={"max_fuzzy_share": 0.5})
    agreement = AGREEMENT.model_copy(update={"limits": limits})
    bare = [{"id_number": person(place, "x")["id_number"], "row_key": str(place)} for place in range(1, 4)]
    no_fuzzy = agreement.model_copy(update={"passes": tuple(item for item in AGREEMENT.passes if item.id == "phone")})
    with_phone = [row | {"phone": f"1391234567{place}", "name": "张三"} for place, row in enumerate(bare)]
    assert len(encode("students", [*bare[:2], *with_phone[2:]], no_fuzzy)) == 3
    with pytest.raises(ReleaseError) as caught:
        encoding_of("students", [*bare[:1], *with_phone[1:]], no_fuzzy)
    assert caught.value.code == "RELEASE_FUZZY_SHARE"


def test_no_raw_value_is_in_a_package(tmp_path: Path) -> None:
    rows = [person(place, "欧阳震华", row_key="KEYMARK", phone="13912345678", **SPELL) for place in (1,)]
    data = bytes_of(encode("employee_medical", rows), tmp_path / "1.smp")
    raw = [str(value) for name, value in rows[0].items() if name not in SPELL and value not in (None, "1")]
    assert len(raw) == 5
    for value in raw:
        for form in (value.encode(), value.encode("utf-16-le"), value.encode("gb18030"), value.encode().hex().encode()):
            assert form not in data
        assert hashlib.sha256(value.encode()).digest() not in data


def test_cells_without_a_value_hold_zeros() -> None:
    table = encode("students", [person(1, "张三", known=False)]).table
    for name in ("id_token", "pass.phone.block", "pass.phone.encoding"):
        column = table[name].combine_chunks()
        assert column.null_count == 1
        width = column.type.byte_width
        data = column.buffers()[1]
        assert data is None or not any(data.to_pybytes()[column.offset * width :][:width])
    assert isinstance(table, pa.Table)
