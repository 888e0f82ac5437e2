"""PUBLIC: the tables that normalisation uses. Two departments with different tables would never link.

Their digest is part of every agreement's fingerprint, so a changed table changes the fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

NAME_SEPARATORS: Final = "·•．・。･‧∙⋅・.᛫"
"""Characters that stand for the separator of minority names; all become U+00B7."""

COMPOUND_SURNAMES: Final = [
    "欧阳",
    "上官",
    "司马",
    "诸葛",
    "东方",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "令狐",
    "司徒",
    "夏侯",
    "宇文",
    "长孙",
    "端木",
    "轩辕",
    "南宫",
    "独孤",
    "呼延",
    "申屠",
    "太史",
    "澹台",
    "公冶",
    "宗政",
    "濮阳",
    "淳于",
    "单于",
    "太叔",
    "仲孙",
    "钟离",
    "鲜于",
    "闾丘",
    "司空",
    "百里",
    "东郭",
    "西门",
    "拓跋",
    "赫连",
]
"""Two-character surnames (common ones of the national statistics); every other surname has one character."""

MISSING_WORDS: Final = (
    "",
    "-",
    "--",
    "/",
    "0",
    "无",
    "无名",
    "不详",
    "未知",
    "未填",
    "空",
    "暂无",
    "NULL",
    "NONE",
    "NAN",
    "N/A",
    "NA",
    "UNKNOWN",
)
"""Texts, after NFKC and upper-casing, that mean that there is no value."""

SEX_CODES: Final = {
    "1": "1",
    "男": "1",
    "男性": "1",
    "M": "1",
    "MALE": "1",
    "2": "2",
    "女": "2",
    "女性": "2",
    "F": "2",
    "FEMALE": "2",
}
"""GB/T 2261.1 codes and the texts that stand for them; 0 and 9 mean unknown or unstated."""


def tables_digest() -> str:
    """Lower-case hex SHA-256 over all tables of this module in canonical JSON."""
    tables = {
        "name_separators": NAME_SEPARATORS,
        "compound_surnames": COMPOUND_SURNAMES,
        "missing_words": MISSING_WORDS,
        "sex_codes": SEX_CODES,
    }
    return hashlib.sha256(json.dumps(tables, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
