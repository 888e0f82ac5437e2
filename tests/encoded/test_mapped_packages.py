"""Mapped packages: what reading gives, without a copy; a file that changes is found out."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest
from tiny import MANIFEST, TABLE

from hostile.forge import forged, parts_of
from secure_match.encoded import EncodedDataset
from secure_match.encoded.cell_bytes import is_rising
from secure_match.encoded.files import read_package, write_dataset
from secure_match.encoded.mapped_files import map_package
from secure_match.errors import PackageError


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.smp"
    write_dataset(EncodedDataset(manifest=MANIFEST, table=TABLE), path)
    return path


def test_a_map_gives_what_reading_gives(package: Path) -> None:
    dataset, digest = read_package(package)
    mapped = map_package(package)
    assert mapped.digest == digest
    assert mapped.dataset.manifest == dataset.manifest
    assert mapped.dataset.table.equals(dataset.table)
    mapped.release()
    assert mapped.dataset.table.equals(dataset.table)
    mapped.verify_unchanged()


def test_binary_columns_are_views_and_coded_ones_copies(package: Path) -> None:
    mapped = map_package(package)
    whole = pa.py_buffer(mapped.memory)
    for field, column in zip(mapped.dataset.table.schema, mapped.dataset.table.columns, strict=True):
        (chunk,) = column.chunks
        inside = [
            whole.address <= buffer.address < whole.address + whole.size
            for buffer in chunk.buffers()
            if buffer is not None
        ]
        assert set(inside) == {not field.name.startswith("code.")}, field.name


@pytest.mark.parametrize("change", ["append", "overwrite", "times"])
def test_a_change_is_found_out(change: str, package: Path) -> None:
    mapped = map_package(package)
    with package.open("r+b") as stream:
        if change == "append":
            stream.seek(0, os.SEEK_END)
        if change != "times":
            stream.write(b"P")
    os.utime(package, ns=(1, 1))
    with pytest.raises(PackageError) as caught:
        mapped.verify_unchanged()
    assert (caught.value.code, caught.value.place.file) == ("PACKAGE_CHANGED", package)


def test_another_file_under_the_name_changes_nothing_that_is_mapped(package: Path) -> None:
    mapped = map_package(package)
    before = bytes(mapped.memory)
    other = package.with_name("other.smp")
    other.write_bytes(b"nothing")
    other.replace(package)
    assert bytes(mapped.memory) == before
    assert mapped.dataset.table.equals(TABLE)


def test_what_reading_refuses_mapping_refuses(package: Path) -> None:
    parts = list(parts_of(package).items())
    cases = {
        "PACKAGE_EMPTY": b"",
        "PACKAGE_TRUNCATED": package.read_bytes()[:-1],
        "PACKAGE_DAMAGED": package.read_bytes()[:-1] + b"g",
        "PACKAGE_CONTENT": forged([parts[0], ("rows.arrow", b"\0" * 64)]),
    }
    for code, data in cases.items():
        package.write_bytes(data)
        with pytest.raises(PackageError) as caught:
            map_package(package)
        assert (caught.value.code, caught.value.place.file) == (code, package)
    with pytest.raises(PackageError) as caught:
        map_package(package.with_name("none.smp"))
    assert caught.value.code == "FILE_NOT_FOUND"


def test_a_wrong_checksum_under_a_right_digest_is_refused(package: Path) -> None:
    def wrong_checksum(data: bytearray) -> None:
        # The CRC of the part stands in its descriptor and in the central directory; both say the same wrong one.
        crc = bytes(data)[data.rindex(b"PK\x07\x08") + 4 :][:4]
        for place in (data.rindex(b"PK\x07\x08") + 4, data.rindex(b"PK\x01\x02") + 16):
            assert data[place : place + 4] == crc
            data[place] ^= 1

    package.write_bytes(forged(list(parts_of(package).items()), patch=wrong_checksum))
    for read in (map_package, read_package):
        with pytest.raises(PackageError) as caught:
            read(package)
        assert caught.value.code == "PACKAGE_CONTENT"


@pytest.mark.parametrize(
    ("handles", "rising"),
    [
        ([], True),
        ([b"\x00" * 16], True),
        ([b"\x00" * 16, b"\x00" * 15 + b"\x01", b"\x00" * 7 + b"\x01" + b"\x00" * 8, b"\xff" * 16], True),
        ([b"\x01" * 16, b"\x01" * 16], False),
        ([b"\x80" + b"\x00" * 15, b"\x7f" * 16], False),
        ([b"\x00" * 15 + b"\x02", b"\x00" * 15 + b"\x01"], False),
    ],
)
def test_handles_rise_across_chunks_too(handles: list[bytes], rising: bool) -> None:
    for cut in range(len(handles) + 1):
        chunks = [pa.array(part, pa.binary(16)) for part in (handles[:cut], handles[cut:])]
        assert is_rising(pa.chunked_array(chunks, pa.binary(16))) is rising
