"""Blinded ID tokens in the agreement: key holders, quotas, and passes that would undo them."""

from __future__ import annotations

import base64
import json
import tomllib
from typing import Any

import pytest

from secure_match.agreement import Agreement, leaving_columns, parse_agreement, trusted_template
from secure_match.agreement._checks import verify_agreement
from secure_match.errors import AgreementError, KeyFileError
from secure_match.exchange.oprf.agreed_keys import verify_holder_keys

QUOTA = {"police": 1000, "hrss": 900, "medical": 800, "education": 200}


def oprf_key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


def blinded(holders: int = 1, *, keys: bool = True) -> dict[str, Any]:
    """The city's agreement with key holders, and without the pass on the partial number alone."""
    content = tomllib.loads(trusted_template())
    content["id_token"] = {"protocol": "oprf", "quota_rows": dict(QUOTA)}
    content["passes"] = [item for item in content["passes"] if item["block_on"] != ["id_number.partial"]]
    for number in range(holders):
        party = {"id": f"holder{number}", "role": "keyholder", "name": "密钥保管方"}
        if keys:
            party["public_keys"] = {"oprf": oprf_key(number + 1)}
        content["parties"].append(party)
    return content


def made(content: dict[str, Any]) -> Agreement:
    agreement = Agreement.model_validate_json(json.dumps(content))
    verify_agreement(agreement)
    return agreement


def refused(content: dict[str, Any]) -> tuple[str | None, str]:
    with pytest.raises(AgreementError) as caught:
        made(content)
    assert caught.value.code == "AGREEMENT_INVALID"
    return caught.value.place.key, caught.value.message


@pytest.mark.parametrize("holders", [1, 2])
def test_one_or_two_key_holders_and_no_seal_by_their_keys(holders: int) -> None:
    agreement = made(blinded(holders))
    assert not agreement.sealed
    assert [party.id for party in agreement.key_holders] == [f"holder{number}" for number in range(holders)]
    assert made(blinded(holders, keys=False)).fingerprint != agreement.fingerprint
    token = next(column for column in leaving_columns(agreement, agreement.datasets[0]) if column.name == "id_token")
    assert all(party.id in token.form for party in agreement.key_holders)


def test_oprf_is_what_is_meant_where_nothing_is_said() -> None:
    content = blinded()
    del content["id_token"]["protocol"]
    assert made(content).fingerprint == made(blinded()).fingerprint
    del content["id_token"]
    assert refused(content)[0] == "id_token.quota_rows.education"


def test_quotas_do_not_change_the_fingerprint_of_an_agreement_that_has_none() -> None:
    agreement = parse_agreement(trusted_template())
    content = json.loads(agreement.canonical_bytes.split(b"\n")[1])
    assert content["id_token"] == {"accept_offline_guessing": True, "protocol": "hmac"}
    more = blinded()
    more["id_token"]["quota_rows"]["police"] += 1
    assert made(more).fingerprint != made(blinded()).fingerprint


@pytest.mark.parametrize("holders", [0, 3])
def test_no_key_holder_or_three_are_refused(holders: int) -> None:
    assert refused(blinded(holders))[0] == "parties"


def test_a_key_holder_beside_one_with_a_key_needs_one() -> None:
    content = blinded(2)
    del content["parties"][-1]["public_keys"]
    assert refused(content)[0] == "parties[6].public_keys"


def test_every_department_with_tokens_has_a_quota_and_no_other() -> None:
    content = blinded()
    del content["id_token"]["quota_rows"]["medical"]
    assert refused(content)[0] == "id_token.quota_rows.medical"
    content = blinded()
    content["id_token"]["quota_rows"]["bureau"] = 5
    assert refused(content)[0] == "id_token.quota_rows.bureau"
    content = tomllib.loads(trusted_template())
    content["id_token"]["quota_rows"] = QUOTA
    assert refused(content)[0] == "id_token.quota_rows"


@pytest.mark.parametrize(
    "block", [["id_number.partial"], ["id_number"], ["id_number.partial", "birth_date", "sex"]], ids=",".join
)
def test_a_block_that_the_number_alone_decides_is_refused(block: list[str]) -> None:
    content = blinded()
    content["passes"][0]["block_on"] = block
    assert refused(content)[0] == "passes[0].block_on"
    content["passes"][0]["block_on"] = [*block, "name.surname"]
    made(content)


def test_only_a_key_holder_has_an_oprf_key_of_32_bytes() -> None:
    content = blinded()
    content["parties"][0]["public_keys"] = {"oprf": oprf_key(7)}
    assert refused(content)[0] == "parties[0].public_keys.oprf"
    content = blinded()
    content["parties"][-1]["public_keys"]["oprf"] = base64.b64encode(bytes(31)).decode()
    assert refused(content)[0] == "parties[5].public_keys.oprf"
    content = blinded(2)
    content["parties"][-1]["public_keys"]["oprf"] = oprf_key(1)
    assert "stands twice" in refused(content)[1]


def test_a_key_that_is_no_point_or_the_neutral_one_is_refused() -> None:
    for number in (0, 255):
        content = blinded()
        content["parties"][-1]["public_keys"]["oprf"] = oprf_key(number)
        with pytest.raises(KeyFileError) as caught:
            verify_holder_keys(made(content))
        assert caught.value.code == "KEY_WEAK"
    verify_holder_keys(made(blinded(keys=False)))


def test_a_key_holder_of_a_sealed_agreement_seals_too() -> None:
    content = blinded()
    for number, party in enumerate(content["parties"][:-1]):
        transport = "mlkem768-x25519:" + base64.b64encode(bytes([number]) * 1216).decode()
        signing = "ed25519:" + base64.b64encode(bytes([number]) * 32).decode()
        party["public_keys"] = {"transport": transport, "signing": signing}
    key, message = refused(content)
    assert (key, "no transport and no signing key" in message) == ("parties[5].public_keys", True)
