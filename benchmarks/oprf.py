"""Blinded tokens a second: blind and finalise, evaluate, prove, verify, each beside a bare loop over rbcl.

The peer calls rbcl's own functions, one element a call, with hashlib for the hashes, and does the same work to the
byte, which the run checks. It uses one core; ours is measured on one thread and on all cores. "Blind + finalise" is
what a department pays for a number beside checking proofs, "evaluate" what RFC 9497 calls so; proofs are shown alone.
How many cores are free is shown by a control, a hash that never holds the interpreter, in as many threads.

Example:
    python benchmarks/oprf.py --rows 5000
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import rbcl
from _common import describe, describe_ratio, in_turn, machine, seconds

from secure_match.exchange.oprf import (
    OprfKey,
    OprfMode,
    blind,
    evaluate,
    finalise,
    key_info,
    prove,
    scalars_from,
    verify_proof,
)
from secure_match.exchange.oprf._group import core_count
from secure_match.exchange.oprf._hashing import TO_SCALAR, framed

CONTEXT = OprfMode.VOPRF.context
TARGETS = {"blind + finalise": 4_000, "evaluate": 10_000}


def expand(message: bytes, tag: bytes) -> bytes:
    """expand_message_xmd to 64 bytes, as RFC 9380 writes it."""
    suffix = tag + bytes([len(tag)])
    first = hashlib.sha512(bytes(128) + message + b"\0\x40\0" + suffix).digest()
    return hashlib.sha512(first + b"\1" + suffix).digest()


def bare_blind(inputs: list[bytes], scalars: list[bytes]) -> list[bytes]:
    """Blinds by rbcl."""
    return [
        rbcl.crypto_scalarmult_ristretto255(
            scalar, rbcl.crypto_core_ristretto255_from_hash(expand(item, b"HashToGroup-" + CONTEXT))
        )
        for item, scalar in zip(inputs, scalars, strict=True)
    ]


def bare_evaluate(secret: bytes, blinded: list[bytes]) -> list[bytes]:
    """Evaluates by rbcl."""
    return [rbcl.crypto_scalarmult_ristretto255(secret, element) for element in blinded]


def bare_finalise(inputs: list[bytes], scalars: list[bytes], evaluated: list[bytes]) -> list[bytes]:
    """Unblinds by rbcl, with an inversion for each."""
    outputs = []
    for item, scalar, element in zip(inputs, scalars, evaluated, strict=True):
        inverse = rbcl.crypto_core_ristretto255_scalar_invert(scalar)
        unblinded = rbcl.crypto_scalarmult_ristretto255(inverse, element)
        outputs.append(hashlib.sha512(framed(item, unblinded) + b"Finalize").digest())
    return outputs


def bare_sums(public: bytes, blinded: list[bytes], evaluated: list[bytes], *, both: bool) -> list[bytes]:
    """The weighted sums that a proof is of by rbcl: the prover needs one, the verifier two."""
    seed = hashlib.sha512(framed(public, b"Seed-" + CONTEXT)).digest()
    totals = [bytes(32), bytes(32)] if both else [bytes(32)]
    for row, pair in enumerate(zip(blinded, evaluated, strict=True)):
        transcript = framed(seed) + row.to_bytes(2, "big") + framed(*pair) + b"Composite"
        weight = rbcl.crypto_core_ristretto255_scalar_reduce(TO_SCALAR[OprfMode.VOPRF](transcript))
        for side, element in enumerate(pair[: len(totals)]):
            term = rbcl.crypto_scalarmult_ristretto255(weight, element)
            totals[side] = rbcl.crypto_core_ristretto255_add(totals[side], term)
    return totals


def in_threads(count: int) -> None:
    """The control: as much hashing in each of some threads."""
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda _: hashlib.pbkdf2_hmac("sha256", b"control", bytes(16), 500_000), range(count)))


def report(
    name: str,
    rows: int,
    repeats: int,
    ours: Callable[[int | None], object],
    peer: Callable[[], object],
) -> None:
    """One station: one thread beside the peer, then all cores."""
    print(f"{name}: {rows:,} elements")
    own, bare = in_turn(lambda: ours(1), peer, repeats)
    print(describe("ours, one thread", own, rows, "elements"))
    print(describe("bare loop over rbcl", bare, rows, "elements"))
    print(describe_ratio(own, bare))
    every, control = in_turn(lambda: ours(None), lambda: in_threads(core_count()), repeats)
    alone = [seconds(lambda: in_threads(1)) for _ in range(repeats)]
    print(describe("ours, all cores", every, rows, "elements"))
    free = core_count() * statistics.median(alone) / statistics.median(control)
    print(f"  all cores to one       {statistics.median(own) / statistics.median(every):.2f}   control {free:.2f}")
    if name in TARGETS:
        rate = rows / statistics.median(own)
        met = "met" if rate >= TARGETS[name] else f"missed by {1 - rate / TARGETS[name]:.0%}"
        print(f"  target {TARGETS[name]:,} a second and core: {met}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000, help="elements, at most 10,000")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    print(machine())
    rows, repeats = given.rows, given.repeats
    inputs = [hashlib.sha256(b"%d" % row).digest() for row in range(rows)]
    scalars = scalars_from(np.random.default_rng(1).bytes(64 * rows))
    key = OprfKey.derive(bytes(32), key_info("benchmark", "2026"))
    nonce = scalars_from(bytes(range(64))).tobytes()
    blinded = blind(inputs, scalars)
    evaluated = evaluate(key, blinded)
    proof = prove(key, blinded, evaluated, nonce)
    secret = key.number().to_bytes(32, "little")
    each = [row.tobytes() for row in scalars], [row.tobytes() for row in blinded], [row.tobytes() for row in evaluated]
    assert b"".join(bare_blind(inputs, each[0])) == blinded.tobytes()
    assert b"".join(bare_evaluate(secret, each[1])) == evaluated.tobytes()
    assert b"".join(bare_finalise(inputs, each[0], each[2])) == finalise(inputs, scalars, evaluated).tobytes()

    def ours_both(workers: int | None) -> None:
        blind(inputs, scalars, workers=workers)
        finalise(inputs, scalars, evaluated, workers=workers)

    def bare_both() -> None:
        bare_blind(inputs, each[0])
        bare_finalise(inputs, each[0], each[2])

    report("blind + finalise", rows, repeats, ours_both, bare_both)
    report(
        "evaluate",
        rows,
        repeats,
        lambda workers: evaluate(key, blinded, workers=workers),
        lambda: bare_evaluate(secret, each[1]),
    )
    report(
        "prove",
        rows,
        repeats,
        lambda workers: prove(key, blinded, evaluated, nonce, workers=workers),
        lambda: bare_sums(key.public, each[1], each[2], both=False),
    )
    report(
        "verify",
        rows,
        repeats,
        lambda workers: verify_proof(key.public, blinded, evaluated, proof, workers=workers),
        lambda: bare_sums(key.public, each[1], each[2], both=True),
    )


if __name__ == "__main__":
    main()
