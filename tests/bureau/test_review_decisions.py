"""Decisions of clerks: what may be written, that nothing is lost, and that nobody is overruled silently."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bureau.hand_run import AGREEMENT_ID, FINGERPRINT, handle, pair, write_run
from bureau.test_review_queue import id_of
from integration.road import python
from secure_match.bureau.review import Entry, decide_pair, import_sheet
from secure_match.bureau.review_decisions import (
    COLUMNS,
    Verdict,
    clean_text,
    parse_decisions,
    parse_time,
    parse_verdict,
    serialise_decisions,
    settled,
    time_text,
)
from secure_match.bureau.review_files import add_decisions, default_decisions, read_decisions
from secure_match.bureau.review_sheet import SheetError, parse_sheet, serialise_queue
from secure_match.bureau.run_files import read_queue
from secure_match.errors import LinkageError, SecureMatchError, UsageError

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ROWS = [pair(f"p/{number}", f"m/{number}", match_probability=0.1 * number) for number in range(1, 6)]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", ROWS)


def decide(run: Path, number: int, verdict: Verdict, operator: str = "Lin", **changes: Any) -> None:
    chosen = {"reason": "all agree", "overrule": False} | changes
    entry = Entry(operator=operator, time=WHEN, overrule=chosen["overrule"])
    file = default_decisions(run)
    decide_pair(run, id_of(f"p/{number}", f"m/{number}"), file, verdict=verdict, reason=chosen["reason"], entry=entry)


def test_a_decision_is_kept_with_all_that_is_known(run: Path, tmp_path: Path) -> None:
    decide(run, 2, "match", reason="同一人，街道已核实 2026-11-20")
    assert (tmp_path / "decisions.csv").stat().st_mode & 0o777 == 0o600
    kept = read_decisions(tmp_path / "decisions.csv")
    assert [item.model_dump() for item in kept.items] == [
        {
            "pair": id_of("p/2", "m/2"),
            "dataset_a": "p",
            "handle_a": handle("p/2").hex(),
            "dataset_b": "m",
            "handle_b": handle("m/2").hex(),
            "verdict": "match",
            "operator": "Lin",
            "reason": "同一人，街道已核实 2026-11-20",
            "time": "2026-11-23T09:30:00Z",
            "match_probability": 0.2,
            "agreement_id": AGREEMENT_ID,
            "agreement_fingerprint": FINGERPRINT,
        }
    ]


def test_the_file_only_grows_and_the_last_verdict_counts(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "decisions.csv"
    sizes = []
    before = b""
    for verdict in ("match", "non-match", "unsure", "match"):
        decide(run, 1, verdict)  # type: ignore[arg-type]
        assert file.read_bytes().startswith(before)
        before = file.read_bytes()
        sizes.append(len(settled(read_decisions(file).items)))
    assert sizes == [1, 1, 0, 1]
    assert len(read_decisions(file).items) == 4


def test_another_operator_is_not_overruled_silently(run: Path, tmp_path: Path) -> None:
    def refused(verdict: Verdict, operator: str) -> None:
        before = (tmp_path / "decisions.csv").read_bytes()
        with pytest.raises(UsageError) as caught:
            decide(run, 1, verdict, operator)
        assert caught.value.code == "REVIEW_CONTRADICTS"
        assert (tmp_path / "decisions.csv").read_bytes() == before

    decide(run, 1, "match", "Lin")
    decide(run, 1, "match", "Wu")
    refused("non-match", "Wu")
    refused("unsure", "Wu")
    decide(run, 1, "non-match", "Wu", overrule=True)
    decide(run, 1, "non-match", "Zhao")
    refused("match", "Lin")
    decide(run, 2, "unsure", "Lin")
    decide(run, 2, "match", "Wu")


@pytest.mark.parametrize(
    "text",
    ["", "  ", "x" * 501, "a\nb",
      "a\x1b[2J", "a\u202eb", "=1+1", "@x", "-", "电话 1990047", "号码 339902 1990", "一２３４５６７８"],
)  # fmt: skip
def test_texts_that_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        clean_text(text, column="reason")
    assert caught.value.code == "REVIEW_TEXT"
    if text.strip():
        assert text not in str(caught.value)


@pytest.mark.parametrize("text", ["看过 2026-11-23", "both agree; see 123456", "  trimmed "])
def test_texts_that_are_good(text: str) -> None:
    assert clean_text(text, column="reason") == text.strip()


def test_times_and_verdicts() -> None:
    assert time_text(parse_time("2026-11-23T09:30:00+08:00")) == "2026-11-23T01:30:00Z"
    assert time_text(parse_time("2026-11-23T09:30Z")) == "2026-11-23T09:30:00Z"
    for bad in ("2026-11-23T09:30:00", "yesterday", ""):
        with pytest.raises(UsageError) as caught:
            parse_time(bad)
        assert caught.value.code == "REVIEW_TIME"
    assert parse_verdict(" Non-Match ") == "non-match"
    with pytest.raises(UsageError) as caught:
        parse_verdict("yes")
    assert caught.value.code == "REVIEW_VERDICT"


def cells(data: bytes, column: str, value: str) -> bytes:
    """The first decision with one cell replaced."""
    header, row, *_ = data.decode().splitlines()
    parts = row.split(",")
    parts[COLUMNS.index(column)] = value
    return f"{header}\n{','.join(parts)}\n".encode()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pair", "p000000000000"),
        ("dataset_a", "Bad Name"),
        ("handle_a", "00" * 15),
        ("verdict", "perhaps"),
        ("reason", "a\x1bb"),
        ("time", "23.11.2026 09:30"),
        ("match_probability", "1.5"),
        ("match_probability", "nan"),
        ("match_probability", "much"),
        ("agreement_fingerprint", "ab"),
    ],
)
def test_a_cell_that_nobody_wrote_is_refused_by_row_and_column(run: Path, column: str, value: str) -> None:
    decide(run, 1, "match")
    file = default_decisions(run)
    file.write_bytes(cells(file.read_bytes(), column, value))
    with pytest.raises(LinkageError) as caught:
        read_decisions(file)
    error = caught.value
    assert (error.code, error.place.file, error.place.row, error.place.column) == ("DECISIONS_FORMAT", file, 2, column)
    assert value not in error.message
    with pytest.raises(LinkageError):
        decide(run, 2, "match")


def test_a_file_that_is_no_file_of_decisions(run: Path) -> None:
    decide(run, 1, "match")
    file = default_decisions(run)
    good = file.read_bytes()
    for bad in (
        good[:-1],
        good[:-9],
        b"\xff" + good,
        good.replace(b"pair,", b"paar,", 1),
        good + b"a,b\n",
        good + b'"\n',
    ):
        with pytest.raises(LinkageError) as caught:
            parse_decisions(bad)
        assert caught.value.code == "DECISIONS_FORMAT"
    assert parse_decisions(b"") == ()
    assert serialise_decisions(parse_decisions(good), header=True) == good


_MANY = """
import json, sys
from datetime import datetime, UTC
from pathlib import Path
from secure_match.bureau.review import Entry, decide_pair
run, file, operator, pairs, times = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4]), 5
for _ in range(times):
    for pair in pairs:
        entry = Entry(operator=operator, time=datetime(2026, 1, 1, tzinfo=UTC))
        decide_pair(run, pair, file, verdict="match", reason="both agree", entry=entry)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no flock")
def test_clerks_who_decide_at_once_lose_nothing(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "decisions.csv"
    pairs = json.dumps([id_of(f"p/{number}", f"m/{number}") for number in range(1, 6)])
    clerks = ["Lin", "Wu", "Zhao"]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda name: python(_MANY, run, file, name, pairs, cwd=tmp_path), clerks))
    assert [item.status for item in done] == [0, 0, 0], done
    kept = read_decisions(file).items
    assert len(kept) == 3 * 5 * 5
    assert {name: sum(item.operator == name for item in kept) for name in clerks} == dict.fromkeys(clerks, 25)


def test_a_write_that_fails_leaves_the_file_as_it_was(run: Path, tmp_path: Path, monkeypatch: Any) -> None:
    decide(run, 1, "match")
    file = tmp_path / "decisions.csv"
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SecureMatchError) as caught:
        decide(run, 2, "match")
    assert caught.value.code == "FILE_NOT_WRITABLE"
    assert file.read_bytes() == before
    with pytest.raises(SecureMatchError) as caught:
        add_decisions(tmp_path / "none" / "x.csv", lambda _: [])
    assert caught.value.code == "FILE_NOT_WRITABLE"


# ---------------------------------------------------------------- sheets


def sheet_of(run: Path, verdicts: dict[int, tuple[str, str]]) -> bytes:
    """The exported queue with verdict and reason filled in for some pairs."""
    lines = serialise_queue(read_queue(run), {}).decode("utf-8-sig").splitlines()
    filled = [lines[0]]
    names = {id_of(f"p/{number}", f"m/{number}"): cell for number, cell in verdicts.items()}
    for line in lines[1:]:
        verdict, reason = names.get(line.partition(",")[0], ("", ""))
        filled.append(f"{line.removesuffix(',,')},{verdict},{reason}")
    return "\r\n".join([*filled, ""]).encode("utf-8-sig")


def take(run: Path, sheet: bytes, operator: str = "Lin", *, overrule: bool = False) -> tuple[int, int]:
    entry = Entry(operator=operator, time=WHEN, overrule=overrule)
    return import_sheet(run, sheet, default_decisions(run), entry=entry)


def test_a_sheet_out_and_in_and_in_again(run: Path, tmp_path: Path) -> None:
    sheet = sheet_of(run, {1: ("match", "both agree"), 4: ("non-match", "两个人")})
    assert take(run, sheet) == (2, 0)
    kept = (tmp_path / "decisions.csv").read_bytes()
    assert take(run, sheet) == (0, 2)
    assert take(run, sheet.decode("utf-8-sig").encode("gb18030")) == (0, 2)
    assert (tmp_path / "decisions.csv").read_bytes() == kept
    decide(run, 1, "non-match", reason="looked again")
    assert take(run, sheet) == (0, 2)
    assert [item.verdict for item in settled(read_decisions(tmp_path / "decisions.csv").items).values()] == [
        "non-match",
        "non-match",
    ]


def test_the_sheet_shows_no_handle_and_starts_no_formula(run: Path) -> None:
    decide(run, 3, "match")
    last = {item.pair: item for item in read_decisions(default_decisions(run)).items}
    text = serialise_queue(read_queue(run), last).decode("utf-8-sig")
    header = text.splitlines()[0]
    assert header == (
        "pair,value,cause,findings,dataset_a,dataset_b,token_state,birth,phone,match_probability,decided,verdict,reason"
    )
    assert handle("p/3").hex()[:8] not in text
    assert f"{id_of('p/3', 'm/3')},0.3000,POSSIBLE_LINK,,p,m,UNKNOWN,medium,not comparable,0.3000,match,," in text
    cells = [cell for line in text.splitlines() for cell in line.split(",")]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def test_one_bad_row_refuses_the_sheet_and_all_are_named(run: Path, tmp_path: Path) -> None:
    decide(run, 5, "match", "Wu")
    kept = (tmp_path / "decisions.csv").read_bytes()
    rows = [
        ("pair", "verdict", "reason", "operator"),
        (id_of("p/1", "m/1"), "match", "good", ""),
        (id_of("p/2", "m/2"), "yes", "good", ""),
        ("p000000000000", "match", "good", ""),
        (id_of("p/3", "m/3"), "match", "", ""),
        (id_of("p/4", "m/4"), "", "1990047001 called", ""),
        (id_of("p/1", "m/1"), "match", "again", ""),
        (id_of("p/5", "m/5"), "non-match", "other", ""),
        ("", "match", "good", "Wu\x1b"),
        ("", "", "", ""),
    ]
    sheet = "\n".join(",".join(row) for row in rows).encode()
    with pytest.raises(SheetError) as caught:
        take(run, sheet)
    found = [(problem.place.row, problem.place.column, problem.code) for problem in caught.value.problems]
    assert found == [
        (3, "verdict", "REVIEW_VERDICT"),
        (4, "pair", "PAIR_UNKNOWN"),
        (5, "reason", "REVIEW_TEXT"),
        (6, "verdict", "REVIEW_VERDICT"),
        (6, "reason", "REVIEW_TEXT"),
        (7, "pair", "REVIEW_SHEET"),
        (8, None, "REVIEW_CONTRADICTS"),
        (9, "pair", "REVIEW_SHEET"),
        (9, "operator", "REVIEW_TEXT"),
    ]
    assert not any("1990047" in str(problem) for problem in caught.value.problems)
    assert (tmp_path / "decisions.csv").read_bytes() == kept


def test_a_refused_sheet_makes_no_file(run: Path, tmp_path: Path) -> None:
    for bad in (
        b"",
        b"pair,reason\n",
        b"pair,pair,verdict,reason\n",
        b"pair,verdict,reason\nx,y,z\n",
        b'"',
        b"\xff\xff",
    ):
        with pytest.raises(SheetError):
            take(run, bad)
    assert not (tmp_path / "decisions.csv").exists()


def test_a_sheet_may_name_operators_by_row() -> None:
    rows, problems = parse_sheet(b"pair,verdict,reason,operator\np1,match,good,Wu\np2,match,good,\n", operator="Lin")
    assert problems == []
    assert [(row.row, row.operator) for row in rows] == [(2, "Wu"), (3, "Lin")]
