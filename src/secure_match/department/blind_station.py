"""RAW: the station that asks: ID numbers of exports to a request that the key holders can answer and not read.

Invariants: what was answered, or asked and not answered yet, is not asked again; the blinds are on the disk before the
request is; a run that was killed goes on where it was, if it is called with the same exports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from secure_match.agreement import Agreement, id_token_field
from secure_match.department._oprf_client import CHUNK_ELEMENTS, blinded_chunk, chunks_of
from secure_match.department.blinding import (
    ByteMatrix,
    DistinctInputs,
    RandomBytes,
    TokenInputs,
    shuffled,
)
from secure_match.department.dataset_encoder import require_dataset, verify_key
from secure_match.department.desk_files import read_department_key
from secure_match.department.keys import DepartmentKey
from secure_match.department.normalise import normalise_fields, survey_columns
from secure_match.department.readers import HeldExport, ReadOptions, RefusedRows, open_export
from secure_match.department.token_files import TokenFolder, open_token_folder
from secure_match.department.token_requests import request_paths, verify_new, write_requests
from secure_match.errors import ReleaseError, UsageError, located
from secure_match.exchange.desk import Desk, require_desk

_REQUEST_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindReport:
    """What ``blind_exports`` did. ``distinct == kept + waiting + asked``.

    Attributes:
        rows: rows with a valid ID number, of all exports.
        distinct: different numbers among them.
        kept: how many have a token already.
        waiting: how many stand in requests that wait for an answer.
        asked: how many the new request asks for.
        resumed: how many of these an interrupted run had blinded.
        request_id: of the request; "" where there is nothing to ask.
        requests: the files, one for each key holder in the order of the agreement.
        open_requests: requests that wait for an answer, this one included.
    """

    rows: int
    distinct: int
    kept: int
    waiting: int
    asked: int
    resumed: int
    request_id: str
    requests: tuple[Path, ...]
    open_requests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindProgress:
    """Called while the station works: ``read`` with rows, ``blinded`` with the share, 0 to 1, that is done."""

    read: Callable[[int], None] = lambda _: None
    blinded: Callable[[float], None] = lambda _: None


def blind_exports(
    agreement: Agreement,
    exports: Sequence[tuple[str, str | Path]],
    key_path: Path,
    store: Path,
    out: Path,
    *,
    random: RandomBytes,
    options: ReadOptions | None = None,
    inputs: Sequence[Path] = (),
    progress: BlindProgress | None = None,
    desk: Desk | None = None,
) -> BlindReport:
    """Ask the key holders for the tokens that a department lacks.

    Args:
        exports: id of a dataset and its export, each a path or database URL; see ``open_export``.
        store: the department's store; it is made if it is not there.
        out: the request; with two key holders ``out`` names two files, see :func:`token_requests.request_paths`.
        random: random bytes of the system; whoever knows them reads the request.
        options: how to read the exports.
        inputs: further files that no output may overwrite.
        desk: the department's, under a sealed agreement.

    Raises:
        SecureMatchError: with a code and a place, before a request is written.
    """
    progress = progress if progress is not None else BlindProgress()
    require_desk(agreement, desk)
    paths = request_paths(agreement, out)
    verify_new(paths, {Path(item).resolve() for item in (key_path, *inputs, *(path for _, path in exports))})
    key = read_department_key(key_path, desk)
    with desk.logging_refusals("blind") if desk is not None else nullcontext():
        for dataset_id, _ in exports:
            with located(key_path):
                verify_key(agreement, require_dataset(agreement, dataset_id), key)
        identity = desk.identity if desk is not None else None
        folder = open_token_folder(store, agreement, key.party, identity, random=random, create=True)
        request_id, resumed = "", 0
        with folder.locked():
            collected = _collect(agreement, exports, key, folder, options=options, progress=progress)
            _verify_quota(agreement, key.party, len(collected.new))
            if len(collected.new):
                request_id, resumed = _blind(folder, collected.new, random=random, progress=progress)
                datasets = tuple(sorted({dataset_id for dataset_id, _ in exports}))
                folder.complete(request_id, datasets)
                write_requests(agreement, folder, request_id, paths, desk, datasets=datasets)
    return BlindReport(
        rows=collected.rows,
        distinct=collected.kept + collected.waiting + len(collected.new),
        kept=collected.kept,
        waiting=collected.waiting,
        asked=len(collected.new),
        resumed=resumed,
        request_id=request_id,
        requests=tuple(paths.values()) if request_id else (),
        open_requests=tuple(folder.waiting()),
    )


def _verify_quota(agreement: Agreement, party: str, asked: int) -> None:
    """Refuse before the work what a key holder would refuse after it; what it answered this month it alone knows."""
    allowed = agreement.id_token.allowed_elements(party)
    if asked > allowed:
        raise ReleaseError(
            f"{asked:,} different numbers have no token, and the agreement allows {party} {allowed:,} a month: ask for "
            "fewer datasets at once, or agree on another quota",
            code="QUOTA_EXCEEDED",
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Collected:
    """Inputs that are to be asked, and how many need not be."""

    new: ByteMatrix
    rows: int
    kept: int
    waiting: int


def _collect(
    agreement: Agreement,
    exports: Sequence[tuple[str, str | Path]],
    key: DepartmentKey,
    folder: TokenFolder,
    *,
    options: ReadOptions | None,
    progress: BlindProgress,
) -> _Collected:
    maker, every = TokenInputs(agreement, key), DistinctInputs()
    for dataset_id, export in exports:
        for numbers in _numbers(agreement, dataset_id, export, options, progress):
            every.add(maker.of(numbers))
    distinct = every.take()
    kept = folder.kept().find(distinct)[1]
    asked = DistinctInputs([folder.inputs(request) for request in folder.waiting()])
    asked.add(distinct[~kept])
    new = asked.take()
    return _Collected(
        new=new, rows=every.rows, kept=int(kept.sum()), waiting=len(distinct) - int(kept.sum()) - len(new)
    )


def _numbers(
    agreement: Agreement,
    dataset_id: str,
    export: str | Path,
    options: ReadOptions | None,
    progress: BlindProgress,
) -> Iterator[pa.StringArray]:
    """Canonical numbers of an export, batch after batch, as ``encode`` makes them; null where there is none."""
    dataset = require_dataset(agreement, dataset_id)
    name = id_token_field(agreement, dataset)
    if name is None:
        raise UsageError(f"dataset {dataset_id} has no ID numbers, so that it needs no tokens", code="TOKENS_UNUSED")
    header = dataset.identity[name]
    source = open_export(export, options)
    held = HeldExport(source, [header])
    # Damage by a spreadsheet shows in the whole column only, so that is looked at first, as encoding does.
    facts = survey_columns(
        agreement, {name: header}, held.batches(refused=RefusedRows()), numeric_columns=source.numeric_columns
    )
    for batch in held.batches(refused=RefusedRows(), last=True):
        yield normalise_fields(agreement, {name: batch[header]}, batch.num_rows, facts=facts)[name].values
        progress.read(batch.num_rows)


def _blind(folder: TokenFolder, new: ByteMatrix, *, random: RandomBytes, progress: BlindProgress) -> tuple[str, int]:
    """Blind inputs in chunks, each on the disk before the next; the request's id, and how many were blinded before."""
    request_id = _draft_of(folder, new) or random(_REQUEST_ID_BYTES).hex()
    if request_id not in folder.drafts():
        folder.begin(request_id, shuffled(new, random))
    inputs = folder.inputs(request_id)
    resumed = 0
    for number, chunk in chunks_of(inputs):
        if folder.blinds(request_id, number) is None:
            folder.write_blinds(request_id, number, blinded_chunk(chunk, random))
        else:
            resumed += len(chunk)
        progress.blinded(min(1.0, (number + 1) * CHUNK_ELEMENTS / len(inputs)))
    return request_id, resumed


def _draft_of(folder: TokenFolder, new: ByteMatrix) -> str | None:
    """The draft that asks for exactly these inputs; others are dropped: nobody was asked by them."""
    found = None
    for request_id in folder.drafts():
        inputs = folder.inputs(request_id)
        again = DistinctInputs([new])
        again.add(inputs)
        if len(inputs) == len(new) and not len(again.take()):
            found = request_id
        else:
            folder.drop(request_id)
    return found
