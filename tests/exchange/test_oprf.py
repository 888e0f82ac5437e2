"""The batch: any number of threads, two keys, what is no element, proofs that do not fit, secrets that stay."""

import pickle
import secrets
from collections.abc import Callable

import numpy as np
import pytest

from secure_match.errors import KeyFileError, PackageError
from secure_match.exchange.oprf import (
    OprfKey,
    add_elements,
    add_keys,
    blind,
    evaluate,
    finalise,
    key_info,
    prove,
    scalars_from,
    verify_proof,
)
from secure_match.exchange.oprf._hashing import ORDER

ROWS = 600
INPUTS = [b"input-%d" % row for row in range(ROWS)]
SCALARS = scalars_from(np.random.default_rng(5).bytes(64 * ROWS))
KEY = OprfKey.derive(bytes(range(32)), key_info("agreement", "2026"))
OTHER = OprfKey.derive(bytes(range(1, 33)), key_info("agreement", "2026"))
BLINDED = blind(INPUTS, SCALARS)
EVALUATED = evaluate(KEY, BLINDED)
NONCE = scalars_from(bytes(range(64))).tobytes()
# The field's prime as an encoding is 0 written in another way; all of RFC 9496, A.2's non-canonical ones are refused.
NOT_CANONICAL = (2**255 - 19).to_bytes(32, "little")
NEGATIVE = (1).to_bytes(32, "little")


def changed(matrix: np.ndarray, row: int, data: bytes) -> np.ndarray:
    copy = matrix.copy()
    copy[row] = np.frombuffer(data, dtype=np.uint8)
    return copy


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_the_number_of_threads_changes_nothing(workers: int) -> None:
    np.testing.assert_array_equal(blind(INPUTS, SCALARS, workers=workers), BLINDED)
    np.testing.assert_array_equal(evaluate(KEY, BLINDED, workers=workers), EVALUATED)
    proof = prove(KEY, BLINDED, EVALUATED, NONCE, workers=workers)
    assert proof == prove(KEY, BLINDED, EVALUATED, NONCE, workers=1)
    verify_proof(KEY.public, BLINDED, EVALUATED, proof, workers=workers)
    np.testing.assert_array_equal(
        finalise(INPUTS, SCALARS, EVALUATED, workers=workers), finalise(INPUTS, SCALARS, EVALUATED, workers=1)
    )


def test_outputs_do_not_depend_on_blinds_and_tell_inputs_apart() -> None:
    scalars = scalars_from(secrets.token_bytes(64 * ROWS))
    blinded = blind(INPUTS, scalars)
    assert not (blinded == BLINDED).all(axis=1).any()
    outputs = finalise(INPUTS, scalars, evaluate(KEY, blinded))
    np.testing.assert_array_equal(outputs, finalise(INPUTS, SCALARS, EVALUATED))
    assert len(np.unique(outputs, axis=0)) == ROWS


def test_progress_counts_every_row_once() -> None:
    seen: list[int] = []
    evaluate(KEY, BLINDED, progress=seen.append)
    assert sum(seen) == ROWS


def test_two_keys_are_one_key_of_their_sum() -> None:
    whole = OprfKey(KEY.number() + OTHER.number() - ORDER * (KEY.number() + OTHER.number() >= ORDER), KEY.mode)
    summed = add_elements(EVALUATED, evaluate(OTHER, BLINDED))
    np.testing.assert_array_equal(summed, evaluate(whole, BLINDED))
    assert add_keys(KEY.public, OTHER.public) == whole.public


def test_keys_of_agreements_and_epochs_differ() -> None:
    seed = bytes(32)
    names = [("ab", "c"), ("a", "bc"), ("ab", "d")]
    assert len({OprfKey.derive(seed, key_info(*name)).public for name in names}) == len(names)


@pytest.mark.parametrize("element", [bytes(32), NOT_CANONICAL, NEGATIVE, b"\xff" * 32])
@pytest.mark.parametrize(
    "use",
    [
        lambda bad: evaluate(KEY, bad),
        lambda bad: finalise(INPUTS, SCALARS, bad),
        lambda bad: add_elements(BLINDED, bad),
        lambda bad: add_elements(bad, BLINDED),
        lambda bad: verify_proof(KEY.public, bad, EVALUATED, bytes(64)),
        lambda bad: verify_proof(KEY.public, BLINDED, bad, bytes(64)),
    ],
)
def test_what_is_no_element_is_refused_with_its_row(use: Callable[[np.ndarray], object], element: bytes) -> None:
    with pytest.raises(PackageError) as caught:
        use(changed(BLINDED, 437, element))
    assert (caught.value.code, caught.value.place.row) == ("ELEMENT_INVALID", 438)


def test_a_sum_that_is_the_identity_is_refused() -> None:
    opposite = OprfKey(ORDER - KEY.number(), KEY.mode)
    with pytest.raises(PackageError, match="ELEMENT_INVALID"):
        add_elements(EVALUATED, evaluate(opposite, BLINDED))


@pytest.mark.parametrize("scalar", [bytes(32), ORDER.to_bytes(32, "little"), b"\xff" * 32])
def test_scalars_out_of_range_are_refused(scalar: bytes) -> None:
    bad = changed(SCALARS, 3, scalar)
    for use in (lambda: blind(INPUTS, bad), lambda: finalise(INPUTS, bad, EVALUATED)):
        with pytest.raises(PackageError, match="SCALAR_INVALID"):
            use()
    with pytest.raises(PackageError, match="SCALAR_INVALID"):
        prove(KEY, BLINDED, EVALUATED, scalar)


def test_wrong_lengths_are_refused() -> None:
    for use in (
        lambda: evaluate(KEY, BLINDED[:, :31]),
        lambda: evaluate(KEY, BLINDED.astype(np.uint16)),
        lambda: blind(INPUTS[:-1], SCALARS),
        lambda: blind([bytes(65536)], SCALARS[:1]),
        lambda: add_elements(BLINDED, BLINDED[:-1]),
        lambda: scalars_from(bytes(range(63))),
        lambda: prove(KEY, BLINDED[:0], EVALUATED[:0], NONCE),
        lambda: prove(KEY, np.repeat(BLINDED, 20, axis=0), np.repeat(EVALUATED, 20, axis=0), NONCE),
        lambda: verify_proof(KEY.public, BLINDED, EVALUATED[:-1], bytes(64)),
        lambda: add_keys(KEY.public, KEY.public[:-1]),
    ):
        with pytest.raises(PackageError, match="ELEMENT_LENGTH"):
            use()
    with pytest.raises(KeyFileError, match="KEY_LENGTH"):
        OprfKey.derive(bytes(31), b"")


def test_a_proof_fits_its_key_elements_and_order_alone() -> None:
    proof = prove(KEY, BLINDED, EVALUATED, NONCE)
    verify_proof(KEY.public, BLINDED, EVALUATED, proof)
    tagged = EVALUATED.copy()
    tagged[9] = evaluate(OTHER, BLINDED[9:10])[0]
    swapped = EVALUATED[::-1].copy()
    cases = [
        (OTHER.public, BLINDED, EVALUATED, proof),
        (KEY.public, BLINDED, tagged, proof),
        (KEY.public, BLINDED, tagged, prove(KEY, BLINDED, tagged, NONCE)),
        (KEY.public, BLINDED, swapped, proof),
        (KEY.public, BLINDED[:-1], EVALUATED[:-1], proof),
        (KEY.public, BLINDED, EVALUATED, proof[:-1]),
        (KEY.public, BLINDED, EVALUATED, proof + b"\0"),
        (KEY.public, BLINDED, EVALUATED, bytes(64)),
        (KEY.public, BLINDED, EVALUATED, b"\xff" * 64),
        (KEY.public, BLINDED, EVALUATED, bytes([proof[0] ^ 1]) + proof[1:]),
        # A response above the order would be a second proof of the same.
        (
            KEY.public,
            BLINDED,
            EVALUATED,
            proof[:32] + (int.from_bytes(proof[32:], "little") + ORDER).to_bytes(32, "little"),
        ),
    ]
    for case in cases:
        with pytest.raises(PackageError, match="PROOF_WRONG"):
            verify_proof(*case)


def test_the_key_stays_in_its_handle() -> None:
    secret = KEY.number().to_bytes(32, "little")
    assert secret.hex() not in repr(KEY)
    for use in (lambda: pickle.dumps(KEY), lambda: KEY == KEY, lambda: hash(KEY)):
        with pytest.raises(TypeError):
            use()
