"""ENCODED: whether datasets belong together under an agreement; the first thing that is asked of them.

Invariant: what :class:`VerifiedDatasets` holds went through :func:`verify_linkable`, each dataset once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from secure_match.agreement import Agreement, leaving_columns
from secure_match.encoded import EncodedDataset
from secure_match.encoded.cell_bytes import cells_with_hidden_bytes, is_rising
from secure_match.encoded.coded_values import cells_outside
from secure_match.encoded.phases import pass_columns
from secure_match.errors import LinkageError, PackageError, Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VerifiedDatasets:
    """Datasets that belong together under one agreement, so that nobody has to ask again.

    Attributes:
        agreement_fingerprint: of the agreement that they were verified under.
        datasets: in the order in which they were verified.
    """

    agreement_fingerprint: str
    datasets: tuple[EncodedDataset, ...] = ()

    def __len__(self) -> int:
        return len(self.datasets)

    def joined(self, agreement: Agreement, dataset: EncodedDataset) -> VerifiedDatasets:
        """These and one more.

        Raises:
            LinkageError, PackageError: as :func:`verify_linkable` does.
        """
        verify_linkable(agreement, [dataset], beside=self.datasets)
        return VerifiedDatasets(agreement_fingerprint=agreement.fingerprint, datasets=(*self.datasets, dataset))


def verified_datasets(agreement: Agreement, datasets: Sequence[EncodedDataset] | VerifiedDatasets) -> VerifiedDatasets:
    """Datasets that are verified under this agreement, by then or now.

    Raises:
        LinkageError: ``NO_DATASETS``, or what :func:`verify_linkable` raises.
        PackageError: as :func:`verify_linkable` does.
    """
    if not len(datasets):
        raise LinkageError("name at least one package", code="NO_DATASETS")
    if isinstance(datasets, VerifiedDatasets):
        if datasets.agreement_fingerprint == agreement.fingerprint:
            return datasets
        datasets = datasets.datasets
    verify_linkable(agreement, datasets)
    return VerifiedDatasets(agreement_fingerprint=agreement.fingerprint, datasets=tuple(datasets))


def verify_linkable(
    agreement: Agreement, datasets: Sequence[EncodedDataset], *, beside: Sequence[EncodedDataset] = ()
) -> None:
    """Check that datasets were made under this agreement, by one shared key, each once, and hold only what it lets.

    Args:
        beside: datasets that were checked before; the others must fit to them.

    Raises:
        LinkageError: ``DEFINITION_MISMATCH``, ``EPOCH_MISMATCH``, ``DATASET_UNKNOWN``, ``DATASET_OWNER``,
            ``DATASET_COLUMNS``, ``DATASET_REPEATED`` or ``KEY_MISMATCH``; the message names the datasets.
        PackageError: ``PACKAGE_ORDER``, ``PACKAGE_VALUE`` or ``PACKAGE_HIDDEN_BYTES``, with dataset and column.
    """
    first = [*beside, *datasets][:1]
    seen = {dataset.manifest.dataset for dataset in beside}
    for dataset in datasets:
        _verify_definition(agreement, dataset)
        name = dataset.manifest.dataset
        if name in seen:
            raise LinkageError(f"there are two packages of dataset {name}; name one", code="DATASET_REPEATED")
        seen.add(name)
        if dataset.manifest.key_id != first[0].manifest.key_id:
            raise LinkageError(
                f"datasets {first[0].manifest.dataset} and {name} were encoded with different keys; "
                "the departments have to encode with one shared key",
                code="KEY_MISMATCH",
            )
        _verify_content(agreement, dataset)


def verify_part(agreement: Agreement, part: EncodedDataset) -> None:
    """Check a package of phase 2 before it is joined to its dataset, which is checked then.

    Raises:
        LinkageError, PackageError: as :func:`verify_linkable` does.
    """
    _verify_definition(agreement, part)
    _verify_content(agreement, part)


def _verify_definition(agreement: Agreement, dataset: EncodedDataset) -> None:
    manifest = dataset.manifest
    name = manifest.dataset
    if manifest.definition != "agreement":
        raise LinkageError(
            f"dataset {name} was encoded under a linkage schema; encode it under the agreement",
            code="DEFINITION_MISMATCH",
        )
    if manifest.definition_id != agreement.id or manifest.definition_fingerprint != agreement.fingerprint:
        raise LinkageError(
            f"dataset {name} was encoded under another agreement ({manifest.definition_fingerprint[:16]}…, "
            f"here {agreement.fingerprint[:16]}…); encode it again under this one",
            code="DEFINITION_MISMATCH",
        )
    if manifest.key_epoch != agreement.key_epoch:
        raise LinkageError(f"dataset {name} is of another key epoch; encode it again", code="EPOCH_MISMATCH")
    declared = agreement.dataset(name)
    if declared is None:
        raise LinkageError(f"the agreement has no dataset {name}", code="DATASET_UNKNOWN")
    if declared.owner != manifest.owner:
        raise LinkageError(
            f"dataset {name} is owned by {declared.owner}, but was sent by {manifest.owner}", code="DATASET_OWNER"
        )
    phase = manifest.phase
    passes = [(item.id, item.bits, item.blocked) for item in pass_columns(agreement, declared) if phase != 1]
    coded = [(column.name, column.type) for column in declared.columns if phase != 2]
    if (
        dataset.table.column_names != [column.name for column in leaving_columns(agreement, declared, phase)]
        or (phase is not None and not agreement.release.two_phase)
        or [(item.id, item.bits, item.blocked) for item in manifest.passes] != passes
        or [(item.name, item.type) for item in manifest.coded] != coded
    ):
        raise LinkageError(
            f"the columns of dataset {name} are not those that the agreement lists; refuse the package",
            code="DATASET_COLUMNS",
        )


def _verify_content(agreement: Agreement, dataset: EncodedDataset) -> None:
    """What the release gate of an honest department saw to."""
    name = dataset.manifest.dataset
    declared = agreement.dataset(name)
    if not is_rising(dataset.table["handle"]):
        raise PackageError(
            f"the rows of dataset {name} are not in the order of their handles, so that their order could say "
            "something of the export; refuse the package",
            code="PACKAGE_ORDER",
            place=Place(column="handle"),
        )
    for column in declared.columns if declared is not None and dataset.manifest.phase != 2 else ():
        outside = cells_outside(column, agreement.valid_months, dataset.table[f"code.{column.name}"])
        if outside:
            raise PackageError(
                f"{outside} cells of dataset {name} are outside the agreed list, bands, range or months; refuse the "
                "package",
                code="PACKAGE_VALUE",
                place=Place(column=f"code.{column.name}"),
            )
    for field, cells in zip(dataset.table.schema, dataset.table.columns, strict=True):
        hidden = cells_with_hidden_bytes(cells)
        if hidden:
            raise PackageError(
                f"{hidden} empty cells of dataset {name} have bytes under them; refuse the package",
                code="PACKAGE_HIDDEN_BYTES",
                place=Place(column=field.name),
            )
