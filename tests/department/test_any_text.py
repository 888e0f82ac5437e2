"""Whatever stands in a cell: nothing raises, no value stands in a representation, normalising twice is once."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from department.test_cases import FILES, NORMALISERS, read_cases
from secure_match.department.normalise import REASONS, view_values
from secure_match.encoded import FieldState

PARTS = st.sampled_from(
    [
        *sorted({case.text for path in FILES for case in read_cases(path) if case.text}),
        *["先生", "曾用名", "(", ")", "（", "】", "□", "?", "·", ".", "十", "号", "单元", "E+17", "́", "\ue863", "０"],
    ]
)
CELLS = st.text(max_size=20) | st.lists(PARTS | st.text(max_size=3), max_size=4).map("".join)
ROWS = st.lists(st.none() | CELLS, max_size=12)


@pytest.mark.parametrize("kind", NORMALISERS)
@settings(deadline=None, max_examples=300)
@given(rows=ROWS)
@example(rows=["张三先生·先生"])
@example(rows=["\ufb03"])
def test_any_text_has_one_meaning(kind: str, rows: list[str | None]) -> None:
    normalise = NORMALISERS[kind]
    field = normalise(pa.array(rows, pa.string()))
    values = field.values.to_pylist()
    assert len(values) == len(field.states) == len(field.reason_numbers) == len(rows)
    for value, state, reason in zip(values, field.states.tolist(), field.reasons.to_pylist(), strict=True):
        assert (value is None) == (state >= FieldState.MISSING)
        assert (reason is None) == (state == FieldState.VALID)
        assert reason is None or REASONS[reason][0] == state
        assert value is None or "\x1f" not in value
    for view in field.views.values():
        assert len(view) == len(rows)
    again = normalise(pa.array(values, pa.string()))
    assert again.values.to_pylist() == values
    for row, value in zip(rows, values, strict=True):
        assert normalise(pa.array([row], pa.string())).values.to_pylist() == [value]
    assert repr(field) == f"<NormalisedField: {len(rows)} rows>"


@settings(deadline=None, max_examples=100)
@given(names=ROWS)
def test_every_view_of_any_name(names: list[str | None]) -> None:
    field = NORMALISERS["name"](pa.array(names, pa.string()))
    for view in ("", "surname", "pinyin", "dialect", "shape"):
        values = view_values(field, view)
        assert values.is_null().to_pylist() == field.values.is_null().to_pylist()
    parts = [view_values(field, view).to_pylist() for view in ("surname_dialect", "given_dialect", "dialect")]
    for surname, rest, whole in zip(*parts, strict=True):
        assert " ".join(part for part in (surname, rest) if part is not None) == (whole or "")


def test_readings_of_surname_and_given_name() -> None:
    names = ["张三", "欧阳震华", "欧阳", "李", "单雄信", "Ann Lee", None]
    field = NORMALISERS["name"](pa.array(names, pa.string()))
    surnames = view_values(field, "surname_dialect").to_pylist()
    given = view_values(field, "given_dialect").to_pylist()
    assert [surname is None for surname in surnames] == [False] * 6 + [True]
    assert [part is None for part in given] == [False, False, False, True, False, False, True]
    assert len(surnames[1].split(" ")) == 2
    assert len(surnames[2].split(" ")) == 1
    assert (surnames[5], given[5]) == ("ann", "lee")
    starts, ends = (view_values(field, view).to_pylist() for view in ("given_start", "given_end"))
    assert (starts[1], ends[1]) == tuple((given[1] or "").split(" "))
    # Nothing is left of a given name of one syllable: such names share a block. Without a given name there is none.
    assert [starts[0], starts[5], starts[3], ends[0], ends[3]] == ["-", "-", None, "-", None]
    # A homophone of the surname is in the same block.
    assert view_values(NORMALISERS["name"](pa.array(["章三"])), "surname_dialect").to_pylist() == surnames[:1]


@settings(deadline=None, max_examples=50)
@given(rows=ROWS)
def test_slices_are_read_like_copies(rows: list[str | None]) -> None:
    """Arrow arrays that begin inside a buffer."""
    whole = pa.array(["x", None, *rows, "yy"], pa.string()).slice(2, len(rows))
    for normalise in NORMALISERS.values():
        expected = normalise(pa.array(rows, pa.string()))
        assert normalise(whole).values.to_pylist() == expected.values.to_pylist()
