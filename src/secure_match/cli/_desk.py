"""EDGE: the options by which a party works under a sealed agreement, and the desk that they make."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from secure_match.agreement import Agreement
from secure_match.cli._unlock import read_identity_from
from secure_match.errors import UsageError
from secure_match.exchange.desk import Desk, require_desk
from secure_match.exchange.private_folders import remove_leftovers

IdentityOption = Annotated[
    Path | None,
    typer.Option(
        envvar="SECURE_MATCH_IDENTITY",
        help="Your party's identity file. Needed where the agreement names public keys.",
    ),
]
OperatorOption = Annotated[
    str | None,
    typer.Option(
        envvar="SECURE_MATCH_OPERATOR",
        help="Who works here: a name or staff id, for the audit log. Default: the login.",
    ),
]
LogOption = Annotated[
    Path | None, typer.Option(envvar="SECURE_MATCH_LOG", help="Your audit log. Default: beside the identity file.")
]
PeriodOption = Annotated[str | None, typer.Option(help="Month (YYYY-MM) that packages are of. Default: this month.")]
UnlockKeyOption = Annotated[
    Path | None,
    typer.Option(
        envvar="SECURE_MATCH_UNLOCK_KEY",
        help="File of 32 random bytes that opens the identity, in place of a passphrase.",
    ),
]
UnlockPkcs11Option = Annotated[
    str | None,
    typer.Option(
        envvar="SECURE_MATCH_UNLOCK_PKCS11", help="PKCS#11 URI of the key in a token that opens the identity."
    ),
]


def open_desk(
    agreement: Agreement | None,
    identity: Path | None,
    *,
    operator: str | None = None,
    log: Path | None = None,
    period: str | None = None,
    unlock_key: Path | None = None,
    unlock_pkcs11: str | None = None,
) -> Desk | None:
    """The desk of a command; None without an identity. What a killed command left beside its log is removed.

    Raises:
        UsageError: ``AGREEMENT_NEEDED``; ``IDENTITY_NEEDED`` or ``IDENTITY_UNUSED`` where the agreement asks for the
            other; ``PERIOD_FORM``, ``OPERATOR_NEEDED``.
        KeyFileError: as ``read_identity_from``; ``KEY_PARTY``.
    """
    if identity is None:
        if agreement is not None:
            require_desk(agreement, None)
        return None
    if agreement is None:
        raise UsageError("with --identity name the agreement, too: --agreement", code="AGREEMENT_NEEDED")
    if not agreement.sealed:
        raise UsageError(
            "the agreement names no public keys, so that nothing is sealed; add them with: secure-match agreement "
            "add-keys, or leave --identity out for a trial",
            code="IDENTITY_UNUSED",
        )
    desk = Desk(
        agreement=agreement,
        identity=read_identity_from(identity, unlock_key, unlock_pkcs11),
        operator=_operator(operator),
        log=log if log is not None else identity.with_suffix(".log"),
        period=period if period is not None else datetime.now(UTC).strftime("%Y-%m"),
        clock=lambda: datetime.now(UTC),
        kernel=f"numba {version('numba')}",
    )
    remove_leftovers(desk.log.parent)
    return desk


def _operator(named: str | None) -> str:
    name = named or login_name()
    if not name:
        raise UsageError("nobody is named who works here; add --operator NAME", code="OPERATOR_NEEDED")
    return name


def login_name() -> str:
    """The name that this process is logged in under; "" where there is none."""
    # Without a login name, as in a container, getpass raises KeyError or OSError.
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
