"""Read a sealed package without secure_match: ``cryptography``, ``pyarrow`` and the standard library alone.

    python examples/read_package.py PACKAGE FINGERPRINT [--signer HEX] [--seed FILE]

FINGERPRINT is the agreement's, HEX the sender's Ed25519 key in it, FILE the recipient's transport seed in hex: it opens
the content and shows five rows. The steps, and those left out: docs/spec/sealed-package.md.
"""

import argparse
import base64
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LABEL, SIGNED = b"secure_match/v1/", b"secure_match/v1/sealed-package\n"
SUITES: dict[str, tuple[Any, int]] = {"international": (hashes.SHA256, 32), "national": (hashes.SM3, 16)}


def require(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)


def verify(path: Path, fingerprint: str, signer: str = "") -> tuple[dict[str, Any], bytes]:
    """The manifest and the sealed content; needs no private key."""
    with zipfile.ZipFile(path) as archive:
        names = ["content.sealed", "manifest.json", "manifest.sig"]
        require(archive.comment == b"secure-match-sealed:1" and archive.namelist() == names, "not a sealed package")
        require(not any(entry.compress_type for entry in archive.infolist()), "compressed entries")
        sealed, text, signature = (archive.read(name) for name in names)
    require(len(signature) == 96 and signer in {"", signature[:32].hex()}, "signed by another key than the sender's")
    ed25519.Ed25519PublicKey.from_public_bytes(signature[:32]).verify(signature[32:], SIGNED + text)
    manifest: dict[str, Any] = json.loads(text)
    require(json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1).encode() == text, "a strange manifest")
    require((manifest["format"], manifest["format_version"]) == ("secure_match/sealed", 1), "another format")
    require(manifest["agreement_fingerprint"] == fingerprint, "made under another agreement")
    digest = hashes.Hash(SUITES[manifest["sealing"]["suite"]][0]())
    digest.update(sealed)
    stated = manifest["sealing"]["sealed_bytes"], manifest["sealing"]["sealed_digest"]
    require((len(sealed), digest.finalize().hex()) == stated, "the sealed content is not the one that was signed")
    return manifest, sealed


def open_content(manifest: dict[str, Any], sealed: bytes, seed: bytes) -> bytes:
    """The plain package, by the recipient's seed of 96 bytes: d and z of ML-KEM-768, then the X25519 private key."""
    bound = {name: manifest["sealing"][name] for name in ("suite", "chunk_bytes")}
    whole = json.dumps(manifest | {"sealing": bound}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    context = hashlib.sha256(b"sealed-package/v1\n" + whole.encode()).digest()
    lattice, curve = mlkem.MLKEM768PrivateKey.from_seed_bytes(seed[:64]), seed[64:]
    private = hpke.MLKEM768X25519PrivateKey(lattice, x25519.X25519PrivateKey.from_private_bytes(curve))
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    sealed_key, (algorithm, key_bytes) = base64.b64decode(manifest["sealing"]["key"]), SUITES[bound["suite"]]
    content_key = suite.decrypt(sealed_key, private, info=LABEL + b"content-key\n" + context)
    key = HKDF(algorithm(), key_bytes, salt=None, info=LABEL + b"payload\n" + context).derive(content_key)
    plain, step = bytearray(), bound["chunk_bytes"] + 16
    for number, start in enumerate(range(0, len(sealed), step)):
        chunk = sealed[start : start + step]
        nonce = number.to_bytes(11, "big") + bytes([start + step >= len(sealed)])
        if bound["suite"] == "international":
            plain += aead.AESGCM(key).decrypt(nonce, chunk, None)
        else:
            opening = Cipher(algorithms.SM4(key), modes.GCM(nonce, chunk[-16:])).decryptor()
            plain += opening.update(chunk[:-16]) + opening.finalize()
    return bytes(plain)


def read_content(manifest: dict[str, Any], plain: bytes) -> pa.Table:
    """The rows of the plain package, after a check that it is the one that the manifest describes."""
    found = hashlib.sha256(plain[:-64]).hexdigest()
    require(plain[-77:].decode("ascii") == f"secure-match:{found}", "the content is damaged")
    require((len(plain), found) == (manifest["content_bytes"], manifest["content_digest"]), "another content")
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        inner, part = archive.namelist()
        require(inner == "manifest.json" and json.loads(archive.read(inner)) == manifest["content"], "another content")
        return pa.ipc.open_stream(archive.read(part)).read_all()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Read a sealed package without secure_match.")
    for name in ("package", "fingerprint", "--signer", "--seed"):
        parser.add_argument(name, default="")
    options = parser.parse_args()
    try:
        manifest, sealed = verify(Path(options.package), options.fingerprint, options.signer)
        print(json.dumps(manifest, ensure_ascii=False, indent=1))
        if options.seed:
            plain = open_content(manifest, sealed, bytes.fromhex(Path(options.seed).read_text()))
            print(json.dumps(read_content(manifest, plain).slice(0, 5).to_pylist(), default=bytes.hex))
    except Exception as error:  # Whatever fails, the package is not accepted.
        sys.exit(f"refused: {type(error).__name__} {error}")
