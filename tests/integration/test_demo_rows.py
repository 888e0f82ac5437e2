"""The demo's numbers of rows: every handle has the number of its row, and a row is asked which texts it holds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from secure_match.agreement import parse_agreement, trusted_template
from secure_match.cli._demo_measure import DemoRows
from secure_match.department import DepartmentKey
from secure_match.department.handles import HandleMaker
from secure_match.kernels._seen import SeenKeys
from secure_match.synthetic import CityConfig, generate_city


def test_handles_and_texts_of_rows() -> None:
    agreement = parse_agreement(trusted_template())
    city = generate_city(CityConfig(people=300, seed=5))
    keys = {
        dataset.owner: DepartmentKey.create(
            party=dataset.owner,
            agreement_id=agreement.id,
            key_epoch=agreement.key_epoch,
            encoding_secret=b"e" * 32,
            handle_secret=dataset.owner.encode().ljust(32, b"."),
        )
        for dataset in agreement.datasets
    }
    rows = DemoRows(agreement, city, keys)
    first = 0
    for dataset in agreement.datasets:
        table = city.exports[dataset.id]
        maker = HandleMaker(keys[dataset.owner], agreement.id, dataset.id)
        handles, _, _ = maker.make(table[dataset.row_key].combine_chunks(), SeenKeys())
        assert rows.handles(dataset.id).tobytes() == b"".join(handles.to_pylist())
        order = np.random.default_rng(1).permutation(table.num_rows)
        ids = rows.ids(dataset.id, handles.take(pa.array(order)))
        assert ids.tolist() == (order + first).tolist()
        for index in (0, table.num_rows - 1):
            texts = {column[index].as_py() for column in table.columns}
            assert rows.cells(first + index) - {""} == texts - {"", None}
            assert all(first + index in rows.get(text, ()) for text in texts - {None})
            assert first + index not in rows.get("nobody's", ())
        first += table.num_rows
    assert rows.cells(-1) == set()
    assert -1 not in rows.get("", ())
    with pytest.raises(KeyError):
        rows.ids(agreement.datasets[0].id, pa.array([bytes(16)], pa.binary(16)))
    with pytest.raises(KeyError):
        rows.ids(agreement.datasets[0].id, pa.array([b"\xff" * 16], pa.binary(16)))
