"""ENCODED: which rows of a release in two phases are asked for: rows without an equal token, and tags that they carry.

Invariant: what is asked for is a function of the datasets alone; handles and tags rise, each once.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement
from secure_match.encoded import EncodedDataset


def unmatched_rows(agreement: Agreement, datasets: Sequence[EncodedDataset]) -> dict[str, pa.Array]:
    """Rows that no ID token joins to the population, by dataset: handles, fixed_size_binary(16), rising.

    A token on more rows than ``limits.max_rows_per_person`` counts as none, as it does when the rows are linked.

    Args:
        datasets: packages of phase 1, or joined ones; those of kind ``population`` are asked about by tag instead.
    """
    kinds = {item.id: item.kind for item in agreement.datasets}
    tokens = {item.manifest.dataset: _tokens(item) for item in datasets}
    crowded = _crowded(list(tokens.values()), agreement.limits.max_rows_per_person)
    known = [part for name, part in tokens.items() if kinds[name] == "population"]
    population = pc.unique(pa.chunked_array([chunk for part in known for chunk in part.chunks], pa.binary(16)))
    found: dict[str, pa.Array] = {}
    for item in datasets:
        name = item.manifest.dataset
        if kinds[name] == "population":
            continue
        joined = pc.is_in(tokens[name], value_set=population.drop_null())
        if len(crowded):
            joined = pc.and_(joined, pc.invert(pc.is_in(tokens[name], value_set=crowded)))
        found[name] = item.table["handle"].filter(pc.invert(joined)).combine_chunks()
    return found


def block_tags(agreement: Agreement, datasets: Sequence[EncodedDataset]) -> dict[str, pa.Array]:
    """Block tags that the rows of all datasets but the population's carry, by pass: fixed_size_binary(16), rising.

    Args:
        datasets: those whose asked rows came in, or packages of phase 2.
    """
    kinds = {item.id: item.kind for item in agreement.datasets}
    found: dict[str, pa.Array] = {}
    for item in agreement.passes:
        name = f"pass.{item.id}.block"
        chunks = [
            chunk
            for dataset in datasets
            if kinds[dataset.manifest.dataset] != "population" and name in dataset.table.column_names
            for chunk in dataset.table[name].chunks
        ]
        values = pc.unique(pa.chunked_array(chunks, pa.binary(16))).drop_null().to_pylist()
        if values:
            found[item.id] = pa.array(sorted(values), pa.binary(16))
    return found


def _tokens(dataset: EncodedDataset) -> pa.ChunkedArray:
    if dataset.manifest.id_tokens:
        return dataset.table["id_token"]
    return pa.chunked_array([pa.nulls(len(dataset), pa.binary(16))])


def _crowded(tokens: Sequence[pa.ChunkedArray], most: int) -> pa.Array:
    counts = pc.value_counts(pa.chunked_array([chunk for part in tokens for chunk in part.chunks], pa.binary(16)))
    values = counts.field("values").filter(pc.greater(counts.field("counts"), most))
    return values.drop_null()
