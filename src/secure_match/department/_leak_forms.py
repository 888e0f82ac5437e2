"""RAW: the forms in which a raw value could have left, one value at a time: the reference of the search."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

FORM_NAMES: Final = (
    *("utf-8", "gb18030", "utf-16-le", "utf-16-be", "reversed", "hex", "hex"),
    *("base64", "base64", "base64"),
)

Forms = Iterator[tuple[str, bytes]]


def forms_of(value: str) -> Forms:
    """All forms of a value that a search looks for, each with its name, in the order of ``FORM_NAMES``."""
    plain = value.encode()
    yield "utf-8", plain
    yield "gb18030", value.encode("gb18030")
    yield "utf-16-le", value.encode("utf-16-le")
    yield "utf-16-be", value.encode("utf-16-be")
    yield "reversed", value[::-1].encode()
    yield "hex", plain.hex().encode()
    yield "hex", plain.hex().upper().encode()
    for shift in range(3):
        # Only the characters that depend on no neighbouring byte are looked for.
        text = base64.b64encode(bytes(shift) + plain)
        yield "base64", text[(shift * 8 + 5) // 6 : (shift + len(plain)) * 8 // 6]
