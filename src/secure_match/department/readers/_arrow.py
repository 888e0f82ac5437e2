"""RAW: Parquet and Arrow files as batches of text. A child process under limits opens them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.ipc

from secure_match.department.readers._arrow_text import column_text, slices
from secure_match.department.readers._charset import read_head
from secure_match.department.readers._child import limited_child
from secure_match.department.readers._export import (
    BATCH_ROWS,
    ReadOptions,
    RefusedRows,
    no_rows,
    require_columns,
    text_batch,
    unnamed_columns,
    verified_header,
)
from secure_match.errors import InputError, Place

ArrowKind = Literal["PARQUET", "ARROW_FILE", "ARROW_STREAM"]
MAX_BATCH_BYTES: Final = 1 << 29
"""Bytes of the columns that are read, in ``BATCH_ROWS`` rows; a repeated text counts once."""
_WORKER: Final = Path(__file__).with_name("_arrow_worker.py")
_MESSAGES: Final = {
    "ARROW_DAMAGED": "the file is damaged or holds what this reader does not know; export it again",
    "ARROW_TOO_LARGE": "a part of the file is larger than any export of people; write it in smaller groups of rows",
}


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
        facts = next(_answers(path, {"kind": kind}))
        header = verified_header(facts["names"], str(path))
        numeric = {name: 1.0 for name, is_number in zip(header, facts["numeric"], strict=True) if name and is_number}
        words = {"PARQUET": "Parquet", "ARROW_FILE": "Arrow file", "ARROW_STREAM": "Arrow stream"}
        return cls(
            path=path, kind=kind, header=header, notes=(words[kind], *unnamed_columns(header)), numeric_columns=numeric
        )

    def require(self, columns: Sequence[str]) -> None:
        """See :meth:`Export.require`."""
        require_columns(self.header, columns, self.place)

    def batches(self, columns: Sequence[str], *, refused: RefusedRows | None = None) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """See :meth:`Export.batches`. No row is refused.

        Raises:
            InputError: ``ARROW_DAMAGED``, ``ARROW_TOO_LARGE``, ``COLUMN_TYPE``, ``CELL_TOO_LONG``.
        """
        self.require(columns)
        task = {
            "kind": self.kind,
            "places": [self.header.index(column) for column in columns],
            "batch_rows": BATCH_ROWS,
            "max_bytes": MAX_BATCH_BYTES,
        }
        first = 1
        for batch in _answers(self.path, task):
            for part in slices(batch):
                arrays = [
                    column_text(array, place=self.place, name=name, first_row=first)
                    for name, array in zip(columns, part.columns, strict=True)
                ]
                yield text_batch(columns, range(first, first + part.num_rows), arrays)
                first += part.num_rows
        if first == 1:
            raise no_rows(self.place)


def _answers(path: Path, task: dict[str, Any]) -> Iterator[Any]:
    """Run the child process on one task: the facts of the schema, or batches."""
    with limited_child(_WORKER, {"path": str(path.absolute())} | task) as output:
        code = "ARROW_DAMAGED"
        while line := output.readline():
            answer: dict[str, Any] = json.loads(line)
            if "end" in answer:
                return
            if "error" in answer:
                code = answer["error"]
                break
            if "batch" in answer:
                yield pa.ipc.open_stream(output.read(answer["batch"])).read_next_batch()
            else:
                yield answer
    # A child that ended without its last answer was ended by a limit or by the library.
    raise InputError(_MESSAGES[code], code=code, place=Place(file=path))
