"""RAW: what an inspection report says, in Chinese and in English."""

from __future__ import annotations

from typing import Final, Literal

Language = Literal["zh", "en"]

TEXTS: Final[dict[str, dict[Language, str]]] = {
    "title": {"en": "Inspection of an export", "zh": "导出文件检查报告"},
    "source": {"en": "Source", "zh": "来源"},
    "rows": {"en": "Rows", "zh": "行数"},
    "read_as": {"en": "Read as", "zh": "读取方式"},
    "dataset": {"en": "Dataset of the agreement", "zh": "协议中的数据集"},
    "no_agreement": {
        "en": "No agreement was given: columns are proposed; fields and passes are those of the city template.",
        "zh": "未指定协议：列的对应关系为自动建议，字段与比对轮次按城市模板。",
    },
    "verdict": {"en": "What to mend, in this order", "zh": "需要处理的问题（按先后顺序）"},
    "nothing": {"en": "Nothing has to be mended.", "zh": "没有需要处理的问题。"},
    "total": {
        "en": "As it is, about {missed} of {rows} rows will find no partner although there is one "
        "({share} of every 10,000).",
        "zh": "按现状，{rows} 行中约有 {missed} 行本有对应人员却会比对不上（每一万行约 {share} 行）。",
    },
    "linkable": {
        "en": "{by_id} rows have a usable ID number, {by_passes} rely on passes, {refused} would be quarantined.",
        "zh": "{by_id} 行有可用的身份证号，{by_passes} 行只能依靠其他字段比对，{refused} 行将被隔离。",
    },
    "rule": {
        "en": "How this is estimated: a quarantined row loses its links; a row with a usable ID number loses none; any "
        "other row is found by its best pass, and missed as often as a field which that pass requires to be equal "
        "differs between two rows of one person (name 2 %, sex 0.2 %, birth date 1 %, phone 35 %, town 5 %, address "
        "80 %). A row without ID number and birth date can hardly be compared at all.",
        "zh": "估算规则：被隔离的行全部比对不上；有可用身份证号的行视为全部比对得上；其余的行按其最好的一轮比对计算，"
        "该轮要求相等的字段在同一人的两条记录中不一致的比例，即为漏比的比例（姓名 2%，性别 0.2%，出生日期 1%，电话"
        " 35%，"
        "镇街 5%，地址 80%）。既无身份证号又无出生日期的行，基本无法比对。",
    },
    "fields": {"en": "Identity fields", "zh": "身份字段"},
    "field": {"en": "field", "zh": "字段"},
    "column": {"en": "column", "zh": "列"},
    "valid": {"en": "valid", "zh": "有效"},
    "repaired": {"en": "repaired", "zh": "已修复"},
    "missing": {"en": "missing", "zh": "缺失"},
    "invalid": {"en": "invalid", "zh": "无效"},
    "reasons": {"en": "Reasons", "zh": "原因"},
    "flag": {"en": "flag", "zh": "提示"},
    "state": {"en": "state", "zh": "状态"},
    "reason": {"en": "reason", "zh": "原因"},
    "row_count": {"en": "rows", "zh": "行数"},
    "examples": {"en": "rows, for example", "zh": "行号举例"},
    "not_there": {"en": "(no column)", "zh": "（无此列）"},
    "refusals": {"en": "Rows that encoding would quarantine", "zh": "编码时将被隔离的行"},
    "code": {"en": "code", "zh": "代码"},
    "keys": {"en": "Row key", "zh": "行主键"},
    "key_line": {
        "en": "{column}: {missing} rows without a key, {repeated} rows repeat the key of an earlier row",
        "zh": "{column}：{missing} 行无主键，{repeated} 行与前面的行主键重复",
    },
    "key_unknown": {"en": "no column was recognised", "zh": "未识别出主键列"},
    "excel": {"en": "Damage by a spreadsheet program", "zh": "电子表格造成的损坏"},
    "excel_line": {
        "en": "{column}: {zeros} of {long} 18-digit values end in 000 ({share}), {powers} in scientific notation, "
        "{numeric} of the cells stored as numbers: {suspected}",
        "zh": "{column}：{long} 个18位值中有 {zeros} 个以000结尾（{share}），{powers} 个为科学计数法，{numeric} 的"
        "单元格按数字存储："
        "{suspected}",
    },
    "suspected": {"en": "damage is suspected", "zh": "疑似损坏"},
    "not_suspected": {"en": "no sign of damage", "zh": "未见损坏迹象"},
    "no_long": {
        "en": "no column holds 18-digit numbers",
        "zh": "没有含18位号码的列",
    },
    "phones": {"en": "Rows by how many rows share their phone number", "zh": "按同一电话号码被多少行共用统计的行数"},
    "empty": {"en": "Empty columns", "zh": "空列"},
    "none": {"en": "none", "zh": "无"},
    "mapping": {"en": "Proposed columns", "zh": "建议的列对应关系"},
    "confidence": {"en": "confidence", "zh": "把握"},
    "basis": {"en": "rests on", "zh": "依据"},
    "snippet": {"en": "Ready to paste into the agreement", "zh": "可粘贴到协议中的内容"},
    "footer": {
        "en": "This report holds column names, codes, counts and row numbers, and no value of any cell.",
        "zh": "本报告只含列名、代码、数量和行号，不含任何单元格的内容。",
    },
    "cost": {"en": "links missed, estimated: {missed}", "zh": "估计漏比：{missed} 行"},
    "no_cost": {"en": "no link is lost by this alone", "zh": "本项本身不造成漏比"},
    "stops": {"en": "nothing can be encoded", "zh": "无法编码"},
    "basis.header_and_content": {"en": "its name; its cells agree", "zh": "列名，内容相符"},
    "basis.header": {"en": "its name; its cells prove nothing", "zh": "列名，内容无法佐证"},
    "basis.header_doubtful": {"en": "its name, but its cells look different", "zh": "列名，但内容不像"},
    "basis.content": {"en": "its cells; its name is not known", "zh": "内容，列名未知"},
    "basis.content_corrects_header": {"en": "its cells, against its name", "zh": "内容，与列名不符"},
    "basis.unique": {"en": "no value stands twice in the sample", "zh": "抽样中没有重复值"},
}
"""Words and sentences of the report; ``{...}`` is filled in."""

FINDINGS: Final[dict[str, dict[Language, str]]] = {
    "ROW_KEY_UNKNOWN": {
        "en": "No row key was recognised. Name a column that is unique in the export and stays the same next month; "
        "never the ID number.",
        "zh": "未识别出行主键。请指定一列在导出中唯一、且下月不变的编号，不要用身份证号。",
    },
    "ID_UNKNOWN": {
        "en": "No column of ID numbers was found. Export it too, or name it in the agreement: without it all "
        "{rows} rows "
        "rely on other fields.",
        "zh": "未找到身份证号列。请一并导出，或在协议中指定；否则 {rows} 行只能依靠其他字段比对。",
    },
    "ID_DAMAGED": {
        "en": "{rows} ID numbers have probably lost their last three digits in a spreadsheet. Export again from the "
        "system, with the column as text; do not open it in a spreadsheet in between. About one in eleven damaged "
        "numbers "
        "still looks valid and would be linked to a wrong person.",
        "zh": "有 {rows} 个身份证号的末三位疑似被电子表格改为000。请从业务系统重新导出，该列设为文本，中途不要用电"
        "子表格打开。"
        "约十一分之一的损坏号码仍能通过校验，会比对到错误的人。",
    },
    "ID_UNUSABLE": {
        "en": "{rows} rows have no usable ID number. Fill in or correct the numbers in your system.",
        "zh": "{rows} 行没有可用的身份证号。请在业务系统中补填或更正。",
    },
    "ROW_WIDTH": {
        "en": "{rows} rows have more or fewer cells than the header. Look for a quote or delimiter inside a cell; "
        "encode "
        "refuses the file, or leaves these rows out with --ragged quarantine.",
        "zh": "{rows} 行的列数与表头不同。请检查单元格内的引号或分隔符；编码时会拒绝整个文件，使用 --ragged quaran"
        "tine 则隔离这些行。",
    },
    "ROW_KEY_MISSING": {
        "en": "{rows} rows have no row key. Give each row its own number.",
        "zh": "{rows} 行没有主键。请为每行补上编号。",
    },
    "ROW_KEY_DUPLICATE": {
        "en": "{rows} rows repeat the row key of an earlier row. Delete doubled rows, or name a column that is unique.",
        "zh": "{rows} 行与前面的行主键重复。请删除重复行，或换用唯一的列作主键。",
    },
    "NO_IDENTITY": {
        "en": "{rows} rows have neither a usable ID number nor enough other fields to be compared. Fill in the ID "
        "number, "
        "or name, sex and birth date.",
        "zh": "{rows} 行既无可用的身份证号，其他字段也不足以比对。请补填身份证号，或姓名、性别和出生日期。",
    },
    "CODE_UNKNOWN": {
        "en": "{rows} rows hold a value outside the agreed code list, or none where one is required.",
        "zh": "{rows} 行的值不在协议的代码表中，或必填而为空。",
    },
    "MONTH_INVALID": {
        "en": "{rows} rows hold no month of the form YYYYMM where one is expected.",
        "zh": "{rows} 行的月份不是 YYYYMM 格式，或必填而为空。",
    },
    "VALUE_RANGE": {
        "en": "{rows} rows hold a number outside the agreed range, or none where one is required.",
        "zh": "{rows} 行的数值超出协议的范围，或必填而为空。",
    },
    "COLUMN_DAMAGED": {
        "en": "{rows} long numbers of another column have probably lost their last digits in a spreadsheet.",
        "zh": "该列（非身份证号）有 {rows} 个长号码疑似被电子表格截断。",
    },
    "FIELD_INVALID": {
        "en": "{rows} cells cannot be read as what the column should hold. Correct them; the reasons are listed below.",
        "zh": "{rows} 个单元格的内容不符合该列的要求。请更正，原因见下。",
    },
    "FIELD_DIFFERS": {
        "en": "{rows} rows hold something else than their valid ID number says, which is used instead. Correct them.",
        "zh": "{rows} 行与其有效身份证号不一致，比对时以身份证号为准。请在业务系统中核对更正。",
    },
    "COLUMN_EMPTY": {
        "en": "The column is empty in all {rows} rows. Was it left out of the export?",
        "zh": "该列 {rows} 行全部为空。导出时是否漏选？",
    },
    "MAPPING_DOUBTFUL": {
        "en": "It is not certain that the column is what was proposed. Look at it before you paste the proposal.",
        "zh": "该列的对应关系没有把握。粘贴前请人工核对。",
    },
    "PHONE_SHARED": {
        "en": "{rows} rows share their phone number with nine or more others: agents or placeholders, not people. "
        "Such numbers do not tell people apart.",
        "zh": "{rows} 行的电话号码被十行以上共用，多为代办人或占位号码，不能区分人员。",
    },
}
"""Code of a finding to what it means and what to do."""


def say(key: str, language: Language, **values: object) -> str:
    """One text with its places filled in."""
    return TEXTS[key][language].format(**values)
