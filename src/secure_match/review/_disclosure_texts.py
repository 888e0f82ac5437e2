"""AUDIT: what the data-flow manifest says, in Chinese and in English."""

from __future__ import annotations

from typing import Final

from secure_match.review._collusion import Language

TEXTS: Final[dict[str, dict[Language, str]]] = {
    "title": {"en": "Data-flow manifest: {title}", "zh": "数据流向清单：{title}"},
    "preface": {
        "en": "Made from the agreement alone, as material for a personal information protection impact assessment "
        "(PIPL articles 55 and 56). Whoever processes the data makes the assessment, and keeps it for three years at "
        "least; this page neither is one nor says that the processing is lawful.",
        "zh": "本清单仅由协议生成，供开展个人信息保护影响评估（《个人信息保护法》第五十五条、第五十六条）时使用。"
        "评估由个人信息处理者进行，评估报告至少保存三年；本清单不是评估报告，也不表示处理活动合法。",
    },
    "agreement": {"en": "Agreement", "zh": "协议"},
    "fingerprint": {"en": "Fingerprint", "zh": "指纹"},
    "key_epoch": {"en": "Key epoch", "zh": "密钥期次"},
    "parties": {"en": "Parties", "zh": "参与方"},
    "role.department": {"en": "department (holds data)", "zh": "部门（数据持有方）"},
    "role.keyholder": {"en": "key holder", "zh": "密钥保管方"},
    "role.bureau": {"en": "linkage bureau", "zh": "比对中心"},
    "role.reviewer": {"en": "reviewer", "zh": "安全审查方"},
    "part.1": {"en": "1. Purpose, method and necessity", "zh": "一、处理目的、方式、必要性"},
    "purpose": {"en": "Purpose", "zh": "处理目的"},
    "legal_basis": {"en": "Legal basis, as the parties state it", "zh": "参与方所述法律依据"},
    "months": {"en": "Months covered", "zh": "涉及月份"},
    "retention": {"en": "Retention", "zh": "保存期限"},
    "retention_text": {
        "en": "{months} months. The program states this and does not delete by itself.",
        "zh": "{months} 个月。本软件只载明期限，不会自动删除。",
    },
    "method": {
        "en": "Each department encodes its own export and sends a package to {recipients}. That links the encodings "
        "and returns to each department findings on its own rows, which only that department can turn back into "
        "people.",
        "zh": "各部门在本地对自己的导出数据编码，把数据包交给{recipients}；后者比对编码，"
        "只把涉及该部门自有行的结果退回该部门，"
        "由该部门自行还原到人。",
    },
    "dataset": {"en": "Dataset {id} ({title}), held by {owner}", "zh": "数据集 {id}（{title}），持有方：{owner}"},
    "never": {
        "en": "Never leaves: the values of {headers} themselves, and every column of the export that is not named "
        "here.",
        "zh": "绝不离开部门：{headers} 的原值，以及导出数据中此处未列出的所有列。",
    },
    "column": {"en": "column in the package", "zh": "数据包中的列"},
    "sources": {"en": "made of", "zh": "来源"},
    "form": {"en": "form", "zh": "形式"},
    "detail": {"en": "what a cell holds", "zh": "单元格内容"},
    "to": {"en": "goes to", "zh": "去向"},
    "needs": {"en": "needed for", "zh": "用途"},
    "reverse": {"en": "who could get the value back", "zh": "何人可能还原"},
    "need.return": {"en": "return of findings to the row", "zh": "把结果退回到该行"},
    "need.exact_link": {"en": "linking equal numbers", "zh": "号码相同的比对"},
    "need.quality": {"en": "telling missing from differing values", "zh": "区分缺失与不一致"},
    "need.pass": {"en": "linking without an equal number (pass {id})", "zh": "号码缺失或有误时的比对（{id} 轮）"},
    "need.exclusion": {"en": "rule “{title}” ({id})", "zh": "规则“{title}”（{id}）"},
    "need.coverage": {"en": "rule “{title}” ({id})", "zh": "规则“{title}”（{id}）"},
    "need.comparison": {"en": "evidence on a pair", "zh": "判断两行是否同一人的证据"},
    "need.none": {"en": "**no rule of the agreement uses it**", "zh": "**协议中没有规则使用此列**"},
    "derived": {"en": "follows from another field", "zh": "由其他字段推得"},
    "detail.handle": {"en": "{detail}", "zh": "16 字节，仅用本部门的密钥生成"},
    "detail.id_token_hmac": {"en": "{detail}", "zh": "16 字节，各部门共享密钥下的 hmac"},
    "detail.id_token_oprf": {"en": "{detail}", "zh": "16 字节，经密钥保管方盲化计算"},
    "detail.state": {"en": "{detail}", "zh": "有效、修复、缺失或无效"},
    "detail.block": {"en": "{detail}", "zh": "16 字节，带密钥"},
    "detail.encoding_blocked": {"en": "{detail}", "zh": "{bits} 比特，按块设密钥"},
    "detail.encoding_global": {"en": "{detail}", "zh": "{bits} 比特，全部行共用一个密钥"},
    "code.codes": {"en": "{detail}", "zh": "以下代码之一：{values}"},
    "code.month": {"en": "{detail}", "zh": "月份，截取至 {first}..{last} 及两端各一个月"},
    "code.bands": {"en": "{detail}", "zh": "分段，下限为 {values}"},
    "code.integer": {"en": "{detail}", "zh": "整数 {first}..{last}"},
    "returned": {"en": "What comes back", "zh": "退回的内容"},
    "returned_text": {
        "en": "To each department: handles of its own rows, kind and rule of a finding, the other dataset, the "
        "months in "
        "common, and whether it rests on an equal number. So a department learns that its person is also in the "
        "dataset "
        "of another.",
        "zh": "退回各部门：该部门自有行的句柄、结果类别和规则、对方数据集、重叠月份、是否因号码相同而得出。"
        "因此部门会得知其人员同时在另一部门的数据集中。",
    },
    "unneeded": {
        "en": "Columns that no rule uses, so that their necessity has to be explained or they taken out: {columns}.",
        "zh": "以下各列没有规则使用，须说明其必要性，或从协议中删去：{columns}。",
    },
    "all_needed": {
        "en": "Every coded column is used by a rule of the agreement.",
        "zh": "每个代码列都有协议中的规则使用。",
    },
    "part.2": {
        "en": "2. Effect on personal rights and interests, and security risks",
        "zh": "二、对个人权益的影响及安全风险",
    },
    "effect": {
        "en": "A finding can lead to a stop or recovery of a benefit, or to a visit. A wrong link makes a finding on "
        "the "
        "wrong person: departments check every finding in their own files before they act on it, and a person has to "
        "be "
        "able to object.",
        "zh": "比对结果可能引起待遇停发、追回或入户核查。错误的比对会使结果落到不相干的人身上："
        "各部门须先在自有档案中核实再作处理，"
        "并应为当事人保留申诉渠道。",
    },
    "collusion": {
        "en": "Who could get values back, alone or together. It is assumed that each can list the names, birth dates "
        "and "
        "ID numbers of the people concerned.",
        "zh": "何人单独或联合可能还原取值。以各方都能列出相关人员的姓名、出生日期和身份证号为前提。",
    },
    "no_keyholder": {
        "en": "This agreement has no key holder: that column is the bureau alone.",
        "zh": "本协议没有密钥保管方，该列即比对中心单独的情形。",
    },
    "part.3": {"en": "3. Protective measures", "zh": "三、保护措施"},
    "measure.local": {
        "en": "Raw values and row keys stay with the department; the release gate holds each finished package against "
        "the columns and codes above.",
        "zh": "原值和行主键不离开部门；放行关口把每个成品数据包与上述列和代码逐一核对。",
    },
    "measure.sealed": {
        "en": "Packages are sealed to their recipient (HPKE with ML-KEM-768 and X25519) and signed by their sender "
        "(Ed25519); plain ones are refused.",
        "zh": "数据包对接收方加密（HPKE，ML-KEM-768 与 X25519 混合），由发送方签名（Ed25519）；"
        "未加密的数据包一律拒收。",
    },
    "measure.plain": {
        "en": "**Packages are not sealed and not signed**: this is a trial agreement, and whoever gets a package "
        "reads it "
        "as the bureau does. Not for data of people.",
        "zh": "**数据包既未加密也未签名**：这是试用协议，任何人取得数据包都能像比对中心一样读取，"
        "不得用于真实人员的数据。",
    },
    "measure.blocks": {
        "en": "{blocked} of {passes} passes key their encodings by a block value, so that rows of different blocks "
        "cannot "
        "be compared.",
        "zh": "{passes} 轮比对中有 {blocked} 轮按块设密钥，不同块的行无法相互比对。",
    },
    "measure.fuzzy": {
        "en": "At most {share} of a dataset's rows may leave with encodings of passes.",
        "zh": "一个数据集中最多 {share} 的行可以带比对轮次的编码离开。",
    },
    "measure.guessing": {
        "en": "The parties accepted in the agreement that whoever holds the departments' key can guess ID numbers "
        "offline.",
        "zh": "参与方已在协议中接受：持有部门共享密钥者可以离线猜测身份证号。",
    },
    "measure.cells": {
        "en": "A combination of {columns} of dataset {dataset} that fewer than {smallest} rows have does not leave.",
        "zh": "数据集 {dataset} 中 {columns} 的取值组合不足 {smallest} 行的，不得离开部门。",
    },
    "measure.no_cells": {
        "en": "Rare combinations of coded columns are not suppressed under this agreement.",
        "zh": "本协议不抑制代码列的稀少组合。",
    },
    "measure.two_phase": {
        "en": "Block tags and encodings leave only of rows that the bureau asks for: of other registers those without "
        "an equal ID token in the population, of the population those under the block tags of these, pass by pass; no "
        "more than {share} of a register's rows in all.",
        "zh": "分块标签和编码只在比对中心提出请求后离开：其他登记中没有与人口库相同证件标记的记录，以及人口库中与之同块"
        "的记录（逐通道）；总数不超过该登记记录数的 {share}。",
    },
    "measure.second": {
        "en": "A second operator of the department has to approve what leaves.",
        "zh": "数据离开前须由本部门另一名经办人批准。",
    },
    "measure.national": {
        "en": "Content is enciphered with SM4-GCM and SM3 digests; signatures and key transport are not SM2, and no "
        "certified module is used.",
        "zh": "内容用 SM4-GCM 加密、SM3 摘要；签名和密钥传递并非 SM2，也未使用经认证的密码模块。",
    },
    "law": {
        "en": "What leaves is de-identified personal information (去标识化, PIPL article 73), not anonymous: with "
        "additional information it can be led back to people, as the table above says.",
        "zh": "离开部门的内容属于去标识化的个人信息（《个人信息保护法》第七十三条），不是匿名化信息：如上表所示，"
        "借助额外信息可以还原到人。",
    },
}


def say(key: str, language: Language, **values: object) -> str:
    """One text with its places filled in."""
    return TEXTS[key][language].format(**values)
