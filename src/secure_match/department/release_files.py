"""RAW: what passed the gate, written: a package that was searched first, plain or sealed; and what would be written.

Invariants: nothing appears at its place before its bytes were searched; where there is a desk, nothing appears there
that is not sealed, signed and logged; :func:`measure_release` writes no file.
"""

from __future__ import annotations

import io
import json
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from secure_match.agreement import Agreement, Dataset, leaving_columns
from secure_match.audit import Artifact
from secure_match.department.canaries import Canaries, ScanSummary
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import ROWS_PART, atomic_writer, write_package_to
from secure_match.encoded.layout import package_layout
from secure_match.exchange.approvals import verify_approval
from secure_match.exchange.desk import Desk, Outgoing
from secure_match.exchange.manifest import Approval, ColumnNote

_DIGEST_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written, or would be.

    Attributes:
        path: the package; None where nothing was written.
        digest: digest of the plain package, hex SHA-256.
        size: its bytes.
        scan: what was searched; None without canary rows.
        package_id: of the sealed package; None for a plain one.
    """

    path: Path | None
    digest: str
    size: int
    scan: ScanSummary | None
    package_id: str | None = None


def write_release(
    agreement: Agreement,
    dataset: Dataset,
    encoded: EncodedDataset,
    out: Path,
    desk: Desk | None,
    *,
    approval: Approval | None = None,
    canaries: Canaries | None = None,
    inputs: Sequence[Artifact] = (),
    counts: Mapping[str, int] | None = None,
) -> Written:
    """Search a package's bytes and write it; with a desk it is sealed for the bureau, signed and logged.

    Args:
        encoded: what passed the gate.
        out: an earlier package there is replaced.
        desk: the department's, under a sealed agreement.
        approval: the second operator's, where the agreement asks for one.
        canaries: what to search for; None for a package that was searched when it was held.
        inputs: what it was made of, for the log.
        counts: further counts for the log.

    Raises:
        ReleaseError: ``RELEASE_IDENTIFIER``, ``APPROVAL_MISSING``, ``APPROVAL_OPERATOR``; nothing is left then.
        PackageError: ``FILE_NOT_WRITABLE``; ``APPROVAL_SIGNATURE``.
        AuditError: as ``Desk.send``; nothing is left then.
    """
    if desk is None:
        return write_plain(encoded, out, canaries=canaries)
    outer = _outer_words(agreement, dataset, encoded, desk)
    with desk.private_folder() as folder:
        plain = folder / out.name
        written = write_plain(encoded, plain, canaries=canaries, outer=outer, public=(desk.operator,))
        verify_approval(agreement, approval, dataset.id, written.digest, operators=(desk.operator,))
        outgoing = Outgoing(
            kind="encodings",
            recipient=next(party.id for party in agreement.parties if party.role == "bureau"),
            columns=column_notes(agreement, dataset, encoded),
            inputs=inputs,
            counts={**encoded.manifest.counts.model_dump(), **(counts or {})},
            approval=approval,
        )
        package = desk.send(plain, out, outgoing)
    return Written(path=out, digest=written.digest, size=written.size, scan=written.scan, package_id=package.id)


def write_plain(
    encoded: EncodedDataset,
    path: Path,
    *,
    canaries: Canaries | None = None,
    outer: bytes = b"",
    public: Sequence[str] = (),
) -> Written:
    """Write a plain package for the department itself, or under a trial agreement, once its bytes were searched.

    Args:
        outer: what a sealed package will say in the open.
        public: words that everybody may read.

    Raises:
        ReleaseError: ``RELEASE_IDENTIFIER``; nothing is left then.
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    with atomic_writer(path) as stream:
        return _write_searched(encoded, stream, path, canaries=canaries, outer=outer, public=public)


def measure_release(
    agreement: Agreement, dataset: Dataset, encoded: EncodedDataset, desk: Desk | None, canaries: Canaries | None
) -> Written:
    """What :func:`write_release` would write, made and searched in memory: as many bytes again as the package has."""
    outer = b"" if desk is None else _outer_words(agreement, dataset, encoded, desk)
    public = () if desk is None else (desk.operator,)
    stream = io.BytesIO()
    return _write_searched(encoded, stream, None, canaries=canaries, outer=outer, public=public)


def column_notes(agreement: Agreement, dataset: Dataset, encoded: EncodedDataset) -> tuple[ColumnNote, ...]:
    """The columns of a package with their types and what may stand in them, in its order."""
    return tuple(
        ColumnNote(name=column.name, type=str(encoded.table.schema.field(column.name).type), allowed=column.form)
        for column in leaving_columns(agreement, dataset, encoded.manifest.phase)
    )


def _outer_words(agreement: Agreement, dataset: Dataset, encoded: EncodedDataset, desk: Desk) -> bytes:
    """What an outer manifest says in the open and the plain package does not: it is searched too."""
    notes = [item.model_dump(mode="json") for item in column_notes(agreement, dataset, encoded)]
    words = {"sender": desk.party, "operator": desk.operator, "period": desk.period, "columns": notes}
    return json.dumps(words, ensure_ascii=False).encode()


def _write_searched(
    encoded: EncodedDataset,
    stream: IO[bytes],
    path: Path | None,
    *,
    canaries: Canaries | None,
    outer: bytes,
    public: Sequence[str],
) -> Written:
    write_package_to(stream, encoded.manifest, ROWS_PART, encoded.table)
    stream.flush()
    size = stream.seek(-_DIGEST_CHARACTERS, io.SEEK_END) + _DIGEST_CHARACTERS
    digest = stream.read(_DIGEST_CHARACTERS).decode("ascii")
    scan = None
    if canaries is not None:
        if isinstance(stream, io.BytesIO):
            layout = package_layout(stream.getvalue(), ROWS_PART)
        else:
            # Arrow keeps the mapping while it has views of it; the layout is numbers only.
            layout = package_layout(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), ROWS_PART)
        scan = canaries.verify(stream, layout, encoded, manifest=outer, public=public)
    return Written(path=path, digest=digest, size=size, scan=scan)
