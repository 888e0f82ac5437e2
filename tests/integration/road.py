"""The files of the hand-written city on disk, and the commands in fresh processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.people import CHARSETS, EXPORTS, OWNERS, csv_bytes
from secure_match.agreement.files import read_agreement, write_trusted_agreement
from secure_match.bureau.stations import link_packages
from secure_match.department.files import write_key
from secure_match.department.keys import DepartmentKey
from secure_match.department.stations import encode_export

_SCRIPT = Path(sys.executable).parent / "secure-match"
_CALL_MAIN = "from secure_match.cli import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished process."""

    status: int
    out: bytes
    err: bytes

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()

    @property
    def error(self) -> str:
        return self.err.decode()

    def json(self) -> dict[str, Any]:
        """The one JSON object that stands on standard output."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


def _environment(extra: dict[str, str] | None) -> dict[str, str]:
    # A wide terminal, so that a table does not fold what a test looks for.
    return {**os.environ, "COLUMNS": "240", "TERMINAL_WIDTH": "240", **(extra or {})}


def secure_match(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> Done:
    """Run the real command in a fresh process."""
    start = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-c", _CALL_MAIN]
    return _run([*start, *map(str, words)], cwd=cwd, env=env)


def python(code: str, *words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> Done:
    """Run Python code in a fresh process; ``words`` are its ``sys.argv[1:]``."""
    return _run([sys.executable, "-c", code, *map(str, words)], cwd=cwd, env=env)


def _run(command: list[str], *, cwd: Path, env: dict[str, str] | None) -> Done:
    done = subprocess.run(
        command, cwd=cwd, env=_environment(env), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300
    )
    return Done(status=done.returncode, out=done.stdout, err=done.stderr)


# A process that has the libraries loaded and gives every command a child of its own: nothing that one command leaves
# in memory reaches another, and the second in which Python loads libraries is spent once.
_SERVER = """
import json, os, sys, tempfile
import numba, numpy, pyarrow, pyarrow.compute, pyarrow.parquet, pydantic, rich, typer, xlsxwriter
assert not any(name.startswith("secure_match") for name in sys.modules)
for line in sys.stdin:
    call = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, file in ((1, call["out"]), (2, call["err"])):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(call["cwd"])
        os.environ.update(call["env"])
        tempfile.tempdir = None
        sys.argv = ["secure-match", *call["words"]]
        status = 70
        try:
            from secure_match.cli import main
            main()
        except SystemExit as done:
            status = done.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Commands:
    """Runs commands, each in a child of its own. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[str] | None = None

    def __enter__(self) -> Commands:
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(None),
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.communicate(timeout=60)

    def run(self, *words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> Done:
        """Run one command."""
        assert self._server is not None
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        out, err = self._folder / "out", self._folder / "err"
        call = {"words": [*map(str, words)], "cwd": str(cwd), "env": env or {}, "out": str(out), "err": str(err)}
        self._server.stdin.write(json.dumps(call) + "\n")
        self._server.stdin.flush()
        status = int(self._server.stdout.readline())
        return Done(status=status, out=out.read_bytes(), err=err.read_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """Where the files of the city are."""

    root: Path

    @property
    def agreement(self) -> Path:
        return self.root / "agreement.toml"

    def export(self, dataset: str) -> Path:
        return self.root / f"{dataset}.csv"

    def key(self, party: str) -> Path:
        return self.root / f"{party}.key"

    def package(self, dataset: str) -> Path:
        return self.root / "sent" / f"{dataset}.smp"

    @property
    def packages(self) -> list[Path]:
        return [self.package(dataset) for dataset in EXPORTS]

    @property
    def run(self) -> Path:
        return self.root / "run"

    def findings(self, party: str) -> Path:
        return self.run / f"findings-{party}.smf"


def secret(purpose: str) -> bytes:
    """A worthless secret of 32 bytes, itself a mark that a test can look for."""
    return f"worthless secret of {purpose}".encode().ljust(32, b".")[:32]


def make_key(path: Path, party: str, *, agreement_id: str, key_epoch: str, shared: str = "all") -> None:
    """Write a key file with known secrets."""
    key = DepartmentKey.create(
        party=party,
        agreement_id=agreement_id,
        key_epoch=key_epoch,
        encoding_secret=secret(shared),
        handle_secret=secret(party),
    )
    write_key(key, path)


def write_exports(root: Path) -> None:
    """Write every export in its charset."""
    for dataset, rows in EXPORTS.items():
        (root / f"{dataset}.csv").write_bytes(csv_bytes(rows, CHARSETS[dataset]))


def lay_out(root: Path) -> Road:
    """Agreement, exports and keys of the city in a directory."""
    here = Road(root=root)
    agreement = read_agreement(write_trusted_agreement(root))
    write_exports(root)
    for party in sorted(set(OWNERS.values())):
        make_key(here.key(party), party, agreement_id=agreement.id, key_epoch=agreement.key_epoch)
    return here


def encode_all(here: Road) -> None:
    """Packages of all departments and a run of the bureau, through the stations that the commands call."""
    agreement = read_agreement(here.agreement)
    here.package("population").parent.mkdir()
    for dataset, party in OWNERS.items():
        encode_export(agreement, dataset, here.export(dataset), here.key(party), here.package(dataset))
    link_packages(agreement, here.packages, here.run, clock=lambda: 0.0)


Snapshot = dict[str, bytes | None]


def snapshot(root: Path) -> Snapshot:
    """Every path below a directory, hidden ones included, with its bytes (None for a directory)."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in sorted(root.rglob("*"))
    }
