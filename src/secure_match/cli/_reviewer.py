"""EDGE: ``secure-match review``: what left, in which form, what it would betray.

It loads no department, but for ``attack``, which reads a roster in plaintext.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from secure_match.agreement import Agreement
from secure_match.agreement.files import read_agreement
from secure_match.cli import _reviewer_attack, _reviewer_log
from secure_match.cli._output import message_language, print_json, say, say_aside, show_table, step_progress
from secure_match.cli._unlock import UnlockKeyOption, UnlockTokenOption, read_identity_from
from secure_match.encoded import EncodedDataset
from secure_match.errors import UsageError
from secure_match.exchange.identities import Identity
from secure_match.review import _difference_texts, _inspection_texts, _verification_texts
from secure_match.review._disclosure_page import disclosure_markdown
from secure_match.review._verification_texts import CHECKS
from secure_match.review.difference import Difference, difference, difference_json
from secure_match.review.disclosure import disclose, disclosure_json
from secure_match.review.files import ReadPackage, read_any, verify_document_path, write_document
from secure_match.review.inspection_report import (
    PackageInspection,
    inspect_package,
    inspection_json,
    inspection_tables,
)
from secure_match.review.sbom import sbom, serialise_sbom
from secure_match.review.verification import Examination, examine

app = typer.Typer(no_args_is_help=True, add_completion=False, help="See what leaves and check what left. Reads only.")
app.add_typer(_reviewer_log.app, name="log")
app.command()(_reviewer_attack.attack)

EXIT_REFUSED = 2

Language = Literal["zh", "en"]
LanguageOption = Annotated[Language | None, typer.Option("--lang", help="Language of the text. Default: from LANG.")]
JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]
AgreementOption = Annotated[
    Path | None, typer.Option("--agreement", help="The agreement; needed to open a sealed package.")
]
RecipientIdentityOption = Annotated[
    Path | None, typer.Option("--identity", help="Identity file of the party that a sealed package is for.")
]


@app.command("verify")
def verify_packages(
    packages: Annotated[list[Path], typer.Argument(metavar="PACKAGES...", help="Packages of any kind.")],
    agreement: Annotated[Path, typer.Option("--agreement", help="Your own copy of the agreement.")],
    recipient: Annotated[str | None, typer.Option(help="Refuse packages that are for another party than this.")] = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check form, signature, sender, agreement, epoch and digests, and say what that does not show. Needs no key.

    Every package is examined; the exit status is 2 if one is refused.

    Example: secure-match review verify demo-out/sent/*.smp --agreement demo-out/agreement.toml
    """
    language = lang or message_language()
    known = read_agreement(agreement)
    results = examine(packages, known, recipient=recipient)
    if len(results) == 1 and results[0].problem is not None and not as_json:
        raise results[0].problem
    if as_json:
        print_json(_verification_json(results, known, language))
    else:
        for _, alike in groupby(results, key=lambda result: (result.verified, result.not_verified)):
            _tell_examinations(list(alike), language)
    for result in results:
        if result.problem is not None:
            say_aside(f"error: {result.problem}")
    verified = sum(result.problem is None for result in results)
    if verified < len(results):
        raise typer.Exit(EXIT_REFUSED)
    if not as_json:
        counts = {"verified": verified, "packages": len(results), "agreement": known.id}
        say(_verification_texts.say("summary", language, **counts))


def _verification_json(results: tuple[Examination, ...], agreement: Agreement, language: Language) -> dict[str, Any]:
    return {
        "agreement": agreement.id,
        "fingerprint": agreement.fingerprint,
        "sealed": agreement.sealed,
        "verified": all(result.problem is None for result in results),
        "packages": [
            {
                "file": result.path.name,
                "verified": result.problem is None,
                "code": result.problem.code if result.problem is not None else None,
                "problem": result.problem.message if result.problem is not None else None,
                "checked": {check: CHECKS[check][language] for check in result.verified},
                "not_shown": {check: CHECKS[check][language] for check in result.not_verified},
                **result.facts,
            }
            for result in results
        ],
    }


def _tell_examinations(results: list[Examination], language: Language) -> None:
    """Packages of which the same was checked, and once what that was."""
    text = _verification_texts.say
    for result in results:
        if result.problem is not None:
            say(text("refused", language, file=result.path.name))
            continue
        say(text("verified", language, file=result.path.name), text("facts", language, **result.facts))
        if result.facts["sealed"]:
            say(text("made", language, **result.facts))
    say(*(text("checked", language, text=CHECKS[check][language]) for check in results[0].verified))
    say(*(text("open", language, text=CHECKS[check][language]) for check in results[0].not_verified))


@app.command("disclose")
def disclose_agreement(
    agreement: Annotated[Path, typer.Argument(metavar="AGREEMENT", help="The agreement, e.g. agreement.toml.")],
    out: Annotated[Path | None, typer.Option(help="Write Markdown here in place of the screen; a new file.")] = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what leaves each department, in which form, to whom, what for, and who could reverse it together with whom.

    Example: secure-match review disclose agreement.toml --lang zh --out data-flow.md
    """
    language = lang or message_language()
    if out is not None:
        verify_document_path(out)
    found = disclose(read_agreement(agreement))
    text = disclosure_markdown(found, language)
    if out is not None:
        write_document(text, out)
    if as_json:
        print_json(disclosure_json(found) | {"markdown": str(out) if out is not None else None})
    elif out is not None:
        closing = {
            "zh": f"已写入 {out}。可作为个人信息保护影响评估的材料，须由各方核对。",
            "en": f"Wrote {out}: material for the impact assessment. Next: have every party check it.",
        }
        say(closing[language])
    else:
        say(*text.splitlines())


@app.command("inspect")
def inspect_rows(
    package: Annotated[Path, typer.Argument(metavar="PACKAGE", help="A package of any kind.")],
    agreement: AgreementOption = None,
    identity: RecipientIdentityOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockTokenOption = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show columns, counts and distributions that would betray a person: rare codes, frequent tokens, block sizes.

    Of a sealed package without --identity, what its manifest states. No value is shown.

    Example: secure-match review inspect population.smp
    """
    language = lang or message_language()
    read = _read(package, agreement, _identity(agreement, identity, unlock_key, unlock_pkcs11))
    passes = len(read.content.manifest.passes) if isinstance(read.content, EncodedDataset) else 0
    with step_progress(package.name, 2 + passes, quiet=as_json) as step:
        found = inspect_package(read, progress=step)
    if as_json:
        print_json(inspection_json(found, language))
        return
    _tell_inspection(found, language)


def _read(path: Path, agreement: Path | None, identity: Identity | None) -> ReadPackage:
    return read_any(path, agreement=read_agreement(agreement) if agreement else None, identity=identity)


def _identity(
    agreement: Path | None, identity: Path | None, unlock_key: Path | None, unlock_pkcs11: str | None
) -> Identity | None:
    if identity is None:
        return None
    if agreement is None:
        raise UsageError("with --identity name the agreement, too: --agreement", code="AGREEMENT_NEEDED")
    return read_identity_from(identity, unlock_key, unlock_pkcs11)


def _tell_inspection(found: PackageInspection, language: Language) -> None:
    text = _inspection_texts.say
    package = found.package
    rows = "?" if found.rows is None else f"{found.rows:,}"
    say(text("head", language, file=package.path.name, kind=package.kind, rows=rows))
    counts = package.manifest.get("counts")
    if isinstance(counts, dict):
        say(text("read", language, **counts))
    if package.sealed is not None and package.content is None:
        say(text("shut", language, recipient=package.sealed.manifest.recipient))
    for table in inspection_tables(found, language):
        show_table(table.title, table.header, table.rows)
    if found.dataset is not None:
        share = f"{found.dataset.fuzzy_share:.1%}"
        say(text("unique", language, rows=f"{found.dataset.unique_rows:,}", share=share))
        say(*(text("warning", language, text=item.text(language)) for item in found.dataset.warnings))
        if not found.dataset.warnings:
            say(text("quiet", language))
    say(text("end", language))


@app.command("diff")
def diff_packages(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A package.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="A later one of the same kind.")],
    agreement: AgreementOption = None,
    identity: RecipientIdentityOption = None,
    unlock_key: UnlockKeyOption = None,
    unlock_pkcs11: UnlockTokenOption = None,
    lang: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two packages: manifests, rows by handle, cells by column; and say whether rows can be followed.

    Of sealed packages without --identity the manifests alone.

    Example: secure-match review diff october.smp november.smp
    """
    language = lang or message_language()
    opened = _identity(agreement, identity, unlock_key, unlock_pkcs11)
    found = difference(_read(before, agreement, opened), _read(after, agreement, opened))
    if as_json:
        print_json(difference_json(found))
        return
    _tell_difference(found, language)


def _tell_difference(found: Difference, language: Language) -> None:
    text = _difference_texts.say
    if found.manifest:
        header = [text(name, language) for name in ("key", "before", "after")]
        rows = [[item.key, item.before or "", item.after or ""] for item in found.manifest]
        show_table(text("manifest", language), header, rows)
    else:
        say(text("same_manifest", language))
    if found.rows is None:
        say(text("shut", language))
        return
    header = [text(name, language) for name in ("before", "after", "common", "added", "gone", "changed")]
    rows_of = found.rows
    numbers = (rows_of.before, rows_of.after, rows_of.common, rows_of.added, rows_of.gone, rows_of.changed)
    show_table(text("rows", language), header, [[f"{number:,}" for number in numbers]])
    changed = [[name, f"{count:,}"] for name, count in rows_of.cells.items() if count]
    if changed:
        show_table(text("cells", language), [text("column", language), text("changed", language)], changed)
    say(*_difference_texts.remarks(found, language))


@app.command("sbom")
def write_sbom(
    out: Annotated[Path | None, typer.Option(help="Write the JSON here in place of the screen; a new file.")] = None,
) -> None:
    """List what this installation is made of, as CycloneDX JSON: every distribution, its version and licence.

    Example: secure-match review sbom --out sbom.json
    """
    if out is not None:
        verify_document_path(out)
    content = sbom()
    if out is None:
        print_json(content)
        return
    write_document(serialise_sbom(content), out)
    say(f"Wrote {out}: {len(content['components'])} components. Next: compare them with the locked requirements.")
