"""EDGE: how much memory this process has taken, for reports."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def peak_bytes() -> int | None:
    """The largest memory that this process had so far, mapped files included; None where the system does not say."""
    if sys.platform == "win32":
        return None
    status = Path("/proc/self/status")
    if status.exists():
        # Of this program alone: on Linux, getrusage goes on counting from the process that started it.
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        found = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
        if found:
            return found[0] << 10
    resource = importlib.import_module("resource")
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    # Linux counts in KiB, macOS in bytes (getrusage(2)).
    return peak if sys.platform == "darwin" else peak << 10
