"""AUDIT: what an inspection of a package says, in Chinese and in English."""

from __future__ import annotations

from typing import Final

from secure_match.review._collusion import Language

TEXTS: Final[dict[str, dict[Language, str]]] = {
    "head": {"en": "{file}: {kind}, {rows} rows", "zh": "{file}：{kind}，{rows} 行"},
    "read": {
        "en": "read {read}, encoded {encoded}, quarantined {quarantined}",
        "zh": "读取 {read} 行，编码 {encoded} 行，隔离 {quarantined} 行",
    },
    "shut": {
        "en": "sealed for {recipient} and not opened: this is what its manifest states. The recipient sees more with "
        "--identity",
        "zh": "已对 {recipient} 加密，未打开：以下为清单所述。接收方可用 --identity 查看更多",
    },
    "columns": {"en": "Columns", "zh": "各列"},
    "column": {"en": "column", "zh": "列"},
    "type": {"en": "type", "zh": "类型"},
    "empty": {"en": "empty", "zh": "空值比例"},
    "allowed": {"en": "allowed", "zh": "允许的取值"},
    "stated": {"en": "Columns, as the manifest states them", "zh": "清单所述各列"},
    "states": {"en": "States of identity fields", "zh": "身份字段状态"},
    "codes": {
        "en": "Coded columns and their combinations: how many cells have so many rows",
        "zh": "代码列及其组合：各规模的格子数",
    },
    "frequencies": {
        "en": "Tokens, block tags and encodings: how many values stand on so many rows",
        "zh": "令牌、分块标签和编码：各频次的取值个数",
    },
    "row_count": {"en": "rows", "zh": "行数"},
    "groups": {"en": "values", "zh": "取值数"},
    "band": {"en": "on {band}", "zh": "{band} 行"},
    "largest": {"en": "most", "zh": "最多"},
    "share": {"en": "share", "zh": "占比"},
    "min_entropy": {"en": "min-entropy, bits", "zh": "最小熵（比特）"},
    "set_bits": {"en": "Set bits of encodings", "zh": "编码的置位比特数"},
    "pass": {"en": "pass", "zh": "轮次"},
    "least": {"en": "least", "zh": "最小"},
    "lower": {"en": "25 %", "zh": "25%"},
    "median": {"en": "50 %", "zh": "50%"},
    "upper": {"en": "75 %", "zh": "75%"},
    "most": {"en": "most", "zh": "最大"},
    "mean": {"en": "mean", "zh": "均值"},
    "deviation": {"en": "deviation", "zh": "标准差"},
    "counts": {"en": "Rows by their codes", "zh": "按代码统计的行数"},
    "unique": {
        "en": "{rows} rows are unique on all coded columns together; {share} of the rows carry a fuzzy encoding",
        "zh": "全部代码列合在一起独一无二的有 {rows} 行；带模糊编码的行占 {share}",
    },
    "warning": {"en": "warning: {text}", "zh": "注意：{text}"},
    "quiet": {
        "en": "No distribution stands out. That does not make the package safe: see the table of collusions.",
        "zh": "没有突出的分布。这不表示数据包安全：参见联合还原表。",
    },
    "end": {
        "en": "Wrote nothing. Next: secure-match review disclose --help",
        "zh": "未写任何文件。下一步：secure-match review disclose --help",
    },
}


def say(key: str, language: Language, **values: object) -> str:
    """One text with its places filled in."""
    return TEXTS[key][language].format(**values)
