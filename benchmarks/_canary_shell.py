"""Commands in fresh processes whose temporary, home and cache folders are watched, some killed, some on a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MAIN = [sys.executable, "-c", "from secure_match.cli import main; main()"]
_FOLDERS = {"TMPDIR": "tmp", "HOME": "home", "XDG_CACHE_HOME": "home/.cache", "NUMBA_CACHE_DIR": "numba"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command printed, and how long it ran."""

    out: bytes
    seconds: float

    def json(self) -> dict[str, Any]:
        content = json.loads(self.out)
        assert isinstance(content, dict)
        return content


class Shell:
    """Runs commands in one folder.

    Args:
        root: where the files of all parties are.
        watched: where everything goes that a program writes without being told; made here.
    """

    def __init__(self, root: Path, watched: Path) -> None:
        self.root, self.watched = root, watched
        self.env = dict(os.environ)
        for variable, name in _FOLDERS.items():
            (watched / name).mkdir(parents=True, exist_ok=True)
            self.env[variable] = str(watched / name)
        self.outputs: list[bytes] = []
        self.terminals = self.kills = 0

    def run(self, *words: str, form: bool = True, statuses: tuple[int, ...] = (0,)) -> Said:
        """A command that ends in one of some statuses; with ``form`` every second one answers machines."""
        more = ["--json"] if form and len(self.outputs) % 2 else []
        start = time.perf_counter()
        done = subprocess.run(
            [*_MAIN, *words, *more],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode not in statuses:
            raise SystemExit(f"{' '.join(words[:3])} ended with {done.returncode}: {done.stderr.decode()[-400:]}")
        self.outputs.append(done.stdout + done.stderr)
        return Said(out=done.stdout, seconds=time.perf_counter() - start)

    def killed(self, *words: str, after: float) -> bool:
        """Whether a command was still at work when it was killed, all its children included."""
        with subprocess.Popen(
            [*_MAIN, *words],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            time.sleep(after)
            at_work = process.poll() is None
            if at_work:
                os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
        self.outputs.append(out)
        self.kills += at_work
        return at_work

    def terminal(self, *words: str, answer: tuple[str, str] | None = None) -> None:
        """A command on a pseudo-terminal, where progress is drawn; it may ask once for what is then typed."""
        child, screen = pty.fork()
        if child == 0:
            os.chdir(self.root)
            os.execve(_MAIN[0], [*_MAIN, *words], self.env)
        shown = b""
        while part := _read(screen):
            shown += part
            if answer is not None and answer[0].encode() in shown:
                time.sleep(0.2)
                os.write(screen, answer[1].encode() + b"\n")
                answer = None
        os.close(screen)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            raise SystemExit(f"{' '.join(words[:3])} on a terminal ended with {status}: {shown.decode()[-400:]}")
        self.outputs.append(shown)
        self.terminals += 1


def _read(screen: int) -> bytes:
    # Linux says EIO where other systems say that the end is there.
    try:
        return os.read(screen, 1 << 16)
    except OSError:
        return b""
