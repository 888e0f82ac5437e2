"""ENCODED: an Arrow IPC stream from a stranger to a table, message by message.

Invariants:

* what a message claims is compared with the bytes that are there, the schema and the manifest before Arrow decodes it,
* only a schema and plain record batches are taken: no compression, no dictionaries, no metadata of anybody's own,
* nothing stands behind the end-of-stream marker.

Layout: https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format. The few fields that have to be
known before decoding are read from the FlatBuffers tables ``Message``, ``Schema`` and ``RecordBatch`` (Arrow's
``format/*.fbs``).
"""

from __future__ import annotations

import struct
from typing import IO, Final

import pyarrow as pa

MAX_BATCH_ROWS: Final = 1 << 16
_CONTINUATION: Final = 0xFFFFFFFF
_PREFIX_BYTES: Final = 8
_ALIGNMENT: Final = 8
_MAX_METADATA_BYTES: Final = 1 << 20
_OFFSET_BYTES: Final = 4
# Places of fields in the tables of Message.fbs and Schema.fbs.
_MESSAGE_TYPE, _MESSAGE_HEADER, _MESSAGE_BODY, _MESSAGE_METADATA = 1, 2, 3, 4
_SCHEMA_METADATA: Final = 2
_BATCH_ROWS, _BATCH_COMPRESSION, _BATCH_VARIADIC = 0, 3, 4
_SCHEMA, _RECORD_BATCH = 1, 3


class StreamRefusedError(ValueError):
    """Why a stream is not taken: a predicate of the part, without any value of it."""


def read_arrow_stream(stream: IO[bytes] | pa.Buffer, size: int, schema: pa.Schema, rows: int) -> pa.Table:
    """Read a stream that fills ``size`` bytes and has exactly ``schema`` and ``rows`` rows.

    Args:
        stream: a file, of which the columns are a copy; or the bytes themselves, of which they are views, at whatever
            alignment the bytes have.

    Raises:
        StreamRefusedError: it is another one.
        pa.ArrowException, struct.error, ValueError: it is damaged.
    """
    if size < rows * _row_bytes(schema):
        raise StreamRefusedError("is too small for the rows that the manifest states")
    reader = _Messages(stream, size)
    kind, header, message = reader.next_message()
    if kind != _SCHEMA or header is None or message is None:
        raise StreamRefusedError("does not begin with a schema")
    found = pa.ipc.read_schema(message)
    if header.has(_SCHEMA_METADATA) or not found.equals(schema, check_metadata=True):
        raise StreamRefusedError("does not have exactly the columns that the manifest lists")
    batches: list[pa.RecordBatch] = []
    taken = 0
    while True:
        kind, header, message = reader.next_message(rows - taken)
        if header is None or message is None:
            break
        batch = pa.ipc.read_record_batch(pa.ipc.read_message(message), schema)
        batch.validate(full=True)
        taken += batch.num_rows
        if batch.num_rows:
            batches.append(batch)
    if reader.left:
        raise StreamRefusedError("goes on behind its end")
    if taken != rows:
        raise StreamRefusedError("has fewer rows than the manifest states")
    return pa.Table.from_batches(batches, schema)


def _row_bytes(schema: pa.Schema) -> int:
    """Bytes that one row needs at least; texts need an offset each."""
    return sum(_OFFSET_BYTES if pa.types.is_string(field.type) else field.type.byte_width for field in schema)


class _Messages:
    """Frames the messages of a stream; hands each out whole, after a look at its header."""

    def __init__(self, stream: IO[bytes] | pa.Buffer, size: int) -> None:
        self._stream = stream
        self._size = size
        self.left = size

    def next_message(self, rows_left: int | None = None) -> tuple[int, _FlatTable | None, pa.Buffer | None]:
        """Type, header and bytes of the next message; no header and no bytes at the end-of-stream marker.

        Args:
            rows_left: how many rows the message may have as a record batch; None for a schema.
        """
        prefix = self._take(_PREFIX_BYTES)
        continuation, length = struct.unpack("<LL", prefix)
        if continuation != _CONTINUATION or length > _MAX_METADATA_BYTES or length % _ALIGNMENT:
            raise StreamRefusedError("is not an Arrow stream")
        if not length:
            return 0, None, None
        metadata = self._take(length)
        root = _FlatTable(metadata, struct.unpack_from("<L", metadata, 0)[0])
        kind, body = root.number(_MESSAGE_TYPE, "<B"), root.number(_MESSAGE_BODY, "<q")
        if root.has(_MESSAGE_METADATA) or kind != (_SCHEMA if rows_left is None else _RECORD_BATCH):
            raise StreamRefusedError("holds a message of a kind that packages do not have")
        if not 0 <= body <= self.left or body % _ALIGNMENT:
            raise StreamRefusedError("ends inside a message")
        header = root.table(_MESSAGE_HEADER)
        if rows_left is not None:
            _verify_batch(header, rows_left)
        return kind, header, self._message(prefix + metadata, body)

    def _message(self, head: bytes, body: int) -> pa.Buffer:
        """The whole message whose head was taken; its columns are views of this buffer."""
        if isinstance(self._stream, pa.Buffer):
            begin = self._size - self.left - len(head)
            self.left -= body
            return self._stream.slice(begin, len(head) + body)
        # One aligned buffer, so that nothing is copied again.
        message = pa.allocate_buffer(len(head) + body)
        view = memoryview(message).cast("B")
        view[: len(head)] = head
        view[len(head) :] = self._take(body)
        return message

    def _take(self, count: int) -> bytes:
        if count > self.left:
            raise StreamRefusedError("ends without an end-of-stream marker")
        if isinstance(self._stream, pa.Buffer):
            data: bytes = self._stream.slice(self._size - self.left, count).to_pybytes()
        else:
            data = self._stream.read(count)
        if len(data) != count:
            raise StreamRefusedError("is truncated")
        self.left -= count
        return data


def _verify_batch(header: _FlatTable, rows_left: int) -> None:
    if header.has(_BATCH_COMPRESSION) or header.has(_BATCH_VARIADIC):
        raise StreamRefusedError("is compressed or has columns of a kind that packages do not have")
    rows = header.number(_BATCH_ROWS, "<q")
    if not 0 <= rows <= min(rows_left, MAX_BATCH_ROWS):
        raise StreamRefusedError(f"has more rows than the manifest states, or over {MAX_BATCH_ROWS:,} in one batch")


class _FlatTable:
    """A table of a FlatBuffer (https://flatbuffers.dev/internals); everything outside the buffer is an error."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self._place = place
        self._slots = place - self._read("<l", place)
        self._slots_bytes = self._read("<H", self._slots)

    def has(self, slot: int) -> bool:
        """Whether a field is written."""
        return self._field(slot) is not None

    def number(self, slot: int, form: str) -> int:
        """A scalar field; 0 where it is not written, as the format says."""
        place = self._field(slot)
        return 0 if place is None else self._read(form, place)

    def table(self, slot: int) -> _FlatTable:
        """A field that is a table."""
        place = self._field(slot)
        if place is None:
            raise StreamRefusedError("holds a message without a header")
        return _FlatTable(self._data, place + self._read("<L", place))

    def _field(self, slot: int) -> int | None:
        place = 4 + 2 * slot
        offset = self._read("<H", self._slots + place) if place + 2 <= self._slots_bytes else 0
        return self._place + offset if offset else None

    def _read(self, form: str, place: int) -> int:
        if place < 0:
            raise StreamRefusedError("is damaged")
        return int(struct.unpack_from(form, self._data, place)[0])
