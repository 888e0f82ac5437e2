"""ENCODED: CLKs in the forms that clkhash and the anonlink entity service exchange.

* JSON: ``{"clks": [base64, ...]}``, one standard base64 string per CLK, as ``clkhash.serialization`` makes them,
* binary: the CLKs one after the other, each of ``length_bits / 8`` bytes, no header (``bitarray.tobytes``).
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import PurePath

import numpy as np

from secure_match.encoded._dataset import ByteMatrix
from secure_match.errors import PackageError, Place


def serialise_clks_json(encodings: ByteMatrix) -> bytes:
    """CLKs, uint8 of shape (rows, bytes), as clkhash's JSON, in row order."""
    return json.dumps({"clks": [base64.b64encode(row.tobytes()).decode("ascii") for row in encodings]}).encode()


def parse_clks_json(data: bytes, *, file: str | PurePath | None = None) -> ByteMatrix:
    """The reverse of :func:`serialise_clks_json`.

    Raises:
        PackageError: ``CLKS_NOT_JSON``, ``CLKS_NOT_BASE64`` or ``CLKS_LENGTH`` with the row, counted from 1.
    """
    clks: object = None
    try:
        value = json.loads(data)
        clks = value["clks"] if isinstance(value, dict) and set(value) == {"clks"} else None
    except (ValueError, RecursionError):
        clks = None
    if not isinstance(clks, list) or not all(isinstance(item, str) for item in clks):
        raise PackageError(
            'expected a JSON object {"clks": [base64, ...]}', code="CLKS_NOT_JSON", place=Place(file=file)
        )
    rows: list[bytes] = []
    for number, text in enumerate(clks, start=1):
        row = _base64_or_none(text)
        if row is None:
            raise PackageError("not base64", code="CLKS_NOT_BASE64", place=Place(file=file, row=number))
        if rows and len(row) != len(rows[0]):
            raise PackageError("CLKs are not of one length", code="CLKS_LENGTH", place=Place(file=file, row=number))
        rows.append(row)
    width = len(rows[0]) if rows else 0
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), width)


def _base64_or_none(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def serialise_clks_binary(encodings: ByteMatrix) -> bytes:
    """CLKs, uint8 of shape (rows, bytes), one after the other."""
    return np.ascontiguousarray(encodings, dtype=np.uint8).tobytes()


def parse_clks_binary(data: bytes, *, length_bits: int, file: str | PurePath | None = None) -> ByteMatrix:
    """The reverse of :func:`serialise_clks_binary`.

    Args:
        length_bits: length of one CLK in bits; it is stored in whole bytes.

    Raises:
        PackageError: ``CLKS_LENGTH`` when the file is not a whole number of CLKs.
    """
    width = (length_bits + 7) // 8
    if length_bits < 1 or len(data) % width:
        raise PackageError(
            f"the file is not a whole number of CLKs of {length_bits} bits",
            code="CLKS_LENGTH",
            place=Place(file=file),
        )
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, width)
