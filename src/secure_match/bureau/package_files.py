"""ENCODED: the packages of one run, taken in: verified, mapped, supplements and passes joined to theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from secure_match.agreement import Agreement
from secure_match.encoded import EncodedDataset
from secure_match.encoded.mapped_files import MappedPackage, map_package
from secure_match.encoded.phases import join_phases, pass_columns
from secure_match.encoded.supplements import join_supplements
from secure_match.errors import PackageError, Place, located
from secure_match.linkage import VerifiedDatasets, verify_part

_READERS: Final = 2
"""Hashing is what takes time; beyond two the disk is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TakenIn:
    """Packages of one run, verified and mapped.

    Attributes:
        verified: their datasets.
        digests: dataset id to package digest.
        supplements: dataset id to the digests of the supplements that were joined to it, where there are any.
        parts: dataset id to its packages of phase 2, where there are any.
        packages: the maps, in the order of the files.
    """

    verified: VerifiedDatasets
    digests: dict[str, str]
    supplements: dict[str, tuple[str, ...]]
    parts: dict[str, tuple[MappedPackage, ...]]
    packages: tuple[MappedPackage, ...]

    @property
    def all_digests(self) -> dict[str, str]:
        """The digests of everything that was taken in, by a name of each."""
        more = {
            f"{name}/{place}": digest for name, item in self.supplements.items() for place, digest in enumerate(item)
        }
        more |= {
            f"{name}/p{place}": part.digest for name, item in self.parts.items() for place, part in enumerate(item)
        }
        return self.digests | more

    def release(self) -> None:
        """Give memory that shows files back to the system."""
        for package in self.packages:
            package.release()

    def verify_unchanged(self) -> None:
        """Check that no file changed since its digest was verified.

        Raises:
            PackageError: ``PACKAGE_CHANGED``.
        """
        for package in self.packages:
            package.verify_unchanged()


def read_packages(
    agreement: Agreement,
    paths: Sequence[Path],
    *,
    threads: int | None = None,
    share: Callable[[float], None] | None = None,
    joined: bool = True,
) -> TakenIn:
    """Take packages in, in any order, and join supplements and passes to theirs; each has to fit the others.

    Args:
        joined: False to leave datasets of phase 1 without their passes.
        threads: how many packages are verified side by side; None for two.
        share: told the share of the packages that is done.

    Raises:
        PackageError: as ``encoded.files.read_dataset``, ``join_supplements``, ``join_phases`` and
            ``linkage.verify_linkable`` do, with the file; of several the first in the order of the paths.
        LinkageError: as ``linkage.verify_linkable`` does, with the file.
    """
    verified = VerifiedDatasets(agreement_fingerprint=agreement.fingerprint)
    packages: list[MappedPackage] = []
    pool = ThreadPoolExecutor(max_workers=min(threads or _READERS, _READERS))
    try:
        for package in pool.map(map_package, paths):
            package.release()
            packages.append(package)
            if share is not None:
                share(len(packages) / len(paths))
    finally:
        # A refused package, or a stop, does not wait for those that nobody began to read.
        pool.shutdown(cancel_futures=True)
    _verify_phases(agreement, packages)
    whole = _with_supplements([item for item in packages if item.dataset.manifest.phase != 2])
    parts = _parts_of(whole, [item for item in packages if item.dataset.manifest.phase == 2])
    for item in whole:
        dataset = item.dataset
        if joined and agreement.release.two_phase:
            dataset = _with_passes(agreement, item, parts.get(dataset.manifest.dataset, ()))
        with located(item.path):
            verified = verified.joined(agreement, dataset)
        for package in packages:
            package.release()
    return TakenIn(
        verified=verified,
        digests={item.dataset.manifest.dataset: item.digest for item in whole},
        supplements={item.dataset.manifest.dataset: item.supplements for item in whole if item.supplements},
        parts=parts,
        packages=tuple(packages),
    )


def _verify_phases(agreement: Agreement, packages: Sequence[MappedPackage]) -> None:
    """Check that packages are of the phases that the agreement has, and each package of phase 2 by itself.

    Raises:
        PackageError: ``PHASE_UNKNOWN``, or as ``linkage.verify_part``; with the file.
        LinkageError: as ``linkage.verify_part``, with the file.
    """
    for item in packages:
        phase = item.dataset.manifest.phase
        if agreement.release.two_phase != (phase is not None):
            due = "two phases" if agreement.release.two_phase else "one package"
            raise PackageError(
                f"the agreement releases a dataset in {due}, and this package is made otherwise; refuse it",
                code="PHASE_UNKNOWN",
                place=Place(file=item.path),
            )
        if phase == 2:
            with located(item.path):
                verify_part(agreement, item.dataset)


def _parts_of(whole: Sequence[_Whole], parts: Sequence[MappedPackage]) -> dict[str, tuple[MappedPackage, ...]]:
    """Packages of phase 2 by their datasets, in the order of their digests.

    Raises:
        PackageError: ``PHASE_BASE``, with the file.
    """
    dataset_of = {
        digest: item.dataset.manifest.dataset for item in whole for digest in (item.digest, *item.supplements)
    }
    found: dict[str, tuple[MappedPackage, ...]] = {}
    for part in sorted(parts, key=lambda part: part.digest):
        name = dataset_of.get(str(part.dataset.manifest.completes))
        if name is None or name != part.dataset.manifest.dataset:
            raise PackageError(
                "this holds passes of rows of another package than those named; name that one too",
                code="PHASE_BASE",
                place=Place(file=part.path),
            )
        found[name] = (*found.get(name, ()), part)
    return found


def _with_passes(agreement: Agreement, item: _Whole, parts: Sequence[MappedPackage]) -> EncodedDataset:
    declared = agreement.dataset(item.dataset.manifest.dataset)
    if declared is None or item.dataset.manifest.phase != 1:
        return item.dataset
    with located(parts[0].path if parts else item.path):
        digests = (item.digest, *item.supplements)
        return join_phases(item.dataset, digests, [part.dataset for part in parts], pass_columns(agreement, declared))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class _Whole:
    """A dataset with all its rows; ``supplements`` are the digests of those that were joined to it."""

    path: Path
    dataset: EncodedDataset
    digest: str
    supplements: tuple[str, ...] = ()


def _with_supplements(packages: Sequence[MappedPackage]) -> list[_Whole]:
    """Whole packages, each with its supplements joined to it in the order of their digests.

    Raises:
        PackageError: ``SUPPLEMENT_BASE``, ``SUPPLEMENT_ROWS``, with the supplement's file.
    """
    bases = [item for item in packages if item.dataset.manifest.supplement_to is None]
    whole = [_Whole(path=item.path, dataset=item.dataset, digest=item.digest) for item in bases]
    place = {item.digest: number for number, item in enumerate(whole)}
    supplements = [item for item in packages if item.dataset.manifest.supplement_to is not None]
    for item in sorted(supplements, key=lambda item: item.digest):
        wanted = str(item.dataset.manifest.supplement_to)
        if wanted not in place:
            raise PackageError(
                f"this is a supplement to the package with digest {wanted[:16]}…, which is not among those named; "
                "name both",
                code="SUPPLEMENT_BASE",
                place=Place(file=item.path),
            )
        base = whole[place[wanted]]
        with located(item.path):
            joined = join_supplements(base.dataset, base.digest, [item.dataset])
        whole[place[wanted]] = replace(base, dataset=joined, supplements=(*base.supplements, item.digest))
    return whole
