"""PUBLIC: by which keys of a pass its encodings are made harder to attack, and how long they come out.

Invariants: what is done stands in one order, whatever the order of the keys: fold, Rule 90, noise, balance; noise comes
before balance, so that each bit of it is drawn once and the balanced weight stays constant.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from secure_match.agreement.strict import StrictModel

EncoderName = Literal["clk", "majority_xor"]
Majorities = Annotated[int, Field(ge=1, le=8)]

DEFAULT_MAJORITIES: Final = 3
"""Of ``majority_xor`` where the pass names none; ADR 0030 has the measurement."""
FLIP_UNITS: Final = 1 << 16
"""Flip probabilities are multiples of one in this many: a bit is flipped by one 16-bit word."""


UNRELATED_AT_HALF: Final = 0.5
"""Least Dice similarity that two unrelated encodings have on average if half of their bits are set."""


class Blip(StrictModel):
    """Noise on every bit: bloom filters with bits flipped at random (Alaggan, Gambs, Kermarrec, *BLIP*, 2012).

    Attributes:
        flip: probability that a bit is flipped, rounded to a multiple of 1 / 65,536.
    """

    flip: Annotated[float, Field(ge=1 / FLIP_UNITS, lt=0.5)]

    @property
    def threshold(self) -> int:
        """A bit is flipped where its uniform 16-bit word is smaller than this."""
        return round(self.flip * FLIP_UNITS)


class Hardening(StrictModel):
    """What is done to a finished encoding; at least one thing is.

    Attributes:
        xor_fold: the second half is added to the first (XOR); the encoding has half as many bits.
        rule90: each bit becomes the XOR of its two neighbours, the ends being neighbours.
        blip: noise that each department draws for itself.
        balance: the complement is appended and all bits are permuted by key; the encoding has twice as many bits, of
            which exactly half are set.
    """

    xor_fold: bool = False
    rule90: bool = False
    blip: Blip | None = None
    balance: bool = False


def hardened_bits(bits: int, hardening: Hardening | None) -> int:
    """Length of what leaves, of an encoding of ``bits`` bits."""
    if hardening is None:
        return bits
    folded = bits // 2 if hardening.xor_fold else bits
    return 2 * folded if hardening.balance else folded


def passes_without_unsaid(passes: list[dict[str, Any]]) -> None:
    """Take out the keys of this module that are not given, so that passes without them keep their fingerprint.

    Args:
        passes: passes as JSON values; they are changed.
    """
    for item in passes:
        for name in ("majorities", "hardening"):
            if item[name] is None:
                del item[name]
