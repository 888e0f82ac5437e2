"""Public keys go into the text of an agreement; nothing else of it changes."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.ceremony import identities, identity
from secure_match.agreement import parse_agreement, trusted_template
from secure_match.agreement._add_keys import add_public_keys
from secure_match.errors import SecureMatchError
from secure_match.exchange.identities import Identity, public_identity

ALL = identities()


def keys(*of: Identity) -> dict[str, tuple[str, dict[str, str]]]:
    return {item.party: (item.role, item.public.party_keys()) for item in of}


def refused(code: str) -> Any:
    return pytest.raises(SecureMatchError, match=f"^{code}: ")


def test_every_other_line_stays_where_it_was() -> None:
    before = trusted_template()
    after = add_public_keys(before, keys(*ALL.values()))
    kept = [line for line in after.splitlines() if not line.startswith("public_keys = ")]
    assert kept == before.splitlines()
    added = [number for number, line in enumerate(after.splitlines()) if line.startswith("public_keys = ")]
    assert len(added) == len(ALL)
    assert all(after.splitlines()[number - 1].startswith("name = ") for number in added)
    agreement = parse_agreement(after)
    assert agreement.sealed
    assert all(public_identity(agreement, party) == item.public for party, item in ALL.items())
    assert add_public_keys(after, keys(*ALL.values())) == after


def test_a_transport_key_may_change_and_a_signing_key_has_to_be_asked_for() -> None:
    text = add_public_keys(trusted_template(), keys(*ALL.values()))
    renewed = ALL["police"].renewed()
    assert public_identity(parse_agreement(add_public_keys(text, keys(renewed))), "police") == renewed.public
    stranger = identity("police", "stranger")
    with refused("KEYS_CHANGED"):
        add_public_keys(text, keys(stranger))
    changed = add_public_keys(text, keys(stranger), replace_signing=True)
    assert public_identity(parse_agreement(changed), "police") == stranger.public


def test_keys_of_other_purposes_stay() -> None:
    text = add_public_keys(trusted_template(), keys(*ALL.values()))
    approval = identity("police", "approver").public.party_keys()["signing"]
    first = text.replace("public_keys = {", f'public_keys = {{approval = "{approval}", ', 1)
    after = parse_agreement(add_public_keys(first, keys(ALL["police"].renewed())))
    assert [party.public_keys.get("approval") for party in after.parties] == [approval, None, None, None, None]


def test_what_is_refused() -> None:
    text = trusted_template()
    with refused("AGREEMENT_INVALID"):
        add_public_keys(text, keys(ALL["police"]))
    with refused("PARTY_UNKNOWN"):
        add_public_keys(text, keys(identity("nobody")))
    wrong = Identity.create("police", "bureau")
    with refused("KEYS_ROLE"):
        add_public_keys(text, keys(wrong))
    with refused("AGREEMENT_NOT_TOML"):
        add_public_keys("a = ", keys(ALL["police"]))
    for shape in ("", "parties = []", "parties = [{ id = 'police' }]"):
        with refused("KEYS_FORM"):
            add_public_keys(shape, keys(ALL["police"]))
