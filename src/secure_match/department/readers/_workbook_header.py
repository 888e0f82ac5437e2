"""RAW: which rows of a sheet are its header; part of the child process, so it imports nothing of this package.

Invariant: a row is taken into the header only if it cannot be somebody's: under a merged cell stand names, and no name
is a number, a person's name or a word for a sex. In doubt the header is one row, and the row below it is given as data.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

Merge = tuple[tuple[int, int], tuple[int, int]]
"""First and last cell of a merged area, as (row, column) from 0."""

HEADER_SCAN_ROWS = 50
MAX_HEADER_ROWS = 5
_KNOWN_NAMES = 2
"""Known column names that a row further down must have, and more than the first candidate, to be the header."""
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖"
    "田董袁潘蒋蔡余杜叶苏魏吕丁任沈姚卢姜崔谭陆汪范石廖贾夏韦付傅"
)
_PERSON = re.compile(rf"[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}|[男女]性?")
_DIGITS = re.compile(r"\d{7}|[HM]\d{8}", re.IGNORECASE)


def known_key(text: str) -> str:
    """What two spellings of one column name have in common."""
    return re.sub(r"\s", "", text).casefold()


def reveals_person(text: str) -> bool:
    """Whether a short text may be somebody's name or number, and so must not be shown. In doubt yes."""
    bare = re.sub(r"[\s\-_'\"·.]", "", text)
    return _PERSON.fullmatch(bare) is not None or _DIGITS.search(bare) is not None


def find_header(
    rows: list[list[str]], merges: list[Merge], known: Collection[str], forced: int | None
) -> tuple[int, int, list[str], int] | None:
    """First and last row of the header (from 0), the column names, and how many filled rows stand above; or None.

    The first row with more than one filled cell (one, if no row has more) is the header, unless a later row has more
    column names that are known, and at least two; of equals the first.

    Args:
        rows: the first rows of the sheet.
        merges: merged areas of the sheet, in any order.
        known: column names as :func:`known_key` gives them.
        forced: the row that somebody named, from 1; it is the whole header.
    """
    merges = [merge for merge in merges if merge[0][0] < len(rows)]
    if forced is not None:
        found = [forced - 1] if 0 < forced <= len(rows) else []
    else:
        used = {place for row in rows for place, text in enumerate(row) if text.strip()}
        least = 1 if len(used) == 1 else 2
        found = [number for number, row in enumerate(rows) if sum(1 for text in row if text.strip()) >= least]
    best: tuple[int, int, list[str], int] | None = None
    most = _KNOWN_NAMES - 1
    for first in found:
        near = rows[first : first + MAX_HEADER_ROWS]
        if best is not None and not any(known_key(text) in known for row in near for text in row):
            continue
        last = first if forced is not None else _last_row(rows, merges, known, first)
        names = _names(rows, merges, first, last)
        score = sum(1 for name in names if known_key(name) in known)
        if best is None or score > most:
            best = first, last, names, sum(1 for row in rows[:first] if any(text.strip() for text in row))
            most = max(most, score)
    return best


def _last_row(rows: list[list[str]], merges: list[Merge], known: Collection[str], first: int) -> int:
    """The lowest row of the header that begins in ``first``: as far down as merged cells reach and names stand."""
    last = reach = first
    while True:
        for (top, left), (bottom, right) in merges:
            if top == last:
                reach = max(reach, bottom, top + 1 if right > left else top)
        row = last + 1
        if row > min(reach, first + MAX_HEADER_ROWS - 1, len(rows) - 1):
            return last
        if not _is_sub_header(rows, merges, known, (first, row)):
            return last
        last = row


def _is_sub_header(rows: list[list[str]], merges: list[Merge], known: Collection[str], span: tuple[int, int]) -> bool:
    """Whether the last row of ``span`` names columns of a header that begins in its first."""
    first, row = span
    filled = {place: text for place, text in enumerate(rows[row]) if text.strip()}
    if all(known_key(text) in known for text in filled.values()):
        return True
    wide = [merge for merge in merges if first <= merge[0][0] < row and merge[0][1] < merge[1][1]]
    under = {column for (_, left), (_, right) in wide for column in range(left, right + 1)}
    named = {place for above in rows[first:row] for place, text in enumerate(above) if text.strip()} - under
    if any(place in named and known_key(text) not in known for place, text in filled.items()):
        return False
    if any(known_key(text) in known for text in filled.values()):
        return not any(_DIGITS.search(text) for text in filled.values())
    level = {column for (_, left), (bottom, right) in wide if bottom == row - 1 for column in range(left, right + 1)}
    nested = {column for (top, left), (_, right) in merges if top == row for column in range(left, right + 1)}
    if level - set(filled) - nested:
        return False
    return not any(re.search(r"\d", text) or reveals_person(text) for text in filled.values())


def _names(rows: list[list[str]], merges: list[Merge], first: int, last: int) -> list[str]:
    """The lowest text of each column; a cell merged downwards names its column in every row it covers."""
    top_left = {place: start for start, stop in merges if start[0] <= last for place in _below(start, stop, last)}
    width = max(len(row) for row in rows[: last + 1])
    names = []
    for column in range(width):
        name = ""
        for number in range(last, first - 1, -1):
            source, place = top_left.get((number, column), (number, column))
            text = rows[source][place] if place < len(rows[source]) else ""
            name = name or text.strip()
        names.append(name)
    while names and not names[-1]:
        names.pop()
    return names


def _below(start: tuple[int, int], stop: tuple[int, int], last: int) -> Iterator[tuple[int, int]]:
    for row in range(start[0], min(stop[0], last) + 1):
        yield row, start[1]
