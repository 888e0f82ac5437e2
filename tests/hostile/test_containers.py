"""A file with a right digest has no room for anything beside one manifest and one part."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from encoded.tiny import MANIFEST, TABLE
from hostile.forge import LABEL, forged, parts_of, rebuilt, sealed, zipped
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import read_dataset, write_dataset
from secure_match.encoded.zip_shape import Entry, data_descriptor, end_records, local_header, read_entries
from secure_match.errors import PackageError

RAW = "赵甲,hidden".encode()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.smp"
    write_dataset(EncodedDataset(manifest=MANIFEST, table=TABLE), path)
    return path


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(PackageError) as caught:
        read_dataset(path)
    return caught.value.code


def test_the_writer_makes_the_bytes_that_zipfile_makes(package: Path) -> None:
    """The form is that of Python 3.11.4 and later for a target that cannot seek, so that old packages stay readable."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(data)  # type: ignore[arg-type]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload]
        for name, content in parts_of(package).items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o600 << 16
            entry.create_system = 3
            with archive.open(entry, "w", force_zip64=True) as stream:
                stream.write(content)
        archive.comment = LABEL + b"0" * 64
    assert sealed(pipe.data) == package.read_bytes()


def test_an_entry_that_the_directory_does_not_name(package: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in [("manifest.json", b"{}"), ("hidden.csv", RAW), ("rows.arrow", b"")]:
            archive.writestr(name, content)
        archive.filelist = [entry for entry in archive.infolist() if entry.filename != "hidden.csv"]
        archive.comment = LABEL + b"0" * 64
    assert refused(package, sealed(stream.getvalue())) == "PACKAGE_FOREIGN"


@pytest.mark.parametrize("place", ["before", "between", "behind", "directory"])
def test_bytes_between_the_entries(package: Path, place: str) -> None:
    parts = list(parts_of(package).items())
    data = b""
    entries = []
    for name, content in parts:
        entry = Entry(name=name, crc=zlib.crc32(content), size=len(content))
        entries.append(entry)
        if place == "between" and name == "rows.arrow":
            data += RAW
        data += local_header(name) + content + data_descriptor(entry)
    end = end_records(entries, 77)
    offset = len(data) + (len(RAW) if place == "behind" else 0)
    if place == "behind":
        data += RAW
    if place == "directory":
        end = end[:-22] + RAW + end[-22:]
    data += end[:-6] + struct.pack("<L", offset) + end[-2:] + LABEL + b"0" * 64
    if place == "before":
        data = data[:4] + RAW + data[4:]
    assert refused(package, sealed(data)) == "PACKAGE_FOREIGN"


def test_another_zip_with_the_same_content(package: Path) -> None:
    assert refused(package, zipped(list(parts_of(package).items()))) == "PACKAGE_FOREIGN"


def test_a_key_that_stands_twice(package: Path) -> None:
    parts = parts_of(package)
    counts = json.dumps({"read": 3, "encoded": 2, "quarantined": 1})
    for more in (f'"counts":{counts}', '"extra":{"a":1,"a":2}'):
        manifest = parts["manifest.json"].rstrip()[:-1] + f",{more}}}".encode()
        assert refused(package, forged([("manifest.json", manifest), ("rows.arrow", parts["rows.arrow"])])) == (
            "PACKAGE_MANIFEST"
        )


@pytest.mark.parametrize("depth", [500, 900, 1500, 100_000])
def test_brackets_inside_brackets(package: Path, depth: int) -> None:
    parts = parts_of(package)
    manifest = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
    code = refused(package, forged([("manifest.json", manifest), ("rows.arrow", parts["rows.arrow"])]))
    assert code in {"PACKAGE_MANIFEST", "PACKAGE_FOREIGN"}


def test_a_manifest_of_more_than_a_mebibyte(package: Path) -> None:
    assert refused(package, rebuilt(package, manifest={"A" * (1 << 20): 1})) == "PACKAGE_FOREIGN"


def test_large_entries_use_zip64() -> None:
    """The records of a file of 6 GiB, read back from a file that has holes where the content would stand."""
    entries = (
        Entry(name="manifest.json", crc=1, size=3 << 30),
        Entry(name="rows.arrow", crc=2, size=(3 << 30) + 5),
    )

    class Sparse(io.RawIOBase):
        def __init__(self) -> None:
            self.pieces: dict[int, bytes] = {}
            self.place = self.size = 0
            for entry in entries:
                self._put(local_header(entry.name))
                self.size += entry.size
                self._put(data_descriptor(entry))
            self._put(end_records(entries, 77) + b"c" * 77)

        def _put(self, data: bytes) -> None:
            self.pieces[self.size] = data
            self.size += len(data)

        def seek(self, offset: int, whence: int = 0) -> int:
            self.place = offset + (self.size if whence == io.SEEK_END else 0)
            return self.place

        def read(self, size: int = -1) -> bytes:
            start = max(begin for begin in self.pieces if begin <= self.place)
            offset = self.place - start
            return self.pieces[start][offset : offset + size]

    assert read_entries(Sparse(), 77) == entries
    assert b"PK\x06\x06" in end_records(entries, 77)
    assert b"PK\x06\x06" not in end_records(entries[:1], 77)[:-100]
