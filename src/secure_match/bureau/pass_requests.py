"""ENCODED: whom the bureau asks for which passes, from what came in so far.

Invariant: first the rows that no ID token joins to the population are asked for, by handle; when their passes are
there, the population by the block tags that they carry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from secure_match import __version__
from secure_match.agreement import Agreement
from secure_match.encoded import EncodedDataset, binary_from_matrix, matrix_from_binary
from secure_match.encoded.pass_requests import (
    NO_PASS,
    PASS_REQUEST_SCHEMA,
    PassRequest,
    PassRequestManifest,
    PassSource,
)
from secure_match.linkage import block_tags, unmatched_rows

Way = Literal["handle", "tag"]


def row_requests(
    agreement: Agreement, datasets: Sequence[EncodedDataset], digests: Mapping[str, Sequence[str]]
) -> dict[str, PassRequest]:
    """Requests for the rows without an equal ID token in the population, by department; none where there is no row.

    Args:
        datasets: of phase 1, with their supplements.
        digests: dataset id to the digests of the packages that it came in, the whole one first.
    """
    wanted = {name: {NO_PASS: rows} for name, rows in unmatched_rows(agreement, datasets).items() if len(rows)}
    return _requests(agreement, wanted, digests, "handle")


def tag_requests(
    agreement: Agreement,
    datasets: Sequence[EncodedDataset],
    parts: Sequence[EncodedDataset],
    digests: Mapping[str, Sequence[str]],
) -> dict[str, PassRequest]:
    """Requests for the population's passes under the block tags of the rows that came in, by department.

    Args:
        parts: packages of phase 2.
    """
    tags = block_tags(agreement, parts)
    kinds = {item.id: item.kind for item in agreement.datasets}
    population = [name for item in datasets if kinds[name := item.manifest.dataset] == "population"]
    return _requests(agreement, {name: tags for name in population if tags}, digests, "tag")


def _requests(
    agreement: Agreement,
    wanted: Mapping[str, Mapping[str, pa.Array]],
    digests: Mapping[str, Sequence[str]],
    way: Way,
) -> dict[str, PassRequest]:
    owners = {item.id: item.owner for item in agreement.datasets}
    found: dict[str, PassRequest] = {}
    for party in sorted({owners[name] for name in wanted}):
        mine = {name: wanted[name] for name in sorted(wanted) if owners[name] == party}
        tables = [_rows(name, item, values) for name, parts in mine.items() for item, values in sorted(parts.items())]
        table = pa.concat_tables(tables).combine_chunks()
        sources = tuple(
            PassSource(
                dataset=name,
                packages=tuple(digests[name]),
                by=way,
                rows=sum(len(values) for values in parts.values()),
            )
            for name, parts in mine.items()
        )
        manifest = PassRequestManifest(
            agreement_id=agreement.id,
            agreement_fingerprint=agreement.fingerprint,
            key_epoch=agreement.key_epoch,
            recipient=party,
            sources=sources,
            rows=table.num_rows,
            tool=f"secure_match {__version__}",
        )
        found[party] = PassRequest(manifest=manifest, table=table)
    return found


def _rows(dataset: str, item: str, values: pa.Array) -> pa.Table:
    matrix = np.unique(matrix_from_binary(values)[0], axis=0)
    columns = [pa.repeat(dataset, len(matrix)), pa.repeat(item, len(matrix)), binary_from_matrix(matrix)]
    return pa.table(columns, schema=PASS_REQUEST_SCHEMA)
