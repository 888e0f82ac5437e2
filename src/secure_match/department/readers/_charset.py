"""RAW: which charset a text export is in, found by decoding all of it strictly, never guessed silently."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Final, Literal, get_args

from secure_match.errors import InputError, Place, UsageError

Charset = Literal["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "gb18030"]
CHARSETS: Final[tuple[Charset, ...]] = get_args(Charset)
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
    it comes second, and the caller reports which one was used.

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
    if bad[1] == "INPUT_NUL":
        raise _refusal(path, "utf-8", *bad)
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
        raise _refusal(path, charset, *bad)


def _refusal(path: Path, charset: Charset, row: int, code: str) -> InputError:
    message = (
        "there is a NUL byte: the file is damaged, not text, or UTF-16 without a byte order mark; export it again"
        if code == "INPUT_NUL"
        else f"the text is not {charset.upper()}; give the charset of the file with --charset"
    )
    return InputError(message, code=code, place=Place(file=path, row=row))


def read_head(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a file.

    Raises:
        InputError: ``FILE_NOT_FOUND``; ``INPUT_EMPTY``.
    """
    problem = ""
    head = b""
    try:
        with path.open("rb") as stream:
            head = stream.read(size)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "cannot be read"
    if problem:
        raise InputError(problem, code="FILE_NOT_FOUND", place=Place(file=path))
    if not head:
        raise InputError("the file is empty", code="INPUT_EMPTY", place=Place(file=path))
    return head


def _first_bad_row(path: Path, charset: Charset) -> tuple[int, str] | None:
    """Line, counted from 1, of the first bytes that do not decode or are NUL, and the code; None if all is well."""
    mark = mark_bytes(charset)
    plain = "utf-8" if charset == "utf-8-sig" else charset
    decoder = codecs.getincrementaldecoder(plain)("strict")
    row = 1
    before = ""
    with path.open("rb") as stream:
        if stream.read(mark) not in [sign for sign, of in _MARKS if of == charset]:
            stream.seek(0)
        while True:
            block = stream.read(_CHUNK_BYTES)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                # The error's object may begin with bytes that the decoder kept from the block before.
                return row + _line_ends(error.object[: error.start].decode(plain, "replace"), before), "INPUT_CHARSET"
            if "\x00" in text:
                return row + _line_ends(text[: text.index("\x00")], before), "INPUT_NUL"
            row += _line_ends(text, before)
            before = text[-1:]
            if not block:
                return None


def _line_ends(text: str, before: str) -> int:
    """Line ends (LF, CR LF or CR, as the CSV reader counts them) in a text that stands after ``before``."""
    count = text.count("\n") + text.count("\r") - text.count("\r\n")
    return count - (before == "\r" and text.startswith("\n"))
