"""What the tests of the rules share: linked rows of hand-written datasets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bureau.hand_rows import AGREEMENT, Row, encode
from secure_match.agreement import Agreement
from secure_match.enrolment import PersonRows
from secure_match.linkage import link

Linked = tuple[PersonRows, list[str]]


@pytest.fixture(scope="session")
def linked() -> Callable[..., Linked]:
    """Linked rows, and the row key of each row in canonical order."""

    def build(agreement: Agreement = AGREEMENT, **rows: list[Row]) -> Linked:
        datasets, names = [], {}
        for dataset, given in rows.items():
            datasets.append(encode(dataset, given, agreement))
            for row in given:
                (handle,) = encode(dataset, [row], agreement).table["handle"].to_pylist()
                names[handle] = row["row_key"]
        links = link(agreement, datasets)
        return PersonRows.build(agreement, links), [names[handle.tobytes()] for handle in links.rows.handles]

    return build
