"""``department rehearse``, ``review attack`` and the gate that they feed, on an export of the synthetic city."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv
import pytest

from integration.road import make_key, secure_match, snapshot
from secure_match.agreement.files import read_agreement, write_city_agreement, write_trusted_agreement
from secure_match.synthetic import CityConfig, generate_city

PEOPLE = 1_200
LIMITED = "max_attack_rate = {rate}\nattack_pairs = 200\nmax_fuzzy_share"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both templates, and exports of two files."""
    folder = tmp_path_factory.mktemp("rehearse")
    exports = generate_city(CityConfig(people=PEOPLE, seed=5)).exports
    for dataset in ("population", "employee_pension"):
        pa_csv.write_csv(exports[dataset], folder / f"{dataset}.csv")
    for write, name in ((write_city_agreement, "city"), (write_trusted_agreement, "trusted")):
        (folder / name).mkdir()
        write(folder / name)
    return folder


@pytest.fixture(scope="module")
def rehearsed(office: Path) -> dict[str, Any]:
    """A rehearsal of the population as if all rows were asked for, and what was kept of it."""
    (office / "kept").mkdir()
    words = ["rehearse", "population.csv", "city/agreement.toml", "--share", "1", "--out", "report", "--seed", "3"]
    done = secure_match("department", *words, "--keep", "kept", "--lang", "en", "--json", cwd=office)
    assert done.status == 0, done.error
    return done.json()


def of_attacks(content: dict[str, Any]) -> list[tuple[object, ...]]:
    return [(item["attack"], item["settings"], item["hits"], item["trials"]) for item in content["attacks"]]


def test_a_rehearsal_writes_a_report_of_counts_alone(office: Path, rehearsed: dict[str, Any]) -> None:
    page = (office / "report" / "privacy.html").read_text(encoding="utf-8")
    on_disk = json.loads((office / "report" / "privacy.json").read_text(encoding="utf-8"))
    assert on_disk == {name: value for name, value in rehearsed.items() if name != "files"}
    assert (rehearsed["format"], rehearsed["verdict"], rehearsed["limit"]) == (
        "secure_match/privacy-report",
        "no_limit",
        None,
    )
    names = {item["attack"] for item in rehearsed["attacks"]}
    assert {"known_plaintext", "tag_propagation", "tag_structure", "membership", "fingerprints"} <= names
    # Rates come with the numbers that they are of, and with what guessing reaches.
    assert all(item["low"] <= item["rate"] <= item["high"] for item in rehearsed["attacks"])
    # Nothing is fetched and nothing runs.
    assert "<script" not in page
    assert "src=" not in page
    assert page.count("http") == page.count("http://www.w3.org/2000/svg") + page.count("http-equiv")
    for text in ("does not show", "Signature", "<svg", "known plaintext", "acting on findings"):
        assert text in page
    with (office / "population.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    both = page + json.dumps(on_disk, ensure_ascii=False)
    for row in rows:
        for header in ("公民身份号码", "联系电话", "人员编号"):
            assert len(row[header]) < 6 or row[header] not in both
        assert row["姓名"] not in both or len(row["姓名"]) < 3


def test_narrow_blocks_name_few_and_wide_blocks_many(office: Path, rehearsed: dict[str, Any]) -> None:
    """One agreement's passes are narrow, the other's are not: the report tells them apart."""
    words = ["rehearse", "population.csv", "trusted/agreement.toml", "--dataset", "population", "--out", "wide"]
    done = secure_match("department", *words, "--json", cwd=office)
    assert done.status == 0, done.error
    wide = done.json()
    assert rehearsed["judged_rate"] <= 0.01
    assert wide["judged_rate"] > 3 * rehearsed["judged_rate"]
    assert wide["two_phase"] is False


def test_a_reviewer_finds_what_the_department_found(office: Path, rehearsed: dict[str, Any]) -> None:
    words = ["attack", "kept/rehearsal.smp", "--roster", "kept/roster.csv", "--agreement", "city/agreement.toml"]
    done = secure_match("review", *words, "--out", "again", "--seed", "3", "--json", cwd=office)
    assert done.status == 0, done.error
    assert of_attacks(done.json()) == of_attacks(rehearsed)
    assert (done.json()["origin"], done.json()["share_asked"]) == ("package", None)
    assert (office / "kept" / "roster.csv").stat().st_mode & 0o077 == 0


def test_terminal_and_chinese(office: Path) -> None:
    words = ["rehearse", "employee_pension.csv", "city/agreement.toml", "--dataset", "employee_pension"]
    done = secure_match("department", *words, "--share", "1", "--out", "zh", "--lang", "zh", cwd=office)
    assert done.status == 0, done.error
    text = done.out.decode()
    for part in ("隐私评估报告", "结论", "本报告未能说明的", "离开时的形式", "zh/privacy.html"):
        assert part in text


@pytest.mark.parametrize(("rate", "status"), [(0.0001, 2), (0.9, 0)])
def test_the_gate_refuses_what_attacks_name_too_much_of(rate: float, status: int, office: Path, tmp_path: Path) -> None:
    text = (office / "trusted" / "agreement.toml").read_text(encoding="utf-8")
    path = tmp_path / "agreement.toml"
    path.write_text(text.replace("max_fuzzy_share", LIMITED.format(rate=rate), 1), encoding="utf-8")
    agreement = read_agreement(path)
    make_key(tmp_path / "police.key", "police", agreement_id=agreement.id, key_epoch=agreement.key_epoch)
    before = snapshot(tmp_path)
    words = ["encode", path, "population", office / "population.csv", "--key", "police.key", "--out", "police.smp"]
    done = secure_match("department", *words, "--json", cwd=tmp_path)
    assert done.status == status, done.error
    if status:
        assert "RELEASE_ATTACK_RATE" in done.error
        left = set(snapshot(tmp_path)) - set(before)
        assert all(name.endswith(".quarantine.csv") for name in left)
    else:
        assert 0 < done.json()["attack_rate"] < rate
    # The same verdict in a rehearsal, as a status for scripts.
    words = ["rehearse", office / "population.csv", path, "--dataset", "population", "--out", tmp_path / "r", "--json"]
    again = secure_match("department", *words, cwd=tmp_path)
    assert again.status == (3 if status else 0)
    assert again.json()["verdict"] == ("above" if status else "within")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["department", "rehearse", "employee_pension.csv", "city/agreement.toml"], "DATASET_CHOICE"),
        (["department", "rehearse", "population.csv", "city/agreement.toml", "--dataset", "nobody"], "DATASET_UNKNOWN"),
        (["department", "rehearse", "population.csv", "city/agreement.toml", "--share", "0"], "OPTION_UNKNOWN"),
        (
            ["department", "rehearse", "population.csv", "city/agreement.toml", "--keep", "no-folder"],
            "FILE_NOT_WRITABLE",
        ),
        (["department", "rehearse", "nothing.csv", "city/agreement.toml"], "FILE_NOT_FOUND"),
        (["review", "attack", "kept/rehearsal.smp", "--roster", "population.csv"], "COLUMN_MISSING"),
        (["review", "attack", "kept/rehearsal.smp", "--roster", "other.csv"], "ROSTER_EMPTY"),
        (["review", "attack", "kept/rehearsal.smp", "kept/rehearsal.smp", "--roster", "other.csv"], "PHASE_BASE"),
    ],
)
@pytest.mark.usefixtures("rehearsed")
def test_what_cannot_be_rehearsed_is_said(words: list[str], code: str, office: Path) -> None:
    with (office / "population.csv").open(encoding="utf-8", newline="") as stream:
        header, first = list(csv.reader(stream))[:2]
    with (office / "other.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["handle", *header], ["00" * 16, *first]])
    more = ["--agreement", "city/agreement.toml"] if words[0] == "review" else []
    done = secure_match(*words, *more, "--out", "none", cwd=office)
    assert (done.status, code in done.error) == (2, True), done.error
    assert first[header.index("姓名")] not in done.error
    assert not (office / "none").exists()


def test_a_package_of_another_agreement_is_refused(office: Path, rehearsed: dict[str, Any]) -> None:
    assert rehearsed
    words = ["attack", "kept/rehearsal.smp", "--roster", "kept/roster.csv", "--agreement", "trusted/agreement.toml"]
    done = secure_match("review", *words, "--out", "none", cwd=office)
    assert (done.status, "DEFINITION_MISMATCH" in done.error) == (2, True), done.error
