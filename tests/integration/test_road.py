"""The whole road by commands, each in a fresh process, on the hand-written city."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import zipfile
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from integration.people import (
    ADA,
    BEI,
    DAN,
    EXPORTS,
    OWNERS,
    QUARANTINED,
    csv_bytes,
    row_key,
)
from integration.road import Commands, Done, Road, lay_out, secure_match, snapshot, write_exports

ENCODE_KEYS = {
    "dataset",
    "charset",
    "read",
    "encoded",
    "quarantined",
    "package",
    "package_digest",
    "agreement_fingerprint",
    "states",
    "reasons",
    "quarantine",
    "title",
    "export",
    "key_id",
    "reasons_by_column",
    "warnings",
}
LINK_KEYS = {"agreement", "tool", "kernel", "datasets", "links", "duplicates", "missing", "findings", "seconds"}
RESOLVE_KEYS = {"dataset", "rows", "findings", "not_found", "other_findings", "worklist"}


def ok(done: Done) -> Done:
    """A command that worked says so by its status and leaves standard error empty."""
    assert done.status == 0, done.error
    assert done.error == ""
    return done


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Road:
    """The road as commands walk it: every file here was made by the command line, exports excepted."""
    here = Road(root=tmp_path_factory.mktemp("by commands"))
    root = here.root
    ok(secure_match("agreement", "new", ".", "--template", "trusted", cwd=root))
    write_exports(root)
    ok(secure_match("keys", "new", "agreement.toml", "--party", "police", "--out", "police.key", cwd=root))
    ok(secure_match("keys", "share", "police.key", "--out", "shared.secret", cwd=root))
    for party in ("education", "hrss", "medical"):
        words = ["--party", party, "--shared-from", "shared.secret", "--out", f"{party}.key"]
        ok(secure_match("keys", "new", "agreement.toml", *words, cwd=root))
    (root / "sent").mkdir()
    return here


@pytest.fixture(scope="module")
def encoded(city: Road) -> dict[str, Done]:
    return {
        dataset: ok(
            secure_match(
                "department",
                "encode",
                "agreement.toml",
                dataset,
                f"{dataset}.csv",
                "--key",
                f"{party}.key",
                "--out",
                f"sent/{dataset}.smp",
                *(["--json"] if dataset != "population" else []),
                cwd=city.root,
            )
        )
        for dataset, party in OWNERS.items()
    }


@pytest.fixture(scope="module")
def linked(city: Road, encoded: dict[str, Done]) -> Done:
    packages = [f"sent/{dataset}.smp" for dataset in encoded]
    return ok(secure_match("bureau", "link", "agreement.toml", *packages, "--out", "run", "--json", cwd=city.root))


def resolve(commands: Commands, city: Road, dataset: str, out: Path, *more: str) -> Done:
    party = OWNERS[dataset]
    words = [f"run/findings-{party}.smf", f"{dataset}.csv", "--key", f"{party}.key", "--out", out, *more]
    return ok(commands.run("department", "resolve", *words, cwd=city.root))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def encode_medical(commands: Commands, here: Road) -> None:
    """The package that the bureau's example names beside the police's, under the key that the police began."""
    here.key("medical").unlink()
    new = ["--party", "medical", "--shared-from", "shared.secret", "--out", "medical.key"]
    ok(commands.run("keys", "new", "agreement.toml", *new, cwd=here.root))
    words = ["agreement.toml", "employee_medical", "employee_medical.csv", "--key", "medical.key"]
    ok(commands.run("department", "encode", *words, "--out", "medical.smp", cwd=here.root))


def test_agreement_check_says_what_leaves(commands: Commands, city: Road) -> None:
    done = ok(commands.run("agreement", "check", "agreement.toml", cwd=city.root))
    assert re.search(r"^fingerprint [0-9a-f]{64}$", "\n".join(done.lines), re.MULTILINE)
    answer = ok(commands.run("agreement", "check", "agreement.toml", "--json", cwd=city.root)).json()
    assert set(answer) >= {"id", "fingerprint", "datasets"}
    assert answer["fingerprint"] in done.out.decode()
    assert [item["id"] for item in answer["datasets"]] == list(EXPORTS)
    for item in answer["datasets"]:
        assert set(item) >= {"id", "owner", "kind", "passes", "columns"}
        for column in item["columns"]:
            assert set(column) >= {"name", "form", "source"}
        assert [column["name"] for column in item["columns"]][:2] == ["handle", "id_token"]


def test_key_files_are_their_owners_alone(city: Road) -> None:
    for file in (*(city.key(party) for party in set(OWNERS.values())), city.root / "shared.secret"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_departments_share_one_secret_and_no_other(city: Road) -> None:
    keys = {party: json.loads(city.key(party).read_text()) for party in set(OWNERS.values())}
    assert len({key["encoding_secret"] for key in keys.values()}) == 1
    assert len({key["handle_secret"] for key in keys.values()}) == len(keys)
    shared = (city.root / "shared.secret").read_text()
    assert keys["hrss"]["encoding_secret"] in shared
    assert not any(key["handle_secret"] in shared for key in keys.values())


def test_keys_new_answers_machines(commands: Commands, city: Road, tmp_path: Path) -> None:
    out = tmp_path / "police.key"
    answer = ok(
        commands.run("keys", "new", city.agreement, "--party", "police", "--out", out, "--json", cwd=tmp_path)
    ).json()
    assert set(answer) >= {"party", "agreement", "key_epoch", "key", "key_id", "new_shared_secret"}
    assert answer["new_shared_secret"] is True
    assert (answer["party"], answer["key"]) == ("police", str(out))


def test_departments_can_compare_the_name_of_their_secret(
    commands: Commands, city: Road, encoded: dict[str, Done], tmp_path: Path
) -> None:
    (name,) = {done.json()["key_id"] for dataset, done in encoded.items() if dataset != "population"}
    assert name in encoded["population"].lines[-3]
    words = ["keys", "new", city.agreement, "--party", "hrss", "--shared-from", city.root / "shared.secret"]
    done = ok(commands.run(*words, "--out", "taken.key", cwd=tmp_path))
    assert done.lines[0].startswith(f"Took over the shared secret {name}: ")
    done = ok(commands.run(*words[:5], "--out", "begun.key", cwd=tmp_path))
    assert re.match(r"Began a NEW shared secret, [0-9a-f]{16}: ", done.lines[0])
    assert name not in done.lines[0]


def test_no_usable_row_still_says_why(commands: Commands, road: Road, tmp_path: Path) -> None:
    """The one refusal that leaves a file: what a department has to correct."""
    row = [*EXPORTS["population"][1]]
    row[EXPORTS["population"][0].index("人员状态")] = "?"
    bad = [EXPORTS["population"][0], *EXPORTS["population"][8:9], row]
    (tmp_path / "e.csv").write_bytes(csv_bytes(bad, "utf-8"))
    words = [road.agreement, "population", "e.csv", "--key", road.key("police"), "--out", "out.smp"]
    done = commands.run("department", "encode", *words, cwd=tmp_path)
    assert (done.status, done.out) == (2, b"")
    assert done.error.startswith(
        "error: RELEASE_EMPTY: e.csv: not one row of 2 can be used (CODE_UNKNOWN 1 (人员状态), "
    )
    assert "the rows are listed in out.smp.quarantine.csv" in done.error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.csv", "out.smp.quarantine.csv"]
    assert [line["row_number"] for line in rows_of(tmp_path / "out.smp.quarantine.csv")] == ["2", "3"]


def test_a_damaged_column_is_warned_of(encoded: dict[str, Done]) -> None:
    answer = encoded["resident_pension"].json()
    assert answer["warnings"][0].startswith("column AAC002 (id_number): 50.0% missing; ")
    assert encoded["population"].lines.count("") == 0
    assert any(line.startswith("warning: column 公民身份号码 (id_number): ") for line in encoded["population"].lines)


def test_a_package_and_a_quarantine_list_are_replaced(commands: Commands, road: Road, tmp_path: Path) -> None:
    words = [road.agreement, "population", road.export("population"), "--key", road.key("police"), "--out", "out.smp"]
    for _ in range(2):
        ok(commands.run("department", "encode", *words, cwd=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.smp", "out.smp.quarantine.csv"]


def test_encode_closes_with_the_account(encoded: dict[str, Done]) -> None:
    lines = encoded["population"].lines
    assert lines[0] == "population (常住人口) <- population.csv: charset GB18030 (decoded strictly); delimiter comma"
    assert re.fullmatch(
        r"agreement [0-9a-f]{16}…, shared secret [0-9a-f]{16}: both are the same in every department; "
        r"compare them by telephone",
        lines[-3],
    )
    assert re.fullmatch(r"read 11 = encoded 7 \+ quarantined 4; package digest [0-9a-f]{16}…", lines[-2])
    assert lines[-1] == "Wrote sent/population.smp. Next: send it to the bureau."


def test_encode_answers_machines(encoded: dict[str, Done]) -> None:
    for dataset, done in encoded.items():
        if dataset == "population":
            continue
        answer = done.json()
        assert set(answer) >= ENCODE_KEYS
        assert answer["read"] == answer["encoded"] == len(EXPORTS[dataset]) - 1
        assert (answer["quarantined"], answer["reasons"], answer["quarantine"]) == (0, {}, None)
        assert answer["reasons_by_column"] == {}
        assert answer["package"] == f"sent/{dataset}.smp"
        assert re.fullmatch(r"[0-9a-f]{64}", answer["package_digest"])
    assert encoded["resident_pension"].json()["charset"] == "utf-8-sig"
    assert encoded["employee_medical"].json()["charset"] == "gb18030"
    assert encoded["resident_pension"].json()["states"]["id_number"] == {
        "valid": 1,
        "repaired": 0,
        "missing": 1,
        "invalid": 0,
    }


def test_quarantine_says_row_column_and_code(city: Road, encoded: dict[str, Done]) -> None:
    rows = rows_of(city.root / "sent" / "population.smp.quarantine.csv")
    assert [[row["row_number"], row["column"], row["code"]] for row in rows] == QUARANTINED
    assert not list((city.root / "sent").glob("students*quarantine*"))


def test_bureau_finds_what_was_laid_out(linked: Done) -> None:
    summary = linked.json()
    assert set(summary) >= LINK_KEYS
    duplicates = {item["rule"]: item for item in summary["duplicates"]}
    missing = {item["rule"]: item for item in summary["missing"]}
    # Ada is insured twice in one month; Dan draws two pensions, one without an ID number.
    assert (duplicates["medical"]["found"], duplicates["medical"]["by_id_token"]) == (1, 1)
    assert (duplicates["pension"]["found"], duplicates["pension"]["by_passes"]) == (1, 1)
    assert duplicates["medical"]["by_datasets"] == [{"datasets": ["employee_medical", "resident_medical"], "found": 1}]
    # Bei is nowhere; Erh is dead; Chi is a child; Fen is a student, which excuses from the pension.
    assert (missing["medical"]["found"], missing["medical"]["eligible"], missing["medical"]["covered"]) == (1, 6, 5)
    assert (missing["pension"]["found"], missing["pension"]["eligible"], missing["pension"]["covered"]) == (1, 5, 4)
    assert summary["findings"] == {"police": 2, "hrss": 2, "medical": 2, "education": 0}
    assert [item["quarantined"] for item in summary["datasets"]] == [4, 0, 0, 0, 0, 0]


def test_bureau_writes_the_summary_it_prints(city: Road, linked: Done) -> None:
    assert (city.run / "summary.json").read_bytes() == linked.out
    assert set(snapshot(city.run)) == {
        "findings-education.smf",
        "findings-hrss.smf",
        "findings-medical.smf",
        "findings-police.smf",
        "links.parquet",
        "model.json",
        "stakes.parquet",
        "summary.json",
    }


def test_order_of_packages_does_not_matter(commands: Commands, city: Road, linked: Done, tmp_path: Path) -> None:
    packages = [city.package(dataset) for dataset in reversed(EXPORTS)]
    words = ["bureau", "link", city.agreement, *packages, "--out", tmp_path / "run", "--threads", "1"]
    done = ok(commands.run(*words, cwd=tmp_path))
    assert "Next: send each department its findings package." in done.lines
    before, after = snapshot(city.run), snapshot(tmp_path / "run")
    texts = [
        re.sub(rb'"(seconds|measured_peak_bytes)": [0-9.e-]+', b"", files.pop("summary.json") or b"")
        for files in (before, after)
    ]
    assert texts[0] == texts[1]
    assert before == after


def test_a_run_leaves_no_findings_of_an_earlier_one(
    commands: Commands, city: Road, linked: Done, tmp_path: Path
) -> None:
    """Findings of last month beside this month's would be sent to a department that handed nothing in."""
    words = ["bureau", "link", city.agreement, city.package("population"), city.package("employee_medical")]
    for packages in (city.packages, []):
        ok(commands.run(*words[:3], *(packages or words[3:]), "--out", "run", cwd=tmp_path))
    assert {path.name for path in (tmp_path / "run").glob("*.smf")} == {"findings-medical.smf", "findings-police.smf"}


def test_same_input_same_package(commands: Commands, city: Road, encoded: dict[str, Done], tmp_path: Path) -> None:
    out = tmp_path / "again.smp"
    words = [city.agreement, "population", city.export("population"), "--key", city.key("police"), "--out", out]
    ok(commands.run("department", "encode", *words, cwd=tmp_path))
    assert out.read_bytes() == city.package("population").read_bytes()


def test_worklist_of_the_population_in_chinese(commands: Commands, city: Road, linked: Done, tmp_path: Path) -> None:
    out = tmp_path / "worklist.csv"
    done = resolve(commands, city, "population", out)
    assert done.lines == [f"population: 2 findings. Wrote {out} with 2 rows; it holds raw values."]
    again = resolve(commands, city, "population", out, "--overwrite")
    assert again.lines == done.lines
    rows = rows_of(out)
    assert [(row["疑点类型"], row["规则"], row["原表行号"]) for row in rows] == [
        ("未参保", "medical", "3"),
        ("未参保", "pension", "3"),
    ]
    for row in rows:
        assert row["人员编号"] == row_key("population", 2)
        assert (row["公民身份号码"], row["姓名"], row["住址"]) == (BEI.id_number, BEI.name, BEI.address)
    assert list(rows[0])[-8:] == EXPORTS["population"][0]


def test_worklist_of_a_pension_in_english(commands: Commands, city: Road, linked: Done, tmp_path: Path) -> None:
    """Two datasets share the row key's header; the export tells by its handles which one it is."""
    out = tmp_path / "worklist.csv"
    answer = resolve(commands, city, "resident_pension", out, "--lang", "en", "--json").json()
    assert set(answer) >= RESOLVE_KEYS
    assert answer == answer | {
        "dataset": "resident_pension",
        "rows": 1,
        "findings": 1,
        "not_found": 0,
        "other_findings": {"employee_pension": 1},
        "worklist": str(out),
    }
    (row,) = rows_of(out)
    assert (row["kind"], row["rule"], row["evidence"]) == ("duplicate", "pension", "name and others")
    assert (row["first month"], row["last month"], row["export row"]) == ("202605", "202606", "2")
    assert (row["AAC001"], row["AAC002"], row["AAC003"]) == (row_key("resident_pension", 1), "", DAN.name)


def test_worklist_as_a_workbook(commands: Commands, city: Road, linked: Done, tmp_path: Path) -> None:
    out = tmp_path / "worklist.xlsx"
    done = resolve(commands, city, "employee_medical", out)
    assert done.lines == [
        f"employee_medical: 1 finding. Wrote {out} with 1 row; it holds raw values.",
        "Still to resolve, each with its own export: resident_medical 1.",
    ]
    assert CalamineWorkbook.from_path(out).sheet_names == ["核查清单"]
    header, row = CalamineWorkbook.from_path(out).get_sheet_by_index(0).to_python()
    cells = dict(zip(header, row, strict=True))
    assert (cells["疑点类型"], cells["比对依据"], cells["对方数据"]) == ("重复", "身份证号一致", "城乡居民基本医疗保险")
    assert (cells["certno"], cells["psn_name"], cells["tel"]) == (ADA.id_number, ADA.name, ADA.phone)
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None


def test_both_sides_of_a_duplicate_share_its_number(
    commands: Commands, city: Road, linked: Done, tmp_path: Path
) -> None:
    numbers = set()
    for dataset in ("employee_medical", "resident_medical"):
        resolve(commands, city, dataset, tmp_path / f"{dataset}.csv", "--dataset", dataset)
        (row,) = rows_of(tmp_path / f"{dataset}.csv")
        numbers.add(row["疑点编号"])
    assert len(numbers) == 1


def test_no_finding_gives_an_empty_worklist(commands: Commands, city: Road, linked: Done, tmp_path: Path) -> None:
    done = resolve(commands, city, "students", tmp_path / "worklist.csv")
    assert done.lines[-1].startswith("students: 0 findings.")
    assert rows_of(tmp_path / "worklist.csv") == []


def test_examples_of_the_help_run_as_they_stand(commands: Commands, tmp_path: Path) -> None:
    here = lay_out(tmp_path)
    for party in set(OWNERS.values()) - {"medical"}:
        here.key(party).unlink()
    (tmp_path / "export.csv").write_bytes(here.export("population").read_bytes())
    passphrase = {"SECURE_MATCH_PASSPHRASE": "worthless, for examples"}
    ran = []
    for words in (
        ["agreement", "new"],
        ["agreement", "check"],
        ["keys", "new"],
        ["keys", "share"],
        ["department", "encode"],
        ["bureau", "link"],
        ["department", "resolve"],
    ):
        text = ok(commands.run(*words, "--help", cwd=tmp_path)).out.decode()
        examples = re.findall(r"(?:Example|Then|And): secure-match (.*)", text.replace("│", ""))
        assert examples, f"{words} has no example"
        if words == ["keys", "share"]:
            # The example of the command before may have made it already, and nothing overwrites a secret.
            (tmp_path / "shared.secret").unlink(missing_ok=True)
        if words == ["bureau", "link"]:
            encode_medical(commands, here)
        if words == ["department", "resolve"]:
            # As the department gets it: by post, into its own folder.
            here.findings("police").rename(tmp_path / "findings-police.smf")
        for example in examples:
            ok(commands.run(*shlex.split(example), cwd=tmp_path, env=passphrase))
            ran.append(example.split()[:2])
    assert len(ran) == 10
    assert (tmp_path / "worklist.xlsx").exists()


def test_names_with_spaces_and_chinese_characters(commands: Commands, road: Road, tmp_path: Path) -> None:
    folder = tmp_path / "公安局 导出 2026"
    folder.mkdir()
    export, key, out = folder / "常住 人口.csv", folder / "公安 钥匙.key", folder / "上报 包.smp"
    export.write_bytes(road.export("population").read_bytes())
    shutil.copy(road.key("police"), key)
    ok(
        commands.run(
            "department", "encode", road.agreement, "population", export, "--key", key, "--out", out, cwd=folder
        )
    )
    assert out.read_bytes() == road.package("population").read_bytes()
    ok(commands.run("bureau", "link", road.agreement, out, "--out", folder / "结果 一", cwd=folder))
    findings = folder / "结果 一" / "findings-police.smf"
    ok(
        commands.run(
            "department", "resolve", findings, export, "--key", key, "--out", folder / "名 单.xlsx", cwd=folder
        )
    )
    assert (folder / "名 单.xlsx").stat().st_size > 0


def test_output_that_cannot_show_chinese_does_not_stop_a_command(road: Road, tmp_path: Path) -> None:
    done = secure_match("agreement", "check", road.agreement, cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert done.status == 0, done.error
    done = secure_match("agreement", "check", road.agreement, "--json", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert done.status == 0, done.error


def test_a_column_that_is_empty_in_every_row(commands: Commands, road: Road, tmp_path: Path) -> None:
    """Nobody has left the scheme yet: the last month is empty in all rows."""
    lines = road.export("resident_pension").read_text(encoding="utf-8-sig").replace(",202612,", ",,").splitlines()
    (tmp_path / "open.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = [road.agreement, "resident_pension", "open.csv", "--key", road.key("hrss"), "--out", "open.smp"]
    done = ok(commands.run("department", "encode", *words, cwd=tmp_path))
    assert any(line.startswith("read 2 = encoded 2 + quarantined 0") for line in done.lines)


def test_version_and_help(tmp_path: Path) -> None:
    assert re.fullmatch(r"secure_match \d+\.\d+\.\d+\n", ok(secure_match("--version", cwd=tmp_path)).out.decode())
    shown = ok(secure_match("--help", cwd=tmp_path)).out.decode()
    for role in ("agreement", "keys", "department", "bureau", "demo"):
        assert role in shown
    assert list(tmp_path.iterdir()) == []
