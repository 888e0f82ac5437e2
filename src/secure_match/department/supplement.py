"""RAW: which rows of an export were sent before, so that after a correction only the others are encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from secure_match.encoded import DatasetManifest, EncodedDataset
from secure_match.encoded.supplements import join_supplements
from secure_match.errors import PackageError, ReleaseError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SentRows:
    """Rows that the bureau has already.

    Attributes:
        base: manifest of the package that is completed.
        base_digest: its digest, hex SHA-256.
        handles: fixed_size_binary(16) of shape (rows,).
        room: how many rows of the base are still quarantined.
    """

    base: DatasetManifest
    base_digest: str
    handles: pa.Array
    room: int

    def verify_room(self, rows: int) -> None:
        """Check that a supplement adds no more rows than the base lacks.

        Raises:
            ReleaseError: ``SUPPLEMENT_ROWS``.
        """
        if rows > self.room:
            raise ReleaseError(
                f"{rows:,} rows are not in the earlier packages, which lack {self.room:,}; the export has changed "
                "by more than corrections, or its row keys have: encode all of it into a new package",
                code="SUPPLEMENT_ROWS",
            )


def sent_rows(packages: Sequence[tuple[EncodedDataset, str]]) -> SentRows:
    """The rows of a package and its supplements.

    Args:
        packages: datasets with their package digests, the base and any supplements to it, in any order.

    Raises:
        PackageError: ``SUPPLEMENT_BASE`` unless there is exactly one base and all others complete it;
            ``SUPPLEMENT_ROWS``.
    """
    bases = [item for item in packages if item[0].manifest.supplement_to is None]
    if len(bases) != 1:
        raise PackageError(
            "name the one package that is completed, and any earlier supplements to it", code="SUPPLEMENT_BASE"
        )
    base, digest = bases[0]
    supplements = [dataset for dataset, _ in packages if dataset.manifest.supplement_to is not None]
    whole = join_supplements(base, digest, supplements)
    return SentRows(
        base=base.manifest,
        base_digest=digest,
        handles=whole.table["handle"].combine_chunks(),
        room=whole.manifest.counts.quarantined,
    )
