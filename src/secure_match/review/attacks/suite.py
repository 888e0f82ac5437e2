"""AUDIT: all attacks that need no second package on one release, and which of their figures judge it.

Invariants: same release and seed, same figures; a rate that judges has at least ``JUDGED_TRIALS`` trials, so that one
row more or less does not decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Final

import numpy as np

from secure_match.review.attacks.fingerprints import fingerprints
from secure_match.review.attacks.frequency import frequency_alignment, pattern_mining
from secure_match.review.attacks.inputs import IntArray, SeenPass, draw_known
from secure_match.review.attacks.known_plaintext import LEARNERS, LearnerName, known_plaintext_attacks
from secure_match.review.attacks.membership import membership
from secure_match.review.attacks.propagation import tag_propagation
from secure_match.review.attacks.release import AttackedRelease
from secure_match.review.attacks.result import AttackResult
from secure_match.review.attacks.tags import tag_frequency, tag_structure, tag_values

PAIRS: Final = (50, 200, 1_000, 3_000)
"""Known pairs that are tried, as far as the release has rows for them."""
MOST_KNOWN: Final = 0.8
"""Share of the rows with passes that the adversary may know: beyond it hardly anybody is left to name."""
QUICK: Final[tuple[LearnerName, ...]] = ("noisy_or", "ridge")
JUDGED_TRIALS: Final = 200
NAMING: Final = ("known_plaintext", "tag_propagation", "tag_structure", "fingerprints")
"""Attacks that name persons; the others tell values, or who is in the file."""
AS_IN_SOURCE: Final = "as in the export"
"""Setting ``form`` of what does not leave, and is shown beside."""
KNOWN: Final = "known"
"""Setting of every result of :func:`attack_release`: pairs that were given, over all passes."""
_MEMBERSHIP_PAIRS: Final = 200
Step = Callable[[str], None]


def attack_release(
    release: AttackedRelease,
    *,
    pairs: Sequence[int] = PAIRS,
    thorough: bool = False,
    seed: int = 0,
    step: Step | None = None,
) -> tuple[AttackResult, ...]:
    """Run the attacks, in a fixed order.

    Args:
        release: what left, the roster, and the truth.
        pairs: numbers of known pairs; those beyond ``MOST_KNOWN`` of the rows with passes are left out.
        thorough: all learners; and in passes with blocks also what the key per block leaves no hope for: one map over
            all blocks for every number of pairs, and frequencies and patterns of bits. Otherwise one map for the most
            pairs alone.
        seed: of all draws.
        step: told what is about to run.
    """
    found: list[AttackResult] = []
    for attack in _attacks(release, pairs, seed, thorough=thorough):
        if step is not None:
            step(attack.name)
        begun = perf_counter()
        made = list(attack.run())
        share = (perf_counter() - begun) / max(len(made), 1)
        found += [
            replace(item, settings=item.settings | {KNOWN: attack.known}, seconds=item.seconds or share)
            for item in made
        ]
    return tuple(found)


def attack_steps(release: AttackedRelease, *, pairs: Sequence[int] = PAIRS, thorough: bool = False) -> int:
    """Calls of ``step`` that :func:`attack_release` makes."""
    return sum(1 for _ in _attacks(release, pairs, 0, thorough=thorough))


@dataclass(frozen=True, slots=True)
class _Attack:
    """One attack that is to run: its name for people, pairs known to the adversary, and the call."""

    name: str
    known: int
    run: Callable[[], Iterable[AttackResult]]


def _attacks(release: AttackedRelease, pairs: Sequence[int], seed: int, *, thorough: bool) -> Iterator[_Attack]:
    truth = release.truth
    carried = int((release.present & (truth >= 0)).sum())
    tried = tried_pairs(carried, pairs)
    for number in tried:
        yield from _with_pairs(release, number, seed, thorough=thorough, over_blocks=thorough or number == max(tried))
    if carried:
        yield _Attack("shape of the tags", 0, lambda: [tag_structure(release.passes, truth=truth)])
        for item in release.passes:
            yield from _on_pass(item, truth, seed, thorough=thorough)
    if release.tokens is not None:
        yield _Attack("frequency of ID tokens", 0, partial(_on_tokens, release))
    if release.coded and release.table:
        yield _Attack("fingerprints of coded columns", 0, partial(_on_codes, release))


def _with_pairs(
    release: AttackedRelease, number: int, seed: int, *, thorough: bool, over_blocks: bool
) -> Iterator[_Attack]:
    known = draw_known(release.truth, number, seed, release.present)
    for item in release.passes:
        learn = partial(
            known_plaintext_attacks,
            item,
            truth=release.truth,
            known=known,
            seed=seed,
            learners=LEARNERS if thorough else QUICK,
            over_blocks=over_blocks,
        )
        yield _Attack(f"known plaintext, {number:,} pairs, pass {item.id}", number, learn)
        if item.tags is not None:
            values = partial(tag_values, item, truth=release.truth, known=known)
            yield _Attack(f"block values, {number:,} pairs, pass {item.id}", number, partial(_each, values))
    yield _Attack(
        f"propagation along tags, {number:,} pairs",
        number,
        lambda: [tag_propagation(release.passes, truth=release.truth, known=known)],
    )


def _each(attack: Callable[[], AttackResult]) -> list[AttackResult]:
    return [attack()]


def _on_pass(item: SeenPass, truth: IntArray, seed: int, *, thorough: bool) -> Iterator[_Attack]:
    tags, values = item.tags, item.block_values
    if tags is not None and values is not None:
        yield _Attack(
            f"frequency of tags, pass {item.id}",
            0,
            lambda: [tag_frequency(item.id, tags, item.present, values, truth=truth)],
        )
    if thorough or tags is None:
        yield _Attack(f"frequency of encodings, pass {item.id}", 0, lambda: [frequency_alignment(item, truth=truth)])
        yield _Attack(f"patterns of bits, pass {item.id}", 0, lambda: [pattern_mining(item, truth=truth)])
    known = draw_known(truth, _MEMBERSHIP_PAIRS, seed, item.present)
    yield _Attack(
        f"membership, pass {item.id}", len(known), lambda: [membership(item, truth=truth, known=known, seed=seed)]
    )


def _on_tokens(release: AttackedRelease) -> list[AttackResult]:
    if release.tokens is None:
        return []
    tokens, there = release.tokens
    return [tag_frequency("id_token", tokens, there, release.numbers, truth=release.truth)]


def _on_codes(release: AttackedRelease) -> list[AttackResult]:
    """As the columns left, and as their source has them: what coarsening is worth."""
    settings: dict[str, str | int | float] = {"form": "as it leaves"}
    own = np.arange(len(next(iter(release.raw.values()))), dtype=np.int64)
    return [
        fingerprints(release.coded, release.table, release.table_truth, settings=settings),
        fingerprints(release.raw, release.raw, own, settings={"form": AS_IN_SOURCE}),
    ]


def tried_pairs(carried: int, pairs: Sequence[int] = PAIRS) -> tuple[int, ...]:
    """Those numbers of pairs that leave rows to try, of ``carried`` rows with passes."""
    return tuple(number for number in pairs if number <= MOST_KNOWN * carried)


def known_pairs(item: AttackResult) -> int:
    """Pairs that the adversary was given, over all passes; a single pass may hold fewer of them."""
    return int(item.settings.get(KNOWN, 0))


def naming_results(results: Iterable[AttackResult]) -> tuple[AttackResult, ...]:
    """Results of attacks that name persons and that have enough trials to judge by, highest rate first."""
    found = [
        item
        for item in results
        if item.attack in NAMING and item.trials >= JUDGED_TRIALS and item.settings.get("form") != AS_IN_SOURCE
    ]
    return tuple(sorted(found, key=lambda item: -item.rate))


def judged_rate(results: Iterable[AttackResult], pairs: int) -> float:
    """The highest rate of persons named by an adversary with at most ``pairs`` known pairs; 0 where nothing judges."""
    found = [item for item in naming_results(results) if known_pairs(item) <= pairs]
    return found[0].rate if found else 0.0
