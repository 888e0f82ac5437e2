"""Whatever is done to a log is found, at the right line, and with an error of ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from small_logs import KEY, PUBLIC, digest, ref, sign, write_log

from secure_match.audit import LogHead, files, verify_log
from secure_match.audit._chain import EMPTY_HEAD, checkpoint_bytes
from secure_match.audit._entry import Entry, parse_line
from secure_match.errors import AuditError


@pytest.fixture(name="lines", scope="module")
def _lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    path = tmp_path_factory.mktemp("log") / "police.log"
    write_log(path)
    return path.read_bytes().splitlines(keepends=True)


def verified(tmp_path: Path, lines: Sequence[bytes], **options: object) -> AuditError | None:
    path = tmp_path / "copy.log"
    path.write_bytes(b"".join(lines))
    try:
        verify_log(files.iter_log(path), **options)  # type: ignore[arg-type]
    except AuditError as error:
        return error
    return None


def rehashed(line: bytes, **changes: object) -> bytes:
    """An entry changed by somebody who knows how hashes are made."""
    entry = Entry.model_validate_json(json.dumps(json.loads(line) | changes))
    return entry.model_copy(update={"hash": entry.computed_hash}).canonical_bytes + b"\n"


def test_a_whole_log_verifies(lines: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "copy.log"
    path.write_bytes(b"".join(lines))
    facts = verify_log(files.iter_log(path), PUBLIC)
    entries = files.read_log(path)
    assert facts.head == LogHead(6, entries[-1].hash) == files.read_head(path)
    assert (facts.party, facts.log, facts.checkpoints, facts.signed_entries) == ("police", "police.log", 2, 5)
    assert (facts.first_time, facts.last_time, facts.steps_back) == ("2026-11-23T01:00:00Z", "2026-11-23T01:00:03Z", 0)
    assert facts.sent == {digest(100): 1, digest(101): 2, digest(102): 4, digest(103): 5}
    heads = [EMPTY_HEAD, *(LogHead(entry.number, entry.hash) for entry in entries)]
    assert verify_log(entries, PUBLIC, known=heads) == facts


def test_a_log_without_entries_has_an_empty_head() -> None:
    facts = verify_log([])
    assert (facts.head, facts.party) == (LogHead(0, "0" * 64), "")


def test_every_flipped_byte_is_found_in_its_line(lines: list[bytes], tmp_path: Path) -> None:
    data = b"".join(lines[:4])
    ends = [sum(map(len, lines[: count + 1])) for count in range(4)]
    codes = set()
    for place in range(len(data)):
        for mask in (0x01, 0x20, 0xFF):
            changed = bytearray(data)
            changed[place] ^= mask
            error = verified(tmp_path, [bytes(changed)])
            line = next(number for number, end in enumerate(ends, 1) if place < end)
            assert error is not None, (place, mask)
            assert error.place.row == line, (place, mask)
            codes.add(error.code)
    assert codes == {"AUDIT_FORMAT", "AUDIT_CHANGED", "AUDIT_TORN"}


def test_every_removed_line_is_found(lines: list[bytes], tmp_path: Path) -> None:
    for place in range(len(lines) - 1):
        error = verified(tmp_path, lines[:place] + lines[place + 1 :])
        assert error is not None
        assert (error.code, error.place.row) == ("AUDIT_ORDER", place + 1)
        assert f"entry {place + 1} is missing here" in str(error)


def test_every_run_of_lines_cut_off_at_the_front_is_found(lines: list[bytes], tmp_path: Path) -> None:
    for cut in range(2, len(lines)):
        error = verified(tmp_path, lines[cut:])
        assert error is not None
        assert (error.code, error.place.row) == ("AUDIT_ORDER", 1)
        assert f"entries 1 to {cut} are missing here" in str(error)


def test_every_duplicated_and_every_inserted_line_is_found(lines: list[bytes], tmp_path: Path) -> None:
    for source in range(len(lines)):
        for place in range(len(lines) + 1):
            error = verified(tmp_path, [*lines[:place], lines[source], *lines[place:]])
            assert error is not None
            first_wrong = place + 2 if place == source else place + 1
            assert (error.code, error.place.row) == ("AUDIT_ORDER", first_wrong)


def test_every_two_swapped_lines_are_found(lines: list[bytes], tmp_path: Path) -> None:
    for low in range(len(lines)):
        for high in range(low + 1, len(lines)):
            swapped = list(lines)
            swapped[low], swapped[high] = swapped[high], swapped[low]
            error = verified(tmp_path, swapped)
            assert error is not None
            assert (error.code, error.place.row) == ("AUDIT_ORDER", low + 1)


def test_one_entry_hashed_anew_breaks_the_chain_behind_it(lines: list[bytes], tmp_path: Path) -> None:
    for place in range(len(lines) - 1):
        error = verified(tmp_path, [*lines[:place], rehashed(lines[place], operator="王"), *lines[place + 1 :]])
        assert error is not None
        assert (error.code, error.place.row) == ("AUDIT_CHAIN", place + 2)


def written_anew(lines: Sequence[bytes], begin: int, **changes: object) -> list[bytes]:
    """All lines from one on, the first changed, with every number and hash right again."""
    result = list(lines[:begin])
    previous = json.loads(lines[begin])["previous"]
    for number, line in enumerate(lines[begin:], begin + 1):
        result.append(rehashed(line, previous=previous, number=number, **(changes if number == begin + 1 else {})))
        previous = json.loads(result[-1])["hash"]
    return result


def test_a_log_written_anew_is_found_by_signature_and_by_known_head_only(lines: list[bytes], tmp_path: Path) -> None:
    forged = written_anew(lines, 1, operator="王")
    assert verified(tmp_path, forged) is None
    error = verified(tmp_path, forged, public_key=PUBLIC)
    assert error is not None
    assert (error.code, error.place.row) == ("AUDIT_SIGNATURE", 3)
    known = [LogHead(2, json.loads(lines[1])["hash"])]
    error = verified(tmp_path, forged, known=known)
    assert error is not None
    assert (error.code, error.place.row) == ("AUDIT_HEAD", 2)


def test_a_log_that_lost_its_end_is_found_by_a_known_head_only(lines: list[bytes], tmp_path: Path) -> None:
    known = [LogHead(6, json.loads(lines[5])["hash"])]
    for keep in range(len(lines)):
        assert verified(tmp_path, lines[:keep]) is None
        error = verified(tmp_path, lines[:keep], known=known)
        assert error is not None
        assert (error.code, error.place.row) == ("AUDIT_TRUNCATED", keep)


def test_a_log_without_any_checkpoint_proves_nothing_to_a_key(lines: list[bytes], tmp_path: Path) -> None:
    error = verified(tmp_path, lines[:2], public_key=PUBLIC)
    assert error is not None
    assert error.code == "AUDIT_UNSIGNED"
    assert verified(tmp_path, lines[:2]) is None


def test_two_heads_of_one_length_are_a_fork(lines: list[bytes], tmp_path: Path) -> None:
    error = verified(tmp_path, lines, known=[LogHead(9, digest(1)), LogHead(9, digest(2))])
    assert error is not None
    assert error.code == "AUDIT_HEAD"


def test_another_partys_entry_is_found(lines: list[bytes], tmp_path: Path) -> None:
    for change in ({"party": "civil"}, {"log": "other.log"}):
        error = verified(tmp_path, written_anew(lines, 2, **change))
        assert error is not None
        assert (error.code, error.place.row) == ("AUDIT_PARTY", 3)


def test_a_signature_is_bound_to_party_log_and_head(lines: list[bytes]) -> None:
    entry = parse_line(lines[2][:-1], 3)
    head = LogHead(2, entry.previous)
    right = base64.b64decode(str(entry.signature))
    assert right == sign(checkpoint_bytes(head, party="police", log="police.log"))
    for wrong in (
        sign(checkpoint_bytes(head, party="civil", log="police.log")),
        sign(checkpoint_bytes(head, party="police", log="other.log")),
        sign(checkpoint_bytes(LogHead(1, entry.previous), party="police", log="police.log")),
        KEY.sign(b"secure_match/v1/manifest\n" + checkpoint_bytes(head, party="police", log="police.log")),
    ):
        assert wrong != right


def test_lines_are_chained_by_hash(lines: list[bytes]) -> None:
    entries = [json.loads(line) for line in lines]
    assert [entry["number"] for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert all(right["previous"] == left["hash"] for left, right in pairwise(entries))


def test_a_package_is_hashable_and_equal_by_content() -> None:
    assert {ref(): 1}[ref()] == 1
