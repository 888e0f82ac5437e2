"""EDGE: ``secure-match keys``: a department's key file."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from secure_match.agreement.files import read_agreement
from secure_match.cli._output import print_json, say
from secure_match.department import _labels
from secure_match.department.files import read_key, read_shared_secret, write_key, write_shared_secret
from secure_match.department.keys import SECRET_BYTES, DepartmentKey, derive_key_id
from secure_match.department.secret_access import reveal
from secure_match.errors import KeyFileError, UsageError, located

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Make the departments' keys. The bureau must never hold one."
)


@app.command()
def new(
    agreement_file: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    party: Annotated[str, typer.Option(help="Id of the department in the agreement.")],
    out: Annotated[Path, typer.Option(help="The key file to write; only its owner can read it.")],
    shared_from: Annotated[
        Path | None,
        typer.Option(help="Shared secret file of the department that began, made by: secure-match keys share"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")] = False,
) -> None:
    """Make a department's key: the shared encoding secret, and a handle secret that is its own alone.

    One department begins; the others take its shared secret over, on a way that the bureau cannot read.

    Example: secure-match keys new agreement.toml --party police --out police.key

    Then: secure-match keys share police.key --out shared.secret

    And: secure-match keys new agreement.toml --party hrss --shared-from shared.secret --out hrss.key
    """
    agreement = read_agreement(agreement_file)
    declared = agreement.party(party)
    if declared is None or declared.role != "department":
        known = ", ".join(item.id for item in agreement.parties if item.role == "department")
        raise UsageError(f"{party} is no department of the agreement; departments: {known}", code="PARTY_UNKNOWN")
    shared = secrets.token_bytes(SECRET_BYTES)
    if shared_from is not None:
        first = read_shared_secret(shared_from)
        with located(shared_from):
            if (first.agreement_id, first.key_epoch) != (agreement.id, agreement.key_epoch):
                raise KeyFileError("the secret is of another agreement or epoch", code="KEY_AGREEMENT")
        shared = reveal(first.key, "encoding")
    key = DepartmentKey.create(
        party=party,
        agreement_id=agreement.id,
        key_epoch=agreement.key_epoch,
        encoding_secret=shared,
        handle_secret=secrets.token_bytes(SECRET_BYTES),
    )
    write_key(key, out)
    name = derive_key_id(shared, _labels.ENCODING, agreement.id, agreement.key_epoch)
    if as_json:
        print_json(
            {
                "party": party,
                "agreement": agreement.id,
                "key_epoch": agreement.key_epoch,
                "key": str(out),
                "key_id": name,
                "new_shared_secret": shared_from is None,
            }
        )
        return
    if shared_from is None:
        say(f"Began a NEW shared secret, {name}: the other departments have to take it over with --shared-from.")
    else:
        say(f"Took over the shared secret {name}: compare this name with the department that began.")
    say(f"Wrote {out} for {party}. Keep it in the department: whoever holds it can test guesses of ID numbers.")


@app.command()
def share(
    key: Annotated[
        Path, typer.Argument(metavar="KEY", help="The key file of the department that began, e.g. police.key.")
    ],
    out: Annotated[Path, typer.Option(help="The shared secret file to write, for the other departments only.")],
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")] = False,
) -> None:
    """Write the shared part of a key for the other departments. The handle secret is not in it.

    Example: secure-match keys share police.key --out shared.secret
    """
    write_shared_secret(read_key(key), out)
    if as_json:
        print_json({"shared_secret": str(out)})
        return
    say(f"Wrote {out}. Hand it to the other departments only, never to the bureau, and delete it when they have it.")
