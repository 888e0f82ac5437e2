"""What ``bureau link`` shows on a terminal: progress inside steps, and blocks that nobody compared."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from secure_match.cli import _output
from secure_match.cli._bureau import _size_bytes, show_summary
from secure_match.errors import UsageError


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    for name in ("_err", "_out"):
        monkeypatch.setattr(_output, name, Console(file=stream, force_terminal=True, width=200))
    return stream


def test_progress_names_steps_and_shares(terminal: io.StringIO) -> None:
    with _output.share_progress("linking", 4, quiet=False) as (begin, share):
        begin("packages")
        share(1.0)
        begin("pass birth")
        share(0.5)
    shown = terminal.getvalue()
    assert "linking: pass birth" in shown
    assert "38%" in shown  # One step of four is done, and half of the second.


@pytest.mark.parametrize("quiet", [True, False])
def test_nothing_is_shown_to_a_machine(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(_output, "_err", Console(file=stream, force_terminal=quiet))
    with _output.share_progress("linking", 2, quiet=quiet) as (begin, share):
        begin("packages")
        share(1.0)
    # A quiet terminal and a talkative pipe show the same: no text.
    assert "linking" not in stream.getvalue()


def test_refused_blocks_are_named(terminal: io.StringIO) -> None:
    counts = {"link": 1, "link_by_id_token": 1, "link_by_passes": 0, "possible_link": 0, "persons": 9}
    skipped = {"id": "name", "skipped_blocks": 2, "skipped_rows": 12_000, "skipped_pairs": 36_000_000}
    whole = {"id": "phone", "skipped_blocks": 0, "skipped_rows": 0, "skipped_pairs": 0}
    estimate = {"value": 1.0, "low": 1.0, "high": 1.0}
    evidence = {"precision": estimate, "recall": estimate, "true_pairs": estimate}
    evidence |= {"calibrated": True, "link_weight": 0.0, "review_weight": -7.6, "review_pairs": 0, "review_true": 0.0}
    summary = {"links": counts | {"passes": [skipped, whole]}, "evidence": evidence}
    summary |= {name: [] for name in ("datasets", "duplicates", "missing", "numbers")}
    summary["review"] = {"labels": 0, "match": 0, "non_match": 0, "gone": 0}
    show_summary(summary)
    lines = [line for line in terminal.getvalue().splitlines() if line.startswith("pass ")]
    assert lines == [
        "pass name: not compared, because larger than max_block_rows: blocks 2, rows in them 12,000, "
        "pairs that nobody compared 36,000,000"
    ]


@pytest.mark.parametrize(
    ("text", "size"),
    [("8GiB", 8 << 30), ("8 gib", 8 << 30), ("1.5GB", 1_500_000_000), ("900MB", 900_000_000), ("2TiB", 2 << 40)],
)
def test_sizes(text: str, size: int) -> None:
    assert _size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "8", "GiB", "-1GiB", "8GiBs", "1e3GB", "8 KB", "８GiB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        _size_bytes(text)
    assert caught.value.code == "MEMORY_LIMIT"
