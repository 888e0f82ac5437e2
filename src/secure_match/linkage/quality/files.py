"""ENCODED: the files of an evaluation: a run's pairs and a truth file in; JSON, a page and plots out.

Invariants: an earlier evaluation is replaced and no other file; files appear whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from secure_match.encoded.files import atomic_writer, open_to_read, verify_writable
from secure_match.errors import LinkageError, PackageError, Place, UsageError, located
from secure_match.linkage.quality._implied import with_implied_pairs
from secure_match.linkage.quality._json import FORMAT
from secure_match.linkage.quality._judging import PairEvidence, PairTruth, PersonTruth, pair_keys
from secure_match.linkage.quality._pair_quality import BoolArray, IntArray
from secure_match.linkage.quality._pair_tables import PairColumns, cluster_columns, pair_columns, wanted_columns
from secure_match.linkage.quality._row_numbers import number_rows
from secure_match.linkage.quality._truth_columns import line_of_record
from secure_match.linkage.quality._truth_csv import PairRows, PersonRows, parse_truth

Judgeable = tuple[PairEvidence, PersonTruth | PairTruth, IntArray | None]
_HEAD_BYTES: Final = 1 << 12
_ROW_AGAIN: Final = "an earlier record names the same row; name each once"
_PAIR_AGAIN: Final = "an earlier record names the same two rows, or both are one; name each pair once"


def read_evaluation(pairs: Path, truth: Path, *, clusters: Path | None = None, score: str | None = None) -> Judgeable:
    """Read what :func:`evaluate` takes: pairs, truth, and the cluster of each row or None.

    Args:
        pairs: a run's ``links.parquet``.
        truth: CSV by person or by pair.
        clusters: Parquet with ``dataset``, ``handle`` and ``cluster``; a row that it lacks is a cluster of its own.
        score: the column that thresholds are tried on.

    Raises:
        PackageError: ``FILE_NOT_FOUND``.
        UsageError: ``THRESHOLD_COLUMN``.
        LinkageError: ``PARQUET_DAMAGED``, ``PAIRS_COLUMN``, ``PAIRS_REPEATED``, ``PAIRS_CROWDED``,
            ``TRUTH_HEADER``, ``TRUTH_ROW``, ``TRUTH_EMPTY``, ``TRUTH_VALUE``, ``TRUTH_REPEATED``, ``CLUSTERS_COLUMN``,
            ``CLUSTERS_REPEATED``, each with the file.
    """
    with located(truth), open_to_read(truth) as stream:
        said = parse_truth(stream)
    with located(pairs):
        columns = pair_columns(_read_parquet(pairs, score), score)
    first = [said.rows] if isinstance(said, PersonRows) else [said.left, said.right]
    sides = [*first, columns.left, columns.right]
    members: IntArray | None = None
    if clusters is not None:
        with located(clusters):
            names, members = cluster_columns(_read_parquet(clusters, None, all_columns=True))
        sides.append(names)
    numbers, num_rows = number_rows(sides)
    row_i, row_j = numbers[len(first) : len(first) + 2]
    with located(pairs):
        again = _first_repeated(pair_keys(row_i, row_j, num_rows), row_i == row_j)
        if again is not None:
            raise LinkageError(_PAIR_AGAIN, code="PAIRS_REPEATED", place=Place(row=again + 1))
        evidence = with_implied_pairs(_evidence(columns, row_i, row_j, num_rows))
    with located(truth):
        known = _known(said, numbers, num_rows, truth)
    labels: IntArray | None = None
    if members is not None and clusters is not None:
        with located(clusters):
            again = _first_repeated(numbers[-1])
            if again is not None:
                raise LinkageError(_ROW_AGAIN, code="CLUSTERS_REPEATED", place=Place(row=again + 1))
        # Rows that the table lacks get numbers behind its own.
        labels = np.arange(num_rows, dtype=np.int64) + num_rows
        labels[numbers[-1]] = members
    return evidence, known, labels


def _evidence(columns: PairColumns, row_i: IntArray, row_j: IntArray, num_rows: int) -> PairEvidence:
    return PairEvidence(
        row_i=row_i,
        row_j=row_j,
        num_rows=num_rows,
        decision=columns.decision,
        refused=columns.refused,
        token_state=columns.token_state,
        token_states=columns.token_states,
        compared=columns.compared,
        score=columns.score,
        score_name=columns.score_name,
        probability=columns.probability,
        reviewed=columns.reviewed,
    )


def _known(said: PersonRows | PairRows, numbers: list[IntArray], num_rows: int, path: Path) -> PersonTruth | PairTruth:
    """The truth with its rows as numbers.

    Raises:
        LinkageError: ``TRUTH_REPEATED``.
    """
    by_person = isinstance(said, PersonRows)
    one, two = numbers[0], numbers[1]
    again = _first_repeated(one) if by_person else _first_repeated(pair_keys(one, two, num_rows), one == two)
    if again is not None:
        with open_to_read(path) as stream:
            line = line_of_record(stream, again)
        raise LinkageError(_ROW_AGAIN if by_person else _PAIR_AGAIN, code="TRUTH_REPEATED", place=Place(row=line))
    if isinstance(said, PersonRows):
        return PersonTruth(person=said.person, errors=said.errors, kinds=said.kinds, has_errors=said.has_errors)
    return PairTruth(row_i=one, row_j=two, is_match=said.is_match)


def _read_parquet(path: Path, score: str | None, *, all_columns: bool = False) -> pa.Table:
    table: pa.Table | None = None
    with open_to_read(path) as stream:
        try:
            file = pq.ParquetFile(stream)
            table = file.read(columns=None if all_columns else wanted_columns(file.schema_arrow, score))
        except (pa.ArrowException, OSError):
            table = None
    if table is None:
        raise LinkageError("this is no Parquet file, or it is damaged", code="PARQUET_DAMAGED")
    return table


def _first_repeated(keys: IntArray, also: BoolArray | None = None) -> int | None:
    """The first record whose key an earlier one has, or that is wrong itself; None if each stands once."""
    wrong = np.zeros(len(keys), dtype=np.bool_) if also is None else also
    ranked = np.sort(keys)
    if (ranked[1:] == ranked[:-1]).any():
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        wrong = wrong | (first[inverse] != np.arange(len(keys)))
    places = np.flatnonzero(wrong)
    return int(places[0]) if len(places) else None


def verify_report_outputs(directory: Path, names: Sequence[str], mark: str = FORMAT) -> None:
    """Check, before any work, that the files of a report can be put into a directory, which may not be there yet.

    Args:
        mark: name of the report's format: what holds it may be replaced.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
        UsageError: ``FILE_EXISTS`` for a file that no such report wrote.
    """
    if directory.exists() and not directory.is_dir():
        raise PackageError("this is a file; name a directory", code="FILE_NOT_WRITABLE", place=Place(file=directory))
    for name in names if directory.exists() else []:
        path = directory / name
        verify_writable(path)
        if path.exists():
            with open_to_read(path) as stream:
                ours = mark.encode() in stream.read(_HEAD_BYTES)
            if not ours:
                raise UsageError(
                    "this file is of another kind; name another directory", code="FILE_EXISTS", place=Place(file=path)
                )


def write_report(directory: Path, json_name: str, content: dict[str, Any], texts: Mapping[str, str]) -> None:
    """Write a report's JSON and some text files into a directory that was checked; make it if it is not there.

    Args:
        texts: file name to text; an empty one says that an earlier report's file has to go.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    problem = ""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = error.strerror or "cannot be made"
    if problem:
        raise PackageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=directory))
    whole = {json_name: json.dumps(content, ensure_ascii=False, indent=2) + "\n", **texts}
    for name, text in whole.items():
        if not text:
            (directory / name).unlink(missing_ok=True)
            continue
        with atomic_writer(directory / name) as stream:
            stream.write(text.encode())
