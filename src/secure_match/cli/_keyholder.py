"""EDGE: ``secure-match keyholder``: its key, and its answers to blinded requests."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from secure_match.agreement import Agreement
from secure_match.agreement.files import read_agreement
from secure_match.cli._desk import (
    IdentityOption,
    LogOption,
    OperatorOption,
    PeriodOption,
    UnlockKeyOption,
    UnlockPkcs11Option,
    login_name,
    open_desk,
)
from secure_match.cli._output import print_json, row_progress, say
from secure_match.cli._unlock import read_identity_from
from secure_match.encoded.files import verify_writable
from secure_match.errors import KeyFileError, Place, UsageError
from secure_match.exchange.identities import Identity
from secure_match.exchange.oprf.public_files import OprfPublicKey, write_oprf_public
from secure_match.keyholder.holder import KeyHolder
from secure_match.keyholder.key_files import new_keyholder_key, oprf_public_path, read_keyholder_key
from secure_match.keyholder.stations import EvaluateReport, evaluate_request

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Hold the key that ID tokens are made under; answer departments' blinded requests, up to their quota.",
)
AgreementArgument = Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")]
KeyOption = Annotated[Path, typer.Option(help="The key file, made by secure-match keyholder new, e.g. holder.oprf.")]
JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]


@app.command()
def new(
    agreement_file: AgreementArgument,
    *,
    party: Annotated[str, typer.Option(help="Id of the key holder in the agreement.")],
    out: Annotated[Path, typer.Option(help="The key file to write; only its owner can read it.")],
    identity: IdentityOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key holder's key for an agreement and its epoch, and the public file that the agreement takes.

    With --identity the key is sealed under it, as an agreement with public keys asks for.

    Example: secure-match keyholder new agreement.toml --party holder --out holder.oprf --identity holder.identity
    """
    if out.exists():
        raise KeyFileError("there is a file already; no key is overwritten", code="FILE_EXISTS", place=Place(file=out))
    verify_writable(out)
    own = _identity(identity, unlock_key, unlock_pkcs11)
    made = new_keyholder_key(read_agreement(agreement_file), party, out, identity=own)
    _tell_public(made, out, oprf_public_path(out), as_json)


@app.command()
def public(
    key: Annotated[Path, typer.Argument(metavar="KEY", help="The key file, e.g. holder.oprf.")],
    out: Annotated[Path | None, typer.Option(help="The public file. Default: beside the key.")] = None,
    *,
    identity: IdentityOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Write the public file of a key again, and say the key's name.

    Example: secure-match keyholder public holder.oprf --identity holder.identity
    """
    _, known = read_keyholder_key(key, _identity(identity, unlock_key, unlock_pkcs11))
    _tell_public(known, key, out if out is not None else oprf_public_path(key), as_json)


@app.command()
def evaluate(
    agreement_file: AgreementArgument,
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="A department's request, e.g. police.smb.")],
    *,
    key: KeyOption,
    out: Annotated[Path, typer.Option(help="The answer to write, e.g. police.sme.")],
    identity: IdentityOption = None,
    operator: OperatorOption = None,
    log: LogOption = None,
    period: PeriodOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a department's request under the key, if it is within its quota; the log says whom, and how much.

    Run it again after an interruption: chunks that were finished are kept.

    Example: secure-match keyholder evaluate agreement.toml police.smb --key holder.oprf --out police.sme
    """
    agreement = read_agreement(agreement_file)
    holder = open_holder(
        agreement,
        key,
        identity,
        operator=operator,
        log=log,
        period=period,
        unlock_key=unlock_key,
        unlock_pkcs11=unlock_pkcs11,
    )
    with row_progress("Evaluating", quiet=as_json) as advance:
        done = evaluate_request(holder, request, out, progress=advance)
    if as_json:
        print_json(
            {
                "department": done.department,
                "request_id": done.request_id,
                "elements": done.elements,
                "resumed": done.resumed,
                "quota": {"allowed": done.quota.allowed, "used_before": done.quota.used},
                "answer": str(done.answer),
            }
        )
        return
    left = done.quota.allowed - done.quota.used - done.elements
    say(
        f"{done.department}: {done.elements:,} elements evaluated"
        + (f", {done.resumed:,} of them by an interrupted run" if done.resumed else "")
        + f"; {left:,} of {done.quota.allowed:,} are left this month.",
        f"Wrote {done.answer}, logged in {holder.log}. Next: send it back to {done.department}.",
    )


@app.command()
def serve(
    agreement_file: AgreementArgument,
    *,
    key: KeyOption,
    identity: Annotated[Path, typer.Option(envvar="SECURE_MATCH_IDENTITY", help="Your party's identity file.")],
    tls_certificate: Annotated[Path, typer.Option(help="PEM: the service's certificate and those above it.")],
    tls_key: Annotated[Path, typer.Option(help="PEM: the certificate's key.")],
    tls_clients: Annotated[Path, typer.Option(help="PEM: the authorities that sign departments' certificates.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8443,
    operator: OperatorOption = None,
    log: LogOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockPkcs11Option = None,
) -> None:
    """Answer departments' requests over HTTPS until stopped: the checks, quota and log of keyholder evaluate.

    A department posts its sealed request to /v1/evaluate, with a certificate of its own, and gets the answer.

    Example: secure-match keyholder serve agreement.toml --key holder.oprf --identity holder.identity
    --tls-certificate service.pem --tls-key service.key --tls-clients departments.pem
    """
    try:
        service = importlib.import_module("secure_match.keyholder.service")
    except ModuleNotFoundError:
        service = None
    if service is None:
        raise UsageError("install the extra: pip install 'secure_match[service]'", code="EXTRA_MISSING")
    holder = open_holder(
        read_agreement(agreement_file),
        key,
        identity,
        operator=operator,
        log=log,
        period=None,
        unlock_key=unlock_key,
        unlock_pkcs11=unlock_pkcs11,
    )
    tls = service.Tls(certificate=tls_certificate, private_key=tls_key, clients=tls_clients)
    server = service.service_server(service.service_app(holder, told=_tell_served), tls, host=host, port=port)
    say(f"Listening on https://{host}:{port}{service.EVALUATE_PATH}; the log is {holder.log}. Stop with Ctrl-C.")
    server.run()


def _tell_served(report: EvaluateReport) -> None:
    say(f"{report.department}: {report.elements:,} elements evaluated")


def open_holder(
    agreement: Agreement,
    key: Path,
    identity: Path | None,
    *,
    operator: str | None,
    log: Path | None,
    period: str | None,
    unlock_key: Path | None,
    unlock_pkcs11: str | None,
) -> KeyHolder:
    """The key holder at work: with a desk under a sealed agreement, with a log beside its key under a trial one.

    Raises:
        UsageError: as ``open_desk``; ``OPERATOR_NEEDED``.
        KeyFileError: as ``read_keyholder_key`` and ``KeyHolder``.
    """
    desk = open_desk(
        agreement,
        identity,
        operator=operator,
        log=log,
        period=period,
        unlock_key=unlock_key,
        unlock_pkcs11=unlock_pkcs11,
    )
    secret, known = read_keyholder_key(key, desk.identity if desk is not None else None)
    name = desk.operator if desk is not None else operator or login_name()
    if not name:
        raise UsageError("nobody is named who works here; add --operator NAME", code="OPERATOR_NEEDED")
    own_log = log if log is not None else key.with_name(f"{key.name}.log")
    return KeyHolder(
        agreement=agreement,
        key=secret,
        public=known,
        log=desk.log if desk is not None else own_log,
        operator=name,
        clock=lambda: datetime.now(UTC),
        desk=desk,
    )


def _identity(path: Path | None, unlock_key: Path | None, unlock_pkcs11: str | None) -> Identity | None:
    return read_identity_from(path, unlock_key, unlock_pkcs11) if path is not None else None


def _tell_public(known: OprfPublicKey, key: Path, public_file: Path, as_json: bool) -> None:
    write_oprf_public(known, public_file)
    if as_json:
        print_json(
            {
                "party": known.party,
                "agreement": known.agreement_id,
                "key_epoch": known.key_epoch,
                "key": str(key),
                "public": str(public_file),
                "public_key": known.text,
                "key_id": known.key_id,
            }
        )
        return
    spoken = " ".join(known.key_id[start : start + 4] for start in range(0, len(known.key_id), 4))
    say(
        f"Key of {known.party} for {known.agreement_id}, epoch {known.key_epoch}: {known.key_id}",
        f"Read this out on the telephone to whoever puts the agreement together: {spoken}",
        f"Wrote {public_file}, for the agreement. {key} stays here; without it no token of this epoch can be made.",
    )
