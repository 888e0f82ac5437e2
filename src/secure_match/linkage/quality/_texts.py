"""PUBLIC: what an evaluation says, in Chinese and in English."""

from __future__ import annotations

from typing import Final, Literal

Language = Literal["zh", "en"]

TEXTS: Final[dict[str, dict[Language, str]]] = {
    "title": {"en": "Links against the truth", "zh": "比对结果与真实情况的对照"},
    "judged_persons": {
        "en": "{judged} of {pairs} pairs judged by a truth of {rows} rows of {persons} persons; {true} true pairs.",
        "zh": "共 {pairs} 对，按 {rows} 行（{persons} 人）的真实归属评判了 {judged} 对；真实对共 {true} 对。",
    },
    "judged_pairs": {
        "en": "{judged} of {pairs} pairs judged by a list of pairs, {true} of which are true. Precision and recall are "
        "those of the listed pairs: of a sample that was drawn for review they are not those of the run.",
        "zh": "共 {pairs} 对，按对照清单评判了 {judged} 对，清单中真实对 {true} 对。查准率、查全率只针对清单中的对；"
        "若清单是为人工复核而抽取的，则不代表整次比对。",
    },
    "implied": {
        "en": "{implied} of them follow from equal ID tokens: of each a run lists the first row with each other only.",
        "zh": "其中 {implied} 对由相同的身份令牌推得：结果文件只列出每个令牌的首行与其他各行组成的对。",
    },
    "reviewed": {
        "en": "Pairs that clerks have decided: {reviewed}; on these the decision is theirs.",
        "zh": "其中 {reviewed} 对由人工判定，以人工结论为准。",
    },
    "quality": {"en": "Pairs", "zh": "按对评价"},
    "links": {"en": "links", "zh": "比中"},
    "clustered": {"en": "pairs in one cluster", "zh": "同一归并组内的对"},
    "best": {"en": "best threshold of {name}: {threshold}", "zh": "{name} 的最佳阈值：{threshold}"},
    "estimated": {"en": "the same, expected from probabilities", "zh": "同上，由概率预期"},
    "links_of_listed": {"en": "links among listed pairs", "zh": "比中（仅列出的对）"},
    "true_positive": {"en": "true +", "zh": "正确"},
    "false_positive": {"en": "false +", "zh": "错误"},
    "false_negative": {"en": "missed", "zh": "漏掉"},
    "precision": {"en": "precision", "zh": "查准率"},
    "recall": {"en": "recall", "zh": "查全率"},
    "f1": {"en": "F1", "zh": "F1"},
    "interval": {
        "en": "95 % intervals of links: precision {precision}, recall {recall} (each pair taken as independent).",
        "zh": "比中结果的95%区间：查准率 {precision}，查全率 {recall}（各对视为相互独立）。",
    },
    "candidates": {"en": "Candidates", "zh": "候选对"},
    "completeness": {"en": "pairs completeness", "zh": "候选对覆盖率"},
    "pairs_quality": {"en": "pairs quality", "zh": "候选对质量"},
    "reduction": {"en": "reduction ratio", "zh": "缩减率"},
    "decisions": {"en": "Decisions", "zh": "判定结果"},
    "decision": {"en": "decision", "zh": "判定"},
    "pairs": {"en": "pairs", "zh": "对数"},
    "matches": {"en": "matches", "zh": "真实对"},
    "others": {"en": "others", "zh": "非真实对"},
    "clusters": {"en": "Clusters", "zh": "归并组评价"},
    "cluster_counts": {
        "en": "{clusters} clusters for {persons} persons; {exact} persons are exactly one cluster.",
        "zh": "{persons} 人归并为 {clusters} 组，其中 {exact} 人与归并组完全一致。",
    },
    "bcubed": {"en": "B-cubed precision, recall, F1", "zh": "B-cubed 查准率、查全率、F1"},
    "adjusted_rand": {"en": "adjusted Rand index", "zh": "调整兰德指数"},
    "exact_recall": {"en": "persons exactly one cluster", "zh": "与归并组完全一致的人员比例"},
    "exact_precision": {"en": "clusters exactly one person", "zh": "与人员完全一致的归并组比例"},
    "measure": {"en": "measure", "zh": "指标"},
    "value": {"en": "value", "zh": "数值"},
    "calibration": {"en": "Calibration", "zh": "概率校准"},
    "ece": {
        "en": "expected calibration error {error}: so far is the said probability from the true share on average.",
        "zh": "预期校准误差 {error}：所给概率与真实比例的平均差距。",
    },
    "probability": {"en": "said probability", "zh": "所给概率"},
    "share": {"en": "true share", "zh": "真实比例"},
    "share_interval": {"en": "95 % interval", "zh": "95%区间"},
    "missed_title": {"en": "True pairs that were missed, by cause", "zh": "漏掉的真实对（按原因）"},
    "wrong_title": {"en": "Wrong links, by cause", "zh": "错误比中（按原因）"},
    "cause": {"en": "cause", "zh": "原因"},
    "by": {"en": "by", "zh": "类别"},
    "by.candidate": {"en": "candidates", "zh": "候选对"},
    "by.error": {"en": "error of a row", "zh": "行内差错"},
    "by.token_state": {"en": "ID tokens", "zh": "身份令牌"},
    "by.pass": {"en": "compared in pass", "zh": "参与比对的轮次"},
    "not a candidate": {"en": "not a candidate", "zh": "未成为候选对"},
    "no error": {"en": "no error", "zh": "无差错"},
    "no pass": {"en": "no pass", "zh": "无轮次"},
    "missed": {"en": "missed", "zh": "漏掉"},
    "wrong": {"en": "wrong", "zh": "错误"},
    "of": {"en": "of", "zh": "总数"},
    "overlap": {
        "en": "A pair can have several causes: the counts do not add up.",
        "zh": "一对可能有多个原因，各项数目不能相加。",
    },
    "none": {"en": "none", "zh": "无"},
    "threshold": {"en": "threshold of {name}", "zh": "{name} 的阈值"},
    "plot.sweep": {"en": "Precision, recall and F1 by threshold", "zh": "各阈值下的查准率、查全率与F1"},
    "plot.calibration": {"en": "Calibration: said against true", "zh": "校准：所给概率与真实比例"},
    "plot.histogram": {"en": "Pairs by {name} and truth (logarithmic)", "zh": "按 {name} 和真实情况的对数（对数坐标）"},
    "footer": {
        "en": "The page holds counts and shares only: no row, no handle, no personal data.",
        "zh": "本页只有数量和比例，不含任何行、句柄或个人信息。",
    },
}


def say(key: str, language: Language, **values: object) -> str:
    """One text with its places filled in."""
    return TEXTS[key][language].format(**values)
