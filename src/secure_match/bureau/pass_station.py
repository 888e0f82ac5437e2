"""ENCODED: the bureau asks departments for passes, from file to file. The command and the demo call this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from secure_match.agreement import Agreement
from secure_match.bureau.files import make_directory
from secure_match.bureau.intake_files import opened_packages, verify_plain
from secure_match.bureau.package_files import TakenIn, read_packages
from secure_match.bureau.pass_requests import row_requests, tag_requests
from secure_match.encoded.files import verify_writable, write_pass_request
from secure_match.encoded.pass_requests import PassRequest
from secure_match.errors import AgreementError
from secure_match.exchange.desk import Desk, Outgoing, require_desk
from secure_match.exchange.manifest import ColumnNote

REQUEST_NOTES: Final = (
    ColumnNote(name="dataset", type="string", allowed="an id of the agreement"),
    ColumnNote(name="pass", type="string", allowed="an id of the agreement; empty for a handle"),
    ColumnNote(
        name="value", type="fixed_size_binary[16]", allowed="a handle of the recipient's, or a block tag of the pass"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedReport:
    """One request.

    Attributes:
        party: whom it is for.
        by: whether rows are asked for by handle or by block tag.
        values: dataset to how many handles or tags ask for it.
        rows: dataset to the rows that it has.
        path: the request.
    """

    party: str
    by: str
    values: dict[str, int]
    rows: dict[str, int]
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingReport:
    """What was asked.

    Attributes:
        requests: in the order of the departments' ids; none where there is nothing to ask.
        unanswered: datasets whose rows were asked for and are not there, as requests by tag were made.
    """

    requests: tuple[AskedReport, ...]
    unanswered: tuple[str, ...] = ()


def request_passes(
    agreement: Agreement,
    packages: Sequence[Path],
    out: Path,
    *,
    desk: Desk | None = None,
    also_periods: Sequence[str] = (),
) -> AskingReport:
    """Write requests for passes: for rows without an equal ID token or, once those came in, for the population's.

    Args:
        packages: all packages of phase 1, and the packages of phase 2 that came in by now.
        out: directory for the requests, ``passes-<department>.smr``; earlier ones there are replaced.
        desk: the bureau's, under a sealed agreement.
        also_periods: months besides the desk's that packages may be of.

    Raises:
        AgreementError: ``ONE_PHASE`` where passes of all rows leave at once.
        PackageError, LinkageError: as ``read_packages`` and ``opened_packages``.
    """
    require_desk(agreement, desk)
    if not agreement.release.two_phase:
        raise AgreementError(
            "under this agreement the passes of all rows leave at once; there is nothing to ask for: link",
            code="ONE_PHASE",
        )
    make_directory(out)
    if desk is None:
        verify_plain(packages)
        return _request(agreement, packages, out, None)
    with (
        desk.logging_refusals("request_passes"),
        opened_packages(desk, packages, out, also_periods=also_periods) as contents,
    ):
        return _request(agreement, contents, out, desk)


def _request(agreement: Agreement, packages: Sequence[Path], out: Path, desk: Desk | None) -> AskingReport:
    taken = read_packages(agreement, packages, joined=False)
    datasets = taken.verified.datasets
    digests = {name: (digest, *taken.supplements.get(name, ())) for name, digest in taken.digests.items()}
    kinds = {item.id: item.kind for item in agreement.datasets}
    answered = [name for name in taken.parts if kinds[name] != "population"]
    wanted = row_requests(agreement, datasets, digests)
    unanswered: tuple[str, ...] = ()
    if answered:
        asked = {source.dataset for request in wanted.values() for source in request.manifest.sources}
        unanswered = tuple(sorted(asked - set(answered)))
        parts = [part.dataset for items in taken.parts.values() for part in items]
        wanted = tag_requests(agreement, datasets, parts, digests)
    reports = [_write(request, out, taken, desk) for request in wanted.values()]
    taken.verify_unchanged()
    return AskingReport(requests=tuple(reports), unanswered=unanswered)


def _write(request: PassRequest, out: Path, taken: TakenIn, desk: Desk | None) -> AskedReport:
    manifest = request.manifest
    path = out / f"passes-{manifest.recipient}.smr"
    verify_writable(path)
    if desk is None:
        write_pass_request(request, path)
    else:
        outgoing = Outgoing(
            kind="pass-request",
            recipient=manifest.recipient,
            columns=REQUEST_NOTES,
            counts={"values": manifest.rows},
        )
        desk.send_written(lambda plain: write_pass_request(request, plain), path, outgoing)
    rows = {item.manifest.dataset: len(item) for item in taken.verified.datasets}
    return AskedReport(
        party=manifest.recipient,
        by=manifest.sources[0].by,
        values={source.dataset: source.rows for source in manifest.sources},
        rows={source.dataset: rows[source.dataset] for source in manifest.sources},
        path=path,
    )
