"""PUBLIC: characters that look alike. All members of a group have the first one as their shape key.

Our own choice, from what keyers and scanners confuse: characters that differ by a stroke, and common series that share
their right-hand part and differ in a radical that is easily dropped or exchanged. The groups do not overlap.
"""

from __future__ import annotations

from typing import Final

_STROKES: Final = (
    "己已巳 末未 土士 日曰 干千于 王玉 戊戌戍戎 人入八 大太犬 天夭无 冶治 母毋 刺剌 免兔 万方 田由甲申 贝见 今令 "
    "木术本 午牛 丁了 刀力 九丸 几凡 凤风 乌鸟 住往 折拆析 拔拨 壁璧 暑署 辩辨辫 竞竟 茶荼 候侯 冷泠 崇祟 "
    "遂逐 戴载 杳查 丐丏 汨汩 吕吊 失矢 夫失 斤斥 互亙 开井 亨享 佘余 折哲 束朿 免勉 券卷 ト卜 崔催 哀衷衰 "
    "候喉 微徽 陈阵 处外 历厉 厂广 庆床 压庄 季李 秀禿 考老 育肓 宜宣 官宫 宇字 宋宗 完宅 家冢 书节 义叉 车东 "
    "白自 百佰 石右 古占 吉告 句勾 叶汁 兰三 平乎 半羊 业亚 专传 云去 丽历丽 为办 少小 尔你 尹伊 巾币 帅师 市布 "
    "旦且 杲果 昌冒 昊吴 晃冕 是足 景影 曲典 更史吏 朱珠 杜社 杨扬 枚牧 林材 柱桂 格恪 梁粱 梅悔 桃挑 欧殴 "
    "毛手 民氏 永水 江汪 沐沭 泽译 洁浩 洪供 浦蒲 涛淘 清请 湘相 溪奚 潘播 炎灸 烨晔 玲铃 珍诊 "
    "理埋 琪淇 瑞端 璐潞 瑶摇 男界 盂孟 直真 睛晴 礼扎 福富 秋秒 程呈 穆移 立产 章童 笔毛 管菅 素索 红虹 "
    "纯钝 绍沼 绢娟 罗萝 美姜 翠粹 肖尚 脸险 良艮 芬芳 苗亩 英央 茂戊 荣茔 莉利 莲涟 菊鞠 蓉容 薇徵 虎虏 裴斐 "
    "许汗 诚城 诗侍 赵赴 超起 路露 辉晖 进近 邓郑 邱丘 郎朗 郭廓 金全 钧钩 铭名 锋峰蜂 锡杨 阎间 阳阴 雪霉 雷霍 "
    "雯文 青靑 静净 韦苇 韩朝 顺须 颖颍 飞气 香查 马乌 骏俊 鸣呜 鹏朋 黄寅 龙尤"
)


def _keys() -> dict[str, str]:
    """Character to shape key; a group that meets an earlier one joins it, so keys are final."""
    keys: dict[str, str] = {}
    for group in _STROKES.split():
        first = next((keys[character] for character in group if character in keys), group[0])
        for character in group:
            old = keys.get(character, character)
            for other in [name for name, key in keys.items() if key == old]:
                keys[other] = first
            keys[character] = first
    return keys


SHAPE_KEYS: Final = _keys()
"""Character to the character that stands for its group; characters without a group are their own."""
