"""The independent reader reads the example of the specification, and nothing that was changed; it is independent."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import json
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest
from cryptography.exceptions import InvalidTag

from secure_match.agreement.files import read_agreement
from secure_match.encoded.container import container_writer
from secure_match.encoded.files import read_package
from secure_match.encoded.zip_shape import Entry, data_descriptor, end_records, local_header
from secure_match.exchange.files import open_package_to
from secure_match.exchange.identities import Identity, sign
from secure_match.exchange.sealed import COMMENT, SIGNATURE_LABEL, read_parts, seal

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "docs" / "spec" / "sealed-example"
READER = REPOSITORY / "examples" / "read_package.py"
PACKAGE = EXAMPLE / "population.smp"
EXPECTED: dict[str, Any] = json.loads((EXAMPLE / "expected.json").read_text(encoding="ascii"))
SEED = bytes.fromhex((EXAMPLE / "bureau-transport.seed").read_text(encoding="ascii"))
SENDER = Identity.from_seeds("police", "department", transport_seed=bytes(96), signing_seed=bytes(range(32)))
RECIPIENT = Identity.from_seeds("bureau", "bureau", transport_seed=SEED, signing_seed=bytes(32))
SIGNER = SENDER.public.signing.hex()
FINGERPRINT = str(EXPECTED["agreement_fingerprint"])
PLAIN_MANIFEST = {"format": "secure_match/encoded", "dataset": "population"}


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("read_package", READER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reader = _load()


def _rows(path: Path, fingerprint: str = FINGERPRINT, signer: str = SIGNER) -> Any:
    manifest, sealed = reader.verify(path, fingerprint, signer)
    return reader.read_content(manifest, reader.open_content(manifest, sealed, SEED))


def _plain(manifest: dict[str, Any], values: list[int]) -> bytes:
    target = io.BytesIO()
    table = pa.table({"code.state": pa.array(values, pa.int32())})
    with (
        container_writer(target, manifest) as writer,
        writer.part("rows.arrow") as part,
        pa.ipc.new_stream(part, table.schema) as stream,
    ):
        stream.write_table(table)
    return target.getvalue()


def _sealed(path: Path, plain: bytes, *, suite: str = "international", **changes: Any) -> Path:
    """A sealed package of any plain bytes, in chunks of 256 bytes, by whoever the caller wants to play."""
    manifest = {
        "kind": "encodings",
        "format": "secure_match/sealed",
        "format_version": 1,
        "agreement_id": "city_enrolment",
        "agreement_fingerprint": FINGERPRINT,
        "key_epoch": "2026",
        "sender": "police",
        "recipient": "bureau",
        "operator": "林",
        "approval": None,
        "period": "2026-11",
        "created": "2026-11-23T08:00:00Z",
        "log": {"entries": 0, "hash": "0" * 64},
        "columns": [],
        "content": PLAIN_MANIFEST,
        "content_digest": plain[-64:].decode("ascii"),
        "content_bytes": len(plain),
        "sealing": {"suite": suite, "chunk_bytes": 256},
        "tool": "test",
        "kernel": "test",
    } | changes
    with path.open("wb") as target:
        seal(io.BytesIO(plain), target, manifest, identity=SENDER, recipient=RECIPIENT.public)
    return path


def _resigned(path: Path, content: bytes, manifest: dict[str, Any]) -> Path:
    """A package of these parts, with a right signature, digest and form: what a dishonest sender could make."""
    sealing = manifest["sealing"] | {
        "sealed_bytes": len(content),
        "sealed_digest": hashlib.sha256(content).hexdigest(),
    }
    text = json.dumps(manifest | {"sealing": sealing}, ensure_ascii=False, sort_keys=True, indent=1).encode()
    signature = SENDER.public.signing + sign(SENDER, SIGNATURE_LABEL, text)
    whole, entries = b"", []
    for name, data in (("content.sealed", content), ("manifest.json", text), ("manifest.sig", signature)):
        entries.append(Entry(name=name, crc=zlib.crc32(data), size=len(data)))
        whole += local_header(name) + data + data_descriptor(entries[-1])
    path.write_bytes(whole + end_records(entries, len(COMMENT)) + COMMENT)
    return path


def test_it_uses_nothing_of_ours_and_has_a_hundred_lines() -> None:
    text = READER.read_text(encoding="utf-8")
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add(str(node.module).split(".")[0])
    assert names - sys.stdlib_module_names == {"cryptography", "pyarrow"}
    assert len(text.splitlines()) <= 100


def test_a_reader_that_has_only_the_documents_reads_the_example() -> None:
    command = [sys.executable, str(READER), str(PACKAGE), FINGERPRINT, "--signer", EXPECTED["signer"]]
    done = subprocess.run(
        [*command, "--seed", str(EXAMPLE / "bureau-transport.seed")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={"PYTHONUTF8": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    manifest, _, rows = done.stdout.rpartition("}\n[")
    assert json.loads(manifest + "}")["content_digest"] == EXPECTED["content_digest"]
    assert len(json.loads("[" + rows)) == 5


def test_the_example_is_what_it_says() -> None:
    manifest, sealed = reader.verify(PACKAGE, FINGERPRINT, EXPECTED["signer"])
    plain = reader.open_content(manifest, sealed, SEED)
    assert len(plain) == manifest["content_bytes"] == EXPECTED["content_bytes"]
    assert manifest["content_digest"] == EXPECTED["content_digest"] == plain[-64:].decode("ascii")
    assert manifest["sealing"]["sealed_digest"] == EXPECTED["sealed_digest"]
    assert -(-len(plain) // manifest["sealing"]["chunk_bytes"]) == 7
    rows = reader.read_content(manifest, plain)
    assert rows.num_rows == EXPECTED["rows"] == manifest["content"]["counts"]["encoded"]
    assert rows.column_names == [column["name"] for column in manifest["columns"]]


def test_our_own_reader_agrees(tmp_path: Path) -> None:
    agreement = read_agreement(EXAMPLE / "agreement.toml")
    assert agreement.fingerprint == FINGERPRINT
    bureau = Identity.from_seeds("bureau", "bureau", transport_seed=SEED, signing_seed=_worthless("signing bureau", 32))
    package = open_package_to(PACKAGE, agreement, bureau, tmp_path / "plain.smp")
    assert package.id == EXPECTED["package_id"]
    dataset, digest = read_package(tmp_path / "plain.smp")
    assert (len(dataset), digest) == (EXPECTED["rows"], EXPECTED["content_digest"])


def _worthless(purpose: str, length_bytes: int) -> bytes:
    return hashlib.shake_256(f"secure_match worthless example: {purpose}".encode()).digest(length_bytes)


@pytest.mark.parametrize("suite", ["international", "national"])
def test_both_suites(tmp_path: Path, suite: str) -> None:
    path = _sealed(tmp_path / "a.smp", _plain(PLAIN_MANIFEST, [1, 2, 3]), suite=suite)
    assert _rows(path).column(0).to_pylist() == [1, 2, 3]


def test_a_changed_byte_shows_or_says_nothing() -> None:
    """Bytes that no reader by the standard library looks at may change, such as a time; what is read may not."""
    data = PACKAGE.read_bytes()
    whole = reader.verify(PACKAGE, FINGERPRINT, EXPECTED["signer"])
    refused = 0
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
        try:
            found = reader.verify(io.BytesIO(changed), FINGERPRINT, EXPECTED["signer"])
        except Exception:
            refused += 1
        else:
            assert found == whole, place
    assert refused > 0.97 * len(data)


def test_a_package_cut_anywhere_is_refused() -> None:
    data = PACKAGE.read_bytes()
    for length in range(0, len(data), 7):
        with pytest.raises((zipfile.BadZipFile, ValueError)):
            reader.verify(io.BytesIO(data[:length]), FINGERPRINT, EXPECTED["signer"])


def test_another_agreement_or_signer(tmp_path: Path) -> None:
    path = _sealed(tmp_path / "a.smp", _plain(PLAIN_MANIFEST, [1]))
    with pytest.raises(ValueError, match="agreement"):
        _rows(path, fingerprint="0" * 64)
    with pytest.raises(ValueError, match="another key"):
        _rows(path, signer=EXPECTED["signer"])


def test_another_recipient(tmp_path: Path) -> None:
    manifest, sealed = reader.verify(_sealed(tmp_path / "a.smp", _plain(PLAIN_MANIFEST, [1])), FINGERPRINT, SIGNER)
    with pytest.raises(InvalidTag):
        reader.open_content(manifest, sealed, bytes(96))


@pytest.mark.parametrize("order", [[1, 0], [0], [0, 1, 1], [0, 0, 1]])
def test_chunks_in_another_order_or_number(tmp_path: Path, order: list[int]) -> None:
    """Not even whoever signs can do it: the content key belongs to the recipient and the order to the key."""
    source = _sealed(tmp_path / "a.smp", _plain(PLAIN_MANIFEST, list(range(20))))
    with source.open("rb") as stream:
        parts = read_parts(stream)
    with zipfile.ZipFile(source) as archive:
        content = archive.read("content.sealed")
    step = 256 + 16
    pieces = [content[:step], content[step:]]
    mixed = b"".join(pieces[place] for place in order)
    path = _resigned(tmp_path / "b.smp", mixed, json.loads(parts.manifest_bytes))
    with pytest.raises(InvalidTag):
        _rows(path)


@pytest.mark.parametrize("change", [{"recipient": "hrss"}, {"period": "2026-12"}, {"content_bytes": 1}])
def test_a_manifest_that_was_signed_again(tmp_path: Path, change: dict[str, Any]) -> None:
    source = _sealed(tmp_path / "a.smp", _plain(PLAIN_MANIFEST, [1]))
    with zipfile.ZipFile(source) as archive:
        content, manifest = archive.read("content.sealed"), json.loads(archive.read("manifest.json"))
    with pytest.raises(InvalidTag):
        _rows(_resigned(tmp_path / "b.smp", content, manifest | change))


@pytest.mark.parametrize(
    "change",
    [{"content_digest": "0" * 64}, {"content": PLAIN_MANIFEST | {"dataset": "students"}}],
    ids=["digest", "manifest"],
)
def test_a_content_that_is_not_the_one_described(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="another content"):
        _rows(_sealed(tmp_path / "a.smp", _plain(PLAIN_MANIFEST, [1]), **change))


def test_what_fails_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.smp").write_bytes(PACKAGE.read_bytes()[:-1])
    command = [sys.executable, str(READER), str(tmp_path / "a.smp"), FINGERPRINT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert done.stderr.startswith("refused: ")
