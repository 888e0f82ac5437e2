"""ENCODED: what the bureau keeps of its questions to departments: the rows behind each request, and the answers.

Both lie in a folder beside the run directory, which is its owner's alone: it says which rows were in doubt.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from secure_match.bureau.review_files import append_locked, locked
from secure_match.bureau.review_looks import AskedRows, LookRecord
from secure_match.encoded.files import atomic_writer, open_to_read
from secure_match.errors import LinkageError, PackageError, Place

LOOKS_NAME: Final = "looks"
_ANSWERS_NAME: Final = "answers.jsonl"


def default_looks(run: Path) -> Path:
    """The folder ``looks`` beside the run directory."""
    return run.resolve().parent / LOOKS_NAME


def write_asked_rows(asked: AskedRows, folder: Path) -> Path:
    """Keep the rows behind a request.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    problem = ""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        problem = error.strerror or "cannot be made"
    if problem:
        raise PackageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=folder))
    path = _request_path(folder, asked.request_id)
    with atomic_writer(path) as stream:
        stream.write(asked.model_dump_json(indent=1).encode() + b"\n")
    return path


def read_asked_rows(folder: Path, request_id: str) -> AskedRows:
    """The rows behind a request.

    Raises:
        PackageError: ``LOOK_UNKNOWN`` where this bureau keeps no such request.
        LinkageError: ``LOOKS_FORMAT``.
    """
    path = _request_path(folder, request_id)
    if not path.is_file():
        raise PackageError(
            "no such request is kept here; name the folder that review request wrote to",
            code="LOOK_UNKNOWN",
            place=Place(file=folder),
        )
    with open_to_read(path) as stream:
        data = stream.read()
    found: AskedRows | None = None
    with contextlib.suppress(ValidationError):
        found = AskedRows.model_validate_json(data)
    if found is None or found.request_id != request_id:
        raise LinkageError("what was kept of the request cannot be read", code="LOOKS_FORMAT", place=Place(file=path))
    return found


def _request_path(folder: Path, request_id: str) -> Path:
    return folder / f"request-{request_id}.json"


def read_answers(folder: Path) -> tuple[LookRecord, ...]:
    """All answers, the oldest first; none where nobody answered yet.

    Raises:
        LinkageError: ``LOOKS_FORMAT``.
    """
    path = folder / _ANSWERS_NAME
    if not path.exists():
        return ()
    with open_to_read(path) as stream, locked(stream, exclusive=False):
        return _parse(stream.read(), path)


def add_answers(folder: Path, choose: Callable[[Sequence[LookRecord]], Sequence[LookRecord]]) -> Sequence[LookRecord]:
    """Add answers, as ``review_files.add_decisions`` adds decisions.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
        LinkageError: ``LOOKS_FORMAT``.
    """
    path = folder / _ANSWERS_NAME
    new: Sequence[LookRecord] = ()

    def more(before: bytes) -> bytes:
        nonlocal new
        new = choose(_parse(before, path))
        return b"".join(item.model_dump_json().encode() + b"\n" for item in new)

    append_locked(path, more)
    return new


def _parse(data: bytes, path: Path) -> tuple[LookRecord, ...]:
    lines = data.split(b"\n")
    found: list[LookRecord] = []
    with contextlib.suppress(ValidationError):
        found.extend(LookRecord.model_validate_json(line) for line in lines[:-1])
    if lines[-1] or len(found) != len(lines) - 1:
        raise LinkageError(
            "the answers cannot be read; take the file from a backup",
            code="LOOKS_FORMAT",
            place=Place(file=path, row=len(found) + 1),
        )
    return tuple(found)
