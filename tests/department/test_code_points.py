"""Decoding many texts at once is Python's strict UTF-8, text by text."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.department._code_points import ASCII, BROKEN, WIDE, decode, decode_reference
from secure_match.department._texts import Texts

PIECES = st.sampled_from(
    [b"\x80", b"\xc0\x80", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"]
)
BROKEN_TEXTS = st.lists(st.one_of(PIECES, st.binary(max_size=3), st.text(max_size=2).map(str.encode)), max_size=4)
ITEMS = st.lists(st.one_of(st.text(max_size=6).map(str.encode), BROKEN_TEXTS.map(b"".join)), max_size=6)


@settings(deadline=None)  # The first example compiles.
@given(ITEMS)
def test_decoding_equals_the_reference(items: list[bytes]) -> None:
    texts = Texts.from_items(items)
    ours, reference = decode(texts), decode_reference(texts)
    assert ours.kinds.tolist() == reference.kinds.tolist()
    for number in range(len(items)):
        found = ours.points[ours.starts[number] : ours.ends[number]].tolist()
        assert found == reference.points[reference.starts[number] : reference.ends[number]].tolist()


def test_every_code_point_and_every_short_run_of_bytes_at_an_edge() -> None:
    every = [chr(point).encode() for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    points = decode(Texts.from_items(every))
    assert [chr(point) for point in points.points[: len(every)].tolist()] == [item.decode() for item in every]
    assert points.kinds.tolist() == [ASCII] * 128 + [WIDE] * (len(every) - 128)
    edges = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF]
    edges += [0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF]
    short = [bytes([a, b, c]) for a in edges for b in edges for c in edges]
    long = [bytes([a, b, c, 0xBF]) for a in edges[-6:] for b in edges for c in (0x7F, 0x80, 0xBF, 0xC0)]
    texts = Texts.from_items([*short, *long])
    assert decode(texts).kinds.tolist() == decode_reference(texts).kinds.tolist()
    assert {ASCII, WIDE, BROKEN} == set(decode(texts).kinds.tolist())


def test_texts() -> None:
    texts = Texts.from_items([b"ab", b"", b"cd", b"c"])
    assert [texts.find(item) for item in (b"cd", b"", b"c", b"d", b"abc")] == [2, 1, 3, -1, -1]
    assert texts.appended(b"").items() == [b"ab", b"", b"cd", b"c", b""]
    assert texts.appended(b"xyz").items(np.array([4, 0])) == [b"xyz", b"ab"]
    changed = texts.replaced(texts.starts[[0, 1]] * 0 + [3, 1], Texts.from_items([b"", b"new"]))
    assert changed.items() == [b"ab", b"new", b"cd", b""]
    assert Texts.from_items([]).find(b"") == -1
    assert len(Texts.from_items([])) == 0
