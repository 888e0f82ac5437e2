"""What an entry takes and refuses, and that its bytes are the canonical ones."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_logs import START, digest, event, ref, sending

from secure_match.audit import Artifact, Entry, Event, PackageRef, file_name, make_artifact, verify_operator
from secure_match.audit._entry import parse_line
from secure_match.audit._event import make_entry, time_text
from secure_match.errors import AuditError, visible

RESIDENT_NUMBER = "339902197803120013"


def entry_of(item: Event, **changes: Any) -> Entry:
    given_values: dict[str, Any] = {
        "log": "police.log",
        "number": 1,
        "previous": "0" * 64,
        "time": "2026-11-23T01:00:00Z",
        "versions": {"tool": "test", "python": "3.11"},
        "signature": None,
    }
    return make_entry(item, **(given_values | changes))


def reference_bytes(entry: Entry, *, without: str = "") -> bytes:
    """RFC 8785 by the standard library."""
    content = {key: value for key, value in entry.model_dump(mode="json").items() if key != without}
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_fields_are_declared_in_the_order_of_their_bytes() -> None:
    for model in (Entry, Artifact, PackageRef):
        assert list(model.model_fields) == sorted(model.model_fields)


_TEXT = st.text(min_size=1, max_size=60).filter(lambda text: visible(text) == text and text.strip() and "/" not in text)


@given(
    operator=_TEXT,
    name=_TEXT,
    counts=st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), st.integers(0, 1 << 40), max_size=4),
)
def test_bytes_and_hash_are_those_of_the_reference(operator: str, name: str, counts: dict[str, int]) -> None:
    item = Event(
        party="police",
        operator=operator,
        action="encode",
        inputs=(make_artifact(name, digest(1)),) if file_name(name) else (),
        counts=counts,
    )
    try:
        entry = entry_of(item)
    except AuditError:
        return  # Digits enough for a number of a person.
    assert entry.canonical_bytes == reference_bytes(entry)
    expected = hashlib.sha256(b"secure_match/audit/v1\n" + reference_bytes(entry, without="hash")).hexdigest()
    assert entry.hash == entry.computed_hash == expected


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"operator": RESIDENT_NUMBER}, "operator"),
        ({"operator": "电话 199 0000 0001"}, "operator"),
        ({"operator": " "}, "operator"),
        ({"operator": "a\nb"}, "operator"),
        ({"party": "公安"}, "party"),
        ({"action": "delete"}, "action"),
        ({"counts": {"rows": int(RESIDENT_NUMBER)}}, "counts"),
        ({"counts": {"rows": 339902780312001}}, "counts"),
        ({"counts": {"rows": -1}}, "counts"),
        ({"counts": {"rows": True}}, "counts"),
        ({"counts": {"赵甲": 1}}, "counts"),
        ({"details": {"赵甲": "x"}}, "details"),
        ({"details": {"name": "赵甲"}}, "details"),
        ({"details": {"number": RESIDENT_NUMBER}}, "details"),
        ({"details": {"number": "339902-19780312-0013"}}, "details"),
        ({"details": {"number": "199.0000.0001"}}, "details"),
        ({"details": {"number": "19900000001"}}, "details"),
        ({"details": {"reason": "two words"}}, "details"),
        ({"versions": {"tool": "工具"}}, "versions"),
    ],
)
def test_what_could_be_a_value_is_refused_and_not_repeated(changes: dict[str, Any], key: str) -> None:
    given_values: dict[str, Any] = {"party": "police", "operator": "Lin", "action": "encode"}
    with pytest.raises(AuditError) as caught:
        entry_of(Event(**(given_values | changes)))
    assert caught.value.code == "AUDIT_ENTRY"
    assert caught.value.place.key == key
    assert caught.value.__context__ is None
    for secret in (RESIDENT_NUMBER, "赵甲", "0013", "0001"):
        assert secret not in str(caught.value)


def test_ids_codes_digests_and_months_are_taken() -> None:
    details = {
        "agreement": digest(3),
        "key_id": "0123456789abcdef",
        "request": "0" * 32,
        "code": "PACKAGE_SIGNER",
        "period": "2026-11",
        "key_epoch": "20261101",
        "suite": "international",
    }
    assert entry_of(event(details=details)).details == details


def test_only_the_base_name_of_a_file_is_logged_and_long_numbers_are_not() -> None:
    assert file_name("secret-folder/people 2026-11.csv") == "people 2026-11.csv"
    assert file_name("20261123-093000.csv") == "20261123-093000.csv"
    assert file_name(f"{RESIDENT_NUMBER}.xlsx") == "#.xlsx"
    assert file_name("33990219780312001X.xlsx") == "#X.xlsx"
    assert file_name("3399 0219 7803 1200 13.xlsx") == "#.xlsx"
    assert file_name("１９９０００００００１.csv") == "#.csv"
    assert file_name("人口库.csv") == "人口库.csv"
    assert file_name("a\nb\x1b.csv") == "a\\x0ab\\x1b.csv"
    assert len(file_name("x" * 300)) <= 255
    assert file_name("/") == "#"
    for name in (RESIDENT_NUMBER, "folder/file", " ", "１９９０００００００１"):
        with pytest.raises(ValueError, match="name"):
            Artifact(name=name, digest=digest(1))
    with pytest.raises(AuditError, match="AUDIT_ENTRY: digest"):
        make_artifact("x.csv", "no digest")


def test_an_operator_is_checked_before_work_begins() -> None:
    for name in ("林", "Lin Wei", "staff-204"):
        verify_operator(name)
    for name in (RESIDENT_NUMBER, "", " ", "a\tb", "x" * 101):
        with pytest.raises(AuditError, match="AUDIT_ENTRY: operator") as caught:
            verify_operator(name)
        assert not name.strip() or name not in str(caught.value)


def test_times_are_utc_seconds_and_need_a_zone() -> None:
    east = timezone(timedelta(hours=8))
    assert time_text(datetime(2026, 11, 23, 9, 0, 0, 999, tzinfo=east)) == "2026-11-23T01:00:00Z" == time_text(START)
    assert time_text(START.astimezone(UTC)) == time_text(START)
    with pytest.raises(AuditError, match="AUDIT_ENTRY: time"):
        time_text(datetime(2026, 11, 23))  # noqa: DTZ001  # What is refused.


def test_only_a_checkpoint_is_signed() -> None:
    signature = "A" * 86 + "=="
    assert entry_of(event("checkpoint"), signature=signature).signature == signature
    for item, given_signature in ((event("checkpoint"), None), (event("encode"), signature)):
        with pytest.raises(AuditError, match="AUDIT_ENTRY"):
            entry_of(item, signature=given_signature)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_entry_or_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(AuditError, match="AUDIT_FORMAT: row 7"):
        parse_line(data, 7)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(key=st.sampled_from(sorted(Entry.model_fields)), value=_JSON)
def test_any_value_of_a_key_is_taken_or_refused_without_being_repeated(key: str, value: Any) -> None:
    content = json.loads(entry_of(sending(1)).canonical_bytes) | {key: value}
    line = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")
    refused: AuditError | None = None
    try:
        taken = parse_line(line, 1).canonical_bytes
    except AuditError as error:
        taken, refused = b"", error
    assert taken == line if refused is None else (refused.code, refused.place.row) == ("AUDIT_FORMAT", 1)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"number":1' + b"0" * 10_000 + b"}",
        b'{"operator":"\\ud800"}',
        b"\xff\xfe",
        b"",
        b"null",
        b'{"' + RESIDENT_NUMBER.encode() + b'":1}',
    ],
)
def test_hostile_lines_are_refused_in_one_short_line(line: bytes) -> None:
    with pytest.raises(AuditError) as caught:
        parse_line(line, 1)
    assert caught.value.code == "AUDIT_FORMAT"
    assert caught.value.__context__ is None
    assert RESIDENT_NUMBER not in str(caught.value)
    assert len(str(caught.value)) < 900


def test_a_package_has_its_reference() -> None:
    (artifact,) = entry_of(sending(4)).outputs
    assert artifact.package == ref(sequence=4)
    with pytest.raises(ValueError, match="period"):
        ref(period="2026-13")
