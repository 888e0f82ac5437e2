"""Makes docs/spec/sealed-example: a small sealed package with all that a reader needs to open and to judge it.

The people are those of examples/city_by_hand. All keys come from a text that stands below, so they are worth nothing;
the sealing itself is random, so every run gives other bytes. Needed again only when the format, the tables of names or
the city template change.

Example:
    python tools/make_sealed_example.py
"""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from secure_match.agreement import Agreement, parse_agreement, template_text
from secure_match.department import DepartmentKey
from secure_match.department.encode_station import encode_export
from secure_match.department.key_files import write_sealed_key
from secure_match.exchange.desk import Desk
from secure_match.exchange.files import open_package_to
from secure_match.exchange.identities import Identity
from secure_match.exchange.manifest import SealedManifest
from secure_match.exchange.sealed import seal

REPOSITORY: Final = Path(__file__).parents[1]
EXPORT: Final = REPOSITORY / "examples" / "city_by_hand" / "population.csv"
TARGET: Final = REPOSITORY / "docs" / "spec" / "sealed-example"
CHUNK_BYTES: Final = 2048  # Small, so that the little package has several chunks.
ROLES: Final = ("police", "hrss", "medical", "education", "bureau")


def worthless(purpose: str, length_bytes: int) -> bytes:
    """Bytes that everybody can compute."""
    return hashlib.shake_256(f"secure_match worthless example: {purpose}".encode()).digest(length_bytes)


def identity(party: str) -> Identity:
    """The worthless identity of a party of the city template."""
    return Identity.from_seeds(
        party,
        "bureau" if party == "bureau" else "department",
        transport_seed=worthless(f"transport {party}", 96),
        signing_seed=worthless(f"signing {party}", 32),
    )


def sealed_agreement() -> str:
    """The city template with the public keys of all parties."""
    text = template_text("city")
    for party in ROLES:
        keys = identity(party).public.party_keys()
        head, tail = text.split(f'[[parties]]\nid = "{party}"\n', 1)
        lines = "".join(f'{purpose} = "{key}"\n' for purpose, key in keys.items())
        body, rest = tail.split("\n\n", 1)
        text = f'{head}[[parties]]\nid = "{party}"\n{body}\n[parties.public_keys]\n{lines}\n{rest}'
    return text


def sent_package(agreement: Agreement, police: Identity, folder: Path) -> tuple[SealedManifest, bytes]:
    """What the police of examples/city_by_hand send: the manifest and the content."""
    key = DepartmentKey.create(
        party="police",
        agreement_id=agreement.id,
        key_epoch=agreement.key_epoch,
        encoding_secret=worthless("encoding", 32),
        handle_secret=worthless("handle", 32),
        agreement_fingerprint=agreement.fingerprint,
    )
    desk = Desk(
        agreement=agreement,
        identity=police,
        operator="example",
        log=folder / "police.log",
        period="2026-11",
        clock=lambda: datetime(2026, 11, 23, 8, tzinfo=UTC),
    )
    key_path, out, plain = folder / "police.key", folder / "population.smp", folder / "plain.smp"
    write_sealed_key(key, key_path, police)
    encode_export(agreement, "population", EXPORT, key_path, out, desk=desk)
    manifest = open_package_to(out, agreement, police, plain, own=True).manifest
    return manifest, plain.read_bytes()


def main() -> None:
    """Write the example."""
    TARGET.mkdir(exist_ok=True)
    text = sealed_agreement()
    agreement = parse_agreement(text)
    police, bureau = identity("police"), identity("bureau")
    with TemporaryDirectory() as folder:
        sent, plain = sent_package(agreement, police, Path(folder))
    draft = sent.model_dump(mode="json") | {"sealing": {"suite": "international", "chunk_bytes": CHUNK_BYTES}}
    target = io.BytesIO()
    written, package_id = seal(io.BytesIO(plain), target, draft, identity=police, recipient=bureau.public)
    (TARGET / "agreement.toml").write_text(text, encoding="utf-8")
    (TARGET / "population.smp").write_bytes(target.getvalue())
    (TARGET / "bureau-transport.seed").write_text(worthless("transport bureau", 96).hex() + "\n", encoding="ascii")
    (TARGET / "expected.json").write_text(
        json.dumps(
            {
                "agreement_fingerprint": agreement.fingerprint,
                "signer": police.public.signing.hex(),
                "package_id": package_id,
                "content_digest": written.content_digest,
                "content_bytes": written.content_bytes,
                "sealed_digest": written.sealing.sealed_digest,
                "rows": sent.content["counts"]["encoded"],
            },
            indent=1,
        )
        + "\n",
        encoding="ascii",
    )


if __name__ == "__main__":
    main()
