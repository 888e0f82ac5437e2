"""The template with decisions by fixed similarities, for tests of what similarities decide."""

from __future__ import annotations

import tomllib
from typing import Final

from secure_match.agreement import Agreement, parse_agreement, trusted_template

_THRESHOLDS: Final = """[thresholds]
link = 0.80
review = 0.50
different_ids_link = 0.95
different_ids_review = 0.80

"""
_OF_PASSES: Final = {
    "name_year": "review_only = true\nreview_threshold = 0.60\n",
    "name_day": "review_only = true\nreview_threshold = 0.60\n",
    "phone": "link_threshold = 0.92\n",
    "partial": "link_threshold = 0.84\nreview_threshold = 0.60\n",
}


def fixed_template() -> str:
    """The template's text with a fixed ``[thresholds]`` table and thresholds of its own for each pass that needs one.

    Nothing else differs from the template as it is delivered.
    """
    head, _, rest = trusted_template().partition("[thresholds]")
    text = head + _THRESHOLDS + rest[rest.index("[limits]") :]
    for name, lines in _OF_PASSES.items():
        before, start, after = text.partition(f'[[passes]]\nid = "{name}"')
        assert start, name
        line, _, after = after.partition("\n")
        text = f"{before}{start}{line}\n{lines}{after}"
    found = {item["id"]: set(item) for item in tomllib.loads(text)["passes"]}
    assert all(
        {line.split(" = ")[0] for line in lines.splitlines()} <= found[name] for name, lines in _OF_PASSES.items()
    )
    return text


def fixed_agreement() -> Agreement:
    """The agreement of :func:`fixed_template`."""
    return parse_agreement(fixed_template())
