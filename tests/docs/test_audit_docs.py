"""The audit documents are true: the how-to's commands, the specification's verifier, its vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from docs_console import REPOSITORY, blocks, run_document

from review.offices import open_offices
from secure_match.audit import Event, LogHead, PackageRef, make_artifact, verify_log
from secure_match.audit._chain import EMPTY_HEAD, checkpoint_bytes
from secure_match.audit._entry import Entry, parse_line
from secure_match.audit._event import make_entry
from secure_match.errors import AuditError

DOCS = REPOSITORY / "docs"
VECTORS: dict[str, Any] = json.loads((DOCS / "spec" / "audit-log-vectors.json").read_text(encoding="utf-8"))
PUBLIC = bytes.fromhex(VECTORS["public_key"])


@pytest.fixture(name="verifier", scope="module")
def _verifier() -> Any:
    names: dict[str, Any] = {}
    exec(blocks(DOCS / "spec" / "audit-log.md", "python")[0], names)
    return names["verify"]


def changed_lines(vector: dict[str, Any]) -> list[str]:
    return [VECTORS["log"][item] if isinstance(item, int) else item for item in vector["lines"]]


def ours(lines: list[str], **options: Any) -> LogHead:
    entries = (parse_line(line.encode(), number) for number, line in enumerate(lines, 1))
    return verify_log(entries, **options).head


def test_the_how_to_does_what_it_shows(tmp_path: Path) -> None:
    offices = open_offices(tmp_path)
    offices.take_in(offices.send("population"), 5)
    (tmp_path / "police-october.log").write_bytes(offices.log("police").read_bytes())
    offices.take_in(offices.send("population", 10), 15)
    assert run_document(DOCS / "how-to" / "audit.md", tmp_path) == []


def test_a_log_of_the_vectors_verifies(verifier: Any) -> None:
    entries, digest = verifier(VECTORS["log"], PUBLIC)
    assert ours(VECTORS["log"], public_key=PUBLIC) == LogHead(entries, digest)
    assert f"{entries}:{digest}" == VECTORS["head"]


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["id"])
def test_what_is_done_to_a_log_is_found_at_its_line(vector: dict[str, Any], verifier: Any) -> None:
    lines = changed_lines(vector)
    key = PUBLIC if vector["with_key"] else None
    if not vector["code"]:
        entries, digest = verifier(lines, key)
        assert ours(lines, public_key=key) == LogHead(entries, digest)
        return
    with pytest.raises(AuditError) as caught:
        ours(lines, public_key=key)
    assert (caught.value.code, caught.value.place.row) == (vector["code"], vector["line"])
    with pytest.raises(ValueError, match=f"line {vector['line']}"):
        verifier(lines, key)


def test_the_vectors_are_what_this_program_writes() -> None:
    head = EMPTY_HEAD
    for text in VECTORS["log"]:
        entry = Entry.model_validate_json(text)
        made = make_entry(
            Event(
                party=entry.party,
                operator=entry.operator,
                action=entry.action,
                inputs=entry.inputs,
                outputs=entry.outputs,
                counts=dict(reversed(entry.counts.items())),
                details=entry.details,
            ),
            log=entry.log,
            number=head.entries + 1,
            previous=head.hash,
            time=entry.time,
            versions=entry.versions,
            signature=entry.signature,
        )
        assert made.canonical_bytes.decode() == text
        head = LogHead(made.number, made.hash)
    signed = checkpoint_bytes(LogHead(2, json.loads(VECTORS["log"][1])["hash"]), party="police", log="police.log")
    assert signed.decode() == VECTORS["signed"]
    assert make_artifact("x", "0" * 64, PackageRef(**json.loads(VECTORS["log"][1])["outputs"][0]["package"])).package
