"""ENCODED: what linking gives: pairs with their evidence and decision, and clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.linkage._calibrate import Expectation
from secure_match.linkage._decide import Decision
from secure_match.linkage._evidence import Evidence
from secure_match.linkage._evidence_model import probability_of
from secure_match.linkage._keys import BoolArray, IntArray, RowArray
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._passes import PassReport
from secure_match.linkage._rows import CrowdedTokens, RowTable, TokenState


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkResult:
    """Links of a run.

    Attributes:
        rows: all rows in canonical order; pairs and labels refer to it.
        row_i: int32 of shape (pairs,); ``row_i < row_j``; pairs are ordered by (row_i, row_j), each once.
        row_j: int32 of shape (pairs,).
        token_state: ``TokenState``, int8 of shape (pairs,).
        similarity: pass id to Dice similarity, float64 of shape (pairs,); NaN where the pass cannot compare the pair.
            The arrays may lie in files.
        evidence: the evidence model and the level of each pair in each of its comparisons.
        expectation: expected precision and recall of the links.
        decision: ``Decision``, int8 of shape (pairs,).
        reviewed: what a clerk decided: 1 match, 0 non-match, -1 nothing; int8 of shape (pairs,).
        labels: the cluster of each row, named by its smallest row number, int64 of shape (rows,).
        refused: links whose rows are in different clusters, because a one-record-per-person dataset or the evidence of
            other pairs forbade it; bool of shape (pairs,).
        passes: a report per pass.
        crowded_tokens: ID tokens that were taken for none because too many rows share them.
    """

    rows: RowTable
    row_i: RowArray
    row_j: RowArray
    token_state: npt.NDArray[np.int8]
    similarity: Mapping[str, FloatArray]
    evidence: Evidence
    expectation: Expectation
    decision: npt.NDArray[np.int8]
    reviewed: npt.NDArray[np.int8]
    labels: IntArray
    refused: BoolArray
    passes: tuple[PassReport, ...]
    crowded_tokens: CrowdedTokens

    @property
    def weight(self) -> FloatArray:
        """Match weight in bits, log2 of the odds that a pair is one person: float64 of shape (pairs,)."""
        return self.evidence.weight

    @property
    def probability(self) -> FloatArray:
        """Match probability, float64 of shape (pairs,)."""
        return probability_of(self.evidence.weight)

    def pairs_table(self, begin: int = 0, end: int | None = None) -> pa.Table:
        """Pairs with handles, evidence and decision, for keeping: no raw value and no key is in it.

        Args:
            begin: the first pair; ``end`` is the one behind the last. Left out, all pairs.
        """
        part = slice(begin, end)
        rows = self.rows
        names = pa.array([dataset.manifest.dataset for dataset in rows.datasets], pa.string())
        columns: dict[str, pa.Array] = {}
        for side, index in (("a", self.row_i[part]), ("b", self.row_j[part])):
            columns[f"dataset_{side}"] = pa.DictionaryArray.from_arrays(pa.array(rows.dataset_of[index]), names)
            columns[f"handle_{side}"] = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), len(index), [None, pa.py_buffer(np.ascontiguousarray(rows.handles[index]))]
            )
        columns["token_state"] = _names(self.token_state[part], TokenState)
        columns |= {
            f"similarity.{name}": pa.array(value[part], from_pandas=True) for name, value in self.similarity.items()
        }
        columns |= self._evidence_columns(part)
        columns["decision"] = _names(self.decision[part], Decision)
        columns["refused"] = pa.array(self.refused[part])
        columns["reviewed"] = pa.DictionaryArray.from_arrays(
            pa.array(self.reviewed[part], mask=self.reviewed[part] < 0), pa.array(["NON_MATCH", "MATCH"])
        )
        return pa.table(columns)

    def _evidence_columns(self, part: slice) -> dict[str, pa.Array]:
        """Match weight and probability, and the parts that the weight is the sum of, in bits."""
        evidence = self.evidence
        model = evidence.model
        levels, group = tuple(column[part] for column in evidence.levels), evidence.group[part]
        columns = {
            "match_weight": pa.array(evidence.weight[part]),
            "match_probability": pa.array(probability_of(evidence.weight[part])),
            "weight.prior": pa.array(model.prior_bits()[group].astype(np.float32)),
        }
        for place, item in enumerate(model.comparisons):
            columns[f"weight.{item.name}"] = pa.array(model.part(place, levels, group).astype(np.float32))
        return columns


def _names(codes: npt.NDArray[np.int8], names: type[TokenState] | type[Decision]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([item.name for item in names]))
