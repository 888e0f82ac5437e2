"""PUBLIC: agreements on disk."""

from __future__ import annotations

import contextlib
from pathlib import Path

from secure_match.agreement._model import Agreement
from secure_match.agreement._parse import Template, parse_agreement, template_text
from secure_match.errors import AgreementError, Place


def read_agreement(path: Path) -> Agreement:
    """Read and verify an agreement file.

    Raises:
        AgreementError: ``FILE_NOT_FOUND``, ``AGREEMENT_NOT_TOML``, or what :func:`parse_agreement` raises.
    """
    return parse_agreement(read_agreement_text(path), file=path)


def read_agreement_text(path: Path) -> str:
    """The text of an agreement file, as it stands.

    Raises:
        AgreementError: ``FILE_NOT_FOUND``, ``AGREEMENT_NOT_TOML`` where it is not UTF-8.
    """
    text: str | None = None
    problem = ("AGREEMENT_NOT_TOML", "the file is not UTF-8 text")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        problem = ("FILE_NOT_FOUND", error.strerror or "cannot be read")
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise AgreementError(problem[1], code=problem[0], place=Place(file=path))
    return text


def write_city_agreement(directory: Path) -> Path:
    """:func:`write_agreement` of the template ``city``."""
    return write_agreement(directory, "city")


def write_trusted_agreement(directory: Path) -> Path:
    """:func:`write_agreement` of the template ``trusted``."""
    return write_agreement(directory, "trusted")


def write_agreement(directory: Path, template: Template) -> Path:
    """Write a template agreement as ``agreement.toml`` into a directory, which is made if it is not there.

    Raises:
        AgreementError: ``FILE_EXISTS`` rather than overwriting, or ``FILE_NOT_WRITABLE``.
    """
    path = directory / "agreement.toml"
    problem = ("", "")
    try:
        # "there is an agreement already" would be wrong of a file in the directory's place.
        with contextlib.suppress(FileExistsError):
            directory.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(template_text(template))
    except FileExistsError:
        problem = ("FILE_EXISTS", "there is an agreement already; name another directory")
    except OSError as error:
        problem = ("FILE_NOT_WRITABLE", error.strerror or "cannot be written")
    if problem[0]:
        raise AgreementError(problem[1], code=problem[0], place=Place(file=path))
    return path
