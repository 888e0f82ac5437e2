"""EDGE: finds the role's module, turns errors into one line and an exit status.

Exit status: 0 done, 1 a defect of this program, 2 the input or the call was refused. No traceback is ever printed:
it could carry a record's value.
"""

from __future__ import annotations

import importlib
import io
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, Final, NamedTuple

import typer
from typer import TyperException
from typer.core import TyperCommand, TyperGroup

from secure_match import __version__
from secure_match.errors import SecureMatchError

EXIT_DEFECT: Final = 1
EXIT_REFUSED: Final = 2
EXIT_STOPPED: Final = 130

_STOP_SIGNALS: Final = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
_STOPPED: Final = "stopped; nothing unfinished was written"
_PACKAGE: Final = str(Path(__file__).parents[1])


class _Role(NamedTuple):
    module: str
    help: str


_ROLES: Final = {
    "agreement": _Role("secure_match.cli._agreement", "Write and check the agreement that every party holds."),
    "keys": _Role("secure_match.cli._keys", "Make the departments' keys. The bureau must never hold one."),
    "department": _Role("secure_match.cli._department", "Inspect and encode an export, turn findings into worklists."),
    "keyholder": _Role("secure_match.cli._keyholder", "Hold the key of ID tokens; answer blinded requests."),
    "bureau": _Role("secure_match.cli._bureau", "Link packages and return findings."),
    "review": _Role("secure_match.cli._reviewer", "See what leaves, check what left, verify logs. Reads only."),
    "evaluate": _Role("secure_match.cli._evaluate", "Judge a run's links by the truth."),
    "demo": _Role("secure_match.cli._demo", "Run every role on a synthetic city and measure the result."),
}


class _RoleGroup(TyperGroup):
    """Commands by name; a role's code is imported when its command is asked for, and no other's."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_ROLES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in with the role's help: listing the roles loads none of them."""
        role = _ROLES.get(cmd_name)
        return TyperCommand(name=cmd_name, help=role.help) if role is not None else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command, for the one that was called."""
        role = _ROLES.get(args[0]) if args else None
        if role is None:
            return super().resolve_command(ctx, args)
        command = typer.main.get_command(importlib.import_module(role.module).app)
        command.name = args[0]
        return args[0], command, args[1:]


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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character must not stop a command that has done its work.
            stream.reconfigure(errors="backslashreplace")
    for number in _STOP_SIGNALS:
        # So that a service manager's stop, or a closed terminal, cleans up as Ctrl-C does.
        signal.signal(number, _interrupt)
    message = ""
    status = 0
    try:
        outcome = app(standalone_mode=False)
        status = outcome if isinstance(outcome, int) else 0
        message = _STOPPED if status == EXIT_STOPPED else ""
    except TyperException as error:
        message, status = _describe_call(error), EXIT_REFUSED
    except SecureMatchError as error:
        message, status = f"error: {error}", EXIT_REFUSED
    except KeyboardInterrupt:
        message, status = _STOPPED, EXIT_STOPPED
    except Exception as error:
        # The last of our own frames: a place inside a library tells nobody where to look.
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _PACKAGE in frame.filename]
        place = f"{frames[-1].filename.rpartition(_PACKAGE)[2]}:{frames[-1].lineno}"
        message = f"error: INTERNAL: {type(error).__name__} at {place}; please report this line, it holds no data"
        status = EXIT_DEFECT
    if message:
        sys.stderr.write(message + "\n")
    sys.exit(status)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _describe_call(error: TyperException) -> str:
    """What is wrong with a call, in one line; a call that only wants help gets its help."""
    text = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        return text
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "secure-match"
    return f"error: USAGE: {' '.join(text.split()).rstrip('.')}; see: {command} --help"
