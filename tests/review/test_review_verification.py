"""What ``review verify`` finds: every wrong package has its code, and what was not checked is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from made_packages import agreement_of, made_dataset, seal_dataset

from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import write_dataset
from secure_match.enrolment import FINDINGS_SCHEMA, FindingsManifest, FindingSource, FindingsPackage
from secure_match.enrolment.files import write_findings
from secure_match.errors import AgreementError, SecureMatchError
from secure_match.review import examine, verify_one
from secure_match.review._verification_texts import CHECKS

TRIAL = agreement_of(sealed=False)
SEALED = agreement_of(sealed=True)


def code_of(path: Path, agreement: Any = TRIAL, **options: Any) -> str:
    with pytest.raises(SecureMatchError) as caught:
        verify_one(path, agreement, **options)
    assert caught.value.place.file == path
    return caught.value.code


def findings(**changes: Any) -> FindingsPackage:
    source = FindingSource(dataset="students", title="t", row_key="k", handle_key_id="1" * 16, package_digest="0" * 64)
    manifest = FindingsManifest(
        agreement_id=TRIAL.id,
        agreement_fingerprint=TRIAL.fingerprint,
        key_epoch=TRIAL.key_epoch,
        recipient="education",
        sources=(source,),
        dataset_titles={"students": "t"},
        rules=(),
        rows=0,
        tool="test",
    )
    return FindingsPackage(manifest=manifest.model_copy(update=changes), table=pa.table([[]] * 9, FINDINGS_SCHEMA))


def test_a_plain_package_is_verified_and_proves_no_sender(tmp_path: Path) -> None:
    path = tmp_path / "students.smp"
    write_dataset(made_dataset(TRIAL, "students"), path)
    found = verify_one(path, TRIAL, recipient="bureau")
    assert found.verified == ("form", "digest", "agreement", "epoch", "parties", "columns", "values")
    assert {"not_sender", "not_secret"} <= set(found.not_verified)
    assert "signature" not in found.verified
    facts = found.facts
    assert (facts["sender"], facts["recipient"], facts["rows"]) == ("education", "bureau", 40)


def test_a_sealed_package_is_verified_without_a_key_and_its_content_is_not(tmp_path: Path) -> None:
    path = tmp_path / "students.smp"
    package = seal_dataset(made_dataset(SEALED, "students"), path, SEALED)
    found = verify_one(path, SEALED, recipient="bureau")
    assert found.facts["package"] == package.id
    assert (found.facts["operator"], found.facts["period"], found.facts["rows"]) == ("zhang", "2026-11", 40)
    assert {"signature", "signer", "sealed_digest"} <= set(found.verified)
    assert "not_content" in found.not_verified
    assert not {"columns", "values"} & set(found.verified)


def test_every_wrong_plain_package_has_its_code(tmp_path: Path) -> None:
    path = tmp_path / "students.smp"
    whole = made_dataset(TRIAL, "students")
    write_dataset(whole, path)
    data = path.read_bytes()

    def written(content: bytes) -> Path:
        path.write_bytes(content)
        return path

    def made(**changes: Any) -> Path:
        manifest = whole.manifest.model_copy(update=changes)
        write_dataset(EncodedDataset(manifest=manifest, table=whole.table), path)
        return path

    assert code_of(tmp_path / "absent.smp") == "FILE_NOT_FOUND"
    assert code_of(written(b"")) == "PACKAGE_EMPTY"
    assert code_of(written(b"row_key,name\n")) == "PACKAGE_FOREIGN"
    assert code_of(written(data[:-1])) == "PACKAGE_TRUNCATED"
    assert code_of(written(data[:2000] + bytes([data[2000] ^ 1]) + data[2001:])) == "PACKAGE_DAMAGED"
    assert code_of(made(definition_fingerprint="f" * 64)) == "DEFINITION_MISMATCH"
    assert code_of(made(key_epoch="2025")) == "EPOCH_MISMATCH"
    assert code_of(made(owner="police")) == "DATASET_OWNER"
    assert code_of(made(), recipient="hrss") == "PACKAGE_RECIPIENT"
    assert code_of(made(), SEALED) == "PACKAGE_UNSEALED"
    assert code_of(written(b"row_key,name\n"), SEALED) == "PACKAGE_FOREIGN"
    with pytest.raises(AgreementError, match="PARTY_UNKNOWN"):
        examine([path], TRIAL, recipient="nobody")


def test_every_wrong_sealed_package_has_its_code(tmp_path: Path) -> None:
    path = tmp_path / "students.smp"
    seal_dataset(made_dataset(SEALED, "students"), path, SEALED)
    data = path.read_bytes()
    assert code_of(path, TRIAL) == "PACKAGE_SENDER"
    assert code_of(path, SEALED, recipient="police") == "PACKAGE_RECIPIENT"
    assert code_of(path, SEALED.model_copy(update={"key_epoch": "2027"})) == "DEFINITION_MISMATCH"
    path.write_bytes(data[:-1])
    assert code_of(path, SEALED) == code_of(path, TRIAL) == "PACKAGE_TRUNCATED"
    path.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    assert code_of(path, SEALED) == "PACKAGE_DAMAGED"
    place = data.index(b'"operator": "zhang"')
    path.write_bytes(data[: place + 13] + b"w" + data[place + 14 :])
    assert code_of(path, SEALED) in ("PACKAGE_DAMAGED", "PACKAGE_SIGNATURE")


def test_findings_name_parties_and_datasets_of_the_agreement(tmp_path: Path) -> None:
    path = tmp_path / "findings.smf"
    write_findings(findings(), path)
    assert verify_one(path, TRIAL, recipient="education").facts["sender"] == "bureau"
    for changes, code in (
        ({"agreement_fingerprint": "f" * 64}, "DEFINITION_MISMATCH"),
        ({"key_epoch": "2025"}, "EPOCH_MISMATCH"),
        ({"recipient": "nobody"}, "PACKAGE_RECIPIENT"),
        ({"recipient": "bureau"}, "PACKAGE_RECIPIENT"),
        ({"recipient": "police"}, "PACKAGE_RECIPIENT"),
    ):
        write_findings(findings(**changes), path)
        assert code_of(path) == code, changes


def test_all_packages_are_examined_whatever_became_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "students.smp"
    write_dataset(made_dataset(TRIAL, "students"), path)
    found = examine([tmp_path / "absent.smp", path, tmp_path], TRIAL)
    assert [item.problem.code if item.problem else "" for item in found] == ["FILE_NOT_FOUND", "", "FILE_NOT_FOUND"]
    assert [bool(item.verified) for item in found] == [False, True, False]


def test_every_check_has_words_in_both_languages() -> None:
    assert all(set(texts) == {"zh", "en"} and all(texts.values()) for texts in CHECKS.values())
