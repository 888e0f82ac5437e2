"""AUDIT: who could learn what from each form in which data leaves, alone or together with whom.

This table is the threat model's claim in one place: ``review disclose`` prints it for an agreement, and the
documentation quotes it. Invariants:

* every form has a verdict for every coalition, in Chinese and in English,
* a verdict says what stays possible, never that something is anonymous: all forms are de-identified personal
  information (PIPL art. 73) and no more.

"Everything" is meant of the people that a coalition can list: a value that nobody can guess stays unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["zh", "en"]
Form = Literal[
    "manifest",
    "handle",
    "id_token_hmac",
    "id_token_oprf",
    "state",
    "block",
    "encoding_blocked",
    "encoding_global",
    "code",
    "finding",
]
"""In which form something leaves a department, or (``finding``) comes back to one."""
Coalition = Literal[
    "bureau", "bureau_department", "bureau_keyholder", "bureau_department_keyholder", "departments", "outsider"
]
"""A key holder here means all of them: of two, one alone learns what none does."""
Reach = Literal["nothing", "groups", "partly", "everything"]
"""``groups``: which rows have equal values, not which value; ``partly``: some values of some rows."""

FORMS: Final[tuple[Form, ...]] = (
    "manifest",
    "handle",
    "id_token_hmac",
    "id_token_oprf",
    "state",
    "block",
    "encoding_blocked",
    "encoding_global",
    "code",
    "finding",
)
COALITIONS: Final[tuple[Coalition, ...]] = (
    "bureau",
    "bureau_department",
    "bureau_keyholder",
    "bureau_department_keyholder",
    "departments",
    "outsider",
)

FORM_NAMES: Final[dict[Form, dict[Language, str]]] = {
    "manifest": {"en": "manifest", "zh": "清单"},
    "handle": {"en": "handle of a row", "zh": "行句柄"},
    "id_token_hmac": {"en": "ID token (keyed hash)", "zh": "身份令牌（带密钥散列）"},
    "id_token_oprf": {"en": "ID token (blinded)", "zh": "身份令牌（盲化计算）"},
    "state": {"en": "state of a field", "zh": "字段状态"},
    "block": {"en": "block tag", "zh": "分块标签"},
    "encoding_blocked": {"en": "encoding keyed by its block", "zh": "按块设密钥的编码"},
    "encoding_global": {"en": "encoding under one key for all rows", "zh": "全部行共用一个密钥的编码"},
    "code": {"en": "coded column", "zh": "代码列"},
    "finding": {"en": "finding", "zh": "比对结果"},
}
COALITION_NAMES: Final[dict[Coalition, dict[Language, str]]] = {
    "bureau": {"en": "the bureau alone", "zh": "比对中心单独"},
    "bureau_department": {"en": "the bureau with one department", "zh": "比对中心与一个部门"},
    "bureau_keyholder": {"en": "the bureau with the key holder", "zh": "比对中心与密钥保管方"},
    "bureau_department_keyholder": {
        "en": "the bureau with one department and the key holder",
        "zh": "比对中心与一个部门及密钥保管方",
    },
    "departments": {"en": "departments together", "zh": "各部门联合"},
    "outsider": {"en": "an outsider with the package", "zh": "取得数据包的外部人员"},
}
REACH_NAMES: Final[dict[Reach, dict[Language, str]]] = {
    "nothing": {"en": "nothing", "zh": "无"},
    "groups": {"en": "groups", "zh": "分组"},
    "partly": {"en": "partly", "zh": "部分"},
    "everything": {"en": "everything", "zh": "全部"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a coalition gets out of a form.

    Attributes:
        reach: how far it gets.
        en: how, and where it ends, in English.
        zh: the same in Chinese.
    """

    reach: Reach
    en: str
    zh: str

    def text(self, language: Language) -> str:
        """The words in a language."""
        return self.zh if language == "zh" else self.en


def _verdict(reach: Reach, en: str, zh: str) -> Verdict:
    return Verdict(reach=reach, en=en, zh=zh)


SEALED_OUTSIDER: Final = _verdict(
    "nothing",
    "the content is sealed to its recipient; the manifest is readable",
    "内容对接收方加密，外部人员只能读到清单",
)
"""Takes the place of the outsider's verdict on every form but the manifest under a sealed agreement."""

_COUNTS: Final = _verdict(
    "nothing",
    "numbers of rows, names of datasets, parties and operator; no row",
    "行数、数据集、参与方和经办人名称，不含任何行",
)
_FOLLOWS: Final = _verdict(
    "groups", "sees the same row again next month; the row key stays hidden", "可认出下个月的同一行，得不到行主键"
)
_SAME_NUMBER: Final = _verdict(
    "groups",
    "sees which rows of all datasets have the same number; cannot compute tokens",
    "可看出各数据集中哪些行号码相同，但不能自行计算令牌",
)
_TRIES_NUMBERS: Final = _verdict(
    "everything",
    "every department holds the shared key: all numbers of a county are tried in seconds",
    "各部门都持有共享密钥，数秒内即可试遍一个县的全部号码",
)
_STATE: Final = _verdict(
    "nothing",
    "whether the field is valid, repaired, missing or invalid; not its value",
    "字段有效、修复、缺失或无效，不含取值",
)
_FREQUENCY: Final = _verdict(
    "partly",
    "sees equal values and how frequent they are; unusually large or small blocks can be recognised, and known rows "
    "name their block",
    "可看出取值相同的行及其频次；特别大或特别小的块可能被认出，已知身份的行会泄露所在的块",
)
_TRIES_VALUES: Final = _verdict(
    "everything",
    "the shared key computes the tag or encoding of every value that can be listed",
    "用共享密钥可算出任何可列举取值的标签或编码",
)
_IN_A_BLOCK: Final = _verdict(
    "partly",
    "compares rows of one block only; rows that it knows teach it bits of that block and no other",
    "只能比较同一块内的行；已知身份的行只泄露本块的比特规律",
)
_GLOBAL: Final = _verdict(
    "everything",
    "published attacks re-identify 84 to 92 % of such encodings with 50 known rows, and all with 200",
    "已发表的攻击凭50条已知记录可重识别84%至92%的此类编码，凭200条可重识别全部",
)
_CODE: Final = _verdict(
    "partly",
    "reads the code as it stands; a combination that one person has names that person",
    "直接读到代码；若某一取值组合只有一人具有，即等于指明该人",
)
_NO_PACKAGE: Final = _verdict(
    "nothing",
    "packages go to the bureau only; a department that gets one reads it as the bureau with a department does",
    "数据包只交比对中心；某部门若取得他人数据包，则等同于“比对中心与一个部门”",
)
_BLINDED: Final = _verdict(
    "partly",
    "tests as many numbers a month as the department's quota allows, by queries that the key holder counts and logs; "
    "no guessing offline",
    "每月可试的号码数不超过该部门限额，每次查询均由密钥保管方计数并留痕；不能离线猜测",
)
_INPUT_KEYED: Final = _verdict(
    "groups",
    "as the bureau alone: what is blinded is keyed by the departments' shared key, which neither holds",
    "与比对中心单独相同：盲化前的输入由各部门共享密钥加密散列，双方均无此密钥",
)
_BOTH_KEYS: Final = _verdict(
    "everything",
    "both keys are there: all numbers of a county are tried in minutes to hours",
    "两种密钥齐备，数分钟至数小时内可试遍一个县的全部号码",
)

_OWN_ROWS: Final = _verdict(
    "partly",
    "the owner knows its own rows again; another department adds nothing",
    "数据所有部门可认出自己的行，其他部门无从增益",
)
_OWN_FINDINGS: Final = _verdict(
    "partly",
    "the owner knows its own rows again, and which datasets hold the person too",
    "数据所有部门可认出自己的行，并知道此人还在哪些数据集中",
)

COLLUSION: Final[dict[Form, dict[Coalition, Verdict]]] = {
    "manifest": dict.fromkeys(COALITIONS, _COUNTS),
    "handle": {
        "bureau": _FOLLOWS,
        "bureau_department": _OWN_ROWS,
        "bureau_keyholder": _FOLLOWS,
        "bureau_department_keyholder": _OWN_ROWS,
        "departments": _verdict("nothing", "each knows its own rows only", "各部门只认得自己的行"),
        "outsider": _FOLLOWS,
    },
    "id_token_hmac": {
        "bureau": _SAME_NUMBER,
        "bureau_department": _TRIES_NUMBERS,
        "bureau_keyholder": _SAME_NUMBER,
        "bureau_department_keyholder": _TRIES_NUMBERS,
        "departments": _NO_PACKAGE,
        "outsider": _SAME_NUMBER,
    },
    "id_token_oprf": {
        "bureau": _SAME_NUMBER,
        "bureau_department": _BLINDED,
        "bureau_keyholder": _INPUT_KEYED,
        "bureau_department_keyholder": _BOTH_KEYS,
        "departments": _NO_PACKAGE,
        "outsider": _SAME_NUMBER,
    },
    "state": {
        "bureau": _STATE,
        "bureau_department": _STATE,
        "bureau_keyholder": _STATE,
        "bureau_department_keyholder": _STATE,
        "departments": _NO_PACKAGE,
        "outsider": _STATE,
    },
    "block": {
        "bureau": _FREQUENCY,
        "bureau_department": _TRIES_VALUES,
        "bureau_keyholder": _FREQUENCY,
        "bureau_department_keyholder": _TRIES_VALUES,
        "departments": _NO_PACKAGE,
        "outsider": _FREQUENCY,
    },
    "encoding_blocked": {
        "bureau": _IN_A_BLOCK,
        "bureau_department": _TRIES_VALUES,
        "bureau_keyholder": _IN_A_BLOCK,
        "bureau_department_keyholder": _TRIES_VALUES,
        "departments": _NO_PACKAGE,
        "outsider": _IN_A_BLOCK,
    },
    "encoding_global": {
        "bureau": _GLOBAL,
        "bureau_department": _TRIES_VALUES,
        "bureau_keyholder": _GLOBAL,
        "bureau_department_keyholder": _TRIES_VALUES,
        "departments": _NO_PACKAGE,
        "outsider": _GLOBAL,
    },
    "code": {
        "bureau": _CODE,
        "bureau_department": _CODE,
        "bureau_keyholder": _CODE,
        "bureau_department_keyholder": _CODE,
        "departments": _NO_PACKAGE,
        "outsider": _CODE,
    },
    "finding": {
        "bureau": _verdict("groups", "made it, from handles; knows no person", "由其依句柄生成，不知是何人"),
        "bureau_department": _OWN_FINDINGS,
        "bureau_keyholder": _verdict("groups", "as the bureau alone", "与比对中心单独相同"),
        "bureau_department_keyholder": _OWN_FINDINGS,
        "departments": _verdict(
            "partly",
            "the number of a finding is the same for all recipients: they can put their rows of one person side by "
            "side",
            "同一结果对各接收部门编号相同，各部门可把同一人的行拼在一起",
        ),
        "outsider": _verdict(
            "groups", "handles of one owner, rules and months; no person", "一个部门的句柄、规则和月份，不知是何人"
        ),
    },
}
"""Form to coalition to verdict, of a plain package; see ``SEALED_OUTSIDER``."""


def verdict_of(form: Form, coalition: Coalition, *, sealed: bool) -> Verdict:
    """What a coalition gets out of a form.

    Args:
        sealed: whether packages are sealed under the agreement.
    """
    if sealed and coalition == "outsider" and form != "manifest":
        return SEALED_OUTSIDER
    return COLLUSION[form][coalition]
