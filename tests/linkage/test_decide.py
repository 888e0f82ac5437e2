"""The decision on pairs by thresholds, pass by pass."""

from __future__ import annotations

import numpy as np
import pytest

from fixed_thresholds import fixed_agreement
from secure_match.linkage import Decision, TokenState
from secure_match.linkage._decide import decide

AGREEMENT = fixed_agreement()


@pytest.mark.parametrize(
    ("scores", "unknown", "different"),
    [
        ({"partial": 1.0}, "LINK", "POSSIBLE_LINK"),
        ({"partial": 1.0, "birth": 0.85}, "LINK", "POSSIBLE_LINK"),
        ({"birth": 1.0}, "LINK", "LINK"),
        ({"birth": 0.85, "phone": 0.93}, "LINK", "LINK"),
        ({"birth": 0.85}, "LINK", "POSSIBLE_LINK"),
        ({"birth": 0.3}, "NON_LINK", "NON_LINK"),
    ],
)
def test_what_shares_a_part_of_the_number_does_not_speak_against_the_rest(
    scores: dict[str, float], unknown: str, different: str
) -> None:
    similarity = {item.id: np.array([scores.get(item.id, np.nan)] * 3) for item in AGREEMENT.passes}
    states = np.array([TokenState.UNKNOWN, TokenState.DIFFERENT, TokenState.EQUAL], dtype=np.int8)
    decision, strength = decide(AGREEMENT, AGREEMENT.passes, states, similarity)
    assert [Decision(code).name for code in decision] == [unknown, different, "LINK"]
    assert strength[2] > strength[0] > strength[1]
