"""Fuzzes one reader with Atheris, guided by coverage, and says what it did.

Findings (an exception that is not ours, over 5 s for one input, over 1 GiB) end the run with a file ``crash-...``,
``timeout-...`` or ``oom-...`` in the working folder. New inputs that reached new code are left in ``--found``;
``minimise.py`` chooses the few of them that are worth keeping in ``corpus``.

Example:
    python tests/fuzz/run_atheris.py package --seconds 60 --found found/package
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

with atheris.instrument_imports(include=["secure_match"]):
    from fuzz.seeds import seeds, words
    from fuzz.targets import TARGETS


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: 60)")
    parser.add_argument("--found", type=Path, help="folder for inputs that reached new code (default: none is kept)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder) / "seeds"
        start.mkdir()
        for number, seed in enumerate(seeds(options.target)):
            (start / f"seed-{number:04d}").write_bytes(seed)
        dictionary = Path(folder) / "words"
        dictionary.write_text("".join(f'"{word}"\n' for word in words(options.target)), encoding="ascii")
        found = options.found or Path(folder) / "found"
        found.mkdir(parents=True, exist_ok=True)
        kept = HERE / "corpus" / options.target
        folders = [str(found), *(str(more) for more in (kept, start) if more.is_dir())]
        # 1 GiB is what an input may cost on top of what Python, pyarrow and numba hold before the first one.
        limits = ["-timeout=5", "-rss_limit_mb=1400", "-max_len=65536", f"-artifact_prefix={Path.cwd()}/"]
        effort = [f"-max_total_time={options.seconds}", f"-dict={dictionary}"]
        atheris.Setup([sys.argv[0], *effort, *limits, "-print_final_stats=1", *folders], TARGETS[options.target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
