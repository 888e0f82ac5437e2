"""PUBLIC: which column of an export holds what, by its header and by the form of its cells.

Invariants: no raw value comes in here, only headers and shares of cells; the tables do not take part in an agreement's
fingerprint, because a proposal means nothing until somebody writes it into the agreement, and then the headers do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

Role = Literal[
    "row_key", "id_number", "name", "sex", "birth_date", "phone", "address", "town", "first_month", "last_month"
]
"""What a column can be: the row key, an identity field by its kind, or a month that bounds a spell."""
Basis = Literal["header_and_content", "header", "header_doubtful", "content", "content_corrects_header", "unique"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)

HEADERS: Final[dict[Role, tuple[str, ...]]] = {
    "row_key": (
        # Jinbao and the medical platform.
        "AAC001", "psn_no", "AAZ157", "AAZ159",
        "人员编号", "个人编号", "人员编码", "个人编码", "人员代码", "个人代码", "个人账号", "社保编号", "个人社保编号",
        "参保编号", "医保编号", "人员标识", "主键", "记录编号", "业务编号", "流水号", "学籍号", "学号", "残疾人证号",
        "低保证号", "居民健康档案编号", "编号", "person_id", "person_no", "record_id", "row_id", "uid",
        "member_id", "id", "序号",
    ),
    "id_number": (
        "AAC002", "certno", "psn_certno", "AAC147", "AAE135",
        "公民身份号码", "公民身份证号码", "身份证号码", "身份证号", "身份证", "身份证件号", "身份证件号码",
        "居民身份证号码", "居民身份证号", "居民身份证", "证件号码", "证件号", "有效证件号码", "社会保障号码",
        "社会保障号",
        "参保人身份证号", "参保人身份证号码", "参保人证件号码", "本人身份证号", "学生身份证号", "学生身份证件号",
        "id_number", "id_no", "id_num", "id_card", "id_card_no", "id_card_number", "identity_number", "identity_no",
        "identity_card", "identity_card_number", "citizen_id", "resident_id", "national_id",
        "cert_number", "sfzh", "sfzhm", "sfz", "gmsfhm", "zjhm",
    ),
    "name": (
        "AAC003", "psn_name",
        "姓名", "参保人姓名", "参保人员姓名", "人员姓名", "个人姓名", "学生姓名", "中文姓名", "公民姓名", "居民姓名",
        "本人姓名",
        "受益人姓名", "待遇人员姓名", "name", "full_name", "person_name", "chinese_name", "xm",
    ),
    "sex": ("AAC004", "gend", "gender", "sex", "性别", "性别代码", "性别编码", "人员性别", "gend_code", "xb"),
    "birth_date": (
        "AAC006", "brdy",
        "出生日期", "出生年月日", "出生年月", "出生时间", "生日", "birth_date", "date_of_birth", "birthday",
        "birth", "dob", "csrq", "csny",
    ),
    "phone": (
        "AAE005", "tel", "mob",
        "手机号码", "手机号", "手机", "移动电话", "联系手机", "本人手机", "本人手机号码", "联系电话", "联系方式",
        "联系号码",
        "电话号码", "电话", "本人电话", "参保人电话", "监护人电话", "家长电话", "mobile", "mobile_phone",
        "mobile_number",
        "mobile_no", "cell_phone", "phone", "phone_number", "phone_no", "telephone", "contact_phone",
        "lxdh", "sjhm",
    ),
    "address": (
        "live_addr", "AAE006", "AAC010", "resd_addr",
        "常住地址", "常住地", "居住地址", "现住址", "现居住地址", "家庭住址", "家庭地址", "住址", "通讯地址",
        "联系地址", "地址",
        "户籍地址", "户口所在地", "户籍所在地", "户口所在地址", "户籍地", "户口地址", "address", "home_address", "addr",
        "residential_address", "registered_address", "jtzz", "hjdz",
    ),
    "town": (
        "AAB301", "admdvs",
        "镇街", "镇街代码", "镇街名称", "街道", "街道乡镇", "乡镇街道", "乡镇", "所属镇街", "所属街道", "学校镇街",
        "行政区划",
        "行政区划代码", "区划代码", "统筹区", "统筹区编码", "参保地区划", "town", "town_code", "township", "district",
        "division", "division_code", "region_code",
    ),
    "first_month": (
        "begn_ym", "AAE041", "begndate", "AAE030",
        "开始年月", "起始年月", "参保起始年月", "缴费开始年月", "费款所属期起", "参保开始日期", "待遇开始年月",
        "start_month",
        "first_month", "begin_month", "start_ym",
    ),
    "last_month": (
        "end_ym", "AAE042", "enddate", "AAE031",
        "终止年月", "截止年月", "结束年月", "参保终止年月", "缴费终止年月", "费款所属期止", "参保结束日期",
        "待遇终止年月",
        "end_month", "last_month", "stop_month",
    ),
}  # fmt: skip
"""Headers by what they hold, the better one first.

Sources: codes AAC..., AAE..., AAB..., AAZ... from LD/T 92 (indicators and codes of the social insurance
information system, "Jinbao"); ``psn_no``, ``certno``, ``gend``, ``brdy`` and the like from the interface specification
of the national medical security information platform; Chinese headers and their pinyin initials from forms of the
nationwide enrolment registration and of the household register (GA/T 543: ``gmsfhm``, ``xm``, ``xb``, ``csrq``).
"""

OTHER_PEOPLE: Final = (
    "监护人", "父亲", "母亲", "家长", "户主", "配偶", "联系人", "经办人", "法人", "法定代表人", "单位", "企业", "学校",
    "操作员", "审核", "录入", "代办", "负责人", "银行", "开户", "登记日期", "更新", "曾用名", "父母",
)  # fmt: skip
"""Words of a header that say that its cells are somebody else's or something else's; content proves nothing there."""

CONTENT_ROLES: Final[tuple[Role, ...]] = ("id_number", "phone", "name", "sex")
"""Roles that the form of the cells alone can show; a date could be any date."""
_CONFIRMS: Final = 0.5
_CONTRADICTS: Final = 0.2
_PROVES: Final = 0.8
_UNCONFIRMED: Final = 0.6
_CONFIRMED: Final = 0.75
_TIERS: Final[tuple[Basis, ...]] = (
    "header_and_content", "header", "content", "content_corrects_header", "header_doubtful", "unique",
)  # fmt: skip
_HIDDEN: Final = ("Cc", "Cf", "Zl", "Zp")
_BRACKETED: Final = re.compile(r"[(\[{<《【〔「『][^)\]}>》】〕」』]*[)\]}>》】〕」』]")
_NOT_WORD: Final = re.compile(r"[^0-9a-z\u3400-\u9fff]+")
_LATIN_AND_HAN: Final = re.compile(r"[0-9a-z]+|[\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnContent:
    """What a sample of a column's cells looks like, as shares from 0 to 1 of its filled cells.

    Attributes:
        filled: number of filled cells in the sample.
        forms: role to the share of cells that have its form.
        proofs: role to the share of cells that hardly anything else looks like; for roles of ``CONTENT_ROLES``.
        distinct: share of all rows of the sample that hold a value that no other row of it holds.
    """

    filled: int
    forms: MappingOf[Role, float]
    proofs: MappingOf[Role, float]
    distinct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedColumn:
    """One proposal: a role, the header, how sure (0 to 1), and what it rests on."""

    role: Role
    column: str
    confidence: float
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Proposals in the order of ``ROLES``; every role and every column stands once at most."""

    columns: tuple[ProposedColumn, ...]

    def column(self, role: Role) -> str | None:
        """The header proposed for a role, or None."""
        return next((item.column for item in self.columns if item.role == role), None)

    def identity(self, fields: MappingOf[str, str]) -> dict[str, str]:
        """Identity field to header, for fields given as name to kind, in the order of ``fields``."""
        found = {name: self.column(role) for name, kind in fields.items() for role in ROLES if role == kind}
        return {name: column for name, column in found.items() if column is not None}


def canonical_header(header: str) -> str:
    """A header without what exports add to it: NFKC, lower case, no brackets with their content, only words."""
    text = unicodedata.normalize("NFKC", header).casefold()
    bare = _NOT_WORD.sub("", _BRACKETED.sub("", text))
    return bare or _NOT_WORD.sub("", text)


_PLACES: Final = {
    canonical_header(name): (role, place) for role, names in HEADERS.items() for place, name in enumerate(names)
}


def role_of_header(header: str) -> tuple[Role, int] | None:
    """What a header alone says a column holds, and its place in ``HEADERS[role]``; None where it is unknown.

    ``AAC002_身份证号`` is known by either part, if both parts do not speak of different roles.
    """
    whole = canonical_header(header)
    if whole in _PLACES:
        return _PLACES[whole]
    parts = {_PLACES[part] for part in _LATIN_AND_HAN.findall(whole) if part in _PLACES}
    if len({role for role, _ in parts}) != 1 or speaks_of_others(header):
        return None
    return min(parts, key=lambda item: item[1])


def speaks_of_others(header: str) -> bool:
    """Whether a header holds a word of ``OTHER_PEOPLE``."""
    text = canonical_header(header)
    return any(word in text for word in OTHER_PEOPLE)


def propose_mapping(header: Sequence[str], contents: MappingOf[str, ColumnContent] | None = None) -> Mapping:
    """Propose what each column holds.

    A known header counts; cells that have the form confirm it, cells of another form make it doubtful, and cells that
    hardly anything else looks like stand above that. Among confirmed columns the better header wins, then the surer,
    then the one further left.

    Args:
        header: column names; unnamed columns are passed over.
        contents: what a sample of each column looks like; without it headers alone count.
    """
    candidates: list[tuple[int, int, int, float, int, ProposedColumn]] = []
    for place, column in enumerate(header):
        if not column:
            continue
        content = contents.get(column) if contents is not None else None
        for rank, item in _candidates(column, content):
            candidates.append((_tier(item), ROLES.index(item.role), rank, -item.confidence, place, item))
    chosen: dict[Role, ProposedColumn] = {}
    used: set[str] = set()
    for *_, item in sorted(candidates, key=lambda entry: entry[:5]):
        if item.role not in chosen and item.column not in used:
            chosen[item.role] = item
            used.add(item.column)
    return Mapping(columns=tuple(chosen[role] for role in ROLES if role in chosen))


def _tier(item: ProposedColumn) -> int:
    """Confirmed headers come first, whatever their share of good cells: another column may be cleaner and not be it."""
    confirmed = item.basis == "header_and_content" and item.confidence >= _CONFIRMED
    return 0 if confirmed else _TIERS.index(item.basis) + 1


def _candidates(column: str, content: ColumnContent | None) -> list[tuple[int, ProposedColumn]]:
    """Proposals for one column with the rank of its header; a column may be several things."""
    known = role_of_header(column)
    proven = _proven_role(column, content)
    found: list[tuple[int, ProposedColumn]] = []
    if proven is not None and (known is None or known[0] != proven[0]):
        role, share = proven
        basis: Basis = "content" if known is None else "content_corrects_header"
        # Below a confirmed header: a second column of ID numbers may be somebody else's.
        found.append((1000, _proposal(role, column, 0.7 * share, basis)))
    elif known is not None:
        found.append((known[1], _by_header(known[0], column, content)))
    elif content is not None and content.filled and content.distinct == 1.0 and not speaks_of_others(column):
        found.append((1000, _proposal("row_key", column, 0.2, "unique")))
    return found


def _proven_role(column: str, content: ColumnContent | None) -> tuple[Role, float] | None:
    if content is None or not content.filled or speaks_of_others(column):
        return None
    role = max(CONTENT_ROLES, key=lambda item: content.proofs.get(item, 0.0))
    share = content.proofs.get(role, 0.0)
    return (role, share) if share >= _PROVES else None


def _by_header(role: Role, column: str, content: ColumnContent | None) -> ProposedColumn:
    if content is None or not content.filled:
        return _proposal(role, column, _UNCONFIRMED, "header")
    if role == "row_key":
        return _proposal(role, column, 0.5 + 0.5 * content.distinct, "header_and_content")
    share = content.forms.get(role)
    if share is None:
        return _proposal(role, column, _UNCONFIRMED, "header")
    if share < _CONTRADICTS:
        return _proposal(role, column, 0.25, "header_doubtful")
    basis: Basis = "header_and_content" if share >= _CONFIRMS else "header"
    return _proposal(role, column, 0.5 + 0.5 * share, basis)


def _proposal(role: Role, column: str, confidence: float, basis: Basis) -> ProposedColumn:
    return ProposedColumn(role=role, column=column, confidence=round(confidence, 3), basis=basis)


_TEMPLATE_FIELDS: Final = ("id_number", "name", "sex", "birth_date", "phone")
"""Roles that are identity fields of the city template under the same name."""


def mapping_toml(mapping: Mapping, *, dataset_id: str = "export") -> str:
    """A ``[[datasets]]`` table to paste into an agreement. Id, owner, kind and title are for the reader to correct."""
    spell = mapping.column("first_month") is not None and mapping.column("last_month") is not None
    key = mapping.column("row_key")
    lines = [
        "[[datasets]]",
        f"id = {_toml(dataset_id)}",
        'owner = "police"            # the id of your party',
        f'kind = "{"enrolment" if spell else "reference"}"',
        f"title = {_toml(dataset_id)}",
        f"row_key = {_toml(key)}" if key else '# row_key = "..."   # name a column that is unique in the export',
    ]
    if spell:
        lines.append('spell = { first_month = "first_month", last_month = "last_month" }')
    lines += ["", "[datasets.identity]"]
    others = []
    for item in mapping.columns:
        if item.role in _TEMPLATE_FIELDS:
            lines.append(f"{item.role} = {_toml(item.column)}")
        elif item.role in ("address", "town"):
            others.append(f"# {item.role} = {_toml(item.column)}   # once [fields] has it")
    lines += others
    if spell:
        for role, required in (("first_month", True), ("last_month", False)):
            column = next(item.column for item in mapping.columns if item.role == role)
            lines += ["", "[[datasets.columns]]", f'name = "{role}"', 'type = "month"', f"column = {_toml(column)}"]
            lines += ["required = true"] if required else []
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """A TOML string of one line: whatever could end a line, or hide in it, is an escape."""
    marks = ("\\" + mark if mark in '"\\' else mark for mark in text)
    return (
        '"' + "".join(_toml_escape(mark) if unicodedata.category(mark[-1]) in _HIDDEN else mark for mark in marks) + '"'
    )


def _toml_escape(mark: str) -> str:
    return f"\\u{ord(mark):04X}" if ord(mark) < 1 << 16 else f"\\U{ord(mark):08X}"
