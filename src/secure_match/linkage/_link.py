"""ENCODED: links: exact join on ID tokens, passes joined on block tags, decision by thresholds, clusters.

Every pair that any step proposed is kept with its evidence. Same datasets, in whatever order, same result; and the same
one whether steps are computed or were kept from a run that was interrupted.

One pass is in memory at a time. It is gone through twice: for its candidates, and, when the pairs of all passes are
known, for its evidence on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement, Pass
from secure_match.encoded import EncodedDataset
from secure_match.linkage._clusters import cluster
from secure_match.linkage._decide import decide_pairs
from secure_match.linkage._intake import VerifiedDatasets, verified_datasets
from secure_match.linkage._keys import RowArray
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._passes import PassReport, pass_candidates, pass_evidence
from secure_match.linkage._plan import plan_memory
from secure_match.linkage._result import LinkResult
from secure_match.linkage._rows import PairKeys, RowTable, build_rows, key_rows, token_links
from secure_match.linkage._steps import LinkHooks, Step

Progress = Callable[[str], None]
_Form = tuple[type[np.generic], int | None]


def link(
    agreement: Agreement,
    datasets: Sequence[EncodedDataset] | VerifiedDatasets,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    hooks: LinkHooks | None = None,
) -> LinkResult:
    """Link datasets that were encoded under an agreement, across and within.

    Args:
        datasets: the datasets; those that were verified under this agreement are not verified again.
        threads: how many threads compare; None for all cores that the process may use.
        progress: called with the name of each step as it begins.
        hooks: progress inside steps, kept steps and a limit of memory; nothing of it changes the result.

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
    pairs = key_rows(_distinct([token_links(rows.token_codes), *(step.arrays["pairs"] for step in found)]))
    plan_memory(agreement, rows.datasets, pairs=len(pairs[0])).verify(run.hooks.memory_limit_bytes)

    run.say("evidence")
    similarity = {}
    for place, (item, step) in enumerate(zip(passes, found, strict=True)):
        similarity[item.id] = run.evidence(rows, item, step.arrays["blocks"], pairs)
        run.hooks.share((place + 1) / len(passes))

    run.say("clusters")
    states, decision, links = decide_pairs(agreement, passes, rows.token_codes, pairs, similarity)
    row_i, row_j = pairs
    result = cluster(len(rows), row_i[links], row_j[links], constraint_bit=rows.constraint_bits)
    refused = np.zeros(len(row_i), dtype=np.bool_)
    refused[links] = result.refused
    return LinkResult(
        rows=rows,
        row_i=row_i,
        row_j=row_j,
        token_state=states,
        similarity=similarity,
        decision=decision,
        labels=result.labels,
        refused=refused,
        passes=tuple(PassReport(id=item.id, **dict(step.counts)) for item, step in zip(passes, found, strict=True)),
        crowded_tokens=crowded,
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
