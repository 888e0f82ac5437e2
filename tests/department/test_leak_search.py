"""The fast search for identifiers against a naive one, part by part and as a whole."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.department import _leak_patterns, _leak_words, leak_scan
from secure_match.department._leak_forms import FORM_NAMES, forms_of
from secure_match.department._leak_patterns import beginnings_of
from secure_match.department._leak_words import WordSets, offsets_reference, words_at
from secure_match.department.leak_scan import CHANCE_BYTES, IdentifierScanner, RandomRange, ScanReport

# Few characters, so that values hold, begin and mirror each other.
VALUES = st.text("张王1aé\U00030000", max_size=5) | st.text(max_size=6) | st.text("12", min_size=6, max_size=9)
BYTES = st.binary(max_size=9) | st.lists(st.sampled_from([0, 49, 50, 97]), max_size=9).map(bytes)


def naive(
    identifiers: dict[str, list[str]], owners: dict[str, set[int]], data: bytes, ranges: list[RandomRange]
) -> ScanReport:
    """Every pattern at every offset, as the module's text defines a hit."""
    names: dict[bytes, str] = {}
    values_of: dict[bytes, set[str]] = {}
    for kind, values in identifiers.items():
        for value in sorted(set(values)):
            for form, pattern in forms_of(value):
                if len(pattern) >= 4:
                    names.setdefault(pattern, f"{kind}/{form}")
                    values_of.setdefault(pattern, set()).add(value)
    hits: Counter[str] = Counter()
    chance = 0
    for pattern, name in names.items():
        for offset in range(len(data) - len(pattern) + 1):
            if data[offset : offset + len(pattern)] != pattern:
                continue
            row = next((r.row_ids[(offset - r.start) // r.width] for r in ranges if r.start <= offset < r.stop), None)
            owned = row is None or any(int(row) in owners.get(value, ()) for value in values_of[pattern])
            if len(pattern) < CHANCE_BYTES and not owned:
                chance += 1
            else:
                hits[name] += 1
    size = sum(item.stop - item.start for item in ranges)
    expected = sum(size / 256.0 ** len(pattern) for pattern in names if len(pattern) < CHANCE_BYTES)
    return ScanReport(scanned_bytes=len(data), hits=dict(hits), chance_hits=chance, chance_expected=round(expected, 3))


@st.composite
def searches(draw: st.DrawFn) -> tuple[dict[str, list[str]], dict[str, set[int]], bytes, list[RandomRange]]:
    identifiers = draw(st.dictionaries(st.sampled_from(["name", "phone"]), st.lists(VALUES, max_size=4), max_size=2))
    values = [value for part in identifiers.values() for value in part]
    patterns = [pattern for value in values for _, pattern in forms_of(value)] or [b"1"]
    pieces = draw(st.lists(st.sampled_from(patterns) | BYTES, max_size=8))
    data = b"".join(pieces)
    ranges: list[RandomRange] = []
    if len(data) > 3:
        cuts = sorted(draw(st.lists(st.integers(0, len(data)), min_size=2, max_size=4)))
        width = draw(st.sampled_from([1, 5, 16]))
        for start, stop in zip(cuts[::2], cuts[1::2], strict=False):
            rows = (stop - start) // width
            ranges.append(RandomRange(start=start, width=width, row_ids=np.arange(start, start + rows)))
    owners = {value: set(draw(st.lists(st.integers(0, 40), max_size=20))) for value in values[::2]}
    return identifiers, owners, data, ranges


@settings(deadline=None, max_examples=150)
@given(searches(), st.sampled_from([3, 20, 1 << 20]), st.sampled_from([2, 1 << 20]))
def test_equal_to_a_naive_search(
    search: tuple[dict[str, list[str]], dict[str, set[int]], bytes, list[RandomRange]], chunk: int, at_once: int
) -> None:
    identifiers, owners, data, ranges = search
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leak_scan, "_CHUNK_BYTES", chunk)
        patch.setattr(_leak_patterns, "_VALUES_AT_ONCE", at_once)
        patch.setattr(_leak_words, "_FOUND_AT_ONCE", at_once)
        scanner = IdentifierScanner(identifiers, owners)
        assert scanner.scan(data, ranges) == naive(identifiers, owners, data, ranges)
        # What an earlier search found out about patterns changes no later one.
        assert scanner.scan(data[::-1]) == naive(identifiers, owners, data[::-1], [])


@settings(deadline=None, max_examples=100)
@given(st.lists(VALUES, max_size=6))
def test_beginnings_are_those_of_the_forms(values: list[str]) -> None:
    made = list(beginnings_of(pa.array(values, pa.string())))
    assert [name for name, _ in forms_of("x")] == list(FORM_NAMES)
    assert len(made) == len(FORM_NAMES)
    for row, value in enumerate(values):
        for (_, pattern), (words, lengths) in zip(forms_of(value), made, strict=True):
            assert max(int(lengths[row]), 0) == len(pattern)
            assert int(words[row]).to_bytes(8, "little") == pattern[:8].ljust(8, b"\0")


@settings(deadline=None, max_examples=100)
@given(
    st.binary(max_size=60),
    st.lists(st.integers(0, 60), max_size=6),
    st.lists(st.integers(0, 60), max_size=6),
    st.integers(0, 70),
    st.integers(0, 70),
)
def test_offsets_equal_the_reference(data: bytes, long: list[int], short: list[int], start: int, stop: int) -> None:
    view = np.frombuffer(data, dtype=np.uint8)
    random = np.random.default_rng(1).integers(0, 1 << 63, 3000).astype(np.uint64)
    sets = WordSets.make(
        np.concatenate([random, words_at(view, np.array(long, dtype=np.int64))]),
        words_at(view, np.array(short, dtype=np.int64)) & _leak_words.SHORT_MASK,
    )
    assert sets.offsets(view, start, stop).tolist() == offsets_reference(sets, view, start, stop).tolist()


def test_identifiers_may_come_from_arrow() -> None:
    values = pa.chunked_array([["欧阳震华", None, ""], ["欧阳震华", "张三"]])
    data = b"..".join(["欧阳震华".encode(), "张三".encode("gb18030")])
    expected = {"name/gb18030": 1, "name/utf-8": 1}
    assert IdentifierScanner({"name": values}, {}).scan(data).hits == expected
    assert IdentifierScanner({"name": values.drop_null().to_pylist()}, {}).scan(data).hits == expected
