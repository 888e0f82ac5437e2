"""ENCODED: sealed packages as streams of bytes: a plain package, enciphered for one recipient, signed by its sender.

A sealed package is a stored ZIP of exactly three entries, ``content.sealed``, ``manifest.json`` and ``manifest.sig``.
Invariants:

* no byte of it can change, move, vanish or be added without an error: the form is checked byte for byte, the manifest
  is signed, the digest of the sealed content stands in the manifest,
* the content opens only under the manifest that it was sealed with: the content key is sealed with it as context,
* chunks open only in their order and number, the last one only as the last (STREAM, Hoang et al., CRYPTO 2015),
* memory: a few chunks, whatever the size.

docs/spec/sealed-package.md is the specification.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import secrets
import zlib
from dataclasses import dataclass
from typing import IO, Any, Final

from secure_match.encoded.container import UNREADABLE
from secure_match.encoded.manifest import parse_manifest
from secure_match.encoded.zip_shape import (
    END_BYTES,
    END_SIGNATURE,
    LOCAL_SIGNATURE,
    Entry,
    data_descriptor,
    end_records,
    entry_bytes,
    local_header,
    read_entries,
)
from secure_match.errors import KeyFileError, PackageError
from secure_match.exchange._chunks import Hashing, nonce, pieces, read_into
from secure_match.exchange.identities import (
    SIGNATURE_BYTES,
    SIGNING_PUBLIC_BYTES,
    Identity,
    PublicIdentity,
    open_secret,
    seal_secret,
    sign,
)
from secure_match.exchange.manifest import SealedManifest, context_of
from secure_match.exchange.suites import SUITES, TAG_BYTES, decrypt_chunk

CONTENT_NAME: Final = "content.sealed"
MANIFEST_NAME: Final = "manifest.json"
SIGNATURE_NAME: Final = "manifest.sig"
COMMENT: Final = b"secure-match-sealed:1"
SIGNATURE_LABEL: Final = "sealed-package"
_KEY_LABEL: Final = "content-key"
_PAYLOAD_LABEL: Final = b"secure_match/v1/payload\n"
_CONTENT_KEY_BYTES: Final = 32
_MAX_MANIFEST_BYTES: Final = 4 << 20
_TAIL_BYTES: Final = END_BYTES + len(COMMENT)


def seal(
    content: IO[bytes],
    target: IO[bytes],
    manifest: dict[str, Any],
    *,
    identity: Identity,
    recipient: PublicIdentity,
    content_key: bytes | None = None,
) -> tuple[SealedManifest, str]:
    """Seal a plain package.

    Args:
        content: the plain package, from its first byte to its end.
        target: where the sealed package goes.
        manifest: everything of a :class:`SealedManifest` but the keys, ``sealed_bytes`` and ``sealed_digest`` of its
            ``sealing``; ``content_bytes`` is the size of ``content``.
        identity: the sender's.
        content_key: 32 random bytes; by default from the system. Only test vectors name it.

    Returns:
        The manifest as written, and the package id.

    Raises:
        PackageError: ``PACKAGE_CHANGED`` where ``content`` is shorter than ``content_bytes``.
    """
    suite = SUITES[manifest["sealing"]["suite"]]
    chunk_bytes = manifest["sealing"]["chunk_bytes"]
    context = context_of(manifest)
    key = content_key if content_key is not None else secrets.token_bytes(_CONTENT_KEY_BYTES)
    cipher = suite.cipher(suite.derive(key, _PAYLOAD_LABEL + context))
    target.write(local_header(CONTENT_NAME))
    size = manifest["content_bytes"]
    plain = memoryview(bytearray(min(size, chunk_bytes)))
    with Hashing(suite.new_digest(), size + TAG_BYTES, chunk_bytes + TAG_BYTES) as hashing:
        for number, last, length in pieces(size, chunk_bytes):
            read_into(content, plain[:length])
            buffer = hashing.buffer()
            sealed = buffer[: length + TAG_BYTES]
            cipher.encrypt_into(nonce(number, last=last), plain[:length], None, sealed)
            hashing.take(buffer, len(sealed))
            target.write(sealed)
    entries = [Entry(name=CONTENT_NAME, crc=hashing.crc, size=hashing.size)]
    target.write(data_descriptor(entries[0]))
    sealing = manifest["sealing"] | {
        "key": base64.b64encode(seal_secret(recipient, _KEY_LABEL, key, context)).decode("ascii"),
        "sender_key": base64.b64encode(seal_secret(identity.public, _KEY_LABEL, key, context)).decode("ascii"),
        "sealed_bytes": hashing.size,
        "sealed_digest": hashing.hexdigest(),
    }
    written = parse_manifest(SealedManifest, manifest | {"sealing": sealing})
    text = json.dumps(written.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, indent=1).encode()
    signature = identity.public.signing + sign(identity, SIGNATURE_LABEL, text)
    for name, data in ((MANIFEST_NAME, text), (SIGNATURE_NAME, signature)):
        entry = Entry(name=name, crc=zlib.crc32(data), size=len(data))
        target.write(local_header(name) + data + data_descriptor(entry))
        entries.append(entry)
    target.write(end_records(entries, len(COMMENT)) + COMMENT)
    return written, hashlib.sha256(text).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedParts:
    """A sealed package whose form was checked, and nothing else: whoever signed it may be anybody.

    Attributes:
        manifest: its manifest.
        manifest_bytes: the bytes that are signed.
        signer: Ed25519 public key of whoever signed, 32 bytes.
        signature: 64 bytes.
        content: its sealed content's entry.
        id: the package id: SHA-256 of ``manifest_bytes`` in hex.
    """

    manifest: SealedManifest
    manifest_bytes: bytes
    signer: bytes
    signature: bytes
    content: Entry
    id: str


def is_sealed_form(source: IO[bytes]) -> bool:
    """Whether a file says at its end that it is a sealed package; nothing else of it is looked at."""
    size = source.seek(0, io.SEEK_END)
    source.seek(max(0, size - len(COMMENT)))
    return source.read() == COMMENT


def read_parts(source: IO[bytes]) -> SealedParts:
    """Check the form of a sealed package and parse its manifest.

    Raises:
        PackageError: ``PACKAGE_EMPTY``, ``PACKAGE_FOREIGN``, ``PACKAGE_TRUNCATED`` or ``PACKAGE_MANIFEST``.
    """
    _verify_ends(source)
    entries: tuple[Entry, ...] = ()
    with contextlib.suppress(*UNREADABLE):
        entries = read_entries(source, len(COMMENT))
    names = [entry.name for entry in entries]
    if names != [CONTENT_NAME, MANIFEST_NAME, SIGNATURE_NAME] or entries[1].size > _MAX_MANIFEST_BYTES:
        raise PackageError("the file has not the form of a sealed package; refuse it", code="PACKAGE_FOREIGN")
    content, manifest, signature = entries
    if signature.size != SIGNING_PUBLIC_BYTES + SIGNATURE_BYTES:
        raise PackageError("the signature has another length than signatures have", code="PACKAGE_FOREIGN")
    place = entry_bytes(content)
    text = _entry(source, manifest, place)
    signed = _entry(source, signature, place + entry_bytes(manifest))
    return SealedParts(
        manifest=_parse(text),
        manifest_bytes=text,
        signer=signed[:SIGNING_PUBLIC_BYTES],
        signature=signed[SIGNING_PUBLIC_BYTES:],
        content=content,
        id=hashlib.sha256(text).hexdigest(),
    )


def _verify_ends(source: IO[bytes]) -> None:
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if size == 0:
        raise PackageError("the file is empty; ask the sender for it again", code="PACKAGE_EMPTY")
    if source.read(4) != LOCAL_SIGNATURE:
        raise PackageError("this is not a secure_match package; check which file you named", code="PACKAGE_FOREIGN")
    source.seek(max(0, size - _TAIL_BYTES))
    tail = source.read()
    if tail[:4] != END_SIGNATURE or tail[END_BYTES:] != COMMENT:
        raise PackageError(
            "the end of the package is missing: it was truncated, or it is no sealed package; ask for it again",
            code="PACKAGE_TRUNCATED",
        )


def _entry(source: IO[bytes], entry: Entry, place: int) -> bytes:
    source.seek(place + len(local_header(entry.name)))
    data = source.read(entry.size)
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        raise PackageError(f"the checksum of {entry.name} is not that of its bytes", code="PACKAGE_DAMAGED")
    return data


def _parse(text: bytes) -> SealedManifest:
    """The manifest of its bytes, which have to be the ones that a writer makes of it."""
    value: object = None
    with contextlib.suppress(*UNREADABLE, RecursionError):
        value = json.loads(text)
    if not isinstance(value, dict):
        raise PackageError("the package has no readable manifest", code="PACKAGE_MANIFEST")
    manifest = parse_manifest(SealedManifest, value)
    form = b""
    with contextlib.suppress(ValueError):
        said = manifest.model_dump(mode="json")
        # Python would read and write NaN and infinity, which are no JSON.
        form = json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False).encode()
    if form != text:
        raise PackageError("the manifest is not written in the one form; refuse the package", code="PACKAGE_MANIFEST")
    return manifest


def verify_content(source: IO[bytes], parts: SealedParts) -> None:
    """Check size, digest and checksum of the sealed content; no key is needed.

    Raises:
        PackageError: ``PACKAGE_DAMAGED``.
    """
    sealing = parts.manifest.sealing
    source.seek(len(local_header(CONTENT_NAME)))
    size, piece_bytes = parts.content.size, sealing.chunk_bytes + TAG_BYTES
    with Hashing(SUITES[sealing.suite].new_digest(), size, piece_bytes) as hashing:
        for _, _, length in pieces(size, piece_bytes):
            buffer = hashing.buffer()
            read_into(source, buffer[:length])
            hashing.take(buffer, length)
    _verify_hashing(parts, hashing)


def _verify_hashing(parts: SealedParts, hashing: Hashing) -> None:
    sealing = parts.manifest.sealing
    stated = (sealing.sealed_bytes, sealing.sealed_digest, parts.content.crc)
    if (hashing.size, hashing.hexdigest(), hashing.crc) != stated:
        raise PackageError(
            "the sealed content is not the one that the sender signed: it was changed or damaged on the way; ask for "
            "it again",
            code="PACKAGE_DAMAGED",
        )


def open_content(source: IO[bytes], parts: SealedParts, identity: Identity, target: IO[bytes]) -> None:
    """Open the content into ``target`` and check it on the way; nothing in ``target`` counts if this raises.

    Signature, agreement and recipient were checked before. The sender opens its own packages, too.

    Raises:
        PackageError: ``PACKAGE_DAMAGED``; ``PACKAGE_SEAL`` where the content or its key does not open.
    """
    sealing = parts.manifest.sealing
    suite = SUITES[sealing.suite]
    context = context_of(parts.manifest.model_dump(mode="json"))
    sealed_key = sealing.sender_key if identity.party == parts.manifest.sender else sealing.key
    key: bytes | None = None
    with contextlib.suppress(KeyFileError, ValueError):
        key = open_secret(identity, _KEY_LABEL, base64.b64decode(sealed_key, validate=True), context)
    if key is None:
        verify_content(source, parts)
        raise PackageError("the package does not open with this key: it is sealed to another", code="PACKAGE_SEAL")
    cipher = suite.cipher(suite.derive(key, _PAYLOAD_LABEL + context))
    problem: PackageError | None = None
    source.seek(len(local_header(CONTENT_NAME)))
    size, piece_bytes, opened = parts.content.size, sealing.chunk_bytes + TAG_BYTES, 0
    room = memoryview(bytearray(min(size, sealing.chunk_bytes)))
    with Hashing(suite.new_digest(), size, piece_bytes) as hashing:
        for number, last, length in pieces(size, piece_bytes):
            buffer = hashing.buffer()
            read_into(source, buffer[:length])
            hashing.take(buffer, length)
            if problem is None:
                try:
                    plain = decrypt_chunk(cipher, nonce(number, last=last), buffer[:length], room)
                except PackageError as error:
                    problem = error
                else:
                    target.write(plain)
                    opened += len(plain)
    # What was damaged on the way is told apart from what a sender sealed wrongly.
    _verify_hashing(parts, hashing)
    if problem is not None:
        raise problem
    if opened != parts.manifest.content_bytes:
        raise PackageError("the content has another size than the manifest says", code="PACKAGE_CONTENT")
