"""The peer Splink: hands the plaintext of a set to its own environment and takes scored pairs back."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from _measure import ScoredPairs, scored_pairs
from _sets import LinkageSet

RUN = Path(__file__).with_name("_splink_run.py")


def models_of(problem: LinkageSet) -> dict[str, str]:
    """What a line of the table calls a model, and its name in ``_splink_run.py``."""
    if not problem.name.startswith("febrl"):
        return {"as documented": "city"}
    documented = "febrl_one_file" if problem.within else "febrl_two_files"
    return {"as documented": documented, "all fields": "febrl_all_fields"}


def run_splink(problem: LinkageSet, model: str, python: Path) -> tuple[ScoredPairs, float]:
    """Scored pairs, and seconds of training and predicting without the start of Python."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        start = 0
        names = []
        for label, table in problem.files.items():
            names.append(f"{label}.parquet")
            pq.write_table(_with_nulls(table, start), folder / names[-1])
            start += len(table)
        request = {"model": model, "within": problem.within, "files": names}
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        done = subprocess.run([python, RUN, folder], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"Splink ended with {done.returncode}:\n{done.stderr[-2000:]}")
        found = pq.read_table(folder / "pairs.parquet")
        seconds = json.loads((folder / "report.json").read_text(encoding="utf-8"))["seconds"]
    left, right, weight = (found[name].to_numpy() for name in ("left", "right", "weight"))
    return scored_pairs(problem, left, right, weight.astype(np.float64)), seconds


def _with_nulls(table: pa.Table, start: int) -> pa.Table:
    """The columns with nulls for missing values, and the numbers of the rows."""
    columns = {name: pc.if_else(pc.equal(table[name], ""), None, table[name]) for name in table.column_names}
    return pa.table({"row": pa.array(np.arange(start, start + len(table), dtype=np.int64)), **columns})
