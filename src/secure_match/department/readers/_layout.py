"""RAW: layout files: where each column of a fixed-width export stands. They hold no person's data."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from secure_match.agreement.strict import StrictModel, first_problem
from secure_match.department.readers._export import MAX_COLUMNS
from secure_match.errors import InputError, Place

MAX_LINE_BYTES: Final = 1 << 20
_MAX_FILE_BYTES: Final = 1 << 20


class LayoutColumn(StrictModel):
    """One column; ``start`` counts bytes from 1, ``width`` is in bytes of the charset."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    start: Annotated[int, Field(ge=1, le=MAX_LINE_BYTES)]
    width: Annotated[int, Field(ge=1, le=MAX_LINE_BYTES)]

    @property
    def stop(self) -> int:
        """Bytes up to the end of the column."""
        return self.start - 1 + self.width


class Layout(StrictModel):
    """A fixed-width export: one line per row, columns at byte positions.

    Attributes:
        header_lines: lines above the first row.
    """

    format: Literal[1]
    charset: Literal["utf-8", "utf-8-sig", "gb18030", "gbk"] | None = None
    header_lines: Annotated[int, Field(ge=0, le=1000)] = 0
    columns: Annotated[tuple[LayoutColumn, ...], Field(min_length=1, max_length=MAX_COLUMNS)]

    @property
    def width(self) -> int:
        """Bytes of a whole line."""
        return max(column.stop for column in self.columns)


def read_layout(path: Path) -> Layout:
    """Read a layout file (TOML).

    Raises:
        InputError: ``FILE_NOT_FOUND``; ``LAYOUT_INVALID`` with the key.
    """
    code, message, key = "LAYOUT_INVALID", "the layout is not TOML", None
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_FILE_BYTES)
        layout = Layout.model_validate(_tuples(tomllib.loads(content.decode("utf-8"))))
        if layout.width <= MAX_LINE_BYTES:
            return layout
        message = f"a line may have {MAX_LINE_BYTES:,} bytes"
    except OSError as error:
        code, message = "FILE_NOT_FOUND", error.strerror or "cannot be read"
    except ValidationError as error:
        problem = first_problem(error)
        message, key = problem.reason, problem.key
    except (ValueError, RecursionError):
        pass
    raise InputError(message, code=code, place=Place(file=path, key=key))


def _tuples(content: dict[str, object]) -> dict[str, object]:
    # Strict models take tuples only from tuples, and TOML knows arrays.
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
