"""A PostgreSQL server of the tests' own: made, started on a Unix socket, stopped and removed.

A server refuses to run as root, so root runs it as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PORT = 54329
PASSWORD = "tests-only"
_USERS = ("postgres", "nobody")


class NoPostgresError(Exception):
    """There is no server and none can be had; the text says why."""


def find_programs() -> Path:
    """The folder of ``initdb`` and ``pg_ctl``; as root the Debian package is installed where they are missing.

    Raises:
        NoPostgresError: where they are not found and cannot be installed.
    """
    found = _programs()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt("update", seconds=60)
        _apt("install", "-y", "--no-install-recommends", "postgresql", seconds=240)
        found = _programs()
    if found is None:
        raise NoPostgresError(
            "NOT TESTED AGAINST POSTGRESQL: initdb is not in /usr/lib/postgresql/*/bin or PATH; install postgresql"
        )
    return found


def _apt(*words: str, seconds: int) -> None:
    """Try; where no package source can be reached, that shows in the programs that are still missing."""
    options = ["-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", "-o", "DPkg::Lock::Timeout=120"]
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            ["apt-get", *options, *words],
            check=False,
            capture_output=True,
            timeout=seconds,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        )


def _programs() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).parent] if on_path else []
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


@contextmanager
def running_server() -> Iterator[Path]:
    """The folder of the socket of a server with user ``clerk`` (password ``PASSWORD``) and database ``postgres``.

    Raises:
        NoPostgresError: see :func:`find_programs`, or the server does not start.
    """
    programs = find_programs()
    user = _other_user() if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="secure-match-pg-"))
    try:
        (home / "password").write_text(PASSWORD, encoding="utf-8")
        if user is not None:
            for path in (home, home / "password"):
                os.chown(path, user.pw_uid, user.pw_gid)
        options = ["-U", "clerk", f"--pwfile={home / 'password'}", "--auth=scram-sha-256", "-E", "UTF8", "--locale=C"]
        _run([programs / "initdb", "-D", home / "data", "--no-sync", *options], user)
        settings = f"-k {home} -p {PORT} -c listen_addresses='' -c fsync=off"
        start = [
            programs / "pg_ctl",
            "-D",
            home / "data",
            "-w",
            "-t",
            "60",
            "-l",
            home / "log",
            "-o",
            settings,
            "start",
        ]
        _run(start, user)
        try:
            yield home
        finally:
            _run([programs / "pg_ctl", "-D", home / "data", "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _other_user() -> pwd.struct_passwd:
    for name in _USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgresError("NOT TESTED AGAINST POSTGRESQL: there is no user but root to run it as")


def _run(command: list[Path | str], user: pwd.struct_passwd | None) -> None:
    rights = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user is not None else {}
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        timeout=120,
        **rights,
    )
    if done.returncode:
        raise NoPostgresError(f"NOT TESTED AGAINST POSTGRESQL: {Path(command[0]).name} ended with {done.returncode}")
