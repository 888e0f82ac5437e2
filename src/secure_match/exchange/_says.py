"""ENCODED: what a sealed package says, held against the agreement; no private key and no content is needed.

Invariant: nothing of a manifest is looked at before its signature but who sent it.
"""

from __future__ import annotations

from typing import Final

from secure_match.agreement import Agreement
from secure_match.audit import PackageKind
from secure_match.errors import LinkageError, PackageError
from secure_match.exchange.approvals import verify_approval
from secure_match.exchange.identities import public_identity, verify_signature
from secure_match.exchange.manifest import CONTENT_FORMATS, SealedManifest
from secure_match.exchange.sealed import SIGNATURE_LABEL, SealedParts

_ROUTES: Final[dict[PackageKind, tuple[str, str]]] = {
    "encodings": ("department", "bureau"),
    "findings": ("bureau", "department"),
    "look-request": ("bureau", "department"),
    "look-answer": ("department", "bureau"),
    "pass-request": ("bureau", "department"),
    "blinded": ("department", "keyholder"),
    "evaluated": ("keyholder", "department"),
}
"""Kind to the roles of its sender and its recipient."""
_SPEAKER: Final[dict[PackageKind, tuple[str, str]]] = {
    "encodings": ("owner", "sender"),
    "findings": ("recipient", "recipient"),
    "look-request": ("recipient", "recipient"),
    "look-answer": ("sender", "sender"),
    "pass-request": ("recipient", "recipient"),
    "blinded": ("sender", "sender"),
    "evaluated": ("sender", "sender"),
}
"""Kind to the key of the content's manifest that names a party, and to what that party is of the package."""


def verify_says(parts: SealedParts, agreement: Agreement, *, kind: PackageKind | None, recipient: str | None) -> None:
    """Check sender, signature, agreement, epoch, recipient, kind, content, suite and approval, in this order.

    Args:
        kind: what the package has to be; None for any.
        recipient: whom it has to be for; None for anybody.

    Raises:
        PackageError: ``PACKAGE_SENDER``, ``PACKAGE_SIGNER``, ``PACKAGE_SIGNATURE``, ``PACKAGE_RECIPIENT``,
            ``PACKAGE_KIND``, ``PACKAGE_CONTENT``, ``PACKAGE_SUITE``, ``APPROVAL_SIGNATURE``.
        LinkageError: ``DEFINITION_MISMATCH``, ``EPOCH_MISMATCH``.
        ReleaseError: ``APPROVAL_MISSING``, ``APPROVAL_OPERATOR``.
        AgreementError: ``KEYS_MISSING``.
    """
    manifest = parts.manifest
    sends, takes = _ROUTES[manifest.kind]
    sender = agreement.party(manifest.sender)
    if sender is None or sender.role != sends or not sender.public_keys:
        raise PackageError(
            f"the agreement has no {sends} {manifest.sender} with keys, and no other sends {manifest.kind}",
            code="PACKAGE_SENDER",
        )
    signer = public_identity(agreement, manifest.sender).signing
    if parts.signer != signer:
        raise PackageError(
            f"this was not signed with the key that the agreement names for {manifest.sender}; refuse it",
            code="PACKAGE_SIGNER",
        )
    verify_signature(signer, SIGNATURE_LABEL, parts.manifest_bytes, parts.signature)
    if (manifest.agreement_id, manifest.agreement_fingerprint) != (agreement.id, agreement.fingerprint):
        raise LinkageError("the package was made under another agreement than yours", code="DEFINITION_MISMATCH")
    if manifest.key_epoch != agreement.key_epoch:
        raise LinkageError("the package is of another key epoch than the agreement", code="EPOCH_MISMATCH")
    taker = agreement.party(manifest.recipient)
    if taker is None or taker.role != takes or recipient not in (None, manifest.recipient):
        raise PackageError(
            f"the package is for {manifest.recipient}, not for you; hand it on or ask for yours",
            code="PACKAGE_RECIPIENT",
        )
    if kind not in (None, manifest.kind):
        raise PackageError(f"this holds {manifest.kind}; here {kind} are needed", code="PACKAGE_KIND")
    _verify_speaker(manifest)
    _verify_release(manifest, agreement)


def _verify_speaker(manifest: SealedManifest) -> None:
    """The content is of that kind, under that agreement, and names the party that the package names."""
    key, role = _SPEAKER[manifest.kind]
    content = manifest.content
    fingerprint = content.get("agreement_fingerprint", content.get("definition_fingerprint"))
    said = (content.get("format"), content.get(key), content.get("key_epoch"), fingerprint)
    due = (
        CONTENT_FORMATS[manifest.kind],
        getattr(manifest, role),
        manifest.key_epoch,
        manifest.agreement_fingerprint,
    )
    if said != due:
        raise PackageError("the manifest speaks of another content than the package is of", code="PACKAGE_CONTENT")


def _verify_release(manifest: SealedManifest, agreement: Agreement) -> None:
    """What the agreement asks of a release: its sender's program may be any, so the recipient does not rely on it."""
    if manifest.sealing.suite != agreement.release.suite:
        raise PackageError(
            f"the package is sealed with the suite {manifest.sealing.suite}, the agreement names "
            f"{agreement.release.suite}; refuse it",
            code="PACKAGE_SUITE",
        )
    if manifest.kind != "encodings":
        return
    dataset = agreement.dataset(manifest.dataset)
    if dataset is None or dataset.owner != manifest.sender:
        raise PackageError(f"the agreement has no such dataset of {manifest.sender}", code="PACKAGE_CONTENT")
    verify_approval(agreement, manifest.approval, dataset.id, manifest.content_digest, operators=(manifest.operator,))
