"""RAW: which charset a text export is in, found by decoding all of it strictly, never guessed silently."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Final, Literal

from secure_match.errors import InputError, Place

Charset = Literal["utf-8", "utf-8-sig", "gb18030"]
CHARSETS: Final[tuple[Charset, ...]] = ("utf-8", "utf-8-sig", "gb18030")
_CHUNK_BYTES: Final = 1 << 20
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def detect_charset(path: Path) -> Charset:
    """UTF-8 with or without byte order mark, else GB18030.

    Text that is valid UTF-8 and not plain ASCII is UTF-8 beyond reasonable doubt; GB18030 takes almost any bytes, so
    it comes second, and the caller reports which one was used.

    Raises:
        InputError: ``INPUT_CHARSET`` with the row of the first byte that is neither; ``INPUT_EMPTY``;
            ``FILE_NOT_FOUND``.
    """
    head = _read_head(path)
    if not head:
        raise InputError("the file is empty", code="INPUT_EMPTY", place=Place(file=path))
    if head.startswith(_UTF16_MARKS) or b"\x00" in head:
        raise InputError(
            "the file is UTF-16 or not text; save it as CSV in UTF-8 or GB18030",
            code="INPUT_CHARSET",
            place=Place(file=path),
        )
    if head.startswith(codecs.BOM_UTF8):
        verify_charset(path, "utf-8-sig")
        return "utf-8-sig"
    if _first_bad_row(path, "utf-8") is None:
        return "utf-8"
    verify_charset(path, "gb18030")
    return "gb18030"


def has_utf8_mark(path: Path) -> bool:
    """Whether a file begins with UTF-8's byte order mark."""
    return _read_head(path).startswith(codecs.BOM_UTF8)


def verify_charset(path: Path, charset: Charset) -> None:
    """Decode the whole file strictly.

    Raises:
        InputError: ``INPUT_CHARSET`` with the row of the first byte that is not of the charset.
    """
    row = _first_bad_row(path, charset)
    if row is not None:
        raise InputError(
            f"the text is not {charset.upper()}; give the charset of the file with --charset",
            code="INPUT_CHARSET",
            place=Place(file=path, row=row),
        )


def _read_head(path: Path) -> bytes:
    problem = ""
    try:
        with path.open("rb") as stream:
            return stream.read(4096)
    except OSError as error:
        problem = error.strerror or "cannot be read"
    raise InputError(problem, code="FILE_NOT_FOUND", place=Place(file=path))


def _first_bad_row(path: Path, charset: Charset) -> int | None:
    """Line, counted from 1, of the first byte sequence that does not decode; None if all of the file does."""
    decoder = codecs.getincrementaldecoder(charset)("strict")
    row = 1
    before = ""
    with path.open("rb") as stream:
        while True:
            block = stream.read(_CHUNK_BYTES)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                # The error's object may begin with bytes that the decoder kept from the block before.
                return row + _line_ends(error.object[: error.start].decode("latin-1"), before)
            if "\x00" in text:
                return row + _line_ends(text[: text.index("\x00")], before)
            row += _line_ends(text, before)
            before = text[-1:]
            if not block:
                return None


def _line_ends(text: str, before: str) -> int:
    """Line ends (LF, CR LF or CR, as the CSV reader counts them) in a text that stands after ``before``."""
    count = text.count("\n") + text.count("\r") - text.count("\r\n")
    return count - (before == "\r" and text.startswith("\n"))
