"""EDGE: encodings and a roster, put together for attacks. The one place where plaintext and a reviewer's code meet."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa

from secure_match.agreement import Agreement, Dataset
from secure_match.cli._output import step_progress
from secure_match.department.codes import encode_column
from secure_match.department.dataset_encoder import require_dataset
from secure_match.department.readers import HeldExport, ReadOptions, RefusedRows, open_export
from secure_match.department.rehearsal import Rehearsal
from secure_match.department.roster import HANDLE, Roster, handles_from_column, read_roster
from secure_match.encoded import EncodedDataset, matrix_from_binary
from secure_match.errors import Place, UsageError
from secure_match.review.attacks.inputs import IntArray
from secure_match.review.attacks.release import AttackedRelease, seen_passes, text_numbers
from secure_match.review.attacks.result import AttackResult
from secure_match.review.attacks.suite import PAIRS, attack_release, attack_steps
from secure_match.review.privacy import PrivacyReport, privacy_report

_NEVER_RUN: Final = ("graph_matching", "linkability")
"""Attacks that need a second package, or hours; ``benchmarks/attacks.py`` runs them on a synthetic city."""
_NOT_RUN_QUICK: Final = ("logistic and neural decoders", "frequency_alignment and pattern_mining of passes with blocks")


def attacked_release(
    agreement: Agreement, dataset: Dataset, encoded: EncodedDataset, roster: Roster
) -> AttackedRelease:
    """Lay encodings beside the people of a roster.

    Args:
        encoded: all columns of the dataset that left, those of both phases joined.
    """
    truth = roster.persons(encoded.table["handle"])
    tokens = matrix_from_binary(encoded.table["id_token"]) if encoded.manifest.id_tokens else None
    coded: dict[str, IntArray] = {}
    table: dict[str, IntArray] = {}
    raw: dict[str, IntArray] = {}
    for column in (item for item in dataset.columns if item.name in roster.columns):
        texts, numbers = roster.columns[column.name], dict[str, int]()
        code_map = agreement.code_maps.get(str(column.code_map))
        own = encode_column(column, pa.array(texts, pa.string()), agreement.valid_months, code_map).values
        coded[column.name] = text_numbers(encoded.table[f"code.{column.name}"].to_pylist(), numbers)
        table[column.name] = text_numbers(own.to_pylist(), numbers)
        raw[column.name] = text_numbers(texts, {})
    return AttackedRelease(
        name=dataset.id,
        passes=seen_passes(agreement, encoded, roster.texts),
        truth=truth,
        people=roster.people,
        tokens=tokens,
        numbers=roster.numbers,
        coded=coded,
        table=table,
        raw=raw,
        table_truth=roster.rows(encoded.table["handle"]),
    )


def run_attacks(
    agreement: Agreement,
    release: AttackedRelease,
    *,
    thorough: bool = False,
    seed: int = 0,
    quiet: bool = False,
) -> tuple[AttackResult, ...]:
    """All attacks on a release, with a progress bar on standard error.

    Args:
        thorough: see ``attack_release``.
    """
    if not release.people or not len(release.truth):
        raise UsageError("there is nobody to attack: no row of the package is in the roster", code="ROSTER_EMPTY")
    # The adversary that the agreement's limit speaks of is one of those that are tried.
    pairs = sorted({*PAIRS, agreement.limits.attack_pairs})
    steps = attack_steps(release, pairs=pairs, thorough=thorough)
    with step_progress(f"attacking {release.name}", steps, quiet=quiet) as step:
        return attack_release(release, pairs=pairs, thorough=thorough, seed=seed, step=step)


def rehearsal_report(
    agreement: Agreement, made: Rehearsal, *, thorough: bool = False, seed: int = 0, quiet: bool = False
) -> PrivacyReport:
    """Attack a rehearsal."""
    release = attacked_release(agreement, made.dataset, made.encoded, made.roster)
    results = run_attacks(agreement, release, thorough=thorough, seed=seed, quiet=quiet)
    return privacy_report(
        agreement,
        release,
        results,
        origin="rehearsal",
        share=made.share,
        seed=seed,
        not_run=_not_run(thorough=thorough),
    )


def package_report(
    agreement: Agreement,
    encoded: EncodedDataset,
    roster: Path,
    *,
    thorough: bool = False,
    seed: int = 0,
    quiet: bool = False,
) -> PrivacyReport:
    """Attack a dataset with a roster that says by its handles which row is whose.

    Raises:
        SecureMatchError: as ``open_export``; ``COLUMN_MISSING``, ``ROSTER_EMPTY``.
    """
    dataset = require_dataset(agreement, encoded.manifest.dataset)
    source = open_export(roster, ReadOptions(ragged="quarantine"))
    source.require([HANDLE, *dataset.identity.values()])
    there = [item for item in dataset.columns if item.column is None or item.column in source.header]
    known = dataset.model_copy(update={"columns": tuple(there)})
    headers = (HANDLE, *dataset.identity.values(), *(item.column for item in there if item.column is not None))
    held = HeldExport(source, list(dict.fromkeys(headers)))
    people = read_roster(agreement, known, held.batches(refused=RefusedRows(), last=True), handles_from_column(HANDLE))
    if not (people.persons(encoded.table["handle"]) >= 0).any():
        raise UsageError(
            "no handle of the roster is in the package: the roster is of other rows, or of another key",
            code="ROSTER_EMPTY",
            place=Place(file=roster, column=HANDLE),
        )
    release = attacked_release(agreement, known, encoded, people)
    results = run_attacks(agreement, release, thorough=thorough, seed=seed, quiet=quiet)
    return privacy_report(
        agreement, release, results, origin="package", share=None, seed=seed, not_run=_not_run(thorough=thorough)
    )


def _not_run(*, thorough: bool) -> tuple[str, ...]:
    return _NEVER_RUN if thorough else (*_NEVER_RUN, *_NOT_RUN_QUICK)
