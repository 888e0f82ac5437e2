"""After a correction only the corrected rows are sent, and the bureau finds what it would have found in one package."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from integration.people import CHARSETS, EXPORTS, Rows, csv_bytes
from integration.road import Commands, Done, Road
from secure_match.encoded.files import read_package

QUARANTINED = {"8", "9", "10", "11"}


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with Commands(tmp_path_factory.mktemp("commands")) as running:
        yield running


def corrected(*, all_of_it: bool) -> Rows:
    """The population's export after the clerk has looked at the quarantine list: three of four rows are mended."""
    header, *rows = EXPORTS["population"]
    good, (keyless, doubled, uncoded, nobody) = rows[:7], [list(row) for row in rows[7:]]
    keyless[0] = "rowmark-population-0008"
    doubled[0] = "rowmark-population-0009"
    uncoded[6] = "1"
    mended = [keyless, doubled, uncoded, nobody]
    return [header, *good, *mended] if all_of_it else [header, *mended]


def encode(commands: Commands, road: Road, here: Path, rows: Rows, out: str, *words: str | Path) -> Done:
    (here / "mended.csv").write_bytes(csv_bytes(rows, CHARSETS["population"]))
    start = ["department", "encode", road.agreement, "population", "mended.csv", "--key", road.key("police")]
    return commands.run(*start, "--out", out, *words, cwd=here)


@pytest.mark.parametrize("all_of_it", [True, False], ids=["whole export", "corrected rows alone"])
def test_a_supplement_completes_its_package(commands: Commands, road: Road, tmp_path: Path, *, all_of_it: bool) -> None:
    base = road.package("population")
    words = ["--supplement-to", base, "--json"]
    done = encode(commands, road, tmp_path, corrected(all_of_it=all_of_it), "more.smp", *words)
    assert done.status == 0, done.error
    report = done.json()
    dataset, digest = read_package(base)
    assert report["supplement_to"] == digest
    assert report["already_sent"] == (7 if all_of_it else 0)
    assert (report["read"], report["encoded"], report["quarantined"]) == (4, 3, 1)
    assert len(read_package(tmp_path / "more.smp")[0]) == 3
    assert dataset.manifest.counts.encoded == 7

    # The whole corrected export, encoded in one piece, is what base and supplement have to add up to.
    assert encode(commands, road, tmp_path, corrected(all_of_it=True), "whole.smp").status == 0
    others = [package for package in road.packages if package != base]
    outputs = {}
    for name, packages in (("two", [tmp_path / "more.smp", *others, base]), ("one", [tmp_path / "whole.smp", *others])):
        done = commands.run("bureau", "link", road.agreement, *packages, "--out", name, "--json", cwd=tmp_path)
        assert done.status == 0, done.error
        outputs[name] = done.json()
    two, one = outputs["two"], outputs["one"]
    for key in ("links", "duplicates", "missing", "findings"):
        assert two[key] == one[key]
    (population,) = (item for item in two["datasets"] if item["dataset"] == "population")
    assert (population["rows"], population["quarantined"]) == (10, 1)
    assert population["package_digest"] == digest
    assert population["supplement_digests"] == [report["package_digest"]]
    tables = [pq.read_table(tmp_path / name / "links.parquet") for name in ("two", "one")]
    assert tables[0].equals(tables[1])

    again = encode(
        commands, road, tmp_path, corrected(all_of_it=True), "none.smp", *words[:2], "--supplement-to", "more.smp"
    )
    assert again.status == 2
    assert "RELEASE_EMPTY" in again.error
    assert not (tmp_path / "none.smp").exists()


def test_what_people_see(commands: Commands, road: Road, tmp_path: Path) -> None:
    words = ["--supplement-to", road.package("population")]
    done = encode(commands, road, tmp_path, corrected(all_of_it=True), "more.smp", *words)
    assert done.status == 0
    _, digest = read_package(road.package("population"))
    assert f"supplement to the package with digest {digest[:16]}…; 7 rows sent before passed over" in done.lines
    with (tmp_path / "more.smp.quarantine.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["row_number"], row["code"]) for row in rows] == [("12", "NO_IDENTITY")]
    assert rows[0]["remedy"]


def test_a_base_package_has_no_trace_of_supplements(road: Road) -> None:
    dataset, _ = read_package(road.package("population"))
    assert "supplement_to" not in json.loads(dataset.manifest.model_dump_json())


def test_refusals(commands: Commands, road: Road, tmp_path: Path) -> None:
    rows = corrected(all_of_it=True)
    base = road.package("population")
    assert encode(commands, road, tmp_path, rows, "more.smp", "--supplement-to", base).status == 0

    def code_of(done: Done) -> str:
        assert done.status == 2
        assert done.error.startswith("error: ")
        return done.error.split(": ")[1]

    other = road.package("students")
    assert code_of(encode(commands, road, tmp_path, rows, "x.smp", "--supplement-to", other)) == "SUPPLEMENT_BASE"
    alone = encode(commands, road, tmp_path, rows, "x.smp", "--supplement-to", "more.smp")
    assert code_of(alone) == "SUPPLEMENT_BASE"
    overwrite = encode(commands, road, tmp_path, rows, "more.smp", "--supplement-to", "more.smp")
    assert code_of(overwrite) == "OUTPUT_IS_INPUT"
    many = [rows[0], *([f"new-{number}", *rows[1][1:]] for number in range(5))]
    assert code_of(encode(commands, road, tmp_path, many, "x.smp", "--supplement-to", base)) == "SUPPLEMENT_ROWS"

    def link(*packages: str | Path) -> Done:
        return commands.run("bureau", "link", road.agreement, *packages, "--out", "run", cwd=tmp_path)

    others = [package for package in road.packages if package != base]
    missing = link("more.smp", *others)
    assert code_of(missing) == "SUPPLEMENT_BASE"
    assert "more.smp" in missing.error
    assert code_of(link(base, "more.smp", "more.smp", *others)) == "SUPPLEMENT_ROWS"
    assert not (tmp_path / "run").exists()


def test_the_export_is_named_once(commands: Commands, road: Road, tmp_path: Path) -> None:
    start = ["department", "encode", road.agreement, "students"]
    end = ["--key", road.key("education"), "--out", "s.smp"]
    export = road.export("students")
    done = commands.run(*start, "--input", export, *end, cwd=tmp_path)
    assert done.status == 0, done.error
    assert (tmp_path / "s.smp").read_bytes() == road.package("students").read_bytes()
    for words in ([*start, *end], [*start, export, "--input", export, *end]):
        done = commands.run(*words, cwd=tmp_path)
        assert done.status == 2
        assert done.error.startswith("error: USAGE: ")
        assert "name the export once, as EXPORT or with --input" in done.error
