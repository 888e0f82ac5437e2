"""The plan of memory: it grows with rows and pairs, and a limit is kept exactly."""

from __future__ import annotations

import pytest

from bureau.hand_rows import AGREEMENT, encode, person
from secure_match.errors import LinkageError
from secure_match.linkage import plan_memory, size_text

ONE = encode("students", [person(1, "张三")])
TWO = encode("students", [person(1, "张三"), person(2, "李四")])


def test_a_plan_adds_up_rows_and_pairs() -> None:
    nothing = plan_memory(AGREEMENT, ())
    one, two = plan_memory(AGREEMENT, (ONE,)), plan_memory(AGREEMENT, (TWO,))
    assert (nothing.rows, one.rows, two.rows) == (0, 1, 2)
    assert (one.pairs, two.pairs) == (2, 4)
    assert nothing.peak_bytes < one.peak_bytes
    assert two.peak_bytes - one.peak_bytes == one.peak_bytes - nothing.peak_bytes
    assert set(one.steps) == {
        "packages",
        "ID tokens",
        *(f"{step} {item.id}" for step in ("pass", "evidence") for item in AGREEMENT.passes),
        "clusters",
        "findings",
    }
    assert one.steps[one.largest_step] == one.peak_bytes
    counted = plan_memory(AGREEMENT, (ONE,), pairs=1_000_000)
    assert counted.pairs == 1_000_000
    assert counted.peak_bytes > one.peak_bytes
    assert plan_memory(AGREEMENT, (ONE,), pairs=2) == one


def test_the_encodings_of_a_pass_are_counted() -> None:
    # 1024 bits, gathered once and mapped once.
    one, two = plan_memory(AGREEMENT, (ONE,), pairs=0), plan_memory(AGREEMENT, (TWO,), pairs=0)
    for step in ("pass birth", "evidence birth"):
        assert two.steps[step] - one.steps[step] >= 2 * 128


def test_a_limit_is_kept_exactly() -> None:
    plan = plan_memory(AGREEMENT, (TWO,))
    plan.verify(None)
    plan.verify(plan.peak_bytes)
    with pytest.raises(LinkageError) as caught:
        plan.verify(plan.peak_bytes - 1)
    assert caught.value.code == "MEMORY_PLAN"
    assert plan.largest_step in caught.value.message


def test_sizes_are_rounded_up() -> None:
    assert [size_text(size) for size in (0, 1, 1 << 30, (1 << 30) + 1, 5 << 29)] == [
        "0.00 GiB",
        "0.01 GiB",
        "1.00 GiB",
        "1.01 GiB",
        "2.50 GiB",
    ]
