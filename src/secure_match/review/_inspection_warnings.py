"""AUDIT: which distributions of a package deserve a warning, and its words in Chinese and in English.

Thresholds are conventions to draw the eye, not limits: a package without warnings is not safe by that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from secure_match.review._collusion import Language
from secure_match.review._distributions import SetBits, Spread

WarningName = Literal[
    "rows-alone",
    "small-cells",
    "frequent-token",
    "global-encodings",
    "frequent-block",
    "predictable-block",
    "block-of-one",
    "equal-encodings",
    "set-bits",
    "all-rows-fuzzy",
]

FREQUENT_SHARE: Final = 0.01
"""Share of rows on one token or tag from which it stands out."""
SMALL_CELL: Final = 10
PREDICTABLE_BITS: Final = 7.0
"""Min-entropy of block tags below which a guess of the block is right for one row in 128 or more."""
LONE_BLOCKS: Final = 0.5
SPREAD_OF_BITS: Final = 0.25
"""Standard deviation of set bits, as a share of their mean, above which lengths of values show."""
_ENOUGH_ROWS: Final = 100
"""Rows below which shares say nothing."""

TEXTS: Final[dict[WarningName, dict[Language, str]]] = {
    "rows-alone": {
        "en": "{where}: {rows} rows share their values with no other row; whoever knows these values of a person knows "
        "that row",
        "zh": "{where} 的取值组合中，有 {rows} 行独一无二：知道某人这些取值的人就能认出该行",
    },
    "small-cells": {
        "en": "{where}: {rows} rows share their values with at least one, but fewer than ten rows in all",
        "zh": "{where} 的取值组合中，有 {rows} 行所在的组合不足十行",
    },
    "frequent-token": {
        "en": "one ID token stands on {rows} rows ({share}): a placeholder number, most likely, which names itself",
        "zh": "同一身份令牌出现在 {rows} 行（{share}）：很可能是占位号码，本身即可辨认",
    },
    "global-encodings": {
        "en": "pass {where} has no block: its encodings can all be compared, and published attacks re-identify them",
        "zh": "{where} 轮没有分块：其编码可任意相互比较，已有公开的攻击可以重识别",
    },
    "frequent-block": {
        "en": "one block tag of pass {where} stands on {rows} rows ({share}); a list of frequent values tells which",
        "zh": "{where} 轮中同一分块标签出现在 {rows} 行（{share}）；对照常见取值表即可得知其值",
    },
    "predictable-block": {
        "en": "the block tags of pass {where} have a min-entropy of {bits} bits only",
        "zh": "{where} 轮分块标签的最小熵仅 {bits} 比特",
    },
    "block-of-one": {
        "en": "{rows} rows stand alone in their block of pass {where}: the tag is as good as a name of the row",
        "zh": "{where} 轮中有 {rows} 行独占一块：其标签等同于该行的代号",
    },
    "equal-encodings": {
        "en": "in pass {where} one encoding stands on {rows} rows of a block: a very common value, or an empty one",
        "zh": "{where} 轮某块中同一编码出现在 {rows} 行：取值极常见，或为空值",
    },
    "set-bits": {
        "en": "in pass {where} the number of set bits varies by {share} of its mean: it tells how long values are",
        "zh": "{where} 轮置位比特数的离散程度为均值的 {share}：可据此推知取值长短",
    },
    "all-rows-fuzzy": {
        "en": "{share} of the rows leave with encodings of passes; rows with an equal number elsewhere would not "
        "need them",
        "zh": "{share} 的行带有比对轮次的编码；其中号码在他处已相同的行本不需要",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """One warning.

    Attributes:
        name: of its kind.
        where: column, columns or pass; "" for the package.
        rows: rows it is on.
        measure: the number that raised it, in the unit of its text.
    """

    name: WarningName
    where: str = ""
    rows: int = 0
    measure: float = 0.0

    def text(self, language: Language) -> str:
        """The warning in words."""
        shown = {"where": self.where, "rows": f"{self.rows:,}", "share": f"{self.measure:.1%}"}
        return TEXTS[self.name][language].format(**shown, bits=f"{self.measure:.1f}")


class PassView(Protocol):
    """What is known of a pass."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def blocks(self) -> Spread | None:
        """Rows by block tag."""

    @property
    def encodings(self) -> Spread:
        """Rows by encoding."""

    @property
    def set_bits(self) -> SetBits:
        """Numbers of set bits."""


def warnings_of(
    rows: int,
    codes: Mapping[tuple[str, ...], Spread],
    tokens: Spread | None,
    passes: Sequence[PassView],
    fuzzy_share: float,
) -> tuple[Warned, ...]:
    """What deserves a look, in the order of the columns."""
    found = list(_of_codes(codes))
    if tokens is not None and rows >= _ENOUGH_ROWS and tokens.largest_share >= FREQUENT_SHARE:
        found.append(Warned(name="frequent-token", rows=tokens.largest[0], measure=tokens.largest_share))
    for item in passes:
        found += _of_pass(item)
    if fuzzy_share >= 1.0:
        found.append(Warned(name="all-rows-fuzzy", rows=rows, measure=fuzzy_share))
    return tuple(found)


def _of_codes(codes: Mapping[tuple[str, ...], Spread]) -> Iterator[Warned]:
    """Of single columns and of all together; the combinations between are in the report."""
    most = max(map(len, codes), default=0)
    for names, spread in codes.items():
        if len(names) not in (1, most):
            continue
        alone = spread.bands["1"]
        small = sum(count for band, count in spread.rows_in_bands.items() if band in ("2-4", "5-9"))
        if alone:
            yield Warned(name="rows-alone", where=" + ".join(names), rows=alone)
        if small:
            yield Warned(name="small-cells", where=" + ".join(names), rows=small)


def _of_pass(item: PassView) -> Iterator[Warned]:
    rows = item.encodings.rows
    if item.blocks is None:
        yield Warned(name="global-encodings", where=item.id, rows=rows)
    elif rows >= _ENOUGH_ROWS:
        blocks = item.blocks
        if blocks.largest_share >= FREQUENT_SHARE:
            yield Warned(name="frequent-block", where=item.id, rows=blocks.largest[0], measure=blocks.largest_share)
        if blocks.min_entropy_bits < PREDICTABLE_BITS:
            yield Warned(name="predictable-block", where=item.id, measure=blocks.min_entropy_bits)
        if blocks.bands["1"] >= LONE_BLOCKS * rows:
            yield Warned(name="block-of-one", where=item.id, rows=blocks.bands["1"])
    if rows >= _ENOUGH_ROWS:
        if item.encodings.largest_share >= FREQUENT_SHARE:
            yield Warned(name="equal-encodings", where=item.id, rows=item.encodings.largest[0])
        bits = item.set_bits
        if bits.mean and bits.deviation / bits.mean >= SPREAD_OF_BITS:
            yield Warned(name="set-bits", where=item.id, rows=rows, measure=bits.deviation / bits.mean)
