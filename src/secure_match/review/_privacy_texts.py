"""AUDIT: what a privacy report says, in Chinese and in English, for people who do not know the attacks."""

from __future__ import annotations

from typing import Final, Literal

Language = Literal["zh", "en"]

TEXTS: Final[dict[str, dict[Language, str]]] = {
    "title": {"en": "Privacy report: {dataset}", "zh": "隐私评估报告：{dataset}"},
    "agreement": {
        "en": "Agreement {agreement}, fingerprint {fingerprint}. {rows} rows, {people} people; encodings of "
        "{released} rows ({part}) leave.",
        "zh": "协议 {agreement}，指纹 {fingerprint}。共 {rows} 行、{people} 人；其中 {released} 行（{part}）的编码会"
        "离开。",
    },
    "rehearsal": {
        "en": "This is a rehearsal: the export was encoded with throw-away keys and attacked with its own "
        "plaintext. Nothing has left, and what was attacked fits nothing that ever leaves.",
        "zh": "这是一次演练：用一次性密钥对导出文件编码，再以其自身明文实施攻击。没有任何数据离开，演练产物与真实数"
        "据包互不相通。",
    },
    "package": {
        "en": "A package was attacked with a roster in plaintext, given by whoever ran this.",
        "zh": "以运行者提供的明文名册，对已生成的数据包实施攻击。",
    },
    "drawn": {
        "en": "Which rows the bureau will ask for is not known beforehand: {share} of the rows were drawn at random.",
        "zh": "比对中心将索取哪些行事先未知：此处随机抽取了 {share} 的行。",
    },
    "verdict": {"en": "In short", "zh": "结论"},
    "within": {
        "en": "Within the agreement's limit. An adversary who knows everybody in plaintext, and of {pairs} rows to "
        "whom they belong, named {rate} of the people it did not know; the agreement allows {limit}.",
        "zh": "未超过协议上限。攻击者掌握全体人员明文，并已知其中 {pairs} 行属于谁；在其余人员中，它认出了 {rate}，"
        "协议允许 {limit}。",
    },
    "above": {
        "en": "ABOVE the agreement's limit: do not release. An adversary who knows everybody in plaintext, and of "
        "{pairs} rows to whom they belong, named {rate} of the people it did not know; the agreement allows {limit}.",
        "zh": "超过协议上限，不得放行。攻击者掌握全体人员明文，并已知其中 {pairs} 行属于谁；在其余人员中，它认出了 "
        "{rate}，协议只允许 {limit}。",
    },
    "no_limit": {
        "en": "The agreement sets no limit (limits.max_attack_rate). An adversary who knows everybody in plaintext, "
        "and of {pairs} rows to whom they belong, named {rate} of the people it did not know.",
        "zh": "协议未设上限（limits.max_attack_rate）。攻击者掌握全体人员明文，并已知其中 {pairs} 行属于谁；在其余人"
        "员中，它认出了 {rate}。",
    },
    "too_few": {
        "en": "Too few rows to judge: no attack had {least} rows to try. Rehearse with the whole export.",
        "zh": "行数过少，无法评判：没有一种攻击有 {least} 行可试。请用完整的导出文件演练。",
    },
    "in_words": {
        "en": "That is {count} of 1,000 people whose encodings leave. A rate is what these attacks reached; others "
        "may reach more.",
        "zh": "即编码离开的每1,000人中约 {count} 人。这只是所列攻击达到的比例，其他攻击可能更高。",
    },
    "who": {
        "en": "The adversary is a bureau that keeps to the protocol, holds the agreement, all packages, and the "
        "roster of everybody in plaintext, and lacks every key.",
        "zh": "所设攻击者是一个按协议办事的比对中心：它持有协议、全部数据包和全体人员的明文名册，但没有任何密钥。",
    },
    "naming": {
        "en": "People named, by what the adversary knows already",
        "zh": "按攻击者已知的数量：被认出的人员比例",
    },
    "naming_line": {
        "en": "Share of the people it did not know whom the adversary named rightly, with the interval of 95 %. "
        "Known pairs: rows of which it knows to whom they belong. Of attacks on single passes the worst pass with "
        "at least {least} rows to try.",
        "zh": "在攻击者原先不认识的人员中被正确认出的比例及95%区间。已知对：攻击者已知道归属的行。针对单个轮次的攻击"
        "，取至少有 {least} 行可试的轮次中最差者。",
    },
    "pairs": {"en": "{pairs} known pairs", "zh": "已知 {pairs} 对"},
    "attack": {"en": "attack", "zh": "攻击"},
    "known_plaintext": {
        "en": "known plaintext: learn from known rows how text becomes bits",
        "zh": "已知明文：由已知行学习文字如何变成位串",
    },
    "tag_propagation": {
        "en": "propagation: whoever shares a block tag with a known row has its block value",
        "zh": "传播：与已知行同一区块标签的行，区块取值相同",
    },
    "tag_structure": {
        "en": "shape: compare the web of block tags with that of the roster, without a known row",
        "zh": "结构：不用已知行，只比较区块标签与名册的关联形状",
    },
    "tag_frequency": {
        "en": "frequency of tags: the commonest tag is the commonest value",
        "zh": "标签频率：最常见的标签对应最常见的取值",
    },
    "frequency_alignment": {
        "en": "frequency of encodings: the same with whole encodings",
        "zh": "编码频率：同上，针对整条编码",
    },
    "pattern_mining": {
        "en": "patterns: bits that stand together as often as common characters do",
        "zh": "模式挖掘：与常用字同频出现的位组合",
    },
    "membership": {
        "en": "membership: is this person among the rows whose encodings left",
        "zh": "成员推断：此人是否在编码离开的行中",
    },
    "fingerprints": {
        "en": "fingerprints: a row that is alone with its coded columns",
        "zh": "指纹：编码列组合独一无二的行",
    },
    "as_it_leaves": {"en": "as it leaves", "zh": "离开时的形式"},
    "as_in_source": {"en": "as in the export, not released", "zh": "导出文件中的原样，不离开"},
    "without": {"en": "Without any known row", "zh": "不需要任何已知行的攻击"},
    "without_line": {
        "en": "The worst of all passes. Guessing is what the same adversary reaches without the package.",
        "zh": "取各轮次中最差者。“猜测”是同一攻击者没有数据包时也能达到的比例。",
    },
    "rate": {"en": "reached", "zh": "达到"},
    "interval": {"en": "95 % interval", "zh": "95%区间"},
    "guessing": {"en": "guessing", "zh": "猜测"},
    "of": {"en": "of", "zh": "试验数"},
    "where": {"en": "pass or columns", "zh": "轮次或列"},
    "fields": {"en": "What is learnt of each field", "zh": "各字段被得知的比例"},
    "fields_line": {
        "en": "Rows of which the value, or a part of it that a pass uses, was learnt by an adversary with at most "
        "{pairs} known pairs: by known plaintext, or because a known row has the same block tag. Right guesses of a "
        "common value count, so lay it beside the share of the commonest value; a dash: the field stands in block "
        "values alone.",
        "zh": "攻击者（已知不超过 {pairs} 对）得知该字段取值或轮次所用部分的行的比例：由已知明文推得，或因与已知行同"
        "一区块标签。碰巧猜中常见取值也计入，请与最常见取值的占比对照；“-”表示该字段只用于区块。",
    },
    "field": {"en": "field", "zh": "字段"},
    "named": {"en": "learnt", "zh": "得知"},
    "commonest": {"en": "commonest value", "zh": "最常见取值占比"},
    "tokens": {
        "en": "ID tokens: who could try all numbers of a county",
        "zh": "身份令牌：谁能把一个县的号码全部试一遍",
    },
    "tokens_line": {
        "en": "About 33 million numbers (2^25), on one core of this machine.",
        "zh": "约3,300万个号码（2^25），以本机单核计。",
    },
    "colluders": {"en": "who puts together what they hold", "zh": "相互串通者"},
    "offline": {"en": "time, without asking anybody", "zh": "离线所需时间"},
    "never": {"en": "cannot", "zh": "做不到"},
    "seconds": {"en": "{seconds} seconds", "zh": "{seconds} 秒"},
    "bureau": {"en": "bureau", "zh": "比对中心"},
    "department": {"en": "a department", "zh": "一个部门"},
    "keyholder": {"en": "key holder(s)", "zh": "密钥持有方"},
    "acting": {"en": "What acting on findings tells", "zh": "办理发现时会透露什么"},
    "acting_rows": {
        "en": "A finding tells the bureau that two rows are one person; it made it from the packages, so that it "
        "learns nothing new by it. A department learns of its own rows in which other scheme a person is, and in "
        "which months: that is the purpose, and stands in the agreement.",
        "zh": "一条发现说明两行是同一人；它本由比对中心从数据包得出，因此比对中心并无新知。部门由此得知本部门某行的"
        "人在另一险种及其月份：这正是目的，并写在协议里。",
    },
    "acting_line": {
        "en": "But whoever sees that somebody is visited, written to, or struck off a scheme, and when, can tell "
        "whose row a finding was about. Each such finding makes one known pair. The table says what the best attack "
        "names after so many; a bureau's staff should not see who was dispatched to whom.",
        "zh": "但若有人看到某人何时被上门、发函或停保，就能知道某条发现说的是谁。每一条这样的发现都会变成一个已知对"
        "。下表为达到相应数量后最强攻击认出的比例；比对中心人员不应看到派单去向。",
    },
    "findings": {"en": "findings acted on in its sight", "zh": "被其看到办理过程的发现数"},
    "limits": {"en": "What this report does not show", "zh": "本报告未能说明的"},
    "limit.others": {
        "en": "Attacks other than those listed, and several packages, months or agreements taken together.",
        "zh": "所列之外的攻击，以及把多个数据包、多个月份或多个协议合在一起的攻击。",
    },
    "limit.drawn": {
        "en": "A bureau that asks for certain rows within the agreed share, not for those that it needs.",
        "zh": "比对中心在约定比例内专挑某些行索取，而不是按需索取。",
    },
    "limit.collusion": {
        "en": "A department that gives the shared key away: then block tags and encodings of every listed name and "
        "date can be computed (secure-match review disclose).",
        "zh": "某部门泄露共享密钥：届时可对任意姓名和日期算出区块标签和编码（见 secure-match review disclose）。",
    },
    "limit.roster": {
        "en": "A roster that is better than this export. It was this export, errors included, which favours the "
        "adversary.",
        "zh": "比本导出文件更准确的名册。此处名册即本文件（含其错误），对攻击者有利。",
    },
    "limit.months": {
        "en": "Fingerprints take the adversary's table to be the export itself; one with errors and delays names "
        "fewer.",
        "zh": "“指纹”假定攻击者的表就是本文件；若其表有错误或滞后，认出的会更少。",
    },
    "limit.not_run": {"en": "Left out of this run: {names}.", "zh": "本次未运行：{names}。"},
    "all": {"en": "All attacks", "zh": "全部攻击"},
    "settings": {"en": "setting", "zh": "设置"},
    "source": {"en": "after", "zh": "依据"},
    "sign": {"en": "Assessed by", "zh": "评估签字"},
    "sign_line": {
        "en": "Name ____________________   Office ____________________   Date ____________   Signature "
        "____________________",
        "zh": "姓名 ____________   单位职务 ____________________   日期 ____________   签字 ____________",
    },
    "plot": {"en": "People named, by known pairs", "zh": "被认出的人员比例（按已知对数）"},
    "plot_x": {"en": "known pairs", "zh": "已知对数"},
    "plot_known": {"en": "known plaintext", "zh": "已知明文"},
    "plot_propagation": {"en": "propagation", "zh": "传播"},
    "plot_limit": {"en": "agreed limit", "zh": "协议上限"},
    "footer": {
        "en": "The page holds counts and shares only: no row, no handle, no personal data. secure_match {version}, "
        "seed {seed}.",
        "zh": "本页只有数量和比例，不含任何行、句柄或个人信息。secure_match {version}，随机种子 {seed}。",
    },
}


def say(key: str, language: Language, **values: object) -> str:
    """One text with its places filled in."""
    return TEXTS[key][language].format(**values)
