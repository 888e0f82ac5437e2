"""Canary rows: what an encoder writes by mistake is found in the final bytes, digests included, and nothing else is."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.hashes import SM3, Hash
from hypothesis import given
from hypothesis import strategies as st

from bureau.hand_rows import AGREEMENT
from integration.road import secure_match
from secure_match.agreement.files import write_trusted_agreement
from secure_match.department import encode_station
from secure_match.department._leak_digests import DigestPatterns, digest_forms_of
from secure_match.department.dataset_encoder import DatasetEncoder, EncodingResult
from secure_match.department.encode_station import EncodeReport, encode_export
from secure_match.department.files import write_key
from secure_match.department.keys import DepartmentKey
from secure_match.department.leak_scan import IdentifierScanner
from secure_match.encoded import EncodedDataset
from secure_match.errors import ReleaseError
from secure_match.kernels._seen import SeenKeys
from secure_match.synthetic import CityConfig, generate_city, write_exports

NUMBER = "160101199003070019"


def sm3(data: bytes) -> bytes:
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


DIGESTS = {
    "md5": hashlib.md5(NUMBER.encode()).digest(),
    "sha-1": hashlib.sha1(NUMBER.encode()).digest(),
    "sha-256": hashlib.sha256(NUMBER.encode()).digest(),
    "sm3": sm3(NUMBER.encode()),
}


@pytest.mark.parametrize("name", DIGESTS)
def test_unkeyed_digests_are_found_whole_and_cut(name: str) -> None:
    scanner = IdentifierScanner({"id_number": [NUMBER], "name": ["张三"]}, {}, digests=True)
    digest = DIGESTS[name]
    for pattern, form in (
        (digest, name),
        (digest[:16], name),
        (digest.hex().encode(), f"{name}-hex"),
        (digest.hex().upper().encode(), f"{name}-hex"),
        (digest[:16].hex().encode(), f"{name}-hex"),
    ):
        assert scanner.scan(b"\1\2\3" + pattern + b"\4").hits == {f"id_number/{form}": 1}
        assert scanner.scan(pattern[:-1] if len(pattern) in {16, 32} else b"").hits.get(f"id_number/{form}", 0) <= 1
        assert IdentifierScanner({"id_number": [NUMBER]}, {}).scan(pattern).hits == {}


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=5, unique=True))
def test_digest_patterns_are_those_of_the_reference(values: list[str]) -> None:
    patterns = DigestPatterns(["kind"], [pa.array(values, pa.string())])
    expected = {(pattern, f"kind/{name}") for value in values for name, pattern in digest_forms_of(value)}
    found = {item for group in patterns.patterns(patterns.words).values() for item in group.items()}
    assert found == expected
    begins = {int.from_bytes(pattern[:8], "little") for pattern, _ in expected}
    assert set(patterns.words.tolist()) == begins


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("canaries")
    write_trusted_agreement(folder)
    write_exports(generate_city(CityConfig(people=600, seed=5)), folder)
    key = DepartmentKey.create(
        party="police",
        agreement_id=AGREEMENT.id,
        key_epoch=AGREEMENT.key_epoch,
        encoding_secret=b"a" * 32,
        handle_secret=b"b" * 32,
    )
    write_key(key, folder / "police.key")
    return folder


def run(folder: Path, **options: object) -> EncodeReport:
    return encode_export(
        AGREEMENT,
        "population",
        folder / "population.csv",
        folder / "police.key",
        folder / "out.smp",
        **options,  # type: ignore[arg-type]
    )


def test_an_ordinary_export_passes_and_the_report_says_what_was_searched(folder: Path) -> None:
    sample = run(folder).scan
    everybody = run(folder, scan="all").scan
    assert sample is not None
    assert everybody is not None
    assert (sample.rows, sample.complete, sample.forms) == (128, False, 15)
    assert everybody.complete
    assert everybody.rows > 500
    assert everybody.values > sample.values > 4 * 128
    size = (folder / "out.smp").stat().st_size
    assert sample.scanned_bytes + sample.listed_bytes == size


LEAKS = {
    "id_number/sha-256": lambda row: hashlib.sha256(row["公民身份号码"].encode()).digest()[:16],
    "id_number/sm3": lambda row: sm3(row["公民身份号码"].encode())[:16],
    "id_number/md5": lambda row: hashlib.md5(row["公民身份号码"].encode()).digest(),
    "row_key/utf-8": lambda row: row["人员编号"].encode().ljust(16),
    "name/utf-16-le": lambda row: row["姓名"].encode("utf-16-le").ljust(16, b"\xa5"),
}


@pytest.mark.parametrize("leak", list(LEAKS))
def test_an_encoder_that_leaks_is_stopped_and_nothing_is_written(
    folder: Path, leak: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (folder / "population.csv").read_bytes().decode("gb18030")
    rows = {row["人员编号"]: row for row in csv.DictReader(io.StringIO(text))}
    honest = DatasetEncoder.encode

    def leaking(self: DatasetEncoder, batches: object, **options: object) -> EncodingResult:
        kept: list[pa.RecordBatch] = []

        def watched() -> object:
            for batch in batches:  # type: ignore[attr-defined]
                kept.append(batch)
                yield batch

        result = honest(self, watched(), **options)  # type: ignore[arg-type]
        table = result.dataset.table
        keys = pa.concat_arrays([batch["人员编号"] for batch in kept])
        made, _, _ = self._handles.make(keys, SeenKeys())
        by_handle = dict(zip(made.to_pylist(), keys.to_pylist(), strict=True))
        tokens = [LEAKS[leak](rows[by_handle[handle]])[:16] for handle in table["handle"].to_pylist()]
        place = table.schema.get_field_index("id_token")
        table = table.set_column(place, table.schema.field(place), pa.array(tokens, pa.binary(16)))
        dataset = EncodedDataset(manifest=result.dataset.manifest, table=table)
        return EncodingResult(
            dataset=dataset, quarantine=result.quarantine, states=result.states, reasons={}, flags=result.flags
        )

    monkeypatch.setattr(encode_station.DatasetEncoder, "encode", leaking)
    target = folder / "leaking.smp"
    with pytest.raises(ReleaseError) as caught:
        encode_export(AGREEMENT, "population", folder / "population.csv", folder / "police.key", target)
    assert caught.value.code == "RELEASE_IDENTIFIER"
    kind, form = leak.split("/")
    assert f"{kind} as {form} " in caught.value.message
    assert not any(value in str(caught.value) for row in rows.values() for value in list(row.values())[:3] if value)
    assert not target.exists()
    assert not [path for path in folder.iterdir() if path.name.startswith(".leaking")]


def test_a_name_that_is_part_of_a_word_of_every_package_is_no_refusal(folder: Path, tmp_path: Path) -> None:
    text = (folder / "population.csv").read_bytes().decode("gb18030")
    rows = list(csv.DictReader(io.StringIO(text)))
    for row, name in zip(rows, ("hand", "lock"), strict=False):
        row["姓名"] = name
    path = tmp_path / "population.csv"
    with path.open("w", encoding="gb18030", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    report = encode_export(AGREEMENT, "population", path, folder / "police.key", tmp_path / "out.smp", scan="all")
    assert report.scan is not None
    assert report.scan.public >= 2


def test_a_dry_run_writes_nothing_and_says_the_digest_that_a_run_has(folder: Path) -> None:
    digest = run(folder).package_digest
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    dry = run(folder, dry_run=True)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert (dry.package, dry.quarantine, dry.package_digest) == (None, None, digest)
    assert dry.scan is not None
    assert np.isclose(dry.package_bytes, (folder / "out.smp").stat().st_size)
    assert [column.name for column in dry.columns][:2] == ["handle", "id_token"]


def test_a_dry_run_of_the_real_command_writes_nothing_and_tells(folder: Path, tmp_path: Path) -> None:
    words = ("department", "encode", folder / "agreement.toml", "population", folder / "population.csv")
    done = secure_match(*words, "--key", folder / "police.key", "--dry-run", cwd=tmp_path)
    assert (done.status, list(tmp_path.iterdir())) == (0, [])
    assert "what would leave:" in done.lines
    assert done.lines[-1].startswith("Nothing was written.")
    told = secure_match(*words, "--key", folder / "police.key", "--dry-run", "--json", cwd=tmp_path).json()
    assert (told["package"], told["scan"]["complete"]) == (None, False)
    assert any(told["package_digest"] in line for line in done.lines)
