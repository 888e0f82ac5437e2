"""The demo as a newcomer runs it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from integration.road import Done, secure_match, snapshot
from secure_match.exchange import read_sealed

SUMMARY_KEYS = {
    "people",
    "seed",
    "records",
    "seconds",
    "stages",
    "duplicates",
    "missing",
    "numbers",
    "raw_identifier_hits",
    "raw_identifier_hits_by_form",
    "scanned_bytes",
    "short_patterns_by_chance",
    "departments",
    "bureau",
}
SCORE_KEYS = {
    "expected",
    "found",
    "true_positive",
    "false_positive",
    "false_negative",
    "precision",
    "recall",
    "by_rule",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(folder: Path) -> Done:
    done = secure_match("demo", "--people", "1000", "--out", "city", "--json", cwd=folder)
    assert (done.status, done.error) == (0, "")
    return done


def test_summary_keys_are_pinned(first: Done, folder: Path) -> None:
    summary = first.json()
    assert set(summary) >= SUMMARY_KEYS
    assert (folder / "city" / "summary.json").read_bytes() == first.out
    for kind in ("duplicates", "missing"):
        assert set(summary[kind]) >= SCORE_KEYS
        for part in (summary[kind], *summary[kind]["by_rule"].values()):
            assert part["true_positive"] + part["false_positive"] == part["found"]
            assert part["true_positive"] + part["false_negative"] == part["expected"]


def test_findings_are_right(first: Done) -> None:
    summary = first.json()
    assert (summary["people"], summary["seed"]) == (1000, 7)
    assert summary["duplicates"]["expected"] >= 5
    assert summary["missing"]["expected"] >= 50
    # One person may go wrong in a city so small; shares are judged at 20,000 people by the benchmark.
    for kind in ("duplicates", "missing"):
        assert summary[kind]["false_positive"] <= 1
        assert summary[kind]["false_negative"] <= 1


def test_every_row_is_accounted_for(first: Done) -> None:
    summary = first.json()
    assert summary["records"] == sum(item["read"] for item in summary["departments"])
    for item in summary["departments"]:
        assert item["read"] == item["encoded"] + item["quarantined"]


def test_no_raw_identifier_left(first: Done, folder: Path) -> None:
    summary = first.json()
    assert (summary["raw_identifier_hits"], summary["raw_identifier_hits_by_form"]) == (0, {})
    city = folder / "city"
    sealed = [*(city / "sent").rglob("*.sm?"), *(city / "tokens").iterdir()]
    left = [*sealed, *(city / "bureau").iterdir()]
    # Packages of both phases and the requests for the second, requests to the key holder and its answers; findings, and
    # the bureau's links, stakes, model and summary.
    assert Counter(path.suffix for path in left) == {
        ".smp": 6 + 6,
        ".smr": 3 + 1,
        ".smb": 4,
        ".sme": 4,
        ".smf": 4,
        ".parquet": 2,
        ".json": 2,
    }
    # Sealed packages are searched as they are carried, and their contents as whom they are for sees them. Quarantine
    # files stay in the department and are searched by the canary tests.
    contents = [read_sealed(path).manifest.content_bytes for path in left if path.suffix.startswith(".sm")]
    assert summary["scanned_bytes"] == sum(path.stat().st_size for path in left) + sum(contents)


def contents_of(city: Path) -> dict[str, str]:
    """Sealed package to the digest of its content: what is sealed is never sealed to the same bytes again."""
    return {path.name: read_sealed(path).manifest.content_digest for path in sorted(city.rglob("*.sm[pf]"))}


def test_a_second_run_makes_the_same_files(first: Done, folder: Path) -> None:
    before, contents = snapshot(folder / "city"), contents_of(folder / "city")
    done = secure_match("demo", "--people", "1000", "--out", "city", cwd=folder)
    assert (done.status, done.error) == (0, "")
    text = done.out.decode()
    assert "0 hits" in text
    assert text.splitlines()[-1].endswith("secure-match evaluate city/bureau/links.parquet city/truth.csv")
    after = snapshot(folder / "city")
    assert set(after) == set(before)
    timed = {"summary.json", "bureau/summary.json"}
    # A workbook notes when it was made, a log too; what is sealed is sealed anew.
    ends = (".xlsx", ".log", ".smp", ".smf", ".smr", ".smb", ".sme", ".smk", ".key", ".identity", ".oprf")
    same = [name for name in before if name not in timed and not name.endswith(ends) and ".tokens/" not in name]
    assert len(contents) == 6 + 6 + 4
    assert contents_of(folder / "city") == contents
    assert [name for name in same if before[name] != after[name]] == []
    for name in timed:
        assert _untimed(before[name]) == _untimed(after[name])


def test_a_smaller_city_leaves_nothing_of_the_larger(first: Done, folder: Path) -> None:
    done = secure_match("demo", "--people", "100", "--seed", "8", "--out", "city", "--json", cwd=folder)
    assert done.status == 0, done.error
    fresh = secure_match("demo", "--people", "100", "--seed", "8", "--out", "fresh", "--json", cwd=folder)
    assert fresh.status == 0, fresh.error
    one, two = snapshot(folder / "city"), snapshot(folder / "fresh")
    assert set(one) == set(two)
    assert [name for name in one if name.endswith((".toml", ".public.json")) and one[name] != two[name]] == []
    assert contents_of(folder / "city") == contents_of(folder / "fresh")


def _untimed(data: bytes | None) -> dict[str, Any]:
    summary = json.loads(data or b"{}")
    summary.pop("scanned_bytes", None)  # The bureau's summary is searched too, and seconds vary in length.
    for part in (summary, summary.get("bureau", {})):
        part.pop("seconds", None)
        part.pop("peak_bytes", None)
        part.pop("stages", None)
    assert isinstance(summary, dict)
    return summary


def test_tokens_by_a_keyed_hash_find_the_same(first: Done, folder: Path) -> None:
    done = secure_match("demo", "--people", "1000", "--id-tokens", "hmac", "--out", "hashed", "--json", cwd=folder)
    assert (done.status, done.error) == (0, "")
    summary = done.json()
    assert summary["id_tokens"] == {"protocol": "hmac", "asked": {}}
    assert summary["raw_identifier_hits"] == 0
    assert summary["duplicates"] == first.json()["duplicates"]
    assert summary["missing"] == first.json()["missing"]
