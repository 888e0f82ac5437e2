"""RAW: how many rows have which state, reason and flag, summed over batches; counts alone, never values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from secure_match.department.normalise._field import NormalisedField
from secure_match.encoded import FieldState


class NormaliseTally:
    """Counts of some fields.

    Args:
        fields: names of the identity fields to count.

    Attributes:
        states: field to state (in lower case) to number of rows; every state is there.
        reasons: field to reason code to number of rows; only reasons that occur.
        flags: field to flag to number of rows; only flags that occur.
    """

    __slots__ = ("flags", "reasons", "states")

    def __init__(self, fields: Iterable[str]) -> None:
        self.states = {name: {state.name.lower(): 0 for state in FieldState} for name in fields}
        self.reasons: dict[str, dict[str, int]] = {name: {} for name in self.states}
        self.flags: dict[str, dict[str, int]] = {name: {} for name in self.states}

    def add(self, fields: Mapping[str, NormalisedField]) -> None:
        """Count a batch."""
        for name, states in self.states.items():
            field = fields[name]
            counts = np.bincount(field.states, minlength=len(FieldState))
            for state in FieldState:
                states[state.name.lower()] += int(counts[state])
            self.reasons[name] = dict(Counter(self.reasons[name]) + Counter(field.counts()))
            for flag, rows in field.flags.items():
                if not rows.any():
                    continue
                self.flags[name][flag] = self.flags[name].get(flag, 0) + int(rows.sum())
