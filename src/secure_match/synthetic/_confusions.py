"""PUBLIC: characters that are taken for each other in names: by sound, by shape, by script.

Each table is a list of groups; the members of a group replace each other. The groups are ours and are independent
of any table that a department normalises with: an error generator that shares the repairer's table proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.synthetic._streams import BoolArray, IntArray
from secure_match.synthetic._text import CodePoints

_HOMOPHONES: Final = (
    "王汪 李理里 张章彰 刘留浏 陈晨辰 杨扬洋阳 黄皇煌 赵照兆 吴吾梧 周洲舟 徐许 孙荪 朱珠诸 胡湖 郭国 "
    "何和河荷 林琳霖淋 高皋 罗萝 郑正政 梁良粱 谢榭 宋颂 唐堂棠 韩含涵 邓登 冯逢 曹草 彭朋 曾增 肖萧消 "
    "田甜 袁原源圆 蔡菜 蒋奖 余于俞鱼 叶业 程成诚承 魏卫 苏酥 任壬 卢芦庐 姚摇 沈审 姜江疆 谭潭 陆路露 "
    "范饭 石时实 金津今 贾假 夏下 付富傅 方芳 白百 孟梦 秦琴勤 邱秋丘 侯候 尹引 薛学雪 闫严颜岩 段断 "
    "雷蕾磊 龙隆 黎梨丽莉 史使 陶桃 贺鹤 毛茂 顾故 万婉 武午 钱前乾 戴代 伟玮炜 英瑛莹颖 华花骅 明铭茗鸣 "
    "建健剑 志智治致 文雯闻纹 军君钧均 平萍苹屏 强墙 杰洁捷婕 峰锋丰枫 辉晖徽挥 勇永咏 斌彬滨宾 "
    "红宏洪虹鸿 霞侠 静婧靖敬 婷亭庭 燕艳雁彦 敏闽 玲凌灵铃 秀绣 娟捐涓 梅玫媚 兰岚蓝澜 桂贵 珍真贞臻 "
    "春椿 佳嘉家加 欣新心馨昕鑫 怡宜仪 子紫籽 梓姿 宇雨羽语 轩宣萱 浩昊皓灏 俊骏峻 博搏 泽则 睿瑞锐 "
    "思诗丝 涛滔 鹏蓬 超抄 飞非菲妃 凯铠楷 亮靓 刚钢 海亥 东冬 云芸耘 青清卿 庆磬 荣容融蓉 祥翔详 德得 "
    "福服 国帼 爱艾 淑姝叔 美镁 月悦越跃 慧惠会蕙 晓小筱 璐鹭 瑶遥 琪奇淇祺 依伊衣 可珂 逸易艺奕弈 恒衡 "
    "哲喆 然燃 安桉 煜玉育裕 曦西希熙 沐木牧 若弱 宁凝柠 航杭 天添 生升声 忠中钟 义益 良粮 波播 松嵩 光广"
)

_LOOK_ALIKES: Final = (
    "王玉主 李季 张弛 刘浏 杨扬 黄寅 吴昊 周同 徐除 孙孔 马乌 朱未 胡湖 郭廓 何河 林木休 高亮 郑邓 梁粱 "
    "谢射 宋宗 唐康 韩朝 冯马 曹曾 彭澎 肖尚 田由申 董重 潘播 袁哀 蔡祭 蒋将 余佘 于干 杜社 叶汁 程呈 "
    "魏巍 吕昌 丁了 任仕 卢户 姚桃 沈沉 姜美 陆陈 范苑 汪江 廖寥 石右 金全 贾贡 夏复 付什 方万 邹郑 熊态 "
    "白自 孟盂 秦泰奉 邱丘 侯候 尹伊 薛薜 闫闰 段叚 龙尤 黎犁 史吏 陶淘 贺贸 毛手 伟炜 英莫 华毕 明朋 "
    "建健 志忘 文义 平乎 强弹 杰然 峰锋 辉晖 勇湧 斌彬 红虹 静靖 婷停 燕蒸 艳绝 敏敬 玲铃 秀透 娟捐 梅海 "
    "兰三 桂柱 珍玢 春舂 佳住 嘉喜 欣饮 怡恰 子了 梓样 宇字 雨两 轩轨 浩洁 俊傻 博搏 泽译 睿容 思恩 涛铸 "
    "鹏朋 凯凱 亮壳 刚钢 东乐 云去 青清 荣劳 祥详 德徳 福褔 国囯 爱受 淑叔 月目 慧彗 晓浇 璐潞 瑶谣 琪棋 "
    "依侬 可司 逸免 恒桓 哲晢 然燃 煜熠 曦羲 沐休 若苦 宁宇 航肮 天夫 生主 忠患 良艮"
)

_VARIANTS: Final = (
    "张張 刘劉 陈陳 杨楊 黄黃 赵趙 吴吳 孙孫 马馬 罗羅 郑鄭 谢謝 许許 韩韓 邓鄧 冯馮 肖蕭 蒋蔣 叶葉 苏蘇 "
    "吕呂 卢盧 钟鐘鍾 谭譚 陆陸 范範 韦韋 贾賈 邹鄒 闫閆閻 龙龍 贺賀 顾顧 龚龔 万萬 钱錢 严嚴 汤湯 温溫 "
    "齐齊 乔喬 庞龐 颜顏 庄莊 聂聶 鲁魯 岳嶽 欧歐 关關 兰蘭 宁寧甯 纪紀 单單 骆駱 蓝藍 饶饒 时時 乐樂 "
    "缪繆 诸諸 阳陽 邱丘 沈瀋 余餘 于於 姜薑 曹曺 高髙 梁樑 周週 胡鬍 朱硃 曾曽 凌淩 游遊 管筦 尚尙 温溫 "
    "殷慇 伟偉 杰傑 军軍 国國囯 建徤 德徳惪 荣榮 贵貴 兴興 宝寶 云雲 庆慶 义義 长長 学學 树樹 财財 凤鳳 "
    "银銀 爱愛 琼瓊 华華 东東 发發髮 强強 卫衛 辉輝煇 刚剛 跃躍 进進 锋鋒 丽麗 红紅 艳艷豔 晓曉 莲蓮 亚亞 "
    "鹏鵬 涛濤 飞飛 凯凱 宇㝢 亮喨 静靜 颖穎頴 莹瑩 娴嫻 俊儁 洁潔 梦夢 轩軒 泽澤 铭銘 诺諾 锦錦 诚誠 "
    "铠鎧 语語 艺藝 诗詩 悦悅 优優 钰鈺 彦彥 恒恆 晖暉 蔷薔 妆妝 娇嬌 佩珮 峰峯 群羣 松鬆 志誌 珍珎 仙僊 "
    "燕鷰 萍蘋 浩澔 文彣 梅楳 花蘤 勇湧勈 欣忻 睿叡 昊昦 昆崑 哲喆 烨燁 旭旴 瑶瑤 涵㴠 玲玪 秀綉 春萅 "
    "明朙"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionTable:
    """Which characters replace which.

    Attributes:
        targets: uint32 of shape (65536, width); the replacements of a code point, padded with zeros.
        counts: int64 of shape (65536,); how many replacements a code point has.
    """

    targets: CodePoints
    counts: IntArray

    def has_target(self, codes: CodePoints) -> BoolArray:
        """Which characters of ``codes`` (any shape) can be replaced; same shape."""
        return self.counts[codes] > 0

    def draw(self, rng: np.random.Generator, characters: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """A replacement for each of ``characters``, all of which must have one."""
        choice = (rng.random(len(characters)) * self.counts[characters]).astype(np.int64)
        return self.targets[characters, choice]


def _table(groups: str) -> ConfusionTable:
    replacements: dict[str, dict[str, None]] = {}
    for group in groups.split():
        for character in group:
            others = replacements.setdefault(character, {})
            others.update(dict.fromkeys(other for other in group if other != character))
    width = max(len(others) for others in replacements.values())
    targets = np.zeros((1 << 16, width), dtype=np.uint32)
    counts = np.zeros(1 << 16, dtype=np.int64)
    for character, others in replacements.items():
        counts[ord(character)] = len(others)
        targets[ord(character), : len(others)] = [ord(other) for other in others]
    return ConfusionTable(targets=targets, counts=counts)


def homophones() -> ConfusionTable:
    """Characters that sound the same, tones not always kept."""
    return _table(_HOMOPHONES)


def look_alikes() -> ConfusionTable:
    """Characters that look the same to a hurried keyer or a scanner."""
    return _table(_LOOK_ALIKES)


def variants() -> ConfusionTable:
    """Simplified, traditional and variant forms of the same character."""
    return _table(_VARIANTS)
