"""PUBLIC: what a well-formed agreement must also satisfy: references resolve, bounds are in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from secure_match.agreement._cell_checks import verify_cells
from secure_match.agreement._decision_checks import verify_compared_columns, verify_thresholds
from secure_match.agreement._kinds import REPEATABLE_KINDS, TOKEN_KINDS
from secure_match.agreement._model import Agreement, CodedColumn, Dataset, split_view
from secure_match.agreement._pass_checks import failure, verify_passes, verify_view
from secure_match.agreement._public_keys import verify_public_keys
from secure_match.agreement._token_checks import verify_id_tokens, verify_token_passes

_LARGEST_INTEGER: Final = 999_999_999
_MOST_CONSTRAINED: Final = 64
_MOST_VALUES: Final = 1000
"""Distinct values that a coded column may have; a county's towns fit, birth dates and names do not."""


def _require_unique(names: Iterable[str], key: str) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise failure("this id stands twice", f"{key}[{index}].id")
        seen.add(name)


def verify_agreement(agreement: Agreement) -> None:
    """Check everything that the models cannot see.

    Raises:
        AgreementError: ``AGREEMENT_INVALID``, with the path of the key.
    """
    checks: tuple[Callable[[Agreement], None], ...] = (
        _check_months,
        _check_unique_ids,
        verify_public_keys,
        _check_code_maps,
        _check_datasets,
        verify_id_tokens,
        verify_cells,
        verify_passes,
        verify_token_passes,
        verify_thresholds,
        verify_compared_columns,
        _check_rules,
        _check_two_phase,
    )
    for check in checks:
        check(agreement)


def _check_months(agreement: Agreement) -> None:
    months = agreement.valid_months
    for name, month in (("first", months.first), ("last", months.last)):
        if not 1 <= month % 100 <= 12:
            raise failure("a month is written YYYYMM", f"valid_months.{name}")
    if months.first > months.last:
        raise failure("the first month is after the last", "valid_months")


def _check_unique_ids(agreement: Agreement) -> None:
    for key in ("parties", "datasets", "passes", "exclusions", "coverage"):
        _require_unique((item.id for item in getattr(agreement, key)), key)
    if sum(party.role == "bureau" for party in agreement.parties) != 1:
        raise failure("exactly one party is the bureau", "parties")
    kinds = [field.kind for field in agreement.fields.values() if field.kind not in REPEATABLE_KINDS]
    if len(set(kinds)) != len(kinds):
        raise failure(f"two fields are of one kind; only {' and '.join(REPEATABLE_KINDS)} may repeat", "fields")
    if sum(kind in TOKEN_KINDS for kind in kinds) > 1:
        raise failure("ID tokens are made of one field: an id_number or an identifier, not both", "fields")


def _check_code_maps(agreement: Agreement) -> None:
    for name, code_map in agreement.code_maps.items():
        for old, new in code_map.items():
            if new in code_map and new != old:
                raise failure("a new code is also an old one: a map has one step", f"code_maps.{name}.{old}")
    for name, field in agreement.fields.items():
        if field.divisions and field.kind != "address":
            raise failure("only an address has divisions to remove", f"fields.{name}.divisions")
        if field.code_map is not None and field.kind != "division":
            raise failure("only a field of kind division has a code map", f"fields.{name}.code_map")
        _check_map_reference(agreement, field.code_map, f"fields.{name}.code_map")
    for index, dataset in enumerate(agreement.datasets):
        for position, column in enumerate(dataset.columns):
            key = f"datasets[{index}].columns[{position}].code_map"
            _check_map_reference(agreement, column.code_map, key)
            codes = agreement.code_maps[column.code_map].values() if column.code_map is not None else ()
            if not set(codes) <= set(column.codes or ()):
                raise failure("the map's new codes are not all in the column's codes", key)


def _check_map_reference(agreement: Agreement, code_map: str | None, key: str) -> None:
    if code_map is not None and code_map not in agreement.code_maps:
        known = ", ".join(agreement.code_maps) or "none"
        raise failure(f"there is no code map {code_map}; code maps: {known}", key)


def _check_datasets(agreement: Agreement) -> None:
    if sum(dataset.one_record_per_person for dataset in agreement.datasets) > _MOST_CONSTRAINED:
        raise failure(f"at most {_MOST_CONSTRAINED} datasets can have one record per person", "datasets")
    for index, dataset in enumerate(agreement.datasets):
        key = f"datasets[{index}]"
        owner = agreement.party(dataset.owner)
        if owner is None or owner.role != "department":
            raise failure("the owner is not a party with the role department", f"{key}.owner")
        if not dataset.identity:
            raise failure("name at least one identity field", f"{key}.identity")
        headers: set[str] = set()
        for name, header in dataset.identity.items():
            if name not in agreement.fields:
                raise failure(f"there is no identity field {name}", f"{key}.identity.{name}")
            if header in headers:
                raise failure("this header holds another identity field already", f"{key}.identity.{name}")
            headers.add(header)
        names = [column.name for column in dataset.columns]
        if len(set(names)) != len(names):
            raise failure("two columns have one name", f"{key}.columns")
        for position, column in enumerate(dataset.columns):
            _check_column(agreement, column, f"{key}.columns[{position}]")
        _check_spell(dataset, key)


def _check_column(agreement: Agreement, column: CodedColumn, key: str) -> None:
    if (column.column is None) == (column.derive is None):
        raise failure("give exactly one of column and derive", key)
    if column.derive is not None:
        verify_view(agreement, column.derive, f"{key}.derive")
        if split_view(column.derive)[1] != "year" or column.type != "integer":
            raise failure("only the year of a birth date can be derived, as an integer", f"{key}.derive")
    if (column.type == "code") != bool(column.codes):
        raise failure("a column of type code, and no other, lists its codes", f"{key}.codes")
    if (column.type == "integer") != (column.range is not None):
        raise failure("a column of type integer, and no other, has a range", f"{key}.range")
    if column.range is not None:
        if column.range[0] > column.range[1]:
            raise failure("the range is empty", f"{key}.range")
        if max(-column.range[0], column.range[1]) > _LARGEST_INTEGER:
            raise failure(f"numbers of more than {_LARGEST_INTEGER} cannot leave", f"{key}.range")
    if column.bands is not None:
        rising = list(column.bands) == sorted(set(column.bands)) and column.bands
        if column.range is None or not rising or column.bands[0] > column.range[0]:
            raise failure("bands are lower bounds of an integer column, rising, the first covering the range", key)
        if column.bands[0] < -_LARGEST_INTEGER or column.bands[-1] > column.range[1]:
            raise failure("a band lies outside the range", key)
    identifying = {header for item in agreement.datasets for header in (item.row_key, *item.identity.values())}
    if column.column in identifying:
        raise failure("a column that identifies a person, here or in another dataset, cannot leave", f"{key}.column")
    _check_distinct_values(column, key)


def _check_distinct_values(column: CodedColumn, key: str) -> None:
    """Codes that tell people apart are no codes: a column leaves with few distinct values or not at all."""
    if column.codes is not None and len(column.codes) > _MOST_VALUES:
        raise failure(f"at most {_MOST_VALUES} codes can leave in one column", f"{key}.codes")
    if column.bands is not None and len(column.bands) > _MOST_VALUES:
        raise failure(f"at most {_MOST_VALUES} bands can leave in one column", f"{key}.bands")
    if column.range is not None and column.bands is None and column.range[1] - column.range[0] >= _MOST_VALUES:
        raise failure(f"a range of more than {_MOST_VALUES} numbers tells people apart; give bands", f"{key}.range")


def _check_spell(dataset: Dataset, key: str) -> None:
    if dataset.spell is None:
        if dataset.scheme is not None:
            raise failure("a dataset with a scheme says which columns bound its months", f"{key}.spell")
        return
    months = {column.name for column in dataset.columns if column.type == "month"}
    for end in ("first_month", "last_month"):
        if getattr(dataset.spell, end) not in months:
            raise failure("this is not a column of type month of the dataset", f"{key}.spell.{end}")


def _check_rules(agreement: Agreement) -> None:
    schemes = {dataset.scheme for dataset in agreement.datasets if dataset.scheme}
    rules = [(f"exclusions[{index}]", rule.schemes) for index, rule in enumerate(agreement.exclusions)]
    rules += [(f"coverage[{index}]", rule.schemes) for index, rule in enumerate(agreement.coverage)]
    for key, named in rules:
        for scheme in named:
            if scheme not in schemes:
                raise failure(f"no dataset has the scheme {scheme}", f"{key}.schemes")
    for index, rule in enumerate(agreement.coverage):
        key = f"coverage[{index}]"
        population = agreement.dataset(rule.population)
        if population is None or population.kind != "population":
            raise failure("this is not a dataset of kind population", f"{key}.population")
        columns = {column.name: column for column in population.columns}
        for name, values in rule.eligible.items():
            if name not in columns:
                raise failure(f"the population has no coded column {name}", f"{key}.eligible.{name}")
            if not values or not all(_can_hold(columns[name], value) for value in values):
                raise failure("name values that the coded column can hold", f"{key}.eligible.{name}")
        for position, dataset_id in enumerate(rule.excused_by):
            if agreement.dataset(dataset_id) is None:
                raise failure(f"there is no dataset {dataset_id}", f"{key}.excused_by[{position}]")


def _check_two_phase(agreement: Agreement) -> None:
    if not agreement.release.two_phase:
        return
    if not any(dataset.kind == "population" for dataset in agreement.datasets):
        raise failure(
            "rows are asked for that have no equal ID token in a dataset of kind population, and there is none",
            "release.two_phase",
        )
    if not any(agreement.fields[name].kind in TOKEN_KINDS for item in agreement.datasets for name in item.identity):
        raise failure("without ID tokens every row would be asked for", "release.two_phase")
    for index, item in enumerate(agreement.passes):
        if not item.block_on:
            raise failure("rows of the population are asked for by their block tags", f"passes[{index}].block_on")


def _can_hold(column: CodedColumn, value: str | int) -> bool:
    if column.type == "code":
        return value in (column.codes or ())
    if column.type == "month":
        return isinstance(value, int)
    if column.bands is not None:
        return value in column.bands
    low, high = column.range or (0, 0)
    return isinstance(value, int) and low <= value <= high
