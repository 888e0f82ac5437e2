"""The queue: which pairs a clerk should look at, in which order, and what he sees of each."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.hand_run import LINKED, handle, pair, pairs_table, write_run
from secure_match.bureau.review_evidence import band_of, bars, evidence_of
from secure_match.bureau.review_pairs import id_texts, pair_id, pair_words, queue_of
from secure_match.bureau.run_files import find_neighbours, find_pair, iter_links, read_queue, read_run_agreement
from secure_match.errors import LinkageError, SecureMatchError, UsageError


def id_of(one: str, two: str) -> str:
    rows = [(name.partition("/")[0], handle(name)) for name in (one, two)]
    return pair_id(rows[0], rows[1])


ROWS = [
    pair("p/1", "m/1", match_probability=0.75),
    pair("p/2", "m/2", match_probability=0.4),
    pair("p/3", "m/3", match_probability=0.6),
    pair("p/4", "m/4", **LINKED),
    pair("p/5", "m/5", **LINKED | {"match_probability": 0.7, "token_state": "DIFFERENT"}),
    pair("p/6", "m/6", **LINKED | {"similarity.birth": 0.3}),
    pair("p/7", "m/7", **LINKED | {"match_probability": 0.5, "reviewed": "MATCH"}),
    pair("p/8", "m/8", decision="NON_LINK", match_probability=0.3),
    pair("p/9", "m/9", match_probability=None, match_weight=None),
    pair("p/10", "m/10", **LINKED | {"similarity.birth": None}),
]


def test_the_queue_and_its_order(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ROWS, {id_of("p/1", "m/1"): 5, id_of("m/5", "p/5"): 1})
    queue = read_queue(run)
    assert queue.select(["pair", "cause", "findings"]).to_pylist() == [
        {"pair": id_of(f"p/{number}", f"m/{number}"), "cause": cause, "findings": findings}
        for number, cause, findings in (
            (1, "POSSIBLE_LINK", 5),
            (5, "LOW_PROBABILITY", 1),
            (9, "POSSIBLE_LINK", 0),
            *sorted(
                [(2, "POSSIBLE_LINK", 0), (3, "POSSIBLE_LINK", 0)], key=lambda row: id_of(f"p/{row[0]}", f"m/{row[0]}")
            ),
            (6, "CONTRADICTING", 0),
        )
    ]
    assert queue["value"].to_pylist() == pytest.approx([1.5, 0.6, 0.5, 0.4, 0.4, 1e-6], abs=1e-9)


def test_a_run_that_tells_no_stakes_counts_none(tmp_path: Path) -> None:
    queue = read_queue(write_run(tmp_path / "run", ROWS[:3]))
    assert queue["findings"].to_pylist() == [None] * 3
    assert queue["value"].to_pylist() == pytest.approx([0.4, 0.4, 0.25])


def test_pairs_of_a_run_without_the_model(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ROWS[:3])
    table = pairs_table(ROWS[:3])
    kept = [name for name in table.column_names if not name.startswith(("match_", "weight.", "reviewed"))]
    pq.write_table(table.select(kept), run / "links.parquet")
    queue = read_queue(run)
    assert queue["value"].to_pylist() == [0.5] * 3
    (first, *_) = evidence_of(queue)
    assert (first.weight, first.probability, first.weights, first.reviewed) == (None, None, {}, None)


def test_a_run_without_pairs(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [])
    assert read_queue(run).num_rows == 0
    assert "value" in read_queue(run).column_names


@given(st.lists(st.tuples(st.sampled_from("ab"), st.binary(min_size=16, max_size=16)), min_size=2, max_size=2))
def test_an_id_depends_on_both_rows_and_not_on_their_order(rows: list[tuple[str, bytes]]) -> None:
    one, two = rows
    assert pair_id(one, two) == pair_id(two, one)
    assert len(pair_id(one, two)) == 13
    other = (one[0], bytes([one[1][0] ^ 1]) + one[1][1:])
    assert pair_id(other, two) != pair_id(one, two)
    assert pair_id(("c", one[1]), two) != pair_id(one, two)


def test_ids_of_many_pairs_are_those_of_each() -> None:
    table = pairs_table(ROWS)
    texts = id_texts(pair_words(table))
    assert texts == [id_of(f"p/{number}", f"m/{number}") for number in range(1, len(ROWS) + 1)]
    # 200,000 pairs of random handles: a collision among 48 bits has a chance of 7 in 100,000.
    draw = np.random.default_rng(5).integers(0, 256, (200_000, 16), dtype=np.uint8)
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(draw), [None, pa.py_buffer(draw)])
    names = pa.array(["a"] * len(draw))
    many = pa.table({"dataset_a": names, "handle_a": column, "dataset_b": names, "handle_b": column[::-1]})
    assert len(np.unique(pair_words(many))) == len(draw) // 2


def test_a_pair_and_the_pairs_beside_it(tmp_path: Path) -> None:
    rows = [*ROWS, pair("p/1", "m/2"), pair("m/1", "r/1", decision="NON_LINK"), pair("m/1", "r/2")]
    run = write_run(tmp_path / "run", rows)
    found = find_pair(run, id_of("p/1", "m/1"))
    assert found["dataset_a"].to_pylist() == ["p"]
    beside = find_neighbours(run, found)
    assert beside["pair"].to_pylist() == [id_of("p/1", "m/2"), id_of("m/1", "r/1"), id_of("m/1", "r/2")]
    for unknown in ("p000000000000", "", "x", id_of("p/1", "m/1")[:-1], id_of("p/1", "m/1").upper()):
        with pytest.raises(UsageError) as caught:
            find_pair(run, unknown)
        assert caught.value.code == "PAIR_UNKNOWN"


def test_two_pairs_of_one_id_are_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [ROWS[0], ROWS[1], ROWS[2], ROWS[0]])
    with pytest.raises(UsageError) as caught:
        find_pair(run, id_of("p/1", "m/1"))
    assert caught.value.code == "PAIR_AMBIGUOUS"


def test_what_a_clerk_sees(tmp_path: Path) -> None:
    (seen,) = evidence_of(find_pair(write_run(tmp_path / "run", ROWS), id_of("p/2", "m/2")))
    assert seen.rows == (("p", handle("p/2").hex()[:8]), ("m", handle("m/2").hex()[:8]))
    assert seen.passes == {"birth": "medium", "phone": "not comparable"}
    assert seen.codes == {"sex": "agree"}
    assert list(seen.weights) == ["prior", "id_token", "birth", "code.sex"]
    assert sum(seen.weights.values()) == seen.weight


@pytest.mark.parametrize(
    ("similarity", "band"),
    [(1.0, "nearly equal"), (0.95, "nearly equal"), (0.94, "high"), (0.8, "high"), (0.6, "medium"), (0.59, "low"),
     (0.0, "low"), (None, "not comparable"), (math.nan, "not comparable")],
)  # fmt: skip
def test_bands(similarity: float | None, band: str) -> None:
    assert band_of(similarity) == band


def test_bars_are_to_one_scale() -> None:
    middle = 24
    plus, minus, nothing, infinite = bars([10.0, -5.0, 0.0, math.inf])
    assert plus == " " * middle + "│" + "█" * 24
    assert minus == " " * 12 + "█" * 12 + "│" + " " * 24
    assert nothing == " " * middle + "│" + " " * 24
    assert infinite == plus
    assert bars([]) == []
    assert bars([0.0]) == [nothing]


@pytest.mark.parametrize("name", ["links.parquet", "summary.json", "stakes.parquet"])
def test_a_damaged_run_is_refused_with_the_file(name: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ROWS, {})
    data = (run / name).read_bytes()
    for bad in (b"", b"{}", data[:-20]):
        (run / name).write_bytes(bad)
        read = read_run_agreement if name == "summary.json" else read_queue
        with pytest.raises(LinkageError) as caught:
            read(run)
        assert (caught.value.code, caught.value.place.file) == ("RUN_FORMAT", run / name)


def test_a_directory_that_is_no_run(tmp_path: Path) -> None:
    for read in (read_run_agreement, read_queue, lambda run: list(iter_links(run))):
        with pytest.raises(SecureMatchError) as caught:
            read(tmp_path)
        assert caught.value.code == "FILE_NOT_FOUND"


def test_equal_input_gives_an_equal_queue() -> None:
    one = queue_of([pairs_table(ROWS)], None)
    two = queue_of([pairs_table(ROWS[5:]), pairs_table(ROWS[:5])], None)
    assert one["pair"].to_pylist() == two["pair"].to_pylist()
