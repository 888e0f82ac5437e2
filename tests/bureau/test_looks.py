"""Questions to a department tell it nothing of the other side, and answers are held against what was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bureau.hand_rows import AGREEMENT
from bureau.hand_run import handle, pair, pairs_table
from secure_match.bureau.look_files import add_answers, read_answers, read_asked_rows, write_asked_rows
from secure_match.bureau.review_looks import build_request, fields_to_look_at, mapping_of, new_records, records_of
from secure_match.enrolment import (
    ANSWER_SCHEMA,
    LOOK_VERDICTS,
    REQUEST_SCHEMA,
    LookAnswer,
    LookAnswerManifest,
    LookRequest,
)
from secure_match.enrolment.files import read_look_answer, read_look_request, write_look_answer, write_look_request
from secure_match.errors import LinkageError, PackageError, UsageError

SECRET = bytes(range(32))
KEY_IDS = {"employee_medical": "ab" * 8, "resident_medical": "cd" * 8}
OWN = ("employee_medical/1", "resident_medical/1", "employee_medical/2")
DIGEST = "ee" * 32
ARGUMENTS: dict[str, Any] = {"party": "medical", "handle_key_ids": KEY_IDS, "secret": SECRET}


def queue(other: str, **changes: Any) -> pa.Table:
    """Three rows of the medical department in pairs with rows of another dataset; one stands in two pairs."""
    pairs = [
        pair(f"{other}/7", OWN[0], **changes),
        pair(f"{other}/8", OWN[0], **changes),
        pair(OWN[1], f"{other}/8", **changes),
        pair(f"{other}/9", OWN[2], **changes),
        pair(f"{other}/9", f"{other}/10", **changes),
    ]
    return pairs_table(pairs)


REQUEST = build_request(AGREEMENT, queue("population"), **ARGUMENTS)


def test_a_row_is_asked_about_once_and_in_the_order_of_handles() -> None:
    rows = [(row["dataset"], row["handle"]) for row in REQUEST.table.to_pylist()]
    assert rows == sorted((name.partition("/")[0], handle(name)) for name in OWN)
    assert REQUEST.manifest.recipient == "medical"
    assert [source.dataset for source in REQUEST.manifest.sources] == ["employee_medical", "resident_medical"]
    assert REQUEST.manifest.sources[0].handle_key_id == "ab" * 8


def test_the_other_side_leaves_no_trace(tmp_path: Path) -> None:
    """Whoever the other rows are, however probable: the same bytes."""
    write_look_request(REQUEST, tmp_path / "one.smq")
    others = [
        queue("population", match_probability=0.9, match_weight=3.0, token_state="DIFFERENT", decision="LINK"),
        queue("employee_pension"),
        queue("students").slice(0, 4),
        pa.concat_tables([queue("students"), queue("employee_pension").slice(0, 4)]),
    ]
    for number, table in enumerate(others):
        path = tmp_path / f"{number}.smq"
        write_look_request(build_request(AGREEMENT, table, **ARGUMENTS), path)
        assert path.read_bytes() == (tmp_path / "one.smq").read_bytes()
    data = (tmp_path / "one.smq").read_bytes()
    for word in (b"population", b"police", b"hrss", b"pension", b"student", b"probab", b"similar"):
        assert word not in data
    for name in ("population/7", "population/8", "population/9"):
        assert handle(name) not in data
        assert handle(name).hex().encode() not in data


def test_items_cannot_be_computed_and_are_new_in_each_request() -> None:
    items = REQUEST.table["item"].to_pylist()
    again = build_request(AGREEMENT, queue("population"), **ARGUMENTS | {"secret": bytes(32)})
    assert len(set(items) | set(again.table["item"].to_pylist())) == 2 * len(items)
    assert again.manifest.request_id != REQUEST.manifest.request_id
    police = build_request(
        AGREEMENT,
        queue("population"),
        **ARGUMENTS | {"party": "police", "handle_key_ids": {"population": "ef" * 8}},
    )
    assert not set(police.table["item"].to_pylist()) & set(items)
    # Request ids of one secret are equal on purpose: a secret is drawn for each request.


def test_fields_are_those_of_passes_that_do_not_agree() -> None:
    dataset = AGREEMENT.dataset("employee_medical")
    assert dataset is not None
    every = set(dataset.identity)

    def asked(**similarities: float | None) -> set[str]:
        return fields_to_look_at(AGREEMENT, dataset, similarities)

    assert asked(birth=0.97, name=0.99, phone=1.0) == every
    assert asked(birth=0.5, name=0.99) == {"birth_date", "sex", "name"}
    assert asked(birth=0.97, phone=None) == {"phone", "name", "birth_date"}
    assert asked() == every


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"party": "nobody"}, "PARTY_UNKNOWN"),
        ({"party": "bureau"}, "PARTY_UNKNOWN"),
        ({"party": "hrss"}, "LOOK_NOTHING"),
    ],
)
def test_a_department_without_rows_is_not_asked(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        build_request(AGREEMENT, queue("population"), **ARGUMENTS | changes)
    assert caught.value.code == code


def test_a_request_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "r.smq"
    write_look_request(REQUEST, path)
    read, digest = read_look_request(path)
    assert (read.manifest, read.table) == (REQUEST.manifest, REQUEST.table)
    assert len(digest) == 64
    with pytest.raises(PackageError) as caught:
        read_look_answer(path)
    assert caught.value.code == "PACKAGE_MANIFEST"


def changed(column: str, values: list[Any]) -> pa.Table:
    place = REQUEST_SCHEMA.get_field_index(column)
    return REQUEST.table.set_column(
        place, REQUEST_SCHEMA.field(place), pa.array(values, REQUEST_SCHEMA.field(place).type)
    )


@pytest.mark.parametrize(
    "table",
    [
        REQUEST.table.slice(1),
        REQUEST.table.take(pa.array([1, 0, 2])),
        REQUEST.table.take(pa.array([0, 0, 2])),
        changed("fields", ["name"] * 2 + ["salary"]),
        changed("fields", ["name"] * 2 + ["name name"]),
        changed("fields", ["name"] * 2 + [""]),
        changed("item", [b"i" * 16] * 3),
        changed("dataset", ["employee_medical"] * 2 + ["students"]),
    ],
)
def test_a_request_that_its_manifest_does_not_describe(table: pa.Table) -> None:
    with pytest.raises(PackageError) as caught:
        LookRequest(manifest=REQUEST.manifest, table=table)
    assert caught.value.code == "PACKAGE_CONTENT"


def answer(verdicts: dict[bytes, str], **changes: Any) -> LookAnswer:
    fields = {
        "agreement_id": AGREEMENT.id,
        "agreement_fingerprint": AGREEMENT.fingerprint,
        "key_epoch": AGREEMENT.key_epoch,
        "sender": "medical",
        "request_id": REQUEST.manifest.request_id,
        "request_digest": DIGEST,
        "rows": len(verdicts),
        "tool": "test",
    }
    items = sorted(verdicts)
    columns = [pa.array(items, pa.binary(16)), pa.array([verdicts[item] for item in items], pa.string())]
    return LookAnswer(manifest=LookAnswerManifest(**fields | changes), table=pa.table(columns, schema=ANSWER_SCHEMA))


ITEMS = REQUEST.table["item"].to_pylist()
ASKED = mapping_of(REQUEST, DIGEST)


def test_an_answer_becomes_evidence_on_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.sma"
    write_look_answer(answer({ITEMS[0]: "right", ITEMS[2]: "wrong_person"}), path)
    found = records_of(read_look_answer(path), ASKED, operator="Lin", time="2026-11-23T09:30:00Z")
    rows = REQUEST.table.to_pylist()
    assert {(item.dataset, item.handle, item.fields, item.verdict) for item in found} == {
        (rows[place]["dataset"], rows[place]["handle"].hex(), rows[place]["fields"], verdict)
        for place, verdict in ((0, "right"), (2, "wrong_person"))
    }
    assert {item.party for item in found} == {"medical"}


@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": "0" * 32},
        {"request_digest": "0" * 64},
        {"sender": "police"},
        {"agreement_id": "other"},
        {"agreement_fingerprint": "0" * 64},
    ],
)
def test_an_answer_that_claims_something_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PackageError) as caught:
        records_of(answer({ITEMS[0]: "right"}, **changes), ASKED, operator="Lin", time="2026-11-23T09:30:00Z")
    assert caught.value.code == "LOOK_MISMATCH"


def test_an_item_that_was_not_asked_about_is_refused() -> None:
    with pytest.raises(PackageError) as caught:
        records_of(answer({ITEMS[0]: "right", b"x" * 16: "right"}), ASKED, operator="L", time="2026-11-23T09:30:00Z")
    assert caught.value.code == "LOOK_MISMATCH"


def test_only_the_agreed_codes_make_an_answer() -> None:
    for verdict in LOOK_VERDICTS:
        answer({ITEMS[0]: verdict})
    for bad in ("yes", "", "Right"):
        with pytest.raises(PackageError) as caught:
            answer({ITEMS[0]: bad})
        assert caught.value.code == "PACKAGE_CONTENT"


def test_what_the_bureau_keeps(tmp_path: Path) -> None:
    folder = tmp_path / "looks"
    path = write_asked_rows(ASKED, folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    assert SECRET.hex() not in path.read_text(encoding="utf-8")
    assert read_asked_rows(folder, ASKED.request_id) == ASKED
    with pytest.raises(PackageError) as caught:
        read_asked_rows(folder, "0" * 32)
    assert caught.value.code == "LOOK_UNKNOWN"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(LinkageError) as caught_damage:
        read_asked_rows(folder, ASKED.request_id)
    assert caught_damage.value.code == "LOOKS_FORMAT"


def test_answers_are_added_once_and_never_changed(tmp_path: Path) -> None:
    def take(verdict: str) -> int:
        found = records_of(answer({ITEMS[1]: verdict}), ASKED, operator="Lin", time="2026-11-23T09:30:00Z")
        return len(add_answers(tmp_path, lambda before: new_records(found, before)))

    assert read_answers(tmp_path) == ()
    assert [take("right"), take("right")] == [1, 0]
    with pytest.raises(PackageError) as caught:
        take("corrected")
    assert caught.value.code == "LOOK_MISMATCH"
    assert [item.verdict for item in read_answers(tmp_path)] == ["right"]
    file = tmp_path / "answers.jsonl"
    good = file.read_bytes()
    for bad in (good[:-1], good + b"{}\n", b"x\n"):
        file.write_bytes(bad)
        with pytest.raises(LinkageError) as caught_damage:
            read_answers(tmp_path)
        assert caught_damage.value.code == "LOOKS_FORMAT"
