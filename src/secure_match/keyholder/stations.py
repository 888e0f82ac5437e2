"""KEY: the station that answers blinded requests.

Invariants:

* no element is evaluated before sender, recipient, agreement, epoch and quota were checked,
* nothing is handed out before the key holder's log says whom it answered, and how much; a refusal is logged, too,
* of two runs at once one waits for the other, so that both cannot use the same quota,
* a run that was killed goes on with the chunk that it was at, and gives the same elements.

With two key holders each runs this for itself; the department adds what both answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from secure_match import __version__
from secure_match.audit import make_artifact
from secure_match.audit.locked_files import opened_to_append
from secure_match.encoded.files import verify_writable
from secure_match.errors import (
    LinkageError,
    PackageError,
    Place,
    UsageError,
    located,
)
from secure_match.exchange.desk import Outgoing
from secure_match.exchange.files import is_sealed
from secure_match.exchange.oprf import ByteMatrix, evaluate, prove, scalars_from
from secure_match.exchange.oprf.files import (
    EVALUATED_NOTES,
    BlindedManifest,
    BlindedRequest,
    EvaluatedAnswer,
    EvaluatedManifest,
    chunk_ranges,
    read_blinded,
    write_evaluated,
)
from secure_match.keyholder.chunk_files import ChunkFolder
from secure_match.keyholder.holder import KeyHolder
from secure_match.keyholder.quota import Quota, verify_quota

_SCALAR_RANDOM_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateReport:
    """What ``evaluate_request`` did.

    Attributes:
        elements: in the answer.
        resumed: how many of them an interrupted run had evaluated.
        quota: the department's, without this request.
    """

    department: str
    request_id: str
    elements: int
    resumed: int
    quota: Quota
    answer: Path


def evaluate_request(
    holder: KeyHolder, request: Path, out: Path, *, progress: Callable[[int], None] | None = None
) -> EvaluateReport:
    """Answer a request.

    Args:
        request: a ``.smb``, sealed where the agreement is.
        out: the answer, ``.sme``; it must not be there.
        progress: called with a number of further elements that are done.

    Raises:
        PackageError: as ``Desk.received`` and ``read_blinded``; ``PACKAGE_SENDER``, ``PACKAGE_RECIPIENT``,
            ``PACKAGE_CONTENT``; ``ELEMENT_INVALID``.
        LinkageError: ``DEFINITION_MISMATCH``, ``EPOCH_MISMATCH``.
        ReleaseError: ``QUOTA_EXCEEDED``.
        UsageError: ``FILE_EXISTS``, ``OUTPUT_IS_INPUT``, ``IDENTITY_NEEDED``.
    """
    _verify_output(request, out)
    with _alone(holder.log), holder.logging_refusals(), _content(holder, request) as content:
        with located(request):
            blinded, digest = read_blinded(content)
            manifest = blinded.manifest
            _verify_manifest(holder, manifest)
            quota = verify_quota(holder.agreement, holder.log, manifest, digest, holder.clock())
            folder = ChunkFolder(holder.log.parent, digest, holder.key.public)
            answer, resumed = _evaluated(holder, blinded, digest, folder, progress)
        holder.note_evaluated(manifest, digest, [make_artifact(request, digest)])
        if holder.desk is None:
            write_evaluated(answer, out)
        else:
            outgoing = Outgoing(
                kind="evaluated",
                recipient=manifest.sender,
                columns=EVALUATED_NOTES,
                counts={"elements": manifest.elements},
            )
            holder.desk.send_written(lambda plain: write_evaluated(answer, plain), out, outgoing)
        folder.remove()
    return EvaluateReport(
        department=manifest.sender,
        request_id=manifest.request_id,
        elements=manifest.elements,
        resumed=resumed,
        quota=quota,
        answer=out,
    )


def _verify_output(request: Path, out: Path) -> None:
    if out.resolve() == request.resolve():
        raise UsageError("the answer would overwrite the request", code="OUTPUT_IS_INPUT", place=Place(file=out))
    verify_writable(out)
    if out.exists():
        raise UsageError("there is a file already; name another", code="FILE_EXISTS", place=Place(file=out))


@contextmanager
def _alone(log: Path) -> Iterator[None]:
    """One evaluation at a time for each log: a lock on a file of its own, which the end of the process gives up."""
    with opened_to_append(log.with_name(f".{log.name}.evaluating")):
        yield


@contextmanager
def _content(holder: KeyHolder, request: Path) -> Iterator[Path]:
    """The plain request; a sealed one is verified, logged and opened for the block."""
    if holder.desk is not None:
        with holder.desk.received(request, "blinded") as content:
            yield content
        return
    if is_sealed(request):
        raise UsageError("this request is sealed: name your identity file with --identity", code="IDENTITY_NEEDED")
    yield request


def _verify_manifest(holder: KeyHolder, manifest: BlindedManifest) -> None:
    agreement = holder.agreement
    if (manifest.agreement_id, manifest.agreement_fingerprint) != (agreement.id, agreement.fingerprint):
        raise LinkageError("the request was made under another agreement than yours", code="DEFINITION_MISMATCH")
    if manifest.key_epoch != agreement.key_epoch:
        raise LinkageError("the request is of another key epoch than the agreement", code="EPOCH_MISMATCH")
    sender = agreement.party(manifest.sender)
    if sender is None or sender.role != "department":
        raise PackageError("the agreement has no department of the name in the request", code="PACKAGE_SENDER")
    if manifest.recipient != holder.public.party:
        raise PackageError(
            f"the request is for {manifest.recipient}, not for {holder.public.party}", code="PACKAGE_RECIPIENT"
        )
    owned = {dataset.id for dataset in agreement.datasets if dataset.owner == manifest.sender}
    if not manifest.datasets or not set(manifest.datasets) <= owned or not manifest.elements:
        raise PackageError(
            "the request asks for nothing, or for a dataset that is not its sender's", code="PACKAGE_CONTENT"
        )


def _evaluated(
    holder: KeyHolder,
    request: BlindedRequest,
    digest: str,
    folder: ChunkFolder,
    progress: Callable[[int], None] | None,
) -> tuple[EvaluatedAnswer, int]:
    """The answer, chunk by chunk, and how many of its elements an earlier run had evaluated."""
    report = progress if progress is not None else lambda _: None
    parts, proofs, resumed = [], [], 0
    for number, (start, stop) in enumerate(chunk_ranges(len(request))):
        kept = folder.read(number, stop - start)
        if kept is None:
            kept = _chunk(holder, request, start, stop)
            folder.write(number, *kept)
        else:
            resumed += stop - start
        parts.append(kept[0])
        proofs.append(kept[1])
        report(stop - start)
    manifest = request.manifest
    answer = EvaluatedManifest(
        agreement_id=manifest.agreement_id,
        agreement_fingerprint=manifest.agreement_fingerprint,
        key_epoch=manifest.key_epoch,
        sender=holder.public.party,
        recipient=manifest.sender,
        request_id=manifest.request_id,
        request_digest=digest,
        elements=manifest.elements,
        public_key=holder.key.public,
        proofs=tuple(proofs),
        tool=f"secure_match {__version__}",
    )
    return EvaluatedAnswer(manifest=answer, elements=np.concatenate(parts)), resumed


def _chunk(holder: KeyHolder, request: BlindedRequest, start: int, stop: int) -> tuple[ByteMatrix, bytes]:
    blinded = request.elements[start:stop]
    try:
        evaluated = evaluate(holder.key, blinded, workers=holder.workers)
    except PackageError as error:
        row = error.place.row
        if row is not None:
            error.place = Place(row=start + row)
        raise
    nonce = scalars_from(holder.random_bytes(_SCALAR_RANDOM_BYTES)).tobytes()
    return evaluated, prove(holder.key, blinded, evaluated, nonce, workers=holder.workers)
