"""What a fuzzer found worth keeping, and what it starts from, through every reader: our errors or none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from fuzz.seeds import seeds, words
from fuzz.targets import TARGETS

_CORPUS: Final = Path(__file__).parent / "corpus"
_MOST_BYTES: Final = 300 << 10


@pytest.mark.parametrize("name", TARGETS)
def test_replayed(name: str) -> None:
    folder = _CORPUS / name
    inputs = [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []
    for data in [b"", b"\x00", *seeds(name), *inputs]:
        TARGETS[name](data)
    assert words(name)


def test_corpus_is_small_and_each_folder_has_its_target() -> None:
    assert sum(path.stat().st_size for path in _CORPUS.rglob("*") if path.is_file()) < _MOST_BYTES
    assert {path.name for path in _CORPUS.iterdir()} <= set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_right_inputs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fuzzer that starts from refused inputs never gets far."""
    refused = []

    def strict(call: object) -> None:
        try:
            call()  # type: ignore[operator]
        except Exception as error:
            refused.append(error)

    monkeypatch.setattr("fuzz.targets._ours", strict)
    for seed in seeds(name):
        TARGETS[name](seed)
    assert refused == []
