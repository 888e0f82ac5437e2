"""PUBLIC: the table ``[release]``: what is asked of a package before it leaves, and who has to agree to it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from secure_match.agreement._encoders import passes_without_unsaid
from secure_match.agreement.strict import StrictModel

LARGEST_SMALL_CELL: Final = 1000
NEIGHBOUR: Final = "neighbour"
"""What a column with bands says in ``rare``."""


class Release(StrictModel):
    """The table ``[release]``; an agreement without it has these defaults.

    Attributes:
        smallest_cell: rows that have to share a combination of a dataset's ``cells`` columns; 1 asks for nothing.
        second_operator: a package is written only after a second operator of the department approved it.
        suite: algorithms that sealed packages are made with.
        two_phase: passes leave only on request: of rows without an equal ID token in the population, and of the
            population's rows under their block tags. Otherwise the passes of all rows leave at once.
    """

    smallest_cell: Annotated[int, Field(ge=1, le=LARGEST_SMALL_CELL)] = 1
    second_operator: bool = False
    suite: Literal["international", "national"] = "international"
    two_phase: bool = False


def without_unsaid(content: dict[str, Any]) -> dict[str, Any]:
    """The content of an agreement without the keys of this table, small cells, quotas and encoders that say defaults.

    So an agreement that does not use them has the fingerprint that it had before they were known.

    Args:
        content: a whole agreement as JSON values; it is changed.
    """
    if content.get("release") == Release().model_dump(mode="json"):
        del content["release"]
    elif "release" in content and not content["release"]["two_phase"]:
        del content["release"]["two_phase"]
    if content["limits"]["free_fuzzy_rows"] == 0:
        del content["limits"]["free_fuzzy_rows"]
    for name, unsaid in (("max_attack_rate", 1.0), ("attack_pairs", 1000)):
        if content["limits"][name] == unsaid:
            del content["limits"][name]
    if not content["id_token"]["quota_rows"]:
        del content["id_token"]["quota_rows"]
    passes_without_unsaid(content["passes"])
    for dataset in content["datasets"]:
        if not dataset["cells"]:
            del dataset["cells"]
        for column in dataset["columns"]:
            if column["rare"] is None:
                del column["rare"]
    return content
