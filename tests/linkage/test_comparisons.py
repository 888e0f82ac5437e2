"""What is compared of a pair: passes that are ways to one comparison are one."""

from __future__ import annotations

import numpy as np

from secure_match.agreement import Agreement, city_template, parse_agreement, template_text, trusted_template
from secure_match.linkage._comparisons import ComparedPairs, comparisons_of
from secure_match.linkage._rows import RowTable


def names(agreement: Agreement) -> list[str]:
    return [item.name for item in comparisons_of(agreement, agreement.passes)]


def test_passes_that_encode_the_same_in_blocks_of_the_same_fields_are_one_comparison() -> None:
    city = parse_agreement(city_template())
    assert "given_start+given_end" in names(city)
    together = next(item for item in comparisons_of(city, city.passes) if item.name == "given_start+given_end")
    assert (together.passes, together.fields) == (("given_start", "given_end"), {"birth_date", "sex", "name"})
    # Another encoder, other fields, or blocks of other fields are other evidence.
    for old, new in (
        ('id = "given_end"\n', 'id = "given_end"\nbits = 2048\n'),
        ('"birth_date", "sex", "name.surname_dialect", "name.given_end"', '"birth_date", "name.given_end"'),
    ):
        apart = names(parse_agreement(city_template().replace(old, new, 1)))
        assert {"given_start", "given_end"} <= set(apart)
    # The same fields, but a postcode is not a street.
    assert {"place", "address"} <= set(names(parse_agreement(template_text("generic"))))
    trusted = parse_agreement(trusted_template())
    assert names(trusted) == ["id_token", *(item.id for item in trusted.passes)]


def test_a_pair_is_as_alike_as_the_way_says_that_brings_it_together() -> None:
    city = parse_agreement(city_template())
    ways = tuple(item for item in city.passes if item.id in {"given_start", "given_end"})
    none = np.full(4, np.nan)
    # Pairs of row 0 with rows 1 to 4: together in one way, in the other, in none; and a row without the fields.
    blocks = {"given_start": np.array([0, 0, 1, 1, -1]), "given_end": np.array([0, 1, 0, 1, -1])}
    similarity = {name: none.copy() for name in blocks}
    similarity["given_start"][0], similarity["given_end"][1] = 0.72, 0.41
    compared = ComparedPairs(
        rows=RowTable.__new__(RowTable),
        passes=ways,
        blocks={name: found.astype(np.int32) for name, found in blocks.items()},
        row_i=np.zeros(4, dtype=np.int32),
        row_j=np.arange(1, 5, dtype=np.int32),
        similarity=similarity,
        candidates=4,
    )
    both = [item for item in comparisons_of(city, ways) if item.passes]
    (levels,) = compared.levels(both)
    assert [both[0].levels[level] for level in levels] == ["0.70 to 0.75", "0.40 to 0.50", "other block", "missing"]
