"""EDGE: ``secure-match keys``: parties' identities, the departments' shared key, and keys of trial agreements."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Literal

import typer

from secure_match.agreement import Agreement
from secure_match.agreement.files import read_agreement
from secure_match.cli import _key_ceremony
from secure_match.cli._key_log import log_key_step
from secure_match.cli._output import print_json, say
from secure_match.cli._unlock import (
    UnlockKeyOption,
    UnlockTokenOption,
    new_lock,
    read_identity_from,
)
from secure_match.department import _labels
from secure_match.department.key_files import (
    is_sealed_key,
    read_key,
    read_shared_secret,
    write_key,
    write_shared_secret,
)
from secure_match.department.keys import SECRET_BYTES, DepartmentKey, derive_key_id
from secure_match.department.secret_access import reveal
from secure_match.encoded.files import verify_writable
from secure_match.errors import KeyFileError, Place, UsageError, located
from secure_match.exchange.identities import Identity
from secure_match.exchange.key_files import public_path, write_identity, write_public

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Make a party's keys, and the departments' shared key, which the bureau must never hold.",
)
JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]


@app.command()
def new(
    agreement_file: Annotated[
        Path | None,
        typer.Argument(metavar="AGREEMENT", help="A trial agreement, to make a department's key. Not with --role."),
    ] = None,
    *,
    role: Annotated[
        Literal["department", "bureau", "reviewer", "keyholder"] | None,
        typer.Option(help="Make an identity, which seals and signs, for a party of this role."),
    ] = None,
    party: Annotated[str, typer.Option(help="Id of the party in the agreement.")],
    out: Annotated[Path, typer.Option(help="The file to write; only its owner can read it.")],
    shared_from: Annotated[
        Path | None,
        typer.Option(help="Trial: shared secret file of the department that began, made by secure-match keys share"),
    ] = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockTokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a party's identity: a transport key and a signing key, locked under a passphrase.

    Example: secure-match keys new --role department --party police --out police.identity

    For a trial agreement, which names no public keys: a department's key, to which others add theirs.

    Example: secure-match keys new agreement.toml --party police --out police.key

    Then: secure-match keys share police.key --out shared.secret

    And: secure-match keys new agreement.toml --party hrss --shared-from shared.secret --out hrss.key
    """
    if (role is None) == (agreement_file is None):
        raise UsageError("give --role for an identity, or a trial AGREEMENT for a key", code="ROLE_OR_AGREEMENT")
    if role is not None:
        if shared_from is not None:
            raise UsageError("--shared-from is for keys of trial agreements", code="ROLE_OR_AGREEMENT")
        _new_identity(role, party, out, unlock_key, unlock_pkcs11, as_json)
    elif agreement_file is not None:
        _new_trial_key(read_agreement(agreement_file), party, out, shared_from, as_json)


def _new_identity(
    role: Literal["department", "bureau", "reviewer", "keyholder"],
    party: str,
    out: Path,
    unlock_key: Path | None,
    unlock_pkcs11: str | None,
    as_json: bool,
) -> None:
    if out.exists():
        raise KeyFileError("there is a file already; no key is overwritten", code="FILE_EXISTS", place=Place(file=out))
    verify_writable(out)
    verify_party_id(party)
    identity = Identity.create(party, role)
    write_identity(identity, out, new_lock(out, unlock_key, unlock_pkcs11))
    write_public(identity, public_path(out))
    log_key_step(identity, out, "keys_new", written=[public_path(out)])
    _tell_public(identity, out, public_path(out), as_json)


def verify_party_id(party: str) -> None:
    """Check that a text can be the id of a party.

    Raises:
        UsageError: ``PARTY_ID``.
    """
    plain = party.isascii() and party.replace("_", "").isalnum() and party == party.lower() and party[:1].isalpha()
    if not plain or len(party) > 64:
        raise UsageError("an id has lower-case letters, digits and _, begins with a letter, up to 64", code="PARTY_ID")


@app.command()
def public(
    identity: Annotated[Path, typer.Argument(metavar="IDENTITY", help="The identity file, e.g. police.identity.")],
    out: Annotated[Path | None, typer.Option(help="The public file. Default: beside the identity.")] = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockTokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an identity's public file again, and say the name of its keys.

    Example: secure-match keys public police.identity
    """
    own = read_identity_from(identity, unlock_key, unlock_pkcs11)
    _tell_public(own, identity, out if out is not None else public_path(identity), as_json)


def _tell_public(identity: Identity, file: Path, public_file: Path, as_json: bool) -> None:
    write_public(identity, public_file)
    name = identity.public.key_id
    if as_json:
        print_json(
            {
                "party": identity.party,
                "role": identity.role,
                "identity": str(file),
                "public": str(public_file),
                "key_id": name,
            }
        )
        return
    spoken = " ".join(name[start : start + 4] for start in range(0, len(name), 4))
    say(
        f"Keys of {identity.party} ({identity.role}): {name}",
        f"Read this out on the telephone to whoever puts the agreement together: {spoken}",
        f"Wrote {public_file}, for everybody. {file} and what unlocks it stay here; without either the keys are lost.",
    )


for _command in (_key_ceremony.contribute, _key_ceremony.derive, _key_ceremony.rotate, _key_ceremony.destroy):
    app.command()(_command)


def _verify_trial(agreement: Agreement) -> None:
    if agreement.sealed:
        raise KeyFileError(
            "this agreement names public keys: its key comes from all departments; use keys contribute and keys derive",
            code="KEYS_BY_CEREMONY",
        )


def _new_trial_key(agreement: Agreement, party: str, out: Path, shared_from: Path | None, as_json: bool) -> None:
    """One department begins; the others take its shared secret over, on a way that the bureau cannot read."""
    _verify_trial(agreement)
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
    if is_sealed_key(key):
        raise KeyFileError(
            "this key comes from a ceremony and is never handed on: every department derives its own",
            code="KEYS_BY_CEREMONY",
            place=Place(file=key),
        )
    write_shared_secret(read_key(key), out)
    if as_json:
        print_json({"shared_secret": str(out)})
        return
    say(f"Wrote {out}. Hand it to the other departments only, never to the bureau, and delete it when they have it.")
