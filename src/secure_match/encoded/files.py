"""ENCODED: packages and CLK files on disk. Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import pyarrow as pa

from secure_match.agreement.strict import StrictModel
from secure_match.encoded import clk_formats
from secure_match.encoded._arrow_stream import MAX_BATCH_ROWS, StreamRefusedError, read_arrow_stream
from secure_match.encoded._dataset import ByteMatrix, EncodedDataset, dataset_schema
from secure_match.encoded.container import UNREADABLE, ContainerReader, container_reader, container_writer
from secure_match.encoded.manifest import DatasetManifest, parse_manifest
from secure_match.encoded.pass_requests import PASS_REQUEST_SCHEMA, PassRequest, PassRequestManifest
from secure_match.errors import PackageError, Place, located

ROWS_PART: Final = "rows.arrow"
REQUEST_PART: Final = "asked.arrow"
_BLOCK_BYTES: Final = 1 << 20


def verify_writable(path: Path) -> None:
    """Check, before any work, that a file can be put at a path.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    problem = ""
    if path.is_dir():
        problem = "this is a directory; name a file"
    elif not path.parent.is_dir():
        problem = "its directory is not there"
    elif not os.access(path.parent, os.W_OK):
        problem = "its directory cannot be written to"
    if problem:
        raise PackageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=path))


@contextlib.contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """A binary stream, to write and to read back, whose bytes appear at ``path`` when the block ends without an error.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    problem = ""
    descriptor = -1
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        problem = error.strerror or "cannot be written"
    if problem:
        raise PackageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=path))
    done = False
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            yield stream
        Path(temporary).replace(path)
        done = True
    except OSError as error:
        problem = error.strerror or "cannot be written"
    finally:
        if not done:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
    if problem:
        raise PackageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=path))


def open_to_read(path: Path) -> IO[bytes]:
    """Open a file.

    Raises:
        PackageError: ``FILE_NOT_FOUND``.
    """
    problem = ""
    stream: IO[bytes] | None = None
    try:
        stream = path.open("rb")
    except OSError as error:
        problem = error.strerror or "cannot be read"
    if stream is None:
        raise PackageError(problem, code="FILE_NOT_FOUND", place=Place(file=path))
    return stream


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes in lower-case hex.

    Raises:
        PackageError: ``FILE_NOT_FOUND``.
    """
    digest = hashlib.sha256()
    with open_to_read(path) as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def open_package(path: Path) -> Iterator[ContainerReader]:
    """Open and verify a package file.

    Raises:
        PackageError: ``FILE_NOT_FOUND``, or what :func:`container_reader` raises.
    """
    with located(path), open_to_read(path) as stream, container_reader(stream) as reader:
        yield reader


def write_table_part(stream: IO[bytes], table: pa.Table) -> None:
    """Write a table as an uncompressed Arrow IPC stream: what leaves can be searched byte by byte."""
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table.combine_chunks(), max_chunksize=MAX_BATCH_ROWS)


def read_table_part(
    reader: ContainerReader, name: str, schema: pa.Schema, rows: int, *, part: pa.Buffer | None = None
) -> pa.Table:
    """Read the part, which must be called ``name`` and have exactly ``schema`` and ``rows`` rows.

    Memory stays within a small multiple of the part's own size, whatever the part claims.

    Args:
        part: the part's bytes, where they are in memory; the columns are then views of them instead of copies.

    Raises:
        PackageError: ``PACKAGE_CONTENT``.
    """
    if reader.part != name:
        raise PackageError(f"the package does not hold {name}", code="PACKAGE_CONTENT")
    table: pa.Table | None = None
    reason = "cannot be read as an Arrow stream"
    try:
        if part is not None:
            table = read_arrow_stream(part, reader.part_bytes, schema, rows)
        else:
            with reader.open() as stream:
                table = read_arrow_stream(stream, reader.part_bytes, schema, rows)
    except StreamRefusedError as error:
        reason = str(error)
    except (pa.ArrowException, *UNREADABLE):
        table = None
    if table is None:
        raise PackageError(f"the part {name} {reason}; refuse the package", code="PACKAGE_CONTENT")
    return table


def write_package(manifest: StrictModel, part_name: str, table: pa.Table, path: Path) -> None:
    """Write a manifest and its one table part as a package. Same content, same bytes."""
    with atomic_writer(path) as stream:
        write_package_to(stream, manifest, part_name, table)


def write_package_to(stream: IO[bytes], manifest: StrictModel, part_name: str, table: pa.Table) -> None:
    """As :func:`write_package`, into an open stream."""
    with container_writer(stream, manifest.model_dump(mode="json")) as writer, writer.part(part_name) as part:
        write_table_part(part, table)


def write_dataset(dataset: EncodedDataset, path: Path) -> None:
    """Write a package of encodings (``.smp``). Same dataset, same bytes."""
    write_package(dataset.manifest, ROWS_PART, dataset.table, path)


def read_dataset(path: Path) -> EncodedDataset:
    """Read a package of encodings.

    Raises:
        PackageError: with the file and one of the codes ``FILE_NOT_FOUND``, ``PACKAGE_EMPTY``, ``PACKAGE_FOREIGN``,
            ``PACKAGE_TRUNCATED``, ``PACKAGE_DAMAGED``, ``PACKAGE_MANIFEST``, ``PACKAGE_CONTENT``.
    """
    return read_package(path)[0]


def read_package(path: Path) -> tuple[EncodedDataset, str]:
    """Read a package of encodings, and its digest (lower-case hex SHA-256).

    Raises:
        PackageError: as :func:`read_dataset` does.
    """
    with located(path), open_package(path) as reader:
        manifest = parse_manifest(DatasetManifest, reader.manifest)
        table = read_table_part(reader, ROWS_PART, dataset_schema(manifest), manifest.counts.encoded)
        return EncodedDataset(manifest=manifest, table=table), reader.digest


def write_pass_request(request: PassRequest, path: Path) -> None:
    """Write a request for passes (``.smr``). Same request, same bytes."""
    write_package(request.manifest, REQUEST_PART, request.table, path)


def read_pass_request(path: Path) -> PassRequest:
    """Read a request for passes.

    Raises:
        PackageError: as :func:`read_dataset` does.
    """
    with located(path), open_package(path) as reader:
        manifest = parse_manifest(PassRequestManifest, reader.manifest)
        table = read_table_part(reader, REQUEST_PART, PASS_REQUEST_SCHEMA, manifest.rows)
        return PassRequest(manifest=manifest, table=table)


def write_clks_json(encodings: ByteMatrix, path: Path) -> None:
    """Write CLKs, uint8 of shape (rows, bytes), as clkhash's JSON."""
    with atomic_writer(path) as stream:
        stream.write(clk_formats.serialise_clks_json(encodings))


def read_clks_json(path: Path) -> ByteMatrix:
    """Read CLKs from clkhash's JSON: uint8 of shape (rows, bytes)."""
    return clk_formats.parse_clks_json(_read_bytes(path), file=path)


def write_clks_binary(encodings: ByteMatrix, path: Path) -> None:
    """Write CLKs, uint8 of shape (rows, bytes), one after the other."""
    with atomic_writer(path) as stream:
        stream.write(clk_formats.serialise_clks_binary(encodings))


def read_clks_binary(path: Path, *, length_bits: int) -> ByteMatrix:
    """Read CLKs of ``length_bits`` each from a binary file: uint8 of shape (rows, bytes)."""
    return clk_formats.parse_clks_binary(_read_bytes(path), length_bits=length_bits, file=path)


def _read_bytes(path: Path) -> bytes:
    problem = ""
    try:
        return path.read_bytes()
    except OSError as error:
        problem = error.strerror or "cannot be read"
    raise PackageError(problem, code="FILE_NOT_FOUND", place=Place(file=path))
