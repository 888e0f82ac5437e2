"""What ``review inspect`` counts: exact numbers on rows with known cells, and no value of any."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_packages import agreement_of, identity, made_dataset, seal_dataset

from secure_match.encoded.files import write_dataset
from secure_match.review import inspect_dataset
from secure_match.review._distributions import group_sizes, set_bits, spread_of
from secure_match.review._inspection_warnings import TEXTS
from secure_match.review.files import read_any
from secure_match.review.inspection_report import inspect_package, inspection_json, inspection_tables

TRIAL = agreement_of(sealed=False)
SEALED = agreement_of(sealed=True)


def test_rare_codes_and_their_combinations_are_counted() -> None:
    status = ["1"] * 30 + ["2"] * 7 + ["3"] * 3
    bands = [1890] * 29 + [2011] * 1 + [1890] * 6 + [2011] + [1890] * 3
    found = inspect_dataset(made_dataset(TRIAL, "population", code_status=status, code_birth_band=bands))
    assert list(found.codes) == [("status",), ("birth_band",), ("status", "birth_band")]
    assert found.codes["status",].bands == {"1": 0, "2-4": 1, "5-9": 1, "10-99": 1, "100+": 0}
    whole = found.codes["status", "birth_band"]
    assert sorted(whole.largest, reverse=True) == [29, 6, 3, 1, 1]
    assert whole.rows_in_bands == {"1": 2, "2-4": 3, "5-9": 6, "10-99": 29, "100+": 0}
    assert found.unique_rows == 2
    assert [(item.name, item.where, item.rows) for item in found.warnings][:4] == [
        ("small-cells", "status", 10),
        ("small-cells", "birth_band", 2),
        ("rows-alone", "status + birth_band", 2),
        ("small-cells", "status + birth_band", 9),
    ]


def test_an_empty_code_is_a_value_and_an_empty_token_is_none() -> None:
    tokens = [b"t" * 16] * 3 + [None] * 37
    found = inspect_dataset(
        made_dataset(TRIAL, "resident_medical", code_last_month=[None] * 39 + [202603], id_token=tokens)
    )
    assert found.codes["last_month",].largest == (39, 1)
    assert found.tokens is not None
    assert (found.tokens.rows, found.tokens.largest, found.tokens.min_entropy_bits) == (3, (3,), 0.0)
    assert {name: share for name, _, share in found.columns}["id_token"] == 37 / 40


def test_frequent_tokens_blocks_and_equal_encodings_are_warned_of() -> None:
    rows = 200
    same = [bytes(16)] * 20 + [bytes([1, row]) + bytes(14) for row in range(180)]
    twins = [b"\x0f" * 128] * 20 + [bytes([2, row]) * 64 for row in range(180)]
    dataset = made_dataset(
        TRIAL, "students", rows=rows, id_token=same, pass_birth_block=same, pass_birth_encoding=twins
    )
    found = inspect_dataset(dataset)
    names = {(item.name, item.where): item for item in found.warnings}
    assert names["frequent-token", ""].rows == 20
    assert names["frequent-block", "birth"].measure == 0.1
    assert names["predictable-block", "birth"].measure == pytest.approx(-math.log2(0.1))
    assert names["equal-encodings", "birth"].rows == 20
    assert names["block-of-one", "name_year"].rows == 200
    assert names["set-bits", "birth"].rows == 200
    assert names["all-rows-fuzzy", ""].measure == 1.0
    assert found.passes[0].set_bits.quantiles[-1] == 512


def test_no_value_of_a_package_is_given_out(tmp_path: Path) -> None:
    path = tmp_path / "population.smp"
    dataset = made_dataset(TRIAL, "population", code_status=["1"] * 39 + ["3"], id_token=[b"marked-token-16b"] * 40)
    write_dataset(dataset, path)
    found = inspect_package(read_any(path))
    content = inspection_json(found, "en")
    text = json.dumps(content) + str(inspection_tables(found, "zh"))
    assert "marked" not in text
    assert b"marked-token-16b".hex() not in text
    assert dataset.table["handle"][0].as_py().hex() not in text
    assert content["rows"] == 40


def test_a_sealed_package_shows_its_manifest_and_the_recipient_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "students.smp"
    seal_dataset(made_dataset(SEALED, "students"), path, SEALED)
    shut = inspection_json(inspect_package(read_any(path)), "en")
    assert (shut["sealed"], shut["opened"], shut["rows"], "passes" in shut) == (True, False, 40, False)
    opened = inspection_json(inspect_package(read_any(path, agreement=SEALED, identity=identity("bureau"))), "en")
    assert (opened["opened"], opened["rows"], len(opened["passes"])) == (True, 40, 5)
    assert opened["content_digest"] == shut["content_digest"]


def test_a_package_without_rows_is_inspected() -> None:
    found = inspect_dataset(made_dataset(TRIAL, "population", rows=0))
    assert (found.unique_rows, found.fuzzy_share, found.warnings) == (0, 0.0, ())


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1, 2, None])), max_size=60))
def test_groups_are_those_of_a_dictionary(rows: list[tuple[str | None, int | None]]) -> None:
    first = pa.chunked_array([pa.array([row[0] for row in rows], pa.string())])
    second = pa.chunked_array([pa.array([row[1] for row in rows], pa.int32())])
    for nulls in (True, False):
        kept = [row for row in rows if nulls or None not in row]
        expected = sorted(kept.count(row) for row in set(kept))
        sizes = group_sizes([first, second], nulls=nulls)
        assert sorted(sizes) == expected
        spread = spread_of(sizes)
        assert (spread.rows, spread.groups) == (len(kept), len(expected))
        assert sum(spread.rows_in_bands.values()) == len(kept)
        assert 0.0 <= spread.min_entropy_bits <= spread.entropy_bits + 1e-9


def test_set_bits_of_known_encodings() -> None:
    column = pa.chunked_array([pa.array([b"\xff\x00", None, b"\x01\x01"], pa.binary(2))])
    found = set_bits(column)
    assert (found.rows, found.quantiles, found.mean, found.deviation) == (2, (2, 2, 2, 8, 8), 5.0, 3.0)
    assert set_bits(pa.chunked_array([], pa.binary(2))).rows == 0
    assert np.isfinite(found.mean)


def test_every_warning_has_words_in_both_languages() -> None:
    assert all(set(texts) == {"zh", "en"} for texts in TEXTS.values())
