"""PUBLIC: words and characters that normalisation looks for in the cells of an export."""

from __future__ import annotations

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
    "未详",
    "不明",
    "未提供",
    "没有",
    "NULL",
    "NONE",
    "NAN",
    "N/A",
    "NA",
    "UNKNOWN",
    "#N/A",
    "<NA>",
    "(NULL)",
    "NIL",
    "\\N",
)
"""Texts, after NFKC and upper-casing, that mean that there is no value."""

SEX_CODES: Final = {
    "1": "1",
    "男": "1",
    "男性": "1",
    "1-男": "1",
    "1男": "1",
    "1.0": "1",
    "M": "1",
    "MALE": "1",
    "2": "2",
    "女": "2",
    "女性": "2",
    "2-女": "2",
    "2女": "2",
    "2.0": "2",
    "F": "2",
    "FEMALE": "2",
}
"""GB/T 2261.1 codes and the texts that stand for them; 0 and 9 mean unknown or unstated."""

SEX_MISSING: Final = ("9", "0.0", "9.0", "未说明", "未说明的性别", "未知的性别", "0-未知的性别", "9-未说明的性别")
"""Codes and texts of GB/T 2261.1 that say that the sex is unknown or unstated, besides the words for nothing."""

UNKNOWN_CHARACTER: Final = "\u25a1"
"""Stands for a character that the export has lost; q-grams that hold it are no tokens."""

LOST_CHARACTERS: Final = r"?*\x{25A1}\x{25A0}\x{25A2}\x{FFFD}\x{3013}\p{Co}"
"""Characters, inside a regular expression's brackets, that stand for a lost one after NFKC."""

FORMER_NAME_WORDS: Final = ("曾用名", "曾用姓名", "原姓名", "原名", "又名", "别名", "曾名", "亦名", "化名")
"""Words after which a former or other name stands."""

TITLES: Final = ("先生", "女士", "小姐", "同志", "老师", "师傅", "医生", "大夫", "同学")
"""Two-character titles after a Chinese name."""

LATIN_TITLES: Final = ("MR", "MRS", "MS", "MISS", "DR", "PROF")
"""Titles before a name in Latin letters."""

APOSTROPHES: Final = "'`\u2018\u2019\u201a\u201b\u2032\u2035\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\ua78b\ua78c"
"""Characters inside a word of a ``text`` that vanish, after NFKD: O'Brien is OBrien."""

LATIN_FOLDS: Final = {
    "\u00e6": "ae",
    "\u0153": "oe",
    "\u00f8": "o",
    "\u0142": "l",
    "\u0111": "d",
    "\u00f0": "d",
    "\u0127": "h",
    "\u0167": "t",
    "\u0131": "i",
    "\u0138": "k",
    "\u014b": "n",
    "\u00fe": "th",
}
"""Small Latin letters that have no decomposition, and the plain letters that they are written with where a system has
plain letters only."""
