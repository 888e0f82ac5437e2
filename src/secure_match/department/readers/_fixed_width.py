"""RAW: fixed-width exports as Arrow batches: a layout file says where each column stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from secure_match.department.readers._byte_columns import decode_column
from secure_match.department.readers._charset import Charset, mark_bytes, parse_charset, read_head
from secure_match.department.readers._export import (
    BATCH_ROWS,
    ROW_WIDTH,
    Ragged,
    ReadOptions,
    RefusedRows,
    cell_too_long,
    no_rows,
    require_columns,
    require_refused,
    text_batch,
    verified_header,
)
from secure_match.department.readers._layout import MAX_LINE_BYTES, Layout, read_layout
from secure_match.errors import InputError, Place, UsageError

_BATCH_BYTES: Final = 1 << 25


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedWidthExport:
    """A fixed-width file with its layout; an :class:`Export`. Row numbers are lines of the file.

    A line may be shorter than the layout within its last column (editors cut blanks off) and longer by blanks.
    """

    path: Path
    layout: Layout
    charset: Charset
    header: tuple[str, ...]
    notes: tuple[str, ...]
    ragged: Ragged = "refuse"
    numeric_columns: dict[str, float] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The path."""
        return str(self.path)

    @classmethod
    def open(cls, path: Path, options: ReadOptions) -> FixedWidthExport:
        """Read the layout that the options name, and see that the export is there.

        Raises:
            UsageError: ``CHARSET_UNKNOWN``; ``CHARSET_MISSING`` where neither layout nor options say the charset, or
                say different ones.
            InputError: ``FILE_NOT_FOUND``, ``INPUT_EMPTY``, ``LAYOUT_INVALID``, ``INPUT_HEADER``.
        """
        if options.layout is None:
            raise UsageError("a fixed-width export needs --layout", code="LAYOUT_MISSING", place=Place(file=path))
        layout = read_layout(options.layout)
        names = {parse_charset(name) for name in (options.charset, layout.charset) if name is not None}
        if len(names) != 1 or names & {"utf-16-le", "utf-16-be"}:
            raise UsageError(
                "say the charset, utf-8 or gb18030, in the layout or with --charset; columns are counted in its bytes",
                code="CHARSET_MISSING",
                place=Place(file=options.layout),
            )
        charset = names.pop()
        read_head(path)
        header = verified_header([column.name for column in layout.columns], str(options.layout))
        notes = (f"charset {charset.upper()} (given)", f"fixed width, {layout.width:,} bytes a line")
        return cls(path=path, layout=layout, charset=charset, header=header, notes=notes, ragged=options.ragged)

    def require(self, columns: Sequence[str]) -> None:
        """See :meth:`Export.require`."""
        require_columns(self.header, columns, self.place)

    def batches(self, columns: Sequence[str], *, refused: RefusedRows | None = None) -> Iterator[pa.RecordBatch]:
        """See :meth:`Export.batches`. Lines of blanks are passed over.

        Raises:
            InputError: ``INPUT_CHARSET``, ``INPUT_NUL``, ``ROW_WIDTH`` or ``CELL_TOO_LONG`` with the row.
        """
        self.require(columns)
        require_refused(self.ragged, refused)
        rows_at_once = max(1, min(BATCH_ROWS, _BATCH_BYTES // self.layout.width))
        numbers: list[int] = []
        lines: list[bytes] = []
        empty = True
        for number, line in self._lines():
            empty = False
            if not self._fits(line):
                self._refuse(number, len(line), refused)
                continue
            numbers.append(number)
            lines.append(line[: self.layout.width].ljust(self.layout.width))
            if len(lines) == rows_at_once:
                yield self._batch(columns, numbers, lines)
                numbers, lines = [], []
        if lines:
            yield self._batch(columns, numbers, lines)
        if empty:
            raise no_rows(self.place)

    def _fits(self, line: bytes) -> bool:
        last = max(column.start for column in self.layout.columns)
        return last <= len(line) <= self.layout.width or (
            len(line) > self.layout.width and not line[self.layout.width :].strip(b" ")
        )

    def _refuse(self, number: int, length: int, refused: RefusedRows | None) -> None:
        if self.ragged == "quarantine" and refused is not None:
            refused.add(number, ROW_WIDTH)
            return
        raise InputError(
            f"the line has {length:,} bytes where the layout has {self.layout.width:,}",
            code=ROW_WIDTH,
            place=Place(file=self.path, row=number),
        )

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        with self.path.open("rb") as stream:
            head = stream.read(mark_bytes("utf-8-sig"))
            if head != b"\xef\xbb\xbf" or self.charset == "gb18030":
                stream.seek(0)
            number = 0
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise cell_too_long(self.place, row=number)
                content = line.rstrip(b"\r\n\x1a")
                if number > self.layout.header_lines and content.strip(b" "):
                    yield number, content

    def _batch(self, columns: Sequence[str], numbers: list[int], lines: list[bytes]) -> pa.RecordBatch:
        matrix = np.frombuffer(b"".join(lines), dtype=np.uint8).reshape(len(lines), self.layout.width)
        rows = np.asarray(numbers, dtype=np.int64)
        arrays = []
        for name in columns:
            column = self.layout.columns[self.header.index(name)]
            cells = matrix[:, column.start - 1 : column.stop]
            arrays.append(decode_column(cells, self.charset, place=self.place, numbers=rows, column=name))
        return text_batch(columns, numbers, arrays)
