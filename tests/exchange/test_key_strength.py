"""Public keys that protect nothing are refused where they are read; every key that is drawn is taken."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from exchange.ceremony import identities, identity, sealed_agreement
from secure_match.agreement import Agreement
from secure_match.errors import KeyFileError, SecureMatchError
from secure_match.exchange.approvals import approval_key, verify_agreement_keys
from secure_match.exchange.identities import PublicIdentity, public_identity, seal_secret
from secure_match.exchange.key_files import canonical_json, parse_public, serialise_public
from secure_match.exchange.key_strength import verify_signing_key

PRIME = 2**255 - 19
OWN = identity("police")
# Order 1, 4, 8, 8 and 2 of the curve and its twist; then the same as 0 and 1, written another way.
SMALL_U = [
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    PRIME - 1,
    PRIME,
    PRIME + 1,
]


def order_8() -> int:
    """A root of d y^4 + 2 y^2 - 1: what doubles to y = 0."""
    d = -121665 * pow(121666, -1, PRIME) % PRIME
    root = next(r for r in roots((1 + d) % PRIME))
    return next(y for sign in (root, -root) for y in roots((sign - 1) * pow(d, -1, PRIME) % PRIME))


def roots(square: int) -> list[int]:
    found = pow(square, (PRIME + 3) // 8, PRIME)
    candidates = (found, found * pow(2, (PRIME - 1) // 4, PRIME) % PRIME)
    return [root for root in candidates if root * root % PRIME == square]


SMALL_Y = [1, PRIME - 1, 0, order_8(), PRIME - order_8(), PRIME, PRIME + 1]
SMALL_SIGNING = [(y | sign << 255).to_bytes(32, "little") for y in SMALL_Y for sign in (0, 1)]


def weak(call: object) -> str:
    with pytest.raises(SecureMatchError) as caught:
        call()  # type: ignore[operator]
    assert caught.value.__context__ is None
    return caught.value.code


def public(*, transport: bytes = OWN.public.transport, signing: bytes = OWN.public.signing) -> PublicIdentity:
    return PublicIdentity(party="police", role="department", transport=transport, signing=signing)


@pytest.mark.parametrize("key", SMALL_SIGNING, ids=lambda key: key.hex()[:8] + key.hex()[-4:])
def test_no_signing_key_of_small_order(key: bytes) -> None:
    assert weak(lambda: public(signing=key)) == "KEY_WEAK"


def test_such_a_key_would_have_signed_everything() -> None:
    neutral = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + bytes(32), b"anything")


@given(st.binary(min_size=32, max_size=32))
def test_whatever_is_drawn_passes_and_half_of_all_bytes_are_no_key(seed: bytes) -> None:
    made = identity("police", seed.hex()).public
    verify_signing_key(made.signing)
    changed = bytearray(made.signing)
    codes = set()
    for number in range(40):
        changed[0] = number
        try:
            verify_signing_key(bytes(changed))
        except KeyFileError as error:
            codes.add(error.code)
    assert codes == {"KEY_WEAK"}


@pytest.mark.parametrize("u", SMALL_U)
def test_no_transport_key_of_small_order(u: int) -> None:
    mlkem = OWN.public.transport[:1184]
    for high in (0, 1 << 255):
        assert weak(lambda high=high: public(transport=mlkem + (u | high).to_bytes(32, "little"))) == "KEY_WEAK"


@pytest.mark.parametrize("place", [0, 600, 1149])
def test_no_coefficient_reaches_the_modulus(place: int) -> None:
    transport = bytearray(OWN.public.transport)
    transport[place : place + 3] = b"\xff\xff\xff"
    assert weak(lambda: public(transport=bytes(transport))) == "KEY_WEAK"
    assert weak(lambda: public(transport=b"\xff" * 1184 + transport[1184:])) == "KEY_WEAK"


def test_whoever_passes_can_be_sealed_to() -> None:
    assert seal_secret(public(), "test", b"secret", b"")


def keyed(**keys: bytes) -> Agreement:
    agreement = sealed_agreement(identities())
    prefixes = {"transport": "mlkem768-x25519:", "signing": "ed25519:", "approval": "ed25519:"}
    new = {purpose: prefixes[purpose] + base64.b64encode(key).decode() for purpose, key in keys.items()}
    parties = [
        party.model_copy(update={"public_keys": {**party.public_keys, **new}}) if party.id == "police" else party
        for party in agreement.parties
    ]
    return agreement.model_copy(update={"parties": tuple(parties)})


def test_an_agreement_with_such_a_key_is_named_by_its_party() -> None:
    verify_agreement_keys(keyed())
    low = (1).to_bytes(32, "little")
    assert weak(lambda: public_identity(keyed(signing=low), "police")) == "KEY_WEAK"
    assert weak(lambda: approval_key(keyed(approval=low), "police")) == "KEY_WEAK"
    for agreement in (keyed(signing=low), keyed(approval=low), keyed(transport=bytes(1216))):
        with pytest.raises(KeyFileError, match="police"):
            verify_agreement_keys(agreement)


def test_a_public_file_signed_by_everybody_is_refused() -> None:
    neutral = (1).to_bytes(32, "little")
    content = json.loads(serialise_public(OWN))
    content["public_keys"]["signing"] = "ed25519:" + base64.b64encode(neutral).decode()
    content["signature"] = base64.b64encode(neutral + bytes(32)).decode()
    assert weak(lambda: parse_public(canonical_json(content))) == "KEY_WEAK"
