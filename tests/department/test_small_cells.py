"""Small cells: what stays stands in no small cell, nothing else changes, and the gate counts for itself."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.hand_rows import AGREEMENT, encode, person
from secure_match.agreement import Agreement, CodedColumn
from secure_match.department.release import count_cells, verify_release
from secure_match.department.small_cells import _MOST_COUNTERS, CellResult, give_up_small_cells, may_have_become
from secure_match.encoded import EncodedDataset
from secure_match.errors import ReleaseError

TOWN = CodedColumn(name="town", type="code", column="t", codes=("a", "b", "x"), rare="x")
STATE = CodedColumn(name="state", type="code", column="s", codes=("1", "2"), required=True)
LEVEL = CodedColumn(name="level", type="code", column="l", codes=("p", "q"))
BAND = CodedColumn(name="band", type="integer", column="b", range=(0, 99), bands=(0, 20, 40, 60), rare="neighbour")
AGE = CodedColumn(name="age", type="integer", column="a", range=(0, 99))
COLUMNS = (TOWN, STATE, LEVEL, BAND, AGE)
TYPES = {"code": pa.string(), "integer": pa.int32()}


def table_of(columns: tuple[CodedColumn, ...], rows: list[tuple[object, ...]]) -> pa.Table:
    arrays = [pa.array([row[place] for row in rows], TYPES[item.type]) for place, item in enumerate(columns)]
    return pa.table(arrays, names=[f"code.{item.name}" for item in columns])


def rows_of(result: CellResult) -> list[tuple[object, ...]]:
    kept = result.table.filter(pa.array(~result.refused))
    return list(zip(*(column.to_pylist() for column in kept.columns), strict=True))


def run(columns: tuple[CodedColumn, ...], rows: list[tuple[object, ...]], smallest: int = 3) -> CellResult:
    return give_up_small_cells(columns, smallest, table_of(columns, rows))


def test_the_last_column_is_given_up_first() -> None:
    rows: list[tuple[object, ...]] = [("1", "p")] * 3 + [("2", "p"), ("2", "q"), ("2", "q")]
    result = run((STATE, LEVEL), rows)
    assert rows_of(result) == [("1", "p")] * 3 + [("2", None)] * 3
    assert (result.given_up, result.refused.any()) == ({"state": 0, "level": 3}, False)


def test_rows_that_cannot_be_given_up_are_refused() -> None:
    result = run((STATE, LEVEL), [("1", "p")] * 3 + [("2", "p"), ("2", "q")])
    assert rows_of(result) == [("1", "p")] * 3
    assert result.refused.tolist() == [False] * 3 + [True] * 2
    assert result.given_up == {"state": 0, "level": 0}


def test_rare_codes_and_neighbouring_bands() -> None:
    result = run((TOWN,), [("a",)] * 3 + [("b",), (None,), ("x",)])
    assert (rows_of(result), result.given_up) == ([("a",)] * 3 + [("x",)] * 3, {"town": 2})
    result = run((BAND,), [(60,)] * 2 + [(40,)] + [(0,)] + [(20,)] * 3)
    assert rows_of(result) == [(40,)] * 3 + [(20,)] * 4
    assert result.given_up == {"band": 3}


def test_what_was_given_up_does_not_stand_under_the_empty_cell() -> None:
    result = run((AGE,), [(7,), (8,), (9,), (1,), (1,), (1,)])
    cells = result.table["code.age"].combine_chunks()
    assert cells.to_pylist() == [None] * 3 + [1] * 3
    assert np.frombuffer(cells.buffers()[1], dtype=np.int32)[:6].tolist() == [0, 0, 0, 1, 1, 1]
    text = run((LEVEL,), [("p",)] * 3 + [("q",)] * 2 + [(None,)])
    assert b"q" not in text.table["code.level"].combine_chunks().buffers()[2].to_pybytes()


def test_rows_that_were_sent_before_count_and_do_not_change() -> None:
    others = table_of((STATE, LEVEL), [("1", "p")] * 2)
    result = give_up_small_cells((STATE, LEVEL), 3, table_of((STATE, LEVEL), [("1", "p"), ("1", "q")]), others)
    assert rows_of(result) == [("1", "p")]
    assert result.refused.tolist() == [False, True]


def naive_small(rows: list[tuple[object, ...]], smallest: int) -> set[tuple[object, ...]]:
    return {cell for cell, count in Counter(rows).items() if count < smallest}


ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, "a", "b", "x"]),
        st.sampled_from(["1", "2"]),
        st.sampled_from([None, "p", "q"]),
        st.sampled_from([None, 0, 20, 40, 60]),
        st.sampled_from([None, 1, 2, 90]),
    ),
    max_size=40,
)
ORDERS = st.permutations(range(5)).flatmap(lambda order: st.integers(1, 5).map(lambda count: order[:count]))


@given(ROWS, ORDERS, st.integers(2, 6), st.randoms(use_true_random=False))
def test_what_stays_stands_in_no_small_cell_and_nothing_else_changes(
    rows: list[tuple[object, ...]], places: list[int], smallest: int, random: object
) -> None:
    columns = tuple(COLUMNS[place] for place in places)
    cut = [tuple(row[place] for place in places) for row in rows]
    result = run(columns, cut, smallest)
    after = rows_of(result)
    assert not naive_small(after, smallest)
    small = naive_small(cut, smallest)
    kept = [row for row, refused in zip(cut, result.refused.tolist(), strict=True) if not refused]
    changes = Counter[str]()
    for before, now in zip(kept, after, strict=True):
        if before not in small:
            assert before == now
        changes.update(column.name for column, old, new in zip(columns, before, now, strict=True) if old != new)
        for column, old, new in zip(columns, before, now, strict=True):
            if old != new:
                one, other = (pa.chunked_array([pa.array([value], TYPES[column.type])]) for value in (old, new))
                assert may_have_become(column, one, other).all()
    assert result.given_up == {column.name: changes[column.name] for column in columns}
    # The outcome of a row does not depend on the order of the rows.
    shuffled = list(range(len(cut)))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = run(columns, [cut[place] for place in shuffled], smallest)
    assert Counter(rows_of(again)) == Counter(after)


def test_many_values_are_counted_without_a_counter_for_every_combination() -> None:
    wide = tuple(AGE.model_copy(update={"name": f"n{place}"}) for place in range(4))
    rows: list[tuple[object, ...]] = [(place % 90, place % 89, place % 88, place % 87) for place in range(400)] * 2
    assert _MOST_COUNTERS < (91 * 90 * 89 * 88)
    assert not naive_small(rows_of(run(wide, rows, 2)), 2)
    assert rows_of(run(wide, rows, 2)) == rows


def ruled(smallest: int, *names: str) -> Agreement:
    population = AGREEMENT.datasets[0].model_copy(update={"cells": names})
    release = AGREEMENT.release.model_copy(update={"smallest_cell": smallest})
    datasets = (population, *AGREEMENT.datasets[1:])
    return AGREEMENT.model_copy(update={"datasets": datasets, "release": release})


PEOPLE = encode("population", [person(number, "张三", status="1" if number < 4 else "2") for number in range(1, 6)])


def refused(agreement: Agreement, encoded: EncodedDataset = PEOPLE, others: pa.Table | None = None) -> str:
    with pytest.raises(ReleaseError) as caught:
        verify_release(agreement, agreement.datasets[0], encoded, others=others)
    assert caught.value.code == "RELEASE_SMALL_CELL"
    return str(caught.value)


def test_the_gate_counts_for_itself_and_names_rule_columns_and_count() -> None:
    verify_release(ruled(2, "status"), ruled(2, "status").datasets[0], PEOPLE)
    text = refused(ruled(3, "status"))
    assert "column status: 2 rows stand in 1 combinations" in text
    assert "fewer than 3 rows" in text
    assert "release.smallest_cell" in text
    both = ruled(3, "status", "birth_band")
    assert "column status, birth_band" in refused(both)
    assert count_cells(both, both.datasets[0], PEOPLE).smallest <= 2
    assert not count_cells(both, both.datasets[0], encode("population", [])).small


def test_the_gate_counts_a_supplement_with_the_rows_that_it_completes() -> None:
    verify_release(ruled(5, "status"), ruled(5, "status").datasets[0], encode("population", []), others=PEOPLE.table)
    one = encode("population", [person(9, "李四", status="2")])
    rule = ruled(3, "status")
    verify_release(rule, rule.datasets[0], one, others=PEOPLE.table)
    assert "1 rows stand in 1 combinations" in refused(ruled(4, "status"), one, PEOPLE.table)
