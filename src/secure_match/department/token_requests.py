"""RAW: requests as they leave the department: one file for each key holder, all with the same elements.

Invariant: a request holds blinded elements and nothing of a row; it can be written again as long as it waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from secure_match import __version__
from secure_match.agreement import Agreement
from secure_match.department._oprf_client import chunks_of
from secure_match.department.desk_files import read_department_key
from secure_match.department.token_files import SCALAR_BYTES, TokenFolder, open_token_folder
from secure_match.encoded.files import verify_writable
from secure_match.errors import AgreementError, Place, UsageError
from secure_match.exchange.desk import Desk, Outgoing, require_desk
from secure_match.exchange.oprf.files import BLINDED_NOTES, BlindedManifest, BlindedRequest, write_blinded


def request_paths(agreement: Agreement, out: Path) -> dict[str, Path]:
    """Key holder to the file that its request is written to: ``out`` itself, or with two ``out`` with their ids in it.

    Raises:
        UsageError: ``TOKENS_UNUSED`` under ``hmac``.
        AgreementError: ``KEYS_MISSING`` where the agreement names no keys of the key holders.
    """
    if agreement.id_token.protocol == "hmac":
        raise UsageError("this agreement says hmac: nobody is asked, encode at once", code="TOKENS_UNUSED")
    holders = agreement.key_holders
    if not holders or any("oprf" not in party.public_keys for party in holders):
        raise AgreementError(
            "the agreement names no oprf key of its key holder; add it with: secure-match agreement add-keys",
            code="KEYS_MISSING",
        )
    if len(holders) == 1:
        return {holders[0].id: out}
    return {party.id: out.with_name(f"{out.stem}.{party.id}{out.suffix}") for party in holders}


def verify_new(paths: Mapping[str, Path], taken: set[Path]) -> None:
    """Check that requests can be written, over no file that is there.

    Raises:
        UsageError: ``OUTPUT_IS_INPUT``, ``FILE_EXISTS``.
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    for path in paths.values():
        if path.resolve() in taken:
            raise UsageError("the request would overwrite an input", code="OUTPUT_IS_INPUT", place=Place(file=path))
        verify_writable(path)
        if path.exists():
            raise UsageError("there is a file already; name another", code="FILE_EXISTS", place=Place(file=path))


def write_requests(
    agreement: Agreement,
    folder: TokenFolder,
    request_id: str,
    paths: Mapping[str, Path],
    desk: Desk | None,
    *,
    datasets: tuple[str, ...],
) -> None:
    """Write the files of a request; with a desk each is sealed to its key holder, signed and logged.

    Args:
        paths: key holder to file.
        datasets: whose numbers are asked for.

    Raises:
        SecureMatchError: as ``Desk.send``.
    """
    parts = [folder.blinds(request_id, number) for number, _ in chunks_of(folder.inputs(request_id))]
    elements = np.concatenate([part[:, SCALAR_BYTES:] for part in parts if part is not None])
    for holder, path in paths.items():
        manifest = BlindedManifest(
            agreement_id=agreement.id,
            agreement_fingerprint=agreement.fingerprint,
            key_epoch=agreement.key_epoch,
            sender=folder.party,
            recipient=holder,
            request_id=request_id,
            elements=len(elements),
            datasets=datasets,
            tool=f"secure_match {__version__}",
        )
        request = BlindedRequest(manifest=manifest, elements=elements)
        if desk is None:
            write_blinded(request, path)
        else:
            outgoing = Outgoing(
                kind="blinded", recipient=holder, columns=BLINDED_NOTES, counts={"elements": len(elements)}
            )
            desk.send_written(partial(write_blinded, request), path, outgoing)


def write_again(
    agreement: Agreement, request_id: str, key_path: Path, store: Path, out: Path, *, desk: Desk | None = None
) -> tuple[Path, ...]:
    """Write the files of a request that waits once more, with the same elements.

    Raises:
        UsageError: ``REQUEST_UNKNOWN`` where no such request waits in the store.
        SecureMatchError: as :func:`blind_station.blind_exports`.
    """
    require_desk(agreement, desk)
    paths = request_paths(agreement, out)
    verify_new(paths, {key_path.resolve()})
    key = read_department_key(key_path, desk)
    identity = desk.identity if desk is not None else None
    folder = open_token_folder(store, agreement, key.party, identity)
    if request_id not in folder.waiting():
        known = ", ".join(folder.waiting()) or "none"
        raise UsageError(f"no such request waits for an answer; requests: {known}", code="REQUEST_UNKNOWN")
    write_requests(agreement, folder, request_id, paths, desk, datasets=folder.datasets(request_id))
    return tuple(paths.values())
