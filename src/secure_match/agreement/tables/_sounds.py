"""PUBLIC: readings of surnames, and syllables that dialects do not tell apart.

Surname readings: 《现代汉语词典》, for characters that are read otherwise as a surname than alone.
"""

from __future__ import annotations

from typing import Final

_ONE: Final = (
    "单 shan 仇 qiu 解 xie 区 ou 曾 zeng 朴 piao 查 zha 盖 ge 乐 yue 翟 zhai 缪 miao 召 shao 种 chong 任 ren 华 hua "
    "覃 qin 秘 bi 冼 xian 洗 xian 员 yun 句 gou 折 she 黑 he 繁 po 逄 pang 宓 mi 燕 yan 应 ying 宁 ning 石 shi "
    "柏 bai 贾 jia 卜 bu 车 che 谌 chen 隗 wei 郗 xi 郇 xun 乜 nie 尉 wei 那 na 哈 ha 沈 shen 重 chong 葛 ge 纪 ji "
    "薄 bo 长 chang 行 xing 干 gan 都 du 会 gui 过 guo 能 nai 祭 zhai 阚 kan 俞 yu 於 yu 臧 zang 弹 dan 中 zhong"
)
_TWO: Final = "尉迟 yu chi 长孙 zhang sun 单于 chan yu 澹台 tan tai 万俟 mo qi 拓跋 tuo ba 令狐 ling hu 鲜于 xian yu"

SURNAME_READINGS: Final = dict(zip(_ONE.split()[::2], _ONE.split()[1::2], strict=True))
"""Surname of one character to its reading."""

COMPOUND_READINGS: Final = {
    name: (first, second)
    for name, first, second in zip(_TWO.split()[::3], _TWO.split()[1::3], _TWO.split()[2::3], strict=True)
}
"""Surname of two characters to its readings, where they differ from those of its characters alone."""

_INITIALS: Final = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
_FINALS: Final = (("ang", "an"), ("eng", "en"), ("ing", "in"))
_H_AS_F: Final = {
    "hu": "fu",
    "hua": "fa",
    "huai": "fai",
    "huan": "fan",
    "huang": "fan",
    "hui": "fei",
    "hun": "fen",
    "huo": "fo",
    "hong": "fen",
}


def fold_dialect(syllable: str) -> str:
    """One form for syllables that southern and western dialects confuse.

    zh/z, ch/c, sh/s, n/l at the start; ang/an, eng/en, ing/in at the end; h before u (and hong) with f.
    """
    if syllable in _H_AS_F:
        return _H_AS_F[syllable]
    for initial, folded in _INITIALS:
        if syllable.startswith(initial) and len(syllable) > len(initial):
            syllable = folded + syllable[len(initial) :]
            break
    for final, folded in _FINALS:
        if syllable.endswith(final):
            return syllable[: -len(final)] + folded
    return syllable
