"""Names, surnames, sex codes and phone numbers."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.agreement.tables import COMPOUND_SURNAMES, MISSING_WORDS, NAME_SEPARATORS, SEX_CODES
from secure_match.department.normalise import NormalisedField
from secure_match.department.normalise._cleaning import clean_text
from secure_match.department.normalise._names import normalise_names, surnames_of
from secure_match.department.normalise._texts import normalise_phones, normalise_sexes
from secure_match.encoded import FieldState

NORMALISERS = [normalise_names, normalise_sexes, normalise_phones]


def pairs(field: NormalisedField) -> list[tuple[str | None, str]]:
    return [
        (value, FieldState(state).name)
        for value, state in zip(field.values.to_pylist(), field.states.tolist(), strict=True)
    ]


def name(text: str | None) -> tuple[str | None, str]:
    return pairs(normalise_names(pa.array([text], pa.string())))[0]


@pytest.mark.parametrize("separator", [*NAME_SEPARATORS, "\u0387", "\uff65", " · ", " . "], ids=ascii)
def test_one_separator_for_minority_names(separator: str) -> None:
    assert name(f"买买提{separator}艾力") == ("买买提·艾力", "VALID")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" 张三 ", "张三"),
        ("张 三", "张三"),
        ("张\u3000三", "张三"),
        ("张\u200b三\ufeff", "张三"),
        ("张\t三\n", "张三"),
        ("\u202a张三\u202c", "张三"),
        ("Zhang  San", "ZHANG SAN"),
        ("ｚｈａｎｇ　ｓａｎ", "ZHANG SAN"),
        ("O'Neil-Smith", "O'NEIL-SMITH"),
        ("J. R. Smith", "J·R·SMITH"),
        ("José", "JOSÉ"),
        ("Jose\u0301", "JOSÉ"),
        ("e\u200b\u0301", "É"),
        ("李e\u00b4", "李É"),
        ("\ufa11", "﨑"),
        ("〇", "〇"),
        ("李Ann", "李ANN"),
        ("\U00030000", "\U00030000"),
    ],
    ids=ascii,
)
def test_names(text: str, value: str) -> None:
    assert name(text) == (value, "VALID")


@pytest.mark.parametrize(
    "text",
    [
        "张三1",
        "张三１",
        "张三①",
        "?",
        "□□",
        "·",
        "...",
        "-.-",
        "(亡)",
        "王先生",
        "张三/李四",
        "张" * 65,
        "=1+1",
        "张,三",
        "13800138000",
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_what_is_no_name(text: str) -> None:
    assert name(text) == (None, "INVALID")


def test_the_longest_name() -> None:
    assert name("张" * 64) == ("张" * 64, "VALID")


@pytest.mark.parametrize("normalise", NORMALISERS)
def test_words_for_nothing(normalise: object) -> None:
    words = [None, *MISSING_WORDS, *(f" {word.lower()}\u200b" for word in MISSING_WORDS)]
    field = normalise(pa.array(words, pa.string()))  # type: ignore[operator]
    assert pairs(field) == [(None, "MISSING")] * len(words)


def test_no_word_for_nothing_is_usable_text() -> None:
    for word in MISSING_WORDS:
        assert unicodedata.normalize("NFKC", word).upper() == word


def test_surnames() -> None:
    names = [
        "张三",
        "欧阳锋",
        "欧阳",
        "司马",
        "单于夫罗",
        "买买提·艾力",
        "张",
        None,
        *(f"{two}一" for two in COMPOUND_SURNAMES),
    ]
    expected = ["张", "欧阳", "欧", "司", "单于", "买", "张", None, *COMPOUND_SURNAMES]
    assert surnames_of(pa.array(names)).to_pylist() == expected


def test_sexes() -> None:
    texts = [*SEX_CODES, " 男 ", "１", "m", "Female", "9", "0", "", None, "3", "未知", "男女", "01"]
    expected = [(code, "REPAIRED" if ".0" in text else "VALID") for text, code in SEX_CODES.items()]
    expected += [("1", "VALID"), ("1", "VALID"), ("1", "VALID"), ("2", "VALID")]
    expected += [(None, "MISSING")] * 4 + [(None, "INVALID"), (None, "MISSING"), (None, "INVALID"), (None, "INVALID")]
    assert pairs(normalise_sexes(pa.array(texts))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "13912345678",
        "１３９１２３４５６７８",
        "139 1234 5678",
        "139-1234-5678",
        "(139)12345678",
        "+8613912345678",
        "+86 139 1234 5678",
        "008613912345678",
        "8613912345678",
        "13912345678\u200b",
        "\u202d13912345678\u202c",
    ],
    ids=ascii,
)
def test_phones(text: str) -> None:
    assert pairs(normalise_phones(pa.array([text]))) == [("13912345678", "VALID")]


@pytest.mark.parametrize(
    "text", ["12912345678", "1391234567", "139123456789", "12345678", "+8513912345678", "无电话", "1391234567x"]
)
def test_what_is_no_mobile_number(text: str) -> None:
    assert pairs(normalise_phones(pa.array([text]))) == [(None, "INVALID")]


CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from("张欧阳·．. \u200b\u0301e´ﬁßǆ１男")


@settings(deadline=None, max_examples=300)
@given(st.lists(st.none() | st.text(CHARACTERS, max_size=8), max_size=20))
def test_any_text_has_one_meaning(rows: list[str | None]) -> None:
    for normalise in NORMALISERS:
        field = normalise(pa.array(rows, pa.string()))
        values = field.values.to_pylist()
        unusable = field.states >= FieldState.MISSING
        assert [value is None for value in values] == unusable.tolist()
        again = normalise(pa.array(values, pa.string()))
        assert again.values.to_pylist() == values
        assert (again.states[~unusable] <= FieldState.REPAIRED).all()
        assert all("\x1f" not in value for value in values if value is not None)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.text(CHARACTERS, max_size=8), max_size=20))
def test_cleaning_twice_is_cleaning_once(rows: list[str]) -> None:
    once = clean_text(pa.array(rows, pa.string()))
    assert clean_text(once).to_pylist() == once.to_pylist()
    composed = [unicodedata.normalize("NFC", text) for text in rows]
    decomposed = [unicodedata.normalize("NFD", text) for text in rows]
    assert clean_text(pa.array(composed, pa.string())).to_pylist() == once.to_pylist()
    assert clean_text(pa.array(decomposed, pa.string())).to_pylist() == once.to_pylist()
