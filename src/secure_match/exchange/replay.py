"""ENCODED: an old package that comes back: of what replaces its earlier edition, nothing older is taken in again.

That are encodings, by dataset, and findings; of questions and answers each is of its own. The receiver's own log knows
what it took in. Two editions are ordered by month, then by the sender's number.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from secure_match.audit import PackageKind
from secure_match.audit.files import iter_log
from secure_match.errors import PackageError, Place
from secure_match.exchange.files import SealedPackage

SUPPLEMENTS: Final = "supplements"
"""What the detail ``content`` says of an entry whose packages complete others, and overtake nothing."""
_REPLACED: Final[frozenset[PackageKind]] = frozenset({"encodings", "findings"})
_Source = tuple[str, str, str]


def is_supplement(package: SealedPackage) -> bool:
    """Whether a package completes another: by further rows, or by passes of rows that were asked for."""
    content = package.manifest.content
    return content.get("supplement_to") is not None or content.get("completes") is not None


def verify_not_overtaken(log: Path, packages: Iterable[SealedPackage]) -> None:
    """Check that no package is older than one of its kind, sender and dataset that the log says was taken in.

    The same package may come again, and so may a package that supplements completed since.

    Raises:
        PackageError: ``PACKAGE_REPLAYED``, with the file.
        AuditError: as ``audit.files.iter_log``.
    """
    checked = [item for item in packages if item.manifest.kind in _REPLACED and not is_supplement(item)]
    latest = _taken_before(log) if checked and log.exists() else {}
    for item in checked:
        manifest = item.manifest
        before = latest.get((manifest.kind, manifest.sender, manifest.dataset))
        if before is not None and (manifest.period, manifest.sequence) < before:
            raise PackageError(
                "a later package of this kind was taken in before; this one is an old one that came back: ask the "
                "sender which is right",
                code="PACKAGE_REPLAYED",
                place=Place(file=item.path),
            )


def _taken_before(log: Path) -> dict[_Source, tuple[str, int]]:
    latest: dict[_Source, tuple[str, int]] = {}
    for entry in iter_log(log):
        if entry.action in ("intake", "receive") and entry.details.get("content") != SUPPLEMENTS:
            for package in (item.package for item in entry.inputs):
                if package is not None:
                    source = (package.kind, package.sender, package.dataset)
                    latest[source] = max(latest.get(source, ("", -1)), (package.period, package.sequence))
    return latest
