"""PUBLIC: TOML text to a verified agreement; every error names the path of the bad key."""

from __future__ import annotations

import json
import tomllib
from contextlib import nullcontext
from importlib import resources
from pathlib import PurePath
from typing import Literal

from pydantic import ValidationError

from secure_match.agreement._checks import verify_agreement
from secure_match.agreement._model import Agreement
from secure_match.agreement.strict import first_problem
from secure_match.errors import AgreementError, Place, located

Template = Literal["city", "trusted", "generic"]
"""Agreements that come with the package."""


def parse_agreement(text: str, *, file: str | PurePath | None = None) -> Agreement:
    """Parse and verify an agreement.

    Args:
        text: the content of an ``agreement.toml``.
        file: its name, for messages.

    Raises:
        AgreementError: ``AGREEMENT_NOT_TOML``, ``AGREEMENT_UNKNOWN_KEY`` or ``AGREEMENT_INVALID``; the place names
            the file and the key's path.
    """
    agreement: Agreement | None = None
    problem: AgreementError | None = None
    try:
        agreement = Agreement.model_validate_json(json.dumps(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        problem = AgreementError(f"not TOML: {error}", code="AGREEMENT_NOT_TOML", place=Place(file=file))
    except TypeError:
        problem = AgreementError(
            "dates and times are written as text here", code="AGREEMENT_INVALID", place=Place(file=file)
        )
    except RecursionError:
        problem = AgreementError("too many brackets inside brackets", code="AGREEMENT_NOT_TOML", place=Place(file=file))
    except ValidationError as error:
        first = first_problem(error)
        problem = AgreementError(
            first.reason,
            code="AGREEMENT_UNKNOWN_KEY" if first.unknown_key else "AGREEMENT_INVALID",
            place=Place(file=file, key=first.key),
        )
    except ValueError:
        # tomllib leaves numbers of thousands of digits to Python, which refuses them in its own words.
        problem = AgreementError("not TOML: a number is too long", code="AGREEMENT_NOT_TOML", place=Place(file=file))
    if agreement is None or problem is not None:
        raise problem or AgreementError("not an agreement", code="AGREEMENT_INVALID")
    with located(file) if file is not None else nullcontext():
        verify_agreement(agreement)
    return agreement


def city_template() -> str:
    """The commented agreement of a small city, as ``agreement new`` writes it."""
    return template_text("city")


def trusted_template() -> str:
    """The same for a small trusted setting: tokens under a shared key, and one phase."""
    return template_text("trusted")


def template_text(template: Template) -> str:
    """A commented agreement, as ``agreement new --template`` writes it.

    Args:
        template: ``city``: a small city; ``trusted``: the same, where the departments trust each other with a key that
            makes ID tokens, and the passes of all rows leave; ``generic``: two registers of any land.
    """
    file = resources.files("secure_match.agreement").joinpath("templates", f"{template}.toml")
    return file.read_text(encoding="utf-8")
