"""Packages with a right digest, whatever else is wrong with them: what somebody makes who knows the format."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from secure_match.encoded.zip_shape import Entry, data_descriptor, end_records, local_header

LABEL = b"secure-match:"
Part = tuple[str, bytes]


def sealed(data: bytes) -> bytes:
    """A file whose last 64 bytes are the digest of the others."""
    return data[:-64] + hashlib.sha256(data[:-64]).hexdigest().encode()


def forged(parts: Sequence[Part], *, patch: Callable[[bytearray], None] | None = None) -> bytes:
    """A ZIP in the form of a package."""
    data = bytearray()
    entries = []
    for name, content in parts:
        entry = Entry(name=name, crc=zlib.crc32(content), size=len(content))
        entries.append(entry)
        data += local_header(name) + content + data_descriptor(entry)
    data += end_records(entries, 77) + LABEL + b"0" * 64
    if patch is not None:
        patch(data)
    return sealed(bytes(data))


def zipped(parts: Sequence[Part], *, deflated: bool = False) -> bytes:
    """A ZIP in the form of Python's zipfile."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in parts:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED)
        archive.comment = LABEL + b"0" * 64
    return sealed(stream.getvalue())


def parts_of(package: Path) -> dict[str, bytes]:
    """The contents of a package by name."""
    with zipfile.ZipFile(package) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def arrow_bytes(table: pa.Table, **options: Any) -> bytes:
    """A table as an Arrow stream; ``options`` are those of ``IpcWriteOptions``."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def rebuilt(package: Path, *, manifest: dict[str, Any] | None = None, rows: bytes | None = None) -> bytes:
    """A package with keys of its manifest changed, or another part."""
    parts = parts_of(package)
    (name,) = set(parts) - {"manifest.json"}
    changed = json.dumps(json.loads(parts["manifest.json"]) | (manifest or {}), ensure_ascii=True).encode()
    return forged([("manifest.json", changed), (name, parts[name] if rows is None else rows)])
