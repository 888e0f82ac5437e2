"""Entries per second of verifying an audit log, and milliseconds of an append, each beside a bare peer in the same run.

Verifying: the peer is the standard library alone (parse, write canonically, hash), which is what the verifier of
docs/spec/audit-log.md does. Appending: the peer appends lines of the same length with one write and one fsync.

Example:
    python benchmarks/audit_log.py --entries 100000
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from _common import describe, describe_ratio, in_turn, machine

from secure_match.audit import Event, PackageRef, files, make_artifact, verify_log
from secure_match.audit._chain import EMPTY_HEAD
from secure_match.audit._event import make_entry

APPENDS = 200
LABEL = b"secure_match/audit/v1\n"


def event(number: int) -> Event:
    """A release as a department logs it."""
    package = PackageRef(
        kind="encodings", sender="police", recipient="bureau", dataset="population", period="2026-11", sequence=number
    )
    return Event(
        party="police",
        operator="林",
        action="release",
        inputs=(make_artifact("population.csv", "a" * 64),),
        outputs=(make_artifact("population.smp", f"{number:064x}", package),),
        counts={"read": 20_000, "encoded": 19_990, "quarantined": 10},
        details={"agreement": "b" * 64, "key_epoch": "2026"},
    )


def write_log(path: Path, entries: int) -> None:
    """A log as appends would write it, without their syncs."""
    previous = EMPTY_HEAD.hash
    with path.open("wb") as stream:
        for number in range(entries):
            entry = make_entry(
                event(number),
                log=path.name,
                number=number + 1,
                previous=previous,
                time="2026-11-23T01:00:00Z",
                versions={"tool": "benchmark", "python": "3"},
                signature=None,
            )
            previous = entry.hash
            stream.write(entry.canonical_bytes + b"\n")


def verify_bare(path: Path) -> None:
    """Chain and hashes by the standard library."""
    previous = EMPTY_HEAD.hash
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            entry = json.loads(line)
            said = entry.pop("hash")
            text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            assert hashlib.sha256(LABEL + text).hexdigest() == said
            assert (entry["number"], entry["previous"]) == (number, previous)
            previous = said


def append_bare(path: Path, line: bytes) -> None:
    """The least that an append on the disk can be."""
    for _ in range(APPENDS):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, line)
        os.fsync(descriptor)
        os.close(descriptor)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000, help="entries of the log that is verified")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the logs are written; the disk decides what an append costs")
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        log, own, bare = (Path(name) / file for file in ("big.log", "police.log", "bare.log"))
        write_log(log, given.entries)
        size = log.stat().st_size
        print(f"verify: {given.entries:,} entries, {size / given.entries:.0f} bytes each")
        ours, theirs = in_turn(lambda: verify_log(files.iter_log(log)), lambda: verify_bare(log), given.repeats)
        print(describe("verify_log", ours, given.entries, "entries"))
        print(describe("json and hashlib", theirs, given.entries, "entries"))
        print(describe_ratio(ours, theirs))
        print(f"  peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
        line = b"x" * (size // given.entries - 1) + b"\n"
        now = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

        def append() -> None:
            for number in range(APPENDS):
                files.append_event(own, event(number), time=now)

        print(f"append: {APPENDS} entries, each synced")
        ours, theirs = in_turn(append, lambda: append_bare(bare, line), given.repeats)
        print(describe("append_event", ours, APPENDS, "entries"))
        print(describe("write and fsync", theirs, APPENDS, "entries"))
        print(describe_ratio(ours, theirs))


if __name__ == "__main__":
    main()
