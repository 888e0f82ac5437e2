"""Two registers of another country, hand-made, through the real commands under the template ``generic``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from integration.road import Commands, Done

HEADER = "rec_id,given_name,surname,street_number,address_1,address_2,suburb,postcode,state,date_of_birth,soc_sec_id"
POPULATION = """
p1,Michaela,Neumann,8,Stanley Street,Miami,Winston Hills,4223,NSW,19151111,5304218
p2,José,O'Brien,12,Pinkerton Circuit,,Richlands,4560,VIC,19801214,4066625
p3,Blake,Sanderson,25,Verner Street,Unit 3,Kewdale,0812,NT,19620201,
p4,Charlotte,Nguyen,1,Lyons Place,,Torquay,3228,VIC,19991231,9999999
p5,Ann,Lee,7,Hill Road,,Perth,6000,WA,19700707,7777123
p6,Zoe,Clarke-Jones,40,Bay Avenue,Flat 2,Hobart,7000,TAS,19850515,8001122
""".strip()
ENROLLED = """
e1,MICHAELA,NEUMAN,8,Stanley St,Miami,Winston Hills,4223,nsw,1915-11-11,530-4218
e2,O’Brien,Jose,12,Pinkerton Circuit,,Richlands,4560,vic,1980-12-14,
e3,Blake,Sandersen,25,Unit 3,Verner Street,Kewdale,0812,nt,1962-02-10,
e4,Charlotte,Nguyen,1,Lyons Place,,Torquay,3228,VIC,1999-12-31,123456789
e5,Bob,Walker,9,Other Road,,Darwin,0800,NT,1955-05-05,1212123
""".strip()


def ok(done: Done) -> Any:
    assert done.status == 0, done.error
    return done


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory, commands: Commands) -> tuple[Path, dict[str, Any]]:
    root = tmp_path_factory.mktemp("generic")
    ok(commands.run("agreement", "new", ".", "--template", "generic", cwd=root))
    ok(commands.run("agreement", "check", "agreement.toml", cwd=root))
    for name, rows in (("population", POPULATION), ("enrolled", ENROLLED)):
        (root / f"{name}.csv").write_text(f"{HEADER}\n{rows}\n", encoding="utf-8")
    ok(commands.run("keys", "new", "agreement.toml", "--party", "registry", "--out", "registry.key", cwd=root))
    ok(commands.run("keys", "share", "registry.key", "--out", "shared.secret", cwd=root))
    words = ["--party", "insurance", "--shared-from", "shared.secret", "--out", "insurance.key"]
    ok(commands.run("keys", "new", "agreement.toml", *words, cwd=root))
    encoded = {}
    for dataset, party in (("population", "registry"), ("enrolled", "insurance")):
        files = ["agreement.toml", dataset, f"{dataset}.csv"]
        words = ["--key", f"{party}.key", "--out", f"{dataset}.smp", "--json"]
        encoded[dataset] = ok(commands.run("department", "encode", *files, *words, cwd=root)).json()
    ok(commands.run("bureau", "link", "agreement.toml", "population.smp", "enrolled.smp", "--out", "run", cwd=root))
    return root, encoded


def test_rows_are_accounted_for_with_their_reasons(linked: tuple[Path, dict[str, Any]]) -> None:
    _, encoded = linked
    population, enrolled = encoded["population"], encoded["enrolled"]
    assert (population["encoded"], enrolled["encoded"]) == (6, 5)
    assert population["state_reasons"]["identifier"] == {"empty": 1, "placeholder": 1}
    assert enrolled["state_reasons"]["identifier"] == {"empty": 2, "placeholder": 1}


def test_the_same_people_are_linked_and_no_others(linked: tuple[Path, dict[str, Any]]) -> None:
    root, _ = linked
    links = pq.read_table(root / "run" / "links.parquet").to_pylist()
    states = sorted(row["token_state"] for row in links if row["decision"] == "LINK")
    assert states == ["EQUAL", "UNKNOWN", "UNKNOWN"]
    assert all(row["dataset_a"] != row["dataset_b"] for row in links)
    # Rows p3 and e3 have no number, another day of birth and a misspelt name: eleven rows do not show how much the
    # rest weighs. The pair is kept with its evidence, so that a larger run or a clerk may decide otherwise.
    (doubtful,) = (row for row in links if row["decision"] != "LINK")
    assert doubtful["similarity.birth"] is None
    assert doubtful["similarity.names"] > 0.8
    assert doubtful["similarity.place"] > 0.8


def test_names_in_each_others_column_are_equal_where_they_are_shared(linked: tuple[Path, dict[str, Any]]) -> None:
    root, _ = linked
    links = pq.read_table(root / "run" / "links.parquet").to_pylist()
    # Rows p2 and e2 agree in all that the pass encodes, and so do p4 and e4.
    assert sum(row["similarity.birth"] == 1.0 for row in links) == 2


def test_inspect_counts_the_same_reasons(linked: tuple[Path, dict[str, Any]], commands: Commands) -> None:
    root, _ = linked
    words = ["enrolled.csv", "--agreement", "agreement.toml", "--dataset", "enrolled", "--json"]
    report = ok(commands.run("department", "inspect", *words, cwd=root)).json()
    assert report["content"]["links"] | {"passes": None} == {
        "by_id_number": 2,
        "by_passes": 3,
        "refused": 0,
        "passes": None,
        "missed_by_passes": 0.2,
    }
    findings = {item["code"]: (item["column"], item["rows"]) for item in report["verdict"]["findings"]}
    assert findings == {"ID_UNUSABLE": ("soc_sec_id", 3)}
