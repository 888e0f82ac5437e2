"""RAW: a child process of its own that opens one Parquet or Arrow file; see ``_child.py`` and ``_arrow.py``.

Input: one JSON object on standard input. Output: lines of JSON; ``{"batch": n}`` is followed by ``n`` bytes of an Arrow
stream with one batch whose offsets and indices were checked; the last is ``{"end": 1}`` or ``{"error": code}``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pyarrow.types as pt

_THRIFT_BYTES = 100 * 1024 * 1024
"""Limit of the metadata of a Parquet file, the default of Parquet's C++ reader."""


class RefusalError(Exception):
    """What is wrong, as a code."""


def _is_inexact(kind: pa.DataType) -> bool:
    """Integers and decimals keep all digits of an ID number; a float does not."""
    if pt.is_dictionary(kind):
        return _is_inexact(kind.value_type)
    return bool(pt.is_floating(kind))


def _schema(task: dict[str, Any]) -> pa.Schema:
    if task["kind"] == "PARQUET":
        with _parquet(task["path"]) as file:
            return file.schema_arrow
    with pa.OSFile(task["path"]) as stream, _ipc_reader(stream, task["kind"]) as reader:
        return reader.schema


def _parquet(path: str, dictionaries: list[str] | None = None) -> Any:
    return pa.parquet.ParquetFile(
        path,
        read_dictionary=dictionaries,
        pre_buffer=False,
        thrift_string_size_limit=_THRIFT_BYTES,
        thrift_container_size_limit=_THRIFT_BYTES,
    )


def _parquet_batches(task: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    schema = _schema(task)
    names = [schema.names[place] for place in task["places"]]
    texts = [name for name in names if pt.is_string(schema.field(name).type)]
    # A repeated text stays one text until its length is known: as plain strings a few bytes can become gigabytes.
    with _parquet(task["path"], texts) as file:
        for batch in file.iter_batches(batch_size=task["batch_rows"], columns=names, use_threads=False):
            yield batch.select(names)


def _ipc_batches(task: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(task["path"]) as stream, _ipc_reader(stream, task["kind"]) as reader:
        numbers = range(reader.num_record_batches) if task["kind"] == "ARROW_FILE" else None
        for batch in reader if numbers is None else map(reader.get_batch, numbers):
            chosen = batch.select(task["places"])
            for start in range(0, chosen.num_rows, task["batch_rows"]):
                yield chosen.slice(start, task["batch_rows"])


def _ipc_reader(stream: Any, kind: str) -> Any:
    options = pa.ipc.IpcReadOptions(use_threads=False)
    return (
        pa.ipc.open_file(stream, options=options)
        if kind == "ARROW_FILE"
        else pa.ipc.open_stream(stream, options=options)
    )


def answers(task: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """All lines of the output with the bytes behind them; whatever goes wrong is the last."""
    try:
        if "places" not in task:
            schema = _schema(task)
            yield {"names": schema.names, "numeric": [_is_inexact(kind) for kind in schema.types]}, b""
        else:
            for batch in _parquet_batches(task) if task["kind"] == "PARQUET" else _ipc_batches(task):
                # Indices and offsets of a damaged file point anywhere; nothing may follow them before this.
                batch.validate(full=True)
                if batch.nbytes > task["max_bytes"]:
                    raise RefusalError("ARROW_TOO_LARGE")
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, batch.schema.remove_metadata()) as writer:
                    writer.write_batch(batch.replace_schema_metadata(None))
                content = sink.getvalue()
                yield {"batch": content.size}, content
        yield {"end": 1}, b""
    except RefusalError as refusal:
        yield {"error": str(refusal)}, b""
    except (MemoryError, pa.ArrowMemoryError):
        yield {"error": "ARROW_TOO_LARGE"}, b""
    except Exception:  # The library's errors have no common base and may quote the file.
        yield {"error": "ARROW_DAMAGED"}, b""


def main() -> None:
    """Do the one task that stands on standard input."""
    task = json.loads(sys.stdin.buffer.readline())
    task["path"] = str(Path(task["path"]))
    for answer, content in answers(task):
        sys.stdout.buffer.write(json.dumps(answer).encode("ascii") + b"\n")
        sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
