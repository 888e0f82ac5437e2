"""Chooses few and small inputs that reach every line of our code that a folder of them reaches.

Example:
    python tests/fuzz/minimise.py package found/package tests/fuzz/corpus/package
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fuzz.targets import TARGETS  # noqa: E402

Lines = frozenset[tuple[str, int, int]]


def steps(target: str, data: bytes) -> Lines:
    """Steps from line to line inside secure_match that an input makes a target take: file, from, to."""
    taken: set[tuple[str, int, int]] = set()
    last: dict[int, int] = {}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        name = frame.f_code.co_filename
        if "secure_match" not in name:
            return None
        if event == "line":
            taken.add((name, last.get(id(frame), 0), frame.f_lineno))
            last[id(frame)] = frame.f_lineno
        return trace

    sys.settrace(trace)
    try:
        TARGETS[target](data)
    finally:
        sys.settrace(None)
    return frozenset(taken)


def chosen(target: str, inputs: list[bytes]) -> list[bytes]:
    """Inputs by size, each kept where it takes a step that no smaller one takes."""
    seen: set[tuple[str, int, int]] = set()
    kept = []
    for data in sorted(set(inputs), key=lambda data: (len(data), data)):
        new = steps(target, data)
        if not new <= seen:
            kept.append(data)
            seen |= new
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("found", type=Path, help="folder of inputs")
    parser.add_argument("corpus", type=Path, help="folder that the chosen ones are put into, beside what is there")
    options = parser.parse_args()
    options.corpus.mkdir(parents=True, exist_ok=True)
    folders = (options.found, options.corpus)
    inputs = [path.read_bytes() for folder in folders for path in sorted(folder.iterdir())]
    for path in options.corpus.iterdir():
        path.unlink()
    for data in chosen(options.target, inputs):
        (options.corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


if __name__ == "__main__":
    main()
