"""EDGE: finds the role's module, turns errors into one line and an exit status.

Exit status: 0 done, 1 a defect of this program, 2 the input or the call was refused. No traceback is ever printed:
it could carry a record's value.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Any, Final

import typer
from typer.core import TyperGroup

from secure_match import __version__
from secure_match.errors import SecureMatchError

EXIT_DEFECT: Final = 1
EXIT_REFUSED: Final = 2

_ROLES: Final = {
    "agreement": "secure_match.cli._agreement",
    "keys": "secure_match.cli._keys",
    "department": "secure_match.cli._department",
    "bureau": "secure_match.cli._bureau",
    "demo": "secure_match.cli._demo",
}


class _RoleGroup(TyperGroup):
    """Commands by name; a role's code is imported when its command is asked for, and no other's."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_ROLES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        module = _ROLES.get(cmd_name)
        if module is None:
            return None
        command = typer.main.get_command(importlib.import_module(module).app)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="secure-match",
    cls=_RoleGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find duplicate and missing enrolments without a raw identifier leaving its department. "
    "Begin with: secure-match demo --out demo-out",
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"secure_match {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    """Keep the group's options; the work is in the commands."""


def main() -> None:
    """Run the command line."""
    message = ""
    status = 0
    try:
        app()
    except SecureMatchError as error:
        message, status = f"error: {error}", EXIT_REFUSED
    except KeyboardInterrupt:
        message, status = "stopped; nothing unfinished was written", 130
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.filename.rpartition('secure_match')[2] or frame.filename}:{frame.lineno}"
        message = f"error: INTERNAL: {type(error).__name__} at {place}; please report this line, it holds no data"
        status = EXIT_DEFECT
    if message:
        sys.stderr.write(message + "\n")
    sys.exit(status)
