"""PUBLIC: writes the exports of a synthetic city as the files that departments hand out.

Each file has its own charset, line end and quoting (RFC 4180), as real exports have. A file appears whole or not
at all.
"""

from __future__ import annotations

import csv
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal

import pyarrow as pa

from secure_match.errors import Place, UsageError
from secure_match.synthetic import _config as ids
from secure_match.synthetic._city import City

_ROWS_PER_BATCH: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class FileForm:
    """How a department's export looks on disk.

    Attributes:
        encoding: Python's name of the charset; ``utf-8-sig`` begins with a byte order mark.
        line_end: what ends a line.
        quoting: the csv module's quoting rule.
    """

    encoding: str
    line_end: str
    quoting: Literal[0, 1, 2, 3]


FILE_FORMS: Final = {
    ids.POPULATION: FileForm(encoding="gb18030", line_end="\r\n", quoting=csv.QUOTE_MINIMAL),
    ids.EMPLOYEE_PENSION: FileForm(encoding="utf-8", line_end="\n", quoting=csv.QUOTE_MINIMAL),
    ids.RESIDENT_PENSION: FileForm(encoding="utf-8-sig", line_end="\r\n", quoting=csv.QUOTE_ALL),
    ids.EMPLOYEE_MEDICAL: FileForm(encoding="gb18030", line_end="\r\n", quoting=csv.QUOTE_ALL),
    ids.RESIDENT_MEDICAL: FileForm(encoding="utf-8", line_end="\r\n", quoting=csv.QUOTE_MINIMAL),
    ids.STUDENTS: FileForm(encoding="utf-8-sig", line_end="\n", quoting=csv.QUOTE_MINIMAL),
}


def write_exports(city: City, directory: Path) -> dict[str, Path]:
    """Write every export of ``city`` as ``<dataset>.csv`` into ``directory``, which is made if need be.

    Returns:
        Dataset id to the file's path, in the order of the city's exports.

    Raises:
        UsageError: ``FILE_NOT_WRITABLE`` with the path.
    """
    problem = ""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = error.strerror or "cannot be made"
    if problem:
        raise UsageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=directory))
    paths: dict[str, Path] = {}
    for dataset, table in city.exports.items():
        paths[dataset] = directory / f"{dataset}.csv"
        _write_export(table, FILE_FORMS[dataset], paths[dataset])
    return paths


def _write_export(table: pa.Table, form: FileForm, path: Path) -> None:
    problem = ""
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        with os.fdopen(descriptor, "w", encoding=form.encoding, newline="") as stream:
            _write_rows(table, form, stream)
        temporary.replace(path)
        temporary = None
    except OSError as error:
        problem = error.strerror or "cannot be written"
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    if problem:
        raise UsageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=path))


def _write_rows(table: pa.Table, form: FileForm, stream: IO[str]) -> None:
    writer = csv.writer(stream, lineterminator=form.line_end, quoting=form.quoting)
    writer.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=_ROWS_PER_BATCH):
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
