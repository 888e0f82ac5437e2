"""No single party chooses the shared key, the bureau never has it, and what is foreign is refused by its own code."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest

from exchange.ceremony import DEPARTMENTS, contributions, identities, identity, sealed_agreement
from secure_match.agreement import parse_agreement, trusted_template
from secure_match.errors import SecureMatchError
from secure_match.exchange.identities import Identity, open_secret, seal_secret, sign
from secure_match.exchange.secret_access import reveal_combined
from secure_match.exchange.shares import (
    CONTRIBUTION_LABEL,
    SHARE_LABEL,
    Contribution,
    _share_context,
    combine,
    key_departments,
    make_contribution,
    parse_contribution,
    serialise_contribution,
    verify_contribution,
)

ALL = identities()
AGREEMENT = sealed_agreement(ALL)
GIVEN = contributions(AGREEMENT, ALL)


def secret(party: str, given: list[Contribution]) -> bytes:
    return reveal_combined(combine(AGREEMENT, ALL[party], given))


def signed(contribution: Contribution, signer: Identity, **changes: Any) -> Contribution:
    """A contribution with changes, signed anew."""
    changed = contribution.model_copy(update=changes)
    return changed.model_copy(update={"signature": sign(signer, CONTRIBUTION_LABEL, changed.public_part)})


def refused(code: str) -> Any:
    return pytest.raises(SecureMatchError, match=f"^{code}: ")


def test_all_departments_derive_one_key_in_whatever_order() -> None:
    given = list(GIVEN.values())
    keys = {secret(party, order) for party in DEPARTMENTS for order in (given, given[::-1])}
    assert len(keys) == 1
    assert {len(key) for key in keys} == {32}
    assert key_departments(AGREEMENT) == DEPARTMENTS


@pytest.mark.parametrize("party", DEPARTMENTS)
def test_every_share_matters_and_no_one_determines_the_key(party: str) -> None:
    before = secret("police", list(GIVEN.values()))
    again = {**GIVEN, party: make_contribution(AGREEMENT, ALL[party])}
    assert secret("police", list(again.values())) != before
    # The same department keeps its share and the others draw anew: its share alone gives no key.
    others = {**{name: make_contribution(AGREEMENT, ALL[name]) for name in DEPARTMENTS}, party: GIVEN[party]}
    assert secret("police", list(others.values())) != before


def test_a_key_depends_on_shares_and_not_on_how_they_were_sealed() -> None:
    """The same share sealed once more is another file and the same key."""
    share = open_secret(
        ALL["police"],
        SHARE_LABEL,
        GIVEN["police"].shares["police"],
        _share_context(AGREEMENT, "police", "police"),
    )
    shares = {
        name: seal_secret(ALL[name].public, SHARE_LABEL, share, _share_context(AGREEMENT, "police", name))
        for name in DEPARTMENTS
    }
    again = {**GIVEN, "police": signed(GIVEN["police"], ALL["police"], shares=shares)}
    assert serialise_contribution(again["police"]) != serialise_contribution(GIVEN["police"])
    assert secret("hrss", list(again.values())) == secret("hrss", list(GIVEN.values()))


def test_the_bureau_opens_no_share() -> None:
    with refused("CONTRIBUTION_RECIPIENTS"):
        combine(AGREEMENT, ALL["bureau"], list(GIVEN.values()))
    # Not by leave of our own check only: no sealed share opens with its key, under any recipient's context.
    for contribution in GIVEN.values():
        for sealed in contribution.shares.values():
            for recipient in (*DEPARTMENTS, "bureau"):
                context = _share_context(AGREEMENT, contribution.contributor, recipient)
                with refused("KEY_SEAL"):
                    open_secret(ALL["bureau"], SHARE_LABEL, sealed, context)
    # What it reads holds no share and no key.
    carried = b"".join(map(serialise_contribution, GIVEN.values()))
    assert secret("police", list(GIVEN.values())).hex().encode() not in carried


def test_fewer_than_all_are_refused() -> None:
    for count in range(len(DEPARTMENTS)):
        for some in combinations(DEPARTMENTS, count):
            with refused("CONTRIBUTION_MISSING") as caught:
                combine(AGREEMENT, ALL["police"], [GIVEN[name] for name in some])
            assert ", ".join(name for name in DEPARTMENTS if name not in some) in str(caught.value)
    with refused("CONTRIBUTION_TWICE"):
        combine(AGREEMENT, ALL["police"], [*GIVEN.values(), make_contribution(AGREEMENT, ALL["hrss"])])


def test_a_share_of_another_ceremony_is_refused() -> None:
    other_text = sealed_agreement(ALL, purpose="x")
    other_epoch = sealed_agreement(ALL, epoch="2027")
    for agreement, code in ((other_text, "KEY_AGREEMENT"), (other_epoch, "KEY_EPOCH")):
        foreign = make_contribution(agreement, ALL["hrss"])
        with refused(code):
            combine(AGREEMENT, ALL["police"], [*GIVEN.values(), foreign])
        # Claiming to be of this one does not help: the share was sealed, and committed to, under the other.
        claimed = signed(
            foreign, ALL["hrss"], agreement_fingerprint=AGREEMENT.fingerprint, key_epoch=AGREEMENT.key_epoch
        )
        verify_contribution(AGREEMENT, claimed)
        with refused("KEY_SEAL"):
            combine(AGREEMENT, ALL["police"], [*(GIVEN[name] for name in DEPARTMENTS if name != "hrss"), claimed])
    with refused("KEY_AGREEMENT"):
        verify_contribution(AGREEMENT, signed(GIVEN["hrss"], ALL["hrss"], agreement_id="another"))


def test_a_share_of_another_signer_is_refused() -> None:
    hrss = GIVEN["hrss"]
    for signer in (ALL["police"], ALL["bureau"], identity("hrss", "stranger")):
        with refused("CONTRIBUTION_SIGNATURE"):
            verify_contribution(AGREEMENT, signed(hrss, signer))
    with refused("CONTRIBUTION_SIGNATURE"):
        verify_contribution(AGREEMENT, hrss.model_copy(update={"commitment": "0" * 64}))
    with refused("CONTRIBUTION_SENDER"):
        verify_contribution(AGREEMENT, signed(hrss, ALL["bureau"], contributor="bureau"))
    with refused("CONTRIBUTION_SENDER"):
        make_contribution(AGREEMENT, ALL["bureau"])
    with refused("CONTRIBUTION_RECIPIENTS"):
        shares = {**hrss.shares, "bureau": hrss.shares["police"]}
        verify_contribution(AGREEMENT, signed(hrss, ALL["hrss"], shares=shares))
    for outsider in (identity("police", "stranger"), identity("nobody")):
        with pytest.raises(SecureMatchError) as caught:
            make_contribution(AGREEMENT, outsider)
        assert caught.value.code in {"KEY_PARTY", "PARTY_UNKNOWN"}


def test_who_seals_different_shares_is_named() -> None:
    other = make_contribution(AGREEMENT, ALL["hrss"])
    mixed = signed(GIVEN["hrss"], ALL["hrss"], shares={**GIVEN["hrss"].shares, "police": other.shares["police"]})
    given = [*(GIVEN[name] for name in DEPARTMENTS if name != "hrss"), mixed]
    with refused("CONTRIBUTION_SHARE") as caught:
        secret("police", given)
    assert "hrss" in str(caught.value)


def test_swapped_shares_do_not_open() -> None:
    shares = dict(zip(DEPARTMENTS, (GIVEN["hrss"].shares[name] for name in DEPARTMENTS[::-1]), strict=True))
    given = {**GIVEN, "hrss": signed(GIVEN["hrss"], ALL["hrss"], shares=shares)}
    with refused("KEY_SEAL"):
        secret("police", list(given.values()))


def test_a_trial_agreement_has_no_ceremony() -> None:
    with refused("KEYS_MISSING"):
        make_contribution(parse_agreement(trusted_template()), ALL["police"])


def test_a_contribution_is_strict_and_every_byte_counts() -> None:
    data = serialise_contribution(GIVEN["police"])
    assert parse_contribution(data) == GIVEN["police"]
    content = json.loads(data)
    for change in ({"format_version": 2}, {"more": 1}, {"commitment": "0"}, {"shares": {}, "x": 1}, {"signature": ""}):
        with refused("CONTRIBUTION_FORMAT"):
            parse_contribution(json.dumps(content | change).encode())
    for broken in (b"", b"[]", data[:-3], b"\xff", b"[" * 9999):
        with refused("CONTRIBUTION_FORMAT"):
            parse_contribution(broken)
    for place in range(0, len(data), 7):
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            verify_contribution(AGREEMENT, parse_contribution(bytes(changed)))
        except SecureMatchError:
            continue
        # White space between JSON's signs is nobody's.
        assert json.loads(changed) == content
