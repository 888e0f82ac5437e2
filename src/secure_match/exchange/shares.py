"""ENCODED: the shared encoding key, which all departments choose together and no single party does.

Each department draws a share of 32 bytes, seals it to every department (itself included) and signs the whole: a
contribution, which anybody may carry. The key is derived from the shares of all. Invariants:

* the bureau is no recipient: what it carries does not open with its key,
* every department that owns a dataset contributes exactly once; fewer shares give no key,
* a contribution belongs to one agreement (fingerprint) and epoch, and says which share it holds (a commitment), so that
  a department that seals different shares to different others is named,
* same contributions, same key, in whatever order they are given.

A department that contributes last may draw its share again and again until it likes the key; it would know the key
anyway, and cannot make it one that it chose beforehand.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from secure_match.agreement import Agreement
from secure_match.agreement.strict import StrictModel, VisibleText, parse_json
from secure_match.errors import KeyFileError
from secure_match.exchange.base64_bytes import CanonicalBase64
from secure_match.exchange.derivation import hkdf_sha256, purpose_label
from secure_match.exchange.identities import (
    Identity,
    open_secret,
    public_identity,
    seal_secret,
    sign,
    verify_identity,
    verify_signature,
)
from secure_match.exchange.key_files import PartyId, canonical_json
from secure_match.exchange.opaque import CombinedSecret

SHARE_BYTES: Final = 32
CONTRIBUTION_LABEL: Final = "contribution"
SHARE_LABEL: Final = "contribution-share"
_COMMITMENT: Final = "share-commitment"
_COMBINED: Final = "shared-encoding-secret"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Contribution(StrictModel):
    """A department's share, sealed to every department; the content of a ``.smk`` file.

    Attributes:
        contributor: the department that drew the share.
        commitment: HKDF of the share, in hex; it hides 32 random bytes and fits no others.
        shares: department to the share sealed to its transport key.
        signature: Ed25519 by the contributor, over the rest.
    """

    format: Literal["secure_match/contribution"]
    format_version: Literal[1]
    agreement_id: PartyId
    agreement_fingerprint: Digest
    key_epoch: VisibleText
    contributor: PartyId
    commitment: Digest
    shares: dict[PartyId, CanonicalBase64]
    signature: CanonicalBase64

    @property
    def public_part(self) -> bytes:
        """The bytes that the signature is taken over."""
        return canonical_json(self.model_dump(mode="json", exclude={"signature"}))


def key_departments(agreement: Agreement) -> tuple[str, ...]:
    """The departments that hold the shared key: owners of datasets, in the order of their ids."""
    return tuple(sorted({dataset.owner for dataset in agreement.datasets}))


def make_contribution(agreement: Agreement, identity: Identity, *, share: bytes | None = None) -> Contribution:
    """Draw a share and seal it to every department that holds the key.

    Args:
        share: 32 random bytes; by default from the system. Only a demo, whose keys are worthless, names it.

    Raises:
        AgreementError: ``KEYS_MISSING`` under a trial agreement.
        KeyFileError: ``KEY_PARTY`` where the agreement names other keys for the party; ``CONTRIBUTION_SENDER`` where it
            is no department that owns a dataset.
    """
    verify_identity(agreement, identity)
    _verify_contributor(agreement, identity.party)
    share = share if share is not None else secrets.token_bytes(SHARE_BYTES)
    sealed = {}
    for recipient in key_departments(agreement):
        public = public_identity(agreement, recipient)
        context = _share_context(agreement, identity.party, recipient)
        sealed[recipient] = base64.b64encode(seal_secret(public, SHARE_LABEL, share, context)).decode("ascii")
    content: dict[str, object] = {
        "format": "secure_match/contribution",
        "format_version": 1,
        "agreement_id": agreement.id,
        "agreement_fingerprint": agreement.fingerprint,
        "key_epoch": agreement.key_epoch,
        "contributor": identity.party,
        "commitment": _commitment(share, agreement, identity.party),
        "shares": sealed,
    }
    signature = sign(identity, CONTRIBUTION_LABEL, canonical_json(content))
    return Contribution.model_validate_json(
        json.dumps(content | {"signature": base64.b64encode(signature).decode("ascii")})
    )


def serialise_contribution(contribution: Contribution) -> bytes:
    """The content of a ``.smk`` file."""
    return (contribution.model_dump_json(indent=1) + "\n").encode()


def parse_contribution(data: bytes) -> Contribution:
    """Read a contribution; only its form is checked.

    Raises:
        KeyFileError: ``CONTRIBUTION_FORMAT``.
    """
    with contextlib.suppress(ValueError):
        return parse_json(Contribution, data)
    raise KeyFileError(
        "this is not a contribution; make one with: secure-match keys contribute", code="CONTRIBUTION_FORMAT"
    )


def verify_contribution(agreement: Agreement, contribution: Contribution) -> None:
    """Check that a contribution belongs to an agreement and is by the department that it names.

    Raises:
        KeyFileError: ``KEY_AGREEMENT``, ``KEY_EPOCH``, ``CONTRIBUTION_SENDER``, ``CONTRIBUTION_RECIPIENTS``.
        PackageError: ``CONTRIBUTION_SIGNATURE``.
    """
    if contribution.agreement_id != agreement.id:
        raise KeyFileError("the contribution is for another agreement", code="KEY_AGREEMENT")
    if contribution.key_epoch != agreement.key_epoch:
        raise KeyFileError(f"the contribution is not for the epoch {agreement.key_epoch}", code="KEY_EPOCH")
    if contribution.agreement_fingerprint != agreement.fingerprint:
        raise KeyFileError(
            "the contribution was made under another text of this agreement; compare fingerprints and contribute again",
            code="KEY_AGREEMENT",
        )
    _verify_contributor(agreement, contribution.contributor)
    signer = public_identity(agreement, contribution.contributor)
    verify_signature(
        signer.signing,
        CONTRIBUTION_LABEL,
        contribution.public_part,
        contribution.signature,
        code="CONTRIBUTION_SIGNATURE",
    )
    if tuple(sorted(contribution.shares)) != key_departments(agreement):
        raise KeyFileError("the share is not sealed to exactly the departments", code="CONTRIBUTION_RECIPIENTS")


def combine(agreement: Agreement, identity: Identity, contributions: Sequence[Contribution]) -> CombinedSecret:
    """Derive the shared encoding secret from the contributions of all departments.

    HKDF-SHA256 of the shares in the order of party ids; the salt is SHA-256 of the lines ``party:commitment``, in the
    same order, each with a line feed; the label names fingerprint and epoch.

    Raises:
        AgreementError: ``KEYS_MISSING``.
        KeyFileError: as :func:`verify_contribution`; ``KEY_PARTY``; ``CONTRIBUTION_RECIPIENTS`` where the identity is
            of no department that holds the key; ``CONTRIBUTION_TWICE``; ``CONTRIBUTION_MISSING`` with the departments
            that are lacking; ``KEY_SEAL`` where a share does not open with this identity's transport key;
            ``CONTRIBUTION_SHARE`` where it is not the one that its contributor committed itself to.
        PackageError: ``CONTRIBUTION_SIGNATURE``.
    """
    verify_identity(agreement, identity)
    departments = key_departments(agreement)
    if identity.party not in departments:
        raise KeyFileError(
            f"no share is sealed to {identity.party}: it owns no dataset of the agreement",
            code="CONTRIBUTION_RECIPIENTS",
        )
    given: dict[str, Contribution] = {}
    for contribution in contributions:
        verify_contribution(agreement, contribution)
        if contribution.contributor in given:
            raise KeyFileError(
                f"there are two contributions of {contribution.contributor}; agree on one", code="CONTRIBUTION_TWICE"
            )
        given[contribution.contributor] = contribution
    missing = [party for party in departments if party not in given]
    if missing:
        raise KeyFileError(
            f"contributions are missing of: {', '.join(missing)}; the key needs all departments",
            code="CONTRIBUTION_MISSING",
        )
    shares = b"".join(_open_share(agreement, identity, given[party]) for party in departments)
    lines = "".join(f"{party}:{given[party].commitment}\n" for party in departments)
    salt = hashlib.sha256(lines.encode()).digest()
    return CombinedSecret(combine_shares(shares, salt, agreement.fingerprint, agreement.key_epoch))


def combine_shares(shares: bytes, salt: bytes, fingerprint: str, key_epoch: str) -> bytes:
    """The last step of :func:`combine`; 32 bytes."""
    info = purpose_label(_COMBINED, fingerprint, key_epoch)
    return hkdf_sha256(shares, salt=salt, info=info, length_bytes=SHARE_BYTES)


def _open_share(agreement: Agreement, identity: Identity, contribution: Contribution) -> bytes:
    context = _share_context(agreement, contribution.contributor, identity.party)
    share = open_secret(identity, SHARE_LABEL, contribution.shares[identity.party], context)
    if _commitment(share, agreement, contribution.contributor) != contribution.commitment:
        raise KeyFileError(
            f"{contribution.contributor} sealed another share than it committed itself to; ask it for a new one",
            code="CONTRIBUTION_SHARE",
        )
    return share


def _verify_contributor(agreement: Agreement, party: str) -> None:
    if party not in key_departments(agreement):
        raise KeyFileError(
            "only departments that own a dataset of the agreement contribute to its key", code="CONTRIBUTION_SENDER"
        )


def _commitment(share: bytes, agreement: Agreement, contributor: str) -> str:
    info = purpose_label(_COMMITMENT, agreement.fingerprint, agreement.key_epoch, contributor)
    return hkdf_sha256(share, salt=None, info=info, length_bytes=32).hex()


def _share_context(agreement: Agreement, contributor: str, recipient: str) -> bytes:
    return purpose_label(SHARE_LABEL, agreement.fingerprint, agreement.key_epoch, contributor, recipient)
