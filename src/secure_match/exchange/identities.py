"""ENCODED: who a party is to the others: a transport key that packages are sealed to, a signing key that they bear.

Transport is HPKE (RFC 9180) with the hybrid KEM of ML-KEM-768 and X25519: to read what was sealed one has to break
both. Signatures are Ed25519 (RFC 8032). Invariants:

* every signature and every sealed secret has a purpose label, so that none can be taken for one of another purpose,
* private keys stay in their :class:`Identity`; only ``secret_access`` takes them out.

Python cannot wipe memory: a process that held a key may leave it in freed pages until it ends.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import secrets
from dataclasses import dataclass
from typing import Final, Literal, Self

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from secure_match.agreement import Agreement
from secure_match.errors import AgreementError, KeyFileError, PackageError
from secure_match.exchange.key_strength import verify_signing_key, verify_transport_key
from secure_match.exchange.opaque import Guarded

Role = Literal["department", "keyholder", "bureau", "reviewer"]

MLKEM_SEED_BYTES: Final = 64
TRANSPORT_SEED_BYTES: Final = MLKEM_SEED_BYTES + 32
SIGNING_SEED_BYTES: Final = 32
MLKEM_PUBLIC_BYTES: Final = 1184  # FIPS 203, table 3.
TRANSPORT_PUBLIC_BYTES: Final = MLKEM_PUBLIC_BYTES + 32
SIGNING_PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
TRANSPORT_PREFIX: Final = "mlkem768-x25519:"
SIGNING_PREFIX: Final = "ed25519:"

_LABEL: Final = b"secure_match/v1/"
_KEY_ID_BYTES: Final = 8
_HPKE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicIdentity:
    """What others know of a party.

    Attributes:
        party: its id in the agreement.
        role: its role there.
        transport: ML-KEM-768 encapsulation key (1184 bytes) and X25519 public key (32 bytes).
        signing: Ed25519 public key, 32 bytes.

    Raises:
        KeyFileError: ``KEY_LENGTH``; ``KEY_WEAK`` for a key that protects nothing.
    """

    party: str
    role: Role
    transport: bytes
    signing: bytes

    def __post_init__(self) -> None:
        if len(self.transport) != TRANSPORT_PUBLIC_BYTES or len(self.signing) != SIGNING_PUBLIC_BYTES:
            raise KeyFileError("a public key has another length than its kind", code="KEY_LENGTH")
        verify_transport_key(self.transport[:MLKEM_PUBLIC_BYTES], self.transport[MLKEM_PUBLIC_BYTES:])
        verify_signing_key(self.signing)

    @property
    def key_id(self) -> str:
        """A short name of both keys, 16 hex digits, to be read out and compared."""
        whole = hashlib.sha256(_LABEL + b"identity\n" + self.transport + self.signing)
        return whole.digest()[:_KEY_ID_BYTES].hex()

    def party_keys(self) -> dict[str, str]:
        """The keys as an agreement's ``public_keys`` hold them."""
        return {
            "transport": TRANSPORT_PREFIX + base64.b64encode(self.transport).decode("ascii"),
            "signing": SIGNING_PREFIX + base64.b64encode(self.signing).decode("ascii"),
        }


class Identity(Guarded):
    """A party's private keys, as an opaque handle.

    Attributes:
        party: the party's id in the agreement.
        role: its role there.
        public: what others may know.
    """

    __slots__ = ("_signing_seed", "_transport_seed", "party", "public", "role")

    party: str
    role: Role
    public: PublicIdentity
    _transport_seed: bytes
    _signing_seed: bytes

    @classmethod
    def create(cls, party: str, role: Role) -> Self:
        """A new identity from the system's random numbers."""
        return cls.from_seeds(
            party,
            role,
            transport_seed=secrets.token_bytes(TRANSPORT_SEED_BYTES),
            signing_seed=secrets.token_bytes(SIGNING_SEED_BYTES),
        )

    @classmethod
    def from_seeds(cls, party: str, role: Role, *, transport_seed: bytes, signing_seed: bytes) -> Self:
        """The identity of two seeds.

        Args:
            transport_seed: 96 bytes: seed of ML-KEM-768 (d and z, FIPS 203), then the X25519 private key.
            signing_seed: 32 bytes: the Ed25519 private key.

        Raises:
            KeyFileError: ``KEY_LENGTH``.
        """
        if len(transport_seed) != TRANSPORT_SEED_BYTES or len(signing_seed) != SIGNING_SEED_BYTES:
            raise KeyFileError("a private key has another length than its kind", code="KEY_LENGTH")
        identity = cls()
        identity.party, identity.role = party, role
        identity._transport_seed, identity._signing_seed = transport_seed, signing_seed
        mlkem, x25519 = _transport_keys(transport_seed)
        identity.public = PublicIdentity(
            party=party,
            role=role,
            transport=mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw(),
            signing=Ed25519PrivateKey.from_private_bytes(signing_seed).public_key().public_bytes_raw(),
        )
        return identity

    def renewed(self) -> Identity:
        """The same party and signing key with a new transport key; what was sealed to the old one stays shut."""
        seed = secrets.token_bytes(TRANSPORT_SEED_BYTES)
        return Identity.from_seeds(self.party, self.role, transport_seed=seed, signing_seed=self._signing_seed)


def _transport_keys(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    mlkem, x25519 = seed[:MLKEM_SEED_BYTES], seed[MLKEM_SEED_BYTES:]
    return MLKEM768PrivateKey.from_seed_bytes(mlkem), X25519PrivateKey.from_private_bytes(x25519)


def parse_key(text: str, prefix: str, length_bytes: int) -> bytes:
    """A public key of an agreement's ``public_keys`` or of a public file.

    Raises:
        KeyFileError: ``KEY_FORMAT`` for another prefix or length, or a form that is not the one of its bytes.
    """
    data = b""
    if text.startswith(prefix):
        with contextlib.suppress(ValueError, binascii.Error):
            data = base64.b64decode(text.removeprefix(prefix), validate=True)
    if len(data) != length_bytes or base64.b64encode(data).decode("ascii") != text.removeprefix(prefix):
        raise KeyFileError(
            f"a public key has the form {prefix}BASE64 with {length_bytes} bytes; take it from the party's public file",
            code="KEY_FORMAT",
        )
    return data


def public_identity(agreement: Agreement, party_id: str) -> PublicIdentity:
    """The public keys of a party of a sealed agreement.

    Raises:
        AgreementError: ``PARTY_UNKNOWN``; ``KEYS_MISSING`` where the agreement names none for it.
        KeyFileError: ``KEY_FORMAT``, ``KEY_WEAK``.
    """
    party = agreement.party(party_id)
    if party is None:
        raise AgreementError("the agreement has no party of that id", code="PARTY_UNKNOWN")
    if not {"transport", "signing"} <= set(party.public_keys):
        raise AgreementError(
            f"the agreement names no public keys of {party_id}; add them with: secure-match agreement add-keys",
            code="KEYS_MISSING",
        )
    return PublicIdentity(
        party=party.id,
        role=party.role,
        transport=parse_key(party.public_keys["transport"], TRANSPORT_PREFIX, TRANSPORT_PUBLIC_BYTES),
        signing=parse_key(party.public_keys["signing"], SIGNING_PREFIX, SIGNING_PUBLIC_BYTES),
    )


def verify_identity(agreement: Agreement, identity: Identity) -> None:
    """Check that an identity is the one that the agreement names for its party.

    Raises:
        KeyFileError: ``KEY_PARTY`` where the agreement names no such party, or others of its keys.
    """
    named = agreement.party(identity.party)
    if named is None or public_identity(agreement, identity.party) != identity.public:
        raise KeyFileError(
            f"this is not the identity that the agreement names for {identity.party}; after a change of keys the "
            "agreement needs the new ones",
            code="KEY_PARTY",
        )


def sign(identity: Identity, label: str, data: bytes) -> bytes:
    """An Ed25519 signature, 64 bytes, over the label and the data."""
    return Ed25519PrivateKey.from_private_bytes(identity._signing_seed).sign(_labelled(label, data))


def verify_signature(
    public_key: bytes, label: str, data: bytes, signature: bytes, *, code: str = "PACKAGE_SIGNATURE"
) -> None:
    """Check a signature.

    Args:
        public_key: Ed25519, 32 bytes.

    Raises:
        PackageError: ``code``.
    """
    with contextlib.suppress(InvalidSignature, ValueError):
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _labelled(label, data))
        return
    raise PackageError("the signature does not fit: this was changed, or signed by somebody else; refuse it", code=code)


def _labelled(label: str, data: bytes) -> bytes:
    return _LABEL + label.encode("ascii") + b"\n" + data


def seal_secret(public: PublicIdentity, label: str, secret: bytes, context: bytes) -> bytes:
    """Seal a short secret to a party: HPKE base mode, ``info`` being label and context.

    Args:
        context: what the secret belongs to; it opens with the same context only.
    """
    mlkem = MLKEM768PublicKey.from_public_bytes(public.transport[:MLKEM_PUBLIC_BYTES])
    x25519 = X25519PublicKey.from_public_bytes(public.transport[MLKEM_PUBLIC_BYTES:])
    return _HPKE.encrypt(secret, MLKEM768X25519PublicKey(mlkem, x25519), info=_labelled(label, context))


def open_secret(identity: Identity, label: str, sealed: bytes, context: bytes) -> bytes:
    """Open what :func:`seal_secret` sealed.

    Raises:
        KeyFileError: ``KEY_SEAL``.
    """
    key = MLKEM768X25519PrivateKey(*_transport_keys(identity._transport_seed))
    # An encapsulation whose X25519 half is a point of small order is a ValueError of the library.
    with contextlib.suppress(InvalidTag, ValueError):
        return _HPKE.decrypt(sealed, key, info=_labelled(label, context))
    raise KeyFileError("this does not open with this key: it was sealed to another, or changed", code="KEY_SEAL")
