"""Bulk AES-CMAC against cryptography's own and the examples of NIST SP 800-38B."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.department._cmac import cmac_each, cmac_each_reference, encrypt_blocks, subkeys

# Examples for AES-256 of NIST's "CMAC examples" to SP 800-38B.
KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
EXAMPLES = {
    0: "028962f61b7bf89efc6b551f4667d983",
    16: "28a7023f452e8f82bd4bf28d8c37c35c",
    40: "aaf3d8f1de5640c232f5b169b9c911e6",
    64: "e1992190549f6ed5696a2c056c315410",
}


def cut(messages: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    sizes = [len(message) for message in messages]
    return np.frombuffer(b"".join(messages), dtype=np.uint8), np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def test_the_examples_of_the_standard() -> None:
    first, second = subkeys(KEY)
    assert first.tobytes().hex() == "cad1ed03299eedac2e9a99808621502f"
    assert second.tobytes().hex() == "95a3da06533ddb585d3533010c42a0d9"
    macs = cmac_each(KEY, *cut([MESSAGE[:size] for size in EXAMPLES]))
    assert [mac.tobytes().hex() for mac in macs] == list(EXAMPLES.values())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=70), max_size=12), st.binary(min_size=32, max_size=32))
def test_equal_to_cryptographys_cmac(messages: list[bytes], key: bytes) -> None:
    data, offsets = cut(messages)
    assert (cmac_each(key, data, offsets) == cmac_each_reference(key, data, offsets)).all()


def test_every_block_by_itself() -> None:
    blocks = np.arange(64, dtype=np.uint8)
    whole = encrypt_blocks(KEY, blocks)
    assert (whole == np.concatenate([encrypt_blocks(KEY, blocks[at : at + 16]) for at in range(0, 64, 16)])).all()
    assert encrypt_blocks(KEY, blocks[:0]).shape == (0, 16)


@pytest.mark.parametrize("offsets", [[], [0], [1, 3], [0, 2], [0, 2, 1, 3]])
def test_offsets_that_do_not_fit_are_refused(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="offsets"):
        cmac_each(KEY, np.zeros(3, dtype=np.uint8), np.array(offsets, dtype=np.int64))
