"""ENCODED: a finished run as clerical review reads it: its agreement, its pairs, its queue.

Invariant: a run directory is read and never written to; its pairs are gone through some at a time.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from secure_match.agreement.strict import StrictModel
from secure_match.bureau.files import LINKS_NAME, STAKES_NAME, SUMMARY_NAME
from secure_match.bureau.review_pairs import LINK_COLUMNS, id_texts, pair_words, queue_of
from secure_match.encoded.files import open_to_read
from secure_match.encoded.manifest import HexDigest, Identifier
from secure_match.errors import LinkageError, Place, UsageError

BoolArray = npt.NDArray[np.bool_]

_PAIR: Final = re.compile(r"p([0-9a-f]{12})")
_NEEDED: Final = frozenset(LINK_COLUMNS) - {"match_weight", "match_probability", "reviewed"}
_EMPTY: Final = {"match_weight": pa.float64(), "match_probability": pa.float64(), "reviewed": pa.string()}


class RunAgreement(StrictModel):
    """The agreement of a run, as its summary names it."""

    id: Identifier
    fingerprint: HexDigest


def read_run_agreement(run: Path) -> RunAgreement:
    """The agreement under which a run was made.

    Raises:
        PackageError: ``FILE_NOT_FOUND``.
        LinkageError: ``RUN_FORMAT``.
    """
    path = run / SUMMARY_NAME
    with open_to_read(path) as stream:
        data = stream.read()
    found: RunAgreement | None = None
    with contextlib.suppress(ValueError, KeyError, TypeError, ValidationError):
        found = RunAgreement.model_validate(json.loads(data)["agreement"])
    if found is None:
        raise LinkageError("this is not the summary of a run", code="RUN_FORMAT", place=Place(file=path))
    return found


def iter_links(run: Path) -> Iterator[pa.Table]:
    """The pairs of a run, some at a time, in the file's order; columns that old runs lack are there and null.

    Raises:
        PackageError: ``FILE_NOT_FOUND``.
        LinkageError: ``RUN_FORMAT``.
    """
    path = run / LINKS_NAME
    with _open_parquet(path) as file:
        if not set(file.schema_arrow.names) >= _NEEDED:
            raise LinkageError("these are not the pairs of a run", code="RUN_FORMAT", place=Place(file=path))
        yield _complete(file.schema_arrow.empty_table())
        for group in range(file.num_row_groups):
            yield _complete(_read_group(file, group, path))


@contextlib.contextmanager
def _open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file that is closed at the end of the block."""
    with open_to_read(path):
        pass
    file: pq.ParquetFile | None = None
    with contextlib.suppress(pa.ArrowException, OSError, ValueError):
        file = pq.ParquetFile(path, memory_map=True)
    if file is None:
        raise LinkageError("this is not a file of a run", code="RUN_FORMAT", place=Place(file=path))
    with file:
        yield file


def _read_group(file: pq.ParquetFile, group: int, path: Path) -> pa.Table:
    table: pa.Table | None = None
    with contextlib.suppress(pa.ArrowException, OSError, ValueError):
        # In this thread: the library's own outlive the command, and its end can then abort the process.
        table = file.read_row_group(group, use_threads=False)
    if table is None:
        raise LinkageError("the file cannot be read to the end", code="RUN_FORMAT", place=Place(file=path))
    return table


def _complete(table: pa.Table) -> pa.Table:
    """Text in place of dictionaries, whose codes differ from part to part; and every column of ``LINK_COLUMNS``."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(field.type.value_type))
    for name, kind in _EMPTY.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, kind))
    return table


def read_queue(run: Path) -> pa.Table:
    """The queue of a run; see ``queue_of``.

    Raises:
        PackageError, LinkageError: as :func:`iter_links`.
    """
    return queue_of(iter_links(run), _read_stakes(run))


def _read_stakes(run: Path) -> dict[str, int] | None:
    """Pair id to the findings that hang on the pair; None where an older run did not say."""
    path = run / STAKES_NAME
    if not path.is_file():
        return None
    with _open_parquet(path) as file:
        if file.schema_arrow.names != ["pair", "findings"]:
            raise LinkageError("this is not a run's list of stakes", code="RUN_FORMAT", place=Place(file=path))
        groups = [_read_group(file, group, path) for group in range(file.num_row_groups)]
    table = pa.concat_tables([file.schema_arrow.empty_table(), *groups])
    return dict(zip(table["pair"].to_pylist(), table["findings"].to_pylist(), strict=True))


def find_pairs(run: Path, pairs: Sequence[str]) -> pa.Table:
    """The pairs of those ids that the run has, in the queue or not, with a column ``pair``, in the file's order.

    Raises:
        PackageError, LinkageError: as :func:`iter_links`.
    """
    matches = [_PAIR.fullmatch(pair) for pair in pairs]
    wanted = np.array([int(found[1], 16) for found in matches if found is not None], dtype=np.uint64)
    parts = []
    for table in iter_links(run):
        words = pair_words(table)
        here = np.isin(words, wanted)
        ids = pa.array(id_texts(words[here]), pa.string())
        parts.append(table.filter(pa.array(here)).append_column("pair", ids))
    return pa.concat_tables(parts)


def find_pair(run: Path, pair: str) -> pa.Table:
    """The one pair of that id, a table of one row, as :func:`find_pairs` gives it.

    Raises:
        UsageError: ``PAIR_UNKNOWN``, or ``PAIR_AMBIGUOUS`` for an id that two pairs share.
        PackageError, LinkageError: as :func:`iter_links`.
    """
    table = find_pairs(run, [pair])
    if table.num_rows != 1:
        raise pair_error(table.num_rows, place=Place(file=run))
    return table


def pair_error(found: int, *, place: Place) -> UsageError:
    """What to say where an id stands for no pair, or for several."""
    if found:
        return UsageError(
            "two pairs of this run share the id, so that nobody can say which is meant; leave both to the departments",
            code="PAIR_AMBIGUOUS",
            place=place,
        )
    return UsageError(
        "the run has no such pair; ids come from: secure-match bureau review list", code="PAIR_UNKNOWN", place=place
    )


def find_neighbours(run: Path, pair: pa.Table) -> pa.Table:
    """All other pairs in which a row of this pair stands, in the file's order, with their ids in a column ``pair``."""
    ends = [(pair[f"dataset_{side}"][0], pair[f"handle_{side}"][0]) for side in ("a", "b")]
    parts = []
    for table in iter_links(run):
        touching = [_is_row(table, side, end) for side in ("a", "b") for end in ends]
        count = np.sum(touching, axis=0)
        part = table.filter(pa.array(count == 1))
        parts.append(part.append_column("pair", pa.array(id_texts(pair_words(part)), pa.string())))
    return pa.concat_tables(parts)


def _is_row(table: pa.Table, side: str, row: tuple[pa.Scalar, pa.Scalar]) -> BoolArray:
    here = pc.and_(pc.equal(table[f"dataset_{side}"], row[0]), pc.equal(table[f"handle_{side}"], row[1]))
    return np.asarray(here.to_numpy(), dtype=np.bool_)
