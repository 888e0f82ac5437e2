"""ENCODED: the steps of a run as values that can be kept, so that a run can be taken up again.

Invariant: a step is a function of the datasets and the agreement alone; what was kept under the same ones is as good as
what would be computed. Who keeps steps sees to it that they are of the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy.typing as npt
import pyarrow as pa

Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """What a step gives: arrays and counts, by name. The arrays may lie in files and are not to be written to."""

    arrays: Columns
    counts: Mapping[str, int]


class StepStore(Protocol):
    """Keeps finished steps. It is asked for a step before the step is computed."""

    def load(self, name: str) -> Step | None:
        """A finished step, or None."""

    def save(self, name: str, step: Step) -> Step:
        """Keep a step; the answer is to be used in its place, and holds the same values."""


class NoSteps:
    """Keeps nothing."""

    def load(self, name: str) -> Step | None:  # noqa: ARG002
        """None."""
        return None

    def save(self, name: str, step: Step) -> Step:  # noqa: ARG002
        """The step itself."""
        return step


CHUNKS_BETWEEN_RELEASES: Final = 8
"""Batches of a package (at most 65,536 rows each) that are read before their memory is given back."""


def _nothing(*_: object) -> None:
    pass


def released_chunks(column: pa.ChunkedArray, release: Callable[[], None]) -> Iterator[pa.Array]:
    """The chunks of a column in order; ``release`` is called after every few of them, and after the last."""
    for place, chunk in enumerate(column.chunks):
        yield chunk
        if place % CHUNKS_BETWEEN_RELEASES == CHUNKS_BETWEEN_RELEASES - 1:
            release()
    release()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkHooks:
    """What a long run does beside linking; none of it changes the result.

    Attributes:
        share: told the share (0 to 1) of the current step that is done.
        release: called when columns of the datasets were read and will not be needed for a while.
        steps: where finished steps are kept.
        memory_limit_bytes: refuse with ``MEMORY_PLAN`` what is planned to need more; None for no limit.
    """

    share: Callable[[float], None] = field(default=_nothing)
    release: Callable[[], None] = field(default=_nothing)
    steps: StepStore = field(default_factory=NoSteps)
    memory_limit_bytes: int | None = None
