"""A run that is killed anywhere goes on with ``resume`` and finds the same, byte for byte."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bureau.hand_rows import AGREEMENT, agreement_text, encode, person
from integration.road import python
from secure_match.bureau.stations import LinkOptions, link_packages
from secure_match.bureau.work_files import WORK_NAME
from secure_match.encoded.files import write_dataset
from secure_match.errors import LinkageError, PackageError, SecureMatchError

ROUNDS = 10
# A process that links once, so that all is compiled, and then forks: each child links and kills itself at the n-th
# event. Events are the reports of progress, both sides of every rename, and the middle of every array that is written.
_KILLER = """
import json, os, random, signal, sys, traceback
from pathlib import Path
import numpy as np
from secure_match.agreement.files import read_agreement
from secure_match.bureau import stations

root, rounds = Path(sys.argv[1]), int(sys.argv[2])
agreement = read_agreement(root / "agreement.toml")
packages = sorted(root.glob("*.smp"))
stations.link_packages(agreement, packages, root / "warm", clock=lambda: 0.0, threads=1)

def run(out, resume, kill_at):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    seen = 0
    def event(*_):
        nonlocal seen
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1
    replace, write_array = Path.replace, np.lib.format.write_array
    def replaced(self, target):
        event()
        replace(self, target)
        event()
    def half_written(stream, array, **options):
        stream.write(b"half of an array")
        stream.flush()
        event()
        stream.seek(0)
        write_array(stream, array, **options)
    Path.replace, np.lib.format.write_array = replaced, half_written
    try:
        options = stations.LinkOptions(resume=resume, share=event)
        _, _, summary = stations.link_packages(
            agreement, packages, out, clock=lambda: 0.0, threads=1, progress=event, options=options)
        (root / "last.json").write_text(json.dumps([seen, summary["resumed_steps"]]))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

assert run(root / "whole", False, -1) == 0
events = json.loads((root / "last.json").read_text())[0]
chance = random.Random(11)
done = []
for number in range(rounds):
    out = root / f"run{number}"
    first, second = chance.randrange(events), chance.randrange(events)
    statuses = [run(out, False, first), run(out, True, second), run(out, True, -1)]
    done.append([statuses, json.loads((root / "last.json").read_text())[1]])
print(json.dumps([events, done]))
"""


def some_packages(folder: Path, seed: int = 3) -> list[Path]:
    """Three packages with links by token, links by passes, possible links, and the agreement beside them."""
    random = Random(seed)
    names = ["张三", "李四", "王五", "欧阳震华", "欧阳震化", "张三丰"]
    paths = []
    for dataset, more in (
        ("population", {"status": "1"}),
        ("employee_medical", {"first_month": "202601", "last_month": None}),
        ("resident_medical", {"first_month": "202601", "last_month": None}),
    ):
        rows = [
            person(
                random.randrange(20),
                random.choice(names),
                random.choice(["19900101", "19900102", "20000101"]),
                known=random.random() < 0.7,
                row_key=f"k{place}",
                **more,
            )
            for place in range(40)
        ]
        paths.append(folder / f"{dataset}.smp")
        write_dataset(encode(dataset, rows), paths[-1])
    (folder / "agreement.toml").write_text(agreement_text(), encoding="utf-8")
    return paths


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".smf", ".parquet"}}


def test_killed_anywhere_and_resumed_finds_the_same(tmp_path: Path) -> None:
    some_packages(tmp_path)
    done = python(_KILLER, tmp_path, str(ROUNDS), cwd=tmp_path)
    assert done.status == 0, done.error
    events, rounds = json.loads(done.out)
    assert events > 40
    expected = results(tmp_path / "whole")
    assert len(expected) == 4
    assert len(rounds) == ROUNDS
    for number, (statuses, _) in enumerate(rounds):
        out = tmp_path / f"run{number}"
        assert statuses[0] == -9
        # The second kill may lie behind the end of what was left to do.
        assert statuses[1] in {-9, 0}
        assert statuses[2] == 0
        assert results(out) == expected
        assert not (out / WORK_NAME).exists()
    assert any(resumed for _, resumed in rounds), "no round took up a finished step"


class Stopped(BaseException):
    """Stands for Ctrl-C."""


def link_until(packages: list[Path], out: Path, step: str | None, **options: Any) -> dict[str, Any]:
    def progress(name: str) -> None:
        if name == step:
            raise Stopped

    chosen = LinkOptions(**options)
    return link_packages(AGREEMENT, packages, out, clock=lambda: 0.0, progress=progress, options=chosen)[2]


@pytest.fixture
def packages(tmp_path: Path) -> list[Path]:
    return some_packages(tmp_path)


@pytest.fixture
def stopped(packages: list[Path], tmp_path: Path) -> Path:
    """A run that was stopped when all steps that are kept were finished."""
    out = tmp_path / "stopped"
    with pytest.raises(Stopped):
        link_until(packages, out, "clusters")
    return out


def test_what_a_stopped_run_leaves(stopped: Path) -> None:
    work = stopped / WORK_NAME
    assert [path.name for path in stopped.iterdir()] == [WORK_NAME]
    assert work.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in work.iterdir()} == {0o600}
    assert {path.name for path in work.iterdir()} == {
        "state.json",
        *(f"pass-{name}.{array}.npy" for name in ("birth", "name", "phone") for array in ("pairs", "blocks")),
        *(f"evidence-{name}.similarity.npy" for name in ("birth", "name", "phone")),
    }


def test_resume_equals_a_run_without_interruption(stopped: Path, packages: list[Path], tmp_path: Path) -> None:
    notes: list[str] = []
    resumed = link_until(packages[::-1], stopped, None, resume=True, note=notes.append)
    whole = link_until(packages, tmp_path / "whole", None)
    assert notes == ["resuming an unfinished run: 6 finished steps are kept"]
    assert resumed.pop("resumed_steps") == [
        *(f"pass-{name}" for name in ("birth", "name", "phone")),
        *(f"evidence-{name}" for name in ("birth", "name", "phone")),
    ]
    assert whole.pop("resumed_steps") == []
    assert resumed == whole
    assert results(stopped) == results(tmp_path / "whole")


def test_without_resume_an_unfinished_run_is_named_and_removed(stopped: Path, packages: list[Path]) -> None:
    notes: list[str] = []
    (stopped / WORK_NAME / "foreign").write_text("")
    summary = link_until(packages, stopped, None, note=notes.append)
    assert summary["resumed_steps"] == []
    assert len(notes) == 1
    assert notes[0].startswith("an unfinished run was found and removed")
    assert not (stopped / WORK_NAME).exists()


def test_nothing_to_resume_begins_from_the_start(packages: list[Path], tmp_path: Path) -> None:
    notes: list[str] = []
    link_until(packages, tmp_path / "run", None, resume=True, note=notes.append)
    assert notes == ["there is no unfinished run to resume; beginning from the start"]


def code_of(packages: list[Path], out: Path, agreement: Any = AGREEMENT) -> tuple[str, str]:
    with pytest.raises(SecureMatchError) as caught:
        link_packages(agreement, packages, out, clock=lambda: 0.0, options=LinkOptions(resume=True))
    return caught.value.code, caught.value.message


def test_another_input_is_refused_and_nothing_is_lost(stopped: Path, packages: list[Path], tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in (stopped / WORK_NAME).iterdir()}
    assert code_of(packages[:2], stopped)[0] == "RESUME_MISMATCH"
    other = tmp_path / "other"
    other.mkdir()
    changed = some_packages(other, seed=4)
    code, message = code_of([*packages[:2], changed[2]], stopped)
    assert code == "RESUME_MISMATCH"
    assert "other packages (resident_medical)" in message
    assert {path.name: path.read_bytes() for path in (stopped / WORK_NAME).iterdir()} == before


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("tool", "secure_match 0.0.1", "RESUME_MISMATCH"),
        ("agreement_fingerprint", "0" * 64, "RESUME_MISMATCH"),
        ("format_version", 2, "WORK_DAMAGED"),
        ("unknown", 1, "WORK_DAMAGED"),
        ("steps", {"../x": {"counts": {}, "arrays": {}}}, "WORK_DAMAGED"),
    ],
)
def test_another_state_is_refused(key: str, value: object, code: str, stopped: Path, packages: list[Path]) -> None:
    state = stopped / WORK_NAME / "state.json"
    state.write_text(json.dumps(json.loads(state.read_text(encoding="utf-8")) | {key: value}), encoding="utf-8")
    assert code_of(packages, stopped)[0] == code


def test_a_damaged_array_is_computed_again(stopped: Path, packages: list[Path], tmp_path: Path) -> None:
    work = stopped / WORK_NAME
    (work / "pass-name.pairs.npy").write_bytes(b"damaged")
    (work / "evidence-birth.similarity.npy").unlink()
    summary = link_until(packages, stopped, None, resume=True)
    assert summary["resumed_steps"] == ["pass-birth", "pass-phone", "evidence-name", "evidence-phone"]
    link_until(packages, tmp_path / "whole", None)
    assert results(stopped) == results(tmp_path / "whole")


def test_a_package_that_changes_while_it_is_linked_is_refused(packages: list[Path], tmp_path: Path) -> None:
    for step in ("pass name", "findings"):

        def touch(name: str, step: str = step) -> None:
            if name == step:
                os.utime(packages[0], ns=(1, 1))

        out = tmp_path / "run"
        with pytest.raises(PackageError) as caught:
            link_packages(AGREEMENT, packages, out, clock=lambda: 0.0, progress=touch)
        assert (caught.value.code, caught.value.place.file) == ("PACKAGE_CHANGED", packages[0])
        assert list(out.iterdir()) == []
        os.utime(packages[0])


def test_a_limit_of_memory_refuses_before_anything_is_made(packages: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(LinkageError) as caught:
        link_until(packages, out, None, memory_limit_bytes=100 << 20)
    assert caught.value.code == "MEMORY_PLAN"
    assert not out.exists()
    summary = link_until(packages, out, None, memory_limit_bytes=8 << 30, peak_bytes=lambda: 5)
    assert summary["memory"]["limit_bytes"] == 8 << 30
    assert summary["memory"]["measured_peak_bytes"] == 5
