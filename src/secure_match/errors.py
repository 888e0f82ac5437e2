"""PUBLIC: the one exception tree of the package.

Invariants:

* every error carries a stable ``code`` (upper snake case; part of the public contract),
* a message says what is wrong, where (file, row, column, key path) and what to do,
* a message never carries a value from a record or a key: positions and codes only,
* shown as text, an error is one line of bounded length in which every hidden character is an escape: names in it can
  come from a stranger's file.

The tree::

    SecureMatchError
    ├── UsageError          the caller asked for something that cannot be done
    ├── AgreementError      agreement.toml is not valid, or two parties hold different ones
    ├── LinkageSchemaError  a clkhash linkage schema is not valid
    ├── KeyFileError        a key file is missing, damaged, or of another party
    ├── InputError          an export cannot be read (charset, header, no rows)
    ├── EncodingError       a value cannot be encoded under the schema
    ├── ReleaseError        the release gate refused: something unlisted would leave
    ├── PackageError        a package is damaged, foreign, or of another agreement or key
    ├── AuditError          an audit log was changed, cannot be written, or does not agree with another
    └── LinkageError        encodings cannot be compared
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LONGEST_PLACE: Final = 200
_LONGEST_MESSAGE: Final = 600


def visible(text: str, *, longest: int | None = None) -> str:
    r"""Text that shows itself as it is: what a terminal would act on or hide becomes an escape such as ``\x1b``.

    These are the Unicode categories Cc, Cf (direction marks and other invisible ones), Cs, Zl and Zp. Ordinary
    Chinese, the ideographic space and characters that this Python does not know yet stay.

    Args:
        longest: characters that are kept; of a longer text the middle is left out.
    """
    if longest is not None and len(text) > longest:
        half = longest // 2
        text = f"{text[:half]}…{text[-half:]}"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(mark) if unicodedata.category(mark) in _HIDDEN else mark for mark in text)


def _escaped(mark: str) -> str:
    number = ord(mark)
    return f"\\x{number:02x}" if number < 1 << 8 else f"\\u{number:04x}" if number < 1 << 16 else f"\\U{number:08x}"


def _in_line(text: str, longest: int) -> str:
    return visible(" ".join(text.split()), longest=longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an error stands. Every part is optional; none may hold a record's value.

    Attributes:
        file: file name or path as the user gave it.
        row: row number as a person counts it in the file (the header is row 1).
        column: column header or field name.
        key: path of a key in a configuration file, e.g. ``datasets[2].columns[0].codes``.
    """

    file: str | PurePath | None = None
    row: int | None = None
    column: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        parts = [
            _in_line(str(self.file), _LONGEST_PLACE) if self.file is not None else "",
            f"row {self.row}" if self.row is not None else "",
            f"column {_in_line(self.column, _LONGEST_PLACE)}" if self.column is not None else "",
            _in_line(self.key or "", _LONGEST_PLACE),
        ]
        return ", ".join(part for part in parts if part)


class SecureMatchError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        message: what is wrong and what to do, without any record value.
        code: stable identifier in upper snake case.
        place: where it is wrong.
    """

    def __init__(self, message: str, *, code: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.place = place if place is not None else Place()

    def __str__(self) -> str:
        where = str(self.place)
        message = _in_line(self.message, _LONGEST_MESSAGE)
        return f"{self.code}: {where}: {message}" if where else f"{self.code}: {message}"


class UsageError(SecureMatchError):
    """The caller asked for something that cannot be done."""


class AgreementError(SecureMatchError):
    """The agreement is not valid, or a package was made under another one."""


class LinkageSchemaError(SecureMatchError):
    """A clkhash linkage schema is not valid."""


class KeyFileError(SecureMatchError):
    """A key file is missing, damaged, or belongs to another party or agreement."""


class InputError(SecureMatchError):
    """An export cannot be read."""


class EncodingError(SecureMatchError):
    """A value cannot be encoded; the place names row and column."""


class ReleaseError(SecureMatchError):
    """The release gate refused: something would leave that the agreement does not list."""


class PackageError(SecureMatchError):
    """A package is damaged, foreign, or made under another agreement or key."""


class AuditError(SecureMatchError):
    """An audit log was changed, cannot be written, or does not agree with another; the row is the line of the log."""


class LinkageError(SecureMatchError):
    """Encodings cannot be compared or linked."""


@contextmanager
def located(file: str | PurePath) -> Iterator[None]:
    """Name the file in errors that the block raises and that do not name one yet."""
    try:
        yield
    except SecureMatchError as error:
        if error.place.file is None:
            error.place = replace(error.place, file=file)
        raise
