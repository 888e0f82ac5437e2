"""PUBLIC: the base of every model that crosses a trust boundary, and how its errors are told without the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

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
