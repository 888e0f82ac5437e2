"""What every benchmark prints and how it times: the machine, and ours and a peer in turn in one process."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from secure_match import kernels


def machine() -> str:
    """Processor and number of cores, as Linux names them."""
    model = "unknown processor"
    source = Path("/proc/cpuinfo")
    if source.exists():
        names = [line.partition(":")[2].strip() for line in source.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    active = kernels.active()
    return (
        f"{model} ({active.host_cpu}), {os.cpu_count()} cores, {active.threads} usable; "
        f"kernel {active.kernel} by {active.instruction}, numba {active.numba_version}"
    )


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turn(ours: Callable[[], object], peer: Callable[[], object], repeats: int) -> tuple[list[float], list[float]]:
    """Times of both, A B A B, so that a drift of the machine's speed meets both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        times[0].append(seconds(ours))
        times[1].append(seconds(peer))
    return times


def describe(name: str, times: list[float], count: int, unit: str) -> str:
    """Median, spread and rate of one side."""
    middle = statistics.median(times)
    spread = f"{min(times):.4f}..{max(times):.4f}"
    return f"  {name:<22} median {middle:.4f} s   spread {spread} s   {count / middle:14,.0f} {unit}/s"


def describe_ratio(ours: list[float], theirs: list[float]) -> str:
    """How many times faster ours is: the ratio of medians, and the spread of the ratios of pairs."""
    each = [peer / own for own, peer in zip(ours, theirs, strict=True)]
    ratio = statistics.median(theirs) / statistics.median(ours)
    return f"  ratio                  median {ratio:.2f}     spread {min(each):.2f}..{max(each):.2f}"
