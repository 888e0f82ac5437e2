"""A log on disk: appended to by several processes, cut off anywhere, and never of two parties."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import signal
import stat
from pathlib import Path

import pytest
from small_logs import PUBLIC, START, event, sending, sign, write_log

from secure_match.audit import LogHead, files, verify_log
from secure_match.errors import AuditError


def append_many(path: Path, count: int) -> None:
    for number in range(count):
        files.append_event(path, sending(number), time=START, sign=sign if number % 5 == 0 else None)


def append_for_ever(path: Path) -> None:
    append_many(path, 1 << 30)


def test_heads_follow_the_log(tmp_path: Path) -> None:
    path = tmp_path / "police.log"
    assert files.read_head(path) == LogHead(0, "0" * 64)
    first = files.append_event(path, event(), time=START)
    assert first == files.read_head(path)
    second = files.append_event(path, event(), time=START, sign=sign)
    assert second == files.read_head(path)
    third = files.append_checkpoint(path, party="police", operator="林", time=START, sign=sign)
    assert [first.entries, second.entries, third.entries] == [1, 3, 4]
    assert [entry.action for entry in files.read_log(path)] == ["encode", "encode", "checkpoint", "checkpoint"]
    assert verify_log(files.iter_log(path), PUBLIC).signed_entries == 3


def test_a_log_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "police.log"
    files.append_event(path, event(), time=START)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    for mode in (0o640, 0o604, 0o622):
        path.chmod(mode)
        with pytest.raises(AuditError) as caught:
            files.append_event(path, event(), time=START)
        assert (caught.value.code, caught.value.place.file) == ("AUDIT_PERMISSIONS", path)
    assert path.read_bytes() == before


def test_no_link_and_no_folder_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "police.log"
    files.append_event(path, event(), time=START)
    (tmp_path / "link.log").symlink_to(path)
    for other in (tmp_path / "link.log", tmp_path, tmp_path / "nowhere" / "police.log"):
        with pytest.raises(AuditError) as caught:
            files.append_event(other, event(), time=START)
        assert caught.value.code == "FILE_NOT_WRITABLE"
    with pytest.raises(AuditError, match="FILE_NOT_FOUND"):
        files.read_log(tmp_path / "nowhere.log")
    assert len(files.read_log(path)) == 1


def test_party_and_name_are_fixed_by_the_first_entry(tmp_path: Path) -> None:
    path = tmp_path / "police.log"
    files.append_event(path, event(), time=START)
    with pytest.raises(AuditError, match="AUDIT_PARTY"):
        files.append_event(path, event(party="civil"), time=START)
    copy = tmp_path / "copy.log"
    copy.write_bytes(path.read_bytes())
    copy.chmod(0o600)
    with pytest.raises(AuditError, match="begun as police"):
        files.append_event(copy, event(), time=START)
    assert verify_log(files.iter_log(copy)).head == files.read_head(path)


def test_a_log_writes_checkpoints_and_repairs_by_itself(tmp_path: Path) -> None:
    for action in ("checkpoint", "recovered"):
        with pytest.raises(AuditError, match="AUDIT_ENTRY"):
            files.append_event(tmp_path / "police.log", event(action), time=START)


def test_a_refused_event_adds_nothing_and_repairs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "police.log"
    write_log(path, 3)
    path.write_bytes(path.read_bytes() + b'{"torn')
    before = path.read_bytes()
    with pytest.raises(AuditError, match="AUDIT_ENTRY"):
        files.append_event(path, event(details={"name": "赵甲"}), time=START)
    many = tuple(artifact for _ in range(12_000) for artifact in event().inputs)
    with pytest.raises(AuditError, match="1 MiB"):
        files.append_event(path, event(inputs=many), time=START)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["police.log"]


def test_a_log_cut_off_anywhere_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # Two thousand logs; what is synced is tested below.
    whole = tmp_path / "police.log"
    entries = write_log(whole, 3)
    data = whole.read_bytes()
    ends = [0]
    for line in data.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    for size in range(len(data)):
        path = tmp_path / str(size) / "police.log"
        path.parent.mkdir()
        path.write_bytes(data[:size])
        path.chmod(0o600)
        kept = sum(end <= size for end in ends) - 1
        torn = data[ends[kept] : size]
        assert files.read_head(path).entries == kept
        if torn:
            with pytest.raises(AuditError) as caught:
                files.read_log(path)
            assert (caught.value.code, caught.value.place.row) == ("AUDIT_TORN", kept + 1)
        files.append_event(path, event(), time=START)
        after = files.read_log(path)
        verify_log(after)
        assert after[:kept] == entries[:kept]
        assert [item.action for item in after[kept:]] == (["recovered", "encode"] if torn else ["encode"])
        if torn:
            (artifact,) = after[kept].outputs
            assert artifact.name == "police.log.torn-1"
            assert artifact.digest == hashlib.sha256(torn).hexdigest()
            aside = path.with_name(artifact.name)
            assert aside.read_bytes() == torn
            assert stat.S_IMODE(aside.stat().st_mode) == 0o600


def test_a_last_line_with_zero_bytes_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "police.log"
    entries = write_log(path, 3)
    path.write_bytes(path.read_bytes() + b"\0" * 5000 + b'"}\n')
    assert files.read_head(path).entries == 3
    files.append_event(path, event(), time=START)
    assert files.read_log(path)[:3] == entries
    assert len(path.with_name("police.log.torn-1").read_bytes()) == 5003


def test_torn_lines_do_not_take_each_others_place(tmp_path: Path) -> None:
    path = tmp_path / "police.log"
    for number in (1, 2, 3):
        files.append_event(path, event(), time=START)
        path.write_bytes(path.read_bytes() + b"x" * number)
    files.append_event(path, event(), time=START)
    assert [path.with_name(f"police.log.torn-{number}").read_bytes() for number in (1, 2, 3)] == [b"x", b"xx", b"xxx"]
    verify_log(files.iter_log(path))


def test_a_damaged_last_entry_is_not_built_upon(tmp_path: Path) -> None:
    path = tmp_path / "police.log"
    write_log(path, 3)
    data = path.read_bytes()
    for wrong, code in (
        (data.replace("林".encode(), "王".encode()), "AUDIT_CHANGED"),
        (data + b"{}\n", "AUDIT_FORMAT"),
    ):
        path.write_bytes(wrong)
        with pytest.raises(AuditError) as caught:
            files.append_event(path, event(), time=START)
        assert (caught.value.code, caught.value.place.file) == (code, path)
        assert path.read_bytes() == wrong


def test_a_write_that_fails_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "police.log"
    write_log(path, 3)
    before = path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[: len(data) // 2]))
    with pytest.raises(AuditError, match="FILE_NOT_WRITABLE"):
        files.append_event(path, event(), time=START)
    assert path.read_bytes() == before
    monkeypatch.setattr(os, "write", write)

    def no_sync(descriptor: int) -> None:
        raise OSError(errno.EIO, "the disk does not answer")

    monkeypatch.setattr(os, "fsync", no_sync)
    with pytest.raises(AuditError, match="the disk does not answer; nothing was logged"):
        files.append_event(path, event(), time=START)
    assert path.read_bytes() == before


def test_file_and_folder_are_synced_before_an_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "police.log"
    synced: list[int] = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    files.append_event(path, event(), time=START)
    assert synced == [path.stat().st_ino, tmp_path.stat().st_ino]
    files.append_event(path, event(), time=START)
    assert synced[2:] == [path.stat().st_ino]


def test_several_processes_append_at_once(tmp_path: Path) -> None:
    path = tmp_path / "police.log"
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=append_many, args=(path, 50)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    facts = verify_log(files.iter_log(path), PUBLIC)
    assert (facts.head.entries, facts.checkpoints) == (4 * 60, 4 * 10)


def test_what_was_logged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "police.log"
    fork = multiprocessing.get_context("fork")
    for _ in range(8):
        before = files.read_head(path)
        worker = fork.Process(target=append_for_ever, args=(path,))
        worker.start()
        while files.read_head(path).entries < before.entries + 3:
            pass
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
        reached = files.read_head(path)
        files.append_event(path, event(), time=START)
        facts = verify_log(files.iter_log(path), PUBLIC, known=[head for head in (before, reached) if head.entries])
        assert facts.head == files.read_head(path)


def test_a_log_that_was_replaced_while_the_lock_was_waited_for_is_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, moved = tmp_path / "police.log", tmp_path / "police-2025.log"
    files.append_event(path, event(), time=START)
    from secure_match.audit import locked_files

    lock = locked_files._lock

    def late(*args: object, **options: object) -> None:
        monkeypatch.setattr(locked_files, "_lock", lock)
        path.rename(moved)

    monkeypatch.setattr(locked_files, "_lock", late)
    assert files.append_event(path, event(), time=START).entries == 1
    assert (len(files.read_log(path)), len(files.read_log(moved))) == (1, 1)
