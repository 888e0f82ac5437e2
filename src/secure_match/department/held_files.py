"""RAW: packages that wait for a second operator: held, shown, approved, and read back for release.

``OUT.held`` is the plain package, its owner's alone. ``OUT.held.json`` says who made it and what was searched, signed
with the department's key. ``OUT.held.approval`` is the second operator's word, signed with a key of its own.

Invariant: what is shown, approved and released is one content digest; each reader checks it anew.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Final, Literal, TypeVar

from secure_match.agreement import Agreement, Dataset
from secure_match.agreement.strict import StrictModel, parse_json
from secure_match.audit import Operator
from secure_match.department.canaries import Canaries, ScanSummary
from secure_match.department.release import verify_passes_release, verify_release
from secure_match.department.release_files import Written, write_plain
from secure_match.encoded import EncodedDataset
from secure_match.encoded.container import canonical_json
from secure_match.encoded.files import atomic_writer, open_to_read, read_package
from secure_match.encoded.manifest import HexDigest, Identifier
from secure_match.errors import AgreementError, LinkageError, Place, ReleaseError, located
from secure_match.exchange.approvals import approval_key
from secure_match.exchange.desk import Desk
from secure_match.exchange.identities import public_identity, sign, verify_signature
from secure_match.exchange.manifest import Approval, Base64, Period, Time

HELD_LABEL: Final = "held-release"
_MOST_BYTES: Final = 1 << 16
ModelT = TypeVar("ModelT", bound=StrictModel)


class HeldScan(StrictModel):
    """What was searched for in a held package; as ``ScanSummary``."""

    rows: int
    values: int
    forms: int
    public: int
    scanned_bytes: int
    listed_bytes: int
    chance_hits: int
    chance_expected: float
    complete: bool


class HeldReport(StrictModel):
    """Who made a held package, and what the approver cannot see in it.

    Attributes:
        content_digest: digest of the plain package.
        operator: who encoded it.
        given_up: coded column to the number of its cells that rows of small cells gave up.
        signature: of the department, over everything else.
    """

    format: Literal["secure_match/held-release"] = "secure_match/held-release"
    format_version: Literal[1] = 1
    agreement_fingerprint: HexDigest
    dataset: Identifier
    content_digest: HexDigest
    operator: Operator
    period: Period
    time: Time
    given_up: dict[Identifier, int]
    scan: HeldScan | None
    signature: Base64

    @property
    def signed_bytes(self) -> bytes:
        """What is signed."""
        return canonical_json(self.model_dump(mode="json", exclude={"signature"}))


class ApprovalFile(StrictModel):
    """An approval on its way from the second operator to who releases."""

    format: Literal["secure_match/approval"] = "secure_match/approval"
    format_version: Literal[1] = 1
    agreement_fingerprint: HexDigest
    dataset: Identifier
    content_digest: HexDigest
    approval: Approval


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Held:
    """A held package that passed the gate once more."""

    dataset: Dataset
    encoded: EncodedDataset
    digest: str
    report: HeldReport


def held_path(out: Path) -> Path:
    """Where the package waits that is to become ``out``."""
    return out.with_name(f"{out.name}.held")


def report_path(held: Path) -> Path:
    """Where it says who made a held package."""
    return held.with_name(f"{held.name}.json")


def approval_path(held: Path) -> Path:
    """Where the approval of a held package is written."""
    return held.with_name(f"{held.name}.approval")


def hold_release(
    agreement: Agreement,
    encoded: EncodedDataset,
    held: Path,
    desk: Desk | None,
    canaries: Canaries | None,
    *,
    given_up: Mapping[str, int],
) -> Written:
    """Search a package and put it where it waits for approval; an old approval is removed.

    Args:
        canaries: what to search for; None for passes, which were searched when they were kept.

    Raises:
        AgreementError: ``KEYS_MISSING`` without a desk.
        ReleaseError: ``RELEASE_IDENTIFIER``; nothing is left then.
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    if desk is None:
        raise AgreementError(
            "a second operator is asked for, which needs the public keys of a sealed agreement", code="KEYS_MISSING"
        )
    written = write_plain(encoded, held, canaries=canaries, public=(desk.operator,))
    draft = HeldReport(
        agreement_fingerprint=agreement.fingerprint,
        dataset=encoded.manifest.dataset,
        content_digest=written.digest,
        operator=desk.operator,
        period=desk.period,
        time=desk.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        given_up=dict(given_up),
        scan=HeldScan(**asdict(written.scan)) if written.scan is not None else None,
        signature="A",
    )
    signature = base64.b64encode(sign(desk.identity, HELD_LABEL, draft.signed_bytes)).decode("ascii")
    _write_model(draft.model_copy(update={"signature": signature}), report_path(held))
    approval_path(held).unlink(missing_ok=True)
    desk.note("encode", counts=encoded.manifest.counts.model_dump(), details={"content": written.digest})
    return written


def read_held(agreement: Agreement, held: Path) -> Held:
    """Read what waits for approval and look at it as the gate does.

    Raises:
        PackageError: as ``read_package``; ``APPROVAL_SIGNATURE`` where the report was not signed by the department.
        LinkageError: ``DEFINITION_MISMATCH``.
        ReleaseError: what the gate refuses; ``APPROVAL_CONTENT`` where report and package do not belong together.
    """
    encoded, digest = read_package(held)
    with located(held):
        manifest = encoded.manifest
        dataset = agreement.dataset(manifest.dataset)
        if dataset is None or manifest.definition_fingerprint != agreement.fingerprint:
            raise LinkageError("the package was made under another agreement than yours", code="DEFINITION_MISMATCH")
        # The rows that a supplement completes are not here; their cells were counted when it was encoded.
        # So it is with the share of passes that were asked for.
        if manifest.phase == 2:
            verify_passes_release(agreement, dataset, encoded)
        else:
            verify_release(agreement, dataset, encoded, count_small=manifest.supplement_to is None)
    path = report_path(held)
    report = _read_model(HeldReport, path)
    with located(path):
        if (report.content_digest, report.dataset) != (digest, dataset.id):
            raise ReleaseError("this speaks of another package; encode again", code="APPROVAL_CONTENT")
        signer = public_identity(agreement, dataset.owner).signing
        verify_signature(
            signer, HELD_LABEL, report.signed_bytes, base64_bytes(report.signature), code="APPROVAL_SIGNATURE"
        )
    return Held(dataset=dataset, encoded=encoded, digest=digest, report=report)


def write_approval(agreement: Agreement, held: Held, approval: Approval, path: Path) -> None:
    """Write an approval; an earlier one is replaced.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    content = ApprovalFile(
        agreement_fingerprint=agreement.fingerprint,
        dataset=held.dataset.id,
        content_digest=held.digest,
        approval=approval,
    )
    _write_model(content, path)


def read_approval(agreement: Agreement, held: Held, path: Path) -> Approval:
    """Read the approval of a held package. Its signature is checked when the package is written.

    Raises:
        PackageError: ``FILE_NOT_FOUND``.
        ReleaseError: ``APPROVAL_CONTENT`` where it is of something else.
        AgreementError: ``KEYS_MISSING``.
    """
    approval_key(agreement, held.dataset.owner)
    content = _read_model(ApprovalFile, path)
    said = (content.agreement_fingerprint, content.dataset, content.content_digest)
    if said != (agreement.fingerprint, held.dataset.id, held.digest):
        raise ReleaseError(
            "this approves another content than the package holds; have what is held approved",
            code="APPROVAL_CONTENT",
            place=Place(file=path),
        )
    return content.approval


def scan_of(report: HeldReport) -> ScanSummary | None:
    """What a held package was searched for."""
    return ScanSummary(**report.scan.model_dump()) if report.scan is not None else None


def base64_bytes(text: str) -> bytes:
    """Bytes of base64; none where it is not, which no signature is."""
    with contextlib.suppress(binascii.Error, ValueError):
        return base64.b64decode(text, validate=True)
    return b""


def _write_model(content: StrictModel, path: Path) -> None:
    with atomic_writer(path) as stream:
        stream.write(json.dumps(content.model_dump(mode="json"), ensure_ascii=False, indent=1).encode() + b"\n")


def _read_model(model: type[ModelT], path: Path) -> ModelT:
    with open_to_read(path) as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) <= _MOST_BYTES:
        with contextlib.suppress(ValueError):
            return parse_json(model, data)
    raise ReleaseError(
        "this is not a file that secure-match department wrote here", code="APPROVAL_CONTENT", place=Place(file=path)
    )
