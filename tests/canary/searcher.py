"""Looks for marks in bytes, files and folders, in every form in which a value could have left."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

CHARSETS: Final = ("utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-32-le")
SHORTEST_BYTES: Final = 6
"""Shorter patterns stand in a hundred kilobytes of keyed bytes by chance; six bytes do once in 10^9 searches."""


def forms_of(value: str) -> Iterator[tuple[str, bytes]]:
    """Every form of a value that is looked for, with its name."""
    for charset in CHARSETS:
        plain = value.encode(charset)
        yield f"raw {charset}", plain
        yield f"reversed text {charset}", value[::-1].encode(charset)
        yield f"reversed bytes {charset}", plain[::-1]
        yield f"hex {charset}", plain.hex().encode()
        yield f"hex {charset}", plain.hex().upper().encode()
        for shift in range(3):
            # Only the characters that no neighbouring byte touches.
            inside = slice((shift * 8 + 5) // 6, (shift + len(plain)) * 8 // 6)
            yield f"base64 {charset}", base64.b64encode(bytes(shift) + plain)[inside]
            yield f"base64 {charset}", base64.urlsafe_b64encode(bytes(shift) + plain)[inside]
    yield "json", json.dumps(value)[1:-1].encode()
    yield "percent", quote(value).encode()
    yield "repr", ascii(value)[1:-1].encode()
    yield "base64 of utf-16", base64.b64encode(value.encode("utf-16-le"))[: len(value) * 16 // 6]


class Searcher:
    """Searches for marks.

    Args:
        marks: mark to its kind.
    """

    def __init__(self, marks: Mapping[str, str]) -> None:
        self._patterns: dict[bytes, str] = {}
        for value, kind in marks.items():
            for form, pattern in forms_of(value):
                if len(pattern) >= SHORTEST_BYTES:
                    self._patterns.setdefault(pattern, f"{kind} as {form}")

    def in_bytes(self, data: bytes) -> list[str]:
        """What is found in bytes: kind and form of each mark, each once."""
        return sorted({name for pattern, name in self._patterns.items() if pattern in data})

    def in_file(self, path: Path) -> list[str]:
        """What is found in a file's name, its bytes, and what is packed or encoded inside it."""
        views = [path.name.encode("utf-8", "surrogateescape"), path.read_bytes()]
        views += _unpacked(views[1])
        return sorted({name for view in views for name in self.in_bytes(view)})

    def in_folder(self, root: Path) -> dict[str, list[str]]:
        """What is found below a folder, by path; paths without a finding are left out."""
        found = {str(path.relative_to(root)): self.in_file(path) for path in sorted(root.rglob("*")) if path.is_file()}
        return {name: hits for name, hits in found.items() if hits}


def _unpacked(data: bytes) -> list[bytes]:
    """The members of a ZIP and the cells of a Parquet or Arrow file, uncompressed."""
    if data.startswith(b"PAR1"):
        return [_cells(pq.read_table(io.BytesIO(data)))]
    if not data.startswith(b"PK\x03\x04"):
        return []
    views: list[bytes] = []
    if not zipfile.is_zipfile(io.BytesIO(data)):
        # It lost its end: its bytes as they are were searched.
        return []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            try:
                member = archive.read(name)
            except zipfile.BadZipFile:
                # A damaged member can still be searched as the bytes that it is stored as.
                continue
            views += [name.encode(), member]
            if name.endswith(".arrow"):
                views.append(_cells(pa.ipc.open_stream(member).read_all()))
    return views


def _cells(table: pa.Table) -> bytes:
    """All cells, column by column, and the metadata of the schema."""
    parts = [table.schema.to_string(show_field_metadata=True, show_schema_metadata=True).encode()]
    for column in table.columns:
        for value in column.to_pylist():
            parts.append(value if isinstance(value, bytes) else str(value).encode())
    return b"\x00".join(parts)
