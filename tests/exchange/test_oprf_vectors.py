"""The vectors of RFC 9497 for ristretto255-SHA512, all three modes, through the functions that the product calls."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secure_match.exchange.oprf import OprfKey, OprfMode, blind, evaluate, finalise, prove, verify_proof

SUITES = json.loads((Path(__file__).parent / "vectors" / "rfc9497-ristretto255.json").read_text())["suites"]
CASES = [
    pytest.param(suite, case, id=f"{OprfMode(suite['mode']).name}-{number}")
    for suite in SUITES
    for number, case in enumerate(suite["vectors"])
]


def rows(text: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(text.replace(",", "")), dtype=np.uint8).reshape(text.count(",") + 1, -1)


def key_of(suite: dict[str, Any]) -> OprfKey:
    seed, info = bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"])
    return OprfKey.derive(seed, info, mode=OprfMode(suite["mode"]))


def test_all_vectors_are_here() -> None:
    assert [(suite["mode"], len(suite["vectors"])) for suite in SUITES] == [(0, 2), (1, 3), (2, 3)]


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: OprfMode(suite["mode"]).name)
def test_key_derivation(suite: dict[str, Any]) -> None:
    key = key_of(suite)
    assert key.number().to_bytes(32, "little").hex() == suite["skSm"]
    assert suite.get("pkSm", key.public.hex()) == key.public.hex()


@pytest.mark.parametrize(("suite", "case"), CASES)
def test_vector(suite: dict[str, Any], case: dict[str, Any]) -> None:
    mode = OprfMode(suite["mode"])
    inputs = [bytes.fromhex(item) for item in case["Input"].split(",")]
    info = bytes.fromhex(case.get("Info", ""))
    key = key_of(suite)
    used = key.tweaked(info) if mode is OprfMode.POPRF else key
    scalars = rows(case["Blind"])
    blinded = blind(inputs, scalars, mode=mode)
    np.testing.assert_array_equal(blinded, rows(case["BlindedElement"]))
    evaluated = evaluate(used, blinded)
    np.testing.assert_array_equal(evaluated, rows(case["EvaluationElement"]))
    if "Proof" in case:
        proof = prove(used, blinded, evaluated, bytes.fromhex(case["Proof"]["r"]))
        assert proof.hex() == case["Proof"]["proof"]
        verify_proof(key.public, blinded, evaluated, proof, mode=mode, info=info)
    outputs = finalise(inputs, scalars, evaluated, mode=mode, info=info)
    np.testing.assert_array_equal(outputs, rows(case["Output"]))
