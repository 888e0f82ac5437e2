"""RAW: values of typed sources as exact text: the same person reads the same whatever kind of file held them."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from uuid import UUID

_MIDNIGHT = dt.time(0)


def integral_text(value: float) -> str | None:
    """An integral float as its digits; None where it has a fraction or is not finite.

    Above 2**53 a float stands for many integers. The shortest decimal that reads back as the float is the one that
    the program showed and wrote, so ``1.10101199003071e+17`` is 110101199003071000 and not ...070992.
    """
    if not math.isfinite(value) or not value.is_integer():
        return None
    return str(int(Decimal(repr(value))))


def moment_text(value: dt.datetime) -> str:
    """``YYYY-MM-DD``, and the time of day behind it unless it is midnight."""
    if value.time() == _MIDNIGHT:
        return value.date().isoformat()
    return value.replace(microsecond=0).isoformat(sep=" ")


def exact_text(value: object) -> str | None:  # noqa: PLR0911  # One line per kind of value.
    """Text of a value that a database or spreadsheet gave; None for a kind that has no exact text.

    None is missing and gives the empty string; a float with a fraction has no exact text.
    """
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case float():
            return "" if math.isnan(value) else integral_text(value)
        case Decimal():
            return f"{value:f}" if value.is_finite() else None
        case dt.datetime():
            return moment_text(value)
        case dt.date() | dt.time():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            return None
