"""The bureau takes in only what an honest department's release gate would have let out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bureau.hand_rows import AGREEMENT, encode, person
from hostile.forge import arrow_bytes, parts_of, rebuilt
from secure_match.bureau.package_files import read_packages
from secure_match.encoded import EncodedDataset
from secure_match.encoded.cell_bytes import cells_with_hidden_bytes
from secure_match.encoded.coded_values import leaving_months
from secure_match.encoded.files import write_dataset
from secure_match.errors import LinkageError, PackageError, SecureMatchError
from secure_match.linkage import verify_linkable

PEOPLE = encode("population", [person(place, "张三", row_key=f"p{place}", status="1") for place in range(1, 9)])
ENROLLED = encode("employee_medical", [person(1, "张三", row_key="e1", first_month="202601", last_month="202603")])
LONG = "赵甲 not a code"


def with_cells(dataset: EncodedDataset, name: str, cells: pa.Array) -> EncodedDataset:
    place = dataset.table.schema.get_field_index(name)
    return EncodedDataset(
        manifest=dataset.manifest, table=dataset.table.set_column(place, dataset.table.schema.field(place), cells)
    )


def refused(dataset: EncodedDataset) -> SecureMatchError:
    with pytest.raises((LinkageError, PackageError)) as caught:
        verify_linkable(AGREEMENT, [dataset])
    return caught.value


def test_what_the_encoder_made_is_taken() -> None:
    verify_linkable(AGREEMENT, [PEOPLE, ENROLLED])
    verify_linkable(AGREEMENT, [ENROLLED], beside=[PEOPLE])
    verify_linkable(AGREEMENT, [encode("population", [])])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code.status", LONG),
        ("code.status", ""),
        ("code.status", None),
        ("code.birth_band", 19900101),
        ("code.birth_band", 1891),
    ],
)
def test_a_coded_value_outside_its_list_or_bands(name: str, value: Any) -> None:
    cells = PEOPLE.table[name].to_pylist()
    cells[3] = value
    error = refused(with_cells(PEOPLE, name, pa.array(cells, PEOPLE.table.schema.field(name).type)))
    assert (error.code, error.place.column) == ("PACKAGE_VALUE", name)
    assert "population" in str(error)
    assert LONG not in str(error)
    assert "19900101" not in str(error)


@pytest.mark.parametrize("month", [0, 202511, 202512, 202600, 202613, 202701, 202702, 19900101])
def test_a_month_outside_the_valid_ones(month: int) -> None:
    changed = with_cells(ENROLLED, "code.last_month", pa.array([month], pa.int32()))
    if month in leaving_months(AGREEMENT.valid_months):
        verify_linkable(AGREEMENT, [changed])
    else:
        assert refused(changed).code == "PACKAGE_VALUE"


def test_the_rows_of_an_export_in_its_own_order() -> None:
    count = len(PEOPLE)
    for order in ([1, 0, *range(2, count)], list(range(count))[::-1]):
        swapped = EncodedDataset(manifest=PEOPLE.manifest, table=PEOPLE.table.take(pa.array(order)))
        assert refused(swapped).code == "PACKAGE_ORDER"


def test_another_definition_under_the_same_fingerprint() -> None:
    for changes in ({"definition": "linkage-schema"}, {"definition_id": "another"}):
        forged = EncodedDataset(manifest=PEOPLE.manifest.model_copy(update=changes), table=PEOPLE.table)
        assert refused(forged).code == "DEFINITION_MISMATCH"


def test_bytes_under_empty_cells() -> None:
    rows = len(PEOPLE)
    bitmap = pa.py_buffer(np.packbits([0] + [1] * (rows - 1), bitorder="little").tobytes())
    for name in ("id_token", "pass.birth.block"):
        hidden = pa.Array.from_buffers(pa.binary(16), rows, [bitmap, pa.py_buffer(b"z" * 16 * rows)])
        table = PEOPLE.table.set_column(
            PEOPLE.table.schema.get_field_index(name), PEOPLE.table.schema.field(name), hidden
        )
        if name == "pass.birth.block":
            assert cells_with_hidden_bytes(table[name]) == 1
            continue
        error = refused(EncodedDataset(manifest=PEOPLE.manifest, table=table))
        assert (error.code, error.place.column) == ("PACKAGE_HIDDEN_BYTES", name)


def test_text_under_empty_cells() -> None:
    offsets = pa.py_buffer(np.array([0, 6, 7], np.int32).tobytes())
    for bitmap, hidden in ((b"\x02", 1), (b"\x03", 0)):
        text = pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(bitmap), offsets, pa.py_buffer("赵甲1".encode())])
        assert cells_with_hidden_bytes(pa.chunked_array([text])) == hidden
        assert cells_with_hidden_bytes(pa.chunked_array([text[1:], text[:1]])) == hidden
    assert cells_with_hidden_bytes(pa.chunked_array([pa.array(["1", None, "2"])])) == 0
    assert cells_with_hidden_bytes(pa.chunked_array([pa.array([b"1", None], pa.binary(1))])) == 0


def test_a_forged_package_names_its_file(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.smp", tmp_path / "bad.smp"
    write_dataset(ENROLLED, good)
    write_dataset(PEOPLE, bad)
    table = PEOPLE.table.set_column(
        PEOPLE.table.schema.get_field_index("code.status"),
        PEOPLE.table.schema.field("code.status"),
        pa.array([LONG] * len(PEOPLE)),
    )
    bad.write_bytes(rebuilt(bad, rows=arrow_bytes(table)))
    with pytest.raises(PackageError) as caught:
        read_packages(AGREEMENT, [good, bad])
    assert (caught.value.code, caught.value.place.file) == ("PACKAGE_VALUE", bad)
    assert "手" not in str(caught.value)


def test_two_packages_of_one_dataset(tmp_path: Path) -> None:
    for name in ("a.smp", "b.smp"):
        write_dataset(PEOPLE, tmp_path / name)
    with pytest.raises(LinkageError) as caught:
        read_packages(AGREEMENT, [tmp_path / "a.smp", tmp_path / "b.smp"])
    assert (caught.value.code, caught.value.place.file) == ("DATASET_REPEATED", tmp_path / "b.smp")


def test_what_the_encoder_writes_has_nothing_under_its_empty_cells(tmp_path: Path) -> None:
    """Several batches, with every kind of empty cell in them."""
    rows = [
        person(place, "张三" if place % 3 != 1 else None, row_key=f"p{place}", known=place % 3 > 0, status="1")
        for place in range(1, 700)
    ]
    path = tmp_path / "people.smp"
    write_dataset(encode("population", rows), path)
    table = pa.ipc.open_stream(parts_of(path)["rows.arrow"]).read_all()
    assert any(column.null_count for column in table.columns)
    assert {name: cells_with_hidden_bytes(table[name]) for name in table.column_names} == dict.fromkeys(
        table.column_names, 0
    )
    read_packages(AGREEMENT, [path])
