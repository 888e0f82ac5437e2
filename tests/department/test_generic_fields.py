"""Fields of any country: text, digits and identifiers; their views, ID tokens and shared q-grams."""

from __future__ import annotations

import sys
import tomllib
import unicodedata
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreement.test_agreement import refused, toml
from bureau.hand_rows import encoding_of
from secure_match.agreement import Agreement, Pass, parse_agreement, template_text
from secure_match.agreement.tables import LOST_CHARACTERS
from secure_match.department.normalise import NormalisedField, normalise_fields, view_values
from secure_match.department.normalise._characters import LOST, fold_codes, fold_words
from secure_match.department.normalise._generic import (
    FILLERS,
    normalise_digits,
    normalise_identifiers,
    normalise_texts,
)
from secure_match.department.passes import PassKeys, encode_pass

GENERIC = parse_agreement(template_text("generic"))
KEYS = PassKeys(tag_key=b"t" * 32, block_key=b"b" * 32, token_key=b"g" * 32, position_key=b"p" * 32)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = st.text(LETTERS, min_size=1, max_size=9)


def column(*cells: str | None) -> pa.StringArray:
    return pa.array(cells, pa.string())


def texts(*cells: str | None) -> list[str | None]:
    return normalise_texts(column(*cells)).values.to_pylist()


def field_of(*values: str | None) -> NormalisedField:
    return NormalisedField(values=column(*values), states=np.zeros(len(values), dtype=np.uint8))


def views(view: str, *values: str | None) -> list[str | None]:
    return view_values(field_of(*values), view).to_pylist()


@pytest.mark.parametrize("fold", [fold_words, fold_codes])
def test_folding_any_character_twice_is_folding_it_once(fold: Any) -> None:
    codes = [
        code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000 and (code < 0x32400 or code % 97 == 0)
    ]
    once = fold(pa.array([f"a{chr(code)}b" for code in codes], pa.string()))
    assert fold(once).equals(once)
    joined = "".join(once.to_pylist())
    assert {unicodedata.category(character)[0] for character in set(joined)} <= set("LMNZS")
    assert {character for character in joined if unicodedata.category(character)[0] in "ZS"} <= {" ", "\u25a1"}


def test_lost_characters_are_those_of_the_tables() -> None:
    codes = [code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    characters = pa.array([chr(code) for code in codes], pa.string())
    lost = characters.filter(pc.match_substring_regex(characters, f"[{LOST_CHARACTERS}]")).to_pylist()
    private = {character for character in lost if unicodedata.category(character) == "Co"}
    assert set(lost) - private == LOST
    assert set(fold_words(pa.array(lost)).to_pylist()) == {"\u25a1"}


@settings(deadline=None, max_examples=200)
@given(st.lists(WORDS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_text_is_equal_whatever_its_case_accents_and_punctuation(words: list[str], random: Any) -> None:
    def disguised(word: str) -> str:
        marks = ["", "\u0301", "\u0308", "'", "\u2019", "\u200b", "\u0300\u0323"]
        word = "".join(random.choice([letter, letter.upper()]) + random.choice(marks) for letter in word)
        return unicodedata.normalize(random.choice(["NFC", "NFD", "NFKC"]), word)

    gaps = [" ", "-", "  ", ", ", "\t", "/", "\u00a0", "\u2010", "."]
    cell = words[0] if len(words) == 1 else ""
    cell = random.choice(gaps).join(disguised(word) for word in words) or cell
    plain = " ".join(words)
    assert texts(cell) == texts(plain)
    if plain.upper() not in ("NULL", "NONE", "NAN", "NA", "UNKNOWN", "NIL"):
        assert texts(cell) == [plain]


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.text("0123456789AZ", min_size=1, max_size=12), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_codes_keep_letters_digits_and_leading_zeros(codes: list[str], random: Any) -> None:
    cells = [
        random.choice(["", " ", "'"]) + random.choice([" ", "-", "/", "\u3000", ""]).join(code.lower())
        for code in codes
    ]
    expected = [None if code in ("0", "NA") else code for code in codes]
    assert normalise_digits(column(*cells)).values.to_pylist() == expected
    fillers = [len(code) < 4 or len(set(code)) == 1 or code in FILLERS for code in codes]
    expected = [None if filler else code for code, filler in zip(codes, fillers, strict=True)]
    assert normalise_identifiers(column(*cells)).values.to_pylist() == expected


def soundex(text: str) -> str | None:
    """By the rules of the National Archives, letter by letter."""
    letters = [letter for letter in text if letter in LETTERS]
    if not letters:
        return None
    groups = {
        letter: digit for digit, group in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for letter in group
    }
    made, last = letters[0].upper(), groups.get(letters[0])
    for letter in letters[1:]:
        if letter in "hw":
            continue
        digit = groups.get(letter)
        if digit is not None and digit != last:
            made += str(digit)
        last = digit
    return made.ljust(4, "0")[:4]


# The examples of the National Archives' leaflet on the indexing system.
PUBLISHED = {
    "washington": "W252",
    "lee": "L000",
    "gutierrez": "G362",
    "pfister": "P236",
    "jackson": "J250",
    "tymczak": "T522",
    "vandeusen": "V532",
    "ashcraft": "A261",
}


def test_sounds_are_those_published() -> None:
    assert dict(zip(PUBLISHED, views("sound", *PUBLISHED), strict=True)) == PUBLISHED
    assert views(
        "sound", "van deusen", "de la cruz", "delacruz", "12 b", "张三", "12", None, "\u25a1", "hh", "whw"
    ) == [
        *("V532", "D426", "D426", "B000", None, None, None, None, "H000", "W000"),
    ]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.none() | st.text("abcdhwy lrst1张", max_size=12), max_size=8))
def test_sounds_equal_the_slow_reference(values: list[str | None]) -> None:
    assert views("sound", *values) == [None if value is None else soundex(value) for value in values]


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.none() | st.lists(st.text("ab张\U00020000é", min_size=1, max_size=3), min_size=1, max_size=4), max_size=8
    )
)
def test_words_in_order(rows: list[list[str] | None]) -> None:
    values = [None if row is None else " ".join(row) for row in rows]
    assert views("sorted", *values) == [None if row is None else " ".join(sorted(row)) for row in rows]


def test_other_views() -> None:
    assert views("initial", "mary ann", "张三", "\u25a1x", None) == ["m", "张", "\u25a1", None]
    assert views("prefix3", "2000", "08", "SW1A2AA", None) == ["200", "08", "SW1", None]


def test_fields_of_one_kind_stand_for_themselves() -> None:
    raw = {
        "given_name": column("Ann", "ANN", None),
        "surname": column("Lee", "?", "O'Neil"),
        "identifier": column(*["5304218"] * 3),
    }
    fields = normalise_fields(GENERIC, raw, 3)
    assert list(fields) == list(GENERIC.fields)
    assert fields["given_name"].values.to_pylist() == ["ann", "ann", None]
    assert fields["surname"].values.to_pylist() == ["lee", None, "oneil"]
    assert fields["surname"].reasons.to_pylist() == [None, "unreadable", None]
    assert fields["suburb"].reasons.to_pylist() == ["empty"] * 3


def changed_generic(**fields: dict[str, Any]) -> str:
    content = tomllib.loads(template_text("generic"))
    content["fields"] |= fields
    return toml(content)


def test_an_agreement_has_one_field_for_tokens() -> None:
    assert refused(changed_generic(id_number={"kind": "id_number"})) == ("AGREEMENT_INVALID", "fields")
    assert refused(changed_generic(other={"kind": "identifier"})) == ("AGREEMENT_INVALID", "fields")
    more = changed_generic(phone={"kind": "phone"}, name={"kind": "name"}, other={"kind": "text"})
    assert len(parse_agreement(more).fields) == len(GENERIC.fields) + 3
    assert refused(changed_generic(one={"kind": "name"}, two={"kind": "name"})) == ("AGREEMENT_INVALID", "fields")


def test_shared_fields_have_tokens_of_one_form() -> None:
    for change in ({"shared": False}, {"qgram_sizes": [1]}, {"positional": True}):
        content = tomllib.loads(template_text("generic"))
        content["passes"][0]["fields"][1] |= change
        key = "passes[0].fields[0].shared" if "shared" in change else "passes[0].fields[1]"
        assert refused(toml(content)) == ("AGREEMENT_INVALID", key)


def person_of(number: str | None, **more: str) -> dict[str, Any]:
    return {"identifier": number, "given_name": "Ann", "surname": "Lee", "date_of_birth": "19900101", **more}


def tokens_of(dataset: str, rows: list[dict[str, Any]], agreement: Agreement) -> list[bytes | None]:
    table = encoding_of(
        dataset, [row | {"row_key": f"r{place}"} for place, row in enumerate(rows)], agreement
    ).dataset.table
    return table["id_token"].to_pylist()


def test_equal_identifiers_give_equal_tokens_in_all_datasets() -> None:
    number = "160101199003070010"
    ours = tokens_of("population", [person_of(number)], GENERIC)
    assert ours == tokens_of("enrolled", [person_of(" 160101-19900307-0010 ", surname="Li")], GENERIC)
    assert ours != tokens_of("enrolled", [person_of("160101199003070011")], GENERIC)
    assert tokens_of("population", [person_of("1234567"), person_of(None)], GENERIC) == [None, None]


def test_an_identifier_never_has_the_token_of_an_id_number() -> None:
    """Also not under an agreement of the same fingerprint and key, which cannot be: only the kind differs here."""
    number = "160101199003070010"
    kind = {"identifier": {"kind": "id_number"}}
    as_number = parse_agreement(changed_generic(**kind))
    forged = as_number.model_copy(update={"fields": GENERIC.fields})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Agreement, "fingerprint", "ab" * 32)
        tokens = [tokens_of("population", [person_of(number)], agreement)[0] for agreement in (as_number, forged)]
    assert tokens[0] is not None
    assert tokens[1] is not None
    assert tokens[0] != tokens[1]


NAMES = {"qgram_sizes": (1, 2), "insertions": 100}


def names_pass(*, shared: bool) -> Pass:
    fields = tuple({"field": name, "shared": shared, **NAMES} for name in ("given_name", "surname"))
    return Pass.model_validate({"id": "p", "fields": fields})


def encoded_names(item: Pass, rows: list[tuple[str | None, str | None]]) -> list[int]:
    raw = {"given_name": column(*(row[0] for row in rows)), "surname": column(*(row[1] for row in rows))}
    return [
        int.from_bytes(cell)
        for cell in encode_pass(item, normalise_fields(GENERIC, raw, len(rows)), KEYS)[1].to_pylist()
    ]


def dice(one: int, two: int) -> float:
    return 2 * (one & two).bit_count() / (one.bit_count() + two.bit_count())


@settings(deadline=None, max_examples=30)
@given(WORDS, WORDS.map(lambda word: f"{word}x"))
def test_swapped_names_are_equal_where_q_grams_are_shared(given_name: str, surname: str) -> None:
    rows: list[tuple[str | None, str | None]] = [(given_name, surname), (surname, given_name)]
    one, two = encoded_names(names_pass(shared=True), rows)
    assert one == two
    # A line that stands in the other column, with nothing in its own.
    one, two = encoded_names(names_pass(shared=True), [(f"{given_name}y", None), (None, f"{given_name}y")])
    assert one == two


def test_swapped_names_differ_where_every_field_has_its_own_q_grams() -> None:
    rows: list[tuple[str | None, str | None]] = [("anna", "smith"), ("smith", "anna")]
    assert dice(*encoded_names(names_pass(shared=False), rows)) < 0.4
    assert dice(*encoded_names(names_pass(shared=True), rows)) == 1.0


def test_a_gram_of_several_shared_fields_sets_the_most_positions_of_its_shares_and_no_more() -> None:
    shared = names_pass(shared=True)
    both, one, other = encoded_names(shared, [("anna", "ann"), ("anna", None), (None, "ann")])
    assert both == one | other
    same, alone = encoded_names(shared, [("ann", "ann"), ("ann", None)])
    assert same == alone
