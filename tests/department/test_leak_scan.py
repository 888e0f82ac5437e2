"""The search for raw identifiers: it finds what is there, in every form, at every offset."""

from __future__ import annotations

import base64
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.department import leak_scan
from secure_match.department.leak_scan import (
    CHANCE_BYTES,
    IdentifierScanner,
    RandomRange,
    ScanReport,
    forms_of,
    random_digits,
)

NUMBER, NAME = "160101199003070019", "张三"
SCANNER = IdentifierScanner({"id_number": [NUMBER], "name": ["欧阳震华"]}, {})
FORMS = {
    "utf-8": NUMBER.encode(),
    "utf-16-le": NUMBER.encode("utf-16-le"),
    "utf-16-be": NUMBER.encode("utf-16-be"),
    "reversed": NUMBER[::-1].encode(),
    "hex": NUMBER.encode().hex().encode(),
}


def scan(data: bytes, ranges: list[RandomRange] | None = None) -> ScanReport:
    return SCANNER.scan(data, ranges or [])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("offset", [0, 1, 2, 3, 5, 1000])
def test_every_form_is_found_at_every_offset(form: str, offset: int) -> None:
    data = b"\xfe" * offset + FORMS[form] + b"\xfe" * (offset % 3)
    assert scan(data).hits == {f"id_number/{form}": 1}
    assert scan(data[: -3 - offset % 3]).hits == {}


def test_names_in_both_charsets_and_upper_case_hex() -> None:
    name = "欧阳震华"
    assert scan(b"x" + name.encode("gb18030")).hits == {"name/gb18030": 1}
    assert scan(b"x" + name.encode().hex().upper().encode()).hits == {"name/hex": 1}
    assert scan(name.encode() * 3).hits == {"name/utf-8": 3}


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("after", range(4))
def test_base64_is_found_at_every_alignment(before: int, after: int) -> None:
    for value in (NUMBER, "欧阳震华"):
        text = base64.b64encode(b"\xa5" * before + value.encode() + b"\x5a" * after)
        assert sum(scan(text).hits.values()) == 1
        assert next(iter(scan(text).hits)).endswith("/base64")


def test_forms_are_named() -> None:
    names = [name for name, _ in forms_of(NAME)]
    assert names == [
        *("utf-8", "gb18030", "utf-16-le", "utf-16-be", "reversed", "hex", "hex"),
        *("base64", "base64", "base64"),
    ]


@pytest.mark.parametrize("chunk", [4, 5, 7, 16, 64])
def test_nothing_is_lost_between_two_chunks(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(leak_scan, "_CHUNK_BYTES", chunk)
    for offset in range(2 * chunk + 3):
        data = b"\1" * offset + NUMBER.encode() + b"\1" * 5
        assert scan(data).hits == {"id_number/utf-8": 1}


def test_nothing_is_found_where_nothing_is() -> None:
    random = Random(5)
    people = [f"{random.randrange(10**17, 10**18)}" for _ in range(2000)]
    scanner = IdentifierScanner({"id_number": people}, {})
    report = scanner.scan(random.randbytes(4_000_000))
    assert (report.hits, report.chance_hits, report.scanned_bytes) == ({}, 0, 4_000_000)
    for data in (b"", b"1", b"160", NUMBER.encode()[:-1]):
        assert scan(data).hits == {}


def test_a_scanner_without_identifiers_finds_nothing() -> None:
    assert IdentifierScanner({}, {}).scan(b"anything at all").hits == {}
    assert IdentifierScanner({"name": ["", "a"]}, {}).scan(b"a" * 20).hits == {}


def column(start: int, rows: int, width: int = 16) -> RandomRange:
    return RandomRange(start=start, width=width, row_ids=np.arange(100, 100 + rows, dtype=np.int64))


def test_short_patterns_count_outside_random_columns_and_on_their_own_rows() -> None:
    scanner = IdentifierScanner({"name": [NAME]}, {NAME: {101}})
    short = NAME.encode()
    assert len(short) < CHANCE_BYTES
    cells = bytearray(64)
    for row, expected in ((0, (0, 1)), (1, (1, 0)), (2, (0, 1))):
        data = bytearray(cells)
        data[16 * row + 5 : 16 * row + 5 + len(short)] = short
        report = scanner.scan(bytes(data), [column(0, 4)])
        assert (report.hits.get("name/utf-8", 0), report.chance_hits) == expected
        assert scanner.scan(bytes(data)).hits == {"name/utf-8": 1}
    outside = scanner.scan(bytes(cells) + short, [column(0, 4)])
    assert outside.hits == {"name/utf-8": 1}
    before = scanner.scan(short + bytes(cells), [column(len(short), 4)])
    assert before.hits == {"name/utf-8": 1}


def test_long_patterns_count_everywhere() -> None:
    data = b"\0" * 20 + NUMBER.encode() + b"\0" * 26
    assert scan(data, [column(0, 4)]).hits == {"id_number/utf-8": 1}


def test_a_name_that_is_another_one_reversed_belongs_to_both_rows() -> None:
    scanner = IdentifierScanner({"name": ["小王", "王小"]}, {"小王": {100}, "王小": {101}})
    for row, name in ((0, "小王"), (1, "王小"), (0, "王小"), (1, "小王")):
        data = bytearray(32)
        data[16 * row : 16 * row + 6] = name.encode()
        report = scanner.scan(bytes(data), [column(0, 2)])
        assert (sum(report.hits.values()), report.chance_hits) == (1, 0)


def test_how_many_short_patterns_chance_would_show() -> None:
    scanner = IdentifierScanner({"name": [NAME]}, {})
    lengths = [len(pattern) for pattern in dict(pattern[::-1] for pattern in forms_of(NAME)) if len(pattern) < 8]
    report = scanner.scan(bytes(1600), [column(0, 100)])
    assert report.chance_expected == round(sum(1600 / 256.0**length for length in lengths), 3)


PEOPLE = st.lists(st.text("张王李赵欧阳", min_size=2, max_size=4), min_size=1, max_size=4, unique=True)


@settings(deadline=None)
@given(PEOPLE, st.binary(max_size=40), st.binary(max_size=40), st.data())
def test_what_is_planted_is_found(people: list[str], before: bytes, after: bytes, data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(people))
    form, pattern = data.draw(st.sampled_from(list(forms_of(value))))
    report = IdentifierScanner({"name": people}, {}).scan(before + pattern + after)
    assert sum(report.hits.values()) >= 1
    assert form


def test_keys_and_digests_as_text_are_left_to_chance_and_nothing_else_is() -> None:
    name = "李慧"
    scanner = IdentifierScanner({"id_number": [NUMBER], "name": [name]}, {})
    # Two characters whose four bytes in UTF-16 are digits of base64, as a sealed key holds them sooner or later.
    as_text = name.encode("utf-16-be")
    key = b"yPr85zLfR0WXccnwyd" + as_text + b"PzPzP"
    data = b'{"key": "' + key + b'", "note": "' + as_text + b'", "number": "' + NUMBER.encode() + b'"}'
    assert scanner.scan(key).hits == {"name/utf-16-be": 1}
    report = scanner.scan(data, random_digits(data))
    assert report.hits == {"id_number/utf-8": 1, "name/utf-16-be": 1}
    assert report.chance_hits == 1
    column = RandomRange(start=0, width=len(key), row_ids=np.array([7]))
    assert [(item.start, item.stop) for item in random_digits(key + b" " + key, [column])] == [
        (len(key) + 1, 2 * len(key) + 1)
    ]
