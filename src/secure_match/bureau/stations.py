"""ENCODED: the bureau's station from file to file. The command and the demo call this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from secure_match.agreement import Agreement
from secure_match.bureau._run import BureauRun, run_bureau
from secure_match.bureau.files import read_packages, write_run

Progress = Callable[[str], None]
Clock = Callable[[], float]


def link_packages(
    agreement: Agreement,
    packages: Sequence[Path],
    out: Path,
    *,
    clock: Clock,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[BureauRun, dict[str, Path], dict[str, Any]]:
    """Read packages, link and examine them, write findings and the summary.

    Args:
        clock: seconds of a monotonic clock, for the time in the summary.

    Returns:
        The run, department to findings file, and the summary as written.

    Raises:
        SecureMatchError: with a code and a place, before anything is written.
    """
    started = clock()
    if progress is not None:
        progress("packages")
    datasets, digests, supplements = read_packages(agreement, packages)
    run = run_bureau(agreement, datasets, digests, supplements=supplements, threads=threads, progress=progress)
    extra = {"seconds": round(clock() - started, 3)}
    paths = write_run(run, out, extra)
    return run, paths, run.summary | extra
