"""An installation that can be written nowhere still computes: the compiled code is then not cached."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from secure_match import kernels

PROGRAM = """
import numpy as np
from secure_match import kernels
print(kernels.__file__)
words = kernels.pack_words(np.array([[1], [3]], dtype=np.uint8))
print(*(column.tolist() for column in kernels.dice_pairs(words, None, threshold=0.5)))
"""


def test_kernels_work_where_no_cache_can_be_written(tmp_path: Path) -> None:
    source = Path(str(kernels.__file__)).parent
    copy = tmp_path / "secure_match" / "kernels"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "secure_match" / "__init__.py").touch()
    # A file where the cache folder would stand is in the way of root too, unlike a permission.
    (copy / "__pycache__").touch()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "XDG_"))}
    environment |= {"PYTHONPATH": str(tmp_path), "HOME": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    assert answer.stderr == ""
    assert answer.stdout.splitlines() == [str(copy / "__init__.py"), "[0] [1] [0.6666666666666666]"]
