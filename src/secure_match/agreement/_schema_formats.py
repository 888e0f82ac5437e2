"""PUBLIC: the value formats of clkhash linkage schemas, and the scalar types that all their parts use.

Shape and types only: what a format says is checked in ``_schema_checks``, and not for ignored features.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from secure_match.agreement.strict import StrictModel

MAX_HASHES: Final = 1 << 20


def take_integral(value: object) -> object:
    """``20.0`` as ``20``; anything else as it is."""
    # JSON Schema counts 20.0 as an integer, and clkhash encodes with it where these fields stand.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        ok = False
    else:
        ok = True
    if not ok:
        raise ValueError("this is not base64 (RFC 4648, standard alphabet, padded, no white space)")
    return text


Integral = Annotated[int, BeforeValidator(take_integral)]
NumHashes = Annotated[Integral, Field(ge=1, le=MAX_HASHES)]
Base64Text = Annotated[str, AfterValidator(_base64)]
CharacterSet = Literal["ascii", "utf-8", "utf-16", "utf-32"]


class StringFormat(StrictModel):
    """Text, by pattern or by length and case."""

    type: Literal["string"]
    encoding: CharacterSet = "utf-8"
    pattern: str | None = None
    case: Literal["upper", "lower", "mixed"] = "mixed"
    min_length: Annotated[Integral, Field(ge=0)] = Field(default=0, alias="minLength")
    max_length: Annotated[Integral, Field(ge=1)] | None = Field(default=None, alias="maxLength")
    description: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> StringFormat:
        if self.pattern is not None and self.model_fields_set & {"case", "min_length", "max_length"}:
            raise ValueError("a format with a pattern has no case, minLength or maxLength")
        return self


class IntegerFormat(StrictModel):
    """A decimal integer with optional bounds, both included."""

    type: Literal["integer"]
    minimum: Integral | None = None
    maximum: Integral | None = None
    description: str = ""


class DateFormat(StrictModel):
    """A date in a ``strptime`` format; it is hashed as ``%Y%m%d``."""

    type: Literal["date"]
    format: str
    description: str = ""


class EnumFormat(StrictModel):
    """One of a list of values."""

    type: Literal["enum"]
    values: Annotated[tuple[str, ...], Field(strict=False)]
    description: str = ""


def type_tag(*known: str) -> Discriminator:
    """Choose a model by ``type``; angle brackets tell its tag from a key in the path of an error."""

    def tag(value: object) -> str | None:
        kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
        return f"<{kind}>" if kind in known else None

    return Discriminator(
        tag,
        custom_error_type="type_unknown",
        custom_error_message=f"expected an object whose type is one of: {', '.join(known)}",
    )


Format = Annotated[
    Annotated[StringFormat, Tag("<string>")]
    | Annotated[IntegerFormat, Tag("<integer>")]
    | Annotated[DateFormat, Tag("<date>")]
    | Annotated[EnumFormat, Tag("<enum>")],
    type_tag("string", "integer", "date", "enum"),
]
