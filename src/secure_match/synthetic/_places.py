"""PUBLIC: the made-up city: counties, towns, streets, villages, and the ways to write an address.

No such city exists: its division code 3399 and every migrant's (xx99) are not assigned, so that no made-up ID
number can be a living person's.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.synthetic._streams import IntArray

COUNTY_CODES: Final = (339902, 339921, 339923, 339981)
COUNTY_NAMES: Final = ("城中区", "望溪县", "青岭县", "临泽市")
MIGRANT_CODES: Final = tuple(province * 10_000 + 9_900 + county for province in (
    32, 33, 34, 35, 36, 37, 41, 42, 43, 45, 50, 51, 52, 53, 61
) for county in (2, 24))  # fmt: skip
"""Regions of other prefectures, in the provinces from which people move most; 2 each."""

_TOWNS: Final = (
    # county, town code, name, is rural, weight of its size
    (0, 1, "城东街道", False, 11.0),
    (0, 2, "城西街道", False, 9.5),
    (0, 3, "南塘街道", False, 8.0),
    (0, 4, "北苑街道", False, 7.0),
    (0, 5, "新港街道", False, 5.5),
    (0, 101, "柳河镇", True, 4.0),
    (0, 102, "石桥镇", True, 3.5),
    (1, 1, "望溪街道", False, 6.0),
    (1, 101, "大塘镇", True, 4.5),
    (1, 102, "双桥镇", True, 3.0),
    (1, 103, "枫林镇", True, 2.5),
    (1, 201, "竹山乡", True, 1.0),
    (2, 1, "青岭街道", False, 5.0),
    (2, 101, "白沙镇", True, 4.0),
    (2, 102, "沙湾镇", True, 2.5),
    (2, 201, "云雾乡", True, 0.8),
    (3, 1, "临泽街道", False, 6.5),
    (3, 2, "滨江街道", False, 5.0),
    (3, 101, "长安桥镇", True, 3.5),
    (3, 102, "古渡镇", True, 2.5),
    (3, 103, "水口镇", True, 1.7),
)
TOWN_COUNTY: Final = np.array([town[0] for town in _TOWNS], dtype=np.int64)
TOWN_RURAL: Final = np.array([town[3] for town in _TOWNS])
TOWN_WEIGHTS: Final = np.array([town[4] for town in _TOWNS])
TOWN_CODES: Final = tuple(f"{COUNTY_CODES[town[0]]}{town[1]:03d}000" for town in _TOWNS)
"""12-digit division codes: county, town, 000."""

_ROAD_NAMES: Final = (
    "人民路 解放路 建设路 中山路 文化路 和平路 新华路 东风路 胜利路 光明路 振兴路 学院路 体育路 滨河路 "
    "环城北路 环城南路 迎宾大道 朝阳路 青年路 工业路 站前路 公园路 府前街 北大街 南大街 东大街 西大街 "
    "桂花巷 水井巷 书院巷 柳荫街 翠湖路 望江路 长虹路 友谊路 红旗路 幸福路 花园路 延河路 银杏路"
)
_ROADS: Final = _ROAD_NAMES.split()
_VILLAGE_NAMES: Final = (
    "王家村 李家村 张家湾 陈家桥 上塘村 下塘村 东河村 西河村 石桥村 新桥村 大坪村 小坪村 梅花村 桃园村 "
    "竹林村 松林村 龙泉村 凤凰村 白鹤村 青山村 红星村 前进村 光明村 团结村 和平村 新建村 新农村 高峰村 "
    "金沙村 银坑村 黄泥村 柏树村 杨柳村 枣园村 沙洲村 渡口村 水磨村 油坊村 砖桥村 瓦窑村"
)
_VILLAGES: Final = _VILLAGE_NAMES.split()
STREET_COUNT: Final = len(_ROADS)
GROUP_COUNT: Final = 18
_HANZI_TEXT: Final = "一 二 三 四 五 六 七 八 九 十 十一 十二 十三 十四 十五 十六 十七 十八"
_HANZI_NUMBERS: Final = _HANZI_TEXT.split()

CLEAN_FORM: Final = 0
_FORMS: Final = (
    # urban, rural; the first is the clean form
    (
        "宁川市{county}{town}{street}{number}号{building}幢{room}室",
        "宁川市{county}{town}{village}{building}组{number}号",
    ),
    ("{county}{town}{street}{number}号{building}栋{room}", "{county}{town}{village}{number}号"),
    (
        "浙江省宁川市{county}{town}{street}{number}号{building}-{room}",
        "浙江省宁川市{county}{town}{village}第{building}组{number}号",
    ),
    ("{town}{street}{number}-{building}-{room}", "{town}{village}{group}组{number}号"),
    ("宁川市,{town},{street}{number}号{building}号楼{room}室", "宁川市,{town},{village}{building}组{number}"),
    ("{street}{number}号{building}幢{room}室", "{village}{building}组{number}号"),
)
FORM_COUNT: Final = len(_FORMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Homes:
    """One dwelling per entry; each array is int64 of shape (homes,). ``building`` is the group in a village."""

    town: IntArray
    street: IntArray
    number: IntArray
    building: IntArray
    room: IntArray


def draw_homes(rng: np.random.Generator, town: IntArray) -> Homes:
    """A dwelling in each of ``town`` (indices of towns)."""
    count = len(town)
    return Homes(
        town=town,
        street=rng.integers(0, STREET_COUNT, count),
        number=rng.integers(1, 400, count),
        building=rng.integers(1, GROUP_COUNT + 1, count),
        room=rng.integers(1, 19, count) * 100 + rng.integers(1, 7, count),
    )


def address_texts(homes: Homes, home: IntArray, form: IntArray) -> pa.Array:
    """Addresses of the dwellings ``home`` (indices), each written in the form ``form`` (0 is clean)."""
    rural = TOWN_RURAL[homes.town[home]]
    parts: list[pa.Array] = []
    places: list[IntArray] = []
    for number, templates in enumerate(_FORMS):
        for is_rural, template in zip((False, True), templates, strict=True):
            rows = np.flatnonzero((form == number) & (rural == is_rural))
            if len(rows):
                parts.append(_filled(template, homes, home[rows]))
                places.append(rows)
    if not parts:
        return pa.array([], pa.string())
    back = np.empty(len(home), dtype=np.int64)
    back[np.concatenate(places)] = np.arange(len(home))
    return pa.concat_arrays(parts).take(pa.array(back))


def _filled(template: str, homes: Homes, home: IntArray) -> pa.Array:
    pieces: list[pa.Array | pa.Scalar] = []
    for literal, name, _, _ in string.Formatter().parse(template):
        if literal:
            pieces.append(pa.scalar(literal))
        if name:
            pieces.append(_piece(name, homes, home))
    return pc.binary_join_element_wise(*pieces, pa.scalar(""))


def _piece(name: str, homes: Homes, home: IntArray) -> pa.Array:
    town = homes.town[home]
    words: dict[str, tuple[list[str], IntArray]] = {
        "county": (list(COUNTY_NAMES), TOWN_COUNTY[town]),
        "town": ([entry[2] for entry in _TOWNS], town),
        "street": (_ROADS, homes.street[home]),
        "village": (_VILLAGES, homes.street[home]),
        "group": (_HANZI_NUMBERS, homes.building[home] - 1),
    }
    if name in words:
        texts, index = words[name]
        return pa.array(texts, pa.string()).take(pa.array(index))
    numbers = {"number": homes.number, "building": homes.building, "room": homes.room}[name][home]
    return pa.array(numbers).cast(pa.string())
