"""AUDIT: what a verification says was checked and what was not, in Chinese and in English."""

from __future__ import annotations

from typing import Final, Literal

from secure_match.review._collusion import Language

Check = Literal[
    "form",
    "signature",
    "signer",
    "agreement",
    "epoch",
    "recipient",
    "sealed_digest",
    "digest",
    "parties",
    "columns",
    "values",
    "not_content",
    "not_sender",
    "not_secret",
    "not_honest",
    "not_replay",
    "not_log",
]

CHECKS: Final[dict[Check, dict[Language, str]]] = {
    "form": {
        "en": "the file has exactly the parts that its format has, and nothing beside them",
        "zh": "文件恰好由其格式规定的各部分组成，别无他物",
    },
    "signature": {
        "en": "the manifest is, byte for byte, what was signed",
        "zh": "清单与签名时逐字节一致",
    },
    "signer": {
        "en": "it was signed with the key that the agreement names for the sender",
        "zh": "签名所用密钥即协议中发送方的密钥",
    },
    "agreement": {
        "en": "it was made under this agreement (same fingerprint)",
        "zh": "依本协议制作（指纹相同）",
    },
    "epoch": {"en": "it is of the agreement's key epoch", "zh": "属于协议的密钥期次"},
    "recipient": {
        "en": "its recipient has the role that packages of this kind go to",
        "zh": "接收方的角色与此类数据包相符",
    },
    "sealed_digest": {
        "en": "the sealed content is, byte for byte, the one that was signed",
        "zh": "加密内容与签名时逐字节一致",
    },
    "digest": {
        "en": "no byte was damaged since it was written (a digest, which anybody can compute)",
        "zh": "自写出以来未受损坏（摘要校验，任何人都能计算摘要）",
    },
    "parties": {
        "en": "the parties that it names have these roles in the agreement",
        "zh": "其中所列参与方在协议中确有相应角色",
    },
    "columns": {
        "en": "its columns are exactly those that the agreement lists for the dataset",
        "zh": "各列恰为协议为该数据集列出的列",
    },
    "values": {
        "en": "every code is in its list or range, rows are in the order of their handles, empty cells are empty",
        "zh": "每个代码都在其列表或范围内，各行按句柄排序，空单元格确为空",
    },
    "not_content": {
        "en": "the content: it is sealed to its recipient, so columns and codes are the sender's word; the recipient "
        "can look: review inspect --identity",
        "zh": "内容本身：已对接收方加密，列和代码仅为发送方所述；接收方可用 review inspect --identity 查看",
    },
    "not_sender": {
        "en": "who made it: a plain package is not signed, anybody can write one",
        "zh": "由谁制作：未加密的数据包没有签名，任何人都能写出",
    },
    "not_secret": {
        "en": "who else has read it: a plain package is not sealed",
        "zh": "是否有他人读过：未加密的数据包任何人都能读",
    },
    "not_honest": {
        "en": "whether the rows are the people of the export: a sender can encode what it likes",
        "zh": "各行是否确为导出数据中的人员：发送方可以任意编码",
    },
    "not_replay": {
        "en": "whether it is the latest: an earlier package of the month stays valid for this check; the bureau's log "
        "knows (review log cross-check)",
        "zh": "是否为最新：此项检查不排除同月的旧包；须以比对中心的日志核对（review log cross-check）",
    },
    "not_log": {
        "en": "whether it stands in the sender's and the recipient's audit logs (review log cross-check)",
        "zh": "是否记入发送方和接收方的审计日志（review log cross-check）",
    },
}

TITLES: Final[dict[str, dict[Language, str]]] = {
    "verified": {"en": "{file}: verified", "zh": "{file}：验证通过"},
    "refused": {"en": "{file}: REFUSED", "zh": "{file}：拒收"},
    "checked": {"en": "  checked: {text}", "zh": "  已查：{text}"},
    "open": {"en": "  not shown: {text}", "zh": "  未证明：{text}"},
    "facts": {
        "en": "  {kind} of {sender} for {recipient}, {rows} rows",
        "zh": "  {kind}，{sender} 发给 {recipient}，{rows} 行",
    },
    "made": {
        "en": "  released by {operator} at {created}, month {period}, package {package}",
        "zh": "  {operator} 于 {created} 放行，月份 {period}，数据包编号 {package}",
    },
    "summary": {
        "en": "{verified} of {packages} packages verified under agreement {agreement}. Next: secure-match review "
        "inspect "
        "--help",
        "zh": "{packages} 个数据包中 {verified} 个依协议 {agreement} 验证通过。下一步：secure-match review inspect "
        "--help",
    },
}


def say(key: str, language: Language, **values: object) -> str:
    """One text with its places filled in."""
    return TITLES[key][language].format(**values)
