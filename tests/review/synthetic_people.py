"""Records of the synthetic city as attacks see them: one string a person."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from secure_match.synthetic import CityConfig, generate_city


def records(people: int, seed: int) -> list[str]:
    """Name, birth date and phone of ``people`` different records."""
    rows = generate_city(CityConfig(people=people + 200, seed=seed)).exports["population"]
    columns = [rows[name].to_pylist() for name in ("姓名", "出生日期", "联系电话")]
    texts = dict.fromkeys("".join(parts) for parts in zip(*columns, strict=True))
    return list(texts)[:people]


def keyed_clk(texts: list[str], key: bytes, *, bits: int = 1024, hashes: int = 15) -> npt.NDArray[np.uint8]:
    """The broken target: bigrams under one key for everybody, uint8 of shape (texts, bits / 8)."""
    marks = np.zeros((len(texts), bits), dtype=np.bool_)
    for row, text in enumerate(texts):
        for left, right in zip(" " + text, text + " ", strict=True):
            digest = hashlib.blake2b((left + right).encode(), key=key, digest_size=2 * hashes).digest()
            marks[row, np.frombuffer(digest, dtype="<u2") % bits] = True
    return np.packbits(marks, axis=1)
