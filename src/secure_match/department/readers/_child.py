"""RAW: child processes that meet untrusted binary files in our place, under limits of memory and time.

Libraries that read workbooks and Parquet end the whole process on some damaged files (a failed allocation, a C++ error
that nobody catches), and keep what a file declares in memory, however much that is. In a child that is the end of the
child only. The limits need Linux; elsewhere a child is still apart, but not bound.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

MEMORY_BYTES: Final = 4 << 30
"""Address space of a child. Measured: 260 bytes a cell of a workbook, so a million rows of fifteen columns fit."""
CPU_SECONDS: Final = 600
_ENVIRONMENT: Final = frozenset(
    {"path", "ld_library_path", "dyld_library_path", "pythonpath", "pythonhome", "systemroot", "tmpdir", "temp", "tmp",
     "lang", "lc_all", "tz"}
)  # fmt: skip
"""Variables that a child needs to start, in lower case. No other goes along: among them are passwords."""


@contextmanager
def limited_child(worker: Path, task: Mapping[str, object]) -> Iterator[IO[bytes]]:
    """Run a worker on one task; its standard output.

    Args:
        worker: Python file that reads one JSON object from standard input before it does anything. It imports nothing
            of this package, so that it starts quickly, and its standard error is dropped: it could quote a cell.
        task: what to do, as JSON.
    """
    kept = {name: value for name, value in os.environ.items() if name.lower() in _ENVIRONMENT}
    environment = kept | {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    with subprocess.Popen(  # noqa: S603  # Our own file; nothing of the export is on the command line.
        [sys.executable, "-P", str(worker)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as child:
        try:
            _bind(child.pid)
            with suppress(OSError):  # A child that could not start is found by its missing last answer.
                child.stdin.write(json.dumps(task).encode() + b"\n")  # type: ignore[union-attr]
                child.stdin.close()  # type: ignore[union-attr]
            yield child.stdout  # type: ignore[misc]
        finally:
            child.kill()


def _bind(pid: int) -> None:
    """Limits, set before the child has its task; no core file, which would hold raw values."""
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import resource  # noqa: PLC0415  # Not on every system.

        for kind, limit in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_CPU, CPU_SECONDS),
            (resource.RLIMIT_AS, MEMORY_BYTES),
        ):
            _, hard = resource.prlimit(pid, kind)
            bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            resource.prlimit(pid, kind, (bound, hard))
