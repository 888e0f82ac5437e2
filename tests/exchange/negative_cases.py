"""Sealed packages that are right, and ones that are wrong in every way that we thought of, each with its code.

The forger of these cases knows the format and mends every checksum; ``resealed`` cases are by a sender who signs what
it forges with its own right key.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from exchange.sealed_tiny import (
    APPROVER,
    agreement_texts,
    built,
    entries_of,
    identity,
    plain_manifest,
    plain_package,
    sealed_package,
    signed,
)
from secure_match.agreement import Agreement, parse_agreement
from secure_match.exchange.approvals import APPROVAL_LABEL, approval_bytes
from secure_match.exchange.identities import Identity, sign
from secure_match.exchange.sealed import CONTENT_NAME, MANIFEST_NAME, SIGNATURE_NAME

CHUNK: Final = 1024 + 16
_NOON: Final = "2026-11-23T12:00:00Z"
NAMES: Final = (CONTENT_NAME, MANIFEST_NAME, SIGNATURE_NAME)
Parts = dict[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file, who reads it under which agreement, and the code of the refusal ("" for a right package)."""

    name: str
    comment: str
    base: str
    data: bytes
    code: str
    agreement: str = "city"
    holder: str = "bureau"
    kind: str = "encodings"


@dataclass(frozen=True, kw_only=True)
class Bases:
    """What the cases are made of: right packages by name, agreements, and a plain package under each, by name."""

    packages: dict[str, bytes]
    agreements: dict[str, Agreement]
    plains: dict[str, bytes]
    parts: dict[str, Parts] = field(default_factory=dict)

    @property
    def plain(self) -> bytes:
        """The content of most packages."""
        return self.plains["city"]

    def of(self, name: str) -> Parts:
        return self.parts.setdefault(name, entries_of(self.packages[name]))


def make_bases() -> Bases:
    """The right packages; the random parts of HPKE are others in every call."""
    agreements = {name: parse_agreement(text) for name, text in agreement_texts().items()}
    plains = {name: plain_package(plain_manifest(agreement)) for name, agreement in agreements.items()}
    city, plain = agreements["city"], plains["city"]
    sm, two = agreements["national"], agreements["two operators"]
    packages = {
        "november": sealed_package(city, plain),
        "october": sealed_package(city, plain, period="2026-10", log={"entries": 3, "hash": "1" * 64}),
        "national": sealed_package(sm, plains["national"], sealing={"suite": "national"}),
        "approved": sealed_package(two, plains["two operators"], approval=approval(two, plains["two operators"])),
        "one chunk": sealed_package(city, plain, sealing={"chunk_bytes": 1 << 20}),
        "whole chunks": sealed_package(city, plain, sealing={"chunk_bytes": len(plain) // 4}),
    }
    assert len(plain) % 4 == 0
    return Bases(packages=packages, agreements=agreements, plains=plains)


_AGREEMENTS: Final = {"national": "national", "approved": "two operators"}
"""Bases that are not of the city's agreement."""


def approval(agreement: Agreement, plain: bytes, *, by: Identity = APPROVER, operator: str = "li") -> dict[str, Any]:
    """What a second operator of police says of a package."""
    bytes_ = approval_bytes(agreement, "population", plain[-64:].decode(), operator, _NOON)
    signature = base64.b64encode(sign(by, APPROVAL_LABEL, bytes_)).decode()
    return {"operator": operator, "time": _NOON, "signature": signature}


def cases(bases: Bases) -> Iterator[Case]:
    """All cases, right ones first, in a fixed order."""
    for name, data in bases.packages.items():
        agreement = _AGREEMENTS.get(name, "city")
        yield Case(name=f"right: {name}", comment="opens", base=name, data=data, code="", agreement=agreement)
    for maker in (_swapped, _chunked, _addressed, _signed, _agreed, _sealed, _of_suites, _approved, _said, _shaped):
        yield from maker(bases)


def _case(base: str, name: str, comment: str, data: bytes, code: str, **reader: str) -> Case:
    return Case(name=name, comment=comment, base=base, data=data, code=code, **reader)


def _swapped(bases: Bases) -> Iterator[Case]:
    new, old = bases.of("november"), bases.of("october")
    for choice in range(1, 7):
        taken = [bool(choice >> place & 1) for place in range(3)]
        parts = {name: (old if other else new)[name] for name, other in zip(NAMES, taken, strict=True)}
        swapped = ", ".join(name for name, other in zip(NAMES, taken, strict=True) if other)
        code = "PACKAGE_SIGNATURE" if taken[1] != taken[2] else "PACKAGE_DAMAGED"
        yield _case("november", f"swapped: {swapped}", "taken from the October package", built(parts), code)


def _resealed(parts: Parts, content: bytes, *, digest: str = "sha256", **sealing: Any) -> bytes:
    """The package with another sealed content, signed again by its own sender."""

    def change(said: dict[str, Any]) -> None:
        new = {"sealed_bytes": len(content), "sealed_digest": hashlib.new(digest, content).hexdigest()}
        said["sealing"] |= new | sealing

    return _resigned(parts | {CONTENT_NAME: content}, change)


def _resigned(parts: Parts, change: Callable[[dict[str, Any]], object], signer: Identity | None = None) -> bytes:
    said = json.loads(parts[MANIFEST_NAME])
    change(said)
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1).encode()
    return built(parts | {MANIFEST_NAME: text, SIGNATURE_NAME: signed(text, signer or identity("police"))})


def _chunked(bases: Bases) -> Iterator[Case]:
    parts = bases.of("november")
    content = parts[CONTENT_NAME]
    first, second, third = content[:CHUNK], content[CHUNK : 2 * CHUNK], content[2 * CHUNK :]
    other = bases.of("october")[CONTENT_NAME]
    for name, changed in {
        "reordered": second + first + third,
        "first dropped": second + third,
        "last dropped": first + second,
        "doubled": first + first + second + third,
        "last doubled": content + third,
        "cut at a chunk": first,
        "cut in a chunk": content[:-1],
        "grown": content + b"\x00",
        "empty": b"",
        "empty last chunk": first + second + third[:16],
        "of another package": first + other[CHUNK : 2 * CHUNK] + third,
    }.items():
        yield _case(
            "november", f"chunks: {name}", "by a stranger", built(parts | {CONTENT_NAME: changed}), "PACKAGE_DAMAGED"
        )
        code = "PACKAGE_MANIFEST" if len(changed) < 16 else "PACKAGE_SEAL"
        yield _case("november", f"chunks resealed: {name}", "signed by the sender", _resealed(parts, changed), code)


def _addressed(bases: Bases) -> Iterator[Case]:
    city, plain = bases.agreements["city"], bases.plain
    stray = sealed_package(city, plain, to=identity("medical"))
    yield _case("november", "recipient: sealed to another", "says bureau, sealed to medical", stray, "PACKAGE_SEAL")
    old = sealed_package(city, plain, to=identity("bureau", turn=1, role="bureau"))
    yield _case("november", "recipient: sealed to old keys", "the bureau's keys of before", old, "PACKAGE_SEAL")
    for recipient in ("hrss", "nobody"):
        data = sealed_package(city, plain, recipient=recipient)
        yield _case("november", f"recipient: {recipient}", "says another", data, "PACKAGE_RECIPIENT")
    data = bases.packages["november"]
    yield _case("november", "recipient: taken by another", "hrss opens it", data, "PACKAGE_RECIPIENT", holder="hrss")
    yield _case("november", "recipient: a stranger", "keys of no party", data, "KEY_PARTY", holder="bureau/1")


def _signed(bases: Bases) -> Iterator[Case]:
    city, plain = bases.agreements["city"], bases.plain
    parts = bases.of("november")
    manifest = parts[MANIFEST_NAME]
    for name, signer in {"another party": identity("hrss"), "old keys": identity("police", turn=1)}.items():
        data = built(parts | {SIGNATURE_NAME: signed(manifest, signer)})
        yield _case("november", f"signer: {name}", "a right signature by other keys", data, "PACKAGE_SIGNER")
    police = identity("police")
    other = police.public.signing + sign(police, "log-head", manifest)
    data = built(parts | {SIGNATURE_NAME: other})
    yield _case("november", "signature: of another purpose", "label log-head", data, "PACKAGE_SIGNATURE")
    data = built(parts | {SIGNATURE_NAME: police.public.signing + bytes(64)})
    yield _case("november", "signature: zeros", "64 zero bytes", data, "PACKAGE_SIGNATURE")
    mixed = police.public.signing + sign(identity("hrss"), "sealed-package", manifest)
    data = built(parts | {SIGNATURE_NAME: mixed})
    yield _case("november", "signature: of another under the sender's key", "", data, "PACKAGE_SIGNATURE")
    for sender, code in {"nobody": "PACKAGE_SENDER", "bureau": "PACKAGE_SENDER"}.items():
        data = _resigned(parts, lambda said, sender=sender: said.update(sender=sender), identity(sender))
        yield _case("november", f"sender: {sender}", "does not send encodings", data, code)
    data = _resigned(parts, lambda said: said.update(kind="findings"))
    yield _case("november", "sender: a kind of another role", "police sends findings", data, "PACKAGE_SENDER")
    data = _resigned(parts, lambda said: said.update(sender="hrss"), identity("hrss"))
    yield _case("november", "sender: taken over", "hrss signs what police sealed", data, "PACKAGE_CONTENT")
    data = sealed_package(city, plain, kind="look-answer")
    yield _case("november", "kind: another", "police's look-answer", data, "PACKAGE_KIND")


def _agreed(bases: Bases) -> Iterator[Case]:
    data = bases.packages["november"]
    yield _case("november", "agreement: another", "", data, "DEFINITION_MISMATCH", agreement="other")
    yield _case("november", "agreement: of the next epoch", "", data, "DEFINITION_MISMATCH", agreement="epoch")
    changed = _resigned(bases.of("november"), lambda said: said.update(key_epoch="2027"))
    yield _case("november", "epoch: another", "under the same agreement", changed, "EPOCH_MISMATCH")


def _sealed(bases: Bases) -> Iterator[Case]:
    parts = bases.of("november")
    changed = _resigned(parts, lambda said: said["sealing"].update(suite="none"))
    yield _case("november", "suite: unknown", "", changed, "PACKAGE_MANIFEST")
    changed = _resigned(parts, lambda said: said["sealing"].update(chunk_bytes=2048))
    yield _case("november", "sealing: other chunks", "", changed, "PACKAGE_SEAL")
    key = json.loads(bases.of("october")[MANIFEST_NAME])["sealing"]["key"]
    changed = _resigned(parts, lambda said: said["sealing"].update(key=key))
    yield _case("november", "sealing: key of another package", "", changed, "PACKAGE_SEAL")
    for name, value in {"operator": "li", "period": "2026-12", "created": "2026-11-24T08:00:00Z"}.items():
        changed = _resigned(parts, lambda said, name=name, value=value: said.update({name: value}))
        yield _case("november", f"context: {name}", "signed again, not sealed again", changed, "PACKAGE_SEAL")


def _of_suites(bases: Bases) -> Iterator[Case]:
    city, sm = bases.agreements["city"], bases.agreements["national"]
    data = sealed_package(city, bases.plain, sealing={"suite": "national"})
    yield _case("november", "suite: not the agreement's", "all else is right", data, "PACKAGE_SUITE")
    data = sealed_package(sm, bases.plains["national"])
    of = {"agreement": "national"}
    yield _case(
        "national", "suite: international where national is agreed", "all else is right", data, "PACKAGE_SUITE", **of
    )
    parts = entries_of(data)
    changed = _resigned(parts, lambda said: said["sealing"].update(suite="national"))
    yield _case("national", "suite: another named", "digest is SHA-256", changed, "PACKAGE_DAMAGED", **of)
    changed = _resealed(parts, parts[CONTENT_NAME], digest="sm3", suite="national")
    yield _case("national", "suite: another named, digest right", "", changed, "PACKAGE_SEAL", **of)


def _approved(bases: Bases) -> Iterator[Case]:
    two, plain = bases.agreements["two operators"], bases.plains["two operators"]
    right = approval(two, plain)
    for name, said, code in (
        ("none", None, "APPROVAL_MISSING"),
        ("by the sender's operator", approval(two, plain, operator="Zhang"), "APPROVAL_OPERATOR"),
        ("by the sender's own key", approval(two, plain, by=identity("police")), "APPROVAL_SIGNATURE"),
        ("of another content", approval(two, bases.plain), "APPROVAL_SIGNATURE"),
        ("of another agreement", approval(bases.agreements["city"], plain), "APPROVAL_SIGNATURE"),
        ("in another's name", right | {"operator": "wang"}, "APPROVAL_SIGNATURE"),
        ("of another time", right | {"time": "2026-11-23T12:00:01Z"}, "APPROVAL_SIGNATURE"),
        ("too short", right | {"signature": "AAAA"}, "APPROVAL_SIGNATURE"),
        ("no base64", right | {"signature": "AAAAA"}, "APPROVAL_SIGNATURE"),
    ):
        data = sealed_package(two, plain, approval=said)
        yield _case("approved", f"approval: {name}", "sealed by the sender", data, code, agreement="two operators")
    city = bases.agreements["city"]
    data = sealed_package(city, bases.plain, approval=approval(city, bases.plain))
    yield _case("november", "approval: by nobody's key", "the agreement names none", data, "KEYS_MISSING")


def _said(bases: Bases) -> Iterator[Case]:
    city, plain = bases.agreements["city"], bases.plain
    content = json.loads(bases.of("november")[MANIFEST_NAME])["content"]
    for name, changes in {
        "counts": {"content": content | {"counts": {"read": 2, "encoded": 2, "quarantined": 0}}},
        "owner": {"content": content | {"owner": "hrss"}},
        "dataset": {"content": content | {"dataset": "employee_medical"}},
        "dataset that is no id": {"content": content | {"dataset": "\x1b[2J"}},
        "format": {"content": content | {"format": "secure_match/findings"}},
        "epoch": {"content": content | {"key_epoch": "2027"}},
        "digest": {"content_digest": "0" * 64},
    }.items():
        data = sealed_package(city, plain, **changes)
        yield _case("november", f"content: other {name}", "the manifest lies", data, "PACKAGE_CONTENT")
    parts = bases.of("november")
    for name, value in {"NaN": float("nan"), "infinity": float("inf")}.items():
        data = _resigned(parts, lambda said, value=value: said["content"].update(odd=value))
        yield _case("november", f"content: {name}", "no JSON number", data, "PACKAGE_MANIFEST")


def _shaped(bases: Bases) -> Iterator[Case]:
    parts = bases.of("november")
    text = parts[MANIFEST_NAME]
    police = identity("police")
    for name, changed in {
        "a key twice": text.replace(b"{\n", b'{\n "tool": "x",\n', 1),
        "an unknown key": text.replace(b"{\n", b'{\n "a": 1,\n', 1),
        "white space": text + b"\n",
        "no white space": json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).encode(),
        "not JSON": text[:-1],
        "not UTF-8": text.replace(b"zhang", b"zhan\xff"),
        "a byte order mark": b"\xef\xbb\xbf" + text,
        "another version": text.replace(b'"format_version": 1', b'"format_version": 2'),
        "many brackets": b"[" * 100_000,
    }.items():
        assert changed != text
        data = built(parts | {MANIFEST_NAME: changed, SIGNATURE_NAME: signed(changed, police)})
        yield _case("november", f"manifest: {name}", "signed by the sender", data, "PACKAGE_MANIFEST")
    more = parts | {"x": b"more"}
    for name, names in {
        "an entry more": (*NAMES, "x"),
        "an entry less": NAMES[:2],
        "another order": (MANIFEST_NAME, CONTENT_NAME, SIGNATURE_NAME),
        "an entry twice": (*NAMES, SIGNATURE_NAME),
    }.items():
        yield _case("november", f"form: {name}", "", built(more, names=names), "PACKAGE_FOREIGN")
    for name, size in {"longer": 97, "shorter": 95, "empty": 0}.items():
        signature = parts[SIGNATURE_NAME].ljust(size, b"\x00")[:size]
        yield _case(
            "november", f"form: a {name} signature", "", built(parts | {SIGNATURE_NAME: signature}), "PACKAGE_FOREIGN"
        )
    yield _case(
        "november", "form: two packages", "one behind the other", bases.packages["november"] * 2, "PACKAGE_FOREIGN"
    )
    yield _case("november", "form: empty file", "", b"", "PACKAGE_EMPTY")
    yield _case("november", "form: plain", "a plain package", bases.plain, "PACKAGE_TRUNCATED")
