"""Blinded ID tokens under a sealed agreement with two key holders: what travels, the store, and the logs."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

import pytest

from canary.searcher import Searcher
from department.token_office import HOLDERS, answer, blind_text
from integration.people import OWNERS, marks
from integration.road import write_exports
from secure_match.agreement import parse_agreement
from secure_match.audit.files import iter_log
from secure_match.cli._demo_desks import hold_ceremony, make_desks, make_identities, seal_agreement
from secure_match.department.blind_station import blind_exports
from secure_match.department.finalise_station import finalise_answers
from secure_match.department.stations import encode_export
from secure_match.department.token_files import open_token_folder
from secure_match.errors import SecureMatchError
from secure_match.exchange.desk import Desk, Outgoing
from secure_match.exchange.oprf.files import EVALUATED_NOTES, read_evaluated, write_evaluated

SEED = 5
EXPORT = "students"
PARTY = OWNERS[EXPORT]


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Desk]:
    root = tmp_path_factory.mktemp("sealed")
    path = root / "agreement.toml"
    path.write_text(blind_text(2), encoding="utf-8")
    write_exports(root)
    identities = make_identities(parse_agreement(blind_text(2)), SEED, root)
    agreement = seal_agreement(path, identities)
    assert agreement.sealed
    assert all("oprf" in party.public_keys for party in agreement.key_holders)
    desks = make_desks(agreement, identities, root)
    hold_ceremony(agreement, desks, SEED, root, {party: root / f"{party}.key" for party in set(OWNERS.values())})
    return desks


def answered(desk: Desk, request: Path, out: Path) -> Path:
    """What the key holder does at its desk."""
    with desk.received(request, "blinded") as content, desk.private_folder() as folder:
        plain = read_evaluated(answer(content, folder / "plain.sme", desk.party))
    outgoing = Outgoing(kind="evaluated", recipient=PARTY, columns=EVALUATED_NOTES)
    desk.send_written(partial(write_evaluated, plain), out, outgoing)
    return out


def test_request_answer_and_store_are_sealed_and_logged(desks: dict[str, Desk]) -> None:
    desk, root = desks[PARTY], desks[PARTY].log.parent
    agreement, key, store = desk.agreement, root / f"{PARTY}.key", root / "tokens"
    exports = [(EXPORT, root / f"{EXPORT}.csv")]
    report = blind_exports(agreement, exports, key, store, root / "request.smb", random=secrets.token_bytes, desk=desk)
    files = [
        answered(desks[holder], request, root / f"{holder}.sme")
        for holder, request in zip(HOLDERS, report.requests, strict=True)
    ]
    with pytest.raises(SecureMatchError) as caught:
        finalise_answers(agreement, files, store, random=secrets.token_bytes)
    assert caught.value.code == "IDENTITY_NEEDED"
    assert finalise_answers(agreement, files, store, random=secrets.token_bytes, desk=desk).tokens == 2
    assert finalise_answers(agreement, files[:1], store, random=secrets.token_bytes, desk=desk).repeated == (
        "notary.sme",
    )
    again = root / "students.smp"
    result = encode_export(agreement, EXPORT, exports[0][1], key, again, tokens=store, desk=desk)
    assert result.encoded == 2

    actions = [
        entry.action for entry in iter_log(desk.log) if entry.action not in ("checkpoint", "contribute", "derive")
    ]
    assert [item for item in actions if item in ("blind", "receive", "finalise", "release")] == [
        "blind",
        "blind",
        "receive",
        "receive",
        "finalise",
        "receive",
        "release",
    ]
    for path in (*report.requests, *files, *store.rglob("*")):
        assert not path.is_file() or Searcher(marks()).in_bytes(path.read_bytes()) == []


def test_a_store_of_another_identity_stays_shut(desks: dict[str, Desk]) -> None:
    desk, root = desks[PARTY], desks[PARTY].log.parent
    store = root / "other-tokens"
    open_token_folder(store, desk.agreement, PARTY, desk.identity, random=bytes, create=True)
    content = (store / "store.json").read_text(encoding="utf-8")
    assert '"key"' not in content
    for identity, code in ((None, "STORE_DAMAGED"), (desks["police"].identity, "KEY_SIGNATURE")):
        with pytest.raises(SecureMatchError) as caught:
            open_token_folder(store, desk.agreement, PARTY, identity, random=bytes)
        assert caught.value.code == code
