"""ENCODED: the bureau's station from file to file. The command and the demo call this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from secure_match.agreement import Agreement
from secure_match.bureau._run import BureauRun, run_bureau
from secure_match.bureau.files import make_directory, verify_outputs, write_run
from secure_match.bureau.intake_files import opened_packages, verify_plain
from secure_match.bureau.package_files import read_packages
from secure_match.bureau.review_decisions import settled
from secure_match.bureau.review_files import Decisions, read_decisions
from secure_match.bureau.review_labels import labels_of
from secure_match.bureau.work_files import WorkFolder, open_work_folder
from secure_match.errors import PackageError
from secure_match.exchange.desk import Desk, require_desk
from secure_match.linkage import LinkHooks, MemoryPlan, PairLabels, RowOrder, plan_memory

Progress = Callable[[str], None]
Clock = Callable[[], float]


def _ignore(_: object) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOptions:
    """How a run is carried out; of it only ``decisions`` changes what is found.

    Attributes:
        decisions: file of clerks' decisions, which become labels of the run.
        resume: continue an unfinished run in the same directory.
        memory_limit_bytes: refuse a run that is planned to need more.
        planned: told the memory plan before linking begins.
        note: told, in a sentence, what became of an unfinished run.
        share: told the share (0 to 1) of the current step that is done.
        desk: the bureau's, under a sealed agreement.
        also_periods: months besides the desk's that packages may be of.
        peak_bytes: the largest memory of the process so far, for the summary; None where nobody can tell.
    """

    decisions: Path | None = None
    desk: Desk | None = None
    also_periods: Sequence[str] = ()
    resume: bool = False
    memory_limit_bytes: int | None = None
    planned: Callable[[MemoryPlan], None] = _ignore
    note: Callable[[str], None] = _ignore
    share: Callable[[float], None] = _ignore
    peak_bytes: Callable[[], int | None] | None = None


def link_packages(
    agreement: Agreement,
    packages: Sequence[Path],
    out: Path,
    *,
    clock: Clock,
    threads: int | None = None,
    progress: Progress | None = None,
    options: LinkOptions | None = None,
) -> tuple[BureauRun, dict[str, Path], dict[str, Any]]:
    """Read packages, link and examine them, write findings and the summary.

    Finished steps are kept in ``out/.work`` until everything is written.

    Args:
        clock: seconds of a monotonic clock, for the time in the summary.
        progress: called with the name of each step as it begins.

    Returns:
        The run, department to findings file, and the summary as written.

    Raises:
        SecureMatchError: with a code and a place, before any result is written.
    """
    chosen = options or LinkOptions()
    require_desk(agreement, chosen.desk)
    link = partial(
        _link,
        agreement,
        out=out,
        clock=clock,
        started=clock(),
        threads=threads,
        say=progress or _ignore,
        chosen=chosen,
    )
    if chosen.desk is None:
        verify_plain(packages)
        return link(packages)
    make_directory(out)
    with (
        chosen.desk.logging_refusals("link"),
        opened_packages(chosen.desk, packages, out, also_periods=chosen.also_periods) as contents,
    ):
        return link(contents)


def _link(
    agreement: Agreement,
    packages: Sequence[Path],
    *,
    out: Path,
    clock: Clock,
    started: float,
    threads: int | None,
    say: Progress,
    chosen: LinkOptions,
) -> tuple[BureauRun, dict[str, Path], dict[str, Any]]:
    """Link plain packages."""
    decided = read_decisions(chosen.decisions) if chosen.decisions is not None else None
    say("packages")
    taken = read_packages(agreement, packages, threads=threads, share=chosen.share)
    plan = plan_memory(agreement, taken.verified.datasets)
    plan.verify(chosen.memory_limit_bytes)
    make_directory(out)
    verify_outputs(agreement, out)
    labels = _labels(RowOrder.of(agreement, taken.verified), decided)
    taken.release()
    work, note = open_work_folder(
        out,
        agreement.fingerprint,
        taken.all_digests,
        resume=chosen.resume,
        verify_inputs=taken.verify_unchanged,
        decisions=decided.digest if decided is not None else None,
    )
    chosen.planned(plan)
    if note:
        chosen.note(note)
    hooks = LinkHooks(
        share=chosen.share, release=taken.release, steps=work, memory_limit_bytes=chosen.memory_limit_bytes
    )
    with _nothing_kept_of_changed_packages(work):
        run = run_bureau(
            agreement,
            taken.verified,
            taken.digests,
            supplements=taken.supplements,
            threads=threads,
            progress=say,
            hooks=hooks,
            labels=labels,
        )
        taken.verify_unchanged()
    say("writing")
    extra = {
        "review": _review(labels, decided),
        "seconds": round(clock() - started, 3),
        "memory": _memory(plan, chosen),
        "resumed_steps": work.resumed,
    }
    paths = write_run(run, out, extra, desk=chosen.desk)
    work.remove()
    return run, paths, run.summary | extra


def _labels(rows: RowOrder, decided: Decisions | None) -> PairLabels:
    return labels_of(rows, decided.items) if decided is not None else PairLabels.none()


def _review(labels: PairLabels, decided: Decisions | None) -> dict[str, int]:
    """Labels of the run, and decided pairs of which a row is gone."""
    match = int(labels.is_match.sum())
    pairs = len(settled(decided.items)) if decided is not None else 0
    return {"labels": len(labels), "match": match, "non_match": len(labels) - match, "gone": pairs - len(labels)}


@contextmanager
def _nothing_kept_of_changed_packages(work: WorkFolder) -> Iterator[None]:
    try:
        yield
    except PackageError:
        work.remove()
        raise


def _memory(plan: MemoryPlan, options: LinkOptions) -> dict[str, int]:
    known = {
        "planned_peak_bytes": plan.peak_bytes,
        "measured_peak_bytes": options.peak_bytes() if options.peak_bytes is not None else None,
        "limit_bytes": options.memory_limit_bytes,
    }
    return {name: size for name, size in known.items() if size is not None}
