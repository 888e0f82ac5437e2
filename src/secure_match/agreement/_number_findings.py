"""PUBLIC: which trouble with ID numbers a run reports, and under which titles."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from secure_match.agreement.strict import StrictModel, VisibleText

NumberFindingKind = Literal["one_number_two_people", "one_person_two_numbers"]

NUMBER_FINDING_KINDS: Final[tuple[NumberFindingKind, ...]] = ("one_number_two_people", "one_person_two_numbers")
"""In the order in which they are reported."""


class NumberFindings(StrictModel):
    """The table ``[number_findings]``; an agreement without it has these defaults.

    Attributes:
        one_number_two_people: report a valid ID number that stands on rows of two or more people.
        one_person_two_numbers: report a person whose rows hold two or more different valid ID numbers.
        one_number_two_people_title: what worklists call the first.
        one_person_two_numbers_title: what they call the second.
    """

    one_number_two_people: bool = True
    one_person_two_numbers: bool = True
    one_number_two_people_title: Annotated[VisibleText, Field(min_length=1)] = "一号多人"
    one_person_two_numbers_title: Annotated[VisibleText, Field(min_length=1)] = "一人多号"

    @property
    def titles(self) -> dict[NumberFindingKind, str]:
        """The kinds that are reported, in order, and their titles."""
        chosen: dict[NumberFindingKind, tuple[bool, str]] = {
            "one_number_two_people": (self.one_number_two_people, self.one_number_two_people_title),
            "one_person_two_numbers": (self.one_person_two_numbers, self.one_person_two_numbers_title),
        }
        return {kind: title for kind, (is_reported, title) in chosen.items() if is_reported}
