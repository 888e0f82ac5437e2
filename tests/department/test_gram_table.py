"""Numbering q-grams: a dictionary says the same; growing, forgetting and wiping leave nothing behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import secure_match.department._gram_table as gram_table_module
from secure_match.department._code_points import CodePoints, decode
from secure_match.department._gram_table import GramTable, number_reference
from secure_match.department._texts import Texts

TEXTS = st.lists(st.text(alphabet="ab 𠮷李\x00\U0010ffff", max_size=7), max_size=8)


def points_of(texts: list[str]) -> CodePoints:
    return decode(Texts.from_items([text.encode() for text in texts]))


def lists_of(table: GramTable, texts: list[str]) -> list[list[int]]:
    offsets, tokens = table.number(points_of(texts))
    return [part.tolist() for part in np.split(tokens, offsets[1:-1])] if texts else []


@settings(deadline=None)  # The first example compiles.
@given(TEXTS, st.integers(1, 3), st.booleans(), st.integers(0, 8))
def test_numbers_equal_the_reference_however_texts_are_cut_into_calls(
    texts: list[str], gram_length: int, positional: bool, cut: int
) -> None:
    table = GramTable(gram_length, positional=positional)
    found = lists_of(table, texts[:cut]) + lists_of(table, texts[cut:])
    assert found == number_reference(points_of(texts), gram_length, positional=positional)
    spelt = table.spell(np.arange(table.count))
    assert len(set(spelt)) == table.count
    padding = " " * (gram_length - 1)
    for text, numbers in zip(texts, found, strict=True):
        padded = f"{padding}{text}{padding}" if text else ""
        grams = [padded[start : start + gram_length] for start in range(max(0, len(padded) - gram_length + 1))]
        expected = [f"{place} {gram}" for place, gram in enumerate(grams, start=1)] if positional else grams
        assert [spelt[number] for number in numbers] == expected


@pytest.fixture
def seen_arrays(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Every buffer that tables had while the test ran."""
    seen: list[np.ndarray] = []

    class Watched(gram_table_module.WipedArray[Any]):
        __slots__ = ()

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            seen.append(value)

    monkeypatch.setattr(gram_table_module, "WipedArray", Watched)
    return seen


def many(seed: int) -> list[str]:
    generator = np.random.default_rng(seed)
    return ["".join(map(chr, row)) for row in generator.integers(0x4E00, 0x9FFF, (3000, 4)).tolist()]


def test_growing_forgetting_and_wiping(seen_arrays: list[np.ndarray]) -> None:
    table = GramTable(2, positional=False)
    first = lists_of(table, many(1))
    assert table.count > 10_000
    assert lists_of(table, many(1)) == first
    assert len(seen_arrays) > 3
    assert all(not array.any() for array in seen_arrays if not any(array is kept.data for kept in table.arrays))

    table.forget(500)
    assert table.count == 500
    assert not table.arrays[0].data[500:].any()
    assert lists_of(table, many(1)) == first

    lists_of(table, many(2))
    table.wipe()
    assert table.count == 0
    assert not any(array.any() for array in seen_arrays)
    assert lists_of(table, many(1)) == first
