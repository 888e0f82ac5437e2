"""ENCODED: packages of encodings that stay on disk while they are used: memory maps of verified files.

Invariants:

* a file is opened once; its digest is verified through the descriptor that is mapped, so that no other file can take
  its place between the two,
* the map shows the file as it is: who can write into it while it is in use changes what is read, and who cuts it short
  ends the process. :meth:`MappedPackage.verify_unchanged` finds an honest accident; against somebody who may write
  into the bureau's folders nothing here protects.
"""

from __future__ import annotations

import mmap
import os
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import pyarrow as pa

from secure_match.encoded._dataset import EncodedDataset, dataset_schema
from secure_match.encoded.container import ContainerReader, container_reader
from secure_match.encoded.files import ROWS_PART, open_to_read, read_table_part
from secure_match.encoded.manifest import DatasetManifest, parse_manifest
from secure_match.errors import PackageError, Place, located

_CHUNK_BYTES: Final = 1 << 20
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MappedPackage:
    """A package that stays on disk: its binary columns are views of the file, its few coded columns are copies.

    Attributes:
        path: where it was opened.
        dataset: the dataset.
        digest: lower-case hex SHA-256.
        stream: the open file.
        memory: the map of it.
        stamp: size and times of the file before its digest was verified.
    """

    path: Path
    dataset: EncodedDataset
    digest: str
    stream: IO[bytes]
    memory: mmap.mmap
    stamp: Stamp

    def release(self) -> None:
        """Give the memory that shows the file back to the system; what is used again is read again."""
        if sys.platform != "win32":
            self.memory.madvise(mmap.MADV_DONTNEED)

    def verify_unchanged(self) -> None:
        """Check, by size and times, that the file is as it was when its digest was verified.

        Raises:
            PackageError: ``PACKAGE_CHANGED``.
        """
        if _stamp(self.stream) != self.stamp:
            raise PackageError(
                "the package was changed while it was in use, and no result was written; check it and run again",
                code="PACKAGE_CHANGED",
                place=Place(file=self.path),
            )


def map_package(path: Path) -> MappedPackage:
    """Verify a package of encodings and map it into memory.

    Raises:
        PackageError: as ``encoded.files.read_dataset`` does.
    """
    stream = open_to_read(path)
    try:
        stamp = _stamp(stream)
        with located(path), container_reader(stream) as reader:
            manifest = parse_manifest(DatasetManifest, reader.manifest)
            memory = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            _verify_checksum(stream, reader)
            part = pa.py_buffer(memory).slice(reader.part_place, reader.part_bytes)
            table = read_table_part(reader, ROWS_PART, dataset_schema(manifest), manifest.counts.encoded, part=part)
            dataset = EncodedDataset(manifest=manifest, table=_with_own_codes(table))
            digest = reader.digest
    except BaseException:
        stream.close()
        raise
    package = MappedPackage(path=path, dataset=dataset, digest=digest, stream=stream, memory=memory, stamp=stamp)
    package.release()
    return package


def _stamp(stream: IO[bytes]) -> Stamp:
    state = os.fstat(stream.fileno())
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _verify_checksum(stream: IO[bytes], reader: ContainerReader) -> None:
    """Check the part's CRC, as reading it to its end would; read and not mapped, so that it fills no memory."""
    stream.seek(reader.part_place)
    left, crc = reader.part_bytes, 0
    while left:
        block = stream.read(min(left, _CHUNK_BYTES))
        if not block:
            break
        crc = zlib.crc32(block, crc)
        left -= len(block)
    if crc != reader.part_crc:
        raise PackageError(
            "the checksum of the part is not that of its bytes; refuse the package", code="PACKAGE_CONTENT"
        )


def _with_own_codes(table: pa.Table) -> pa.Table:
    """The table with copies of its coded columns: they are small, and a file aligns numbers as it happens."""
    for place, field in enumerate(table.schema):
        if field.name.startswith("code."):
            chunks = [_copied(chunk) for chunk in table.column(place).chunks]
            table = table.set_column(place, field, pa.chunked_array(chunks, field.type))
    return table


def _copied(array: pa.Array) -> pa.Array:
    buffers = [None if buffer is None else pa.py_buffer(buffer.to_pybytes()) for buffer in array.buffers()]
    return pa.Array.from_buffers(array.type, len(array), buffers, array.null_count, array.offset)
