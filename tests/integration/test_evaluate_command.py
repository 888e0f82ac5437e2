"""``secure-match evaluate`` on a small demo: the truth fits the city, and every form says the same."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from integration.road import Commands, secure_match
from secure_match.synthetic import CityConfig, generate_city

PEOPLE = 600


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    done = secure_match("demo", "--people", str(PEOPLE), "--out", "city", "--json", cwd=folder)
    assert done.status == 0, done.error
    assert done.json()["raw_identifier_hits"] == 0
    return folder


PAIRS, TRUTH = "city/bureau/links.parquet", "city/truth.csv"


def test_the_truth_is_the_generators(city: Path) -> None:
    made = generate_city(CityConfig(people=PEOPLE, seed=7))
    with (city / TRUTH).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for dataset, table in made.truth.person_of.items():
        mine = [row for row in rows if row["dataset"] == dataset]
        unusable = made.truth.unusable[dataset]
        usable = [row for row in table.to_pylist() if row["row_key"] not in unusable]
        assert [int(row["person"]) for row in mine] == [row["person"] for row in usable]
        kinds: dict[str, set[str]] = {row["row_key"]: set() for row in usable}
        for row in made.truth.errors[dataset].to_pylist():
            kinds.setdefault(row["row_key"], set()).add(row["kind"])
        twins = {person for pair in made.truth.twins.to_pylist() for person in pair.values()}
        for row in usable:
            kinds[row["row_key"]] |= {"twin"} if row["person"] in twins else set()
        assert [row["errors"] for row in mine] == [";".join(sorted(kinds[row["row_key"]])) for row in usable]
        handles = pq.read_table(city / PAIRS, columns=["dataset_a", "handle_a"])
        known = {row["handle"] for row in mine}
        assert {row["handle_a"].hex() for row in handles.to_pylist() if row["dataset_a"] == dataset} <= known
    # No department and no bureau has it.
    assert [path.name for path in (city / "city").rglob("*truth*")] == ["truth.csv"]
    assert (city / TRUTH).parent == city / "city"


def test_a_run_by_brute_force(city: Path, commands: Commands) -> None:
    done = commands.run("evaluate", PAIRS, TRUTH, "--json", cwd=city)
    assert (done.status, done.error) == (0, "")
    content = done.json()
    with (city / TRUTH).open(encoding="utf-8", newline="") as stream:
        person = {(row["dataset"], row["handle"]): row["person"] for row in csv.DictReader(stream)}
    sizes = Counter(person.values())
    assert content["true_pairs"] == sum(size * (size - 1) // 2 for size in sizes.values())
    assert (content["rows"], content["persons"]) == (len(person), len(sizes))
    pairs = pq.read_table(city / PAIRS).to_pylist()
    assert content["pairs"] - content["implied"] == len(pairs)
    cluster = {row: row for row in person}
    for pair in pairs:
        if pair["decision"] == "LINK" and not pair["refused"]:
            one, two = ((pair[f"dataset_{side}"], pair[f"handle_{side}"].hex()) for side in "ab")
            old, new = cluster[two], cluster[one]
            cluster = {row: new if name == old else name for row, name in cluster.items()}
    found = Counter((cluster[row], person[row]) for row in person)
    hits = sum(count * (count - 1) // 2 for count in found.values())
    assert content["clustered"]["true_positive"] == hits
    assert content["clustered"]["recall"] > 0.99
    assert content["links"]["precision"] > 0.99
    # In two phases rows that an asked row shares no pass with are joined through the population alone.
    assert content["candidates"]["pairs_completeness"] > 0.98
    assert content["calibration"]["expected_calibration_error"] < 0.01
    assert sum(item["pairs"] for item in content["calibration"]["bins"]) == len(pairs)
    by_hand = [(cluster[row], row) for row in person]
    names = {name: place for place, name in enumerate(sorted(set(cluster.values())))}
    table = {
        "dataset": pa.array([row[0] for _, row in by_hand]),
        "handle": pa.array([bytes.fromhex(row[1]) for _, row in by_hand], pa.binary(16)),
        "cluster": pa.array([names[name] for name, _ in by_hand]),
    }
    pq.write_table(pa.table(table), city / "clusters.parquet")
    again = commands.run("evaluate", PAIRS, TRUTH, "--clusters", "clusters.parquet", "--json", cwd=city)
    assert again.json() == content


def test_every_form_says_the_same_and_needs_no_network(city: Path, commands: Commands) -> None:
    asked = commands.run("evaluate", PAIRS, TRUTH, "--json", cwd=city).json()
    for language, word in (("en", "Wrong links"), ("zh", "错误比中")):
        done = commands.run("evaluate", PAIRS, TRUTH, "--out", "eval", "--lang", language, cwd=city)
        assert (done.status, done.error) == (0, "")
        assert json.loads((city / "eval" / "evaluation.json").read_text(encoding="utf-8")) == asked
        page = (city / "eval" / "evaluation.html").read_text(encoding="utf-8")
        assert word in page
        assert word in done.out.decode()
        recall = f"{asked['links']['recall']:.5f}"
        assert recall in page
        assert recall in done.out.decode()
        assert set(re.findall(r"https?:[^\"'\s<]*", page)) == {"http://www.w3.org/2000/svg"}
        assert not re.search(r"<script|<link|<img|@import|url\(|src=|href=", page)
    assert sorted(path.name for path in (city / "eval").iterdir()) == [
        "calibration.svg",
        "evaluation.html",
        "evaluation.json",
        "histogram.svg",
        "sweep.svg",
    ]
    for name in ("calibration.svg", "histogram.svg", "sweep.svg"):
        assert (city / "eval" / name).read_text(encoding="utf-8") in page


def test_nothing_of_a_row_is_told(city: Path, commands: Commands) -> None:
    done = commands.run("evaluate", PAIRS, TRUTH, "--out", "quiet", cwd=city)
    written = b"".join(path.read_bytes() for path in (city / "quiet").iterdir()) + done.out
    with (city / TRUTH).open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            assert row["handle"].encode() not in written
            assert bytes.fromhex(row["handle"]) not in written


def test_reviewed_pairs_and_another_threshold(city: Path, commands: Commands) -> None:
    pairs = pq.read_table(city / PAIRS).slice(0, 40).to_pylist()
    lines = [
        f"{pair['dataset_b']},{pair['handle_b'].hex()},{pair['dataset_a']},{pair['handle_a'].hex()},{place % 2}"
        for place, pair in enumerate(pairs)
    ]
    (city / "listed.csv").write_text("\n".join(["dataset_a,handle_a,dataset_b,handle_b,is_match", *lines]))
    done = commands.run("evaluate", PAIRS, "listed.csv", "--threshold", "similarity.given_start", "--json", cwd=city)
    content = done.json()
    assert (content["truth"], content["true_pairs"], content["clusters"]) == ("pairs", 20, None)
    assert content["sweep"]["column"] == "similarity.given_start"
    linked = [place % 2 for place, pair in enumerate(pairs) if pair["decision"] == "LINK"]
    assert content["links"]["true_positive"] == sum(linked)
    assert content["links"]["false_positive"] == len(linked) - sum(linked)
