"""AUDIT: what an attack found, in a form that tables and reports share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

_Z: Final = 1.959963984540054
"""Of a two-sided interval of 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackResult:
    """One attack at one setting.

    Attributes:
        attack: id of the attack.
        source: the paper that it follows.
        knowledge: what the adversary holds, in a sentence.
        metric: what ``rate`` is a rate of, in a sentence.
        settings: what was varied: known pairs, overlap, name of the target.
        hits: trials in which the adversary was right.
        trials: records, or values, that it tried.
        guessing: rate that the same adversary reaches without the package.
        seconds: time taken; on whose machine, the report says.
        note: what the reader has to know besides; empty for nothing.
    """

    attack: str
    source: str
    knowledge: str
    metric: str
    settings: dict[str, str | int | float]
    hits: int
    trials: int
    guessing: float = 0.0
    seconds: float = 0.0
    note: str = ""
    fields: dict[str, float] = field(default_factory=dict)
    """Identity field to the rate for that field alone, where the attack tells fields apart."""

    @property
    def rate(self) -> float:
        """Share of trials in which the adversary was right; 0 without a trial."""
        return self.hits / self.trials if self.trials else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Interval of 95 % of the rate; see :func:`interval`."""
        return interval(self.hits, self.trials)


def interval(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for a share (Wilson, JASA 22, 1927); (0, 1) without a trial."""
    if trials == 0:
        return 0.0, 1.0
    share, square = hits / trials, _Z * _Z
    middle = share + square / (2 * trials)
    spread = _Z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    # At the ends rounding would leave a hair outside.
    low = 0.0 if hits == 0 else max(0.0, (middle - spread) / scale)
    high = 1.0 if hits == trials else min(1.0, (middle + spread) / scale)
    return low, high
