"""Where a fuzzer starts: one right input of every reader, made by our own writers, and words of their formats."""

from __future__ import annotations

import base64
import json
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from encoded.tiny import MANIFEST, TABLE
from exchange.sealed_tiny import (
    entries_of,
    identity,
    plain_manifest,
    plain_package,
    sealed_agreement,
    sealed_package,
)
from fuzz.targets import ASKED, HOLDER, package_input
from integration.road import make_key
from secure_match.agreement import trusted_template
from secure_match.agreement.files import write_agreement
from secure_match.audit import CHECKPOINT_LABEL, Event, make_artifact
from secure_match.audit.files import append_event
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import write_dataset, write_pass_request
from secure_match.encoded.pass_requests import (
    NO_PASS,
    PASS_REQUEST_SCHEMA,
    PassRequest,
    PassRequestManifest,
    PassSource,
)
from secure_match.exchange.identities import sign
from secure_match.exchange.key_files import serialise_public, write_identity
from secure_match.exchange.locks import KeyFileLock
from secure_match.exchange.oprf import evaluate, prove, scalars_from
from secure_match.exchange.oprf.files import (
    BlindedManifest,
    BlindedRequest,
    EvaluatedAnswer,
    EvaluatedManifest,
    write_blinded,
    write_evaluated,
)
from secure_match.exchange.sealed import CONTENT_NAME, MANIFEST_NAME
from secure_match.exchange.shares import make_contribution, serialise_contribution

_SCHEMA = {
    "version": 3,
    "clkConfig": {
        "l": 1024,
        "xor_folds": 0,
        "kdf": {
            "type": "HKDF",
            "hash": "SHA256",
            "salt": "SCbL2zHNnmsckfzchsNkZY9XoHk96P/G5nUBrM7ybymlEFsMV6PAeDZCNp3rfNUPCtLDMOGQHG4pCQpfhiHCyA==",
            "info": "",
            "keySize": 64,
        },
    },
    "features": [
        {
            "identifier": "name",
            "format": {"type": "string", "encoding": "utf-8", "case": "lower"},
            "hashing": {
                "comparison": {"type": "ngram", "n": 2, "positional": False},
                "strategy": {"bitsPerToken": 30},
                "hash": {"type": "blakeHash"},
                "missingValue": {"sentinel": "", "replaceWith": ""},
            },
        },
        {"identifier": "note", "ignored": True},
    ],
}


def seeds(target: str) -> list[bytes]:
    """Right inputs of a target, in a fixed order."""
    with tempfile.TemporaryDirectory() as folder:
        return _MAKERS[target](Path(folder))


def words(target: str) -> list[str]:
    """Words of a target's format, for a fuzzer's dictionary."""
    text = b"\n".join(seeds(target)).decode("utf-8", "replace")
    return sorted(set(re.findall(r"[A-Za-z][A-Za-z0-9_.-]{2,40}", text)))[:800]


def _agreements(folder: Path) -> list[bytes]:
    generic = write_agreement(folder, "generic").read_bytes()
    lines = trusted_template().splitlines()
    edits = [
        b"\x01" + place.to_bytes(2, "big") + line.encode()
        for place, line in enumerate(lines)
        if line.strip() and not line.startswith("#")
    ]
    return [b"\x00" + trusted_template().encode(), b"\x00" + generic, *edits]


def _schemas(_: Path) -> list[bytes]:
    return [json.dumps(_SCHEMA).encode()]


def _packages(folder: Path) -> list[bytes]:
    path = folder / "tiny.smp"
    write_dataset(EncodedDataset(manifest=MANIFEST, table=TABLE), path)
    whole = path.read_bytes()
    return [b"\x00" + whole, b"\x04" + whole, package_input(path, 0)]


def _exchanged(folder: Path) -> list[bytes]:
    said = {"agreement_id": "city", "agreement_fingerprint": "0" * 64, "key_epoch": "1", "request_id": "0" * 32}
    two = {"elements": len(ASKED), "tool": "test"}
    request = BlindedManifest(**said, **two, sender="police", recipient="notary", datasets=("population",))
    write_blinded(BlindedRequest(manifest=request, elements=ASKED), folder / "a.smb")
    elements = evaluate(HOLDER, ASKED)
    proof = prove(HOLDER, ASKED, elements, scalars_from(bytes(range(64)))[0].tobytes())
    answer = EvaluatedManifest(
        **said,
        **two,
        sender="notary",
        recipient="police",
        request_digest="0" * 64,
        public_key=base64.b64encode(HOLDER.public).decode(),
        proofs=(base64.b64encode(proof).decode(),),
    )
    write_evaluated(EvaluatedAnswer(manifest=answer, elements=elements), folder / "a.sme")
    asked = PassRequestManifest(
        agreement_id="city",
        agreement_fingerprint="0" * 64,
        key_epoch="1",
        recipient="police",
        sources=(PassSource(dataset="people", packages=("0" * 64,), by="handle", rows=1),),
        rows=1,
        tool="test",
    )
    row = pa.table([["people"], [NO_PASS], pa.array([b"h" * 16], pa.binary(16))], schema=PASS_REQUEST_SCHEMA)
    write_pass_request(PassRequest(manifest=asked, table=row), folder / "a.smr")
    return [package_input(folder / f"a.{ending}", kind) for kind, ending in enumerate(("smb", "sme", "smr"))]


def _sealed(_: Path) -> list[bytes]:
    agreement = sealed_agreement()
    data = sealed_package(agreement, plain_package(plain_manifest(agreement)))
    parts = entries_of(data)
    text = parts[MANIFEST_NAME]
    return [b"\x00" + data, b"\x01" + len(text).to_bytes(2, "big") + text + parts[CONTENT_NAME]]


def _contributions(_: Path) -> list[bytes]:
    return [serialise_contribution(make_contribution(sealed_agreement(), identity("police")))]


def _logs(folder: Path) -> list[bytes]:
    police = identity("police")
    time = datetime(2026, 11, 23, tzinfo=UTC)
    event = Event(party="police", operator="zhang", action="encode", inputs=(make_artifact("a.csv", "0" * 64),))
    path = folder / "police.log"
    append_event(path, event, time=time)
    append_event(path, event, time=time, sign=lambda data: sign(police, CHECKPOINT_LABEL, data))
    return [path.read_bytes()]


def _identities(folder: Path) -> list[bytes]:
    write_identity(identity("police"), folder / "a.identity", KeyFileLock(bytes(32)))
    return [(folder / "a.identity").read_bytes()]


def _publics(_: Path) -> list[bytes]:
    return [serialise_public(identity("police"))]


def _keys(folder: Path) -> list[bytes]:
    make_key(folder / "a.key", "police", agreement_id="city", key_epoch="1")
    return [(folder / "a.key").read_bytes()]


_MAKERS = {
    "agreement": _agreements,
    "linkage_schema": _schemas,
    "package": _packages,
    "exchanged": _exchanged,
    "key_file": _keys,
    "sealed_package": _sealed,
    "contribution": _contributions,
    "audit_log": _logs,
    "identity_file": _identities,
    "public_file": _publics,
}
