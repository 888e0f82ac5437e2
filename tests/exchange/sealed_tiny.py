"""A sealed city in small: identities of known seeds, its agreement, one package of two rows from police to bureau."""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from encoded.tiny import MANIFEST, TABLE
from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.encoded import DatasetManifest
from secure_match.encoded.container import container_reader, container_writer
from secure_match.encoded.files import ROWS_PART, write_table_part
from secure_match.encoded.zip_shape import Entry, data_descriptor, end_records, local_header
from secure_match.exchange.identities import Identity, Role, public_identity, sign
from secure_match.exchange.sealed import COMMENT, CONTENT_NAME, MANIFEST_NAME, SIGNATURE_LABEL, SIGNATURE_NAME, seal

PARTIES: Final[dict[str, Role]] = {
    "police": "department",
    "hrss": "department",
    "medical": "department",
    "education": "department",
    "bureau": "bureau",
}
_PARTY: Final = re.compile(r'\[\[parties\]\]\nid = "([a-z]+)"\n')
_NAMES: Final = (CONTENT_NAME, MANIFEST_NAME, SIGNATURE_NAME)


def identity(party: str, *, turn: int = 0, role: Role | None = None) -> Identity:
    """A worthless identity; another ``turn``, other keys."""
    seed = hashlib.shake_256(f"worthless identity {turn} of {party}".encode()).digest(128)
    return Identity.from_seeds(
        party, role or PARTIES.get(party, "department"), transport_seed=seed[:96], signing_seed=seed[96:]
    )


def sealed_agreement_text(*, text: str | None = None, turn: int = 0, approver: Identity | None = None) -> str:
    """The city's agreement with the public keys of all parties, and of the one who approves for the approver's."""

    def with_keys(found: re.Match[str]) -> str:
        keys = identity(found[1], turn=turn).public.party_keys()
        if approver is not None and approver.party == found[1]:
            keys["approval"] = approver.public.party_keys()["signing"]
        listed = "".join(f'{purpose} = "{key}"\n' for purpose, key in keys.items())
        return f"[parties.public_keys]\n{listed}\n{found[0]}"

    # The keys are a table of their own behind the party's own keys, so each is put before the next party.
    blocks = re.split(r"(?=\[\[parties\]\]\n)", text or trusted_template())
    done = [blocks[0]]
    for block in blocks[1:]:
        found = _PARTY.match(block)
        assert found is not None
        lines = block.split("\n\n", maxsplit=1)
        table = with_keys(found).removesuffix(found[0]).rstrip("\n")
        done.append(f"{lines[0]}\n{table}\n\n{lines[1]}")
    return "".join(done)


def sealed_agreement(**changes: str) -> Agreement:
    """The sealed agreement, with some of its quoted values replaced."""
    text = trusted_template()
    for old, new in changes.items():
        assert f'"{old}"' in text
        text = text.replace(f'"{old}"', f'"{new}"')
    return parse_agreement(sealed_agreement_text(text=text))


APPROVER: Final = identity("police", turn=7)


def agreement_texts() -> dict[str, str]:
    """The agreements of the negative cases by name."""
    city = trusted_template()
    return {
        "city": sealed_agreement_text(),
        "other": sealed_agreement_text(text=city.replace('"city_enrolment"', '"city_other"')),
        "epoch": sealed_agreement_text(text=city.replace('"2026"', '"2027"')),
        "national": sealed_agreement_text(text=city.replace('suite = "international"', 'suite = "national"')),
        "two operators": sealed_agreement_text(
            text=city.replace("second_operator = false", "second_operator = true"), approver=APPROVER
        ),
    }


def plain_manifest(agreement: Agreement, **changes: Any) -> DatasetManifest:
    """What the plain package inside says."""
    said = {"definition_id": agreement.id, "definition_fingerprint": agreement.fingerprint, "dataset": "population"}
    return MANIFEST.model_copy(update=said | {"owner": "police", "key_epoch": agreement.key_epoch} | changes)


def plain_package(manifest: DatasetManifest) -> bytes:
    """A plain package."""
    stream = io.BytesIO()
    with container_writer(stream, manifest.model_dump(mode="json")) as writer, writer.part(ROWS_PART) as part:
        write_table_part(part, TABLE)
    return stream.getvalue()


def outer(agreement: Agreement, plain: bytes, **changes: Any) -> dict[str, Any]:
    """All of a sealed manifest that ``seal`` asks for."""
    with container_reader(io.BytesIO(plain)) as reader:
        content, digest = reader.manifest, reader.digest
    sealing = {"suite": "international", "chunk_bytes": 1024} | changes.pop("sealing", {})
    return {
        "kind": "encodings",
        "format": "secure_match/sealed",
        "format_version": 1,
        "agreement_id": agreement.id,
        "agreement_fingerprint": agreement.fingerprint,
        "key_epoch": agreement.key_epoch,
        "sender": "police",
        "recipient": "bureau",
        "operator": "zhang",
        "approval": None,
        "period": "2026-11",
        "created": "2026-11-23T08:00:00Z",
        "log": {"entries": 7, "hash": "0" * 64},
        "columns": [],
        "content": content,
        "content_digest": digest,
        "content_bytes": len(plain),
        "sealing": sealing,
        "tool": "test",
        "kernel": "test",
    } | changes


def sealed_package(
    agreement: Agreement, plain: bytes, *, signer: Identity | None = None, to: Identity | None = None, **changes: Any
) -> bytes:
    """A sealed package, by the writer that everybody uses."""
    target = io.BytesIO()
    said = outer(agreement, plain, **changes)
    public = to.public if to is not None else public_identity(agreement, "bureau")
    seal(io.BytesIO(plain), target, said, identity=signer or identity("police"), recipient=public)
    return target.getvalue()


def entries_of(data: bytes) -> dict[str, bytes]:
    """The three contents of a sealed package by name."""
    found: dict[str, bytes] = {}
    place = 0
    for name in _NAMES:
        begin = place + len(local_header(name))
        # A descriptor follows what it describes: its size is found by trying, as the stream has no other.
        end = data.index(b"PK\x07\x08", begin)
        while data[end:][:24] != data_descriptor(Entry(name=name, crc=zlib.crc32(data[begin:end]), size=end - begin)):
            end = data.index(b"PK\x07\x08", end + 1)
        found[name] = data[begin:end]
        place = end + 24
    return found


def built(parts: Mapping[str, bytes], *, names: tuple[str, ...] = _NAMES) -> bytes:
    """A file in the form of a sealed package, every checksum right."""
    data = b""
    entries = []
    for name in names:
        entry = Entry(name=name, crc=zlib.crc32(parts[name]), size=len(parts[name]))
        entries.append(entry)
        data += local_header(name) + parts[name] + data_descriptor(entry)
    return data + end_records(entries, len(COMMENT)) + COMMENT


def signed(manifest: bytes, signer: Identity) -> bytes:
    """A ``manifest.sig``."""
    return signer.public.signing + sign(signer, SIGNATURE_LABEL, manifest)


def write(folder: Path, data: bytes) -> Path:
    path = folder / "package.smp"
    path.write_bytes(data)
    return path
