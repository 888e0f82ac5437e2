"""The release gate looks at the finished columns and believes nobody."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from bureau.hand_rows import AGREEMENT, encode, person
from secure_match.agreement import Agreement
from secure_match.department.release import fuzzy_share, verify_release
from secure_match.encoded import CodedColumn, EncodedDataset
from secure_match.errors import ReleaseError

PEOPLE = encode("population", [person(1, "张三", status="1"), person(2, "李四", known=False, status="2")])
ENROLLED = encode("employee_medical", [person(1, "张三", first_month="190001", last_month="299912")])


def verify(dataset: EncodedDataset, agreement: Agreement = AGREEMENT) -> None:
    declared = agreement.dataset(dataset.manifest.dataset)
    assert declared is not None
    verify_release(agreement, declared, dataset)


def refused(dataset: EncodedDataset, agreement: Agreement = AGREEMENT) -> tuple[str, str | None]:
    with pytest.raises(ReleaseError) as caught:
        verify(dataset, agreement)
    return caught.value.code, caught.value.place.column


def with_cells(dataset: EncodedDataset, name: str, values: list[Any]) -> EncodedDataset:
    place = dataset.table.schema.get_field_index(name)
    field = dataset.table.schema.field(place)
    table = dataset.table.set_column(place, field, pa.array(values, field.type))
    return EncodedDataset(manifest=dataset.manifest, table=table)


def test_what_the_encoder_made_may_leave() -> None:
    verify(PEOPLE)
    verify(ENROLLED)
    verify(encode("population", []))
    verify(with_cells(PEOPLE, "code.birth_band", [None, 1890]))


def test_an_extra_or_lacking_column_may_not() -> None:
    coded = CodedColumn(name="town", type="code")
    manifest = PEOPLE.manifest.model_copy(update={"coded": (*PEOPLE.manifest.coded, coded)})
    table = PEOPLE.table.append_column("code.town", pa.array(["x", "y"]))
    assert refused(EncodedDataset(manifest=manifest, table=table)) == ("RELEASE_COLUMN", "code.town")
    manifest = PEOPLE.manifest.model_copy(update={"id_tokens": False})
    without = EncodedDataset(manifest=manifest, table=PEOPLE.table.drop_columns(["id_token"]))
    assert refused(without) == ("RELEASE_COLUMN", None)
    swapped = PEOPLE.manifest.model_copy(update={"coded": PEOPLE.manifest.coded[::-1]})
    names = PEOPLE.table.column_names
    table = PEOPLE.table.select([*names[:-2], names[-1], names[-2]])
    assert refused(EncodedDataset(manifest=swapped, table=table)) == ("RELEASE_COLUMN", None)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("status", ["1", "4"]),
        ("status", ["张三", None]),
        ("status", ["", "1"]),
        ("status", [None, "1"]),
        ("birth_band", [1890, 1990]),
        ("birth_band", [1889, None]),
        ("birth_band", [None, 2030]),
    ],
)
def test_a_value_outside_its_list_may_not(name: str, values: list[Any]) -> None:
    assert refused(with_cells(PEOPLE, f"code.{name}", values)) == ("RELEASE_CODE", name)


def test_a_month_outside_the_valid_ones_may_not() -> None:
    for month, allowed in (
        (202511, False),
        (202512, True),
        (202612, True),
        (202701, True),
        (202702, False),
        (0, False),
        (202600, False),
        (202613, False),
        (202699, False),
    ):
        changed = with_cells(ENROLLED, "code.last_month", [month])
        if allowed:
            verify(changed)
        else:
            assert refused(changed) == ("RELEASE_CODE", "last_month")


def test_an_integer_outside_its_range_may_not() -> None:
    population = AGREEMENT.datasets[0]
    status, band = population.columns
    plain = population.model_copy(update={"columns": (status, band.model_copy(update={"bands": None}))})
    agreement = AGREEMENT.model_copy(update={"datasets": (plain, *AGREEMENT.datasets[1:])})
    verify(with_cells(PEOPLE, "code.birth_band", [1890, 2030]), agreement)
    for year in (1889, 2031):
        assert refused(with_cells(PEOPLE, "code.birth_band", [1990, year]), agreement) == ("RELEASE_CODE", "birth_band")


def test_the_share_of_fuzzy_rows_is_bounded() -> None:
    half = encode("students", [person(1, "张三"), {"id_number": person(2, "x")["id_number"], "row_key": "2"}])
    # Birth date and sex stand in every ID number, but nothing can be encoded beside them without a name.
    assert (fuzzy_share(half), fuzzy_share(PEOPLE), fuzzy_share(encode("students", []))) == (0.5, 1.0, 0.0)
    for limit, allowed in ((0.5, True), (0.49, False)):
        limits = AGREEMENT.limits.model_copy(update={"max_fuzzy_share": limit})
        agreement = AGREEMENT.model_copy(update={"limits": limits})
        if allowed:
            verify(half, agreement)
        else:
            assert refused(half, agreement) == ("RELEASE_FUZZY_SHARE", None)
