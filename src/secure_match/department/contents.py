"""RAW: what the cells of a sample look like, as shares; the only place that looks at values to propose a mapping."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.profiles import ColumnContent, Mapping, Role, propose_mapping, role_of_header
from secure_match.agreement.tables import SEX_CODES
from secure_match.department.normalise._cleaning import clean_text, is_missing
from secure_match.department.normalise._field import BoolArray, to_bool
from secure_match.department.readers import ROW_NUMBER

_ID_FORM: Final = (
    r"^[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]$"
    r"|^[1-9]\d{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}$|^[1-9]\.\d+E\+?1[47]$"
)
"""18 characters, 15 digits, or what a spreadsheet makes of either; the check digit is not looked at."""
_CLOCK: Final = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$"
_DATE_FORM: Final = r"^(?:18|19|20)\d{2}[-/.年]?(?:0?[1-9]|1[0-2])[-/.月]?(?:(?:0?[1-9]|[12]\d|3[01])日?)?" + _CLOCK
_MONTH_FORM: Final = r"^(?:19|20)\d{2}[-/.年]?(?:0?[1-9]|1[0-2])月?(?:[-/.]?(?:0[1-9]|[12]\d|3[01])日?)?$"
_MOBILE_FORM: Final = r"^(?:\+?86|0086)?[- ]?1[3-9]\d[- ]?\d{4}[- ]?\d{4}$"
_PHONE_FORM: Final = _MOBILE_FORM + r"|^(?:\(?0\d{2,3}\)?[- ]?)?\d{7,8}$"
_NAME_FORM: Final = r"^[\p{Han}\x{3007}\x{E000}-\x{F8FF}?□*·•．.]{2,20}$|^[\p{Latin}][\p{Latin} .'\-]+$"
_COMMON_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅"
    "方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
"""Common surnames (after the national name report of 2020); about four people in five bear one of them."""
_CHINESE_NAME: Final = rf"^[{_COMMON_SURNAMES}]\p{{Han}}{{1,2}}$"
_SEX_WORDS: Final = ("男", "女", "男性", "女性")

_BETWEEN_DIGITS: Final = r"[\s\p{Pd}\p{Pi}\p{Pf}\x{2212}.'\"`´·]+"
_MANY_DIGITS: Final = r"\d{7}"
_POWER_FORM: Final = r"(?i)\d\.\d+E\+?\d{1,2}"
_FULL_DATE: Final = r"^(?:18|19|20)\d{2}[-/.年]?(?:0?[1-9]|1[0-2])[-/.月]?(?:0?[1-9]|[12]\d|3[01])日?" + _CLOCK
_PEOPLE_WORDS: Final = 2
"""So many names of people in a header are no accident; one may be a word (金额 begins with a surname)."""

_FORMS: Final[dict[Role, str]] = {
    "id_number": _ID_FORM,
    "birth_date": _DATE_FORM,
    "phone": _PHONE_FORM,
    "name": _NAME_FORM,
    "first_month": _MONTH_FORM,
    "last_month": _MONTH_FORM,
}
_PROOFS: Final[dict[Role, str]] = {"id_number": _ID_FORM, "phone": _MOBILE_FORM, "name": _CHINESE_NAME}


def measure_columns(sample: pa.RecordBatch) -> dict[str, ColumnContent]:
    """Shares of cells by form, for every column of a sample of rows but its row numbers."""
    return {name: _measure(sample[name]) for name in sample.schema.names if name != ROW_NUMBER}


def propose_from_sample(header: tuple[str, ...], sample: pa.RecordBatch) -> Mapping:
    """:func:`propose_mapping` by the headers and what the sample's cells look like."""
    return propose_mapping(header, measure_columns(sample))


def looks_like_data(header: tuple[str, ...]) -> list[int]:
    """Numbers, from 1 and rising, of header cells that look like somebody's data.

    Such are: seven digits or more in a row, whatever blanks, dashes, dots or quotes stand between them, which every ID
    number, permit, phone number and full date has and no name of a column needs; a number in scientific notation; a
    date. Where no cell is a known header, further Chinese personal names and words for a sex, if there are two of them
    or no other cell.
    """
    text = clean_text(pa.array(header, pa.string()))
    joined = pc.replace_substring_regex(text, pattern=_BETWEEN_DIGITS, replacement="")
    hits = _matches(joined, _MANY_DIGITS) | _matches(joined, _ID_FORM) | _matches(text, _FULL_DATE)
    hits |= _matches(text, _POWER_FORM)
    if not any(name and role_of_header(name) is not None for name in header):
        people = _matches(text, _CHINESE_NAME) | to_bool(pc.is_in(text, value_set=pa.array(_SEX_WORDS)))
        hits |= people & (np.count_nonzero(people) >= min(_PEOPLE_WORDS, len(header)))
    return [int(place) + 1 for place in np.flatnonzero(hits)]


def _measure(column: pa.StringArray) -> ColumnContent:
    text = clean_text(column)
    empty = to_bool(pc.or_kleene(pc.is_null(text), pc.equal(text, "")))
    # The words for nothing are no content; "0" is one of them, and also a sex code.
    filled = ~empty
    said = text.filter(pa.array(~is_missing(text)))
    sexes = text.filter(pa.array(filled))
    forms = {role: _share(_matches(said, pattern)) for role, pattern in _FORMS.items()}
    proofs = {role: _share(_matches(said, pattern)) for role, pattern in _PROOFS.items()}
    upper = pc.utf8_upper(sexes)
    forms["sex"] = _share(to_bool(pc.is_in(upper, value_set=pa.array([*SEX_CODES, "0", "9"]))))
    proofs["sex"] = _share(to_bool(pc.is_in(upper, value_set=pa.array(_SEX_WORDS))))
    counts = pc.value_counts(text.filter(pa.array(filled))).field("counts").to_numpy(zero_copy_only=False)
    return ColumnContent(
        filled=len(said),
        forms=forms,
        proofs=proofs,
        distinct=float((counts == 1).sum() / len(text)) if len(text) else 0.0,
    )


def _matches(text: pa.StringArray, pattern: str) -> BoolArray:
    return to_bool(pc.match_substring_regex(text, pattern))


def _share(mask: BoolArray) -> float:
    return float(mask.mean()) if len(mask) else 0.0
