"""Repeated keys against the NumPy reference, over any calls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.kernels._seen import SeenKeys, repeated_reference


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 40), max_size=30), max_size=5), st.sampled_from([1, 1 << 64, (1 << 64) + 1]))
def test_repeats_over_calls(calls: list[list[int]], factor: int) -> None:
    def keys(numbers: list[int]) -> np.ndarray:
        data = b"".join((factor * number).to_bytes(16, "little") for number in numbers)
        return np.frombuffer(data, dtype=np.uint8).reshape(-1, 16)

    seen = SeenKeys()
    answers = [seen.add(keys(numbers)) for numbers in calls]
    together = [number for numbers in calls for number in numbers]
    assert [bool(answer) for part in answers for answer in part] == repeated_reference(keys(together)).tolist()
    assert len(seen) == len(set(together))
    assert repr(seen) == f"<SeenKeys: {len(seen)}>"


def test_many_keys_grow_the_table() -> None:
    keys = np.random.default_rng(3).integers(0, 256, (5000, 16)).astype(np.uint8)
    seen = SeenKeys()
    assert not any(seen.add(part).any() for part in np.array_split(keys, 7))
    assert seen.add(keys).all()
    assert len(seen) == 5000


def test_other_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        SeenKeys().add(np.zeros((2, 8), dtype=np.uint8))
