"""ENCODED: bytes in strict JSON models: base64 (RFC 4648) in its one canonical form, so that no byte of it is free."""

from __future__ import annotations

import base64
import contextlib
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError


def _decode(text: object) -> bytes:
    data = b""
    # JSON has no bytes: these come from a program that makes a model.
    if isinstance(text, bytes) and text:
        return text
    if isinstance(text, str):
        with contextlib.suppress(ValueError):
            data = base64.b64decode(text, validate=True)
        if text and base64.b64encode(data).decode("ascii") == text:
            return data
    raise PydanticCustomError("base64", "this is not base64 of at least one byte in its canonical form")


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


CanonicalBase64 = Annotated[bytes, BeforeValidator(_decode), PlainSerializer(_encode, return_type=str)]
"""At least one byte; padding and unused bits as an encoder writes them, and no white space."""
