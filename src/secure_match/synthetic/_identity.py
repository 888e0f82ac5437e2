"""PUBLIC: ID numbers of made-up people, under GB 11643-1999: region, birth date, sequence, check character.

Invariants: every number, superseded ones included, belongs to one person; odd sequences are male; twins have
neighbouring sequences of one region.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from secure_match.errors import UsageError
from secure_match.synthetic._places import COUNTY_CODES, MIGRANT_CODES
from secure_match.synthetic._streams import BoolArray, FloatArray, IntArray, Streams, draw_flags
from secure_match.synthetic._text import CodePoints, digits_of

ID_WIDTH: Final = 18
_WEIGHTS: Final = np.array([pow(2, 17 - position, 11) for position in range(17)], dtype=np.int64)
_CHECK_CHARACTERS: Final = np.frombuffer(b"10X98765432", dtype=np.uint8).astype(np.uint32)
_REGIONS: Final = np.array(COUNTY_CODES + MIGRANT_CODES, dtype=np.int64)
_MAX_ROUNDS: Final = 200
_SAME_REGION_SHARE: Final = 0.5


def draw_regions(streams: Streams, county: IntArray, migrant_share: FloatArray) -> IntArray:
    """Index of the region that issued each person's number: the home county's, or a migrant's."""
    rng = streams.of("regions")
    migrant = draw_flags(rng, migrant_share, len(county))
    return np.where(migrant, rng.integers(len(COUNTY_CODES), len(_REGIONS), len(county)), county)


def dates_of(days: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Year, month and day of ``days`` since 1970-01-01, int64 each."""
    date = days.astype("datetime64[D]")
    months = date.astype("datetime64[M]")
    month_number = months.astype(np.int64)
    return month_number // 12 + 1970, month_number % 12 + 1, (date - months).astype(np.int64) + 1


def draw_numbers(
    streams: Streams, *, region: IntArray, birth: IntArray, male: BoolArray, twin_of: IntArray
) -> tuple[IntArray, IntArray]:
    """The first 17 digits of everybody's current and superseded number, int64 each.

    Args:
        region: index of the issuing region; twins share it.
        birth: days since 1970-01-01; twins share it.
        male: sex.
        twin_of: index of the elder twin or -1.

    Raises:
        UsageError: ``CITY_TOO_DENSE`` when numbers of a region and day run out.
    """
    rng = streams.of("id-sequences")
    count = len(region)
    year, month, day = dates_of(birth)
    stem = (year * 100 + month) * 100 + day
    other = np.where(rng.random(count) < _SAME_REGION_SHARE, region, rng.integers(0, len(COUNTY_CODES), count))
    owner = np.where(twin_of >= 0, twin_of, np.arange(count))
    numbers = pair_of_sequences = np.empty((2, count), dtype=np.int64)
    redraw = np.ones((2, count), dtype=bool)
    for _ in range(_MAX_ROUNDS):
        if not redraw.any():
            return numbers[0], numbers[1]
        pair_of_sequences[redraw] = _draw_sequences(rng, male, redraw)
        twin = np.flatnonzero(twin_of >= 0)
        elder = pair_of_sequences[0, twin_of[twin]]
        pair_of_sequences[0, twin] = elder + np.where(male[twin] == male[twin_of[twin]], 2, 1)
        numbers = (np.stack([_REGIONS[region], _REGIONS[other]]) * 100_000_000 + stem) * 1_000 + pair_of_sequences
        redraw = _is_repeated(numbers)
        redraw[0] = np.bincount(owner[redraw[0]], minlength=count) > 0
    raise UsageError("there are not enough ID numbers for so many people; make the city smaller", code="CITY_TOO_DENSE")


def check_characters(first_17: IntArray) -> CodePoints:
    """Check character (ISO 7064 MOD 11-2) of each 17-digit number, uint32 of shape (numbers,)."""
    digits = digits_of(first_17, 17).astype(np.int64) - ord("0")
    characters: CodePoints = _CHECK_CHARACTERS[digits @ _WEIGHTS % 11]
    return characters


def render_numbers(first_17: IntArray) -> CodePoints:
    """All 18 characters of each number, uint32 of shape (numbers, 18)."""
    return np.concatenate([digits_of(first_17, 17), check_characters(first_17)[:, None]], axis=1)


def _draw_sequences(rng: np.random.Generator, male: BoolArray, wanted: BoolArray) -> IntArray:
    """Sequences 1 to 996, odd for men; three stay free at the end for a younger twin."""
    sex = np.broadcast_to(male, wanted.shape)[wanted]
    return np.where(sex, rng.integers(0, 498, len(sex)) * 2 + 1, rng.integers(1, 499, len(sex)) * 2)


def _is_repeated(numbers: IntArray) -> BoolArray:
    """Which of ``numbers`` occur before in reading order; same shape."""
    _, first = np.unique(numbers, return_index=True)
    repeated = np.ones(numbers.size, dtype=bool)
    repeated[first] = False
    return repeated.reshape(numbers.shape)
