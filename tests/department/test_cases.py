"""The hand-made table of cases: what becomes of a cell, field by field (tests/department/cases/*.tsv).

A line: input, expected value, expected state, expected reason, separated by tabs. ``<null>`` is a null cell;
``\\u3000`` and
the like are escapes. Lines that begin with ``#`` and a blank say what the table's agreement has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from secure_match.department.normalise import REASONS, NormalisedField
from secure_match.department.normalise._addresses import normalise_addresses, normalise_divisions
from secure_match.department.normalise._dates import normalise_birth_dates
from secure_match.department.normalise._generic import normalise_digits, normalise_identifiers, normalise_texts
from secure_match.department.normalise._id_number import normalise_id_numbers
from secure_match.department.normalise._names import normalise_names
from secure_match.department.normalise._texts import normalise_phones, normalise_sexes
from secure_match.encoded import FieldState

FILES = sorted((Path(__file__).parent / "cases").glob("*.tsv"))
DIVISIONS = ("甲省", "乙市", "丙县", "丁镇")
NORMALISERS: dict[str, Callable[[pa.Array], NormalisedField]] = {
    "id_number": normalise_id_numbers,
    "name": normalise_names,
    "sex": normalise_sexes,
    "birth_date": normalise_birth_dates,
    "phone": normalise_phones,
    "address": lambda column: normalise_addresses(column, DIVISIONS),
    "division": lambda column: normalise_divisions(column, {"160102": "160103"}),
    "text": normalise_texts,
    "digits": normalise_digits,
    "identifier": normalise_identifiers,
}
ESCAPES = {r"\t": "\t", r"\n": "\n", r"\r": "\r"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    line: int
    text: str | None
    value: str | None
    state: str
    reason: str | None


def unescape(cell: str) -> str:
    cell = re.sub(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})", lambda found: chr(int(found[1] or found[2], 16)), cell)
    return re.sub(r"\\[tnr]", lambda found: ESCAPES[found[0]], cell)


def read_cases(path: Path) -> list[Case]:
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line or line.startswith("# "):
            continue
        text, value, state, *reason = line.split("\t")
        cases.append(
            Case(
                line=number,
                text=None if text == "<null>" else unescape(text),
                value=unescape(value) or None,
                state=state,
                reason=reason[0] if reason else None,
            )
        )
    return cases


def judged(field: NormalisedField) -> list[tuple[str | None, str, str | None]]:
    states = [FieldState(state).name.lower() for state in field.states.tolist()]
    return list(zip(field.values.to_pylist(), states, field.reasons.to_pylist(), strict=True))


def test_the_table_is_large_and_covers_every_field() -> None:
    assert sum(len(read_cases(path)) for path in FILES) >= 300
    assert {path.stem for path in FILES} == set(NORMALISERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_cases(path: Path) -> None:
    cases = read_cases(path)
    normalise = NORMALISERS[path.stem]
    together = judged(normalise(pa.array([case.text for case in cases], pa.string())))
    wrong = []
    for case, result in zip(cases, together, strict=True):
        alone = judged(normalise(pa.array([case.text], pa.string())))[0]
        expected = (case.value, case.state, case.reason)
        if not result == alone == expected:
            wrong.append(f"line {case.line}: {case.text!a}: {result} (alone {alone}), expected {expected}")
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_values_of_the_table_stay_as_they_are(path: Path) -> None:
    values = [case.value for case in read_cases(path) if case.value is not None]
    assert NORMALISERS[path.stem](pa.array(values)).values.to_pylist() == values


def test_reasons_agree_with_their_states() -> None:
    for case in (case for path in FILES for case in read_cases(path)):
        assert (case.reason is None) == (case.state == "valid")
        assert case.reason is None or REASONS[case.reason][0].name.lower() == case.state


def test_every_reason_of_a_cell_is_in_the_table() -> None:
    shown = {case.reason for path in FILES for case in read_cases(path)}
    # These need other columns or the whole column: tests/department/test_normalise_record.py.
    of_rows = {"excel_damaged", "from_id_number", "replaced_by_id_number", "from_partial_id", "two_digit_year"}
    assert set(REASONS) - of_rows - shown == set()


def test_every_reason_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "normalisation.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_0-9]+)` \| ([a-z]+) \|", text, flags=re.MULTILINE))
    assert rows == {code: state.name.lower() for code, (state, _) in REASONS.items()}
