"""PUBLIC: the base of every model that crosses a trust boundary, and how its errors are told without the input."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Final, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from secure_match.errors import visible

MAX_TEXT: Final = 2000


def _require_visible(text: str) -> str:
    if visible(text) != text:
        raise PydanticCustomError(
            "text_not_visible",
            "control and invisible characters (line breaks, tabs, escapes, direction marks) cannot stand here; "
            "remove them",
        )
    return text


VisibleText = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_require_visible)]
"""Text that looks like what it is wherever it is shown: no control, format or line-separating characters."""


class StrictModel(BaseModel):
    """Unknown keys and loose types are errors; instances are frozen; errors do not show the input."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


ModelT = TypeVar("ModelT", bound=StrictModel)


def parse_json(model: type[ModelT], data: bytes) -> ModelT:
    """The model of one JSON document, which has one meaning: no key stands twice in an object, and NaN is no number.

    Args:
        data: UTF-8 without a byte order mark.

    Raises:
        ValueError: for anything else, of which pydantic's ``ValidationError`` is one kind. It may hold the input: do
            not show it and do not chain it.
    """
    try:
        # Readers differ in which of two equal keys counts; pydantic takes the last without a word.
        json.loads(data.decode("utf-8"), object_pairs_hook=_keys_once, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("too many brackets inside brackets") from None
    return model.model_validate_json(data)


def _keys_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("no JSON number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The first thing wrong with an input: the path of its key, a reason, and whether the key is unknown."""

    key: str
    reason: str
    unknown_key: bool


def key_path(parts: tuple[str | int, ...]) -> str:
    """``("datasets", 2, "codes")`` as ``datasets[2].codes``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def first_problem(error: ValidationError) -> Problem:
    """The first problem of a Pydantic error, without any input value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    unknown = first["type"] == "extra_forbidden"
    reason = "unknown key; correct its spelling or remove it" if unknown else str(first["msg"])
    return Problem(key=key_path(tuple(first["loc"])), reason=reason, unknown_key=unknown)
