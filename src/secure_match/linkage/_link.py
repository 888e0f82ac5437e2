"""ENCODED: links: exact join on ID tokens, passes joined on block tags, decision by thresholds, clusters.

Every pair that any step proposed is kept with its evidence. Same datasets, in whatever order, same result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.agreement import Agreement, Pass
from secure_match.encoded import EncodedDataset
from secure_match.errors import LinkageError
from secure_match.linkage._clusters import cluster
from secure_match.linkage._evidence import (
    Decision,
    FloatArray,
    IntArray,
    RowTable,
    TokenState,
    build_rows,
    token_links,
    token_states,
    verify_linkable,
)
from secure_match.linkage._pairs import blocked_pairs, pair_similarity

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """What a pass did: pairs compared, pairs at or above its review threshold, blocks refused for their size."""

    id: str
    compared: int
    candidates: int
    skipped_blocks: int
    skipped_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdedTokens:
    """ID tokens that stand on more rows than the agreement allows a person, and those rows; they count as none."""

    tokens: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkResult:
    """Links of a run.

    Attributes:
        rows: all rows in canonical order; pairs and labels refer to it.
        row_i: int64 of shape (pairs,); ``row_i < row_j``; pairs are ordered by (row_i, row_j), each once.
        row_j: int64 of shape (pairs,).
        token_state: ``TokenState``, int8 of shape (pairs,).
        similarity: pass id to Dice similarity, float64 of shape (pairs,); NaN where the pass cannot compare the pair.
        decision: ``Decision``, int8 of shape (pairs,).
        labels: the cluster of each row, named by its smallest row number, int64 of shape (rows,).
        refused: links that a one-record-per-person dataset forbade, bool of shape (pairs,).
        passes: a report per pass.
        crowded_tokens: ID tokens that were taken for none because too many rows share them.
    """

    rows: RowTable
    row_i: IntArray
    row_j: IntArray
    token_state: npt.NDArray[np.int8]
    similarity: dict[str, FloatArray]
    decision: npt.NDArray[np.int8]
    labels: IntArray
    refused: npt.NDArray[np.bool_]
    passes: tuple[PassReport, ...]
    crowded_tokens: CrowdedTokens

    def pairs_table(self) -> pa.Table:
        """Pairs with handles, evidence and decision, for keeping: no raw value and no key is in it."""
        rows = self.rows
        names = np.array([dataset.manifest.dataset for dataset in rows.datasets], dtype=object)
        columns: dict[str, pa.Array] = {}
        for side, index in (("a", self.row_i), ("b", self.row_j)):
            columns[f"dataset_{side}"] = pa.array(names[rows.dataset_of[index]], pa.string()).dictionary_encode()
            columns[f"handle_{side}"] = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), len(index), [None, pa.py_buffer(np.ascontiguousarray(rows.handles[index]))]
            )
        columns["token_state"] = _names(self.token_state, TokenState)
        columns |= {f"similarity.{name}": pa.array(value, from_pandas=True) for name, value in self.similarity.items()}
        columns["decision"] = _names(self.decision, Decision)
        columns["refused"] = pa.array(self.refused)
        return pa.table(columns)


def link(
    agreement: Agreement,
    datasets: Sequence[EncodedDataset],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> LinkResult:
    """Link datasets that were encoded under an agreement, across and within.

    Raises:
        LinkageError: ``NO_DATASETS``, or what :func:`verify_linkable` raises.
    """
    if not datasets:
        raise LinkageError("name at least one package", code="NO_DATASETS")
    verify_linkable(agreement, datasets)
    rows, crowded = _without_crowded_tokens(build_rows(agreement, datasets), agreement.limits.max_rows_per_person)
    say = progress if progress is not None else lambda _: None
    say("ID tokens")
    exact_i, exact_j = token_links(rows.token_codes)
    found_i, found_j, reports = [exact_i], [exact_j], []
    passes = [item for item in agreement.passes if any(_has_pass(dataset, item.id) for dataset in datasets)]
    for item in passes:
        say(f"pass {item.id}")
        row_i, row_j, report = _pass_candidates(agreement, rows, item, threads)
        found_i.append(row_i)
        found_j.append(row_j)
        reports.append(report)
    row_i, row_j = _distinct(np.concatenate(found_i), np.concatenate(found_j), len(rows))

    say("evidence")
    states = token_states(rows.token_codes, row_i, row_j)
    similarity = {item.id: _similarity(rows, item, row_i, row_j) for item in passes}
    decision, strength = decide(agreement, passes, states, similarity)

    say("clusters")
    links = np.flatnonzero(decision == Decision.LINK)
    links = links[np.lexsort((row_j[links], row_i[links], -strength[links]))]
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
        passes=tuple(reports),
        crowded_tokens=crowded,
    )


def _without_crowded_tokens(rows: RowTable, limit: int) -> tuple[RowTable, CrowdedTokens]:
    """Take the ID token away from rows that share it with too many: it is a placeholder, not a person."""
    present = rows.token_codes >= 0
    counts = np.bincount(rows.token_codes[present]) if present.any() else np.zeros(0, dtype=np.int64)
    crowded = np.zeros(len(rows), dtype=np.bool_)
    crowded[present] = counts[rows.token_codes[present]] > limit
    report = CrowdedTokens(tokens=int((counts > limit).sum()), rows=int(crowded.sum()))
    return replace(rows, token_codes=np.where(crowded, -1, rows.token_codes)), report


def decide(
    agreement: Agreement,
    passes: Sequence[Pass],
    states: npt.NDArray[np.int8],
    similarity: dict[str, FloatArray],
) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """Decide pairs by thresholds. Passes for review only count nowhere where a link is made.

    * equal ID tokens: LINK;
    * an ID token missing: LINK if a pass reaches its link threshold, POSSIBLE_LINK if one reaches its review threshold;
    * two different valid ID numbers: LINK if a pass reaches ``different_ids_link`` (or its own link threshold if that
      is higher), or two passes reach their link thresholds; POSSIBLE_LINK if one reaches ``different_ids_review``.

    Returns:
        ``Decision``, int8 of shape (pairs,), and a strength by which links are taken, float64: tokens first, then
        more passes, then higher similarity, and differing numbers after everything else.
    """
    limits = agreement.thresholds
    count = len(states)
    linking = np.zeros(count, dtype=np.int64)
    best = np.zeros(count, dtype=np.float64)
    loose_review, strict_link, strict_review = (np.zeros(count, dtype=np.bool_) for _ in range(3))
    for item in passes:
        score = np.nan_to_num(similarity[item.id], nan=-1.0)
        link_threshold, review_threshold = agreement.thresholds_of(item)
        loose_review |= score >= review_threshold
        strict_review |= score >= max(limits.different_ids_review, review_threshold)
        if not item.review_only:
            linking += score >= link_threshold
            strict_link |= score >= max(limits.different_ids_link, link_threshold)
        best = np.maximum(best, score)
    loose_link = linking >= 1
    strict_link |= linking >= 2
    equal, different = states == TokenState.EQUAL, states == TokenState.DIFFERENT
    is_link = equal | np.where(different, strict_link, loose_link)
    is_possible = np.where(different, strict_review | loose_link, loose_review)
    decision = np.where(is_link, Decision.LINK, np.where(is_possible, Decision.POSSIBLE_LINK, Decision.NON_LINK))
    strength = np.where(equal, 1000.0, 0.0) - np.where(different, 100.0, 0.0) + linking + best
    return decision.astype(np.int8), strength


def _has_pass(dataset: EncodedDataset, pass_id: str) -> bool:
    return any(item.id == pass_id for item in dataset.manifest.passes)


def _pass_candidates(
    agreement: Agreement, rows: RowTable, item: Pass, threads: int | None
) -> tuple[IntArray, IntArray, PassReport]:
    link_threshold, review = agreement.thresholds_of(item)
    different = max(agreement.thresholds.different_ids_review, review)
    if not item.review_only:
        # Two passes at their link thresholds link different numbers: such pairs have to be found.
        different = min(different, link_threshold)
    arrays = rows.pass_arrays(item.id, item.bits // 8, blocked=bool(item.block_on))
    found = blocked_pairs(
        arrays.encodings,
        arrays.valid,
        arrays.tags,
        rows.token_codes,
        base_threshold=review,
        different_threshold=different,
        max_block_rows=agreement.limits.max_block_rows,
        threads=threads,
    )
    report = PassReport(
        id=item.id,
        compared=found.compared,
        candidates=len(found),
        skipped_blocks=found.skipped_blocks,
        skipped_rows=found.skipped_rows,
    )
    return found.row_i, found.row_j, report


def _similarity(rows: RowTable, item: Pass, row_i: IntArray, row_j: IntArray) -> FloatArray:
    arrays = rows.pass_arrays(item.id, item.bits // 8, blocked=bool(item.block_on))
    return pair_similarity(arrays.encodings, arrays.valid, arrays.tags, row_i, row_j)


def _distinct(row_i: IntArray, row_j: IntArray, num_rows: int) -> tuple[IntArray, IntArray]:
    """Pairs ordered by (row_i, row_j), each once; row numbers below 2^31 fit one 64-bit word."""
    joint = np.unique(row_i * np.int64(num_rows) + row_j)
    return joint // num_rows, joint % num_rows


def _names(codes: npt.NDArray[np.int8], names: type[TokenState] | type[Decision]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([item.name for item in names]))
