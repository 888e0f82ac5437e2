"""EDGE: ``secure-match keys contribute``, ``derive``, ``rotate``, ``destroy``: the departments' shared key, its end."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from secure_match.agreement.files import read_agreement
from secure_match.cli._key_log import log_key_step
from secure_match.cli._output import print_json, say
from secure_match.cli._unlock import (
    IdentityOption,
    UnlockKeyOption,
    UnlockTokenOption,
    read_identity_from,
    unlock,
)
from secure_match.department.key_files import (
    read_handle_secret,
    read_key,
    resealed,
    write_handle_secret,
    write_sealed_key,
)
from secure_match.department.keys import SECRET_BYTES
from secure_match.department.sealed_keys import HandleSecret, ceremony_key, public_name
from secure_match.errors import KeyFileError, Place, UsageError, located
from secure_match.exchange.identities import Identity
from secure_match.exchange.key_files import public_path, replace_identity, write_public
from secure_match.exchange.locks import Lock
from secure_match.exchange.secret_files import delete_secret, replace_secret, write_new_secret
from secure_match.exchange.share_files import read_contribution, write_contribution
from secure_match.exchange.shares import combine, key_departments, make_contribution

AgreementArgument = Annotated[
    Path, typer.Argument(metavar="AGREEMENT", help="The agreement, with everybody's public keys.")
]
JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]
ResealOption = Annotated[
    list[Path] | None,
    typer.Option(help="Key or handle file of this identity to seal to the new transport key; others open no more."),
]


def contribute(
    agreement_file: AgreementArgument,
    identity: IdentityOption,
    out: Annotated[Path, typer.Option(help="The contribution to write, e.g. police.smk. It may go over the bureau.")],
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockTokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw this department's share of the shared encoding key and seal it to every department.

    Example: secure-match keys contribute agreement.toml --identity police.identity --out police.smk
    """
    agreement = read_agreement(agreement_file)
    own = read_identity_from(identity, unlock_key, unlock_pkcs11)
    with located(identity):
        contribution = make_contribution(agreement, own)
    write_contribution(contribution, out)
    log_key_step(own, identity, "contribute", written=[out], details={"agreement": agreement.fingerprint})
    recipients = list(key_departments(agreement))
    if as_json:
        print_json({"contribution": str(out), "party": own.party, "sealed_to": recipients})
        return
    say(
        f"Drew a share for {own.party} and sealed it to {', '.join(recipients)}; nobody else can open it.",
        f"Wrote {out}. Send it to these departments; the bureau may carry it. Next, with all of them: keys derive",
    )


def derive(
    agreement_file: AgreementArgument,
    contributions: Annotated[
        list[Path], typer.Argument(metavar="CONTRIBUTION...", help="The contributions of all departments, e.g. *.smk.")
    ],
    identity: IdentityOption,
    out: Annotated[Path, typer.Option(help="The key file to write; it opens with this identity only.")],
    handles_from: Annotated[
        Path | None,
        typer.Option(help="Earlier key file, or handle file: rows keep their handles. Without it new ones are drawn."),
    ] = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockTokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Derive the shared encoding key from the contributions of all departments.

    Example: secure-match keys derive agreement.toml *.smk --identity police.identity --out police.key
    """
    agreement = read_agreement(agreement_file)
    given = [read_contribution(path, agreement) for path in contributions]
    own = read_identity_from(identity, unlock_key, unlock_pkcs11)
    handles = HandleSecret({"handle": secrets.token_bytes(SECRET_BYTES)})
    if handles_from is not None:
        handles = read_handle_secret(handles_from, own)
    key = ceremony_key(agreement, own, combine(agreement, own, given), handles)
    write_sealed_key(key, out, own)
    name = public_name(key)
    log_key_step(own, identity, "derive", details={"agreement": agreement.fingerprint, "shared_key": name})
    if as_json:
        print_json(
            {
                "party": key.party,
                "agreement": key.agreement_id,
                "fingerprint": key.agreement_fingerprint,
                "key_epoch": key.key_epoch,
                "key": str(out),
                "key_id": name,
                "contributions": len(given),
                "new_handles": handles_from is None,
            }
        )
        return
    say(
        f"Derived the shared key of epoch {key.key_epoch} from {len(given)} contributions.",
        f"Its name is {name}: read it to the other departments by telephone; all have to hear the same.",
        "Handles: " + (f"as with {handles_from}." if handles_from is not None else "new ones."),
        f"Wrote {out} for {key.party}; it opens with {identity} only.",
    )


def rotate(
    identity: IdentityOption,
    reseal: ResealOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockTokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace the transport key of an identity; the signing key stays. What was sealed to the old one opens no more.

    Example: secure-match keys rotate --identity police.identity --reseal police.key
    """
    own, lock = unlock(identity, unlock_key, unlock_pkcs11)
    renewed = _renew(own, lock, identity, reseal or [])
    log_key_step(renewed, identity, "keys_rotate", written=[public_path(identity)])
    if as_json:
        print_json({"identity": str(identity), "public": str(public_path(identity)), "key_id": renewed.public.key_id})
        return
    say(*_after_renewal(renewed, identity))


def destroy(
    key: Annotated[Path, typer.Argument(metavar="KEY", help="The key file to destroy, e.g. police.key.")],
    identity: IdentityOption,
    keep_handles: Annotated[
        Path | None,
        typer.Option(help="Handle file to write first, for keys derive --handles-from in the next epoch."),
    ] = None,
    reseal: ResealOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether this is meant.")] = False,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockTokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Destroy an epoch's key: delete the file and replace the transport key, so that no copy of it or of a share opens.

    Example: secure-match keys destroy police.key --identity police.identity --keep-handles police.handles
    """
    own, lock = unlock(identity, unlock_key, unlock_pkcs11)
    ended = read_key(key, own)
    if ended.party != own.party:
        raise KeyFileError(f"the key belongs to {ended.party}", code="KEY_PARTY", place=Place(file=key))
    if key.resolve() in {path.resolve() for path in reseal or []}:
        raise UsageError("the key that is destroyed cannot be sealed anew", code="OUTPUT_IS_INPUT")
    if not yes:
        typer.confirm(f"Destroy {key}? Packages of epoch {ended.key_epoch} can never be linked again", abort=True)
    name = public_name(ended)
    renewed = own.renewed()
    if keep_handles is not None:
        write_handle_secret(HandleSecret.of_key(ended), keep_handles, renewed)
    _renew(own, lock, identity, reseal or [], renewed)
    delete_secret(key)
    log_key_step(renewed, identity, "destroy", written=[public_path(identity)], details={"shared_key": name})
    if as_json:
        print_json(
            {
                "destroyed": str(key),
                "key_id": name,
                "handles": str(keep_handles) if keep_handles is not None else None,
                "public": str(public_path(identity)),
                "new_key_id": renewed.public.key_id,
            }
        )
        return
    say(
        f"Destroyed {name}, the key of epoch {ended.key_epoch}: copies of {key.name}, and shares that were sealed to "
        f"{own.party}, open no more.",
        "Backups of the old identity file still open them: delete those, too. The epoch has ended when every "
        "department has done this.",
        *_after_renewal(renewed, identity),
    )


def _renew(own: Identity, lock: Lock, identity: Path, reseal: list[Path], renewed: Identity | None = None) -> Identity:
    """Put a renewed identity in place of the old one; files to be kept are written beside themselves before."""
    renewed = renewed if renewed is not None else own.renewed()
    contents = {path: resealed(path, own, renewed) for path in reseal}
    beside = {path: path.with_name(f"{path.name}.resealed") for path in reseal}
    for path, content in contents.items():
        write_new_secret(beside[path], content)
    # From here on only the new identity opens anything; after a crash the files beside are what it opens.
    replace_identity(renewed, identity, lock)
    for path, content in contents.items():
        replace_secret(path, content)
        delete_secret(beside[path])
    write_public(renewed, public_path(identity))
    return renewed


def _after_renewal(renewed: Identity, identity: Path) -> tuple[str, ...]:
    return (
        f"{renewed.party} has a new transport key; its keys are now called {renewed.public.key_id}.",
        f"Wrote {identity} and {public_path(identity)}. Next: agreement add-keys, in the agreement of the next epoch.",
    )
