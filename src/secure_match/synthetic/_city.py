"""PUBLIC: a synthetic city: the exports of its departments, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from secure_match.synthetic._config import DATASETS, CityConfig
from secure_match.synthetic._enrolments import draw_enrolments
from secure_match.synthetic._exports import make_export
from secure_match.synthetic._people import draw_people
from secure_match.synthetic._streams import Streams
from secure_match.synthetic._truth import Truth, make_truth


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A made-up city.

    Attributes:
        config: what it was made from.
        exports: dataset id to export, in the order of ``DATASETS``; every column is a string, empty values are "".
        truth: what the generator knows about the exports.
    """

    config: CityConfig
    exports: dict[str, pa.Table] = field(repr=False)
    truth: Truth = field(repr=False)


def generate_city(config: CityConfig) -> City:
    """Make a city. The same configuration gives the same exports and the same truth, byte for byte.

    Every purpose (names, births, each kind of error in each dataset) has a random stream of its own, so that
    another rate changes what it is the rate of and little else.

    Args:
        config: size, seed and rates.

    Raises:
        UsageError: ``CITY_TOO_DENSE`` when the city is too large to give everybody an ID number of his own.
    """
    streams = Streams(seed=config.seed)
    people = draw_people(config, streams)
    enrolments = draw_enrolments(config, streams, people)
    exports = {dataset: make_export(dataset, config, streams, people, enrolments) for dataset in DATASETS}
    return City(
        config=config,
        exports={dataset: export.table for dataset, export in exports.items()},
        truth=make_truth(people, exports),
    )
