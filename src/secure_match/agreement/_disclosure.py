"""PUBLIC: exactly which columns leave a department under an agreement, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from secure_match.agreement._kinds import TOKEN_KINDS
from secure_match.agreement._model import Agreement, CodedColumn, Dataset, Pass, split_view


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingColumn:
    """One column that leaves.

    Attributes:
        name: its name in the package.
        form: what a cell holds.
        source: the export headers or fields that it is made from.
    """

    name: str
    form: str
    source: str


def dataset_fields(agreement: Agreement, dataset: Dataset) -> tuple[str, ...]:
    """Identity fields of a dataset whose state leaves, by name.

    The order of the agreement's keys is no part of its fingerprint, so it must not order columns.
    """
    return tuple(sorted(name for name in agreement.fields if name in dataset.identity))


def dataset_passes(agreement: Agreement, dataset: Dataset) -> tuple[Pass, ...]:
    """Passes that a dataset takes part in: it has all fields that block and at least one that is encoded.

    Birth date and sex are known wherever the ID number is, because it holds them.
    """
    available = set(dataset.identity)
    kinds = {agreement.fields[name].kind for name in available}
    if "id_number" in kinds:
        available |= {name for name, field in agreement.fields.items() if field.kind in ("birth_date", "sex")}
    return tuple(
        item
        for item in agreement.passes
        if all(split_view(reference)[0] in available for reference in item.block_on)
        and any(split_view(field.field)[0] in available for field in item.fields)
    )


def id_token_field(agreement: Agreement, dataset: Dataset) -> str | None:
    """The identity field of a dataset that ID tokens are made from, an ID number or an identifier, or None."""
    return next((name for name in dataset.identity if agreement.fields[name].kind in TOKEN_KINDS), None)


Phase = Literal[1, 2]


def leaving_columns(agreement: Agreement, dataset: Dataset, phase: Phase | None = None) -> tuple[LeavingColumn, ...]:
    """The columns of a dataset's package, in package order; nothing else may leave.

    Args:
        phase: of a release in two phases: 1 has no pass, 2 has the handle and the passes; None for all columns.
    """
    columns = _all_columns(agreement, dataset)
    if phase is None:
        return columns
    is_pass = {column.name: column.name.startswith("pass.") for column in columns}
    return tuple(item for item in columns if item.name == "handle" or is_pass[item.name] == (phase == 2))


def _all_columns(agreement: Agreement, dataset: Dataset) -> tuple[LeavingColumn, ...]:
    columns = [LeavingColumn(name="handle", form="16 bytes, keyed by the department alone", source=dataset.row_key)]
    id_field = id_token_field(agreement, dataset)
    if id_field is not None:
        columns.append(
            LeavingColumn(
                name="id_token",
                form=_token_form(agreement),
                source=dataset.identity[id_field],
            )
        )
    columns += [
        LeavingColumn(name=f"state.{name}", form="valid, repaired, missing or invalid", source=dataset.identity[name])
        for name in dataset_fields(agreement, dataset)
    ]
    # In two phases no tag and no encoding leaves with the first package.
    asked = ", of rows that are asked for" if agreement.release.two_phase else ""
    for item in dataset_passes(agreement, dataset):
        fields = ", ".join(field.field for field in item.fields)
        if item.block_on:
            blocks = " + ".join(item.block_on)
            columns.append(LeavingColumn(name=f"pass.{item.id}.block", form=f"16 bytes, keyed{asked}", source=blocks))
        keyed = "keyed by its block" if item.block_on else "keyed"
        columns.append(
            LeavingColumn(
                name=f"pass.{item.id}.encoding", form=f"{item.encoded_bits} bits, {keyed}{asked}", source=fields
            )
        )
    columns += [
        LeavingColumn(
            name=f"code.{column.name}",
            form=_coded_form(agreement, column),
            source=column.column or column.derive or "",
        )
        for column in dataset.columns
    ]
    return tuple(columns)


def _token_form(agreement: Agreement) -> str:
    if agreement.id_token.protocol == "hmac":
        return "16 bytes, hmac under the departments' shared key"
    return f"16 bytes, evaluated blindly under the key of {' and '.join(party.id for party in agreement.key_holders)}"


def _coded_form(agreement: Agreement, column: CodedColumn) -> str:
    if column.type == "code":
        return f"one of {', '.join(column.codes or ())}"
    if column.type == "month":
        return f"month, cut to {agreement.valid_months.first}..{agreement.valid_months.last} and one beyond each end"
    if column.bands is not None:
        return f"band from {', '.join(str(bound) for bound in column.bands)}"
    low, high = column.range or (0, 0)
    return f"integer {low}..{high}"
