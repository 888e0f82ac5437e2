"""A supplement passes over a row only where it is what was sent: equal row keys are not enough."""

from __future__ import annotations

import pytest

from bureau.hand_rows import AGREEMENT, Row, batch, key_for, person
from secure_match.department.dataset_encoder import DatasetEncoder, EncodingResult
from secure_match.department.supplement import SentRows
from secure_match.errors import ReleaseError

DATASET = "population"
BATCH_ROWS = 2


def people() -> list[Row]:
    """Five rows; the last has the row key of the third, and is another person: it is quarantined."""
    names = ("张三", "李四", "王五", "赵六", "钱七")
    rows = [person(number, name, row_key=f"key-{number}", status="1") for number, name in enumerate(names, start=1)]
    rows[4]["row_key"] = rows[2]["row_key"]
    return rows


@pytest.fixture(scope="module")
def encoder() -> DatasetEncoder:
    return DatasetEncoder(AGREEMENT, DATASET, key_for(AGREEMENT, DATASET))


@pytest.fixture(scope="module")
def sent(encoder: DatasetEncoder) -> SentRows:
    base = encoder.encode([batch(AGREEMENT, DATASET, people())])
    assert base.quarantine.to_pylist() == [{"row_number": 6, "column": "人员编号", "code": "ROW_KEY_DUPLICATE"}]
    return encoder.sent_rows([(base.dataset, "0" * 64)])


def complete(encoder: DatasetEncoder, sent: SentRows, rows: list[Row]) -> EncodingResult:
    whole = batch(AGREEMENT, DATASET, rows)
    return encoder.encode([whole.slice(start, BATCH_ROWS) for start in range(0, len(rows), BATCH_ROWS)], sent=sent)


def refusal(encoder: DatasetEncoder, sent: SentRows, rows: list[Row]) -> str:
    with pytest.raises(ReleaseError, match="SUPPLEMENT_CHANGED") as caught:
        complete(encoder, sent, rows)
    text = str(caught.value)
    assert not any(str(value) in text for row in rows for value in row.values() if len(str(value or "")) > 1)
    return text


def test_the_right_correction_sends_the_one_row(encoder: DatasetEncoder, sent: SentRows) -> None:
    rows = people()
    rows[4]["row_key"] = "key-9"
    result = complete(encoder, sent, rows)
    counts = result.dataset.manifest.counts
    assert (result.already_sent, counts.read, counts.encoded) == (4, 1, 1)
    assert sum(result.states["name"].values()) == 1
    alone = complete(encoder, sent, rows[4:])
    assert alone.already_sent == 0
    assert alone.dataset.table.equals(result.dataset.table)


def test_the_export_unchanged_passes_over_what_was_sent(encoder: DatasetEncoder, sent: SentRows) -> None:
    """The second of two rows with one key is quarantined again."""
    result = complete(encoder, sent, people())
    assert (result.already_sent, result.dataset.manifest.counts.quarantined) == (4, 1)


def test_a_quarantined_row_alone_is_not_taken_for_the_row_whose_key_it_repeats(
    encoder: DatasetEncoder, sent: SentRows
) -> None:
    assert "1 rows (row 2) have" in refusal(encoder, sent, people()[4:])


def test_a_new_key_for_the_wrong_one_of_two_rows_is_refused(encoder: DatasetEncoder, sent: SentRows) -> None:
    """The first would be sent twice, and the second never."""
    rows = people()
    rows[2]["row_key"] = "key-9"
    assert "1 rows (row 6) have" in refusal(encoder, sent, rows)
    rows = people()
    del rows[2]
    assert "1 rows (row 5) have" in refusal(encoder, sent, rows)


@pytest.mark.parametrize(
    "change", [{"name": "李思"}, {"name": None}, {"status": "2"}, {"status": "9"}, {"id_number": ""}], ids=str
)
def test_a_row_that_was_corrected_after_it_was_sent_is_refused(
    change: Row, encoder: DatasetEncoder, sent: SentRows
) -> None:
    """In a field that links, in a code, or so that it could not be encoded any more: the bureau has another row."""
    rows = people()
    rows[1] |= change
    rows[4]["row_key"] = "key-9"
    assert "1 rows (row 3) have" in refusal(encoder, sent, rows)


def test_a_change_that_changes_nothing_that_was_sent_is_none(encoder: DatasetEncoder, sent: SentRows) -> None:
    rows = people()
    rows[1]["name"] = f" {rows[1]['name']} "
    rows[1]["row_key"] = f"{rows[1]['row_key']} "
    result = complete(encoder, sent, rows[:4])
    assert (result.already_sent, result.dataset.manifest.counts.read) == (4, 0)


def test_many_rows_are_counted_and_the_first_are_named(encoder: DatasetEncoder) -> None:
    rows = [person(number, "张三", status="1") for number in range(1, 14)]
    base = encoder.encode([batch(AGREEMENT, DATASET, rows)]).dataset
    for row in rows:
        row["name"] = "李四"
    text = refusal(encoder, encoder.sent_rows([(base, "1" * 64)]), rows)
    assert "13 rows (row 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, and others)" in text
