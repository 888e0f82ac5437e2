"""The threat model says of collusions what the program says when it discloses an agreement."""

from __future__ import annotations

import re
from pathlib import Path

from secure_match.review._collusion import (
    COALITION_NAMES,
    COALITIONS,
    FORM_NAMES,
    FORMS,
    REACH_NAMES,
    SEALED_OUTSIDER,
    verdict_of,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "threat-model.md"
SECTION = PAGE.read_text(encoding="utf-8").split("## Who learns what with whom")[1].split("\n## ")[0]
TABLE = [[cell.strip() for cell in line.strip("|").split("|")] for line in SECTION.splitlines() if line.startswith("|")]


def test_the_table_is_that_of_the_program() -> None:
    head, _, *rows = TABLE
    assert head == ["", *(COALITION_NAMES[item]["en"] for item in COALITIONS)]
    assert rows == [
        [
            FORM_NAMES[form]["en"],
            *(REACH_NAMES[verdict_of(form, item, sealed=False).reach]["en"] for item in COALITIONS),
        ]
        for form in FORMS
    ]


def test_every_cell_has_the_reason_of_the_program() -> None:
    parts = re.split(r"^\*\*(.+)\*\*$", SECTION, flags=re.MULTILINE)[1:]
    reasons = dict(zip(parts[::2], parts[1::2], strict=True))
    assert list(reasons) == [FORM_NAMES[form]["en"][0].upper() + FORM_NAMES[form]["en"][1:] for form in FORMS]
    for form, text in zip(FORMS, reasons.values(), strict=True):
        lines = [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]
        verdicts = [verdict_of(form, item, sealed=False) for item in COALITIONS]
        assert lines == [
            f"{COALITION_NAMES[item]['en']}: *{REACH_NAMES[verdict.reach]['en']}*; {verdict.en}"
            for item, verdict in zip(COALITIONS, verdicts, strict=True)
        ]


def test_sealing_takes_the_outsiders_reading_away_and_nothing_else() -> None:
    assert f"reads *nothing* in every line: {SEALED_OUTSIDER.en}." in SECTION
    for form in FORMS:
        assert REACH_NAMES[verdict_of(form, "outsider", sealed=True).reach]["en"] == "nothing"
        for item in COALITIONS[:-1]:
            assert verdict_of(form, item, sealed=True) == verdict_of(form, item, sealed=False)
