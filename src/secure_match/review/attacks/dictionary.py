"""AUDIT: dictionary: what it costs to try every ID number of a county, under each collusion.

A county's numbers are about 2^25: 100 years of birth dates and 999 sequence numbers; the region is known and the check
digit follows. A keyed hash is as strong as the secrecy of its key, an oblivious PRF (RFC 9497) as that of its key
holder's: without it every try is a query, which has a quota and a log.

Adversary's knowledge: tokens of a package, and what the parties hold that collude. Metric: seconds to try the whole
domain; none where the colluders cannot compute a token.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Literal

__all__ = ["COUNTY_NUMBERS", "DictionaryCost", "dictionary_costs", "macs_per_second", "quota_years"]

COUNTY_NUMBERS: Final = 2**25
"""100 years of birth dates times 999 sequence numbers are 36 million, in whole bits of their logarithm 2^25."""
_YEAR_SECONDS: Final = 365.25 * 86_400
_LABEL: Final = b"a speed, not a token"

Protocol = Literal["hmac", "oprf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DictionaryCost:
    """The cost of one collusion.

    Attributes:
        protocol: how the agreement makes tokens.
        colluders: roles that put together what they hold.
        offline: whether they can try a number without asking anybody outside.
        seconds: for the whole domain, on the cores that were measured; infinite where they cannot try offline.
        why: in a sentence.
    """

    protocol: Protocol
    colluders: tuple[str, ...]
    offline: bool
    seconds: float
    why: str

    @property
    def years(self) -> float:
        """The same in years of 365.25 days."""
        return self.seconds / _YEAR_SECONDS


def dictionary_costs(
    protocol: Protocol, speeds: Mapping[str, float], *, domain: int = COUNTY_NUMBERS
) -> tuple[DictionaryCost, ...]:
    """Cost under every collusion of bureau, department and key holder that includes the bureau.

    Args:
        protocol: of the agreement.
        speeds: evaluations per second: ``mac`` for hmac (see :func:`macs_per_second`), ``oprf`` for the whole token
            (hash to the group, multiply, hash) with the key at hand.
        domain: numbers to try.
    """
    outside = math.inf
    if protocol == "hmac":
        macs = domain / speeds["mac"]
        return (
            _cost(protocol, ("bureau",), outside, "the key of the tokens is the departments'"),
            _cost(protocol, ("bureau", "department"), macs, "a department holds the key"),
        )
    both = domain / speeds["oprf"]
    return (
        _cost(protocol, ("bureau",), outside, "neither the shared key nor the key holder's is the bureau's"),
        _cost(protocol, ("bureau", "department"), outside, "each try is a query, under a quota and on record"),
        _cost(protocol, ("bureau", "keyholder"), outside, "inputs are keyed by the departments' shared key"),
        _cost(protocol, ("bureau", "department", "keyholder"), both, "all keys are together; with two holders, both"),
    )


def quota_years(quota_rows: int, *, domain: int = COUNTY_NUMBERS) -> float:
    """Years that a department takes to ask for the whole domain at ``quota_rows`` elements a calendar month."""
    return math.inf if quota_rows <= 0 else math.ceil(domain / quota_rows) / 12


def macs_per_second(tries: int = 200_000) -> float:
    """Keyed BLAKE2b tokens per second of one core of this machine, in a plain Python loop: an attacker's is faster."""
    copy = hashlib.blake2b(key=_LABEL, digest_size=16).copy
    begun = perf_counter()
    for number in range(tries):
        state = copy()
        state.update(b"%018d" % number)
        state.digest()
    return tries / (perf_counter() - begun)


def _cost(protocol: Protocol, colluders: tuple[str, ...], seconds: float, why: str) -> DictionaryCost:
    return DictionaryCost(
        protocol=protocol, colluders=colluders, offline=math.isfinite(seconds), seconds=seconds, why=why
    )
