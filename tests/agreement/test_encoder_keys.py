"""Encoder and hardening in an agreement: what is refused, what the fingerprint says, how long encodings are."""

from __future__ import annotations

from typing import Any

import pytest

from secure_match.agreement import Agreement, Hardening, city_template, leaving_columns, parse_agreement
from secure_match.errors import AgreementError

ENCODER = 'id = "given_start"\n'


def with_keys(text: str) -> Agreement:
    """The template with lines added to its first pass."""
    template = city_template()
    assert template.count(ENCODER) == 1
    return parse_agreement(template.replace(ENCODER, ENCODER + text))


PLAIN = parse_agreement(city_template())
MAJORITY = 'encoder = "majority_xor"\nreview_threshold = 0.55\n'


@pytest.mark.parametrize("text", ['encoder = "clk"\n', "bits = 1024\n"])
def test_what_is_the_default_does_not_change_the_fingerprint(text: str) -> None:
    assert with_keys(text).fingerprint == PLAIN.fingerprint
    assert b"hardening" not in PLAIN.canonical_bytes
    assert b"majorities" not in PLAIN.canonical_bytes


def test_every_key_changes_the_fingerprint() -> None:
    texts = [
        MAJORITY,
        MAJORITY + "majorities = 1\n",
        MAJORITY + "majorities = 3\n",
        "hardening = { xor_fold = true }\n",
        "hardening = { rule90 = true }\n",
        "hardening = { blip = { flip = 0.02 } }\n",
        "hardening = { blip = { flip = 0.05 } }\n",
        "review_threshold = 0.8\nhardening = { balance = true }\n",
    ]
    assert len({PLAIN.fingerprint, *(with_keys(text).fingerprint for text in texts)}) == len(texts) + 1
    same = with_keys("hardening = { rule90 = true, xor_fold = false }\n")
    assert same.fingerprint == with_keys("hardening = { rule90 = true }\n").fingerprint


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("", 1024),
        (MAJORITY, 1024),
        ("hardening = { xor_fold = true }\n", 512),
        ("review_threshold = 0.8\nhardening = { balance = true }\n", 2048),
        ("review_threshold = 0.8\nhardening = { xor_fold = true, balance = true }\n", 1024),
        ("bits = 256\nhardening = { xor_fold = true, rule90 = true, blip = { flip = 0.1 } }\n", 128),
    ],
)
def test_how_many_bits_leave(text: str, bits: int) -> None:
    agreement = with_keys(text)
    assert agreement.passes[0].encoded_bits == bits
    form = next(
        column.form
        for column in leaving_columns(agreement, agreement.datasets[0])
        if column.name == "pass.given_start.encoding"
    )
    assert form.startswith(f"{bits} bits")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('encoder = "diffusion"\n', "encoder"),
        ('encoder = "double_hashing"\n', "encoder"),
        ("majorities = 2\n", "majorities"),
        (MAJORITY + "majorities = 0\n", "majorities"),
        (MAJORITY + "majorities = 9\n", "majorities"),
        ("hardening = {}\n", "hardening"),
        ("hardening = { rule90 = false }\n", "hardening"),
        ("hardening = { rule90 = 1 }\n", "hardening.rule90"),
        ("hardening = { blip = { flip = 0.5 } }\n", "hardening.blip.flip"),
        ("hardening = { blip = { flip = 0.0 } }\n", "hardening.blip.flip"),
        ("hardening = { blip = {} }\n", "hardening.blip.flip"),
        (MAJORITY + "hardening = { xor_fold = true }\n", "hardening.xor_fold"),
        (MAJORITY + "hardening = { rule90 = true, balance = true }\n", "hardening.rule90"),
        ('encoder = "majority_xor"\n', "review_threshold"),
        ('encoder = "majority_xor"\nreview_threshold = 0.5\n', "review_threshold"),
        ("hardening = { balance = true }\n", "review_threshold"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, key: str) -> None:
    with pytest.raises(AgreementError) as caught:
        with_keys(text)
    assert (caught.value.code, caught.value.place.key) == ("AGREEMENT_INVALID", f"passes[0].{key}")


def test_an_unknown_hardening_is_an_unknown_key() -> None:
    with pytest.raises(AgreementError) as caught:
        with_keys("hardening = { diffusion = true }\n")
    assert (caught.value.code, caught.value.place.key) == ("AGREEMENT_UNKNOWN_KEY", "passes[0].hardening.diffusion")


@pytest.mark.parametrize(("flip", "threshold"), [(1 / 65536, 1), (0.05, 3277), (0.49999999, 32768)])
def test_a_probability_is_a_whole_number_of_words(flip: float, threshold: int) -> None:
    content: dict[str, Any] = {"blip": {"flip": flip}}
    hardening = Hardening.model_validate(content)
    assert hardening.blip is not None
    assert hardening.blip.threshold == threshold
