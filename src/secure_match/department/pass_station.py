"""RAW: the station of the second phase: a request of the bureau to packages with the passes that it may have.

Invariants: nothing leaves beyond the agreement's share, over all requests together; a row that leaves is noted first;
what leaves was searched when it was encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from secure_match.agreement import Agreement
from secure_match.audit import make_artifact
from secure_match.department.desk_files import readable_package
from secure_match.department.files import verify_replaceable_package
from secure_match.department.held_files import held_path, hold_release
from secure_match.department.kept_files import Kept, note_released, read_kept
from secure_match.department.pass_answers import asked_rows, asked_tags, verify_way
from secure_match.department.release import fuzzy_rows, verify_passes_release
from secure_match.department.release_files import Written, write_release
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import file_digest, read_pass_request, verify_writable
from secure_match.encoded.pass_requests import PassRequest, PassSource
from secure_match.errors import LinkageError, PackageError, UsageError, located
from secure_match.exchange.desk import Desk, require_desk


@dataclass(frozen=True, slots=True, kw_only=True)
class PassesReport:
    """What was given out of one package.

    Attributes:
        dataset: its dataset.
        by: whether its rows were asked for by handle or by block tag.
        asked: values that asked: handles of this package, or tags.
        rows: rows whose passes left now.
        released: rows whose passes left so far, these among them.
        of_rows: rows of the first phase.
        package: what was written; None where no row was to be given out.
        held: whether it waits for a second operator's approval.
        package_digest: digest of the plain package.
    """

    dataset: str
    by: str
    asked: int
    rows: int
    released: int
    of_rows: int
    package: Path | None
    package_digest: str
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Answer:
    """What one kept file gives to a request."""

    kept: Kept
    source: PassSource
    encoded: EncodedDataset
    asked: int
    out: Path


def release_passes(
    agreement: Agreement,
    request: Path,
    kept: Sequence[Path],
    out: Path,
    *,
    desk: Desk | None = None,
) -> tuple[PassesReport, ...]:
    """Answer a request of the bureau; a refusal is logged.

    Args:
        request: the request (``.smr``).
        kept: what ``encode_export`` kept of every dataset that is asked for, its supplements' too.
        out: directory for the packages, one per kept file: ``<dataset>-passes.smp``.
        desk: the department's, under a sealed agreement.

    Raises:
        PackageError: as ``read_pass_request``; ``PHASE_BASE`` where the passes of a package are not at hand.
        LinkageError: ``DEFINITION_MISMATCH``, ``EPOCH_MISMATCH``, ``DATASET_UNKNOWN``.
        ReleaseError: ``REQUEST_WAY``, ``RELEASE_FUZZY_SHARE``; nothing is written then.
        UsageError: ``RELEASED_LIST``.
    """
    require_desk(agreement, desk)
    with desk.logging_refusals("release_passes") if desk is not None else nullcontext():
        with readable_package(request, "pass-request", desk) as content:
            asked = read_pass_request(content)
        at_hand = read_kept(agreement, kept)
        held = agreement.release.second_operator
        with located(request):
            _verify_request(agreement, asked)
            answers = [
                item for source in asked.manifest.sources for item in _answers(asked, source, at_hand, out, held=held)
            ]
            totals = [_verify(agreement, item) for item in answers]
        inputs = (make_artifact(request, file_digest(request)),) if desk is not None else ()
        reports: list[PassesReport] = []
        for item, total in zip(answers, totals, strict=True):
            written = None
            if len(item.encoded):
                note_released(item.kept, item.kept.released_with(item.encoded.table["handle"]))
                dataset = verify_way(agreement, item.source, asked.manifest.recipient)
                if held:
                    written = hold_release(agreement, item.encoded, item.out, desk, None, given_up={})
                else:
                    written = write_release(agreement, dataset, item.encoded, item.out, desk, inputs=inputs)
            reports.append(_report(item, total, written, held=held))
        return tuple(reports)


def _verify_request(agreement: Agreement, request: PassRequest) -> None:
    manifest = request.manifest
    if (manifest.agreement_id, manifest.agreement_fingerprint) != (agreement.id, agreement.fingerprint):
        raise LinkageError("the request was made under another agreement than yours", code="DEFINITION_MISMATCH")
    if manifest.key_epoch != agreement.key_epoch:
        raise LinkageError("the request is of another key epoch than the agreement", code="EPOCH_MISMATCH")
    for source in manifest.sources:
        verify_way(agreement, source, manifest.recipient)


def _answers(
    request: PassRequest, source: PassSource, at_hand: Sequence[Kept], out: Path, *, held: bool
) -> list[_Answer]:
    """What the kept passes of all packages of one dataset give."""
    values = request.values(source.dataset)
    found: list[_Answer] = []
    for place, digest in enumerate(source.packages):
        kept = next((item for item in at_hand if item.encoded.manifest.completes == digest), None)
        if kept is None or kept.encoded.manifest.dataset != source.dataset:
            raise PackageError(
                f"the passes of a package of {source.dataset} are asked for that are not among those named with "
                "--kept; name what department encode kept beside it",
                code="PHASE_BASE",
            )
        name = f"{source.dataset}-passes{f'-{place}' if place else ''}.smp"
        path = held_path(out / name) if held else out / name
        if path.resolve() in {kept.path.resolve()}:
            raise UsageError("this output would overwrite another file", code="OUTPUT_IS_INPUT")
        verify_writable(path)
        verify_replaceable_package(path)
        if source.by == "tag":
            encoded, asked = asked_tags(kept.encoded, values), source.rows
        else:
            encoded, asked = asked_rows(kept.encoded, values)
        found.append(_Answer(kept=kept, source=source, encoded=encoded, asked=asked, out=path))
    return found


def _verify(agreement: Agreement, item: _Answer) -> int:
    dataset = verify_way(agreement, item.source, item.encoded.manifest.owner)
    total = len(item.kept.released_with(item.encoded.table["handle"]))
    verify_passes_release(agreement, dataset, item.encoded, released=total, of_rows=len(item.kept.encoded))
    return total


def _report(item: _Answer, total: int, written: Written | None, *, held: bool) -> PassesReport:
    return PassesReport(
        dataset=item.source.dataset,
        by=item.source.by,
        asked=item.asked,
        rows=fuzzy_rows(item.encoded),
        released=total,
        of_rows=len(item.kept.encoded),
        package=written.path if written is not None else None,
        package_digest=written.digest if written is not None else "",
        held=held and written is not None,
    )
