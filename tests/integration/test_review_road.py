"""The road of a doubtful pair through the real commands: list, show, ask a department, decide, link again."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bureau.hand_run import pair, write_run
from canary.searcher import Searcher
from canary.test_canary import _DEFECT as DEFECT
from canary.test_canary import check_defect, watch_quickly
from integration.people import EXPORTS, marks
from integration.road import Commands, Done, Road, python

MARKS = Searcher(marks())


@pytest.fixture
def city(road: Road, tmp_path: Path) -> Path:
    """A copy of the city's run in which the pairs of two datasets are only possible links."""
    run = tmp_path / "run"
    shutil.copytree(road.run, run)
    table = pq.read_table(run / "links.parquet")
    names = [table[f"dataset_{side}"].to_pylist() for side in ("a", "b")]
    decisions = [
        "POSSIBLE_LINK" if {one, two} == {"population", "employee_medical"} else decision
        for one, two, decision in zip(*names, table["decision"].to_pylist(), strict=True)
    ]
    place = table.schema.get_field_index("decision")
    table = table.set_column(place, "decision", pa.array(decisions).dictionary_encode())
    pq.write_table(table, run / "links.parquet")
    return tmp_path


def test_a_doubtful_pair_from_the_queue_to_the_next_run(city: Path, road: Road, commands: Commands) -> None:
    outputs: list[Done] = []

    def run(*words: str | Path, status: int = 0) -> Done:
        done = commands.run(*words, cwd=city)
        assert done.status == status, done.error
        outputs.append(done)
        return done

    def review(*words: str | Path, status: int = 0) -> Done:
        return run("bureau", "review", *words, status=status)

    listed = review("list", "run", "--json").json()
    assert listed["queue"] == listed["fitting"] == len(listed["pairs"]) == 3
    assert {pair["cause"] for pair in listed["pairs"]} == {"POSSIBLE_LINK"}
    first, second, third = (pair["pair"] for pair in listed["pairs"])
    assert first in review("list", "run", "--limit", "1").out.decode()
    assert review("list", "run", "--dataset", "students", "--json").json()["pairs"] == []

    # The department looks at its rows.
    asked = ["--agreement", road.agreement, "--party", "medical", "--out", "medical.smq"]
    request = review("request", "run", *asked, "--json").json()
    assert request["rows"] == 3
    look = ["department", "look", "medical.smq"]
    keyed = ["--export", road.export("employee_medical"), "--key", road.key("medical"), "--agreement", road.agreement]
    sheet = run(*look, *keyed, "--out", "look.csv", "--lang", "en", "--json").json()
    assert (sheet["dataset"], sheet["rows"], sheet["not_found"]) == ("employee_medical", 3, 0)
    rows = list(csv.reader(io.StringIO((city / "look.csv").read_text(encoding="utf-8-sig"))))
    assert rows[0][:4] == ["look item", "columns to check", "look answer", "export row"]
    assert [row[4:] for row in rows[1:]] == EXPORTS["employee_medical"][1:]
    for row, verdict in zip(rows[1:], ("right", "", "混有他人信息"), strict=True):
        row[2] = verdict
    with (city / "look.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows(rows)
    assert run(*look, "--answers", "look.csv", "--out", "answer.sma", "--json").json() == {
        "answer": "answer.sma",
        "answered": 2,
        "left": 1,
    }
    # What leaves holds no raw value, and nothing of the other side.
    for name in ("medical.smq", "answer.sma"):
        assert MARKS.in_file(city / name) == []
        assert not any(word in (city / name).read_bytes() for word in (b"population", b"police"))
    handles = pq.read_table(city / "run" / "links.parquet", columns=["dataset_a", "handle_a", "dataset_b", "handle_b"])
    for row in handles.to_pylist():
        for side in ("a", "b"):
            if row[f"dataset_{side}"] not in ("employee_medical", "resident_medical"):
                assert row[f"handle_{side}"] not in (city / "medical.smq").read_bytes()
        assert row["handle_a"] not in (city / "answer.sma").read_bytes()
        assert row["handle_b"] not in (city / "answer.sma").read_bytes()
    took = ["answers", "run", "answer.sma", "--operator", "Lin", "--json"]
    assert review(*took).json() == {"answers": 2, "already_there": 0}
    assert review(*took).json() == {"answers": 2, "already_there": 2}
    shown = [review("show", "run", pair, "--json").json() for pair in (first, second, third)]
    assert sorted(answer["verdict"] for item in shown for answer in item["answers"]) == ["right", "wrong_person"]
    assert all(item["decisions"] == [] for item in shown)

    # Decisions, one by one and by a sheet.
    reason = ["--reason", "both agree", "--at", "2026-11-23T09:30:00+08:00"]
    review("decide", "run", first, "--verdict", "match", "--operator", "Lin", *reason)
    refused = review("decide", "run", first, "--verdict", "non-match", "--operator", "Wu", *reason, status=2)
    assert refused.error.startswith("error: REVIEW_CONTRADICTS: ")
    refused = review(
        "decide", "run", second, "--verdict", "match", "--operator", "Wu", "--reason", "19900470011", status=2
    )
    assert refused.error.startswith("error: REVIEW_TEXT: column reason: ")
    assert "both agree" in review("show", "run", first).out.decode()
    left = review("list", "run", "--undecided", "--json").json()["pairs"]
    assert {pair["pair"] for pair in left} == {second, third}
    review("export", "run", "--out", "queue.csv")
    text = (city / "queue.csv").read_text(encoding="utf-8-sig").splitlines()
    filled = [line + "non-match,两个人" if line.startswith(second) else line for line in text]
    filled = [line.replace(",,non-match", ",non-match") if "non-match" in line else line for line in filled]
    (city / "queue.csv").write_text("\n".join(filled) + "\n", encoding="utf-8")
    taken = ["import", "run", "queue.csv", "--operator", "Wu", "--json"]
    assert review(*taken).json() == {"decisions": str(city / "decisions.csv"), "added": 1, "already_there": 0}
    assert review(*taken).json()["already_there"] == 1
    bad = [line.replace("non-match", "perhaps") for line in filled]
    (city / "bad.csv").write_text("\n".join(bad) + "\n", encoding="utf-8")
    lines = review("import", "run", "bad.csv", "--operator", "Wu", status=2).error.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["REVIEW_VERDICT", "error"]
    assert lines[0].startswith("REVIEW_VERDICT: row ")

    # The next run takes the decisions in.
    link = ["bureau", "link", road.agreement, *road.packages, "--out", "next", "--decisions", "decisions.csv", "--json"]
    assert run(*link).json()["review"] == {"labels": 2, "match": 1, "non_match": 1, "gone": 0}
    assert "NON_LINK" in json.dumps(review("show", "next", second, "--json").json()["decision"])
    assert [hit for done in outputs for hit in MARKS.in_bytes(done.out + done.err)] == []


def test_a_department_that_is_not_asked_gets_no_rows(city: Path, road: Road, commands: Commands) -> None:
    asked = ["bureau", "review", "request", "run", "--agreement", road.agreement]
    assert commands.run(*asked, "--party", "education", "--out", "x.smq", cwd=city).error.startswith(
        "error: LOOK_NOTHING"
    )
    assert commands.run(*asked, "--party", "police", "--out", "police.smq", cwd=city).status == 0
    look = ["department", "look", "police.smq", "--out", "look.csv"]

    def code(*words: str | Path) -> str:
        done = commands.run(*look, *words, cwd=city)
        assert done.status == 2
        assert MARKS.in_bytes(done.err) == []
        return done.error.split(": ")[1]

    export = ["--export", road.export("population")]
    assert code(*export, "--key", road.key("medical")) == "KEY_PARTY"
    assert code(*export, "--key", road.key("police"), "--dataset", "students") == "DATASET_UNKNOWN"
    assert code("--export", road.export("students"), "--key", road.key("police")) == "RESOLVE_NO_ROW_KEY"
    assert code() == code(*export) == code(*export, "--answers", "x.csv", "--key", road.key("police")) == "USAGE"
    text = road.agreement.read_text(encoding="utf-8")
    other = city / "other.toml"
    other.write_text(text.replace("retention_months = ", "retention_months = 1"), encoding="utf-8")
    assert code(*export, "--key", road.key("police"), "--agreement", other) == "DEFINITION_MISMATCH"
    (city / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert code("--answers", "x.csv") == "LOOK_SHEET"
    for body, place in (("i00,right", "row 2, column look item"), (",right", "row 2, column look item")):
        (city / "x.csv").write_text(f"look item,look answer\n{body}\n", encoding="utf-8")
        done = commands.run(*look, "--answers", "x.csv", cwd=city)
        assert done.error.startswith("error: LOOK_SHEET: ")
        assert place in done.error
    assert not (city / "look.csv").exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [("secure_match.department.handles", "HandleMaker.make"), ("secure_match.department.look_station", "look_sheet")],
)
def test_defect_while_looking_tells_nothing(module: str, name: str, city: Path, road: Road, commands: Commands) -> None:
    asked = ["--agreement", road.agreement, "--party", "medical", "--out", "medical.smq"]
    assert commands.run("bureau", "review", "request", "run", *asked, cwd=city).status == 0
    here, watched = city / "here", city / "watched"
    here.mkdir()
    watched.mkdir()
    words = ["department", "look", city / "medical.smq", "--export", road.export("employee_medical")]
    words += ["--key", road.key("medical"), "--out", "look.csv"]
    done = python(DEFECT, module, name, *words, cwd=here, env=watch_quickly(watched))
    check_defect(done, here, watched, MARKS)


def test_infinite_weights_are_no_broken_json(tmp_path: Path, commands: Commands) -> None:
    certain = {"match_weight": math.inf, "match_probability": 1.0, "weight.prior": -math.inf}
    write_run(tmp_path / "run", [pair("p/1", "m/1", **certain)])
    (listed,) = commands.run("bureau", "review", "list", "run", "--json", cwd=tmp_path).json()["pairs"]
    assert listed["weight"] is None
    show = ["bureau", "review", "show", "run", listed["pair"]]
    done = commands.run(*show, "--json", cwd=tmp_path)
    assert "Infinity" not in done.out.decode()
    assert done.json()["weights"]["prior"] is None
    text = commands.run(*show, cwd=tmp_path).out.decode()
    assert "match weight     +inf" in text
    assert "match probability 1.0000" in text
