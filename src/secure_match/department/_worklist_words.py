"""RAW: what stands in worklists in words, in both languages: headers, kinds, evidence, and what to do."""

from __future__ import annotations

from typing import Final, Literal

Language = Literal["zh", "en"]

HEADERS: Final[dict[Language, tuple[str, ...]]] = {
    "zh": (
        "疑点编号",
        "疑点类型",
        "规则",
        "说明",
        "对方数据",
        "重叠起月",
        "重叠止月",
        "比对依据",
        "原表行号",
    ),
    "en": (
        "finding",
        "kind",
        "rule",
        "title",
        "other dataset",
        "first month",
        "last month",
        "evidence",
        "export row",
    ),
}
WORDS: Final[dict[Language, dict[str, str]]] = {
    "zh": {
        "duplicate": "重复",
        "missing": "未参保",
        "one_number_two_people": "一号多人",
        "one_person_two_numbers": "一人多号",
        "id_token": "身份证号一致",
        "passes": "姓名等信息一致",
    },
    "en": {
        "duplicate": "duplicate",
        "missing": "missing",
        "one_number_two_people": "one number, two people",
        "one_person_two_numbers": "one person, two numbers",
        "id_token": "equal ID number",
        "passes": "name and others",
    },
}
ADVICE: Final[dict[Language, dict[str, str]]] = {
    "zh": {
        "one_number_two_people": "同一身份证号出现在不同人员的记录中；请按证件核对本行的号码与姓名，确认号码属于谁",
        "one_person_two_numbers": "同一人的记录中有不同的有效身份证号；"
        "请按现行证件核对本行的号码，旧号或误录的号码请更正",
    },
    "en": {
        "one_number_two_people": "one ID number stands on rows of different people; "
        "check number and name of this row against the card: whose number is it?",
        "one_person_two_numbers": "rows of one person have different valid ID numbers; "
        "check this row's number against the present card, and correct a superseded or mistyped one",
    },
}
"""What to do about the kinds that are questions about the row itself."""
BETWEEN: Final[dict[Language, tuple[str, str]]] = {"zh": ("：", "、"), "en": (": ", ", ")}
"""What stands between a title and the advice, and between two datasets."""

SHEET_TITLES: Final[dict[Language, str]] = {"zh": "核查清单", "en": "worklist"}
"""Name of the sheet of a worklist."""
