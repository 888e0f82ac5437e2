"""ENCODED: one run of the bureau as a value: packages in, findings and a summary out. It opens no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from secure_match import __version__
from secure_match.agreement import Agreement
from secure_match.bureau._evidence_report import expectation_summary, model_report
from secure_match.bureau._returns import build_returns
from secure_match.bureau._stakes import stakes_of
from secure_match.encoded import EncodedDataset
from secure_match.enrolment import (
    Duplicates,
    FindingsPackage,
    Missing,
    NumberConflicts,
    PersonRows,
    find_duplicates,
    find_missing,
    find_number_conflicts,
)
from secure_match.kernels import active
from secure_match.linkage import Decision, LinkHooks, LinkResult, PairLabels, TokenState, VerifiedDatasets, link

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BureauRun:
    """Everything a run produced.

    Attributes:
        links: pairs with evidence and decisions, and clusters.
        findings: department to its findings package.
        stakes: pairs on which findings hang, and how many: columns ``pair`` (id) and ``findings`` (int32).
        summary: the content of ``summary.json``; its keys are a contract, to which keys may be added.
        model: the content of ``model.json``.
    """

    links: LinkResult
    findings: dict[str, FindingsPackage]
    stakes: pa.Table
    summary: dict[str, Any]
    model: dict[str, Any]


def run_bureau(
    agreement: Agreement,
    datasets: Sequence[EncodedDataset] | VerifiedDatasets,
    digests: Mapping[str, str],
    *,
    supplements: Mapping[str, Sequence[str]] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    hooks: LinkHooks | None = None,
    labels: PairLabels | None = None,
) -> BureauRun:
    """Link datasets and examine the result under the agreement's rules.

    Args:
        digests: dataset id to the digest of the package that it came in.
        supplements: dataset id to the digests of the supplements that were joined to it.
        threads: how many threads compare; None for all cores. The result does not depend on it.
        progress: called with the name of each step as it begins.
        hooks: as for ``linkage.link``; likewise ``labels``.

    Raises:
        LinkageError: when the datasets do not belong together.
    """
    links = link(agreement, datasets, threads=threads, progress=progress, hooks=hooks, labels=labels)
    if progress is not None:
        progress("findings")
    rows = PersonRows.build(agreement, links)
    duplicates = [find_duplicates(agreement, rows, group) for group in agreement.exclusions]
    missing = {rule.id: find_missing(agreement, rows, rule) for rule in agreement.coverage}
    found = [item for item in missing.values() if item is not None]
    numbers = find_number_conflicts(agreement, links)
    packages = build_returns(agreement, rows, digests, duplicates=duplicates, missing=found, numbers=numbers)
    summary = {
        "agreement": {"id": agreement.id, "fingerprint": agreement.fingerprint},
        "tool": f"secure_match {__version__}",
        "kernel": active().kernel,
        "datasets": [_dataset_summary(dataset, digests, supplements or {}) for dataset in links.rows.datasets],
        "links": _link_summary(links),
        "evidence": expectation_summary(links.expectation),
        "duplicates": [_duplicate_summary(rows, item) for item in duplicates],
        "missing": [_missing_summary(rule_id, item) for rule_id, item in missing.items()],
        "numbers": [_number_summary(rows, item) for item in numbers],
        "findings": {party: package.manifest.rows for party, package in packages.items()},
    }
    return BureauRun(
        links=links,
        findings=packages,
        stakes=stakes_of(agreement, rows, found),
        summary=summary,
        model=model_report(links),
    )


def _dataset_summary(
    dataset: EncodedDataset, digests: Mapping[str, str], supplements: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    manifest = dataset.manifest
    token_count = len(dataset) - dataset.table["id_token"].null_count if manifest.id_tokens else 0
    return {
        "dataset": manifest.dataset,
        "owner": manifest.owner,
        "rows": len(dataset),
        "quarantined": manifest.counts.quarantined,
        "with_id_token": token_count,
        "package_digest": digests[manifest.dataset],
        "supplement_digests": list(supplements.get(manifest.dataset, ())),
    }


def _link_summary(links: LinkResult) -> dict[str, Any]:
    equal = links.token_state == TokenState.EQUAL
    is_link = links.decision == Decision.LINK
    return {
        "pairs": len(links.row_i),
        "link": int(is_link.sum()),
        "link_by_id_token": int((is_link & equal).sum()),
        "link_by_passes": int((is_link & ~equal).sum()),
        "possible_link": int((links.decision == Decision.POSSIBLE_LINK).sum()),
        "refused_by_constraint": int(links.refused.sum()),
        "crowded_tokens": links.crowded_tokens.tokens,
        "crowded_token_rows": links.crowded_tokens.rows,
        # A person is named by the smallest of its rows, which is the one that names itself.
        "persons": int((links.labels == np.arange(len(links.labels))).sum()),
        "passes": [
            {
                "id": report.id,
                "compared": report.compared,
                "candidates": report.candidates,
                "skipped_blocks": report.skipped_blocks,
                "skipped_rows": report.skipped_rows,
                "skipped_pairs": report.skipped_pairs,
                "largest_block_rows": report.largest_block_rows,
            }
            for report in links.passes
        ],
    }


def _duplicate_summary(rows: PersonRows, item: Duplicates) -> dict[str, Any]:
    of = rows.links.rows.dataset_of
    joint = np.sort(of[item.row_i] * len(rows.dataset_ids) + of[item.row_j])
    changes = np.concatenate(([True], joint[1:] != joint[:-1], [True])) if len(joint) else np.zeros(0, dtype=np.bool_)
    edges = np.flatnonzero(changes).tolist()
    pairs = []
    for start, end in pairwise(edges):
        one, two = divmod(int(joint[start]), len(rows.dataset_ids))
        pairs.append({"datasets": [rows.dataset_ids[one], rows.dataset_ids[two]], "found": int(end - start)})
    labels = rows.links.labels
    is_found = np.zeros(len(labels), dtype=np.bool_)
    is_found[labels[item.row_i]] = True
    return {
        "rule": item.rule,
        "examined": not item.absent_datasets,
        "absent_datasets": list(item.absent_datasets),
        "found": len(item.row_i),
        "persons": int(is_found.sum()),
        "skipped_persons": item.skipped_persons,
        "skipped_rows": item.skipped_rows,
        "by_id_token": int(item.by_token.sum()),
        "by_passes": int((~item.by_token).sum()),
        "by_datasets": pairs,
    }


def _missing_summary(rule_id: str, item: Missing | None) -> dict[str, Any]:
    if item is None:
        return {"rule": rule_id, "examined": False}
    return {
        "rule": rule_id,
        "examined": True,
        "found": len(item.row),
        "held_for_review": len(item.held),
        "eligible": item.eligible,
        "covered": item.covered,
        "enrolled": item.enrolled,
        "excused": item.excused,
    }


def _number_summary(rows: PersonRows, item: NumberConflicts) -> dict[str, Any]:
    taking_part = np.zeros((len(item), len(rows.dataset_ids)), dtype=np.bool_)
    taking_part[item.finding, rows.links.rows.dataset_of[item.row]] = True
    combinations, counts = np.unique(taking_part, axis=0, return_counts=True)
    # The first dataset of the agreement first.
    listed = sorted(zip(combinations.tolist(), counts.tolist(), strict=True), reverse=True)
    return {
        "kind": item.kind,
        "found": len(item),
        "persons": item.persons,
        "numbers": item.numbers,
        "rows": len(item.row),
        "repeated_in_one_record_dataset": int(item.repeated.sum()),
        "skipped": item.skipped_findings,
        "skipped_rows": item.skipped_rows,
        "by_datasets": [
            {"datasets": [name for name, is_in in zip(rows.dataset_ids, flags, strict=True) if is_in], "found": count}
            for flags, count in listed
        ],
    }
