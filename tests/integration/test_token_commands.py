"""Blinded ID tokens by the real commands, each in a process of its own: ask, take the answer, encode, link."""

from __future__ import annotations

from pathlib import Path

import pytest

from canary.searcher import Searcher
from department.token_office import lay_out_office
from integration.people import OWNERS, marks
from integration.road import Commands

PARTIES = ("police", "hrss")
SENT = {"population": "police", "employee_pension": "hrss"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, commands: Commands) -> Path:
    """A trial agreement into which the key holder's key was put, exports and departments' keys."""
    folder = tmp_path_factory.mktemp("tokens")
    lay_out_office(folder, keys=False)
    draft = commands.run("agreement", "check", "agreement.toml", cwd=folder)
    assert any(line.startswith("a draft") for line in draft.lines)
    early = commands.run(*blind_words("police", "early.smb"), cwd=folder)
    assert (early.status, "KEYS_MISSING" in early.error) == (2, True)
    made = commands.run(
        "keyholder", "new", "agreement.toml", "--party", "notary", "--out", "notary.oprf", "--json", cwd=folder
    )
    assert made.status == 0, made.error
    added = commands.run("agreement", "add-keys", "agreement.toml", made.json()["public"], cwd=folder)
    assert added.status == 0, added.error
    assert f"notary (keyholder): OPRF key {made.json()['key_id']}" in added.lines
    assert "still a trial" in added.lines[-1]
    assert not any(
        line.startswith("a draft") for line in commands.run("agreement", "check", "agreement.toml", cwd=folder).lines
    )
    return folder


def blind_words(party: str, out: str) -> list[str]:
    datasets = [dataset for dataset, owner in OWNERS.items() if owner == party]
    named = [word for dataset in datasets for word in ("--dataset", dataset)]
    files = [f"{dataset}.csv" for dataset in datasets]
    return [
        *("department", "blind", "agreement.toml", *files, *named),
        *("--key", f"{party}.key", "--store", f"{party}.tokens", "--out", out),
    ]


def test_from_exports_to_links(root: Path, commands: Commands) -> None:
    said: list[bytes] = []
    for party in PARTIES:
        done = commands.run(*blind_words(party, f"{party}.smb"), cwd=root)
        assert done.status == 0, done.error
        assert "Next: send it to the key holder" in done.lines[-1]
        words = ["keyholder", "evaluate", "agreement.toml", f"{party}.smb", "--key", "notary.oprf"]
        answered = commands.run(*words, "--out", f"{party}.sme", "--operator", "li", cwd=root)
        assert answered.status == 0, answered.error
        words = ["department", "finalise", "agreement.toml", f"{party}.sme", "--store", f"{party}.tokens"]
        taken = commands.run(*words, cwd=root)
        assert taken.status == 0, taken.error
        assert f"secure-match department encode --tokens {party}.tokens" in taken.lines[-1]
        said += [done.out, done.err, taken.out, taken.err]
    for dataset, party in SENT.items():
        words = ["department", "encode", "agreement.toml", dataset, f"{dataset}.csv", "--key", f"{party}.key"]
        done = commands.run(*words, "--tokens", f"{party}.tokens", "--out", f"{dataset}.smp", cwd=root)
        assert done.status == 0, done.error
        said += [done.out, done.err]
    linked = commands.run(
        "bureau", "link", "agreement.toml", *(f"{dataset}.smp" for dataset in SENT), "--out", "run", cwd=root
    )
    assert linked.status == 0, linked.error
    assert Searcher(marks()).in_bytes(b"\n".join(said)) == []

    again = commands.run(*blind_words("hrss", "more.smb"), "--json", cwd=root)
    assert again.json() | {"rows": 0} == {
        "rows": 0,
        "distinct": 3,
        "kept": 3,
        "waiting": 0,
        "asked": 0,
        "resumed": 0,
        "request_id": "",
        "requests": [],
        "open_requests": [],
    }


def test_a_lost_request_is_written_again(root: Path, commands: Commands) -> None:
    words = [word.replace("education.tokens", "second.tokens") for word in blind_words("education", "lost.smb")]
    report = commands.run(*words, "--json", cwd=root).json()
    start = ["department", "blind", "agreement.toml", "--key", "education.key", "--store", "second.tokens"]
    done = commands.run(*start, "--out", "found.smb", "--again", report["request_id"], cwd=root)
    assert done.status == 0, done.error
    assert (root / "found.smb").read_bytes() == (root / "lost.smb").read_bytes()
    unknown = commands.run(*start, "--out", "none.smb", "--again", "0" * 32, cwd=root)
    assert (unknown.status, "REQUEST_UNKNOWN" in unknown.error) == (2, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["department", "blind", "agreement.toml", "students.csv"], "USAGE"),
        (["department", "encode", "agreement.toml", "students", "students.csv"], "TOKENS_NEEDED"),
        (["department", "blind", "agreement.toml", "students.csv", "--dataset", "population"], "KEY_PARTY"),
        (["department", "blind", "agreement.toml", "none.csv", "--dataset", "students"], "FILE_NOT_FOUND"),
    ],
)
def test_calls_that_are_refused(root: Path, commands: Commands, words: list[str], code: str) -> None:
    more = ["--key", "education.key", "--out", "refused.smb"]
    store = ["--store", "refused.tokens"] if words[1] == "blind" else []
    done = commands.run(*words, *more, *store, cwd=root)
    assert done.status == 2
    assert done.error.startswith(f"error: {code}:")
    assert not (root / "refused.smb").exists()
