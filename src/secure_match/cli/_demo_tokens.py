"""EDGE: the blinded ID tokens of the demo: its key holder, and a request and an answer for every department."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from secure_match.agreement import Agreement
from secure_match.bureau.files import make_directory
from secure_match.cli._demo_desks import OPERATOR, demo_bytes
from secure_match.department.blind_station import blind_exports
from secure_match.department.finalise_station import finalise_answers
from secure_match.exchange.desk import Desk
from secure_match.exchange.identities import Identity
from secure_match.exchange.oprf.public_files import OprfPublicKey, write_oprf_public
from secure_match.keyholder.holder import KeyHolder
from secure_match.keyholder.key_files import new_keyholder_key, oprf_public_path, read_keyholder_key
from secure_match.keyholder.stations import evaluate_request

_SEED_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRound:
    """What went to the key holder and came back.

    Attributes:
        requests: department to its request.
        answers: department to the answer.
        tokens: department to the tokens that it got.
    """

    requests: dict[str, Path] = field(default_factory=dict)
    answers: dict[str, Path] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)


def make_holder_keys(
    agreement: Agreement, identities: Mapping[str, Identity], seed: int, folder: Path
) -> dict[str, OprfPublicKey]:
    """A worthless key for every key holder, sealed under its identity; none under ``hmac``."""
    found: dict[str, OprfPublicKey] = {}
    for party in agreement.key_holders:
        path = holder_key_path(folder, party.id)
        chosen = demo_bytes(seed, f"oprf {party.id}", _SEED_BYTES)
        found[party.id] = new_keyholder_key(agreement, party.id, path, identity=identities[party.id], seed=chosen)
        write_oprf_public(found[party.id], oprf_public_path(path))
    return found


def holder_key_path(folder: Path, party: str) -> Path:
    """Where the key of a key holder lies."""
    return folder / f"{party}.oprf"


def get_tokens(
    agreement: Agreement,
    desks: Mapping[str, Desk],
    exports: Mapping[str, Path],
    keys: Mapping[str, Path],
    stores: Mapping[str, Path],
    *,
    holder_keys: Path,
    seed: int,
    sent: Path,
    step: Callable[[str], None],
) -> TokenRound:
    """Every department asks for the tokens of its ID numbers; nothing under ``hmac``.

    Args:
        exports: dataset to its export.
        keys: department to its key file.
        stores: department to the folder that its tokens are kept in.
        holder_keys: folder of the key holders' keys.
        seed: what blinds are made from: as worthless as all keys of the demo.
        sent: folder for requests and answers.
    """
    found = TokenRound()
    if not agreement.key_holders:
        return found
    make_directory(sent)
    (party,) = (item.id for item in agreement.key_holders)
    key, public = read_keyholder_key(holder_key_path(holder_keys, party), desks[party].identity)
    desk = desks[party]
    holder = KeyHolder(
        agreement=agreement, key=key, public=public, log=desk.log, operator=OPERATOR, clock=desk.clock, desk=desk
    )
    calls = count()

    def random(length_bytes: int) -> bytes:
        return demo_bytes(seed, f"blinds {next(calls)}", length_bytes)

    for department, store in stores.items():
        step(f"{department} asks for ID tokens")
        mine = [(item.id, exports[item.id]) for item in agreement.datasets if item.owner == department]
        request, answer = sent / f"{department}.smb", sent / f"{department}.sme"
        blind_exports(agreement, mine, keys[department], store, request, random=random, desk=desks[department])
        step(f"{party} answers {department}")
        evaluate_request(holder, request, answer)
        report = finalise_answers(agreement, [answer], store, random=random, desk=desks[department])
        found.requests[department], found.answers[department] = request, answer
        found.tokens[department] = report.tokens
    return found
