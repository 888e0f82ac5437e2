"""ENCODED: links: exact join on ID tokens, passes joined on block tags, evidence, decision, clusters.

Every pair that any step proposed is kept with its evidence. Same datasets, in whatever order, same result; and the same
one whether steps are computed or were kept from a run that was interrupted.

One pass is in memory at a time. It is gone through twice: for its candidates, and, when the pairs of all passes are
known, for its evidence on them and on random pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement, Pass
from secure_match.encoded import EncodedDataset
from secure_match.linkage._asked import OpenRows, open_rows, with_other_blocks
from secure_match.linkage._calibrate import expect
from secure_match.linkage._clusters import ClusterResult, cluster
from secure_match.linkage._comparisons import DIFFERENT, ComparedPairs
from secure_match.linkage._decide import Decision, decide_pairs
from secure_match.linkage._evidence import gather_evidence
from secure_match.linkage._evidence_model import TOKENS, EvidenceModel
from secure_match.linkage._intake import VerifiedDatasets, verified_datasets
from secure_match.linkage._keys import RowArray
from secure_match.linkage._labels import PairLabels
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._passes import PassReport, pass_candidates, pass_evidence
from secure_match.linkage._plan import plan_memory
from secure_match.linkage._random_pairs import sample_pairs
from secure_match.linkage._result import LinkResult
from secure_match.linkage._rows import PairKeys, RowTable, build_rows, key_rows, token_links, token_states
from secure_match.linkage._steps import LinkHooks, Step

Progress = Callable[[str], None]
_Form = tuple[type[np.generic], int | None]
_MOST_AGAINST: Final = 0.3
"""Bits with which a pair can speak against a cluster. Rows of one person err together (a wrong birth date differs from
all its other rows), so that pairs against add up to more than they know; they break near ties and cut weak bridges."""


def link(
    agreement: Agreement,
    datasets: Sequence[EncodedDataset] | VerifiedDatasets,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    hooks: LinkHooks | None = None,
    labels: PairLabels | None = None,
) -> LinkResult:
    """Link datasets that were encoded under an agreement, across and within.

    Args:
        datasets: the datasets; those that were verified under this agreement are not verified again.
        threads: how many threads compare; None for all cores that the process may use.
        progress: called with the name of each step as it begins.
        hooks: progress inside steps, kept steps and a limit of memory; nothing of it changes the result.
        labels: what clerks decided, by canonical row numbers; it overrules the evidence of its pairs and trains the
            model.

    Raises:
        LinkageError: ``NO_DATASETS``, ``ROWS_LIMIT``, ``MEMORY_PLAN``, or what :func:`verify_linkable` raises.
        PackageError: as :func:`verify_linkable` does.
    """
    verified = verified_datasets(agreement, datasets)
    run = _Run(agreement, threads, progress or (lambda _: None), hooks or LinkHooks())
    plan_memory(agreement, verified.datasets).verify(run.hooks.memory_limit_bytes)
    run.say("ID tokens")
    rows, crowded = build_rows(agreement, verified, run.hooks.release)
    passes = [item for item in agreement.passes if any(True for _ in rows.with_pass(item.id))]
    found = [run.candidates(rows, item) for item in passes]
    known = labels if labels is not None else PairLabels.none()
    known.verify_rows(len(rows))
    keys = _distinct([token_links(rows.token_codes), *(step.arrays["pairs"] for step in found), known.keys])
    pairs = key_rows(keys)
    plan_memory(agreement, rows.datasets, pairs=len(keys)).verify(run.hooks.memory_limit_bytes)

    run.say("evidence")
    blocks = {item.id: step.arrays["blocks"] for item, step in zip(passes, found, strict=True)}
    opened = open_rows(agreement, rows)
    if opened is not None:
        blocks = {item.id: with_other_blocks(agreement, rows, item, blocks[item.id]) for item in passes}
    sampled = sample_pairs(list(blocks.values()), rows.token_codes, keys, opened)
    compared = run.compared(rows, passes, blocks, (pairs, (sampled.row_i, sampled.row_j)), opened)
    evidence = gather_evidence(agreement, compared, sampled.weight, known.truth(keys))
    own = {name: values[: len(keys)] for name, values in compared.similarity.items()}
    states = token_states(rows.token_codes, *pairs)
    decision, balance, thresholds = decide_pairs(agreement, passes, states, own, evidence)
    known.overrule(keys, decision, balance)
    is_link = decision == Decision.LINK
    expectation = expect(evidence, is_link, decision == Decision.POSSIBLE_LINK, thresholds)

    run.say("clusters")
    result = _clusters(rows, pairs, balance, evidence.model, only_links=thresholds is None)
    return LinkResult(
        rows=rows,
        row_i=pairs[0],
        row_j=pairs[1],
        token_state=states,
        similarity=own,
        evidence=evidence,
        expectation=expectation,
        decision=decision,
        reviewed=known.places(keys),
        labels=result.labels,
        refused=result.refused,
        passes=tuple(PassReport(id=item.id, **dict(step.counts)) for item, step in zip(passes, found, strict=True)),
        crowded_tokens=crowded,
    )


def _clusters(
    rows: RowTable, pairs: tuple[RowArray, RowArray], balance: FloatArray, model: EvidenceModel, *, only_links: bool
) -> ClusterResult:
    """Persons from pairs. Pairs that speak against count too, unless similarities alone decided what a link is."""
    if only_links:
        # What a clerk keeps apart stays apart here too.
        used = (balance > 0.0) | np.isneginf(balance)
        result = cluster(len(rows), pairs[0][used], pairs[1][used], balance[used], constraint_bit=rows.constraint_bits)
        refused = np.zeros(len(balance), dtype=np.bool_)
        refused[used] = result.refused
        return ClusterResult(labels=result.labels, refused=refused)
    different = float(model.tables[TOKENS][:, DIFFERENT].min())
    return cluster(
        len(rows),
        *pairs,
        np.where(np.isneginf(balance), balance, np.maximum(balance, -_MOST_AGAINST)),
        constraint_bit=rows.constraint_bits,
        conflict_code=rows.token_codes,
        conflict_weight=min(different, 0.0),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """What all steps of one call share."""

    agreement: Agreement
    threads: int | None
    say: Progress
    hooks: LinkHooks

    def candidates(self, rows: RowTable, item: Pass) -> Step:
        self.say(f"pass {item.id}")

        def compute() -> Step:
            return pass_candidates(self.agreement, rows, item, threads=self.threads, hooks=self.hooks)

        return self._kept(f"pass-{item.id}", compute, {"pairs": (np.uint64, None), "blocks": (np.int32, len(rows))})

    def compared(
        self,
        rows: RowTable,
        passes: Sequence[Pass],
        blocks: Mapping[str, RowArray],
        pairs: tuple[tuple[RowArray, RowArray], tuple[RowArray, RowArray]],
        opened: OpenRows | None,
    ) -> ComparedPairs:
        """Candidates and random pairs with their similarity in every pass."""
        both = (np.concatenate((pairs[0][0], pairs[1][0])), np.concatenate((pairs[0][1], pairs[1][1])))
        similarity = {}
        for place, item in enumerate(passes):
            similarity[item.id] = self.evidence(rows, item, blocks[item.id], both)
            self.hooks.share((place + 1) / len(passes))
        return ComparedPairs(
            rows=rows,
            passes=tuple(passes),
            blocks=blocks,
            row_i=both[0],
            row_j=both[1],
            similarity=similarity,
            candidates=len(pairs[0][0]),
            opened=opened,
        )

    def evidence(self, rows: RowTable, item: Pass, blocks: RowArray, pairs: tuple[RowArray, RowArray]) -> FloatArray:
        def compute() -> Step:
            values = pass_evidence(rows, item, blocks, pairs, threads=self.threads, hooks=self.hooks)
            return Step(arrays={"similarity": values}, counts={})

        form = {"similarity": (np.float64, len(pairs[0]))}
        values: FloatArray = self._kept(f"evidence-{item.id}", compute, form).arrays["similarity"]
        return values

    def _kept(self, name: str, compute: Callable[[], Step], form: Mapping[str, _Form]) -> Step:
        """The step that is kept, if its arrays have the right form, or a computed one."""
        step = self.hooks.steps.load(name)
        if step is not None and all(_has_form(step.arrays.get(array), *form[array]) for array in form):
            return step
        return self.hooks.steps.save(name, compute())


def _has_form(array: npt.NDArray[Any] | None, dtype: type[np.generic], length: int | None) -> bool:
    return array is not None and array.dtype == dtype and array.ndim == 1 and length in (None, len(array))


def _distinct(parts: list[PairKeys]) -> PairKeys:
    """Pair keys in rising order, each once."""
    keys = np.concatenate(parts)
    keys.sort()
    first = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    distinct: PairKeys = keys[first]
    return distinct
