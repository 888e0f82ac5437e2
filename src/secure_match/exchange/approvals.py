"""ENCODED: a second operator's approval: a signature over what leaves, by a key that the agreement names for it.

The signed bytes are the canonical JSON of the agreement's fingerprint, the dataset, the digest of the plain package,
the approver's name and the time: nothing but exactly those bytes of content can leave on it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from datetime import UTC, datetime
from typing import Final

from secure_match.agreement import Agreement
from secure_match.encoded.container import canonical_json
from secure_match.errors import AgreementError, KeyFileError, ReleaseError
from secure_match.exchange.identities import (
    SIGNING_PREFIX,
    SIGNING_PUBLIC_BYTES,
    Identity,
    parse_key,
    public_identity,
    sign,
    verify_signature,
)
from secure_match.exchange.key_strength import verify_signing_key
from secure_match.exchange.manifest import Approval

APPROVAL_LABEL: Final = "release-approval"


def approval_key(agreement: Agreement, party_id: str) -> bytes:
    """The Ed25519 public key, 32 bytes, that a party's approvals are signed with.

    Raises:
        AgreementError: ``KEYS_MISSING``.
        KeyFileError: ``KEY_FORMAT``, ``KEY_WEAK``.
    """
    party = agreement.party(party_id)
    if party is None or "approval" not in party.public_keys:
        raise AgreementError(
            f"the agreement names no approval key of {party_id}; add it with: agreement add-keys --approver FILE",
            code="KEYS_MISSING",
        )
    key = parse_key(party.public_keys["approval"], SIGNING_PREFIX, SIGNING_PUBLIC_BYTES)
    verify_signing_key(key)
    return key


def verify_agreement_keys(agreement: Agreement) -> None:
    """Check that every public key of an agreement protects something; its form was checked when it was read.

    Raises:
        KeyFileError: ``KEY_WEAK``, with the party.
    """
    for party in agreement.parties:
        problem: KeyFileError | None = None
        try:
            if party.public_keys:
                public_identity(agreement, party.id)
            if "approval" in party.public_keys:
                approval_key(agreement, party.id)
        except KeyFileError as error:
            problem = error
        if problem is not None:
            raise KeyFileError(f"{party.id}: {problem.message}", code=problem.code)


def approval_bytes(agreement: Agreement, dataset: str, content_digest: str, operator: str, time: str) -> bytes:
    """What an approver signs under :data:`APPROVAL_LABEL`."""
    return canonical_json(
        {
            "agreement_fingerprint": agreement.fingerprint,
            "content_digest": content_digest,
            "dataset": dataset,
            "operator": operator,
            "time": time,
        }
    )


def make_approval(
    agreement: Agreement, identity: Identity, dataset: str, content_digest: str, *, operator: str, time: datetime
) -> Approval:
    """Approve a package.

    Args:
        identity: the approver's; its signing key is the one that the agreement names.
        dataset: id of the dataset; its owner is the identity's party.
        content_digest: digest of the plain package, hex SHA-256.
        operator: the approver.
        time: with its zone.

    Raises:
        AgreementError: ``KEYS_MISSING``.
        KeyFileError: ``KEY_PARTY``.
    """
    declared = agreement.dataset(dataset)
    owner = declared.owner if declared is not None else ""
    if identity.party != owner or identity.public.signing != approval_key(agreement, owner):
        raise KeyFileError(
            f"this is not the approver's identity that the agreement names for {owner or dataset}", code="KEY_PARTY"
        )
    stamp = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = sign(identity, APPROVAL_LABEL, approval_bytes(agreement, dataset, content_digest, operator, stamp))
    return Approval(operator=operator, time=stamp, signature=base64.b64encode(signature).decode("ascii"))


def verify_approval(
    agreement: Agreement, approval: Approval | None, dataset: str, content_digest: str, *, operators: tuple[str, ...]
) -> None:
    """Check the approval of a package against the agreement.

    Args:
        operators: who encoded and who releases it; the approver is none of them.

    Raises:
        ReleaseError: ``APPROVAL_MISSING``, ``APPROVAL_OPERATOR``.
        PackageError: ``APPROVAL_SIGNATURE``.
        AgreementError: ``KEYS_MISSING``.
    """
    if approval is None:
        if agreement.release.second_operator:
            raise ReleaseError(
                "the agreement asks for the approval of a second operator (release.second_operator)",
                code="APPROVAL_MISSING",
            )
        return
    verify_other_operator(approval.operator, operators)
    declared = agreement.dataset(dataset)
    key = approval_key(agreement, declared.owner if declared is not None else "")
    data = approval_bytes(agreement, dataset, content_digest, approval.operator, approval.time)
    signature = b""
    with contextlib.suppress(binascii.Error, ValueError):
        signature = base64.b64decode(approval.signature, validate=True)
    verify_signature(key, APPROVAL_LABEL, data, signature, code="APPROVAL_SIGNATURE")


def verify_other_operator(approver: str, operators: tuple[str, ...]) -> None:
    """Check that who approves is none of those who made or release the package; case and blanks make nobody another.

    Raises:
        ReleaseError: ``APPROVAL_OPERATOR``.
    """
    if any(_plain(approver) == _plain(operator) for operator in operators):
        raise ReleaseError(
            "who approves has to be somebody else than who encoded it and who releases it", code="APPROVAL_OPERATOR"
        )


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()
