"""The environment that Splink runs in: made once beside the benchmarks, of what ``requirements/quality.txt`` pins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "benchmarks" / ".quality-venv"
_PINS = _ROOT / "requirements" / "quality.txt"


def peer_python(given: Path | None) -> Path:
    """The interpreter to run Splink with: ``given``, or that of the benchmarks' own environment, made if need be."""
    if given is not None:
        return given
    python = _FOLDER / "bin" / "python"
    done = _FOLDER / ".installed"
    pins = _PINS.read_text(encoding="utf-8")
    if done.exists() and done.read_text(encoding="utf-8") == pins:
        return python
    print(f"setting up {_FOLDER.relative_to(_ROOT)} for Splink, once", file=sys.stderr)
    install = [str(python), "-m", "pip", "install", "-q", "-r", str(_PINS)]
    for command in ([sys.executable, "-m", "venv", str(_FOLDER)], install):
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(
                "Splink's environment could not be set up; make one by hand and name its interpreter:\n"
                "  python3 -m venv DIR && DIR/bin/pip install -r requirements/quality.txt\n"
                "  python benchmarks/quality/table.py --peer-python DIR/bin/python"
            )
    done.write_text(pins, encoding="utf-8")
    return python
