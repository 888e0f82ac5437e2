"""PUBLIC: whether small cells can be given up without a false statement: what ``cells`` and ``rare`` may name."""

from __future__ import annotations

from secure_match.agreement._model import Agreement, CodedColumn, Dataset
from secure_match.agreement._pass_checks import failure
from secure_match.agreement._release import NEIGHBOUR


def verify_cells(agreement: Agreement) -> None:
    """Check ``cells`` and ``rare`` of every dataset.

    Raises:
        AgreementError: ``AGREEMENT_INVALID``, with the path of the key.
    """
    for index, dataset in enumerate(agreement.datasets):
        key = f"datasets[{index}]"
        columns = {column.name: column for column in dataset.columns}
        spell = () if dataset.spell is None else (dataset.spell.first_month, dataset.spell.last_month)
        if len(set(dataset.cells)) != len(dataset.cells):
            raise failure("a column stands twice", f"{key}.cells")
        for place, name in enumerate(dataset.cells):
            if name not in columns:
                raise failure(f"the dataset has no coded column {name}", f"{key}.cells[{place}]")
            if name in spell:
                raise failure(
                    "months of a spell cannot be given up: an empty last month means still open",
                    f"{key}.cells[{place}]",
                )
        for position, column in enumerate(dataset.columns):
            if column.rare is not None:
                _check_rare(agreement, dataset, column, f"{key}.columns[{position}].rare")


def _check_rare(agreement: Agreement, dataset: Dataset, column: CodedColumn, key: str) -> None:
    if column.name not in dataset.cells:
        raise failure("only a column that stands in cells can have it", key)
    if column.type == "month" or (column.type == "integer" and column.bands is None):
        raise failure("only a column with codes or bands can have it", key)
    if column.type == "code" and column.rare not in (column.codes or ()):
        raise failure("this is not one of the column's codes", key)
    if column.bands is not None and (column.rare != NEIGHBOUR or len(column.bands) < 2):
        raise failure(f'a column with two bands or more says "{NEIGHBOUR}" here', key)
    if any(rule.population == dataset.id and column.name in rule.eligible for rule in agreement.coverage):
        raise failure("a coverage rule reads this column: a value that is not the row's own would mislead it", key)
