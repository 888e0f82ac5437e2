"""ENCODED: the bureau takes sealed packages in: opened, of one month, none older than what it had before.

Invariants:

* contents lie open in one folder of the run, its owner's alone, and only as long as the run needs them,
* a package that was overtaken by a later one of its dataset is never taken in again: the bureau's own log knows,
* a run takes packages of one month, but for older months that the operator names.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from secure_match.audit import make_artifact
from secure_match.errors import PackageError, Place
from secure_match.exchange.desk import Desk, package_ref
from secure_match.exchange.files import SealedPackage, is_sealed
from secure_match.exchange.replay import SUPPLEMENTS, is_supplement, verify_not_overtaken

OPENED_NAME: Final = ".opened"
_WHOLE: Final = "whole"


def verify_plain(paths: Sequence[Path]) -> None:
    """Check that no package is sealed, as under a trial agreement.

    Raises:
        PackageError: ``PACKAGE_SEALED``; ``FILE_NOT_FOUND``.
    """
    for path in paths:
        if is_sealed(path):
            raise PackageError(
                "this package is sealed, but the agreement names no public keys: it is not the sender's agreement",
                code="PACKAGE_SEALED",
                place=Place(file=path),
            )


@contextmanager
def opened_packages(
    desk: Desk, paths: Sequence[Path], out: Path, *, also_periods: Sequence[str] = ()
) -> Iterator[list[Path]]:
    """Verify sealed packages, log that they were taken in, and have their contents open for the block.

    Args:
        out: the run directory, which exists; contents lie in a folder in it that ends with the block.
        also_periods: months besides the desk's that packages may be of.

    Raises:
        PackageError: as ``Desk.open_content``; ``PACKAGE_PERIOD``, ``PACKAGE_REPLAYED``; with the file.
        LinkageError: as ``Desk.open_content``.
    """
    folder = out / OPENED_NAME
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        contents: list[Path] = []
        packages: list[SealedPackage] = []
        for path in paths:
            target = folder / path.name
            if target in contents:
                target = folder / f"{len(contents)}-{path.name}"
            packages.append(desk.open_content(path, target, "encodings"))
            contents.append(target)
        _verify_periods(desk, packages, also_periods)
        verify_not_overtaken(desk.log, packages)
        _log_intake(desk, packages)
        yield contents
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _log_intake(desk: Desk, packages: Sequence[SealedPackage]) -> None:
    """Whole packages in one entry and supplements in another: these overtake nothing."""
    for supplements in (False, True):
        chosen = [item for item in packages if is_supplement(item) == supplements]
        if chosen:
            inputs = [make_artifact(item.path, item.id, package_ref(item.manifest)) for item in chosen]
            desk.note("intake", inputs=inputs, details={"content": SUPPLEMENTS if supplements else _WHOLE})


def _verify_periods(desk: Desk, packages: Sequence[SealedPackage], also_periods: Sequence[str]) -> None:
    allowed = {desk.period, *also_periods}
    for item in packages:
        if item.manifest.period not in allowed:
            raise PackageError(
                f"the package is of {item.manifest.period}, the run of {desk.period}; ask for this month's, or, where "
                f"the older one is meant, add --also-period {item.manifest.period}",
                code="PACKAGE_PERIOD",
                place=Place(file=item.path),
            )
