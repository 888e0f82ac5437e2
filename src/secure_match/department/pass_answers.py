"""RAW: which of the kept passes a request asks for, as the dataset that answers it.

Invariant: rows of the population are given out by block tag only, and of those only the passes whose tag was named;
rows of others by handle only.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement, Dataset
from secure_match.encoded import EncodedDataset
from secure_match.encoded.pass_requests import NO_PASS, PassSource
from secure_match.encoded.phases import handle_places, some_cells, some_rows
from secure_match.errors import LinkageError, ReleaseError


def verify_way(agreement: Agreement, source: PassSource, recipient: str) -> Dataset:
    """Check that a request asks for a dataset of its recipient, in the way that the agreement allows for its kind.

    Raises:
        LinkageError: ``DATASET_UNKNOWN``.
        ReleaseError: ``REQUEST_WAY``.
    """
    dataset = agreement.dataset(source.dataset)
    if dataset is None or dataset.owner != recipient:
        raise LinkageError(f"the agreement has no dataset {source.dataset} of {recipient}", code="DATASET_UNKNOWN")
    if not agreement.release.two_phase or source.by != ("tag" if dataset.kind == "population" else "handle"):
        raise ReleaseError(
            f"the bureau asks for {source.dataset} by {source.by}, which the agreement does not allow; refuse it",
            code="REQUEST_WAY",
        )
    return dataset


def asked_rows(kept: EncodedDataset, values: dict[str, pa.Array]) -> tuple[EncodedDataset, int]:
    """Passes of the rows that are asked for by their handles, and how many of the handles this package holds.

    A row without any pass is left out: it has nothing to give.

    Args:
        values: ``NO_PASS`` to handles.
    """
    places = handle_places(kept.table, values.get(NO_PASS, pa.array([], pa.binary(16))))
    places = np.sort(places[places >= 0])
    filled = np.zeros(len(kept), dtype=np.bool_)
    for item in kept.manifest.passes:
        filled |= kept.encoded_rows(item.id)
    return some_rows(kept, places[filled[places]]), len(places)


def asked_tags(kept: EncodedDataset, values: dict[str, pa.Array]) -> EncodedDataset:
    """Of each row the passes whose block tag is asked for.

    Args:
        values: pass id to block tags.
    """
    wanted = {}
    for item in kept.manifest.passes:
        if item.blocked and item.id in values:
            named = pc.is_in(kept.table[f"pass.{item.id}.block"], value_set=values[item.id])
            wanted[item.id] = np.asarray(named.to_numpy(), dtype=np.bool_)
    return some_cells(kept, wanted)
