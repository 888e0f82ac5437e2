"""ENCODED: finished steps of a run on disk, so that a run that was stopped can be taken up again.

Invariants:

* what is kept belongs to one set of packages, one agreement, one file of clerks' decisions and one version of the
  program, and is taken for no other,
* an array counts from the moment in which ``state.json`` names it with its digest; files are written whole or not at
  all, and one whose digest does not fit is computed again,
* kept are row numbers, block numbers and similarities: nothing that the packages beside it do not say more of,
* folder and files are their owner's alone, and gone when the run is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from secure_match import __version__
from secure_match.agreement.strict import StrictModel, VisibleText
from secure_match.encoded.files import atomic_writer
from secure_match.encoded.manifest import HexDigest, Identifier
from secure_match.errors import LinkageError, Place
from secure_match.linkage import Step

WORK_NAME: Final = ".work"
_STATE_NAME: Final = "state.json"
StepName = Annotated[str, Field(pattern=r"^[a-z]+-[a-z][a-z0-9_]{0,63}$")]

PackageName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}(/p?[0-9]+)?$")]
"""A dataset's id, or that and the number of a supplement to it, or with p of a package of its passes."""


class _KeptStep(StrictModel):
    """A finished step: its counts, and the digest of the file of each array."""

    counts: dict[Identifier, int]
    arrays: dict[Identifier, HexDigest]


class _WorkState(StrictModel):
    """What ``state.json`` holds."""

    format: Literal["secure_match/work"] = "secure_match/work"
    format_version: Literal[1] = 1
    tool: VisibleText
    agreement_fingerprint: HexDigest
    packages: dict[PackageName, HexDigest]
    decisions: HexDigest | None = None
    steps: dict[StepName, _KeptStep] = Field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class WorkFolder:
    """Keeps the steps of one run in a folder; a ``linkage.StepStore``.

    Attributes:
        folder: where the files are.
        resumed: steps that were taken from an earlier run.
    """

    folder: Path
    resumed: list[str] = field(default_factory=list)
    _state: _WorkState
    _verify_inputs: Callable[[], None]

    def load(self, name: str) -> Step | None:
        """A step that is kept and whole, its arrays as read-only views of files; otherwise None."""
        kept = self._state.steps.get(name)
        if kept is None:
            return None
        arrays: dict[str, npt.NDArray[Any]] = {}
        for array, digest in kept.arrays.items():
            path = self._path(name, array)
            if _digest(path) != digest:
                return None
            arrays[array] = _mapped(path)
        self.resumed.append(name)
        return Step(arrays=arrays, counts=kept.counts)

    def save(self, name: str, step: Step) -> Step:
        """Keep a step; the answer's arrays are views of the files, so that they need not stay in memory."""
        # A step that saw another file than the one whose digest is named here must not be kept under that digest.
        self._verify_inputs()
        digests = {}
        for array, values in step.arrays.items():
            with atomic_writer(self._path(name, array)) as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(values), allow_pickle=False)
            digests[array] = _digest(self._path(name, array))
        kept = _KeptStep(counts=dict(step.counts), arrays=digests)
        self._state = self._state.model_copy(update={"steps": self._state.steps | {name: kept}})
        self.write_state()
        return Step(arrays={array: _mapped(self._path(name, array)) for array in digests}, counts=step.counts)

    def write_state(self) -> None:
        """Write which steps are kept, and of what."""
        with atomic_writer(self.folder / _STATE_NAME) as stream:
            stream.write(self._state.model_dump_json(indent=1).encode() + b"\n")

    def remove(self) -> None:
        """Remove the folder: first what says that there is something to resume, then the rest."""
        _remove(self.folder)

    def _path(self, name: str, array: str) -> Path:
        return self.folder / f"{name}.{array}.npy"


def open_work_folder(
    out: Path,
    agreement_fingerprint: str,
    digests: Mapping[str, str],
    *,
    resume: bool,
    verify_inputs: Callable[[], None],
    decisions: str | None = None,
) -> tuple[WorkFolder, str]:
    """The folder for the steps of a run into ``out``, which exists.

    Args:
        digests: dataset id to the digest of its package.
        resume: take up what an earlier run left; otherwise that is removed.
        verify_inputs: raises when a package changed since its digest was taken.
        decisions: digest of the file of clerks' decisions; None without one.

    Returns:
        The folder, and a sentence on what became of an earlier run, or "".

    Raises:
        LinkageError: ``RESUME_MISMATCH`` for an earlier run of other packages, another agreement, other decisions or
            another version; ``WORK_DAMAGED`` when what it left cannot be read.
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    folder = out / WORK_NAME
    here = _WorkState(
        tool=f"secure_match {__version__}",
        agreement_fingerprint=agreement_fingerprint,
        packages=dict(digests),
        decisions=decisions,
    )
    note = ""
    if resume and (folder / _STATE_NAME).is_file():
        here = _verify_same(_read_state(folder), here, folder)
        note = f"resuming an unfinished run: {len(here.steps)} finished steps are kept"
    elif resume:
        note = "there is no unfinished run to resume; beginning from the start"
        _remove(folder)
    elif folder.exists():
        note = "an unfinished run was found and removed; beginning from the start (to continue one: --resume)"
        _remove(folder)
    work = WorkFolder(folder=folder, _state=here, _verify_inputs=verify_inputs)
    problem = ""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        problem = error.strerror or "cannot be made"
    if problem:
        raise LinkageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=folder))
    work.write_state()
    return work, note


def _read_state(folder: Path) -> _WorkState:
    state: _WorkState | None = None
    with contextlib.suppress(OSError, ValidationError):
        state = _WorkState.model_validate_json((folder / _STATE_NAME).read_bytes())
    if state is None:
        raise LinkageError(
            "what the unfinished run left cannot be read; link without --resume to begin from the start",
            code="WORK_DAMAGED",
            place=Place(file=folder),
        )
    return state


def _verify_same(found: _WorkState, here: _WorkState, folder: Path) -> _WorkState:
    names = sorted({*found.packages.items()} ^ {*here.packages.items()})
    what = ""
    if found.tool != here.tool:
        what = "another version of this program"
    elif found.agreement_fingerprint != here.agreement_fingerprint:
        what = "another agreement"
    elif names:
        what = f"other packages ({', '.join(sorted({name for name, _ in names}))})"
    elif found.decisions != here.decisions:
        what = "other decisions of clerks"
    if what:
        raise LinkageError(
            f"the unfinished run is of {what}; link without --resume to begin from the start",
            code="RESUME_MISMATCH",
            place=Place(file=folder),
        )
    return found


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / _STATE_NAME).unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _digest(path: Path) -> str:
    """SHA-256 of a file in hex; "" where there is none."""
    with contextlib.suppress(OSError), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
    return ""


def _mapped(path: Path) -> npt.NDArray[Any]:
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
