"""RAW: Parquet and Arrow files as batches of text. Files are not trusted: what they declare is checked before use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pyarrow.types as pt

from secure_match.department.readers._arrow_text import column_text, is_number, slices
from secure_match.department.readers._charset import read_head
from secure_match.department.readers._export import (
    BATCH_ROWS,
    ReadOptions,
    RefusedRows,
    no_rows,
    require_columns,
    text_batch,
    verified_header,
)
from secure_match.errors import InputError, Place, SecureMatchError

ArrowKind = Literal["PARQUET", "ARROW_FILE", "ARROW_STREAM"]
MAX_ROW_GROUP_BYTES: Final = 1 << 31
"""Declared size, unpacked, of the columns of one row group that are read."""
_THRIFT_BYTES: Final = 100 * 1024 * 1024
"""Limit of the metadata of a Parquet file, the default of Parquet's C++ reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrowExport:
    """A Parquet, Arrow file or Arrow stream; an :class:`Export`. Row numbers are places in the table, from 1."""

    path: Path
    kind: ArrowKind
    header: tuple[str, ...]
    notes: tuple[str, ...]
    numeric_columns: dict[str, float]
    charset: str | None = None

    @property
    def place(self) -> str:
        """The path."""
        return str(self.path)

    @classmethod
    def open(cls, path: Path, kind: ArrowKind, options: ReadOptions) -> ArrowExport:  # noqa: ARG003
        """Read the schema.

        Raises:
            InputError: ``FILE_NOT_FOUND``, ``INPUT_EMPTY``, ``ARROW_DAMAGED``, ``INPUT_HEADER``.
        """
        read_head(path)
        schema = next(_guarded(path, _schema(path, kind)))
        header = verified_header(schema.names, str(path))
        numeric = {name: 1.0 for name, kind_ in zip(header, schema.types, strict=True) if name and is_number(kind_)}
        words = {"PARQUET": "Parquet", "ARROW_FILE": "Arrow file", "ARROW_STREAM": "Arrow stream"}
        return cls(path=path, kind=kind, header=header, notes=(words[kind],), numeric_columns=numeric)

    def require(self, columns: Sequence[str]) -> None:
        """See :meth:`Export.require`."""
        require_columns(self.header, columns, self.place)

    def batches(self, columns: Sequence[str], *, refused: RefusedRows | None = None) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """See :meth:`Export.batches`. No row is refused.

        Raises:
            InputError: ``ARROW_DAMAGED``, ``ARROW_TOO_LARGE``, ``COLUMN_TYPE``, ``CELL_TOO_LONG``.
        """
        self.require(columns)
        places = [self.header.index(column) for column in columns]
        read = _parquet_batches if self.kind == "PARQUET" else _ipc_batches
        first = 1
        for batch in _guarded(self.path, read(self.path, self.kind, places)):
            for part in slices(batch):
                arrays = [
                    column_text(array, place=self.place, name=name, first_row=first)
                    for name, array in zip(columns, part.columns, strict=True)
                ]
                yield text_batch(columns, range(first, first + part.num_rows), arrays)
                first += part.num_rows
        if first == 1:
            raise no_rows(self.place)


def _schema(path: Path, kind: ArrowKind) -> Iterator[pa.Schema]:
    if kind == "PARQUET":
        with _parquet(path) as file:
            yield file.schema_arrow
        return
    with path.open("rb") as stream, _ipc_reader(stream, kind) as reader:
        yield reader.schema


def _parquet(path: Path, dictionaries: list[str] | None = None) -> Any:
    return pa.parquet.ParquetFile(
        path,
        read_dictionary=dictionaries,
        pre_buffer=False,
        thrift_string_size_limit=_THRIFT_BYTES,
        thrift_container_size_limit=_THRIFT_BYTES,
    )


def _parquet_batches(path: Path, kind: ArrowKind, places: list[int]) -> Iterator[pa.RecordBatch]:  # noqa: ARG001
    with _parquet(path) as file:
        schema = file.schema_arrow
        names = [schema.names[place] for place in places]
        metadata = file.metadata
        wanted = set(names)
        for group in range(metadata.num_row_groups):
            chunks = [metadata.row_group(group).column(place) for place in range(metadata.num_columns)]
            size = sum(c.total_uncompressed_size for c in chunks if c.path_in_schema.split(".")[0] in wanted)
            if size > MAX_ROW_GROUP_BYTES:
                raise InputError(
                    f"row group {group + 1} has {size:,} bytes; write the file with smaller row groups",
                    code="ARROW_TOO_LARGE",
                    place=Place(file=path),
                )
        texts = [name for name in names if pt.is_string(schema.field(name).type)]
    # A repeated text stays one text until its length is known: as plain strings a few bytes can become gigabytes.
    with _parquet(path, texts) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=names, use_threads=False):
            yield batch.select(names)


def _ipc_batches(path: Path, kind: ArrowKind, places: list[int]) -> Iterator[pa.RecordBatch]:
    with path.open("rb") as stream, _ipc_reader(stream, kind) as reader:
        options = range(reader.num_record_batches) if kind == "ARROW_FILE" else None
        batches = (reader.get_batch(number) for number in options) if options is not None else reader
        for batch in batches:
            chosen = batch.select(places)
            # Offsets of a damaged file point anywhere; nothing may follow them before this.
            chosen.validate(full=True)
            for start in range(0, chosen.num_rows, BATCH_ROWS):
                yield chosen.slice(start, BATCH_ROWS)


def _ipc_reader(stream: Any, kind: ArrowKind) -> Any:
    source = pa.PythonFile(stream, mode="r")
    if kind == "ARROW_FILE":
        return pa.ipc.open_file(source)
    return pa.ipc.open_stream(source)


def _guarded(path: Path, items: Iterator[Any]) -> Iterator[Any]:
    """The items; whatever the library raises on a damaged file becomes our error."""
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except SecureMatchError:
            raise
        except (MemoryError, pa.ArrowMemoryError):
            code, message = "ARROW_TOO_LARGE", "a part of the file is larger than memory, or damaged"
            break
        except Exception:  # The library's errors have no common base and may quote the file.
            code, message = "ARROW_DAMAGED", "the file is damaged or holds what this reader does not know"
            break
        yield item
    raise InputError(f"{message}; export it again", code=code, place=Place(file=path))
