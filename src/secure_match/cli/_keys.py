"""EDGE: ``secure-match keys``: a department's key file."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from secure_match.agreement.files import read_agreement
from secure_match.cli._output import print_json, say
from secure_match.department.files import read_key, write_key
from secure_match.department.keys import SECRET_BYTES, DepartmentKey
from secure_match.department.secret_access import reveal
from secure_match.errors import KeyFileError, Place, UsageError, located

app = typer.Typer(no_args_is_help=True, help="Make the departments' keys. The bureau must never hold one.")


@app.callback()
def _group() -> None:
    """Keep ``new`` a command of its own."""


@app.command()
def new(
    agreement_file: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    party: Annotated[str, typer.Option(help="Id of the department in the agreement.")],
    out: Annotated[Path, typer.Option(help="The key file to write; only its owner can read it.")],
    shared_from: Annotated[
        Path | None,
        typer.Option(help="Key file of the department that began: its shared secret is taken over."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Make a department's key: the shared encoding secret, and a handle secret of its own.

    The first department makes a key; the others take the shared secret over from it, over a channel that the bureau
    cannot read.

    Example: secure-match keys new agreement.toml --party police --out police.key

    Then: secure-match keys new agreement.toml --party hrss --shared-from police.key --out hrss.key
    """
    agreement = read_agreement(agreement_file)
    declared = agreement.party(party)
    if declared is None or declared.role != "department":
        known = ", ".join(item.id for item in agreement.parties if item.role == "department")
        raise UsageError(f"{party} is no department of the agreement; departments: {known}", code="PARTY_UNKNOWN")
    shared = secrets.token_bytes(SECRET_BYTES)
    if shared_from is not None:
        first = read_key(shared_from)
        with located(shared_from):
            if (first.agreement_id, first.key_epoch) != (agreement.id, agreement.key_epoch):
                raise KeyFileError("the key is of another agreement or epoch", code="KEY_AGREEMENT", place=Place())
        shared = reveal(first, "encoding")
    key = DepartmentKey.create(
        party=party,
        agreement_id=agreement.id,
        key_epoch=agreement.key_epoch,
        encoding_secret=shared,
        handle_secret=secrets.token_bytes(SECRET_BYTES),
    )
    write_key(key, out)
    if as_json:
        print_json({"party": party, "agreement": agreement.id, "key_epoch": agreement.key_epoch, "key": str(out)})
        return
    say(f"Wrote {out} for {party}. Keep it in the department: whoever holds it can test guesses of ID numbers.")
