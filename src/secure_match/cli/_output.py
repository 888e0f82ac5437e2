"""EDGE: what commands print: one JSON object for machines, or lines and a progress bar for people.

Invariant: no string is taken as markup or reaches the terminal with a character that it would act on or hide; texts
of agreements and packages are written by others.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from secure_match.errors import visible

# A pipe has no width of its own; 80 columns would fold every path.
_PIPE_COLUMNS: Final = 140
_out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_COLUMNS)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def message_language() -> Literal["zh", "en"]:
    """The language of messages, as POSIX takes it from the environment: Chinese, or else English."""
    name = next((value for key in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(key))), "")
    return "zh" if name.lower().startswith("zh") else "en"


def print_json(value: dict[str, Any]) -> None:
    """Print the one JSON object of a ``--json`` run."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    print("\n".join(_json_escaped(line) for line in text.split("\n")))  # noqa: T201  # Machines read this.


def _json_escaped(line: str) -> str:
    """The same JSON with its hidden characters, which stand in strings only, as JSON's own escapes."""
    return "".join(mark if visible(mark) == mark else json.dumps(mark)[1:-1] for mark in line)


def _literal(text: str) -> Text:
    return Text(visible(text))


def say(*lines: str) -> None:
    """Print lines for people."""
    for line in lines:
        _out.print(_literal(line))


def say_aside(*lines: str) -> None:
    """Print lines for people to standard error, beside what is a result."""
    for line in lines:
        _err.print(_literal(line))


def show_table(title: str, headers: list[str], rows: list[list[str]]) -> None:
    """Print a table; numbers stand at the right."""
    table = Table(title=_literal(title), title_justify="left", title_style="bold")
    for place, header in enumerate(headers):
        numeric = bool(rows) and all(row[place].replace(",", "").replace(".", "").rstrip("%").isdigit() for row in rows)
        table.add_column(_literal(header), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_literal, row))
    _out.print(table)


@contextmanager
def row_progress(label: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Count rows on standard error while a long step runs."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.completed:,} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_err, transient=True, disable=quiet or not _err.is_terminal) as bar:
        task = bar.add_task(visible(label), total=None)
        yield lambda rows: bar.advance(task, rows)


@contextmanager
def step_progress(label: str, total: int, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Name the current step on standard error while a run of several steps goes on."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_err, transient=True, disable=quiet or not _err.is_terminal) as bar:
        task = bar.add_task(visible(label), total=total)
        yield lambda step: bar.update(task, advance=1, description=visible(f"{label}: {step}"))


@contextmanager
def share_progress(
    label: str, total: int, *, quiet: bool
) -> Iterator[tuple[Callable[[str], None], Callable[[float], None]]]:
    """As :func:`step_progress`, with a second call that tells the share (0 to 1) of the current step that is done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_err, transient=True, disable=quiet or not _err.is_terminal) as bar:
        task = bar.add_task(visible(label), total=total)
        begun = 0

        def begin(step: str) -> None:
            nonlocal begun
            bar.update(task, completed=begun, description=visible(f"{label}: {step}"))
            begun += 1

        yield begin, lambda share: bar.update(task, completed=begun - 1 + share)
