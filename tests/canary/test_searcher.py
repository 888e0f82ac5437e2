"""The searcher finds what a test plants: a search that cannot find proves nothing."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from canary.searcher import Searcher, forms_of
from integration.people import ADA, HUI, PEOPLE, marks

NOISE = bytes(range(256)) * 4
PLANTS = [ADA.id_number, ADA.name, ADA.phone, ADA.address, HUI.name]


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    return Searcher(marks())


@pytest.mark.parametrize("value", PLANTS)
def test_every_form_is_found(value: str, searcher: Searcher) -> None:
    for form, pattern in forms_of(value):
        found = searcher.in_bytes(NOISE + pattern + NOISE)
        assert found, form


@pytest.mark.parametrize("value", PLANTS)
@pytest.mark.parametrize("before", range(3))
def test_base64_is_found_at_every_alignment(value: str, before: int, searcher: Searcher) -> None:
    for charset in ("utf-8", "gb18030", "utf-16-le"):
        text = base64.b64encode(b"x" * before + value.encode(charset) + b"yz")
        assert any("base64" in name for name in searcher.in_bytes(text)), charset


def test_a_part_of_a_name_is_found(searcher: Searcher) -> None:
    for person in PEOPLE:
        assert searcher.in_bytes(NOISE + person.name[:2].encode() + NOISE) != []


def test_noise_is_clean(searcher: Searcher) -> None:
    assert searcher.in_bytes(NOISE * 100) == []
    assert searcher.in_bytes(b"202601 city_enrolment 390 population") == []


def test_packed_files_are_opened(searcher: Searcher, tmp_path: Path) -> None:
    table = pa.table({"safe": ["x"] * 50, "leak": [ADA.id_number] * 50})
    pq.write_table(table, tmp_path / "leak.parquet", compression="zstd")
    pq.write_table(table.select(["safe"]), tmp_path / "safe.parquet")
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    for name, member in (("leak.xlsx", f"<v>{ADA.name}</v>".encode()), ("leak.smp", stream.getvalue())):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("rows.arrow", member) if name.endswith("smp") else archive.writestr("x.xml", member)
    (tmp_path / "leak.json").write_text(json.dumps({"name": ADA.name}), encoding="ascii")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / f"{ADA.phone}.txt").write_bytes(b"only the name leaks")
    found = searcher.in_folder(tmp_path)
    assert set(found) == {"leak.parquet", "leak.xlsx", "leak.smp", "leak.json", f"deep/{ADA.phone}.txt"}
