"""Watches a command for sockets: by Python's audit events everywhere, by system calls where strace is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from integration.road import Done

# Loaded by every Python process that the command starts, before the program's own first line.
_HOOK: Final = """
import os, sys

def _watch(event, arguments):
    if event.startswith("socket."):
        family = arguments[1] if event == "socket.__new__" else ""
        line = f"{event} {getattr(family, 'name', family)} {' '.join(map(str, sys.orig_argv[:8]))}\\n"
        descriptor = os.open(os.environ["SOCKET_WATCH"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, line.encode("utf-8", "backslashreplace"))
        os.close(descriptor)

sys.addaudithook(_watch)
"""
_MAIN: Final = "from secure_match.cli import main; main()"
_NETWORK_CALL: Final = re.compile(r"\b(?:socket|socketpair|connect|bind|sendto|sendmsg|getaddrinfo)\((.*)")


def watched(words: Sequence[str | Path], *, cwd: Path, folder: Path) -> tuple[Done, list[str]]:
    """Run a command; give its result and a line for every use of Python's socket module, in it and its children."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
    events = folder / "events"
    events.unlink(missing_ok=True)
    env = os.environ | {"PYTHONPATH": str(folder), "SOCKET_WATCH": str(events)}
    done = _run([sys.executable, "-c", _MAIN, *map(str, words)], cwd, env)
    return done, events.read_text(encoding="utf-8").splitlines() if events.exists() else []


def strace_works() -> bool:
    """Whether strace is there and may trace (a container can forbid it)."""
    program = shutil.which("strace")
    return program is not None and _run([program, "-f", "-e", "trace=%network", "true"], Path.cwd(), None).status == 0


def traced(words: Sequence[str | Path], *, cwd: Path, folder: Path) -> tuple[Done, list[str]]:
    """Run a command under strace; give its result and the network system calls of it, its threads and its children."""
    folder.mkdir(exist_ok=True)
    log = folder / "strace.log"
    trace = [str(shutil.which("strace")), "-f", "-qq", "--seccomp-bpf", "-e", "trace=%network", "-o", str(log)]
    done = _run([*trace, sys.executable, "-c", _MAIN, *map(str, words)], cwd, None)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return done, [line for line in lines if _NETWORK_CALL.search(line)]


def _run(command: list[str], cwd: Path, env: dict[str, str] | None) -> Done:
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300
    )
    return Done(status=done.returncode, out=done.stdout, err=done.stderr)
