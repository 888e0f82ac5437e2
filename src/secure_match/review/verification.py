"""AUDIT: whether packages are what they claim under an agreement, and in plain words what that does not show.

Invariants:

* a check that does not hold is an error of its own code; nothing is called verified that was not looked at,
* of several packages every one is examined, in the order given, whatever became of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from secure_match.agreement import Agreement
from secure_match.audit import PackageKind
from secure_match.encoded import EncodedDataset
from secure_match.enrolment import FindingsPackage, LookAnswer, LookRequest
from secure_match.errors import AgreementError, LinkageError, PackageError, SecureMatchError, located
from secure_match.exchange.files import SealedPackage, is_plain_form, is_sealed, verify_package
from secure_match.exchange.oprf.files import BlindedRequest, EvaluatedAnswer
from secure_match.linkage import verify_linkable
from secure_match.review._verification_texts import Check
from secure_match.review.files import ReadPackage, read_plain

_SEALED_CHECKS: Final[tuple[Check, ...]] = (
    "form",
    "signature",
    "signer",
    "agreement",
    "epoch",
    "recipient",
    "sealed_digest",
)
_SEALED_OPEN: Final[tuple[Check, ...]] = ("not_content", "not_honest", "not_replay", "not_log")
_PLAIN_CHECKS: Final[tuple[Check, ...]] = ("form", "digest", "agreement", "epoch", "parties")
_PLAIN_OPEN: Final[tuple[Check, ...]] = ("not_sender", "not_secret", "not_honest", "not_replay", "not_log")


_ROUTES: Final[dict[PackageKind, tuple[str, str]]] = {
    "encodings": ("department", "bureau"),
    "look-answer": ("department", "bureau"),
    "blinded": ("department", "keyholder"),
    "evaluated": ("keyholder", "department"),
}
"""Kind to the roles of sender and recipient; of all others the bureau sends and a department receives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What became of one package.

    Attributes:
        path: where it is.
        verified: what was checked and holds, in order; empty where something did not.
        not_verified: what these checks do not show.
        facts: what the package says of itself, for the record: kind, sender, recipient, period, rows, ids.
        problem: the first check that failed, or None.
    """

    path: Path
    verified: tuple[Check, ...]
    not_verified: tuple[Check, ...]
    facts: dict[str, Any]
    problem: SecureMatchError | None = None


def examine(paths: Sequence[Path], agreement: Agreement, *, recipient: str | None = None) -> tuple[Examination, ...]:
    """Examine every package, in the order given.

    Args:
        recipient: whom each has to be for; None for whomever the agreement lets it be for.

    Raises:
        AgreementError: ``PARTY_UNKNOWN`` for a recipient that the agreement does not name.
    """
    if recipient is not None and agreement.party(recipient) is None:
        known = ", ".join(party.id for party in agreement.parties)
        raise AgreementError(f"the agreement names no such party; parties: {known}", code="PARTY_UNKNOWN")
    return tuple(_examine_one(path, agreement, recipient) for path in paths)


def _examine_one(path: Path, agreement: Agreement, recipient: str | None) -> Examination:
    try:
        return verify_one(path, agreement, recipient=recipient)
    except SecureMatchError as error:
        return Examination(path=path, verified=(), not_verified=(), facts={}, problem=error)


def verify_one(path: Path, agreement: Agreement, *, recipient: str | None = None) -> Examination:
    """Verify one package, sealed or plain, with everything that needs no private key.

    Raises:
        PackageError, LinkageError: as ``exchange.files.verify_package`` for a sealed package; for a plain one as its
            reader and ``verify_linkable``, ``PACKAGE_UNSEALED`` under a sealed agreement, ``PACKAGE_SENDER`` or
            ``PACKAGE_RECIPIENT`` where it names a party of another role or dataset than the agreement.
    """
    if is_sealed(path) or (agreement.sealed and not is_plain_form(path)):
        return _sealed(verify_package(path, agreement, recipient=recipient))
    with located(path):
        if agreement.sealed:
            raise PackageError(
                "the agreement has packages sealed and signed, and this one is plain; refuse it",
                code="PACKAGE_UNSEALED",
            )
        package = read_plain(path)
        _verify_definition(package, agreement)
        content: tuple[Check, ...] = ()
        if isinstance(package.content, EncodedDataset):
            verify_linkable(agreement, [package.content])
            content = ("columns", "values")
        _verify_parties(package, agreement, recipient)
    return Examination(
        path=path,
        verified=(*_PLAIN_CHECKS, *content),
        not_verified=_PLAIN_OPEN,
        facts=_plain_facts(package, agreement),
    )


def _sealed(package: SealedPackage) -> Examination:
    manifest = package.manifest
    facts = {
        "sealed": True,
        "kind": manifest.kind,
        "package": package.id,
        "sender": manifest.sender,
        "recipient": manifest.recipient,
        "operator": manifest.operator,
        "approval": manifest.approval.operator if manifest.approval is not None else None,
        "dataset": manifest.dataset,
        "period": manifest.period,
        "created": manifest.created,
        "rows": _stated_rows(manifest.content),
        "content_digest": manifest.content_digest,
        "suite": manifest.sealing.suite,
        "log_entries": manifest.log.entries,
        "log_hash": manifest.log.hash,
    }
    return Examination(path=package.path, verified=_SEALED_CHECKS, not_verified=_SEALED_OPEN, facts=facts)


def _stated_rows(content: dict[str, Any]) -> int | None:
    counts = content.get("counts")
    rows = counts.get("encoded") if isinstance(counts, dict) else content.get("rows", content.get("elements"))
    return rows if isinstance(rows, int) else None


def _verify_definition(package: ReadPackage, agreement: Agreement) -> None:
    """Agreement and epoch of findings, requests and answers; ``verify_linkable`` sees to encodings."""
    if package.kind == "encodings":
        return
    manifest = package.manifest
    if (manifest["agreement_id"], manifest["agreement_fingerprint"]) != (agreement.id, agreement.fingerprint):
        raise LinkageError("the package was made under another agreement than yours", code="DEFINITION_MISMATCH")
    if manifest["key_epoch"] != agreement.key_epoch:
        raise LinkageError("the package is of another key epoch than the agreement", code="EPOCH_MISMATCH")


def _verify_parties(package: ReadPackage, agreement: Agreement, recipient: str | None) -> None:
    sender, taker = route_of(package, agreement)
    sends, takes = _ROUTES.get(package.kind, ("bureau", "department"))
    for party, role, code in ((sender, sends, "PACKAGE_SENDER"), (taker, takes, "PACKAGE_RECIPIENT")):
        known = agreement.party(party)
        if known is None or known.role != role:
            raise PackageError(f"the agreement has no {role} of the name that stands in the package", code=code)
    if recipient not in (None, taker):
        raise PackageError(f"the package is for {taker}, not for {recipient}", code="PACKAGE_RECIPIENT")
    if isinstance(package.content, FindingsPackage | LookRequest):
        for source in package.content.manifest.sources:
            dataset = agreement.dataset(source.dataset)
            if dataset is None or dataset.owner != taker:
                raise PackageError("the package is on a dataset that is not its recipient's", code="PACKAGE_RECIPIENT")


def route_of(package: ReadPackage, agreement: Agreement) -> tuple[str, str]:
    """Sender and recipient as a plain package and the agreement name them; nobody has proved either."""
    bureau = next((party.id for party in agreement.parties if party.role == "bureau"), "")
    content = package.content
    if isinstance(content, EncodedDataset):
        return content.manifest.owner, bureau
    if isinstance(content, LookAnswer):
        return content.manifest.sender, bureau
    if isinstance(content, BlindedRequest | EvaluatedAnswer):
        return content.manifest.sender, content.manifest.recipient
    return bureau, str(package.manifest.get("recipient", ""))


def _plain_facts(package: ReadPackage, agreement: Agreement) -> dict[str, Any]:
    sender, recipient = route_of(package, agreement)
    return {
        "sealed": False,
        "kind": package.kind,
        "sender": sender,
        "recipient": recipient,
        "dataset": package.manifest.get("dataset", ""),
        "rows": package.table.num_rows if package.table is not None else None,
        "content_digest": package.digest,
    }
