"""A second operator: nothing leaves on one person's word, and only what was approved leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bureau.hand_rows import AGREEMENT
from secure_match.agreement import Agreement
from secure_match.audit.files import read_log
from secure_match.department.encode_station import EncodeReport, encode_export
from secure_match.department.files import write_key
from secure_match.department.held_files import approval_path, read_held, report_path
from secure_match.department.keys import DepartmentKey
from secure_match.department.release_files import write_release
from secure_match.department.release_station import approve_release, release_held
from secure_match.errors import SecureMatchError
from secure_match.exchange.desk import Desk
from secure_match.exchange.files import verify_package
from secure_match.exchange.identities import Identity
from secure_match.synthetic import CityConfig, generate_city, write_exports

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
POLICE, APPROVER = Identity.create("police", "department"), Identity.create("police", "department")


def ruled() -> Agreement:
    parties = []
    for party in AGREEMENT.parties:
        made = POLICE if party.id == "police" else Identity.create(party.id, party.role)
        keys = made.public.party_keys()
        if party.id == "police":
            keys["approval"] = APPROVER.public.party_keys()["signing"]
        parties.append(party.model_copy(update={"public_keys": keys}))
    release = AGREEMENT.release.model_copy(update={"second_operator": True})
    return AGREEMENT.model_copy(update={"parties": tuple(parties), "release": release})


RULED = ruled()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_exports(generate_city(CityConfig(people=200, seed=3)), tmp_path)
    key = DepartmentKey.create(
        party="police",
        agreement_id=RULED.id,
        key_epoch=RULED.key_epoch,
        encoding_secret=b"a" * 32,
        handle_secret=b"b" * 32,
    )
    write_key(key, tmp_path / "police.key")
    return tmp_path


def desk(folder: Path, operator: str = "wang") -> Desk:
    return Desk(
        agreement=RULED,
        identity=POLICE,
        operator=operator,
        log=folder / "police.log",
        period="2026-11",
        clock=lambda: NOW,
    )


def hold(folder: Path, monkeypatch: pytest.MonkeyPatch) -> EncodeReport:
    # A key of the ceremony is sealed under the identity; here a plain one will do.
    key = DepartmentKey.create(
        party="police",
        agreement_id=RULED.id,
        key_epoch=RULED.key_epoch,
        encoding_secret=b"a" * 32,
        handle_secret=b"b" * 32,
        agreement_fingerprint=RULED.fingerprint,
    )
    monkeypatch.setattr("secure_match.department.encode_station.read_department_key", lambda *_: key)
    return encode_export(
        RULED, "population", folder / "population.csv", folder / "police.key", folder / "p.smp", desk=desk(folder)
    )


def approve(folder: Path, operator: str = "li", identity: Identity = APPROVER) -> Path:
    held = folder / "p.smp.held"
    return approve_release(RULED, held, identity, operator=operator, log=folder / "approver.log", clock=lambda: NOW)[1]


def refused(call: object) -> str:
    with pytest.raises(SecureMatchError) as caught:
        call()  # type: ignore[operator]
    return caught.value.code


def release(folder: Path, operator: str = "wang") -> None:
    held = folder / "p.smp.held"
    release_held(RULED, held, approval_path(held), folder / "p.smp", desk(folder, operator))


def test_the_road_of_a_package_with_two_operators(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = hold(folder, monkeypatch)
    held = folder / "p.smp.held"
    assert (report.package, report.held) == (None, held)
    assert held.stat().st_mode & 0o077 == 0
    assert not (folder / "p.smp").exists()
    assert refused(lambda: release(folder)) == "FILE_NOT_FOUND"
    approve(folder)
    release(folder)
    package = verify_package(folder / "p.smp", RULED, kind="encodings", recipient="bureau")
    assert package.manifest.content_digest == report.package_digest
    assert package.manifest.approval is not None
    assert (package.manifest.operator, package.manifest.approval.operator) == ("wang", "li")
    assert [entry.action for entry in read_log(folder / "approver.log")] == ["approve"]
    actions = [entry.action for entry in read_log(folder / "police.log") if entry.action != "checkpoint"]
    assert actions == ["encode", "release"]


def test_nobody_approves_their_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(folder, monkeypatch)
    assert refused(lambda: approve(folder, operator="Wang ")) == "APPROVAL_OPERATOR"
    assert refused(lambda: approve(folder, identity=POLICE)) == "KEY_PARTY"
    approve(folder)
    assert refused(lambda: release(folder, operator="li")) == "APPROVAL_OPERATOR"
    assert not (folder / "p.smp").exists()


def test_an_approval_is_of_one_content(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(folder, monkeypatch)
    path = approve(folder)
    old = path.read_bytes()
    lines = (folder / "population.csv").read_bytes().splitlines(keepends=True)
    (folder / "population.csv").write_bytes(b"".join(lines[:-1]))
    hold(folder, monkeypatch)
    assert not path.exists()
    path.write_bytes(old)
    assert refused(lambda: release(folder)) == "APPROVAL_CONTENT"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b'"operator": "li"', b'"operator": "ma"', "APPROVAL_SIGNATURE"),
        (b"2026-11-23T08:00:00Z", b"2026-11-23T08:00:01Z", "APPROVAL_SIGNATURE"),
        (b'"dataset": "population"', b'"dataset": "students"', "APPROVAL_CONTENT"),
        (b"secure_match/approval", b"secure_match/approved", "APPROVAL_CONTENT"),
    ],
)
def test_a_changed_approval_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes, code: str
) -> None:
    hold(folder, monkeypatch)
    path = approve(folder)
    path.write_bytes(path.read_bytes().replace(old, new))
    assert refused(lambda: release(folder)) == code
    assert not (folder / "p.smp").exists()


def test_a_changed_report_and_a_missing_one_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(folder, monkeypatch)
    path = report_path(folder / "p.smp.held")
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"operator": "wang"', b'"operator": "zhao"'))
    assert refused(lambda: approve(folder)) == "APPROVAL_SIGNATURE"
    path.write_bytes(b"{}")
    assert refused(lambda: approve(folder)) == "APPROVAL_CONTENT"
    path.unlink()
    assert refused(lambda: approve(folder)) == "FILE_NOT_FOUND"


def test_without_approval_nothing_can_be_written_whoever_calls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    hold(folder, monkeypatch)
    waiting = read_held(RULED, folder / "p.smp.held")
    out = folder / "p.smp"
    assert refused(lambda: write_release(RULED, waiting.dataset, waiting.encoded, out, desk(folder))) == (
        "APPROVAL_MISSING"
    )
    assert not out.exists()
    plain = RULED.model_copy(update={"parties": AGREEMENT.parties})
    assert refused(
        lambda: encode_export(plain, "population", folder / "population.csv", folder / "police.key", out)
    ) == ("KEYS_MISSING")
