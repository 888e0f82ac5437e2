"""A department and a bureau under a sealed agreement, with logs and one package in the real form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from encoded.tiny import TABLE, manifest_with
from secure_match.agreement import template_text
from secure_match.agreement.files import read_agreement
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import write_dataset
from secure_match.exchange.desk import Desk, Outgoing
from secure_match.exchange.identities import Identity, Role

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PARTIES: dict[str, Role] = {
    "police": "department",
    "hrss": "department",
    "medical": "department",
    "education": "department",
    "bureau": "bureau",
}


def identity(party: str) -> Identity:
    number = list(PARTIES).index(party)
    return Identity.from_seeds(
        party, PARTIES[party], transport_seed=bytes([number + 1]) * 96, signing_seed=bytes([number + 9]) * 32
    )


def write_sealed_agreement(path: Path) -> None:
    text = template_text("trusted")
    for party in PARTIES:
        keys = ", ".join(f'{name} = "{key}"' for name, key in identity(party).public.party_keys().items())
        text = text.replace(f'id = "{party}"\n', f'id = "{party}"\npublic_keys = {{ {keys} }}\n', 1)
    path.write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offices:
    """Two desks in one folder, and what they left there."""

    folder: Path

    @property
    def agreement(self) -> Path:
        return self.folder / "agreement.toml"

    def log(self, party: str) -> Path:
        return self.folder / f"{party}.log"

    def desk(self, party: str, second: int = 0) -> Desk:
        return Desk(
            agreement=read_agreement(self.agreement),
            identity=identity(party),
            operator="林",
            log=self.log(party),
            period="2026-11",
            clock=lambda: START + timedelta(seconds=second),
        )

    def send(self, name: str, second: int = 0) -> Path:
        """A package of the police to the bureau."""
        plain, out = self.folder / f"{name}.plain", self.folder / f"{name}.smp"
        agreement = read_agreement(self.agreement)
        manifest = manifest_with(
            definition_id=agreement.id,
            definition_fingerprint=agreement.fingerprint,
            key_epoch=agreement.key_epoch,
            dataset="population",
            owner="police",
            tool=f"test {name}",
        )
        write_dataset(EncodedDataset(manifest=manifest, table=TABLE), plain)
        self.desk("police", second).send(
            plain, out, Outgoing(kind="encodings", recipient="bureau", columns=(), counts={"read": 13, "encoded": 12})
        )
        plain.unlink()
        return out

    def take_in(self, package: Path, second: int = 0) -> None:
        with self.desk("bureau", second).received(package, "encodings", action="intake"):
            pass


def open_offices(folder: Path) -> Offices:
    offices = Offices(folder=folder)
    write_sealed_agreement(offices.agreement)
    return offices
