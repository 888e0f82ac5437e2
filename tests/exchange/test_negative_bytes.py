"""Every byte of a small sealed package changed, cut off, added or taken away: all refused, none accepted.

``EXHAUSTIVE=1`` flips all eight bits of every byte; by default bytes of content and manifest have one bit flipped each,
chosen once and for all, and all other bytes all eight.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from exchange.conftest import Tiny
from exchange.sealed_tiny import built, entries_of
from secure_match.encoded.zip_shape import END_BYTES, local_header
from secure_match.exchange import _chunks
from secure_match.exchange.sealed import COMMENT, CONTENT_NAME, MANIFEST_NAME, SIGNATURE_NAME

_ALL_BITS: Final = bool(os.environ.get("EXHAUSTIVE"))
_DESCRIPTOR_BYTES: Final = 24


def regions(data: bytes) -> dict[str, range]:
    """Name to place of everything in a sealed package."""
    found: dict[str, range] = {}
    place = 0
    for name, content in entries_of(data).items():
        for part, size in (
            (f"header of {name}", len(local_header(name))),
            (name, len(content)),
            (f"descriptor of {name}", _DESCRIPTOR_BYTES),
        ):
            found[part] = range(place, place + size)
            place += size
    end = len(data) - END_BYTES - len(COMMENT)
    return found | {"directory": range(place, end), "end": range(end, len(data))}


def flips(region: range, *, all_bits: bool) -> Iterator[tuple[int, int]]:
    """Places and masks; the one bit of a byte is the same in every run."""
    chance = random.Random(region.start)
    for place in region:
        one = 1 << chance.randrange(8)
        yield from ((place, mask) for mask in ([1 << bit for bit in range(8)] if all_bits else [one]))


def flipped(data: bytes, place: int, mask: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= mask
    return bytes(changed)


def test_the_package_is_accepted(tiny: Tiny) -> None:
    assert tiny.code(tiny.sealed) == ""


def test_no_flipped_bit_is_accepted(tiny: Tiny) -> None:
    codes: dict[str, Counter[str]] = {}
    for name, region in regions(tiny.sealed).items():
        all_bits = _ALL_BITS or name not in (CONTENT_NAME, MANIFEST_NAME)
        tried = (tiny.code(flipped(tiny.sealed, *flip)) for flip in flips(region, all_bits=all_bits))
        codes[name] = Counter(tried)
    assert {name: set(found) for name, found in codes.items()} == {
        name: {"PACKAGE_DAMAGED"} if name in (CONTENT_NAME, MANIFEST_NAME, SIGNATURE_NAME) else found
        for name, found in {
            **{name: {"PACKAGE_FOREIGN"} for name in codes},
            "end": {"PACKAGE_TRUNCATED", "PACKAGE_FOREIGN"},
        }.items()
    }
    print({name: sum(found.values()) for name, found in codes.items()})


def test_no_bit_flipped_by_one_who_mends_the_checksums_is_accepted(tiny: Tiny) -> None:
    parts = entries_of(tiny.sealed)
    codes: dict[str, Counter[str]] = {}
    for name, content in parts.items():
        all_bits = name == SIGNATURE_NAME
        flipped_contents = (flipped(content, *flip) for flip in flips(range(len(content)), all_bits=all_bits))
        codes[name] = Counter(tiny.code(built(parts | {name: changed})) for changed in flipped_contents)
    assert set(codes[CONTENT_NAME]) == {"PACKAGE_DAMAGED"}
    # The public key in it first, the signature behind it.
    assert codes[SIGNATURE_NAME] == {"PACKAGE_SIGNER": 32 * 8, "PACKAGE_SIGNATURE": 64 * 8}
    # One bit makes no party's id another's, so the signer is never at fault here.
    assert set(codes[MANIFEST_NAME]) == {"PACKAGE_MANIFEST", "PACKAGE_SENDER", "PACKAGE_SIGNATURE"}


def test_no_truncation_is_accepted(tiny: Tiny) -> None:
    codes = Counter(tiny.code(tiny.sealed[:length]) for length in range(len(tiny.sealed)))
    assert codes == {"PACKAGE_EMPTY": 1, "PACKAGE_FOREIGN": 3, "PACKAGE_TRUNCATED": len(tiny.sealed) - 4}


def test_no_inserted_or_deleted_byte_is_accepted(tiny: Tiny) -> None:
    places = random.Random(7).sample(range(len(tiny.sealed)), 300)
    taken = Counter(tiny.code(tiny.sealed[:place] + tiny.sealed[place + 1 :]) for place in places)
    added = Counter(
        tiny.code(tiny.sealed[:place] + bytes([byte]) + tiny.sealed[place:]) for place in places for byte in (0, 255)
    )
    assert set(taken) | set(added) <= {"PACKAGE_FOREIGN", "PACKAGE_TRUNCATED"}
    assert tiny.code(tiny.sealed + b"\x00") == "PACKAGE_TRUNCATED"
    assert tiny.code(b"\x00" + tiny.sealed) == "PACKAGE_FOREIGN"


def test_a_flipped_bit_is_seen_by_the_thread_that_hashes(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few of the flips above, as a large package would be read."""
    monkeypatch.setattr(_chunks, "_AT_ONCE_BYTES", 0)
    assert tiny.code(tiny.sealed) == ""
    region = regions(tiny.sealed)[CONTENT_NAME]
    for place in (region.start, region.start + 1040, region.stop - 1):
        assert tiny.code(flipped(tiny.sealed, place, 1)) == "PACKAGE_DAMAGED"
