"""Public keys of an agreement: of all who need them, in their form, each once."""

from __future__ import annotations

import base64
import json
import tomllib
from typing import Any

import pytest

from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.agreement._checks import verify_agreement
from secure_match.errors import AgreementError


def key(prefix: str, length: int, number: int) -> str:
    return prefix + base64.b64encode(bytes([number]) * length).decode()


def keyed() -> dict[str, Any]:
    content = tomllib.loads(trusted_template())
    for number, party in enumerate(content["parties"]):
        party["public_keys"] = {
            "transport": key("mlkem768-x25519:", 1216, number),
            "signing": key("ed25519:", 32, number),
        }
    return content


def made(content: dict[str, Any]) -> Agreement:
    agreement = Agreement.model_validate_json(json.dumps(content))
    verify_agreement(agreement)
    return agreement


def test_an_agreement_with_keys_is_sealed_and_has_another_fingerprint() -> None:
    trial, sealed = parse_agreement(trusted_template()), made(keyed())
    assert not trial.sealed
    assert sealed.sealed
    assert sealed.fingerprint != trial.fingerprint
    other = keyed()
    other["parties"][0]["public_keys"]["signing"] = key("ed25519:", 32, 99)
    assert made(other).fingerprint != sealed.fingerprint


def test_a_reviewer_needs_no_keys_and_may_have_them() -> None:
    content = keyed()
    content["parties"].append({"id": "audit", "role": "reviewer", "name": "安全审查"})
    assert made(content).sealed
    content["parties"][-1]["public_keys"] = {"signing": key("ed25519:", 32, 77)}
    with pytest.raises(AgreementError, match="no transport key"):
        made(content)


@pytest.mark.parametrize(
    ("purpose", "text"),
    [
        ("signing", "ed25519:AAAA"),
        ("signing", key("ed448:", 32, 1)),
        ("signing", key("ed25519:", 32, 1) + "\u200b".strip("\u200b") + "="),
        ("transport", key("mlkem768-x25519:", 1184, 1)),
        ("transport", key("ed25519:", 32, 1)),
        ("payment", key("ed25519:", 32, 1)),
        ("approval", key("ed25519:", 31, 1)),
    ],
)
def test_a_key_of_another_form_is_refused_by_its_path(purpose: str, text: str) -> None:
    content = keyed()
    content["parties"][1]["public_keys"][purpose] = text
    with pytest.raises(AgreementError) as caught:
        made(content)
    assert caught.value.code == "AGREEMENT_INVALID"
    assert caught.value.place.key == f"parties[1].public_keys.{purpose}"
    assert text not in str(caught.value)


def test_a_key_stands_once() -> None:
    content = keyed()
    content["parties"][1]["public_keys"]["approval"] = content["parties"][1]["public_keys"]["signing"]
    with pytest.raises(AgreementError, match="stands twice"):
        made(content)
    content = keyed()
    content["parties"][2]["public_keys"]["transport"] = content["parties"][1]["public_keys"]["transport"]
    with pytest.raises(AgreementError, match="stands twice"):
        made(content)


@pytest.mark.parametrize("place", [0, 4])
def test_no_department_and_no_bureau_goes_without(place: int) -> None:
    content = keyed()
    del content["parties"][place]["public_keys"]
    with pytest.raises(AgreementError) as caught:
        made(content)
    assert caught.value.place.key == f"parties[{place}].public_keys"
