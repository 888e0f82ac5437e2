"""Packages on disk: same content, same bytes; a byte more, less or other, and the package is refused."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from encoded.tiny import MANIFEST, TABLE
from hostile.forge import LABEL, forged, zipped
from secure_match.encoded import EncodedDataset
from secure_match.encoded.container import canonical_json, container_reader
from secure_match.encoded.files import atomic_writer, read_dataset, read_package, write_dataset
from secure_match.errors import PackageError

DATASET = EncodedDataset(manifest=MANIFEST, table=TABLE)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.smp"
    write_dataset(DATASET, path)
    return path


def refused(path: Path) -> PackageError:
    with pytest.raises(PackageError) as caught:
        read_dataset(path)
    assert caught.value.place.file == path
    return caught.value


def parts_of(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_round_trip(package: Path) -> None:
    dataset, digest = read_package(package)
    assert dataset.manifest == MANIFEST
    assert dataset.table.equals(TABLE)
    data = package.read_bytes()
    assert digest == hashlib.sha256(data[:-64]).hexdigest() == data[-64:].decode()
    assert [path.name for path in package.parent.iterdir()] == ["tiny.smp"]


def test_same_dataset_same_bytes(package: Path) -> None:
    chunked = pa.concat_tables([TABLE[:1], TABLE[1:]])
    again = package.with_name("again.smp")
    write_dataset(EncodedDataset(manifest=MANIFEST, table=chunked), again)
    assert again.read_bytes() == package.read_bytes()


def test_any_zip_tool_opens_a_package(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "rows.arrow"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert json.loads(parts_of(package)["manifest.json"])["dataset"] == "people"


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_every_changed_byte_is_found(package: Path, mask: int) -> None:
    data = package.read_bytes()
    read_container(data)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= mask
        with pytest.raises(PackageError):
            read_container(bytes(changed))


def test_every_truncation_is_found(package: Path) -> None:
    data = package.read_bytes()
    for length in range(len(data)):
        with pytest.raises(PackageError) as caught:
            read_container(data[:length])
        assert caught.value.code == (
            "PACKAGE_EMPTY" if not length else "PACKAGE_FOREIGN" if length < 4 else "PACKAGE_TRUNCATED"
        )


def read_container(data: bytes) -> dict[str, Any]:
    """Through the reader, in memory: as ``read_dataset`` does, without a file per byte."""
    with container_reader(io.BytesIO(data)) as reader:
        return reader.manifest


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "PACKAGE_EMPTY"),
        (b"a,b\n1,2\n", "PACKAGE_FOREIGN"),
        (b"P", "PACKAGE_FOREIGN"),
        (b"PK\x03\x04", "PACKAGE_TRUNCATED"),
        (b"PK\x03\x04" + b"\0" * 200, "PACKAGE_TRUNCATED"),
        (LABEL + b"0" * 64, "PACKAGE_FOREIGN"),
    ],
)
def test_foreign_files(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "other.smp"
    path.write_bytes(content)
    assert refused(path).code == code


def test_foreign_archives_and_no_file_at_all(tmp_path: Path) -> None:
    plain = tmp_path / "plain.zip"
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("manifest.json", "{}")
    assert refused(plain).code == "PACKAGE_TRUNCATED"
    assert refused(tmp_path / "none.smp").code == "FILE_NOT_FOUND"
    assert refused(tmp_path).code == "FILE_NOT_FOUND"


def test_appended_and_exchanged_bytes(package: Path) -> None:
    data = package.read_bytes()
    for more in (b"\0", b"\n", data[-77:], data):
        package.write_bytes(data + more)
        # A whole package behind a package ends like one; its digest does not fit the whole.
        assert refused(package).code == ("PACKAGE_DAMAGED" if more == data else "PACKAGE_TRUNCATED")
    package.write_bytes(b"PK\x03\x04" + data)
    assert refused(package).code == "PACKAGE_DAMAGED"


def test_a_right_digest_does_not_make_a_package(package: Path) -> None:
    parts = parts_of(package)
    manifest, rows = parts["manifest.json"], parts["rows.arrow"]
    good = [("manifest.json", manifest), ("rows.arrow", rows)]

    def code(data: bytes) -> str:
        package.write_bytes(data)
        return refused(package).code

    assert forged(good) == package.read_bytes()
    assert code(zipped(good)) == "PACKAGE_FOREIGN"
    assert code(zipped(good, deflated=True)) == "PACKAGE_FOREIGN"
    assert code(forged([*good, ("rows.arrow", rows)])) == "PACKAGE_FOREIGN"
    assert code(forged(good[::-1])) == "PACKAGE_FOREIGN"
    assert code(forged(good[1:])) == "PACKAGE_FOREIGN"
    assert code(zipped([])) == "PACKAGE_FOREIGN"
    assert code(forged(good[:1])) == "PACKAGE_FOREIGN"
    assert code(forged([*good, ("notes.txt", b"raw")])) == "PACKAGE_FOREIGN"
    assert code(forged([good[0], ("notes.txt", rows)])) == "PACKAGE_CONTENT"
    for bad in (b"[]", b"{", b"[" * 100_000, "{张}".encode("gb18030"), b"{}" + b" " * (1 << 20)):
        assert code(forged([("manifest.json", bad), good[1]])) == "PACKAGE_FOREIGN"
    assert code(forged([good[0], ("rows.arrow", b"")])) == "PACKAGE_CONTENT"
    assert code(forged([good[0], ("rows.arrow", rows[: len(rows) // 2])])) == "PACKAGE_CONTENT"


def test_a_right_digest_over_any_damaged_archive_or_table(package: Path) -> None:
    """Whatever a forger changes: an error of ours; only cells can be other ones."""
    parts = parts_of(package)
    manifest, rows = parts["manifest.json"], parts["rows.arrow"]
    good = [("manifest.json", manifest), ("rows.arrow", rows)]
    size = len(forged(good)) - 64
    places = [*range(40), *range(len(manifest) + 40, len(manifest) + 130), *range(size - 220, size)]
    codes = set()
    for place in places:
        for mask in (0x01, 0x80):

            def patch(data: bytearray, place: int = place, mask: int = mask) -> None:
                data[place] ^= mask

            codes.add(outcome(package, forged(good, patch=patch)))
    assert codes == {"PACKAGE_FOREIGN", "PACKAGE_TRUNCATED", "PACKAGE_CONTENT"}
    codes = set()
    for place in range(0, len(rows), 3):
        changed = bytearray(rows)
        changed[place] ^= 0x41
        codes.add(outcome(package, forged([good[0], ("rows.arrow", bytes(changed))])))
    assert codes == {"", "PACKAGE_CONTENT"}


def outcome(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    try:
        read_dataset(path)
    except PackageError as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("change", "code", "key"),
    [
        ({"more": 1}, "PACKAGE_MANIFEST", "more"),
        ({"counts": {"read": 3, "encoded": 2, "quarantined": 1, "lost": 0}}, "PACKAGE_MANIFEST", "counts.lost"),
        ({"counts": {"read": 3, "encoded": 2, "quarantined": -1}}, "PACKAGE_MANIFEST", "counts.quarantined"),
        ({"counts": {"read": 2, "encoded": 2, "quarantined": 1}}, "PACKAGE_CONTENT", None),
        ({"counts": {"read": 1, "encoded": 1, "quarantined": 0}}, "PACKAGE_CONTENT", None),
        ({"format_version": 2}, "PACKAGE_MANIFEST", "format_version"),
        ({"format": "secure_match/findings"}, "PACKAGE_MANIFEST", "format"),
        ({"definition_fingerprint": "0" * 63}, "PACKAGE_MANIFEST", "definition_fingerprint"),
        ({"key_id": "secret"}, "PACKAGE_MANIFEST", "key_id"),
        ({"passes": []}, "PACKAGE_CONTENT", None),
        ({"id_tokens": False}, "PACKAGE_CONTENT", None),
        ({"id_tokens": 1}, "PACKAGE_MANIFEST", "id_tokens"),
        ({"tool": None}, "PACKAGE_MANIFEST", "tool"),
    ],
    ids=str,
)
def test_manifests_are_checked(package: Path, change: dict[str, Any], code: str, key: str | None) -> None:
    parts = parts_of(package)
    manifest = json.loads(parts["manifest.json"]) | change
    package.write_bytes(forged([("manifest.json", canonical_json(manifest)), ("rows.arrow", parts["rows.arrow"])]))
    error = refused(package)
    assert (error.code, error.place.key) == (code, key)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("handle", [b"h" * 16, b"h" * 16]),
        ("state.name", [0, 9]),
        ("pass.birth.encoding", [None, None]),
        ("pass.birth.block", [b"b" * 16, b"b" * 16]),
    ],
)
def test_tables_are_checked(package: Path, column: str, values: list[Any]) -> None:
    place = TABLE.schema.get_field_index(column)
    field = TABLE.schema.field(place)
    table = TABLE.set_column(place, field, pa.array(values, field.type))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    manifest = parts_of(package)["manifest.json"]
    package.write_bytes(forged([("manifest.json", manifest), ("rows.arrow", sink.getvalue())]))
    assert refused(package).code == "PACKAGE_CONTENT"


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"before")

    def stop_half_way() -> None:
        with atomic_writer(path) as stream:
            stream.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stop_half_way()
    assert path.read_bytes() == b"before"
    with atomic_writer(path) as stream:
        stream.write(b"after")
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert [item.name for item in tmp_path.iterdir()] == ["out.bin"]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for path in (folder, tmp_path / "none" / "out.smp"):
        with pytest.raises(PackageError) as caught:
            write_dataset(DATASET, path)
        assert (caught.value.code, caught.value.place.file) == ("FILE_NOT_WRITABLE", path)
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]
    assert list(folder.iterdir()) == []
