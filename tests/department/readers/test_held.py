"""An export that is looked at twice gives the same rows twice, read once or read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from secure_match.department.readers import CsvExport, HeldExport, ReadOptions, RefusedRows, _csv


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CsvExport:
    monkeypatch.setattr(_csv, "BATCH_ROWS", 3)
    path = tmp_path / "p.csv"
    path.write_text("a,b\n" + "".join(f"{row},x\n" if row % 4 else "odd\n" for row in range(20)), encoding="utf-8")
    return CsvExport.open(path, ReadOptions(ragged="quarantine"))


@pytest.mark.parametrize("limit", [0, 60, 1 << 20])
def test_every_reading_gives_the_same(export: CsvExport, limit: int) -> None:
    held = HeldExport(export, ["a"], limit_bytes=limit)
    expected = RefusedRows()
    rows = list(export.batches(["a"], refused=expected))
    for last in (False, False, True):
        refused = RefusedRows()
        assert list(held.batches(refused=refused, last=last)) == rows
        assert refused == expected


@pytest.mark.parametrize(("limit", "changed"), [(0, True), (1 << 20, False)], ids=["too large", "held"])
def test_what_fits_is_read_once(export: CsvExport, limit: int, *, changed: bool) -> None:
    held = HeldExport(export, ["a"], limit_bytes=limit)
    first = list(held.batches(refused=RefusedRows()))
    export.path.write_text("a,b\n7,8\n", encoding="utf-8")
    assert (list(held.batches(refused=RefusedRows())) != first) is changed


def test_a_reading_that_was_given_up_is_begun_again(export: CsvExport) -> None:
    held = HeldExport(export, ["a"])
    next(held.batches(refused=RefusedRows()))
    assert sum(batch.num_rows for batch in held.batches(refused=RefusedRows())) == 15
