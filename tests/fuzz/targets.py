"""What a stranger's bytes reach: one function per reader, which lets nothing out but a bug.

A target takes any bytes. It returns where the reader took them or refused them with one of our errors; everything else
(another exception, a crash, a hang) is a finding. The first byte of the input says how deep the rest is placed, so that
a fuzzer gets past digests and outer forms, which it would never guess.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from exchange.sealed_tiny import built, identity, sealed_agreement, signed
from hostile.forge import forged, sealed
from secure_match.agreement import LinkageSchema, parse_agreement, trusted_template
from secure_match.agreement.files import read_agreement
from secure_match.audit import verify_log
from secure_match.audit.files import read_head, read_log
from secure_match.department.files import read_key
from secure_match.encoded.files import read_dataset, read_pass_request
from secure_match.enrolment.files import read_findings, read_look_answer, read_look_request
from secure_match.errors import SecureMatchError
from secure_match.exchange.files import open_package_to, read_sealed
from secure_match.exchange.key_files import parse_public, read_identity
from secure_match.exchange.locks import KeyFileLock
from secure_match.exchange.oprf import OprfKey, blind, evaluate, key_info, scalars_from, verify_proof
from secure_match.exchange.oprf.files import EvaluatedAnswer, chunk_ranges, read_blinded, read_evaluated
from secure_match.exchange.sealed import CONTENT_NAME, MANIFEST_NAME, SIGNATURE_NAME
from secure_match.exchange.shares import combine, make_contribution, parse_contribution

Target = Callable[[bytes], None]
_FOLDER: Final = tempfile.TemporaryDirectory(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
_AGREEMENT: Final = sealed_agreement()
_POLICE, _BUREAU = identity("police"), identity("bureau")
_OTHERS: Final = [make_contribution(_AGREEMENT, identity(party)) for party in ("hrss", "medical", "education")]
_LINES: Final = trusted_template().splitlines()
_READERS: Final = {
    0: ("rows.arrow", read_dataset),
    1: ("findings.arrow", read_findings),
    2: ("request.arrow", read_look_request),
    3: ("answer.arrow", read_look_answer),
}


_EXCHANGED: Final = {0: "elements.arrow", 1: "elements.arrow", 2: "asked.arrow", 3: "asked.arrow"}
ASKED: Final = blind([b"one", b"two"], scalars_from(bytes(range(128))), workers=1)
"""Blinded elements of a request that answers are laid beside."""
HOLDER: Final = OprfKey.derive(bytes(32), key_info("city", "1"))


def _file(data: bytes, ending: str) -> Path:
    path = Path(_FOLDER.name) / f"input{ending}"
    path.write_bytes(data)
    return path


def _ours(call: Callable[[], object]) -> None:
    try:
        call()
    except SecureMatchError as error:
        # Its one line has to be possible too: it is what a user sees.
        str(error)


def agreement(data: bytes) -> None:
    """An agreement. Even first byte: the file. Odd: two bytes choose a line of the template, the rest replaces it."""
    if len(data) > 3 and data[0] % 2:
        place = int.from_bytes(data[1:3], "big") % len(_LINES)
        new = data[3:].decode("utf-8", "replace")
        text = "\n".join([*_LINES[:place], new, *_LINES[place + 1 :]])
        _ours(lambda: parse_agreement(text))
    else:
        _ours(lambda: read_agreement(_file(data[1:], ".toml")))


def linkage_schema(data: bytes) -> None:
    """A clkhash linkage schema, JSON."""
    _ours(lambda: LinkageSchema.parse(data))


def package(data: bytes) -> None:
    """A plain package. First byte: which reader (2 bits), and the file itself, with a right digest, or its two parts.

    For the parts, two bytes give the length of the manifest; what follows it is the Arrow stream.
    """
    if not data:
        return
    path = _packed(data, {kind: name for kind, (name, _) in _READERS.items()})
    _ours(lambda: _READERS[data[0] & 3][1](path))


def _packed(data: bytes, parts: Mapping[int, str]) -> Path:
    """The package that an input describes; ``parts``: kind of package to the name of its part."""
    depth, rest = data[0] >> 2 & 3, data[1:]
    if depth == 1:
        rest = sealed(rest.ljust(64, b"0"))
    elif depth > 1:
        split = 2 + int.from_bytes(rest[:2], "big")
        rest = forged([("manifest.json", rest[2:split]), (parts[data[0] & 3], rest[split:])])
    return _file(rest, ".smp")


def exchanged(data: bytes) -> None:
    """A blinded request, its answer, or a request for passes, as :func:`package`; a key holder evaluates the first."""
    if not data:
        return
    kind = data[0] & 3
    path = _packed(data, _EXCHANGED)
    if kind == 0:
        _ours(lambda: evaluate(HOLDER, read_blinded(path)[0].elements, workers=1))
    elif kind == 1:
        _ours(lambda: _proved(read_evaluated(path)))
    else:
        _ours(lambda: read_pass_request(path))


def _proved(answer: EvaluatedAnswer) -> None:
    """What a department does with the answer to a request of its own."""
    for (start, end), proof in zip(chunk_ranges(len(answer)), answer.manifest.proofs, strict=True):
        asked = ASKED[np.arange(start, end) % len(ASKED)]
        verify_proof(answer.manifest.public_key, asked, answer.elements[start:end], proof, workers=1)


def key_file(data: bytes) -> None:
    """A department's key file."""
    path = _file(data, ".key")
    path.chmod(0o600)
    _ours(lambda: read_key(path))


def sealed_package(data: bytes) -> None:
    """A sealed package. Even first byte: the file. Odd: two bytes give the length of the manifest, which the sender
    signs; what follows it is the sealed content.
    """
    if len(data) > 3 and data[0] % 2:
        split = 3 + int.from_bytes(data[1:3], "big")
        text = data[3:split]
        parts = {CONTENT_NAME: data[split:], MANIFEST_NAME: text, SIGNATURE_NAME: signed(text, _POLICE)}
        path = _file(built(parts), ".smp")
    else:
        path = _file(data[1:], ".smp")
    _ours(lambda: read_sealed(path))
    _ours(lambda: open_package_to(path, _AGREEMENT, _BUREAU, Path(_FOLDER.name) / "opened.smp"))


def contribution(data: bytes) -> None:
    """A share of the encoding key (``.smk``), beside right ones of the others."""
    _ours(lambda: combine(_AGREEMENT, _POLICE, [parse_contribution(data), *_OTHERS]))


def audit_log(data: bytes) -> None:
    """An audit log."""
    path = _file(data, ".log")
    _ours(lambda: read_head(path))
    _ours(lambda: verify_log(read_log(path), _POLICE.public.signing))


def identity_file(data: bytes) -> None:
    """An identity file, opened with a key file: a passphrase would cost a tenth of a second each."""
    path = _file(data, ".identity")
    path.chmod(0o600)
    _ours(lambda: read_identity(path, KeyFileLock(bytes(32))))


def public_file(data: bytes) -> None:
    """A party's public file."""
    _ours(lambda: parse_public(data))


TARGETS: Final[dict[str, Target]] = {
    "agreement": agreement,
    "linkage_schema": linkage_schema,
    "package": package,
    "exchanged": exchanged,
    "key_file": key_file,
    "sealed_package": sealed_package,
    "contribution": contribution,
    "audit_log": audit_log,
    "identity_file": identity_file,
    "public_file": public_file,
}


def package_input(packed: Path | bytes, reader: int) -> bytes:
    """The input of :func:`package`, or of :func:`exchanged`, that holds a whole package as its two parts."""
    source = packed if isinstance(packed, Path) else io.BytesIO(packed)
    with zipfile.ZipFile(source) as archive:
        first, second = (archive.read(name) for name in archive.namelist())
    return bytes([2 << 2 | reader]) + len(first).to_bytes(2, "big") + first + second
