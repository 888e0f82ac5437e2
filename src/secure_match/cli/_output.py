"""EDGE: what commands print: one JSON object for machines, or lines and a progress bar for people."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def message_language() -> Literal["zh", "en"]:
    """The language of messages, as POSIX takes it from the environment: Chinese, or else English."""
    name = next((value for key in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(key))), "")
    return "zh" if name.lower().startswith("zh") else "en"


def print_json(value: dict[str, Any]) -> None:
    """Print the one JSON object of a ``--json`` run."""
    print(json.dumps(value, ensure_ascii=False, indent=2))  # noqa: T201  # Machines read this.


def say(*lines: str) -> None:
    """Print lines for people."""
    for line in lines:
        _out.print(line, markup=False)


def show_table(title: str, headers: list[str], rows: list[list[str]]) -> None:
    """Print a table; numbers stand at the right."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for place, header in enumerate(headers):
        numeric = bool(rows) and all(row[place].replace(",", "").replace(".", "").rstrip("%").isdigit() for row in rows)
        table.add_column(header, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    _out.print(table)


@contextmanager
def row_progress(label: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Count rows on standard error while a long step runs."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_err, transient=True, disable=quiet or not _err.is_terminal) as bar:
        task = bar.add_task(label, total=None)
        yield lambda rows: bar.advance(task, rows)


@contextmanager
def step_progress(label: str, total: int, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Name the current step on standard error while a run of several steps goes on."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_err, transient=True, disable=quiet or not _err.is_terminal) as bar:
        task = bar.add_task(label, total=total)
        yield lambda step: bar.update(task, advance=1, description=f"{label}: {step}")
