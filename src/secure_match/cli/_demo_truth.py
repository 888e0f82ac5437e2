"""EDGE: writes the truth of a demo for ``secure-match evaluate``: whose each usable row is, and what is wrong with it.

Invariants: rows are named by handle, persons by number, errors by kind: no raw value is in the file. Only rows that
can be used are in it, for a run cannot link the others; they stand in the order of the city's exports.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.cli._demo_measure import DemoRows
from secure_match.encoded.files import atomic_writer
from secure_match.synthetic import City

_HEADER: Final = b"dataset,handle,person,errors\n"
_HEX_DIGITS: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_TWIN: Final = "twin"
"""Beside the kinds of error: the person has a twin."""


def write_truth(city: City, rows: DemoRows, path: Path) -> None:
    """Write the truth about a demo's rows as CSV.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    with atomic_writer(path) as stream:
        stream.write(_HEADER)
        for dataset in city.exports:
            lines = _lines(city, rows, dataset)
            stream.write("".join(lines.to_pylist()).encode())


def _lines(city: City, rows: DemoRows, dataset: str) -> pa.Array:
    table = city.truth.person_of[dataset]
    keys, person = table["row_key"].combine_chunks(), table["person"].combine_chunks()
    usable = pc.invert(pc.is_in(keys, value_set=pa.array(sorted(city.truth.unusable[dataset]), pa.string())))
    return pc.binary_join_element_wise(
        pa.array([dataset] * len(keys), pa.string()),
        _hex(rows.handles(dataset)),
        person.cast(pa.string()),
        pc.binary_join_element_wise(_errors(city, dataset, keys, person), pa.scalar(""), pa.scalar("\n")),
        pa.scalar(","),
    ).filter(usable)


def _hex(handles: npt.NDArray[np.uint8]) -> pa.Array:
    """Handles as hexadecimal digits."""
    digits = _HEX_DIGITS[np.stack([handles >> 4, handles & 0xF], axis=2)]
    width = 2 * handles.shape[1]
    bodies = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(handles), [None, pa.py_buffer(digits)])
    return bodies.cast(pa.binary()).cast(pa.string())


def _errors(city: City, dataset: str, keys: pa.Array, person: pa.Array) -> pa.Array:
    """Kinds of error of each row in alphabetical order, with semicolons between them."""
    table = city.truth.errors[dataset]
    codes = pc.dictionary_encode(table["kind"].combine_chunks())
    kinds = [*codes.dictionary.to_pylist(), _TWIN]
    bits = np.zeros(len(keys), dtype=np.int64)
    places = pc.index_in(table["row_key"].combine_chunks(), value_set=keys).to_numpy(zero_copy_only=False)
    np.bitwise_or.at(bits, places, np.int64(1) << codes.indices.to_numpy(zero_copy_only=False).astype(np.int64))
    bits[
        np.isin(person.to_numpy(), np.concatenate([city.truth.twins[side].to_numpy() for side in ("elder", "twin")]))
    ] |= 1 << (len(kinds) - 1)
    distinct, text_of = np.unique(bits, return_inverse=True)
    texts = [
        ";".join(sorted(kind for place, kind in enumerate(kinds) if word >> place & 1)) for word in distinct.tolist()
    ]
    return pa.array(texts, pa.string()).take(pa.array(text_of))
