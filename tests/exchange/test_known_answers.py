"""Published vectors run through our own code: RFC 5869, RFC 8032, RFC 9180 and the draft of its hybrid KEM.

What can be checked of HPKE: the library seals with a random ephemeral key only, so that sealing has no known answer;
opening has. No published vector is known to us for exactly our suite (MLKEM768-X25519, HKDF-SHA256, AES-256-GCM).
So the KEM comes from the draft's vector (key pair, encapsulation, shared secret). The key schedule, the same for all
suites but for its suite id, is written out here from RFC 9180 by HMAC alone; it has to give the keys that both
documents publish, before it gives the one that our own ``open_secret`` is held to.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from secure_match.department.keys import derive_key
from secure_match.errors import SecureMatchError
from secure_match.exchange import identities
from secure_match.exchange.derivation import hkdf_sha256, purpose_label
from secure_match.exchange.identities import Identity, open_secret, sign, verify_signature

VECTORS: Final = Path(__file__).parent / "vectors"
AES_256_GCM: Final = 2  # RFC 9180, table 5.
KEY_BYTES: Final = {1: 16, 2: 32, 3: 32}


def vectors(name: str) -> list[Any]:
    content = json.loads((VECTORS / f"{name}.json").read_text())
    assert content["source"]
    return [pytest.param(vector, id=vector["id"]) for vector in content["vectors"]]


def of_hex(vector: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(vector[name]) for name in names]


@pytest.mark.parametrize("vector", vectors("rfc5869"))
def test_hkdf(vector: dict[str, Any]) -> None:
    ikm, salt, info, okm = of_hex(vector, "ikm", "salt", "info", "okm")
    assert hkdf_sha256(ikm, salt=salt, info=info, length_bytes=vector["length"]) == okm


def test_every_derived_key_is_that_hkdf() -> None:
    label = purpose_label("id-token", "f" * 64, "2026")
    assert derive_key(b"s" * 32, "id-token", "f" * 64, "2026") == expand(extract(b"", b"s" * 32), label, 32)


@pytest.mark.parametrize("vector", vectors("rfc8032"))
def test_ed25519(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    secret, public, message, signature = of_hex(vector, "secret", "public", "message", "signature")
    own = Identity.from_seeds("police", "department", transport_seed=bytes(96), signing_seed=secret)
    assert own.public.signing == public
    # Ours is never over a bare message; the vectors are.
    monkeypatch.setattr(identities, "_labelled", lambda label, data: data)
    assert sign(own, "x", message) == signature
    verify_signature(public, "x", message, signature)
    for wrong in (signature[:-1] + bytes([signature[-1] ^ 1]), signature[:-1], b"", signature + b"\0"):
        with pytest.raises(SecureMatchError):
            verify_signature(public, "x", message, wrong)


def extract(salt: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), ikm, "sha256")


def expand(prk: bytes, info: bytes, length: int) -> bytes:
    out, block = b"", b""
    while len(out) < length:
        block = hmac.digest(prk, block + info + bytes([len(out) // 32 + 1]), "sha256")
        out += block
    return out[:length]


def key_schedule(shared_secret: bytes, info: bytes, kem_id: int, aead_id: int) -> tuple[bytes, bytes]:
    """Key and nonce of RFC 9180, section 5.1, base mode, HKDF-SHA256."""
    head = b"HPKE-v1" + b"HPKE" + kem_id.to_bytes(2, "big") + (1).to_bytes(2, "big") + aead_id.to_bytes(2, "big")

    def labelled_expand(prk: bytes, label: bytes, context: bytes, length: int) -> bytes:
        return expand(prk, length.to_bytes(2, "big") + head + label + context, length)

    context = b"\0" + extract(b"", head + b"psk_id_hash") + extract(b"", head + b"info_hash" + info)
    secret = extract(shared_secret, head + b"secret")
    return (
        labelled_expand(secret, b"key", context, KEY_BYTES[aead_id]),
        labelled_expand(secret, b"base_nonce", context, 12),
    )


@pytest.mark.parametrize("vector", [*vectors("rfc9180"), *vectors("hpke-pq")])
def test_the_key_schedule_written_out_is_the_published_one(vector: dict[str, Any]) -> None:
    shared, info, key, nonce = of_hex(vector, "shared_secret", "info", "key", "base_nonce")
    assert key_schedule(shared, info, vector["kem_id"], vector["aead_id"]) == (key, nonce)
    cipher: Any = {1: AESGCM, 3: ChaCha20Poly1305}[vector["aead_id"]](key)
    aad, plaintext, ciphertext = of_hex(vector, "aad", "plaintext", "ciphertext")
    assert cipher.encrypt(nonce, plaintext, aad) == ciphertext


@pytest.mark.parametrize("vector", vectors("rfc9180"))
def test_the_library_opens_by_rfc_9180(vector: dict[str, Any]) -> None:
    """The published key and nonce; the single-shot call of the library has no associated data."""
    private, public, enc, info = of_hex(vector, "private_key", "public_key", "enc", "info")
    key, nonce, plaintext = of_hex(vector, "key", "base_nonce", "plaintext")
    own = X25519PrivateKey.from_private_bytes(private)
    assert own.public_key().public_bytes_raw() == public
    sealed = enc + AESGCM(key).encrypt(nonce, plaintext, b"")
    assert Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM).decrypt(sealed, own, info=info) == plaintext


@pytest.mark.parametrize("vector", vectors("hpke-pq"))
def test_our_transport_key_and_opening_are_the_drafts(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seed, public, enc, shared, info, key, nonce, plaintext = of_hex(
        vector, "private_seed", "public_key", "enc", "shared_secret", "info", "key", "base_nonce", "plaintext"
    )
    own = Identity.from_seeds(
        "police", "department", transport_seed=hashlib.shake_256(seed).digest(96), signing_seed=b"s" * 32
    )
    assert own.public.transport == public

    # Our suite, our labels, nothing replaced: the encapsulation is the draft's, the rest follows from RFC 9180.
    context = b"some context"
    ours = b"secure_match/v1/some-label\n" + context
    ours_key, ours_nonce = key_schedule(shared, ours, vector["kem_id"], AES_256_GCM)
    sealed = enc + AESGCM(ours_key).encrypt(ours_nonce, b"a secret", b"")
    assert open_secret(own, "some-label", sealed, context) == b"a secret"
    for label, other in (("some-label", b"other"), ("other-label", context)):
        with pytest.raises(SecureMatchError, match=r"^KEY_SEAL: "):
            open_secret(own, label, sealed, other)

    # The draft's own suite and info, through the same function.
    monkeypatch.setattr(identities, "_HPKE", Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305))
    monkeypatch.setattr(identities, "_labelled", lambda label, data: data)
    sealed = enc + ChaCha20Poly1305(key).encrypt(nonce, plaintext, b"")
    assert open_secret(own, "", sealed, info) == plaintext
