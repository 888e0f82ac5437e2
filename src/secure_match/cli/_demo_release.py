"""EDGE: the second phase of the demo's release: the bureau asks, departments answer, and it is counted what left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from secure_match.agreement import Agreement
from secure_match.bureau.pass_station import request_passes
from secure_match.department.pass_station import PassesReport, release_passes
from secure_match.exchange.desk import Desk

_ROUNDS: Final = 2
"""Rows of enrolments by handle, then the population's by block tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPhase:
    """What was asked for and what left.

    Attributes:
        requests: department to its requests' files.
        answers: what each department gave out, by dataset.
    """

    requests: dict[str, list[Path]] = field(default_factory=dict)
    answers: tuple[PassesReport, ...] = ()

    @property
    def packages(self) -> dict[str, Path]:
        """Dataset to its package of passes, where it has one."""
        return {item.dataset: item.package for item in self.answers if item.package is not None}

    @property
    def all_requests(self) -> list[tuple[str, Path]]:
        """Every request with the department that it is for."""
        return [(party, path) for party, paths in self.requests.items() for path in paths]

    def summary(self) -> list[dict[str, Any]]:
        """How many rows' passes left, by dataset."""
        return [
            {
                "dataset": item.dataset,
                "asked_by": item.by,
                "asked": item.asked,
                "rows": item.released,
                "of_rows": item.of_rows,
                "share": round(item.released / item.of_rows, 6) if item.of_rows else 0.0,
            }
            for item in self.answers
        ]


def run_second_phase(
    agreement: Agreement,
    desks: Mapping[str, Desk],
    packages: Mapping[str, Path],
    kept: Mapping[str, Path],
    sent: Path,
    step: Callable[[str], None],
) -> SecondPhase:
    """Ask for passes and have them answered, twice; nothing under an agreement of one phase.

    Args:
        packages: dataset to its package of the first phase.
        kept: dataset to its passes.
        sent: where packages of passes go; requests stand in a folder of it.
    """
    if not agreement.release.two_phase:
        return SecondPhase()
    bureau = next(party.id for party in agreement.parties if party.role == "bureau")
    requests: dict[str, list[Path]] = {}
    answers: list[PassesReport] = []
    for number in range(_ROUNDS):
        step("bureau asks for passes")
        came_in = [*packages.values(), *(item.package for item in answers if item.package is not None)]
        folder = sent / f"requests-{number + 1}"
        for asked in request_passes(agreement, came_in, folder, desk=desks[bureau]).requests:
            step(f"{asked.party} gives out passes")
            mine = [kept[dataset] for dataset in asked.values]
            answers += release_passes(agreement, asked.path, mine, sent, desk=desks[asked.party])
            requests.setdefault(asked.party, []).append(asked.path)
    return SecondPhase(requests=requests, answers=tuple(answers))


def share_lines(answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """How many rows' passes left, for people."""
    return [
        f"  {item['dataset']}: asked for by {item['asked_by']}; passes of {item['rows']:,} of {item['of_rows']:,} rows "
        f"left ({item['share']:.1%})"
        for item in answers
    ]
