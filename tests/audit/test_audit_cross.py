"""Logs of several parties against each other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from small_logs import START, digest, event, ref

from secure_match.audit import Entry, PackageRef, cross_check, files, make_artifact
from secure_match.errors import AuditError


class Office:
    """A party that logs packages, at seconds after the start."""

    def __init__(self, folder: Path, party: str) -> None:
        self.path = folder / f"{party}.log"
        self.party = party

    def logs(self, action: Any, second: int, number: int, package: PackageRef | None) -> Office:
        artifact = (make_artifact(f"{number}.smp", digest(number), package),)
        sending = action in ("release", "return", "look_request", "look_answer")
        made = event(action, party=self.party, **{"outputs" if sending else "inputs": artifact})
        files.append_event(self.path, made, time=START + timedelta(seconds=second))
        return self

    @property
    def entries(self) -> tuple[Entry, ...]:
        return files.read_log(self.path)


def found(*offices: Office) -> list[tuple[str, int, int | None, int | None]]:
    """Status, digest as a number, entry of the sender and of the recipient."""
    check = cross_check([office.entries for office in offices])
    assert check.problems == tuple(item for item in check.transfers if item.status in ("never", "not_sent", "differs"))
    return [(item.status, int(item.digest, 16), item.sent, item.taken) for item in check.transfers]


@pytest.fixture(name="police")
def _police(tmp_path: Path) -> Office:
    return Office(tmp_path, "police").logs("release", 0, 1, ref())


@pytest.fixture(name="bureau")
def _bureau(tmp_path: Path) -> Office:
    return Office(tmp_path, "bureau")


def test_both_sides_say_the_same(police: Office, bureau: Office) -> None:
    bureau.logs("intake", 5, 1, ref())
    assert found(police, bureau) == found(bureau, police) == [("taken_in", 1, 1, 1)]
    bureau.logs("intake", 6, 1, ref())
    assert found(police, bureau) == [("taken_in", 1, 1, 1)]


def test_not_yet_is_told_apart_from_never(police: Office, bureau: Office) -> None:
    bureau.logs("link", 0, 9, None)
    assert found(police, bureau) == [("not_yet", 1, 1, None)]
    bureau.logs("link", 1, 9, None)
    assert found(police, bureau) == [("never", 1, 1, None)]


def test_a_later_package_takes_the_place_of_one_that_was_not_taken_in(police: Office, bureau: Office) -> None:
    police.logs("release", 1, 2, ref(sequence=2)).logs("release", 1, 3, ref(sequence=3, period="2026-12"))
    bureau.logs("intake", 5, 2, ref(sequence=2))
    assert found(police, bureau) == [("superseded", 1, 1, None), ("taken_in", 2, 2, 1), ("never", 3, 3, None)]


def test_a_refused_package_did_not_get_lost(police: Office, bureau: Office) -> None:
    bureau.logs("refused", 5, 1, ref())
    assert found(police, bureau) == [("refused", 1, 1, None)]
    bureau.logs("intake", 6, 1, ref())
    assert found(police, bureau) == [("taken_in", 1, 1, 2)]


def test_what_nobody_sent_is_found(police: Office, bureau: Office) -> None:
    bureau.logs("intake", 5, 1, ref()).logs("intake", 6, 2, ref(sequence=2))
    assert found(police, bureau) == [("taken_in", 1, 1, 1), ("not_sent", 2, None, 2)]


def test_a_package_with_another_content_or_reference_differs(police: Office, bureau: Office) -> None:
    bureau.logs("intake", 5, 7, ref())
    assert found(police, bureau) == [("differs", 1, 1, 1)]


def test_one_digest_under_two_references_differs(police: Office, bureau: Office) -> None:
    bureau.logs("intake", 5, 1, ref(period="2026-10"))
    assert found(police, bureau) == [("differs", 1, 1, 1)]


def test_two_contents_taken_in_for_one_are_both_named(police: Office, bureau: Office) -> None:
    bureau.logs("intake", 5, 7, ref()).logs("intake", 6, 8, ref())
    assert found(police, bureau) == [("differs", 1, 1, 1), ("not_sent", 8, None, 2)]


def test_nothing_is_concluded_from_a_log_that_is_not_there(police: Office, bureau: Office) -> None:
    assert found(police) == [("unchecked", 1, 1, None)]
    bureau.logs("intake", 5, 1, ref())
    assert found(bureau) == [("unchecked", 1, None, 1)]


def test_findings_requests_and_answers_go_both_ways(police: Office, bureau: Office) -> None:
    back = {"sender": "bureau", "recipient": "police", "dataset": ""}
    bureau.logs("intake", 1, 1, ref())
    bureau.logs("return", 2, 2, ref(kind="findings", sequence=1, **back))
    bureau.logs("look_request", 3, 3, ref(kind="look-request", sequence=2, **back))
    police.logs("receive", 4, 2, ref(kind="findings", sequence=1, **back))
    police.logs("look", 5, 3, ref(kind="look-request", sequence=2, **back))
    police.logs("look_answer", 6, 4, ref(kind="look-answer", dataset="", sequence=3))
    bureau.logs("answers", 7, 4, ref(kind="look-answer", dataset="", sequence=3))
    assert found(police, bureau) == [
        ("taken_in", 2, 2, 2),
        ("taken_in", 3, 3, 3),
        ("taken_in", 1, 1, 1),
        ("taken_in", 4, 4, 4),
    ]


def test_a_log_speaks_only_for_its_own_party(police: Office, bureau: Office, tmp_path: Path) -> None:
    civil = Office(tmp_path, "civil").logs("release", 1, 5, ref()).logs("intake", 2, 1, ref())
    bureau.logs("intake", 5, 1, ref())
    assert found(police, bureau, civil) == [("taken_in", 1, 1, 1)]


def test_two_copies_of_one_log_are_refused(police: Office) -> None:
    with pytest.raises(AuditError, match="AUDIT_TWO_LOGS"):
        found(police, police)


def test_a_party_may_have_begun_a_new_log(police: Office, bureau: Office) -> None:
    later = Office(police.path.parent, "police")
    later.path = police.path.with_name("police-2.log")
    later.logs("release", 3, 2, ref(period="2026-12", sequence=0))
    bureau.logs("intake", 1, 1, ref()).logs("intake", 5, 2, ref(period="2026-12", sequence=0))
    assert found(police, bureau, later) == found(later, police, bureau)
    assert [status for status, *_ in found(police, bureau, later)] == ["taken_in", "taken_in"]
    assert cross_check([police.entries, later.entries, bureau.entries]).parties == ("police", "bureau")
    assert [status for status, *_ in found(later, bureau)] == ["taken_in", "not_sent"]


def test_an_empty_log_says_nothing(police: Office) -> None:
    assert [item.status for item in cross_check([police.entries, ()]).transfers] == ["unchecked"]
    assert cross_check([]).transfers == ()
