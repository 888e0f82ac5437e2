"""AUDIT: everything that an agreement lets leave a department: from which field, in which form, to whom, and what for.

Derived from the agreement alone; no package is looked at. Invariants:

* the columns are those of ``leaving_columns``, in its order: what the release gate holds packages against,
* what a column is needed for is found in the rules that use it; a column that none uses is told as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from secure_match.agreement import (
    Agreement,
    CodedColumn,
    Dataset,
    dataset_fields,
    dataset_passes,
    id_token_field,
    leaving_columns,
    split_view,
)
from secure_match.review._collusion import COALITIONS, FORMS, Form, verdict_of

JSON_FORMAT: Final = "secure_match/disclosure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a column is needed for.

    Attributes:
        kind: ``return`` (findings come back to the row), ``exact_link``, ``quality`` (of a field), ``pass`` (links
            people without an equal number), ``exclusion`` or ``coverage`` (a rule), ``comparison``
            (evidence on a pair).
        id: of the pass or rule; "" for the others.
        title: of the rule; "" for the others.
    """

    kind: str
    id: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One column that leaves.

    Attributes:
        column: its name in the package.
        form: in which form.
        detail: what a cell holds, as the agreement lists it.
        sources: (field or "", header) that it is made of, sorted; a header is "" where the value follows from another
            field, as a birth date from an ID number.
        needs: empty where no rule of the agreement uses the column.
    """

    column: str
    form: Form
    detail: str
    sources: tuple[tuple[str, str], ...]
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFlow:
    """What leaves of a dataset; of the fields in ``kept`` the values themselves never do."""

    dataset: Dataset
    kept: tuple[tuple[str, str], ...]
    flows: tuple[Flow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """The data-flow manifest of an agreement.

    Attributes:
        recipients: ids of the parties that packages go to.
        datasets: in the order of the agreement.
        forms: the forms that occur, in the order of ``FORMS``.
        sealed: whether packages are sealed and signed.
    """

    agreement: Agreement
    recipients: tuple[str, ...]
    datasets: tuple[DatasetFlow, ...]
    forms: tuple[Form, ...]
    sealed: bool

    @property
    def unneeded(self) -> tuple[tuple[str, str], ...]:
        """(dataset, column) that leave though no rule uses them."""
        return tuple((item.dataset.id, flow.column) for item in self.datasets for flow in item.flows if not flow.needs)


def disclose(agreement: Agreement) -> Disclosure:
    """The data-flow manifest of an agreement."""
    datasets = tuple(_dataset_flow(agreement, dataset) for dataset in agreement.datasets)
    present = {flow.form for item in datasets for flow in item.flows} | {"manifest", "finding"}
    return Disclosure(
        agreement=agreement,
        recipients=tuple(party.id for party in agreement.parties if party.role == "bureau"),
        datasets=datasets,
        forms=tuple(form for form in FORMS if form in present),
        sealed=agreement.sealed,
    )


def _dataset_flow(agreement: Agreement, dataset: Dataset) -> DatasetFlow:
    details = {column.name: column.form for column in leaving_columns(agreement, dataset)}
    flows = {flow.column: flow for flow in _flows(agreement, dataset, details)}
    kept = ("", dataset.row_key), *((name, dataset.identity[name]) for name in dataset_fields(agreement, dataset))
    return DatasetFlow(dataset=dataset, kept=kept, flows=tuple(flows[name] for name in details))


def _flows(agreement: Agreement, dataset: Dataset, details: dict[str, str]) -> list[Flow]:
    def flow(column: str, form: Form, sources: tuple[tuple[str, str], ...], *needs: Need) -> Flow:
        return Flow(column=column, form=form, detail=details[column], sources=tuple(sorted(set(sources))), needs=needs)

    def source(reference: str) -> tuple[str, str]:
        return reference, dataset.identity.get(split_view(reference)[0], "")

    flows = [flow("handle", "handle", (("", dataset.row_key),), Need(kind="return"))]
    token_field = id_token_field(agreement, dataset)
    if token_field is not None:
        form: Form = "id_token_oprf" if agreement.id_token.protocol == "oprf" else "id_token_hmac"
        flows.append(flow("id_token", form, (source(token_field),), Need(kind="exact_link")))
    flows += [
        flow(f"state.{name}", "state", (source(name),), Need(kind="quality"))
        for name in dataset_fields(agreement, dataset)
    ]
    for item in dataset_passes(agreement, dataset):
        need = Need(kind="pass", id=item.id)
        block = tuple(map(source, item.block_on))
        encoded = tuple(source(field.field) for field in item.fields)
        if item.block_on:
            flows.append(flow(f"pass.{item.id}.block", "block", block, need))
        form = "encoding_blocked" if item.block_on else "encoding_global"
        flows.append(flow(f"pass.{item.id}.encoding", form, encoded, need))
    for column in dataset.columns:
        made_of = (source(column.derive),) if column.derive else (("", column.column or ""),)
        flows.append(flow(f"code.{column.name}", "code", made_of, *_needs(agreement, dataset, column)))
    return flows


def _needs(agreement: Agreement, dataset: Dataset, column: CodedColumn) -> tuple[Need, ...]:
    """The rules that use a coded column, in the order of the agreement."""
    needs: list[Need] = []
    spell = dataset.spell
    if spell is not None and column.name in (spell.first_month, spell.last_month):
        needs += [
            Need(kind="exclusion", id=rule.id, title=rule.title)
            for rule in agreement.exclusions
            if dataset.scheme in rule.schemes
        ]
    needs += [
        Need(kind="coverage", id=rule.id, title=rule.title)
        for rule in agreement.coverage
        if rule.population == dataset.id and column.name in rule.eligible
    ]
    if column.name in agreement.compare_columns:
        needs.append(Need(kind="comparison"))
    return tuple(needs)


def disclosure_json(disclosure: Disclosure) -> dict[str, Any]:
    """The manifest for machines; the texts of verdicts in both languages."""
    agreement = disclosure.agreement
    return {
        "format": JSON_FORMAT,
        "format_version": 1,
        "agreement": agreement.id,
        "fingerprint": agreement.fingerprint,
        "purpose": agreement.purpose,
        "legal_basis": agreement.legal_basis,
        "retention_months": agreement.retention_months,
        "sealed": disclosure.sealed,
        "recipients": list(disclosure.recipients),
        "datasets": [_dataset_json(item) for item in disclosure.datasets],
        "not_needed": [{"dataset": dataset, "column": column} for dataset, column in disclosure.unneeded],
        "collusion": [
            {
                "form": form,
                "coalition": coalition,
                "reach": verdict.reach,
                "en": verdict.en,
                "zh": verdict.zh,
            }
            for form in disclosure.forms
            for coalition in COALITIONS
            for verdict in (verdict_of(form, coalition, sealed=disclosure.sealed),)
        ],
    }


def _dataset_json(item: DatasetFlow) -> dict[str, Any]:
    return {
        "id": item.dataset.id,
        "owner": item.dataset.owner,
        "never_leaves": [{"field": field, "header": header} for field, header in item.kept],
        "columns": [
            {
                "column": flow.column,
                "form": flow.form,
                "detail": flow.detail,
                "sources": [{"field": field, "header": header} for field, header in flow.sources],
                "needs": [{"kind": need.kind, "id": need.id, "title": need.title} for need in flow.needs],
            }
            for flow in item.flows
        ],
    }
