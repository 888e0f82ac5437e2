"""The reviewer's commands as they are typed: results, refusals, both languages, and no value of a person anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from canary.searcher import Searcher
from integration.people import marks
from integration.road import Commands, Done, Road, snapshot
from review.made_packages import (
    agreement_of,
    identity,
    made_dataset,
    seal_dataset,
    sealed_agreement_text,
)
from secure_match.exchange.key_files import write_identity
from secure_match.exchange.locks import KeyFileLock

MARKS = Searcher(marks())
UNLOCK_KEY = b"worthless unlock key of bureau.."


def done_well(done: Done) -> Done:
    assert (done.status, done.err) == (0, b""), done.error
    assert MARKS.in_bytes(done.out) == []
    return done


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A folder with a sealed agreement, two sealed packages, and the bureau's identity."""
    agreement = agreement_of(sealed=True)
    (tmp_path / "agreement.toml").write_text(sealed_agreement_text(), encoding="utf-8")
    for name, rows in (("students", 40), ("later", 41)):
        seal_dataset(made_dataset(agreement, "students", rows=rows), tmp_path / f"{name}.smp", agreement)
    key = tmp_path / "unlock.key"
    key.write_bytes(UNLOCK_KEY)
    key.chmod(0o600)
    write_identity(identity("bureau"), tmp_path / "bureau.identity", KeyFileLock(UNLOCK_KEY))
    return tmp_path


def test_every_kind_of_package_is_verified_and_inspected(road: Road, commands: Commands) -> None:
    files = [*road.packages, *sorted(road.run.glob("*.smf"))]
    before = snapshot(road.root)
    done = done_well(
        commands.run("review", "verify", *files, "--agreement", road.agreement, "--json", cwd=road.root)
    ).json()
    assert done["verified"] is True
    assert [item["file"] for item in done["packages"]] == [path.name for path in files]
    assert {item["kind"] for item in done["packages"]} == {"encodings", "findings"}
    for path in files:
        found = done_well(commands.run("review", "inspect", path, "--json", cwd=road.root)).json()
        shown = done_well(commands.run("review", "inspect", path, "--lang", "zh", cwd=road.root))
        assert found["rows"] == next(item["rows"] for item in done["packages"] if item["file"] == path.name)
        assert path.name in shown.lines[0]
    assert snapshot(road.root) == before


def test_what_is_not_shown_is_said(road: Road, commands: Commands) -> None:
    words = ["review", "verify", road.package("students"), "--agreement", road.agreement]
    english = done_well(commands.run(*words, "--lang", "en", cwd=road.root)).out.decode()
    assert "not shown: who made it" in english
    assert "未证明：由谁制作" in done_well(commands.run(*words, "--lang", "zh", cwd=road.root)).out.decode()


def test_one_bad_package_among_good_ones_is_named(road: Road, tmp_path: Path, commands: Commands) -> None:
    bad = tmp_path / "bad.smp"
    bad.write_bytes(road.package("students").read_bytes()[:-5])
    words = ["review", "verify", road.package("students"), bad, "--agreement", road.agreement]
    done = commands.run(*words, "--lang", "en", cwd=tmp_path)
    assert done.status == 2
    assert "students.smp: verified" in done.lines
    assert "bad.smp: REFUSED" in done.lines
    assert done.error.startswith("error: PACKAGE_TRUNCATED: ")
    content = commands.run(*words, "--json", cwd=tmp_path).json()
    assert [item["code"] for item in content["packages"]] == [None, "PACKAGE_TRUNCATED"]


def test_sealed_packages_by_everybody_and_by_the_recipient(sealed: Path, commands: Commands) -> None:
    verify = ["review", "verify", "students.smp", "--agreement", "agreement.toml", "--lang", "en"]
    shown = done_well(commands.run(*verify, "--recipient", "bureau", cwd=sealed)).out.decode()
    assert "checked: it was signed with the key that the agreement names for the sender" in shown
    assert "not shown: the content: it is sealed to its recipient" in shown
    assert "sealed for bureau and not opened" in "\n".join(
        done_well(commands.run("review", "inspect", "students.smp", "--lang", "en", cwd=sealed)).lines
    )
    before = snapshot(sealed)
    opening = ["--agreement", "agreement.toml", "--identity", "bureau.identity", "--unlock-key", "unlock.key"]
    found = done_well(commands.run("review", "inspect", "students.smp", *opening, "--json", cwd=sealed)).json()
    assert (found["opened"], found["rows"], found["columns"][0]["name"]) == (True, 40, "handle")
    rows = done_well(commands.run("review", "diff", "students.smp", "later.smp", *opening, "--json", cwd=sealed)).json()
    assert (rows["rows"]["before"], rows["rows"]["after"]) == (40, 41)
    assert snapshot(sealed) == before


def test_documents_are_written_once(road: Road, tmp_path: Path, commands: Commands) -> None:
    for words, name in ((["disclose", road.agreement, "--lang", "zh"], "flow.md"), (["sbom"], "sbom.json")):
        done_well(commands.run("review", *words, "--out", name, cwd=tmp_path))
        again = commands.run("review", *words, "--out", name, cwd=tmp_path)
        assert (again.status, again.error.split(": ")[1]) == (2, "FILE_EXISTS")
    assert json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))["bomFormat"] == "CycloneDX"
    printed = done_well(commands.run("review", "disclose", road.agreement, "--lang", "zh", cwd=tmp_path))
    assert printed.out.decode() == (tmp_path / "flow.md").read_text(encoding="utf-8")


def test_every_wrong_file_gives_a_code(road: Road, sealed: Path, commands: Commands) -> None:
    wrong = {
        "absent.smp": None,
        "empty.smp": b"",
        "text.smp": "姓名,电话\n".encode(),
        "zip.smp": b"PK\x03\x04" + bytes(200),
        "cut.smp": (sealed / "students.smp").read_bytes()[:-9],
        "plain-cut.smp": road.package("students").read_bytes()[:-9],
        "tail.smp": b"PK\x03\x04" + bytes(300) + (sealed / "students.smp").read_bytes()[-60:],
    }
    for name, data in wrong.items():
        if data is not None:
            (sealed / name).write_bytes(data)
    calls = [
        ["verify", *wrong, "--agreement", "agreement.toml"],
        *(["inspect", name] for name in wrong),
        ["diff", "text.smp", "students.smp"],
        ["inspect", "tail.smp", "--agreement", "agreement.toml", "--identity", "bureau.identity"],
        ["disclose", "zip.smp"],
    ]
    for words in calls:
        done = commands.run("review", *words, cwd=sealed)
        lines = done.error.splitlines()
        assert done.status == 2, (words, done.out, done.err)
        assert all(line.startswith("error: ") and line.split(": ")[1].isupper() for line in lines), (words, lines)
        assert len(lines) == (len(wrong) if words[0] == "verify" else 1)
        assert "INTERNAL" not in done.error


def test_options_that_do_not_go_together_are_refused(sealed: Path, commands: Commands) -> None:
    done = commands.run("review", "inspect", "students.smp", "--identity", "bureau.identity", cwd=sealed)
    assert (done.status, done.error.split(": ")[1]) == (2, "AGREEMENT_NEEDED")
    words = ["review", "verify", "students.smp", "--agreement", "agreement.toml", "--recipient", "nobody"]
    done = commands.run(*words, cwd=sealed)
    assert (done.status, done.error.split(": ")[1]) == (2, "PARTY_UNKNOWN")
