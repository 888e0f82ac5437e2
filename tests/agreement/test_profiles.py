"""Headers as departments write them, alone and against the form of the cells."""

from __future__ import annotations

import itertools
import tomllib

import pytest

from secure_match.agreement import parse_agreement, trusted_template
from secure_match.agreement.profiles import (
    HEADERS,
    ROLES,
    ColumnContent,
    Role,
    canonical_header,
    mapping_toml,
    propose_mapping,
    role_of_header,
)

CASES: dict[Role, str] = {
    "row_key": "AAC001 aac001 psn_no PSN_NO 人员编号 个人编号 个人编码 学籍号 Person_ID person-id 人员编号*"
    " 【人员编号】编号",
    "id_number": (
        "AAC002 aac002 ＡＡＣ００２ certno CERTNO 身份证号 身份证号码 身份证号码（必填） *身份证号码 身份证号(18位) "
        "公民身份号码 公民身份证号码 证件号码 身份证件号 社会保障号码 AAC002_身份证号 AAC002(身份证号) "
        "身份证号AAC002 \ufeff身份证号 id_number "
        "ID_Card Id-Card-No IDCARD id_no 居民身份证号码 sfzh GMSFHM 参保人身份证号码"
    ),
    "name": "AAC003 psn_name 姓名 参保人姓名 学生姓名 姓名（中文） 【姓名】 Name FULL_NAME AAC003姓名 xm",
    "sex": "AAC004 gend Gender SEX 性别 性别(1男2女) 性别代码 AAC004性别",
    "birth_date": "AAC006 brdy 出生日期 出生年月 出生日期(YYYYMMDD) 出生年月日 birth_date DOB Date-Of-Birth 生日 csrq",
    "phone": "AAE005 tel 联系电话 联系手机 手机号码 手机号 手机号码（11位） mobile Phone phone_number 移动电话"
    " 监护人电话",
    "address": "AAE006 live_addr 户口所在地 户籍地址 常住地址 家庭住址 现住址 Address 户籍地址(详细到门牌号) AAC010",
    "town": "AAB301 admdvs 镇街 镇街代码 乡镇街道 行政区划代码 学校镇街 Town_Code",
    "first_month": "begn_ym AAE041 开始年月 起始年月 Start_Month",
    "last_month": "end_ym AAE042 终止年月 截止年月 End_Month",
}
BLANKS = {
    "身份 证 号 码": "id_number",
    " 姓　名 ": "name",
    "性\n别": "sex",
    "Birth Date": "birth_date",
    "ID  Card": "id_number",
}
OTHERS = (
    "监护人身份证号", "监护人姓名", "户主姓名", "父亲姓名", "经办人", "单位名称", "单位电话", "曾用名", "备注",
    "缴费基数",
    "民族", "AAC999", "AAC002_姓名", "name2", "银行账号",
)  # fmt: skip
VARIANTS = [(header, role) for role, text in CASES.items() for header in text.split()]


def test_there_are_enough_variants() -> None:
    assert len(VARIANTS) + len(BLANKS) >= 60


@pytest.mark.parametrize(("header", "role"), [*VARIANTS, *BLANKS.items()])
def test_header_variants(header: str, role: Role) -> None:
    known = role_of_header(header)
    assert known is not None
    assert known[0] == role


@pytest.mark.parametrize("header", OTHERS)
def test_headers_of_other_things_are_unknown(header: str) -> None:
    assert role_of_header(header) is None


def test_a_header_stands_for_one_role() -> None:
    names = [canonical_header(name) for name in itertools.chain.from_iterable(HEADERS.values())]
    assert sorted(names) == sorted(set(names))
    assert set(HEADERS) == set(ROLES)


def test_every_dataset_of_the_template_is_recognised() -> None:
    """The template was mapped by hand."""
    agreement = parse_agreement(trusted_template())
    for dataset in agreement.datasets:
        months = [column.column for column in dataset.columns if column.type == "month" and column.column]
        header = [dataset.row_key, *dataset.identity.values(), *months]
        mapping = propose_mapping(header)
        assert mapping.column("row_key") == dataset.row_key
        assert mapping.identity({name: name for name in agreement.fields}) == dataset.identity
        assert {mapping.column("first_month"), mapping.column("last_month")} - {None} == set(months)


def content(role: Role | None = None, share: float = 1.0, *, distinct: float = 0.0, filled: int = 100) -> ColumnContent:
    shares = {} if role is None else {role: share}
    return ColumnContent(
        filled=filled, forms={item: shares.get(item, 0.0) for item in ROLES[1:]}, proofs=shares, distinct=distinct
    )


def test_content_confirms_doubts_and_corrects() -> None:
    header = ("身份证号", "姓名", "证件", "性别", "出生日期")
    mapping = propose_mapping(
        header,
        {
            "身份证号": content("phone"),
            "姓名": content("name", 0.9),
            "证件": content("id_number", 0.97),
            "性别": content(),
            "出生日期": content(filled=0),
        },
    )
    found = {item.role: (item.column, item.basis) for item in mapping.columns}
    assert found == {
        "id_number": ("证件", "content"),
        "phone": ("身份证号", "content_corrects_header"),
        "name": ("姓名", "header_and_content"),
        "sex": ("性别", "header_doubtful"),
        "birth_date": ("出生日期", "header"),
    }
    assert [item.role for item in mapping.columns] == [role for role in ROLES if role in found]
    sure = {item.role: item.confidence for item in mapping.columns}
    assert sure["name"] == 0.95
    assert sure["sex"] < sure["birth_date"] < sure["name"]


def test_the_better_header_and_then_the_left_column_wins() -> None:
    full = {"证件号码": content("id_number"), "身份证号码": content("id_number")}
    assert propose_mapping(tuple(full), full).column("id_number") == "身份证号码"
    assert propose_mapping(("联系电话", "手机号码")).column("phone") == "手机号码"
    worse = {"证件号码": content("id_number"), "身份证号码": content("id_number", 0.8)}
    assert propose_mapping(tuple(worse), worse).column("id_number") == "身份证号码"
    keys = {"人员编号": content(distinct=0.1), "编号": content(distinct=1.0)}
    assert propose_mapping(tuple(keys), keys).column("row_key") == "编号"
    unknown = {"a": content(distinct=1.0), "b": content(distinct=1.0)}
    assert propose_mapping(("a", "b"), unknown).column("row_key") == "a"


def test_the_number_of_another_person_is_not_taken() -> None:
    assert propose_mapping(("监护人证件",), {"监护人证件": content("id_number")}).columns == ()


def test_the_row_key_is_never_the_id_number() -> None:
    mapping = propose_mapping(("个人编号",), {"个人编号": content("id_number", distinct=1.0)})
    assert mapping.column("id_number") == "个人编号"
    assert mapping.column("row_key") is None


@pytest.mark.parametrize(
    "header",
    [
        ("AAC001", "AAC002", "AAC003", "AAC004", "AAC006", "AAE005", "AAE006", "AAE041", "AAE042"),
        ('人员编号"', "身份证号\\", "姓名", "性别", "户籍地址"),
    ],
)
def test_the_snippet_completes_an_agreement(header: tuple[str, ...]) -> None:
    mapping = propose_mapping(header)
    snippet = mapping_toml(mapping, dataset_id="pasted")
    assert tomllib.loads(snippet)["datasets"][0]["row_key"] == header[0]
    text = trusted_template()
    place = text.index("# ---------------------------------------------------------------- passes")
    dataset = parse_agreement(text[:place] + snippet + "\n" + text[place:]).dataset("pasted")
    assert dataset is not None
    assert dataset.identity["id_number"] == header[1]
    assert (dataset.spell is not None) == (header[-1] == "AAE042")


def test_the_snippet_says_any_header_in_one_line() -> None:
    """All that is not shown, or ends a line somewhere, is an escape that TOML reads back."""
    hidden = "".join(map(chr, (0x00, 0x09, 0x0A, 0x0D, 0x7F, 0x85, 0xAD, 0x200B, 0x2028, 0x2029, 0x202E, 0xE0001)))
    header = ("人员编号", f'姓名（"\\{hidden}#）', f"住址（{hidden}）")
    snippet = mapping_toml(propose_mapping(header))
    assert tomllib.loads(snippet)["datasets"][0]["identity"]["name"] == header[1]
    assert not set(hidden) & set(snippet) - {"\n"}
    assert len(snippet.splitlines()) == len(snippet.rstrip("\n").split("\n"))
