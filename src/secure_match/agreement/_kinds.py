"""PUBLIC: the kinds of identity fields, the parts of each that a pass can use, and which kinds make ID tokens.

Invariants: no two kinds have a view of one name that means different things; an agreement has at most one field of the
token kinds, and at most one of every other kind but the repeatable ones.
"""

from __future__ import annotations

from typing import Final, Literal

FieldKind = Literal[
    "id_number",
    "identifier",
    "name",
    "sex",
    "birth_date",
    "phone",
    "address",
    "division",
    "text",
    "digits",
]

VIEWS: Final[dict[FieldKind, tuple[str, ...]]] = {
    "id_number": ("partial",),
    "identifier": (),
    "name": (
        "surname",
        "surname_dialect",
        "given_dialect",
        "given_start",
        "given_end",
        "former",
        "pinyin",
        "dialect",
        "shape",
    ),
    "sex": (),
    "birth_date": ("year", "month_day"),
    "phone": ("landline",),
    "address": ("tokens",),
    "division": ("county",),
    "text": ("sorted", "initial", "sound"),
    "digits": ("prefix3",),
}
"""Parts of a field that a pass can use besides the whole, e.g. ``name.surname``, by field kind."""

TOKEN_KINDS: Final[tuple[FieldKind, ...]] = ("id_number", "identifier")
"""Kinds whose values become ID tokens."""

REPEATABLE_KINDS: Final[tuple[FieldKind, ...]] = ("text", "digits")
"""Kinds that several fields of an agreement may have; rules that tie fields together (an ID number and a birth date)
look for other kinds only."""
