"""How fast a package is sealed and opened, against a bare loop over ``cryptography``, and in how much memory.

The peer does what nobody can do without: AES-256-GCM over 1 MiB pieces with a counter as nonce, from file to file
(``read``, ``encrypt``, ``write``). Ours also hashes every byte (SHA-256 and the CRC-32 of the ZIP), signs, checks both
and frames the file. Both are printed from file to file; the peer's loop in memory alone is printed beside it, as an
upper bound that no file format reaches. Ours and the peer alternate; files lie on a memory file system where there is
one, so that no disk decides.

Example:
    python benchmarks/seal.py --megabytes 1000
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from _common import describe, describe_ratio, in_turn, machine, seconds
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from secure_match.encoded.container import container_writer, stated_manifest
from secure_match.exchange.identities import Identity
from secure_match.exchange.sealed import open_content, read_parts, seal, verify_content

CHUNK = 1 << 20
TAG = 16
KEY = bytes(32)
TARGET_RATIO, TARGET_MIB = 0.8, 300


def identity(party: str, role: str) -> Identity:
    """A worthless identity."""
    seed = party.encode().ljust(128, b".")
    return Identity.from_seeds(party, role, transport_seed=seed[:96], signing_seed=seed[96:])


SENDER, RECIPIENT = identity("police", "department"), identity("bureau", "bureau")


def write_plain(path: Path, megabytes: int) -> None:
    """A plain package around bytes without meaning: sealing does not look inside."""
    block = os.urandom(CHUNK)
    with (
        path.open("wb") as stream,
        container_writer(stream, {"dataset": "people"}) as writer,
        writer.part("rows.arrow") as part,
    ):
        for _ in range(megabytes * 1_000_000 // CHUNK):
            part.write(block)


def outer(path: Path, suite: str) -> dict[str, object]:
    with path.open("rb") as stream:
        content, digest = stated_manifest(stream)
    return {
        "kind": "encodings",
        "agreement_id": "city",
        "agreement_fingerprint": "0" * 64,
        "key_epoch": "1",
        "sender": "police",
        "recipient": "bureau",
        "operator": "zhang",
        "approval": None,
        "period": "2026-11",
        "created": "2026-11-23T08:00:00Z",
        "log": {"entries": 0, "hash": "0" * 64},
        "columns": [],
        "content": content,
        "content_digest": digest,
        "content_bytes": path.stat().st_size,
        "sealing": {"suite": suite, "chunk_bytes": CHUNK},
        "format": "secure_match/sealed",
        "format_version": 1,
        "tool": "benchmark",
        "kernel": "",
    }


def seal_ours(folder: Path, suite: str) -> None:
    with (folder / "plain").open("rb") as content, (folder / f"sealed-{suite}").open("wb") as target:
        seal(content, target, outer(folder / "plain", suite), identity=SENDER, recipient=RECIPIENT.public)


def open_ours(folder: Path, suite: str) -> None:
    with (folder / f"sealed-{suite}").open("rb") as source, (folder / "opened").open("wb") as target:
        open_content(source, read_parts(source), RECIPIENT, target)


def verify_ours(folder: Path, suite: str) -> None:
    with (folder / f"sealed-{suite}").open("rb") as source:
        verify_content(source, read_parts(source))


def seal_peer(folder: Path) -> None:
    cipher = AESGCM(KEY)
    number = 0
    with (folder / "plain").open("rb") as content, (folder / "peer").open("wb") as target:
        while data := content.read(CHUNK):
            target.write(cipher.encrypt(number.to_bytes(12, "big"), data, None))
            number += 1


def open_peer(folder: Path) -> None:
    cipher = AESGCM(KEY)
    number = 0
    with (folder / "peer").open("rb") as source, (folder / "peer-opened").open("wb") as target:
        while data := source.read(CHUNK + TAG):
            target.write(cipher.decrypt(number.to_bytes(12, "big"), data, None))
            number += 1


def in_memory(size: int) -> None:
    cipher = AESGCM(KEY)
    block = bytes(CHUNK)
    for number in range(size // CHUNK):
        cipher.encrypt(number.to_bytes(12, "big"), block, None)


def _own_peak_mib() -> float:
    # Not getrusage: there a child begins with the peak of the process that started it.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def peak_mib(step: str, folder: Path) -> float:
    """Peak memory of one step in a process of its own."""
    words = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return float(done.stdout)


def compare(name: str, ours: list[float], theirs: list[float], size: int) -> bool:
    print(name)
    print(describe("ours, file to file", ours, size // 1_000_000, "MB"))
    print(describe("bare loop, the same", theirs, size // 1_000_000, "MB"))
    print(describe_ratio(ours, theirs))
    return statistics.median(theirs) / statistics.median(ours) >= TARGET_RATIO


def measure(folder: Path, megabytes: int, repeats: int, *, national: bool) -> None:
    write_plain(folder / "plain", megabytes)
    size = (folder / "plain").stat().st_size
    suite = "international"
    print(f"{machine()}\n{size / 1e6:,.0f} MB of content, chunks of 1 MiB, {repeats} repeats, files in {folder.parent}")
    seal_ours(folder, suite)
    seal_peer(folder)
    met = [compare("sealing", *in_turn(lambda: seal_ours(folder, suite), lambda: seal_peer(folder), repeats), size)]
    met.append(compare("opening", *in_turn(lambda: open_ours(folder, suite), lambda: open_peer(folder), repeats), size))
    assert (folder / "opened").read_bytes() == (folder / "plain").read_bytes()
    for name, call in {
        "bare loop in memory": lambda: in_memory(size),
        "ours, verify alone": lambda: verify_ours(folder, suite),
    }.items():
        print(describe(name, [seconds(call) for _ in range(repeats)], size // 1_000_000, "MB"))
    if national:
        for name, call in {"national, sealing": seal_ours, "national, opening": open_ours}.items():
            print(describe(name, [seconds(lambda call=call: call(folder, "national"))], size // 1_000_000, "MB"))
    peaks = {step: peak_mib(step, folder) for step in STEPS}
    print("peak memory: " + ", ".join(f"{step} {peak:,.0f} MiB" for step, peak in peaks.items()))
    print(f"target: ratio >= {TARGET_RATIO}: {'met' if all(met) else 'missed'}; ", end="")
    print(f"peak <= {TARGET_MIB} MiB: {'met' if max(peaks.values()) <= TARGET_MIB else 'missed'}")


STEPS = {"seal": seal_ours, "open": open_ours, "verify": verify_ours}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Bytes per second of sealing and opening, against a bare loop over cryptography.",
        epilog="example: python benchmarks/seal.py --megabytes 1000",
    )
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the content (default: 1000)")
    parser.add_argument("--repeats", type=int, default=3, help="times each side runs (default: 3)")
    parser.add_argument("--national", action="store_true", help="also the suite of SM4-GCM and SM3, once")
    parser.add_argument("--folder", type=Path, help="where the files are put (default: /dev/shm or the temporary one)")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.step:
        STEPS[options.step](options.folder, "international")
        print(_own_peak_mib())
        return
    if options.megabytes < 2 or options.repeats < 1:
        parser.error("megabytes is at least 2, repeats at least 1")
    memory = Path("/dev/shm")
    place = options.folder or (memory if memory.is_dir() else None)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        measure(Path(folder), options.megabytes, options.repeats, national=options.national)


if __name__ == "__main__":
    main()
