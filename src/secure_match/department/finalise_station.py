"""RAW: the station that takes answers: proofs are checked, blinds taken off, tokens kept.

Invariants: no element counts whose proof does not fit the key that the agreement names; a token is made only of the
answers of all key holders; a wrong answer changes nothing, a repeated one is harmless; a run that was killed goes on
where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from secure_match.agreement import Agreement
from secure_match.department._oprf_client import CHUNK_ELEMENTS, chunks_of, finalised_chunk
from secure_match.department.blinding import KEPT_BYTES, NAME_BYTES, ByteMatrix, RandomBytes, kept_rows
from secure_match.department.desk_files import readable_package
from secure_match.department.token_files import SCALAR_BYTES, TokenFolder, open_token_folder
from secure_match.department.token_requests import request_paths
from secure_match.errors import KeyFileError, LinkageError, PackageError, located
from secure_match.exchange.desk import Desk, require_desk
from secure_match.exchange.oprf import ELEMENT_BYTES, verify_proof
from secure_match.exchange.oprf.agreed_keys import holder_key
from secure_match.exchange.oprf.files import EvaluatedManifest, read_evaluated

Share = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinaliseReport:
    """What ``finalise_answers`` did.

    Attributes:
        tokens: new tokens.
        kept: tokens in the store, the new ones included.
        finished: requests whose tokens are kept now.
        repeated: answers to requests whose tokens were kept before.
        missing: request that still waits to the key holders whose answers it lacks.
    """

    tokens: int
    kept: int
    finished: tuple[str, ...]
    repeated: tuple[str, ...]
    missing: dict[str, tuple[str, ...]]


def finalise_answers(
    agreement: Agreement,
    answers: Sequence[Path],
    store: Path,
    *,
    random: RandomBytes,
    progress: Share | None = None,
    desk: Desk | None = None,
) -> FinaliseReport:
    """Take answers of key holders into the store.

    Args:
        store: the department's store, in which the requests wait.
        random: random bytes of the system, for what the store is encrypted with.
        progress: called with the share, 0 to 1, of the current answer or request that is done.
        desk: the department's, under a sealed agreement.

    Raises:
        SecureMatchError: with a code and a place; what earlier answers brought stays.
    """
    require_desk(agreement, desk)
    request_paths(agreement, store)
    share = progress if progress is not None else lambda _: None
    identity = desk.identity if desk is not None else None
    party = desk.party if desk is not None else None
    folder = open_token_folder(store, agreement, party, identity, random=random)
    finished: list[str] = []
    repeated: list[str] = []
    tokens = 0
    with desk.logging_refusals("finalise") if desk is not None else nullcontext(), folder.locked():
        for path in answers:
            request_id = _take(agreement, path, folder, desk, share)
            if request_id is None:
                repeated.append(path.name)
            elif not _lacking(agreement, folder, request_id):
                made = _finish(agreement, folder, request_id, share)
                tokens += made
                finished.append(request_id)
                if desk is not None:
                    desk.note("finalise", counts={"tokens": made}, details={"request": request_id})
    return FinaliseReport(
        tokens=tokens,
        kept=len(folder.kept()),
        finished=tuple(finished),
        repeated=tuple(repeated),
        missing={request: _lacking(agreement, folder, request) for request in folder.waiting()},
    )


def _take(agreement: Agreement, path: Path, folder: TokenFolder, desk: Desk | None, share: Share) -> str | None:
    """Keep the elements of an answer that its proofs show to be right; its request, or None where that has tokens.

    Raises:
        PackageError: ``ANSWER_UNKNOWN``, ``ANSWER_ELEMENTS``, ``ANSWER_KEY``; ``PROOF_WRONG``.
        LinkageError: ``DEFINITION_MISMATCH``, ``EPOCH_MISMATCH``.
    """
    with readable_package(path, "evaluated", desk) as content:
        answer = read_evaluated(content)
    with located(path):
        manifest = answer.manifest
        _verify_route(agreement, manifest, folder)
        request_id = manifest.request_id
        if folder.is_answered(request_id):
            return None
        if request_id not in folder.waiting():
            raise PackageError(
                "no request in this store waits for this answer: it is another department's, or the store another",
                code="ANSWER_UNKNOWN",
            )
        key = _verify_form(agreement, manifest, len(folder.inputs(request_id)))
        for number, elements in chunks_of(answer.elements):
            name = _answer_name(manifest.sender, number)
            if folder.read_part(request_id, name, ELEMENT_BYTES) is None:
                blinded = _blinds(folder, request_id, number)[:, SCALAR_BYTES:]
                verify_proof(key, blinded, elements, manifest.proofs[number])
                folder.write_part(request_id, name, elements)
            share(min(1.0, (number + 1) * CHUNK_ELEMENTS / manifest.elements))
    return request_id


def _verify_route(agreement: Agreement, manifest: EvaluatedManifest, folder: TokenFolder) -> None:
    if (manifest.agreement_id, manifest.agreement_fingerprint) != (agreement.id, agreement.fingerprint):
        raise LinkageError("the answer was made under another agreement than yours", code="DEFINITION_MISMATCH")
    if manifest.key_epoch != agreement.key_epoch:
        raise LinkageError("the answer is of another key epoch than the agreement", code="EPOCH_MISMATCH")
    if manifest.recipient != folder.party:
        raise PackageError(f"the answer is for {manifest.recipient}, not for you", code="PACKAGE_RECIPIENT")


def _verify_form(agreement: Agreement, manifest: EvaluatedManifest, elements: int) -> bytes:
    """The public key that an answer's proofs have to fit, once its sender, sizes and key are right."""
    key = holder_key(agreement, manifest.sender)
    if not key or manifest.public_key != key:
        raise PackageError(
            f"this was not evaluated under the key that the agreement names for {manifest.sender}; refuse it",
            code="ANSWER_KEY",
        )
    if manifest.elements != elements or len(manifest.proofs) != -(-elements // CHUNK_ELEMENTS):
        raise PackageError(
            "the answer has not one element for each of the request, or not one proof for each chunk",
            code="ANSWER_ELEMENTS",
        )
    return key


def _blinds(folder: TokenFolder, request_id: str, number: int) -> ByteMatrix:
    found = folder.blinds(request_id, number)
    if found is None:
        raise KeyFileError("the store lost blinds of this request; ask again", code="STORE_DAMAGED")
    return found


def _lacking(agreement: Agreement, folder: TokenFolder, request_id: str) -> tuple[str, ...]:
    """Key holders whose answer to a request is not there, or not whole."""
    last = (len(folder.inputs(request_id)) - 1) // CHUNK_ELEMENTS
    return tuple(
        party.id
        for party in agreement.key_holders
        if folder.read_part(request_id, _answer_name(party.id, last), ELEMENT_BYTES) is None
    )


def _finish(agreement: Agreement, folder: TokenFolder, request_id: str, share: Share) -> int:
    """Make the tokens of a request whose answers are all there, in chunks; how many there are."""
    inputs = folder.inputs(request_id)
    kept: list[ByteMatrix] = []
    for number, chunk in chunks_of(inputs):
        name = f"tokens-{number:05d}"
        rows = folder.read_part(request_id, name, KEPT_BYTES)
        if rows is None:
            answers = [
                folder.read_part(request_id, _answer_name(party.id, number), ELEMENT_BYTES)
                for party in agreement.key_holders
            ]
            scalars = _blinds(folder, request_id, number)[:, :SCALAR_BYTES]
            outputs = finalised_chunk(chunk, scalars, [answer for answer in answers if answer is not None])
            rows = kept_rows(chunk, outputs[:, :NAME_BYTES])
            folder.write_part(request_id, name, rows)
        kept.append(rows)
        share(min(1.0, (number + 1) * CHUNK_ELEMENTS / len(inputs)))
    folder.finish(request_id, np.concatenate(kept))
    return len(inputs)


def _answer_name(party: str, number: int) -> str:
    return f"answer-{party}-{number:05d}"
