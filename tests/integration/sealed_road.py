"""The way of the hand-written city under a sealed agreement, by the real commands: ceremony, packages, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from integration.people import EXPORTS, OWNERS
from integration.road import write_exports
from secure_match.agreement._add_keys import add_public_keys
from secure_match.agreement.files import read_agreement, write_trusted_agreement
from secure_match.cli._demo_desks import hold_ceremony, make_desks, make_identities, seal_agreement
from secure_match.exchange.identities import Identity, Role
from secure_match.exchange.key_files import write_identity
from secure_match.exchange.locks import KeyFileLock

UNLOCK: Final = b"a worthless key that unlocks all"
PASSPHRASE: Final = "worthless passphrase of the road"
PARTIES: Final = (*sorted(set(OWNERS.values())), "bureau")
SEED: Final = 11
RESOLVED: Final = {"population": "csv", "employee_medical": "xlsx"}
Words = list[str]


def lay_out_sealed(root: Path) -> None:
    """The agreement, still without keys, the exports, and the file that unlocks identities."""
    write_trusted_agreement(root)
    write_exports(root)
    (root / "unlock.bin").write_bytes(UNLOCK)
    (root / "unlock.bin").chmod(0o600)
    for folder in ("sent", "lists"):
        (root / folder).mkdir()


def at_desk(party: str) -> Words:
    """The options by which a party works."""
    return ["--identity", f"{party}.identity", "--unlock-key", "unlock.bin", "--operator", "zhang"]


def ceremony_words() -> Iterator[Words]:
    """Identities, the agreement with their keys, shares, and the departments' encoding keys."""
    unlock = ["--unlock-key", "unlock.bin"]
    for party in PARTIES:
        role = "bureau" if party == "bureau" else "department"
        yield ["keys", "new", "--role", role, "--party", party, "--out", f"{party}.identity", *unlock]
    yield ["agreement", "add-keys", "agreement.toml", *(f"{party}.public.json" for party in PARTIES)]
    yield ["agreement", "check", "agreement.toml"]
    departments = PARTIES[:-1]
    for party in departments:
        contribute = ["keys", "contribute", "agreement.toml", "--identity", f"{party}.identity", *unlock]
        yield [*contribute, "--out", f"{party}.smk"]
    for party in departments:
        derive = ["keys", "derive", "agreement.toml", "--identity", f"{party}.identity", *unlock]
        yield [*derive, "--out", f"{party}.key", *(f"{each}.smk" for each in departments)]


def work_words() -> Iterator[Words]:
    """Encode, link, resolve."""
    for dataset, party in OWNERS.items():
        encode = ["department", "encode", "agreement.toml", dataset, f"{dataset}.csv", "--key", f"{party}.key"]
        yield [*encode, *at_desk(party), "--out", f"sent/{dataset}.smp"]
    packages = [f"sent/{dataset}.smp" for dataset in EXPORTS]
    yield ["bureau", "link", "agreement.toml", *packages, *at_desk("bureau"), "--out", "run"]
    for dataset, ending in RESOLVED.items():
        party = OWNERS[dataset]
        resolve = ["department", "resolve", f"run/findings-{party}.smf", f"{dataset}.csv", "--key", f"{party}.key"]
        more = ["--agreement", "agreement.toml", "--dataset", dataset, "--out", f"lists/{dataset}.{ending}"]
        yield [*resolve, *at_desk(party), *more]


def lay_out_keyed(root: Path, *, second_operator: str = "") -> dict[str, Identity]:
    """As after the ceremony, with known secrets and without a process for each step; the keys are the demo's.

    Args:
        second_operator: the department whose second operator's identity is written as well, ``second.identity``; with
            it the agreement asks for an approval.
    """
    lay_out_sealed(root)
    (root / "unlock.bin").unlink()
    path = root / "agreement.toml"
    identities = make_identities(read_agreement(path), SEED, root)
    (root / "unlock.key").rename(root / "unlock.bin")
    if second_operator:
        _ask_for_two(path, identities, second_operator)
    agreement = seal_agreement(path, identities)
    desks = make_desks(agreement, identities, root)
    hold_ceremony(agreement, desks, SEED, root, {party: root / f"{party}.key" for party in PARTIES[:-1]})
    return identities


def _ask_for_two(path: Path, identities: Mapping[str, Identity], department: str) -> None:
    text = path.read_text(encoding="utf-8").replace("second_operator = false", "second_operator = true")
    keys: dict[str, tuple[Role, dict[str, str]]] = {}
    for party, identity in identities.items():
        keys[party] = (identity.role, identity.public.party_keys())
        if party in PARTIES[:-1]:
            second = Identity.create(party, "department")
            keys[party][1]["approval"] = second.public.party_keys()["signing"]
            if party == department:
                lock = KeyFileLock((path.parent / "unlock.bin").read_bytes())
                write_identity(second, path.parent / "second.identity", lock)
    path.write_text(add_public_keys(text, keys), encoding="utf-8")
