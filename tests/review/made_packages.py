"""Packages with made-up bytes under the city's agreement, plain and sealed, without any department's code."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from secure_match.agreement import Agreement, dataset_fields, dataset_passes, parse_agreement, trusted_template
from secure_match.encoded import (
    CodedColumn,
    DatasetManifest,
    EncodedDataset,
    PassColumn,
    RowCounts,
    binary_from_matrix,
    dataset_schema,
)
from secure_match.encoded.files import write_dataset
from secure_match.exchange.desk import Desk, Outgoing
from secure_match.exchange.files import SealedPackage
from secure_match.exchange.identities import Identity

PARTIES: Final = ("police", "hrss", "medical", "education", "bureau")
NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)


@cache
def identity(party: str) -> Identity:
    """A worthless identity of a party."""
    seed = party.encode().ljust(96, b".")
    role = "bureau" if party == "bureau" else "department"
    return Identity.from_seeds(party, role, transport_seed=seed, signing_seed=seed[:32])


def sealed_agreement_text() -> str:
    """The city's agreement with everybody's public keys."""
    text = trusted_template()
    for party in PARTIES:
        keys = identity(party).public.party_keys()
        shown = ", ".join(f'{purpose} = "{key}"' for purpose, key in keys.items())
        role = "bureau" if party == "bureau" else "department"
        head = f'id = "{party}"\nrole = "{role}"\n'
        assert head in text
        text = text.replace(head, f"{head}public_keys = {{ {shown} }}\n")
    assert tomllib.loads(text)
    return text


def agreement_of(*, sealed: bool) -> Agreement:
    """The city's agreement, sealed or for trials."""
    return parse_agreement(sealed_agreement_text() if sealed else trusted_template())


def made_dataset(agreement: Agreement, dataset_id: str, *, rows: int = 40, **columns: Any) -> EncodedDataset:
    """A dataset of ``rows`` rows whose bytes are drawn from a fixed stream.

    Args:
        columns: cells of some columns, ``code_status=[...]`` for ``code.status``, in place of drawn ones.
    """
    declared = agreement.dataset(dataset_id)
    assert declared is not None
    passes = dataset_passes(agreement, declared)
    manifest = DatasetManifest(
        definition="agreement",
        definition_id=agreement.id,
        definition_fingerprint=agreement.fingerprint,
        dataset=dataset_id,
        owner=declared.owner,
        key_epoch=agreement.key_epoch,
        key_id="0" * 16,
        handle_key_id="1" * 16,
        counts=RowCounts(read=rows + 2, encoded=rows, quarantined=2),
        id_tokens=True,
        state_fields=dataset_fields(agreement, declared),
        passes=tuple(PassColumn(id=item.id, bits=item.encoded_bits, blocked=bool(item.block_on)) for item in passes),
        coded=tuple(CodedColumn(name=item.name, type=item.type) for item in declared.columns),
        tool="test",
    )
    generator = np.random.default_rng(7)
    allowed = {f"code.{item.name}": item.codes or item.bands or (202601,) for item in declared.columns}
    cells = []
    for field in dataset_schema(manifest):
        given = columns.get(field.name.replace(".", "_"))
        if given is not None:
            cells.append(pa.array(given, field.type))
        elif field.name in allowed:
            cells.append(pa.array([allowed[field.name][0]] * rows, field.type))
        elif pa.types.is_fixed_size_binary(field.type):
            matrix = generator.integers(0, 256, (rows, field.type.byte_width), dtype=np.uint8)
            if field.name == "handle":
                matrix = np.array(sorted(map(bytes, matrix))).view(np.uint8).reshape(matrix.shape)
            cells.append(binary_from_matrix(matrix))
        else:
            cells.append(pa.array(np.zeros(rows, dtype=np.uint8)))
    return EncodedDataset(manifest=manifest, table=pa.table(cells, schema=dataset_schema(manifest)))


def desk(folder: Path, party: str, agreement: Agreement) -> Desk:
    """A party's desk at noon."""
    return Desk(
        agreement=agreement,
        identity=identity(party),
        operator="zhang",
        log=folder / f"{party}.log",
        period="2026-11",
        clock=lambda: NOON,
    )


def seal_dataset(dataset: EncodedDataset, path: Path, agreement: Agreement) -> SealedPackage:
    """The dataset as its owner seals it to the bureau."""
    sender = desk(path.parent, dataset.manifest.owner, agreement)
    outgoing = Outgoing(kind="encodings", recipient="bureau", columns=())
    return sender.send_written(lambda plain: write_dataset(dataset, plain), path, outgoing)
