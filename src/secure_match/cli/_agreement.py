"""EDGE: ``secure-match agreement``: write a template, check an agreement and see what would leave."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from secure_match.agreement import dataset_passes, leaving_columns, parse_agreement
from secure_match.agreement._add_keys import add_public_keys
from secure_match.agreement.files import read_agreement, read_agreement_text, write_agreement
from secure_match.cli._output import print_json, say, show_table
from secure_match.encoded.files import atomic_writer
from secure_match.errors import UsageError, located
from secure_match.exchange.approvals import verify_agreement_keys
from secure_match.exchange.key_files import read_public
from secure_match.exchange.oprf.agreed_keys import verify_holder_keys, verify_made_for
from secure_match.exchange.oprf.public_files import is_oprf_public, read_oprf_public

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Write and check the agreement that every party holds."
)

JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object for machines.")]


@app.command()
def new(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="Where agreement.toml is written; made if it is not there.")
    ],
    template: Annotated[
        Literal["city", "trusted", "generic"],
        typer.Option(
            help="city: a Chinese city's registers. trusted: the same without key holder and second phase, for a "
            "trial or a small trusted setting. generic: two registers with names and addresses of any land."
        ),
    ] = "city",
) -> None:
    """Write a commented agreement that works as it stands.

    Example: secure-match agreement new city/
    """
    path = write_agreement(directory, template)
    say(f"Wrote {path}. Edit it, then: secure-match agreement check {path}")


@app.command("add-keys")
def add_keys(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The agreement, e.g. agreement.toml.")],
    public_files: Annotated[
        list[Path], typer.Argument(metavar="PUBLIC...", help="Public files of the parties, e.g. *.public.json.")
    ],
    approver: Annotated[
        list[Path] | None,
        typer.Option(help="Public file of a department's second operator: its signing key approves releases."),
    ] = None,
    replace_signing: Annotated[
        bool,
        typer.Option("--replace-signing", help="Let a party's signing key change; ask the party why it did, first."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the parties' public keys into the agreement, which makes it a sealed one; comments stay.

    A key holder's OPRF public file goes in the same way; it alone seals nothing.

    Example: secure-match agreement add-keys agreement.toml police.public.json bureau.public.json
    """
    holders = [read_oprf_public(path) for path in public_files if is_oprf_public(path)]
    given = [read_public(path) for path in public_files if not is_oprf_public(path)]
    for parties in ([public.party for public in given], [public.party for public in holders]):
        if len(set(parties)) != len(parties):
            raise UsageError("two of the public files are of one party", code="KEYS_TWICE")
    keys = {public.party: (public.role, public.party_keys()) for public in given}
    for holder in holders:
        role, known = keys.get(holder.party, ("keyholder", {}))
        keys[holder.party] = (role, {**known, "oprf": holder.text})
    for public in [read_public(path) for path in approver or ()]:
        role, known = keys.get(public.party, (public.role, {}))
        keys[public.party] = (role, {**known, "approval": public.party_keys()["signing"]})
    with located(file):
        text = add_public_keys(read_agreement_text(file), keys, replace_signing=replace_signing)
        agreement = parse_agreement(text)
        for holder in holders:
            verify_made_for(agreement, holder)
    mode = file.stat().st_mode
    with atomic_writer(file) as stream:
        stream.write(text.encode())
    file.chmod(mode & 0o777)
    fingerprint = agreement.fingerprint
    if as_json:
        names = [{"party": public.party, "role": public.role, "key_id": public.key_id} for public in given]
        names += [{"party": holder.party, "role": "keyholder", "key_id": holder.key_id} for holder in holders]
        print_json({"agreement": str(file), "fingerprint": fingerprint, "keys": names})
        return
    say(*(f"{public.party} ({public.role}): keys {public.key_id}" for public in given))
    say(*(f"{holder.party} (keyholder): OPRF key {holder.key_id}" for holder in holders))
    sealed = "packages are sealed" if agreement.sealed else "still a trial, packages are plain"
    say(
        "Ask every party by telephone whether these are the names of its keys.",
        f"fingerprint {fingerprint}",
        f"Wrote {file}: {sealed}. Hand it to every party; all have to see the same fingerprint.",
    )


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The agreement, e.g. agreement.toml.")],
    as_json: JsonOption = False,
) -> None:
    """Validate an agreement; print its fingerprint and exactly which columns would leave each department.

    Example: secure-match agreement check city/agreement.toml
    """
    agreement = read_agreement(file)
    with located(file):
        verify_agreement_keys(agreement)
        verify_holder_keys(agreement)
    datasets = {dataset.id: leaving_columns(agreement, dataset) for dataset in agreement.datasets}
    if as_json:
        print_json(
            {
                "id": agreement.id,
                "fingerprint": agreement.fingerprint,
                "datasets": [
                    {
                        "id": dataset.id,
                        "owner": dataset.owner,
                        "kind": dataset.kind,
                        "passes": [item.id for item in dataset_passes(agreement, dataset)],
                        "columns": [
                            {"name": column.name, "form": column.form, "source": column.source}
                            for column in datasets[dataset.id]
                        ],
                    }
                    for dataset in agreement.datasets
                ],
            }
        )
        return
    for dataset in agreement.datasets:
        show_table(
            f"{dataset.id} ({dataset.title}), owned by {dataset.owner}: these columns leave, and nothing else",
            ["column", "form", "made from"],
            [[column.name, column.form, column.source] for column in datasets[dataset.id]],
        )
    if agreement.id_token.protocol == "oprf" and not any("oprf" in party.public_keys for party in agreement.parties):
        say("a draft: it names no oprf key of a key holder, so that no ID token can be made; see: agreement add-keys")
    following = "contribute" if agreement.sealed else "new"
    say(
        f"agreement {agreement.id}: valid",
        f"fingerprint {agreement.fingerprint}",
        f"Every party has to see the same fingerprint. Next: secure-match keys {following} --help",
    )
