"""``secure-match review log``: what it finds, what it prints, and that it finds lies told with packages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from offices import Offices, open_offices
from typer.testing import CliRunner

from integration.road import secure_match
from secure_match.audit import LogHead
from secure_match.audit.files import read_log
from secure_match.cli._reviewer import app
from secure_match.errors import SecureMatchError, UsageError
from secure_match.review._log import counted, parse_head


@pytest.fixture(name="offices")
def _offices(tmp_path: Path) -> Offices:
    """Two packages sent, the first taken in."""
    offices = open_offices(tmp_path)
    first = offices.send("first")
    offices.send("second", 9)
    offices.take_in(first, 5)
    return offices


def review(*words: str | Path) -> str:
    """What ``review log`` prints; an error of ours is raised."""
    done = CliRunner().invoke(app, ["log", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def refusal(*words: str | Path) -> str:
    with pytest.raises(SecureMatchError) as caught:
        review(*words)
    return str(caught.value)


def rewrite(log: Path, *, drop: int = 0, change: dict[int, dict[str, Any]] | None = None) -> None:
    """Write a log anew as somebody without the key can: every number and hash right."""
    previous, lines = "0" * 64, []
    for entry in read_log(log)[drop:]:
        number = len(lines) + 1
        update = {"number": number, "previous": previous} | (change or {}).get(entry.number, {})
        draft = entry.model_copy(update=update)
        whole = draft.model_copy(update={"hash": draft.computed_hash})
        lines.append(whole.canonical_bytes + b"\n")
        previous = whole.hash
    log.write_bytes(b"".join(lines))


def test_a_log_verifies_with_all_that_is_beside_it(offices: Offices) -> None:
    log = offices.log("police")
    kept = offices.folder / "kept.log"
    kept.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    head = f"2:{read_log(log)[1].hash}"
    beside = ["--agreement", offices.agreement, "--party", "police", "--kept", kept, "--head", head]
    packages = ["--package", offices.folder / "first.smp", "--package", offices.folder / "second.smp"]
    found = json.loads(review("verify", log, *beside, *packages, "--json"))
    assert found.pop("head") == f"4:{read_log(log)[-1].hash}"
    assert found == {
        "file": str(log),
        "packages_checked": 2,
        "party": "police",
        "log": "police.log",
        "entries": 4,
        "first_time": "2026-11-23T01:00:00Z",
        "last_time": "2026-11-23T01:00:09Z",
        "checkpoints": 2,
        "signed_entries": 3,
        "clock_steps_back": 0,
        "packages_sent": 2,
    }
    text = review("verify", log, *beside, *packages)
    assert "police signed it up to entry 3." in text
    assert "Packages that are in it, behind the entries that they name: 2." in text
    assert "their signatures need --agreement" in review("verify", log)


def test_entries_after_the_last_checkpoint_are_said_to_be_unsigned(offices: Offices) -> None:
    log = offices.log("police")
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:3]))
    assert "Entries behind it that are not signed yet: 1." in review("verify", log, "--agreement", offices.agreement)


def test_another_partys_log_and_another_agreement_are_refused(offices: Offices) -> None:
    log = offices.log("police")
    assert "AUDIT_PARTY" in refusal("verify", log, "--party", "bureau")
    other = offices.folder / "other.toml"
    text = offices.agreement.read_text(encoding="utf-8")
    left, right = (text.index(f'id = "{name}"') for name in ("police", "hrss"))
    swapped = text.replace('id = "police"', 'id = "x"', 1).replace('id = "hrss"', 'id = "police"', 1)
    other.write_text(swapped.replace('id = "x"', 'id = "hrss"', 1), encoding="utf-8")
    assert left < right
    assert refusal("verify", log, "--agreement", other).startswith(f"AUDIT_SIGNATURE: {log}, row 2")


def test_a_cut_off_end_is_found_by_package_head_and_copy(offices: Offices) -> None:
    log, kept = offices.log("police"), offices.folder / "kept.log"
    kept.write_bytes(log.read_bytes())
    head = f"4:{read_log(log)[-1].hash}"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    with_key = ("--agreement", offices.agreement)
    assert "signed it up to entry 1" in review("verify", log, *with_key)
    for option, value in (("--head", head), ("--kept", kept)):
        assert refusal("verify", log, *with_key, option, value).startswith(f"AUDIT_TRUNCATED: {log}, row 2")
    assert refusal("verify", log, *with_key, "--package", offices.folder / "second.smp").startswith("AUDIT_PACKAGE")
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    assert refusal("verify", log, "--package", offices.folder / "second.smp").startswith("AUDIT_TRUNCATED")


def test_a_log_written_anew_is_found_by_key_package_and_copy(offices: Offices) -> None:
    log, kept = offices.log("police"), offices.folder / "kept.log"
    kept.write_bytes(log.read_bytes())
    rewrite(log, change={1: {"operator": "王"}})
    review("verify", log)
    assert refusal("verify", log, "--agreement", offices.agreement).startswith(f"AUDIT_SIGNATURE: {log}, row 2")
    assert refusal("verify", log, "--kept", kept).startswith(f"AUDIT_HEAD: {log}, row 1")
    assert refusal("verify", log, "--package", offices.folder / "second.smp").startswith(f"AUDIT_HEAD: {log}, row 2")


def test_a_package_that_is_not_in_the_log_is_found(offices: Offices) -> None:
    log, package = offices.log("police"), offices.folder / "first.smp"
    rewrite(log, drop=2)
    assert refusal("verify", log, "--package", package).startswith(f"AUDIT_PACKAGE: {package}")
    assert "is of police, and the log of bureau" in refusal("verify", offices.log("bureau"), "--package", package)


def test_a_package_that_is_not_right_is_no_witness(offices: Offices) -> None:
    package = offices.folder / "first.smp"
    data = bytearray(package.read_bytes())
    data[-150] ^= 1
    package.write_bytes(data)
    with_key = ("--agreement", offices.agreement, "--package", package)
    assert refusal("verify", offices.log("police"), *with_key).startswith("PACKAGE_")


def test_a_copy_that_was_changed_is_no_witness(offices: Offices) -> None:
    log, kept = offices.log("police"), offices.folder / "kept.log"
    kept.write_bytes(log.read_bytes().replace("林".encode(), "王".encode()))
    assert refusal("verify", log, "--kept", kept).startswith(f"AUDIT_CHANGED: {kept}, row 1")


def test_progress_is_told_by_the_thousand(offices: Offices) -> None:
    (entry, *_) = read_log(offices.log("police"))
    told: list[int] = []
    assert sum(1 for _ in counted([entry] * 2500, told.append)) == 2500
    assert told == [1000, 1000]


def test_a_head_is_read_as_it_was_printed() -> None:
    assert parse_head(f" 12:{'a' * 64}\n") == LogHead(12, "a" * 64)
    for text in ("", "12", "a" * 64, f"12:{'A' * 64}", f"-1:{'a' * 64}"):
        with pytest.raises(UsageError, match="LOG_HEAD"):
            parse_head(text)


def test_logs_are_held_together(offices: Offices) -> None:
    logs = [offices.log("police"), offices.log("bureau")]
    found = json.loads(review("cross-check", *logs, "--agreement", offices.agreement, "--json"))
    assert [item["party"] for item in found["logs"]] == ["police", "bureau"]
    assert [(item["status"], item["sequence"]) for item in found["transfers"]] == [("taken_in", 0), ("not_yet", 2)]
    assert found["problems"] == 0
    text = review("cross-check", *logs)
    assert "Logs of police, bureau. Packages of which both sides say the same: 1." in text
    assert "not_yet" in text


def test_a_log_that_hides_a_package_is_found_by_the_other_side(offices: Offices) -> None:
    logs = [offices.log("police"), offices.log("bureau")]
    rewrite(logs[0], drop=2)
    assert refusal("cross-check", *logs).startswith(
        "AUDIT_CROSS_CHECK: packages of which the logs do not say the same: 1;"
    )
    assert refusal("cross-check", logs[0], logs[0]).startswith("AUDIT_TWO_LOGS")


def test_entries_are_shown_and_chosen(offices: Offices) -> None:
    log = offices.log("police")
    text = review("show", log, "--action", "release")
    assert "2 of 4 entries of police" in text
    found = json.loads(review("show", log, "--last", "1", "--action", "release", "--json"))
    (entry,) = found["entries"]
    assert (entry["number"], entry["outputs"][0]["name"], entry["operator"]) == (3, "second.smp", "林")
    rewrite(log, change={3: {"number": 4}})
    assert refusal("show", log).startswith(f"AUDIT_ORDER: {log}, row 3")


def test_the_command_is_there_and_ends_with_a_status(offices: Offices) -> None:
    log = offices.log("police")
    done = secure_match("review", "log", "verify", log, "--agreement", offices.agreement, cwd=offices.folder)
    assert (done.status, done.lines[-1]) == (
        0,
        "Next: keep this head elsewhere; what is cut off the end later is found with --head.",
    )
    log.write_bytes(log.read_bytes()[:-1])
    done = secure_match("review", "log", "verify", log, cwd=offices.folder)
    assert (done.status, done.error.split(":")[1]) == (2, " AUDIT_TORN")
