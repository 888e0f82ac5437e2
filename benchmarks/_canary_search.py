"""The search of the canary run: raw values in every form and digest, and private keys, in files and outputs."""

from __future__ import annotations

import base64
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from secure_match.agreement import Agreement
from secure_match.department.files import read_key
from secure_match.department.leak_scan import IdentifierScanner
from secure_match.department.secret_access import reveal
from secure_match.exchange.files import is_sealed, open_package_to, read_sealed
from secure_match.exchange.identities import Identity
from secure_match.exchange.key_files import read_identity
from secure_match.exchange.locks import KeyFileLock
from secure_match.exchange.secret_access import reveal_seeds

RAW = ("sheet.csv", "truth.csv", "broken.csv")
"""Files of a department beside its exports and worklists."""
_PIECE = 32


def read_identities(root: Path) -> dict[str, Identity]:
    """Every identity that the unlock key opens, by the name of its file."""
    lock = KeyFileLock((root / "unlock.bin").read_bytes())
    paths = [path for path in sorted(root.glob("*.identity")) if path.stem != "auditor"]
    return {path.stem: read_identity(path, lock) for path in paths}


def read_secrets(root: Path, agreement: Agreement) -> dict[str, bytes]:
    """Name to bytes of all private keys, in pieces, and of all secrets in key files."""
    found = {"unlock key": (root / "unlock.bin").read_bytes()}
    identities = read_identities(root)
    for name, identity in identities.items():
        whole = b"".join(reveal_seeds(identity))
        found |= {f"{name} seed {at}": whole[at : at + _PIECE] for at in range(0, len(whole), _PIECE)}
    for owner in sorted({dataset.owner for dataset in agreement.datasets}):
        for path in sorted(root.glob(f"*-{owner}.key")):
            key = read_key(path, identities[owner])
            found |= {f"{path.stem} {part}": reveal(key, part) for part in ("encoding", "handle")}
    return found


def forms_of_secret(secret: bytes) -> Iterator[bytes]:
    """A secret as it could have left: raw, reversed, in hex, in base64 at every alignment."""
    yield from (secret, secret[::-1], secret.hex().encode(), secret.hex().upper().encode())
    for shift in range(3):
        inside = slice((shift * 8 + 5) // 6, (shift + len(secret)) * 8 // 6)
        padded = bytes(shift) + secret
        yield base64.b64encode(padded)[inside]
        yield base64.urlsafe_b64encode(padded)[inside]


class CanarySearch:
    """Searches, and counts what was searched.

    Args:
        marks: kind to raw values.
        secrets: name to key material.
    """

    def __init__(self, marks: Mapping[str, Sequence[str]], secrets: Mapping[str, bytes]) -> None:
        self._scanner = IdentifierScanner(marks, {}, digests=True)
        self._secrets = {form: name for name, secret in secrets.items() for form in set(forms_of_secret(secret))}
        self._known: set[tuple[str, int, int]] = set()
        self.hits: Counter[str] = Counter()
        self._files: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def finds(self, path: Path) -> bool:
        """Whether anything is found in a file; it is not counted."""
        return any(self._found(view) for view in _views(path))

    def folder(self, root: Path) -> None:
        """All files below a folder that are no department's raw data, each version of each once."""
        for path in sorted(root.rglob("*")):
            if not path.is_file() or _is_raw(path):
                continue
            known = (str(path), path.stat().st_size, path.stat().st_mtime_ns)
            if known not in self._known:
                self._known.add(known)
                self._search("files", path.relative_to(root).as_posix(), _views(path))

    def outputs(self, outputs: Iterable[bytes]) -> None:
        """What commands printed."""
        for number, data in enumerate(outputs):
            self._search("outputs", f"output {number}", [data])

    def opened(self, root: Path, agreement: Agreement) -> None:
        """The contents of all sealed packages that can be opened."""
        identities = read_identities(root)
        for path in sorted((*root.rglob("*.smp"), *root.rglob("*.smf"), *root.rglob("*.smq"), *root.rglob("*.sma"))):
            if path.name in {"cut.smp", "second.smp"} or not is_sealed(path):
                continue
            recipient = read_sealed(path).manifest.recipient
            with tempfile.TemporaryDirectory() as folder:
                target = Path(folder) / path.name
                open_package_to(path, agreement, identities[recipient], target)
                self._search("opened contents", path.name, _views(target))

    def report(self) -> str:
        """Counts of what was searched, and every hit."""
        lines = [f"searched {name}: {self._files[name]:,}, {self._bytes[name]:,} bytes" for name in self._files]
        lines.append(f"in all {sum(self._files.values()):,}, {sum(self._bytes.values()):,} bytes")
        lines.append(f"hits: {sum(self.hits.values()):,}")
        return "\n".join([*lines, *(f"  {name}: {count:,}" for name, count in sorted(self.hits.items()))])

    def _search(self, what: str, name: str, views: Iterable[bytes]) -> None:
        self._files[what] += 1
        for view in views:
            self._bytes[what] += len(view)
            self.hits.update({f"{name}: {found}": count for found, count in self._found(view).items()})

    def _found(self, view: bytes) -> dict[str, int]:
        found = dict(self._scanner.scan(view).hits)
        return found | {name: 1 for form, name in self._secrets.items() if form in view}


def _is_raw(path: Path) -> bool:
    own = path.suffix == ".csv" and (path.parent / f"{path.stem}.smp").exists()
    return own or path.name.startswith("worklist-") or path.name in {*RAW, "unlock.bin"}


def _views(path: Path) -> list[bytes]:
    """Name and bytes of a file, and the cells of a Parquet file, uncompressed."""
    data = path.read_bytes()
    views = [path.name.encode(), data]
    if data.startswith(b"PAR1"):
        stream = pa.BufferOutputStream()
        table = pq.read_table(path)
        with pa.ipc.new_stream(stream, table.schema) as writer:
            writer.write_table(table)
        views.append(stream.getvalue().to_pybytes())
    return views
