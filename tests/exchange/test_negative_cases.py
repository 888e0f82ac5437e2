"""Every way of being wrong is refused with its own code, and what is right is taken."""

from __future__ import annotations

from typing import Final

import pytest

from exchange.conftest import Tiny
from exchange.negative_cases import Bases, Case, cases, make_bases
from exchange.sealed_tiny import identity
from secure_match.exchange.identities import Identity

_BASES: Final = make_bases()
_CASES: Final = {case.name: case for case in cases(_BASES)}


def holder(name: str) -> Identity:
    """The identity of ``party`` or ``party/turn``."""
    party, _, turn = name.partition("/")
    return identity(party, turn=int(turn or 0))


@pytest.fixture(scope="module")
def bases() -> Bases:
    return _BASES


@pytest.mark.parametrize("name", _CASES)
def test_case(name: str, tiny: Tiny, bases: Bases) -> None:
    case: Case = _CASES[name]
    agreement, plain = bases.agreements[case.agreement], bases.plains[case.agreement]
    assert tiny.code(case.data, agreement=agreement, holder=holder(case.holder), plain=plain) == case.code


def test_names_differ(bases: Bases) -> None:
    assert len(list(cases(bases))) == len(_CASES)
