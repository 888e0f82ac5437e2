"""Key holders at work in tests: an agreement with blinded tokens, worthless keys, and requests of a department."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import tomlkit

from exchange.sealed_tiny import identity
from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.agreement._add_keys import add_public_keys
from secure_match.exchange.desk import Desk, Outgoing
from secure_match.exchange.oprf import blind, scalars_from
from secure_match.exchange.oprf.files import (
    BLINDED_NOTES,
    BlindedManifest,
    BlindedRequest,
    write_blinded,
)
from secure_match.keyholder.holder import KeyHolder
from secure_match.keyholder.key_files import new_keyholder_key, read_keyholder_key

QUOTA_ROWS: Final = 1000
QUOTA: Final = QUOTA_ROWS * 105 // 100
NOW: Final = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOLDER: Final = "holder"
_DEPARTMENTS: Final = ("police", "hrss", "medical", "education")


def draft_text() -> str:
    """The city's agreement with a key holder and blinded tokens, still without any key."""
    content = tomllib.loads(trusted_template())
    content["id_token"] = {"protocol": "oprf", "quota_rows": dict.fromkeys(_DEPARTMENTS, QUOTA_ROWS)}
    content["passes"] = [item for item in content["passes"] if item["block_on"] != ["id_number.partial"]]
    content["parties"].append({"id": HOLDER, "role": "keyholder", "name": "密钥保管方"})
    document = tomlkit.document()
    parties = tomlkit.aot()
    for party in content.pop("parties"):
        table = tomlkit.table()
        table.update(party)
        parties.append(table)
    document.update(content)
    document["parties"] = parties
    return tomlkit.dumps(document)


def seed(turn: int = 0) -> bytes:
    """A worthless seed."""
    return hashlib.sha256(b"worthless seed %d" % turn).digest()


def lay_out(root: Path, *, sealed: bool) -> Agreement:
    """The key file ``holder.oprf`` and the agreement that names its key; sealed, with everybody's keys."""
    text = draft_text()
    own = identity(HOLDER, role="keyholder") if sealed else None
    public = new_keyholder_key(parse_agreement(text), HOLDER, root / "holder.oprf", identity=own, seed=seed())
    keys: dict[str, tuple[str, dict[str, str]]] = {HOLDER: ("keyholder", {"oprf": public.text})}
    if own is not None:
        keys[HOLDER][1].update(own.public.party_keys())
        for party in parse_agreement(text).parties:
            if party.id != HOLDER:
                keys[party.id] = (party.role, identity(party.id, role=party.role).public.party_keys())
    text = add_public_keys(text, keys)
    (root / "agreement.toml").write_text(text, encoding="utf-8")
    return parse_agreement(text)


def desk_of(agreement: Agreement, party: str, root: Path, now: datetime = NOW) -> Desk:
    role = "keyholder" if party == HOLDER else "department"
    return Desk(
        agreement=agreement,
        identity=identity(party, role=role),
        operator="zhang",
        log=root / f"{party}.log",
        period="2026-11",
        clock=lambda: now,
    )


def holder_of(agreement: Agreement, root: Path, *, now: datetime = NOW, **more: Any) -> KeyHolder:
    desk = desk_of(agreement, HOLDER, root, now) if agreement.sealed else None
    key, public = read_keyholder_key(root / "holder.oprf", desk.identity if desk is not None else None)
    return KeyHolder(
        agreement=agreement,
        key=key,
        public=public,
        log=root / "holder.log",
        operator="zhang",
        clock=lambda: now,
        desk=desk,
        **more,
    )


def made_inputs(rows: int, turn: int = 0) -> tuple[list[bytes], np.ndarray]:
    """Inputs of 32 bytes and their blinds."""
    inputs = [hashlib.sha256(b"%d of %d" % (row, turn)).digest() for row in range(rows)]
    return inputs, scalars_from(np.random.default_rng(turn).bytes(64 * rows))


def write_request(
    agreement: Agreement,
    path: Path,
    rows: int,
    *,
    turn: int = 0,
    root: Path | None = None,
    change: Callable[[np.ndarray], None] | None = None,
    **manifest: Any,
) -> BlindedManifest:
    """A request of police; sealed under a sealed agreement, by the desk in ``root``."""
    elements = blind(*made_inputs(rows, turn)).copy()
    if change is not None:
        change(elements)
    said = {
        "agreement_id": agreement.id,
        "agreement_fingerprint": agreement.fingerprint,
        "key_epoch": agreement.key_epoch,
        "sender": "police",
        "recipient": HOLDER,
        "request_id": f"{turn:032x}",
        "elements": rows,
        "datasets": ("population",),
        "tool": "test",
    } | manifest
    request = BlindedRequest(manifest=BlindedManifest(**said), elements=elements)
    if not agreement.sealed:
        write_blinded(request, path)
        return request.manifest
    assert root is not None
    outgoing = Outgoing(kind="blinded", recipient=HOLDER, columns=BLINDED_NOTES, counts={"elements": rows})
    desk_of(agreement, "police", root).send_written(lambda plain: write_blinded(request, plain), path, outgoing)
    return request.manifest
