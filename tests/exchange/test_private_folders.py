"""Folders for plain contents: their owner's alone, gone with the block, and with the next one after a kill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from secure_match.errors import PackageError
from secure_match.exchange.private_folders import ROOT_NAME, private_folder, remove_leftovers

HOLD: Final = """
import sys
from pathlib import Path
from secure_match.exchange.private_folders import private_folder

with private_folder(Path(sys.argv[1])) as folder:
    (folder / "plain").write_bytes(b"plain content")
    print("held", flush=True)
    sys.stdin.read()
"""

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="without flock nothing tells who holds a folder")


def holder(parent: Path) -> subprocess.Popen[bytes]:
    """A process that holds a folder with a plain file in it."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_folder_is_private_and_ends_with_its_block(tmp_path: Path) -> None:
    with private_folder(tmp_path) as one, private_folder(tmp_path) as other:
        assert one != other
        assert list(one.iterdir()) == []
        (one / "held").write_bytes(b"a content may have any name")
        for folder in (tmp_path / ROOT_NAME, one, one.parent):
            assert sys.platform == "win32" or folder.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_an_error_ends_it_too(tmp_path: Path) -> None:
    def fail() -> None:
        with private_folder(tmp_path) as folder:
            (folder / "plain").write_bytes(b"plain content")
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert list(tmp_path.iterdir()) == []


@posix_only
@pytest.mark.parametrize("sweeping", ["a next folder", "a start"])
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_holds_is_kept(
    sweeping: str, tmp_path: Path
) -> None:
    killed, living = holder(tmp_path), holder(tmp_path)
    killed.kill()
    killed.communicate()
    assert len(list(tmp_path.rglob("plain"))) == 2
    if sweeping == "a start":
        remove_leftovers(tmp_path)
    else:
        with private_folder(tmp_path):
            pass
    left = list((tmp_path / ROOT_NAME).glob("*/content/plain"))
    assert [path.parents[1].name.partition("-")[0] for path in left] == [str(living.pid)]
    living.communicate(b"")
    assert living.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_start_makes_nothing(tmp_path: Path) -> None:
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


@posix_only
@pytest.mark.parametrize("shape", ["others read it", "a link"])
def test_a_root_that_is_not_its_owners_alone_is_refused(shape: str, tmp_path: Path) -> None:
    elsewhere, root = tmp_path / "elsewhere", tmp_path / ROOT_NAME
    (elsewhere / "kept").mkdir(parents=True)
    elsewhere.chmod(0o700 if shape == "a link" else 0o755)
    if shape == "a link":
        root.symlink_to(elsewhere)
    else:
        elsewhere = elsewhere.rename(root)
    with pytest.raises(PackageError) as caught, private_folder(tmp_path):
        pass
    assert caught.value.code == "FILE_NOT_WRITABLE"
    remove_leftovers(tmp_path)
    assert (elsewhere / "kept").is_dir()


def test_no_place_for_a_folder_is_an_error_with_a_code(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as caught, private_folder(tmp_path / "none"):
        pass
    assert caught.value.code == "FILE_NOT_WRITABLE"
