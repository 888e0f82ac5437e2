"""ENCODED: how much memory a run will need, from what is known before it begins; asked again when more is known.

The plan adds up the arrays that are alive at once in each step. Rows and passes are known from the manifests. Pairs are
not: the plan assumes :data:`ASSUMED_PAIRS_PER_ROW` until the passes have counted them. Columns of packages count while
they are read (a map of a file is memory of the process, even if the system can take it back).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from secure_match.agreement import Agreement
from secure_match.encoded import EncodedDataset
from secure_match.errors import LinkageError

ASSUMED_PAIRS_PER_ROW: Final = 2
"""Synthetic cities with five files have 0.7 pairs per row: each further row of a person is one."""

_PROCESS: Final = 400 << 20
"""Interpreter, libraries, compiled kernels and buffers of threads."""
_MAPPED: Final = 384 << 20
"""Columns of packages that are in memory while they are read: a few batches, with what the system reads around them."""
# Bytes per row, from the arrays of each step: handles, datasets and token codes live all along.
_ROW_ALL_ALONG: Final = 24
_ROW_INTAKE: Final = 80
_ROW_GROUPING: Final = 96
_ROW_PASS: Final = 64
_ROW_EVIDENCE: Final = 24
_ROW_CLUSTERS: Final = 48
_ROW_FINDINGS: Final = 96
# Bytes per pair.
_PAIR_PASS: Final = 24
_PAIR_EVIDENCE: Final = 24
_PAIR_CLUSTERS: Final = 48
_PAIR_FINDINGS: Final = 32
_SIMILARITY: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """What a run is planned to need.

    Attributes:
        rows: rows of all datasets.
        pairs: pairs that are counted or assumed.
        steps: step to bytes at its peak, everything included.
    """

    rows: int
    pairs: int
    steps: Mapping[str, int]

    @property
    def peak_bytes(self) -> int:
        """Bytes at the peak of the largest step."""
        return max(self.steps.values())

    @property
    def largest_step(self) -> str:
        """The step that needs most; of equal ones the first."""
        return max(self.steps, key=lambda name: self.steps[name])

    def verify(self, limit_bytes: int | None) -> None:
        """Check the plan against a limit.

        Raises:
            LinkageError: ``MEMORY_PLAN``.
        """
        if limit_bytes is not None and self.peak_bytes > limit_bytes:
            raise LinkageError(
                f"the run is planned to need {size_text(self.peak_bytes)} for {self.rows:,} rows and {self.pairs:,} "
                f"pairs (most in {self.largest_step}), and {size_text(limit_bytes)} are allowed; allow more, or link "
                "fewer packages at a time",
                code="MEMORY_PLAN",
            )


def size_text(size_bytes: int) -> str:
    """Bytes in GiB with two decimals, rounded up, so that a limit of what is shown is enough."""
    hundredths = -(-size_bytes * 100 // (1 << 30))
    return f"{hundredths // 100}.{hundredths % 100:02} GiB"


def plan_memory(agreement: Agreement, datasets: tuple[EncodedDataset, ...], *, pairs: int | None = None) -> MemoryPlan:
    """Plan the memory of linking these datasets where they are mapped packages.

    Args:
        pairs: how many pairs there are; None before that is known.
    """
    sizes = [len(dataset) for dataset in datasets]
    rows, largest = sum(sizes), max(sizes, default=0)
    number = rows * ASSUMED_PAIRS_PER_ROW if pairs is None else pairs
    read = min(_MAPPED, sum(sizes) * _row_bytes(agreement))
    along = _PROCESS + read + rows * _ROW_ALL_ALONG
    kept = number * _SIMILARITY * len(agreement.passes)
    steps = {
        "packages": _PROCESS + read + largest * _ROW_INTAKE * 2,
        "ID tokens": along + rows * _ROW_GROUPING,
    }
    for item in agreement.passes:
        having = [len(dataset) for dataset in datasets if any(one.id == item.id for one in dataset.manifest.passes)]
        words = sum(having) * item.encoded_bits // 8
        grouping, walking = rows * _ROW_GROUPING, words + rows * _ROW_PASS
        steps[f"pass {item.id}"] = along + max(grouping, walking) + number * _PAIR_PASS
        steps[f"evidence {item.id}"] = along + words + rows * _ROW_EVIDENCE + number * _PAIR_EVIDENCE
    steps["clusters"] = along + rows * _ROW_CLUSTERS + kept + number * _PAIR_CLUSTERS
    steps["findings"] = along + rows * _ROW_FINDINGS + kept + number * _PAIR_FINDINGS
    return MemoryPlan(rows=rows, pairs=number, steps=steps)


def _row_bytes(agreement: Agreement) -> int:
    """Bytes of a row in a package, about: handle, token, and a tag and an encoding per pass."""
    return 64 + sum(16 + item.encoded_bits // 8 for item in agreement.passes)
