"""A pass gone through column by column gives what the plain functions give on whole arrays."""

from __future__ import annotations

from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bureau.hand_rows import AGREEMENT, Row, encode, person
from secure_match.agreement import Agreement
from secure_match.encoded import EncodedDataset, matrix_from_binary
from secure_match.errors import LinkageError
from secure_match.linkage import LinkHooks, blocked_pairs, link, pair_similarity, verified_datasets
from secure_match.linkage import _passes as passes_module
from secure_match.linkage._keys import Keys, group_rows
from secure_match.linkage._passes import pass_candidates, pass_evidence
from secure_match.linkage._rows import RowTable, build_rows, key_rows, pair_keys, token_links, token_states

NAMES = ["张三", "李四", "王五", "欧阳震华", "欧阳震化", None]
UNBLOCKED = AGREEMENT.model_copy(
    update={
        "passes": tuple(
            item.model_copy(update={"block_on": ()}) if item.id == "phone" else item for item in AGREEMENT.passes
        )
    }
)


def some_rows(random: Random, count: int, **more: str | None) -> list[Row]:
    return [
        person(
            random.randrange(12),
            random.choice(NAMES),
            random.choice(["19900101", "19900102", "20000101"]),
            known=random.random() < 0.8,
            phone=random.choice([None, "13912345678", "13912345679"]),
            row_key=f"k{place}",
            **more,
        )
        for place in range(count)
    ]


def made(agreement: Agreement, seed: int) -> RowTable:
    random = Random(seed)
    spell = {"first_month": "202601", "last_month": None}
    datasets = [
        encode("population", some_rows(random, 25, status="1"), agreement),
        encode("employee_medical", some_rows(random, 25, **spell), agreement),
        encode("resident_medical", some_rows(random, 25, **spell), agreement),
    ]
    cut = datasets[1]
    chunked = pa.concat_tables([cut.table[:7], cut.table[7:]])
    datasets[1] = EncodedDataset(manifest=cut.manifest, table=chunked)
    return build_rows(agreement, verified_datasets(agreement, datasets))[0]


def whole_arrays(rows: RowTable, pass_id: str, blocked: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    def joined(name: str) -> tuple[np.ndarray, np.ndarray]:
        parts = [matrix_from_binary(dataset.table[f"pass.{pass_id}.{name}"]) for dataset in rows.datasets]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    encodings, valid = joined("encoding")
    return encodings, valid, joined("block")[0] if blocked else None


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("agreement", [AGREEMENT, UNBLOCKED], ids=["blocked", "one unblocked"])
@pytest.mark.parametrize("max_block_rows", [4, 5000])
def test_a_pass_equals_the_plain_functions(
    agreement: Agreement, seed: int, max_block_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pieces of a few pairs, so that a pass has many.
    monkeypatch.setattr(passes_module, "_PAIRS_PER_PIECE", 16)
    limits = agreement.limits.model_copy(update={"max_block_rows": max_block_rows})
    agreement = agreement.model_copy(update={"limits": limits})
    rows = made(agreement, seed)
    everything = key_rows(pair_keys(*(side.astype(np.int64) for side in np.triu_indices(len(rows), 1))))
    for item in agreement.passes:
        encodings, valid, tags = whole_arrays(rows, item.id, bool(item.block_on))
        base, different = passes_module._review_thresholds(agreement, item)
        expected = blocked_pairs(
            encodings,
            valid,
            tags,
            rows.token_codes.astype(np.int64),
            base_threshold=base,
            different_threshold=different,
            max_block_rows=max_block_rows,
        )
        shares: list[float] = []
        step = pass_candidates(agreement, rows, item, threads=2, hooks=LinkHooks(share=shares.append))
        row_i, row_j = key_rows(step.arrays["pairs"])
        assert row_i.tolist() == expected.row_i.tolist()
        assert row_j.tolist() == expected.row_j.tolist()
        assert step.counts["compared"] == expected.compared
        assert step.counts["skipped_blocks"] == expected.skipped_blocks
        assert step.counts["skipped_rows"] == expected.skipped_rows
        assert shares == sorted(shares)
        evidence = pass_evidence(rows, item, step.arrays["blocks"], everything, threads=2, hooks=LinkHooks())
        plain = pair_similarity(encodings, valid, tags, *(side.astype(np.int64) for side in everything))
        np.testing.assert_array_equal(evidence, plain)


def test_refused_blocks_are_counted_with_their_pairs() -> None:
    limits = AGREEMENT.limits.model_copy(update={"max_block_rows": 3})
    agreement = AGREEMENT.model_copy(update={"limits": limits})
    people = [
        person(place, name, known=False, status="1") for place, name in zip((1, 3, 5, 7), "张李王赵", strict=True)
    ]
    result = link(agreement, [encode("population", people, agreement)])
    report = next(report for report in result.passes if report.id == "birth")
    assert (report.skipped_blocks, report.skipped_rows, report.skipped_pairs) == (1, 4, 6)
    assert report.largest_block_rows == 4


words = st.sampled_from([0, 1, (1 << 64) - 1])


@settings(deadline=None)
@given(st.lists(st.tuples(words, words, st.booleans()), max_size=20))
def test_groups_are_those_of_equal_keys(given_keys: list[tuple[int, int, bool]]) -> None:
    """Keys that share their first half, as a forger's would, are told apart."""
    columns = list(zip(*given_keys, strict=True)) or [(), (), ()]
    keys = Keys(
        high=np.array(columns[0], dtype=np.uint64),
        low=np.array(columns[1], dtype=np.uint64),
        valid=np.array(columns[2], dtype=np.bool_),
    )
    groups = group_rows(keys)
    found = {frozenset(rows.tolist()) for rows in np.split(groups.order, groups.starts[1:-1]) if len(rows)}
    members: dict[tuple[int, int], set[int]] = {}
    for row, (high, low, valid) in enumerate(given_keys):
        if valid:
            members.setdefault((high, low), set()).add(row)
    assert found == {frozenset(rows) for rows in members.values()}
    of_rows = groups.of_rows(len(given_keys))
    for row, (_, _, valid) in enumerate(given_keys):
        assert (of_rows[row] >= 0) == valid
    assert int(groups.sizes.sum()) == sum(len(rows) for rows in members.values())


@settings(deadline=None)
@given(st.lists(st.integers(-1, 4), max_size=15))
def test_token_links_join_later_rows_to_the_first(given_codes: list[int]) -> None:
    codes = np.array(given_codes, dtype=np.int32)
    row_i, row_j = key_rows(token_links(codes))
    expected = sorted(
        (given_codes.index(code), row)
        for row, code in enumerate(given_codes)
        if code >= 0 and given_codes.index(code) != row
    )
    assert list(zip(row_i.tolist(), row_j.tolist(), strict=True)) == expected
    assert set(token_states(codes, row_i, row_j).tolist()) <= {0}


def test_a_pair_key_holds_any_row_numbers() -> None:
    row_i = np.array([0, 0, 1, (1 << 31) - 2], dtype=np.int64)
    row_j = np.array([1, (1 << 31) - 1, 2, (1 << 31) - 1], dtype=np.int64)
    keys = pair_keys(row_i, row_j)
    assert keys.tolist() == sorted(keys.tolist())
    back = key_rows(keys)
    assert [side.dtype for side in back] == [np.int32, np.int32]
    assert [side.tolist() for side in back] == [row_i.tolist(), row_j.tolist()]


def test_more_pairs_than_the_limit_has_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = made(AGREEMENT, 1)
    monkeypatch.setattr("secure_match.linkage._plan._PAIR_PASS", 1 << 40)
    hooks = LinkHooks(memory_limit_bytes=1 << 39)
    with pytest.raises(LinkageError) as caught:
        pass_candidates(AGREEMENT, rows, AGREEMENT.passes[0], threads=1, hooks=hooks)
    assert caught.value.code == "MEMORY_PLAN"
