"""AUDIT: what a comparison of two packages says, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secure_match.review._collusion import Language
from secure_match.review.difference import Difference

TEXTS: Final[dict[str, dict[Language, str]]] = {
    "manifest": {"en": "Manifests differ in", "zh": "清单的差异"},
    "same_manifest": {"en": "The manifests are the same.", "zh": "两份清单相同。"},
    "key": {"en": "key", "zh": "键"},
    "before": {"en": "before", "zh": "前"},
    "after": {"en": "after", "zh": "后"},
    "rows": {"en": "Rows", "zh": "行"},
    "common": {"en": "in both", "zh": "共有"},
    "added": {"en": "added", "zh": "新增"},
    "gone": {"en": "gone", "zh": "消失"},
    "changed": {"en": "changed", "zh": "变更"},
    "cells": {"en": "Changed cells of rows in both", "zh": "共有行中变更的单元格"},
    "column": {"en": "column", "zh": "列"},
    "shut": {
        "en": "The content is sealed: rows were not compared. Their recipient can, with --identity. Wrote nothing.",
        "zh": "内容已加密，未比较各行；接收方可加 --identity 比较。未写任何文件。",
    },
    "followed": {
        "en": "{rows} rows stand in both under the same handle: whoever has both packages can follow them from one "
        "to the "
        "other, and sees what changed.",
        "zh": "有 {rows} 行在两个数据包中句柄相同：同时持有两者的人可以逐行跟踪，并看到变更。",
    },
    "tokens": {
        "en": "{rows} of them also have the same ID token.",
        "zh": "其中 {rows} 行的身份令牌也相同。",
    },
    "apart": {
        "en": "No row stands in both under the same handle: by handles nobody can follow a row from one to the other.",
        "zh": "没有任何一行在两者中句柄相同：仅凭句柄不能逐行跟踪。",
    },
    "end": {
        "en": "Wrote nothing. A new key epoch gives every row another token; a new handle key another handle.",
        "zh": "未写任何文件。更换密钥期次后各行的令牌改变，更换句柄密钥后各行的句柄改变。",
    },
}


def say(key: str, language: Language, **values: object) -> str:
    """One text with its places filled in."""
    return TEXTS[key][language].format(**values)


def remarks(found: Difference, language: Language) -> Iterator[str]:
    """What the rows say about following people from one package to the other."""
    rows = found.rows
    if rows is not None and found.kind == "encodings":
        yield say("followed", language, rows=f"{rows.common:,}") if rows.common else say("apart", language)
        if rows.common and rows.tokens_kept is not None:
            yield say("tokens", language, rows=f"{rows.tokens_kept:,}")
    yield say("end", language)
