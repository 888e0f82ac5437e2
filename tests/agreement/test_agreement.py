"""The agreement: what its fingerprint depends on, and which agreements are refused where."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest

from bureau.hand_rows import AGREEMENT, agreement_text, encode, person
from secure_match.agreement import Agreement, Calibration, leaving_columns, parse_agreement, tables, trusted_template
from secure_match.agreement.files import read_agreement, write_trusted_agreement
from secure_match.errors import AgreementError

TEMPLATE: dict[str, Any] = tomllib.loads(agreement_text())
FINGERPRINT = AGREEMENT.fingerprint
PENSION = 1  # Position of employee_pension among the datasets.


def toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {toml_value(item)}' for key, item in value.items()) + "}"
    return repr(value)


def toml(content: dict[str, Any]) -> str:
    """A flat form: every table is inline, and no comment is left."""
    return "\n".join(f"{key} = {toml_value(value)}" for key, value in content.items())


def changed(path: tuple[str | int, ...], value: Any) -> str:
    """The template with one value set, or taken out where ``value`` is ``...``."""
    content = deepcopy(TEMPLATE)
    place: Any = content
    for part in path[:-1]:
        place = place[part]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return toml(content)


def refused(text: str) -> tuple[str, str | None]:
    with pytest.raises(AgreementError) as caught:
        parse_agreement(text)
    assert caught.value.__context__ is None
    return caught.value.code, caught.value.place.key


def refused_with(text: str, key: str, message: str) -> None:
    with pytest.raises(AgreementError) as caught:
        parse_agreement(text)
    assert (caught.value.code, caught.value.place.key) == ("AGREEMENT_INVALID", key)
    assert message in caught.value.message


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(item) for key, item in reversed(value.items())}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


def test_the_fingerprint_passes_over_comments_white_space_and_the_order_of_keys() -> None:
    assert len(AGREEMENT.fingerprint) == 64
    assert int(AGREEMENT.fingerprint, 16) >= 0
    spaced = agreement_text().replace("\n", "   \n\n# a comment\n")
    for text in (spaced, toml(TEMPLATE), toml(reversed_keys(TEMPLATE)), agreement_text().replace("\n", "\r\n")):
        assert parse_agreement(text).fingerprint == AGREEMENT.fingerprint


CHANGES: dict[tuple[str | int, ...], Any] = {
    ("id",): "other",
    ("title",): "t",
    ("purpose",): "p",
    ("legal_basis",): "l",
    ("valid_months", "first"): 202512,
    ("valid_months", "last"): 202701,
    ("retention_months",): 25,
    ("key_epoch",): "2027",
    ("parties", 0, "name"): "n",
    ("datasets", 0, "title"): "t",
    ("datasets", 0, "one_record_per_person"): False,
    ("datasets", 0, "row_key"): "r",
    ("datasets", 0, "identity", "name"): "n",
    ("datasets", 0, "columns", 0, "codes"): ["1", "3", "2"],
    ("datasets", 0, "columns", 0, "required"): False,
    ("datasets", 0, "columns", 1, "range"): [1890, 2031],
    ("datasets", 0, "columns", 1, "bands"): [1890, 2010],
    ("datasets", PENSION, "columns", 0, "column"): "c",
    ("passes", 0, "id"): "b",
    ("passes", 0, "block_on"): ["sex", "birth_date"],
    ("passes", 0, "bits"): 2048,
    ("passes", 0, "fields", 0, "insertions"): 201,
    ("passes", 0, "fields", 0, "qgram_sizes"): [2, 1],
    ("passes", 0, "fields", 0, "positional"): True,
    ("passes", 2, "fields"): [
        {"field": "name", "qgram_sizes": [1, 2], "insertions": 200, "shared": True},
        {"field": "birth_date", "qgram_sizes": [1, 2], "insertions": 200, "shared": True},
    ],
    ("passes", 1, "link_threshold"): 0.97,
    ("passes", 1, "review_threshold"): 0.76,
    ("thresholds", "link"): 0.81,
    ("thresholds", "review"): 0.56,
    ("thresholds", "different_ids_link"): 0.96,
    ("thresholds", "different_ids_review"): 0.81,
    ("limits", "max_fuzzy_share"): 0.5,
    ("limits", "max_block_rows"): 5001,
    ("exclusions", 0, "same_scheme"): False,
    ("exclusions", 0, "title"): "t",
    ("coverage", 0, "eligible"): {},
    ("coverage", 1, "excused_by"): [],
    ("number_findings", "one_number_two_people"): False,
    ("number_findings", "one_person_two_numbers"): False,
    ("number_findings", "one_number_two_people_title"): "t",
    ("number_findings", "one_person_two_numbers_title"): "t",
    ("release", "smallest_cell"): 2,
    ("release", "second_operator"): True,
    ("release", "suite"): "national",
    ("datasets", 0, "cells"): ["status"],
}


@pytest.mark.parametrize("path", list(CHANGES), ids=str)
def test_every_value_is_in_the_fingerprint(path: tuple[str | int, ...]) -> None:
    assert parse_agreement(changed(path, CHANGES[path])).fingerprint != AGREEMENT.fingerprint


def test_an_agreement_from_before_number_findings_keeps_its_fingerprint() -> None:
    """The table at its defaults says nothing new, so that packages made under such an agreement still fit."""
    without = parse_agreement(changed(("number_findings",), ...))
    assert without.number_findings == AGREEMENT.number_findings
    assert without.fingerprint == AGREEMENT.fingerprint
    assert b"number_findings" not in without.canonical_bytes


@pytest.mark.parametrize(
    ("path", "value", "code", "key"),
    [
        (("one_number_two_people",), 1, "AGREEMENT_INVALID", "number_findings.one_number_two_people"),
        (("one_number_two_people_title",), "", "AGREEMENT_INVALID", "number_findings.one_number_two_people_title"),
        (("twins",), True, "AGREEMENT_UNKNOWN_KEY", "number_findings.twins"),
    ],
)
def test_number_findings_are_strict(path: tuple[str], value: Any, code: str, key: str) -> None:
    assert refused(changed(("number_findings", *path), value)) == (code, key)


@pytest.mark.parametrize(
    "name",
    [
        "APOSTROPHES",
        "COMPOUND_READINGS",
        "COMPOUND_SURNAMES",
        "DATA_FILES",
        "FORMER_NAME_WORDS",
        "LATIN_FOLDS",
        "LATIN_TITLES",
        "LOST_CHARACTERS",
        "MISSING_WORDS",
        "NAME_SEPARATORS",
        "SEX_CODES",
        "SEX_MISSING",
        "SHAPE_KEYS",
        "SURNAME_READINGS",
        "TITLES",
        "UNKNOWN_CHARACTER",
    ],
)
def test_every_table_is_in_the_fingerprint(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = getattr(tables, name)
    shorter = dict(list(table.items())[1:]) if isinstance(table, dict) else table[1:]
    monkeypatch.setattr(tables, name, shorter)
    tables.tables_digest.cache_clear()
    try:
        assert AGREEMENT.fingerprint != FINGERPRINT
    finally:
        tables.tables_digest.cache_clear()


@pytest.mark.parametrize(
    "path",
    [
        ("typo",),
        ("valid_months", "typo"),
        ("id_token", "typo"),
        ("parties", 1, "typo"),
        ("fields", "name", "typo"),
        ("datasets", 2, "typo"),
        ("datasets", 2, "spell", "typo"),
        ("datasets", 2, "columns", 1, "typo"),
        ("passes", 2, "typo"),
        ("passes", 2, "fields", 1, "typo"),
        ("thresholds", "typo"),
        ("limits", "typo"),
        ("exclusions", 1, "typo"),
        ("coverage", 1, "typo"),
    ],
    ids=str,
)
def test_an_unknown_key_is_refused_at_every_level(path: tuple[str | int, ...]) -> None:
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    assert refused(changed(path, "x")) == ("AGREEMENT_UNKNOWN_KEY", written)


FIRST, LAST = ("datasets", PENSION, "columns", 0), ("datasets", PENSION, "columns", 1)
STATUS, BAND = ("datasets", 0, "columns", 0), ("datasets", 0, "columns", 1)
BAND_KEY = "datasets[0].columns[1]"
CROSS_CHECKS: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("valid_months", "first"), 202600, "valid_months.first"),
    (("valid_months", "last"), 202613, "valid_months.last"),
    (("valid_months", "first"), 202701, "valid_months"),
    (("id_token", "accept_offline_guessing"), False, "id_token.accept_offline_guessing"),
    (("id_token", "accept_offline_guessing"), ..., "id_token.accept_offline_guessing"),
    (("parties", 2, "id"), "hrss", "parties[2].id"),
    (("datasets", 3, "id"), "population", "datasets[3].id"),
    (("passes", 2, "id"), "name", "passes[2].id"),
    (("exclusions", 1, "id"), "medical", "exclusions[1].id"),
    (("coverage", 1, "id"), "medical", "coverage[1].id"),
    (("parties", 3, "role"), "bureau", "parties"),
    (("parties", 4, "role"), "reviewer", "parties"),
    (("fields", "second"), {"kind": "name"}, "fields"),
    (("datasets", 1, "owner"), "nobody", "datasets[1].owner"),
    (("datasets", 1, "owner"), "bureau", "datasets[1].owner"),
    (("datasets", 5, "identity"), {}, "datasets[5].identity"),
    (("datasets", 5, "identity", "mail"), "x", "datasets[5].identity.mail"),
    (("datasets", 5, "identity", "phone"), "学生姓名", "datasets[5].identity.phone"),
    ((*FIRST, "column"), "出生日期", "datasets[1].columns[0].column"),  # It identifies people in another dataset.
    ((*STATUS, "codes"), [str(number) for number in range(1001)], "datasets[0].columns[0].codes"),
    (BAND, {"name": "year", "type": "integer", "derive": "birth_date.year", "range": [0, 1000]}, f"{BAND_KEY}.range"),
    (("passes", 2, "review_only"), True, "passes[2].link_threshold"),
    ((*LAST, "name"), "first_month", "datasets[1].columns"),
    ((*FIRST, "column"), ..., "datasets[1].columns[0]"),
    ((*FIRST, "derive"), "birth_date.year", "datasets[1].columns[0]"),
    ((*BAND, "derive"), "mail.year", "datasets[0].columns[1].derive"),
    ((*BAND, "derive"), "birth_date.day", "datasets[0].columns[1].derive"),
    ((*BAND, "derive"), "birth_date.month_day", "datasets[0].columns[1].derive"),
    ((*BAND, "derive"), "name", "datasets[0].columns[1].derive"),
    ((*BAND, "derive"), "name.surname", "datasets[0].columns[1].derive"),
    ((*STATUS, "codes"), ..., "datasets[0].columns[0].codes"),
    ((*STATUS, "codes"), [], "datasets[0].columns[0].codes"),
    ((*FIRST, "codes"), ["1"], "datasets[1].columns[0].codes"),
    ((*BAND, "range"), ..., "datasets[0].columns[1].range"),
    ((*FIRST, "range"), [1, 2], "datasets[1].columns[0].range"),
    ((*BAND, "range"), [2030, 1890], "datasets[0].columns[1].range"),
    ((*BAND, "range"), [0, 1_000_000_000], "datasets[0].columns[1].range"),
    ((*BAND, "range"), [-1_000_000_000, 0], "datasets[0].columns[1].range"),
    ((*BAND, "bands"), [], "datasets[0].columns[1]"),
    ((*BAND, "bands"), [1891, 2011], "datasets[0].columns[1]"),
    ((*BAND, "bands"), [2011, 1890], "datasets[0].columns[1]"),
    ((*BAND, "bands"), [1890, 1890], "datasets[0].columns[1]"),
    ((*BAND, "bands"), [1890, 2031], "datasets[0].columns[1]"),
    ((*BAND, "bands"), [-5_000_000_000, 2011], "datasets[0].columns[1]"),
    ((*STATUS, "bands"), [1], "datasets[0].columns[0]"),
    ((*STATUS, "column"), "姓名", "datasets[0].columns[0].column"),
    ((*STATUS, "column"), "人员编号", "datasets[0].columns[0].column"),
    (("datasets", 1, "spell"), ..., "datasets[1].spell"),
    (("datasets", 1, "spell", "first_month"), "nothing", "datasets[1].spell.first_month"),
    (("datasets", 1, "spell", "last_month"), "nothing", "datasets[1].spell.last_month"),
    (("passes", 0, "block_on"), ["mail"], "passes[0].block_on[0]"),
    (("passes", 0, "block_on"), ["sex", "name.first"], "passes[0].block_on[1]"),
    (("passes", 0, "block_on"), ["sex", "sex"], "passes[0].block_on"),
    (("passes", 2, "fields", 1, "field"), "name", "passes[2].fields"),
    (("passes", 2, "fields", 1, "field"), "mail", "passes[2].fields[1].field"),
    (("passes", 2, "fields", 1, "field"), "phone", "passes[2].fields[1]"),
    (("thresholds", "review"), 0.81, "thresholds.review"),
    (("thresholds", "different_ids_review"), 0.96, "thresholds.different_ids_review"),
    (("thresholds", "link"), 0.96, "thresholds.different_ids_link"),
    (("passes", 1, "review_threshold"), 0.99, "passes[1].review_threshold"),
    (("passes", 0, "link_threshold"), 0.5, "passes[0].review_threshold"),
    (("exclusions", 0, "schemes"), ["310", "999"], "exclusions[0].schemes"),
    (("coverage", 1, "schemes"), ["999"], "coverage[1].schemes"),
    (("coverage", 1, "population"), "students", "coverage[1].population"),
    (("coverage", 1, "population"), "nothing", "coverage[1].population"),
    (("coverage", 0, "eligible"), {"town": ["1"]}, "coverage[0].eligible.town"),
    (("coverage", 0, "eligible"), {"status": ["9"]}, "coverage[0].eligible.status"),
    (("coverage", 0, "eligible"), {"status": [1]}, "coverage[0].eligible.status"),
    (("coverage", 0, "eligible"), {"status": []}, "coverage[0].eligible.status"),
    (("coverage", 0, "eligible"), {"birth_band": [1891]}, "coverage[0].eligible.birth_band"),
    (("coverage", 0, "eligible"), {"birth_band": ["1890"]}, "coverage[0].eligible.birth_band"),
    (("coverage", 1, "excused_by"), ["students", "soldiers"], "coverage[1].excused_by[1]"),
]


@pytest.mark.parametrize(("path", "value", "key"), CROSS_CHECKS, ids=str)
def test_every_cross_check_names_its_key(path: tuple[str | int, ...], value: Any, key: str) -> None:
    assert refused(changed(path, value)) == ("AGREEMENT_INVALID", key)


THRESHOLDS, CALIBRATE = ("thresholds",), {"calibrate": {"precision": 0.999}}
FOUR: Final = ("link", "review", "different_ids_link", "different_ids_review")
DECISION_CHECKS: list[tuple[tuple[str | int, ...], Any, str, str]] = [
    *((("thresholds", name), ..., f"thresholds.{name}", "give calibrate, or all four similarities") for name in FOUR),
    (("thresholds", "calibrate"), {"precision": 0.99}, "thresholds.link", "with calibrate no similarity decides"),
    *(
        (THRESHOLDS, CALIBRATE | {name: 0.5}, f"thresholds.{name}", "with calibrate no similarity decides")
        for name in FOUR
    ),
    (THRESHOLDS, CALIBRATE, "passes[1].link_threshold", "with calibrate no similarity decides; take this key out"),
    (("thresholds", "review"), 0.81, "thresholds.review", "the review threshold is above the link threshold"),
    (("thresholds", "different_ids_review"), 0.96, "thresholds.different_ids_review", "review threshold is above"),
    (("thresholds", "link"), 0.96, "thresholds.different_ids_link", "different valid ID numbers need at least"),
    (("passes", 1, "review_only"), True, "passes[1].link_threshold", "for review only has no link threshold"),
    (("passes", 1, "review_threshold"), 0.99, "passes[1].review_threshold", "the review threshold is above"),
    (("compare_columns",), ["first_month"], "compare_columns[0]", "a month tells when somebody was enrolled"),
    (("compare_columns",), ["status"], "compare_columns[0]", "fewer than two datasets have a coded column"),
    (("compare_columns",), ["nothing"], "compare_columns[0]", "fewer than two datasets have a coded column"),
]


@pytest.mark.parametrize(("path", "value", "key", "message"), DECISION_CHECKS, ids=str)
def test_every_check_of_decisions_says_what_is_wrong(
    path: tuple[str | int, ...], value: Any, key: str, message: str
) -> None:
    refused_with(changed(path, value), key, message)


def calibrated(**changes: Any) -> dict[str, Any]:
    """The template's content with calibrated thresholds and no similarity of a pass."""
    content = deepcopy(TEMPLATE) | {"thresholds": {"calibrate": {"precision": 0.999}}} | changes
    for item in content["passes"]:
        item.pop("link_threshold", None)
        item.pop("review_threshold", None)
    return content


def test_a_calibrated_agreement() -> None:
    agreement = parse_agreement(toml(calibrated()))
    assert agreement.thresholds.calibrate == Calibration(precision=0.999, review=0.005)
    assert agreement.thresholds.candidates == 0.5
    content = calibrated(thresholds={"calibrate": {"precision": 0.99, "review": 0.1}, "candidates": 0.6})
    content["passes"][1]["review_threshold"] = 0.7
    agreement = parse_agreement(toml(content))
    # No similarity makes a link; the second is where a pass begins to propose pairs.
    assert [agreement.thresholds_of(item)[1] for item in agreement.passes] == [0.6, 0.7, 0.6]
    assert all(agreement.thresholds_of(item)[0] > 1.0 for item in agreement.passes)


def test_a_calibrated_agreement_knows_no_pass_for_review_only() -> None:
    content = calibrated()
    content["passes"][2]["review_only"] = True
    refused_with(toml(content), "passes[2].review_only", "with calibrate the evidence of every pass counts")


@pytest.mark.parametrize(
    ("name", "value"),
    [("precision", 0.49), ("precision", 1.0), ("review", 0.0), ("review", 0.5), ("precision", float("nan"))],
)
def test_a_calibration_out_of_range_is_refused(name: str, value: float) -> None:
    content = calibrated(thresholds={"calibrate": {"precision": 0.999} | {name: value}})
    assert refused(toml(content)) == ("AGREEMENT_INVALID", f"thresholds.calibrate.{name}")


def district(**changes: Any) -> dict[str, Any]:
    return {"name": "district", "type": "code", "column": "区县", "codes": ["1", "2"]} | changes


def with_columns(one: dict[str, Any], two: dict[str, Any], names: list[str]) -> str:
    content = deepcopy(TEMPLATE) | {"compare_columns": names}
    for place, column in ((0, one), (1, two)):
        content["datasets"][place]["columns"].append(column)
    return toml(content)


def test_columns_that_are_compared() -> None:
    agreement = parse_agreement(with_columns(district(), district(column="AAB301"), ["district"]))
    assert agreement.compare_columns == ("district",)
    assert agreement.fingerprint != FINGERPRINT


def test_columns_that_cannot_be_compared() -> None:
    other = "the datasets' columns of this name have other types, codes, ranges or bands"
    for two in (district(codes=["1", "3"]), {"name": "district", "type": "integer", "column": "区", "range": [1, 2]}):
        refused_with(with_columns(district(), two, ["district"]), "compare_columns[0]", other)
    twice = with_columns(district(), district(), ["district", "district"])
    refused_with(twice, "compare_columns[1]", "this column stands twice")


MODEL_CHECKS: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("format",), 2, "format"),
    (("id",), "Not An Id", "id"),
    (("title",), "", "title"),
    (("retention_months",), 0, "retention_months"),
    (("retention_months",), "24", "retention_months"),
    (("retention_months",), True, "retention_months"),
    (("key_epoch",), "a/b", "key_epoch"),
    (("parties", 0, "role"), "king", "parties[0].role"),
    (("fields", "name", "kind"), "nickname", "fields.name.kind"),
    (("fields", "name", "normalisation"), 1, "fields.name.normalisation"),
    (("datasets", 1, "scheme"), "11", "datasets[1].scheme"),
    (("passes", 0, "bits"), 1000, "passes[0].bits"),
    (("passes", 0, "encoder"), "other", "passes[0].encoder"),
    (("passes", 0, "fields"), [], "passes[0].fields"),
    (("passes", 0, "fields", 0, "insertions"), 0, "passes[0].fields[0].insertions"),
    (("passes", 0, "fields", 0, "qgram_sizes"), [5], "passes[0].fields[0].qgram_sizes[0]"),
    (("thresholds", "link"), 0.0, "thresholds.link"),
    (("thresholds", "link"), 1.01, "thresholds.link"),
    (("thresholds", "link"), float("nan"), "thresholds.link"),
    (("limits", "max_fuzzy_share"), float("nan"), "limits.max_fuzzy_share"),
    (("limits", "max_fuzzy_share"), float("inf"), "limits.max_fuzzy_share"),
    (("limits", "max_block_rows"), 1, "limits.max_block_rows"),
    (("purpose",), ..., "purpose"),
    (("datasets", 0, "identity"), ..., "datasets[0].identity"),
]


@pytest.mark.parametrize(("path", "value", "key"), MODEL_CHECKS, ids=str)
def test_every_value_is_checked_and_its_key_named(path: tuple[str | int, ...], value: Any, key: str) -> None:
    assert refused(changed(path, value)) == ("AGREEMENT_INVALID", key)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("id = ", "AGREEMENT_NOT_TOML"),
        ("id = 1\nid = 2", "AGREEMENT_NOT_TOML"),
        ("x = " + "[" * 5000 + "]" * 5000, "AGREEMENT_NOT_TOML"),
        ("id = 2026-01-01", "AGREEMENT_INVALID"),
        ("", "AGREEMENT_INVALID"),
    ],
    ids=["half", "twice", "deep", "date", "empty"],
)
def test_what_is_no_agreement_is_refused(text: str, code: str) -> None:
    assert refused(text)[0] == code


@pytest.mark.parametrize("dataset", AGREEMENT.datasets, ids=lambda dataset: dataset.id)
def test_what_is_said_to_leave_is_what_leaves(dataset: Any) -> None:
    coded = {"status": "1", "first_month": "202601", "last_month": "202602"}
    encoded = encode(dataset.id, [person(1, "张三", **coded), person(2, "李四", **coded)])
    listed = leaving_columns(AGREEMENT, dataset)
    assert encoded.table.column_names == [column.name for column in listed]
    assert all(column.form and column.source for column in listed)


def test_a_dataset_without_an_id_number_has_no_token_and_fewer_passes() -> None:
    content = deepcopy(TEMPLATE)
    content["datasets"][5]["identity"] = {"name": "学生姓名", "sex": "性别"}
    students = parse_agreement(toml(content)).dataset("students")
    assert students is not None
    names = [column.name for column in leaving_columns(parse_agreement(toml(content)), students)]
    assert names == ["handle", "state.name", "state.sex"]


def test_columns_do_not_depend_on_the_order_of_keys() -> None:
    other = parse_agreement(toml(reversed_keys(TEMPLATE)))
    for one, two in zip(AGREEMENT.datasets, other.datasets, strict=True):
        assert leaving_columns(AGREEMENT, one) == leaving_columns(other, two)


def test_files(tmp_path: Path) -> None:
    path = write_trusted_agreement(tmp_path / "new" / "folder")
    assert read_agreement(path) == parse_agreement(trusted_template())
    marked = tmp_path / "marked.toml"
    marked.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_agreement(marked) == read_agreement(path)
    bad = tmp_path / "bad.toml"
    bad.write_bytes("id = '张'".encode("gb18030"))
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(changed(("valid_months", "first"), 202600), encoding="utf-8")
    for file, code in (
        (tmp_path / "none.toml", "FILE_NOT_FOUND"),
        (tmp_path, "FILE_NOT_FOUND"),
        (bad, "AGREEMENT_NOT_TOML"),
        (wrong, "AGREEMENT_INVALID"),
    ):
        with pytest.raises(AgreementError) as caught:
            read_agreement(file)
        assert (caught.value.code, caught.value.place.file) == (code, file)
    content = path.read_bytes()
    with pytest.raises(AgreementError) as caught:
        write_trusted_agreement(path.parent)
    assert caught.value.code == "FILE_EXISTS"
    assert path.read_bytes() == content
    with pytest.raises(AgreementError) as caught:
        write_trusted_agreement(path)
    assert caught.value.code in ("FILE_EXISTS", "FILE_NOT_WRITABLE")


def test_lookups() -> None:
    assert isinstance(AGREEMENT, Agreement)
    assert (AGREEMENT.dataset("nothing"), AGREEMENT.party("nobody")) == (None, None)
    assert [dataset.id for dataset in AGREEMENT.datasets_of_schemes(("390", "110"))] == [
        "employee_pension",
        "resident_medical",
    ]


def test_the_digest_of_the_tables_is_pinned() -> None:
    # A change here changes every agreement's fingerprint: all parties have to renew theirs together.
    assert tables.tables_digest() == "df7f1e66b70e4d75ab097f34cf6817e521075a2b7216e2b795269a1abb03324c"
