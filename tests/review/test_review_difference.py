"""What ``review diff`` finds between two packages."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from made_packages import agreement_of, made_dataset, seal_dataset

from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import write_dataset
from secure_match.enrolment import ANSWER_SCHEMA, LookAnswer, LookAnswerManifest
from secure_match.enrolment.files import write_look_answer
from secure_match.errors import UsageError
from secure_match.review import difference
from secure_match.review._difference_texts import remarks
from secure_match.review.difference import difference_json
from secure_match.review.files import read_any

TRIAL = agreement_of(sealed=False)
SEALED = agreement_of(sealed=True)


def written(path: Path, dataset: EncodedDataset) -> Path:
    write_dataset(dataset, path)
    return path


def test_rows_added_gone_and_changed_are_counted(tmp_path: Path) -> None:
    whole = made_dataset(TRIAL, "population")
    status = pa.array(["1"] * 35 + ["2"] * 3 + ["1"] * 2)
    place = whole.table.schema.get_field_index("code.status")
    token_place = whole.table.schema.get_field_index("id_token")
    tokens = pa.array([None, *whole.table["id_token"].to_pylist()[1:]], pa.binary(16))
    changed = whole.table.set_column(place, whole.table.schema.field(place), status)
    changed = changed.set_column(token_place, changed.schema.field(token_place), tokens)

    def cut(table: pa.Table, begin: int, end: int) -> EncodedDataset:
        counts = whole.manifest.counts.model_copy(update={"encoded": end - begin, "read": end - begin + 2})
        manifest = whole.manifest.model_copy(update={"counts": counts})
        return EncodedDataset(manifest=manifest, table=table.slice(begin, end - begin))

    before = read_any(written(tmp_path / "a.smp", cut(whole.table, 0, 38)))
    after = read_any(written(tmp_path / "b.smp", cut(changed, 0, 40)))
    found = difference(before, after)
    rows = found.rows
    assert rows is not None
    assert (rows.before, rows.after, rows.common, rows.added, rows.gone, rows.changed) == (38, 40, 38, 2, 0, 4)
    assert {name: count for name, count in rows.cells.items() if count} == {"id_token": 1, "code.status": 3}
    assert rows.tokens_kept == 37
    assert [item.key for item in found.manifest] == ["content.counts.encoded", "content.counts.read", "content_digest"]
    lines = list(remarks(found, "en"))
    assert "38 rows stand in both" in lines[0]
    back = difference(after, before)
    assert back.rows is not None
    assert (back.rows.added, back.rows.gone) == (0, 2)


def test_a_package_does_not_differ_from_itself(tmp_path: Path) -> None:
    package = read_any(written(tmp_path / "a.smp", made_dataset(TRIAL, "students")))
    found = difference(package, package)
    assert found.manifest == ()
    assert found.rows is not None
    assert (found.rows.changed, found.rows.common, set(found.rows.cells.values())) == (0, 40, {0})


def test_other_handles_cannot_be_followed(tmp_path: Path) -> None:
    first = read_any(written(tmp_path / "a.smp", made_dataset(TRIAL, "students")))
    second = read_any(written(tmp_path / "b.smp", made_dataset(TRIAL, "students", rows=39)))
    found = difference(first, second)
    assert found.rows is not None
    if not found.rows.common:
        assert "nobody can follow" in next(iter(remarks(found, "en")))


def test_sealed_packages_are_compared_by_their_manifests(tmp_path: Path) -> None:
    paths = [tmp_path / "a.smp", tmp_path / "b.smp"]
    for path in paths:
        seal_dataset(made_dataset(SEALED, "students"), path, SEALED)
    found = difference(*map(read_any, paths))
    assert found.rows is None
    assert [item.key for item in found.manifest] == ["log.entries", "log.hash"]
    assert difference_json(found)["rows"] is None


def test_two_kinds_are_refused(tmp_path: Path) -> None:
    first = read_any(written(tmp_path / "a.smp", made_dataset(TRIAL, "students")))
    manifest = LookAnswerManifest(
        agreement_id=TRIAL.id,
        agreement_fingerprint=TRIAL.fingerprint,
        key_epoch=TRIAL.key_epoch,
        sender="police",
        request_id="0" * 32,
        request_digest="0" * 64,
        rows=0,
        tool="test",
    )
    write_look_answer(LookAnswer(manifest=manifest, table=pa.table([[], []], ANSWER_SCHEMA)), tmp_path / "b.sma")
    with pytest.raises(UsageError, match="PACKAGE_KINDS"):
        difference(first, read_any(tmp_path / "b.sma"))
