"""The station that answers: what it checks, counts, logs and keeps, under trial and sealed agreements."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyholder.holder_desk import (
    HOLDER,
    NOW,
    QUOTA,
    desk_of,
    draft_text,
    holder_of,
    lay_out,
    made_inputs,
    seed,
    write_request,
)
from secure_match.agreement import Agreement, parse_agreement
from secure_match.audit import cross_check
from secure_match.audit.files import read_log
from secure_match.errors import SecureMatchError
from secure_match.exchange.oprf import OprfKey, blind, evaluate, finalise, key_info, verify_proof
from secure_match.exchange.oprf.files import EvaluatedAnswer, chunk_ranges, read_evaluated, write_evaluated
from secure_match.keyholder import stations
from secure_match.keyholder.holder import KeyHolder
from secure_match.keyholder.key_files import new_keyholder_key, read_keyholder_key
from secure_match.keyholder.stations import evaluate_request
from secure_match.review.files import read_plain

ROWS = 60


def opened(agreement: Agreement, answer: Path, root: Path) -> EvaluatedAnswer:
    """The answer as police reads it."""
    if not agreement.sealed:
        return read_evaluated(answer)
    with desk_of(agreement, "police", root).received(answer, "evaluated") as content:
        return read_evaluated(content)


def steps(root: Path) -> list[str]:
    return [entry.action for entry in read_log(root / "holder.log") if entry.action != "checkpoint"]


@pytest.mark.parametrize("sealed", [False, True], ids=["trial", "sealed"])
def test_an_answer_has_a_proof_and_gives_the_outputs(tmp_path: Path, sealed: bool) -> None:
    agreement = lay_out(tmp_path, sealed=sealed)
    write_request(agreement, tmp_path / "police.smb", ROWS, root=tmp_path)
    counted: list[int] = []
    report = evaluate_request(
        holder_of(agreement, tmp_path), tmp_path / "police.smb", tmp_path / "police.sme", progress=counted.append
    )
    assert (report.department, report.elements, report.resumed, sum(counted)) == ("police", ROWS, 0, ROWS)
    assert (report.quota.allowed, report.quota.used) == (QUOTA, 0)
    answer = opened(agreement, tmp_path / "police.sme", tmp_path)
    key = OprfKey.derive(seed(), key_info(agreement.id, agreement.key_epoch))
    assert answer.manifest.public_key == key.public
    inputs, scalars = made_inputs(ROWS)
    blinded = blind(inputs, scalars)
    verify_proof(key.public, blinded, answer.elements, answer.manifest.proofs[0])
    other = made_inputs(ROWS, turn=9)[1]
    np.testing.assert_array_equal(
        finalise(inputs, scalars, answer.elements), finalise(inputs, other, evaluate(key, blind(inputs, other)))
    )
    assert steps(tmp_path) == (["receive", "evaluate", "return"] if sealed else ["evaluate"])
    entry = next(entry for entry in read_log(tmp_path / "holder.log") if entry.action == "evaluate")
    assert (entry.counts, entry.details["department"]) == ({"elements": ROWS}, "police")
    assert not (tmp_path / ".evaluating").exists()


def refused(holder: KeyHolder, request: Path, out: Path) -> str:
    with pytest.raises(SecureMatchError) as caught:
        evaluate_request(holder, request, out)
    assert not out.exists()
    return caught.value.code


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ({"agreement_fingerprint": "0" * 64}, "DEFINITION_MISMATCH"),
        ({"agreement_id": "other"}, "DEFINITION_MISMATCH"),
        ({"key_epoch": "other"}, "EPOCH_MISMATCH"),
        ({"sender": "bureau"}, "PACKAGE_SENDER"),
        ({"sender": "nobody"}, "PACKAGE_SENDER"),
        ({"recipient": "police"}, "PACKAGE_RECIPIENT"),
        ({"datasets": ("students",)}, "PACKAGE_CONTENT"),
        ({"datasets": ()}, "PACKAGE_CONTENT"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_request_that_does_not_fit_is_refused_and_logged(tmp_path: Path, manifest: dict[str, Any], code: str) -> None:
    agreement = lay_out(tmp_path, sealed=False)
    write_request(agreement, tmp_path / "police.smb", 3, **manifest)
    assert refused(holder_of(agreement, tmp_path), tmp_path / "police.smb", tmp_path / "police.sme") == code
    entries = read_log(tmp_path / "holder.log")
    assert [(entry.action, entry.details["code"]) for entry in entries] == [("refused", code)]


def test_under_a_sealed_agreement_the_sender_has_to_have_signed(tmp_path: Path) -> None:
    agreement = lay_out(tmp_path, sealed=True)
    trial = parse_agreement(draft_text())
    write_request(trial, tmp_path / "plain.smb", 3, agreement_fingerprint=agreement.fingerprint)
    holder = holder_of(agreement, tmp_path)
    assert refused(holder, tmp_path / "plain.smb", tmp_path / "police.sme") == "PACKAGE_UNSEALED"
    write_request(agreement, tmp_path / "hrss.smb", 3, root=tmp_path, sender="hrss", datasets=("employee_pension",))
    assert refused(holder, tmp_path / "hrss.smb", tmp_path / "police.sme") == "PACKAGE_CONTENT"
    assert steps(tmp_path) == ["refused", "refused"]


@pytest.mark.parametrize("sealed", [False, True], ids=["trial", "sealed"])
def test_the_quota_is_of_a_department_and_a_month(tmp_path: Path, sealed: bool) -> None:
    agreement = lay_out(tmp_path, sealed=sealed)
    holder = holder_of(agreement, tmp_path)
    for turn, rows in enumerate((QUOTA - 10, 11, 10)):
        write_request(agreement, tmp_path / f"{turn}.smb", rows, turn=turn, root=tmp_path)
    assert evaluate_request(holder, tmp_path / "0.smb", tmp_path / "0.sme").quota.used == 0
    assert refused(holder, tmp_path / "1.smb", tmp_path / "1.sme") == "QUOTA_EXCEEDED"
    assert steps(tmp_path)[-1] == "refused"
    # The same request again is no further one.
    assert evaluate_request(holder, tmp_path / "0.smb", tmp_path / "again.sme").quota.used == 0
    report = evaluate_request(holder, tmp_path / "2.smb", tmp_path / "2.sme")
    assert (report.quota.used, report.elements) == (QUOTA - 10, 10)
    assert refused(holder, tmp_path / "1.smb", tmp_path / "1.sme") == "QUOTA_EXCEEDED"
    december = holder_of(agreement, tmp_path, now=datetime(2026, 12, 1, tzinfo=UTC))
    assert evaluate_request(december, tmp_path / "1.smb", tmp_path / "1.sme").quota.used == 0


def test_what_is_no_element_is_refused_with_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stations, "chunk_ranges", small_chunks(20))
    agreement = lay_out(tmp_path, sealed=False)

    def spoil(elements: np.ndarray) -> None:
        elements[44] = 0

    write_request(agreement, tmp_path / "police.smb", ROWS, change=spoil)
    with pytest.raises(SecureMatchError) as caught:
        evaluate_request(holder_of(agreement, tmp_path), tmp_path / "police.smb", tmp_path / "police.sme")
    assert (caught.value.code, caught.value.place.row) == ("ELEMENT_INVALID", 45)
    assert steps(tmp_path) == ["refused"]


def small_chunks(size: int) -> Callable[[int], list[tuple[int, int]]]:
    return lambda elements: [(start, min(elements, start + size)) for start in range(0, elements, size)]


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stations, "chunk_ranges", small_chunks(20))
    agreement = lay_out(tmp_path, sealed=False)
    write_request(agreement, tmp_path / "police.smb", ROWS)
    holder = holder_of(agreement, tmp_path)
    calls = itertools.count()

    def killed(_: int) -> None:
        if next(calls) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_request(holder, tmp_path / "police.smb", tmp_path / "police.sme", progress=killed)
    assert not (tmp_path / "holder.log").exists()
    kept = sorted((tmp_path / ".evaluating").glob("*/*.chunk"))
    assert len(kept) == 2
    # A file that the power failure cut is made again.
    kept[0].write_bytes(kept[0].read_bytes()[:-1])
    written: list[EvaluatedAnswer] = []
    monkeypatch.setattr(stations, "write_evaluated", lambda answer, _: written.append(answer))
    report = evaluate_request(holder, tmp_path / "police.smb", tmp_path / "police.sme")
    assert report.resumed == 20
    whole = blind(*made_inputs(ROWS))
    np.testing.assert_array_equal(written[0].elements, evaluate(holder.key, whole))
    for (start, stop), proof in zip(small_chunks(20)(ROWS), written[0].manifest.proofs, strict=True):
        verify_proof(holder.key.public, whole[start:stop], written[0].elements[start:stop], proof)


def test_a_key_that_the_agreement_does_not_name_answers_nothing(tmp_path: Path) -> None:
    agreement = lay_out(tmp_path, sealed=False)
    new_keyholder_key(agreement, HOLDER, tmp_path / "other.oprf", seed=seed(1))
    key, public = read_keyholder_key(tmp_path / "other.oprf")
    with pytest.raises(SecureMatchError, match="KEY_AGREEMENT"):
        KeyHolder(
            agreement=agreement,
            key=key,
            public=public,
            log=tmp_path / "holder.log",
            operator="zhang",
            clock=lambda: NOW,
        )


def test_answers_that_lie_about_their_form_are_refused(tmp_path: Path) -> None:
    agreement = lay_out(tmp_path, sealed=False)
    write_request(agreement, tmp_path / "police.smb", ROWS)
    evaluate_request(holder_of(agreement, tmp_path), tmp_path / "police.smb", tmp_path / "police.sme")
    answer = read_evaluated(tmp_path / "police.sme")
    proof = answer.manifest.proofs[0]
    for change in ({"proofs": ()}, {"proofs": (proof, proof)}, {"proofs": (proof[:-1],)}, {"public_key": b"short"}):
        manifest = answer.manifest.model_copy(update=change)
        write_evaluated(EvaluatedAnswer(manifest=manifest, elements=answer.elements), tmp_path / "bad.sme")
        with pytest.raises(SecureMatchError, match="PACKAGE_CONTENT"):
            read_evaluated(tmp_path / "bad.sme")
    manifest = answer.manifest.model_copy(update={"elements": ROWS + 1})
    write_evaluated(EvaluatedAnswer(manifest=manifest, elements=answer.elements), tmp_path / "bad.sme")
    with pytest.raises(SecureMatchError, match="PACKAGE_CONTENT"):
        read_evaluated(tmp_path / "bad.sme")


def test_same_request_same_bytes_and_a_reviewer_reads_both(tmp_path: Path) -> None:
    agreement = lay_out(tmp_path, sealed=False)
    for name in ("one.smb", "two.smb"):
        write_request(agreement, tmp_path / name, ROWS)
    assert (tmp_path / "one.smb").read_bytes() == (tmp_path / "two.smb").read_bytes()
    evaluate_request(holder_of(agreement, tmp_path), tmp_path / "one.smb", tmp_path / "one.sme")
    assert [read_plain(tmp_path / name).kind for name in ("one.smb", "one.sme")] == ["blinded", "evaluated"]


def test_both_logs_say_the_same_of_request_and_answer(tmp_path: Path) -> None:
    agreement = lay_out(tmp_path, sealed=True)
    write_request(agreement, tmp_path / "police.smb", ROWS, root=tmp_path)
    evaluate_request(holder_of(agreement, tmp_path), tmp_path / "police.smb", tmp_path / "police.sme")
    opened(agreement, tmp_path / "police.sme", tmp_path)
    found = cross_check([read_log(tmp_path / f"{party}.log") for party in (HOLDER, "police")])
    assert [(item.package.kind, item.status) for item in found.transfers] == [
        ("evaluated", "taken_in"),
        ("blinded", "taken_in"),
    ]


def test_chunks_cover_all_elements_once() -> None:
    assert chunk_ranges(0) == []
    assert chunk_ranges(10_000) == [(0, 10_000)]
    assert chunk_ranges(20_001) == [(0, 10_000), (10_000, 20_000), (20_000, 20_001)]
