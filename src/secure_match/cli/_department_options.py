"""EDGE: what the commands of ``secure-match department`` take, in one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]
ExportArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="EXPORT",
        show_default=False,
        help="CSV, XLSX, XLS, ODS, DBF, Parquet, Arrow or fixed-width file, a .sql query file, or a URL: "
        "postgresql://host/database?table=NAME or sqlite:///FILE?table=NAME.",
    ),
]
InputOption = Annotated[str | None, typer.Option("--input", help="Another way to name EXPORT.")]
CharsetOption = Annotated[
    str | None,
    typer.Option(
        help="utf-8, utf-8-sig, utf-16-le, utf-16-be or gb18030. "
        "Without it the charset is found by strict decoding and reported."
    ),
]
DelimiterOption = Annotated[
    str | None, typer.Option(help="One character, or tab, comma, semicolon, pipe. Without it the header line tells.")
]
SheetOption = Annotated[str | None, typer.Option(help="Sheet of a workbook; needed where several hold cells.")]
HeaderRowOption = Annotated[
    int | None, typer.Option(min=1, help="Line or sheet row, from 1, that holds the column names.")
]
LayoutOption = Annotated[Path | None, typer.Option(help="Layout file (TOML) of a fixed-width export.")]
ConnectionOption = Annotated[
    str | None,
    typer.Option(
        help="Database URL that a .sql query file is run on. The password comes from PGPASSWORD, "
        "SECURE_MATCH_DB_PASSWORD or the file named in SECURE_MATCH_DB_PASSWORD_FILE."
    ),
]
RaggedOption = Annotated[
    Literal["refuse", "quarantine"],
    typer.Option(help="Rows with more or fewer cells than the header: refuse the file, or quarantine them."),
]
AgreementOption = Annotated[Path | None, typer.Option("--agreement", help="The agreement; needed with --identity.")]


def one_export(*names: str | None) -> str:
    """The export that was named in one of the ways."""
    given = [name for name in names if name is not None]
    if len(given) != 1:
        raise typer.BadParameter("name the export once, as EXPORT or with --input")
    return given[0]


def counted(number: int, noun: str) -> str:
    """A number with its noun, which gets an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
