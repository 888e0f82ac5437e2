"""The vectors of encoders and hardening against the package and the code of the specification."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from docs_console import REPOSITORY, blocks

from secure_match.agreement import Pass
from secure_match.department.normalise import NormalisedField
from secure_match.department.passes import PassKeys, encode_pass

SPEC = REPOSITORY / "docs" / "spec"
DATA = json.loads((SPEC / "encoders-vectors.json").read_text(encoding="utf-8"))
GIVEN = DATA["inputs"]
SCOPE = (GIVEN["agreement_fingerprint"], GIVEN["key_epoch"])
SHARED, HANDLE = bytes.fromhex(GIVEN["shared_secret"]), bytes.fromhex(GIVEN["handle_secret"])
KEYS = ("block_key", "token_key", "position_key")
HARDENING_KEYS = ("permutation_key", "seed_key", "stream_key")


@pytest.fixture(scope="module")
def tiny() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("passes.md", "encoders.md"):
        exec(blocks(SPEC / name, "python")[0], found)
    return found


def column(value: str) -> NormalisedField:
    return NormalisedField(values=pa.array([value], pa.string()), states=np.zeros(1, dtype=np.uint8))


@pytest.mark.parametrize("vector", DATA["vectors"], ids=lambda vector: vector["id"])
def test_the_package_makes_what_the_vectors_say(vector: dict[str, Any]) -> None:
    item = Pass.model_validate_json(json.dumps(vector["pass"]))
    keys = PassKeys.derive(SHARED, *SCOPE, item.id).with_noise(HANDLE, *SCOPE, GIVEN["dataset"], item.id)
    assert [getattr(keys, name).hex() for name in KEYS] == [vector[name] for name in KEYS]
    assert keys.permutation_key is not None
    assert keys.noise_keys is not None
    if item.hardening is not None:
        made = [key.hex() for key in (keys.permutation_key, *keys.noise_keys)]
        assert made == [vector[name] for name in HARDENING_KEYS]
    fields = {name: column(GIVEN[name]) for name in ("name", "birth_date", "sex", "given_name", "surname")}
    handles = np.frombuffer(bytes.fromhex(GIVEN["handle"]), dtype=np.uint8).reshape(1, 16)
    encoding = encode_pass(item, fields, keys, handles=handles)[1][0].as_py()
    assert encoding.hex() == vector["encoding"]
    assert len(encoding) * 8 == item.encoded_bits


@pytest.mark.parametrize("vector", DATA["vectors"], ids=lambda vector: vector["id"])
def test_the_code_of_the_specification_makes_them_too(vector: dict[str, Any], tiny: dict[str, Any]) -> None:
    item = vector["pass"]
    keys = [tiny["derive"](SHARED, f"pass-{name.removesuffix('_key')}", *SCOPE, item["id"]) for name in KEYS]
    parts = [
        (
            "" if part.get("shared") else part["field"],
            GIVEN[part["field"]],
            part["qgram_sizes"],
            part["positional"],
            part["insertions"],
        )
        for part in item["fields"]
    ]
    block = vector["block_value"].encode()
    if item.get("encoder") == "majority_xor":
        made = tiny["majority_xor"](keys, block, parts, item["bits"], item["majorities"])
    else:
        made = tiny["encode"](keys, block, parts, item["bits"])
    if "hardening" in item:
        assert made.hex() == vector["before"]
        noise = (GIVEN["dataset"], item["id"])
        hardening_keys = (
            tiny["derive"](SHARED, "pass-permutation", *SCOPE, item["id"]),
            tiny["derive"](HANDLE, "pass-noise", *SCOPE, *noise),
            tiny["derive"](HANDLE, "pass-noise/stream", *SCOPE, *noise),
        )
        made = tiny["harden"](item["hardening"], hardening_keys, bytes.fromhex(GIVEN["handle"]), made)
    assert made.hex() == vector["encoding"]
