"""PUBLIC: surnames and given-name characters with their weights.

Surname weights are rough shares of the population in units of 0.01 %, rounded from the published rankings of
surnames; given-name characters are listed from frequent to rare, by sex and generation, and weighted by rank.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from secure_match.synthetic._streams import FloatArray

_SURNAMES: Final = (
    "王715 李701 张674 刘510 陈461 杨322 黄245 赵228 吴205 周195 徐152 孙148 马132 朱128 胡121 郭118 "
    "何108 林106 高101 罗97 郑92 梁86 谢76 宋72 唐69 许66 韩65 邓63 冯62 曹61 彭59 曾58 肖57 田54 董52 "
    "潘50 袁49 蔡48 蒋48 余47 于46 杜45 叶45 程44 魏43 苏43 吕42 丁41 任40 卢39 姚39 沈38 钟38 姜37 崔36 "
    "谭36 陆35 范34 汪34 廖33 石33 金32 韦31 贾30 夏30 付29 方29 邹28 熊28 白27 孟27 秦27 邱26 侯26 江26 "
    "尹25 薛25 闫25 段24 雷24 龙24 黎23 史22 陶22 贺22 毛21 郝21 顾21 龚20 邵20 万20 覃19 武19 钱19 戴18 "
    "严18 莫18 孔18 向17 常17 汤17 温16 康16 施16 文16 牛15 樊15 葛15 邢15 安14 齐14 易14 乔14 伍14 庞13 "
    "颜13 倪13 庄13 聂12 章12 鲁12 岳12 翟11 殷11 詹11 申11 欧11 耿10 关10 兰10 焦10 俞10 左10 柳10 甘9 "
    "祝9 包9 宁9 尚8 符8 舒8 阮8 柯8 纪8 梅8 童7 凌7 毕7 单7 季7 裴7 霍6 涂6 成6 苗6 谷6 盛6 曲6 翁5 冉5 "
    "骆5 蓝5 路5 游5 辛5 靳5 管5 柴4 蒙4 鲍4 华4 喻4 祁4 房3 蒲3 滕3 屈3 饶3 解3 牟3 艾2 尤2 时2 仇2 卜2 "
    "朴2 查2 乐2 缪2 欧阳9 上官2 司徒2 皇甫1 诸葛1 司马1 令狐1 夏侯1 慕容1 尉迟1 东方1"
)

_GIVEN: Final[dict[tuple[int, bool], str]] = {
    (0, True): "国建德明文华荣生福贵志林富兴祥根发金玉春庆忠义宝田水"
    "木山海云大长永成光正学仁和顺财清良有世全才堂树土法炳",
    (0, False): "英秀兰珍玉凤桂花芳梅香莲翠素淑美菊银金月春云爱娣妹巧彩仙琴娟秋贞惠荷杏阿小华珠琼芬宝红霞招根大",
    (1, True): "建国军华明伟平强志文卫勇林斌杰忠民新东海红峰辉生良庆永荣兵春波清江祥松德成光学龙洪宏刚祖跃进超锋云",
    (1, False): "丽红英华玲芳敏秀燕霞娟萍艳琴美凤梅兰珍桂莉琳月爱云翠惠洁晓雪文春慧群青平蓉莲建芬菊仙娥亚小利素香彩",
    (2, True): "伟杰磊鹏超涛俊斌强浩勇飞波辉峰建明志文华军亮刚凯健晨旭鑫宇龙翔晓海东林锋阳亚洋帅威平国宁嘉佳栋琦诚晖",
    (2, False): "丽静婷燕敏娜芳艳红玲晓雪莉颖慧莹倩霞娟萍洁佳琳琴蕾薇梦璐雯文华丹妮媛欣怡瑶春云梅琼露双小海晶平蓉妍",
    (3, True): "浩宇轩子俊杰睿博泽文涵梓宸明昊天一嘉佳铭航晨皓奕辰瑞逸思远翔霖熙恒凯诺哲锦彦旭然鑫诚云景安煜阳承志铠弈",
    (3, False): "欣怡涵梓雨萱诗妍佳琪思子语彤嘉艺依诺可馨一梦婷雅瑶琳"
    "悦若汐晨紫曦沐月宁心然静悠璇珊芷晗安清优蕊淇昕颖钰",
}
"""Keys: generation (see :data:`GENERATION_STARTS`) and whether male."""

GENERATION_STARTS: Final = (0, 1960, 1980, 2000)
"""First birth year of every generation."""

ONE_CHARACTER_SHARE: Final = (0.12, 0.13, 0.08, 0.03)
"""Share of given names of one character, by generation: about 8 % of a whole city."""

MINORITY_SEPARATOR: Final = "·"
_MINORITY_MALE: Final = (
    "买买提 艾合买提 阿卜杜拉 吐尔逊 玉素甫 艾力 库尔班 依米提 亚森 热合曼 阿迪力 木合塔尔 帕尔哈提 "
    "伊力亚斯 凯赛尔 巴图 扎西 多吉"
)
MINORITY_MALE: Final = tuple(_MINORITY_MALE.split())
_MINORITY_FEMALE: Final = (
    "古丽 阿依古丽 热依汗 帕提古丽 阿米娜 祖丽菲亚 迪丽努尔 玛依拉 茹先古丽 麦尔燕 古丽娜尔 海丽且姆 "
    "阿孜古丽 卓玛 央金 其木格"
)
MINORITY_FEMALE: Final = tuple(_MINORITY_FEMALE.split())


def surnames() -> tuple[list[str], FloatArray]:
    """Surnames of one or two characters and their weights, float64."""
    entries = _SURNAMES.split()
    names = [entry.rstrip("0123456789") for entry in entries]
    weights = [float(entry[len(name) :]) for entry, name in zip(entries, names, strict=True)]
    return names, np.array(weights)


def given_characters(generation: int, *, male: bool) -> str:
    """Characters of given names without repetition, frequent ones first."""
    return _GIVEN[generation, male]


def rank_weights(count: int) -> FloatArray:
    """Weights that fall with the rank (a Zipf-Mandelbrot law), float64 of shape (count,)."""
    ranks: FloatArray = np.arange(count, dtype=np.float64)
    return 1.0 / (ranks + 6.0)
