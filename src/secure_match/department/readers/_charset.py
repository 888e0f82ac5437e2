"""RAW: which charset a text export is in, found by decoding all of it strictly, never guessed silently."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Literal, get_args

from secure_match.errors import InputError, Place, UsageError

Charset = Literal["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "gb18030"]
CHARSETS: Final[tuple[Charset, ...]] = get_args(Charset)
UTF8_EVIDENCE: Final = 3
_LONG: Final = re.compile("[\u0800-\U0010ffff]")
_CHUNK_BYTES: Final = 1 << 20
_MARKS: Final[tuple[tuple[bytes, Charset], ...]] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ALIASES: Final[dict[str, Charset]] = {"utf8": "utf-8", "utf-8-bom": "utf-8-sig", "gbk": "gb18030", "gb2312": "gb18030"}
"""GB18030 holds all of GBK and GB 2312, so their names mean it."""


def parse_charset(name: str) -> Charset:
    """The charset of that name; ``gbk``, ``gb2312`` and ``cp936`` mean GB18030, which holds them.

    Raises:
        UsageError: ``CHARSET_UNKNOWN``.
    """
    plain = name.strip().lower().replace("_", "-")
    plain = "gb18030" if plain in ("cp936", "936") else _ALIASES.get(plain, plain)
    if plain not in CHARSETS:
        raise UsageError(f"known charsets: {', '.join(CHARSETS)}", code="CHARSET_UNKNOWN")
    return plain


def mark_bytes(charset: Charset) -> int:
    """Length of the byte order mark that a file of the charset begins with."""
    return next((len(mark) for mark, of in _MARKS if of == charset), 0)


def detect_charset(path: Path, head: bytes) -> Charset:
    """By its byte order mark UTF-8 or UTF-16, else UTF-8, else GB18030.

    Text that is valid UTF-8 and not plain ASCII is UTF-8 beyond reasonable doubt; GB18030 takes almost any bytes, so
    it comes second, and the caller reports which one was used. A file that fails as UTF-8 is not tried as GB18030 if
    ``UTF8_EVIDENCE`` characters of three or more bytes of UTF-8 stand before the first wrong byte: it is UTF-8 with a
    wrong byte, and read as GB18030 its names would be others. GB18030 text hardly ever has so many by chance.

    Args:
        head: the first bytes of the file; not empty.

    Raises:
        InputError: ``INPUT_CHARSET`` with the row of the first byte that is neither; ``INPUT_NUL``.
    """
    for mark, charset in _MARKS:
        if head.startswith(mark):
            verify_charset(path, charset)
            return charset
    bad = _first_bad_row(path, "utf-8")
    if bad is None:
        return "utf-8"
    if bad.code == "INPUT_NUL" or bad.evidence >= UTF8_EVIDENCE:
        raise _refusal(path, "utf-8", bad)
    verify_charset(path, "gb18030")
    return "gb18030"


def verify_charset(path: Path, charset: Charset) -> None:
    """Decode the whole file strictly.

    Raises:
        InputError: ``INPUT_CHARSET`` with the row of the first byte that is not of the charset; ``INPUT_NUL`` with the
            row of the first NUL.
    """
    bad = _first_bad_row(path, charset)
    if bad is not None:
        raise _refusal(path, charset, bad)


def _refusal(path: Path, charset: Charset, bad: _Bad) -> InputError:
    if bad.code == "INPUT_NUL":
        message = (
            "there is a NUL byte: the file is damaged, not text, or UTF-16 without a byte order mark; export it again"
        )
    elif charset == "utf-8" and bad.evidence >= UTF8_EVIDENCE:
        message = (
            "the text is UTF-8 up to this row, which holds a byte that is not; mend the row, "
            "or give the charset of the file with --charset"
        )
    else:
        message = (
            f"the text is not {charset.upper()}; give the charset of the file with --charset "
            "(UTF-16 without a byte order mark is never tried)"
        )
    return InputError(message, code=bad.code, place=Place(file=path, row=bad.row))


def read_head(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a file.

    Raises:
        InputError: ``FILE_NOT_FOUND``, also for a pipe or device, which cannot be read twice; ``INPUT_EMPTY``.
    """
    problem = ""
    head = b""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InputError(
                "this is a pipe or device, not a regular file, and an export is read twice; write it to a file first",
                code="FILE_NOT_FOUND",
                place=Place(file=path),
            )
        with path.open("rb") as stream:
            head = stream.read(size)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "cannot be read"
    if problem:
        raise InputError(problem, code="FILE_NOT_FOUND", place=Place(file=path))
    if not head:
        raise InputError("the file is empty", code="INPUT_EMPTY", place=Place(file=path))
    return head


@dataclass(frozen=True, slots=True)
class _Bad:
    """Line, counted from 1, of the first bytes that do not decode or are NUL, and the code.

    Attributes:
        evidence: characters of three or more bytes of UTF-8 before it; counted up to ``UTF8_EVIDENCE``, for UTF-8 only.
    """

    row: int
    code: str
    evidence: int = 0


def _first_bad_row(path: Path, charset: Charset) -> _Bad | None:
    """None if all is well."""
    mark = mark_bytes(charset)
    plain = "utf-8" if charset == "utf-8-sig" else charset
    decoder = codecs.getincrementaldecoder(plain)("strict")
    row = 1
    before = ""
    evidence = 0
    with path.open("rb") as stream:
        if stream.read(mark) not in [sign for sign, of in _MARKS if of == charset]:
            stream.seek(0)
        while True:
            block = stream.read(_CHUNK_BYTES)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                # The error's object may begin with bytes that the decoder kept from the block before.
                good = error.object[: error.start].decode(plain, "replace")
                evidence += _long_characters(good) if plain == "utf-8" else 0
                return _Bad(row + _line_ends(good, before), "INPUT_CHARSET", evidence)
            if "\x00" in text:
                return _Bad(row + _line_ends(text[: text.index("\x00")], before), "INPUT_NUL")
            if plain == "utf-8" and evidence < UTF8_EVIDENCE:
                evidence += _long_characters(text)
            row += _line_ends(text, before)
            before = text[-1:]
            if not block:
                return None


def _line_ends(text: str, before: str) -> int:
    """Line ends (LF, CR LF or CR, as the CSV reader counts them) in a text that stands after ``before``."""
    count = text.count("\n") + text.count("\r") - text.count("\r\n")
    return count - (before == "\r" and text.startswith("\n"))


def _long_characters(text: str) -> int:
    """Characters of three or more bytes in UTF-8, counted up to ``UTF8_EVIDENCE``."""
    return sum(1 for _ in islice(_LONG.finditer(text), UTF8_EVIDENCE))
