"""The kernels of the majority encoder against their references; the block cipher is a stand-in."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.test_pass_bits import mixed, random_rows
from secure_match.kernels import _pass_bits
from secure_match.kernels._majority_bits import set_majority_bits, set_majority_bits_reference
from secure_match.kernels._pass_bits import TokenRows
from secure_match.kernels._row_votes import row_votes, row_votes_reference

TIE = 12


def with_tie(rows: TokenRows) -> TokenRows:
    """The same rows with a thirteenth token that is in no list."""
    return dataclasses.replace(rows, token_words=np.vstack([rows.token_words, [[77, 88]]]).astype(np.uint64))


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 1 << 32),
    st.integers(0, 20),
    st.integers(1, 3),
    st.sampled_from([1, 2, 8, 4096]),
    st.sampled_from([16, 32, 128]),
    st.sampled_from([1, 2, 3, 8]),
    st.sampled_from([1, 300, 1 << 14]),
)
def test_votes_and_bits_equal_the_references(
    seed: int, rows: int, columns: int, most: int, width: int, majorities: int, group: int
) -> None:
    generator = np.random.default_rng(seed)
    token_rows = with_tie(random_rows(generator, rows, columns, most))
    for start, stop in ((0, rows), (rows // 2, rows)):
        votes = row_votes(token_rows, TIE, start, stop)
        expected = row_votes_reference(token_rows, TIE, start, stop)
        for name in ("starts", "tokens", "weights"):
            assert getattr(votes, name).tolist() == getattr(expected, name).tolist()
    targets = generator.permutation(rows + 3)[:rows].astype(np.int64)
    compiled, reference = (np.zeros((rows + 3, width), dtype=np.uint8) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pass_bits, "_GROUP_BLOCKS", group)
        set_majority_bits(token_rows, mixed, majorities, TIE, targets, compiled)
    set_majority_bits_reference(token_rows, mixed, majorities, TIE, targets, reference)
    assert (compiled == reference).all()


def one_row(counts: list[int]) -> TokenRows:
    return TokenRows(
        lists=np.array([[0]]),
        starts=np.array([0, len(counts)]),
        tokens=np.arange(len(counts), dtype=np.int32),
        counts=np.array(counts, dtype=np.int32),
        chains=np.zeros((1, 2), dtype=np.uint64),
        token_words=np.arange(2 * (len(counts) + 1), dtype=np.uint64).reshape(-1, 2) * np.uint64(3) ** 2,
    )


def votes_by_hand(votes: list[bytes], counts: list[int], majorities: int = 1) -> bytes:
    """The encoding where token ``i`` casts ``votes[i]``."""

    def cipher(blocks: np.ndarray) -> np.ndarray:
        assert len(blocks) == len(votes) * majorities
        return np.frombuffer(b"".join(votes), dtype=np.uint8).reshape(-1, 16).copy()

    out = np.zeros((1, 16), dtype=np.uint8)
    set_majority_bits(one_row(counts), cipher, majorities, len(counts), np.zeros(1, dtype=np.int64), out)
    return out.tobytes()


def test_weights_decide_and_a_tie_falls_to_the_tie_token() -> None:
    yes, no, half = b"\xff" * 16, b"\x00" * 16, b"\xf0" * 16
    assert votes_by_hand([yes, no, no], [3, 1, 1]) == yes
    assert votes_by_hand([yes, no, no], [1, 1, 1]) == no
    assert votes_by_hand([half, yes, no], [1, 1, 1]) == half
    # 2 + 2 against each other: an even sum asks the fourth voter, and only a tie listens to it.
    assert votes_by_hand([yes, no, half], [2, 2]) == half
    assert votes_by_hand([yes, no, half], [3, 1]) == yes


def test_ballots_are_added_bit_by_bit() -> None:
    first, second = b"\xcc" * 16, b"\xaa" * 16
    assert votes_by_hand([first + second], [1], majorities=2) == b"\x66" * 16


def test_rows_of_lists_without_weight_stay_empty() -> None:
    rows = one_row([0])
    out = np.zeros((1, 16), dtype=np.uint8)
    for function in (set_majority_bits, set_majority_bits_reference):
        function(rows, mixed, 2, 1, np.zeros(1, dtype=np.int64), out)
        assert not out.any()


def test_what_does_not_fit_is_refused() -> None:
    rows, targets = with_tie(random_rows(np.random.default_rng(1), 4, 2, 20)), np.arange(4)
    good = np.zeros((4, 32), dtype=np.uint8)
    for majorities, tie, out in (
        (0, TIE, good),
        (1, 0, good),
        (1, 13, good),
        (1, TIE, np.zeros((4, 8), dtype=np.uint8)),
        (1, TIE, np.zeros((4, 24), dtype=np.uint8)),
        (1, TIE, np.zeros((3, 32), dtype=np.uint8)),
        (1, TIE, np.zeros((4, 64), dtype=np.uint8)[:, ::2]),
    ):
        with pytest.raises(ValueError, match=r"shorter|power of two|target|tie token"):
            set_majority_bits(rows, mixed, majorities, tie, targets, out)
    with pytest.raises(ValueError, match="number of blocks"):
        set_majority_bits(rows, lambda blocks: mixed(blocks[1:]), 1, TIE, targets, good)
