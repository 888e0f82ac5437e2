"""EDGE: ``secure-match review attack``: attack packages with a roster in plaintext.

The one command of a reviewer that reads plaintext, and so the one that loads the department's normalisation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from secure_match.agreement import Agreement
from secure_match.agreement.files import read_agreement
from secure_match.cli._attack_extra import require_attacks
from secure_match.cli._output import message_language
from secure_match.cli._unlock import UnlockKeyOption, UnlockTokenOption, read_identity_from
from secure_match.encoded import EncodedDataset
from secure_match.encoded.phases import join_phases, pass_columns
from secure_match.errors import LinkageError, PackageError, Place, UsageError, located
from secure_match.exchange.identities import Identity
from secure_match.review.files import read_any


def attack(
    packages: Annotated[
        list[Path],
        typer.Argument(metavar="PACKAGES...", help="Of one dataset: a package, and of two phases its passes beside."),
    ],
    *,
    roster: Annotated[
        Path,
        typer.Option(help="Plaintext table with the headers of the dataset and a column handle: whose row is which."),
    ],
    agreement_file: Annotated[Path, typer.Option("--agreement", help="The agreement that they were made under.")],
    out: Annotated[Path, typer.Option(help="Directory for privacy.html and privacy.json.")] = Path("privacy-report"),
    thorough: Annotated[
        bool, typer.Option("--thorough", metavar="", help="Also logistic and neural decoders; takes far longer.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws of known pairs.")] = 0,
    identity: Annotated[
        Path | None, typer.Option("--identity", help="Identity file of the party that a sealed package is for.")
    ] = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockTokenOption = None,
    lang: Annotated[
        Literal["zh", "en"] | None, typer.Option(help="Language of the report. Default: from LANG.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")] = False,
) -> None:
    """Attack packages as a bureau could that knows everybody in plaintext; write a privacy report.

    The roster's handles are the truth: known pairs are drawn from them, and hits are counted by them. A rehearsal with
    --keep writes both. The exit status is 3 where the agreement's limit is exceeded.

    Example: secure-match review attack rehearsal.smp --roster roster.csv --agreement agreement.toml
    """
    require_attacks()
    from secure_match.cli._attack import package_report  # noqa: PLC0415  # An extra, and a department's code.
    from secure_match.cli._privacy import tell_privacy, verify_privacy_outputs  # noqa: PLC0415

    language = lang or message_language()
    agreement = read_agreement(agreement_file)
    verify_privacy_outputs(out)
    opened = read_identity_from(identity, unlock_key, unlock_pkcs11) if identity is not None else None
    encoded = _joined(agreement, packages, opened)
    report = package_report(agreement, encoded, roster, thorough=thorough, seed=seed, quiet=as_json)
    tell_privacy(report, out, language, as_json=as_json)


def _joined(agreement: Agreement, packages: list[Path], identity: Identity | None) -> EncodedDataset:
    """One dataset of all packages.

    Raises:
        SecureMatchError: as ``read_any`` and ``join_phases``; ``PACKAGE_KIND``, ``DEFINITION_MISMATCH``,
            ``IDENTITY_NEEDED``, ``PHASE_BASE``.
    """
    bases: list[tuple[EncodedDataset, str]] = []
    parts: list[EncodedDataset] = []
    for path in packages:
        read = read_any(path, agreement=agreement, identity=identity)
        with located(path):
            if read.content is None:
                raise UsageError("this package is sealed: name its recipient's --identity", code="IDENTITY_NEEDED")
            if not isinstance(read.content, EncodedDataset):
                raise PackageError("this package holds no encodings", code="PACKAGE_KIND")
            if read.content.manifest.definition_fingerprint != agreement.fingerprint:
                raise LinkageError("this was made under another agreement", code="DEFINITION_MISMATCH")
        if read.content.manifest.phase == 2:
            parts.append(read.content)
        else:
            bases.append((read.content, read.digest))
    if len(bases) != 1:
        raise PackageError(
            "name one package of tokens and codes, and beside it packages of its passes",
            code="PHASE_BASE",
            place=Place(file=packages[0]),
        )
    base, digest = bases[0]
    if base.manifest.phase is None and not parts:
        return base
    dataset = agreement.dataset(base.manifest.dataset)
    if dataset is None:
        raise LinkageError("the agreement has no such dataset", code="DATASET_UNKNOWN", place=Place(file=packages[0]))
    return join_phases(base, [digest], parts, pass_columns(agreement, dataset))
