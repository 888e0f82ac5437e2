"""Reads the fenced blocks of a document and runs its ``console`` blocks like a reader would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_RUN_CODES = """
import json, sys, traceback

results = {}
for name, code in json.loads(sys.stdin.read()).items():
    results[name] = ""
    try:
        exec(compile(code, name, "exec"), {"__name__": "__main__"})
    except BaseException:
        results[name] = traceback.format_exc()
print()
print(json.dumps(results))
"""
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command and the output that the document shows for it; ``…`` stands for anything inside a line or for lines."""

    command: str
    shown: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        """Whether the document says that the command fails with an error of ours."""
        return bool(self.shown) and self.shown[0].startswith("error: ")


def blocks(document: Path, *languages: str) -> list[str]:
    """Contents of the fenced blocks in these languages, in order."""
    return [body for language, body in _FENCE.findall(document.read_text(encoding="utf-8")) if language in languages]


def steps(document: Path) -> list[Step]:
    """All commands of the ``console`` blocks of a document, in order."""
    result = []
    for block in blocks(document, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            while command.endswith("\\"):
                command = command[:-1] + shown.pop(0).strip()
            result.append(Step(command=command, shown=tuple(shown)))
    return result


def run_document(document: Path, directory: Path) -> list[str]:
    """Run the console blocks in a directory that has ``examples``; return what differs from the document."""
    link = directory / "examples"
    if not link.exists():
        link.symlink_to(REPOSITORY / "examples")
    return [problem for step in steps(document) if (problem := _run(step, directory))]


def run_python(codes: dict[str, str], directory: Path) -> dict[str, str]:
    """Run the code of several documents in one process; return what each raised, empty where nothing was."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN_CODES],
        input=json.dumps(codes),
        cwd=directory,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return dict.fromkeys(codes, done.stderr)
    results: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return results


def demo_output(directory: Path, arguments: str) -> str:
    """What the demo prints."""
    done = subprocess.run(
        ["bash", "-c", f"secure-match demo {arguments}"],
        cwd=directory,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def matches(shown: tuple[str, ...], output: str) -> bool:
    """Whether an output is what a document shows."""
    pattern = ""
    for line in shown:
        if line == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split("…")) + r"\n"
    return re.fullmatch(pattern, output.removeprefix("\ufeff")) is not None


def _run(step: Step, directory: Path) -> str:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", step.command],
        cwd=directory,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    expected_status = 2 if step.is_refused else 0
    if done.returncode != expected_status:
        return f"$ {step.command}\nexit status {done.returncode}, not {expected_status}\n{done.stdout}"
    if step.shown and not matches(step.shown, done.stdout):
        return f"$ {step.command}\nprints\n{done.stdout}\nnot\n" + "\n".join(step.shown)
    return ""


def _environment() -> dict[str, str]:
    commands = str(Path(sys.executable).parent)
    return os.environ | {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        # Where a document makes this file, it is what unlocks identities; a reader types a passphrase instead.
        "SECURE_MATCH_PASSPHRASE_FILE": "passphrase",
    }
