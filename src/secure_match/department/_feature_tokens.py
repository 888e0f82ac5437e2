"""RAW: distinct values of one feature to numbered tokens.

Invariants: the tokens of a value, their order and doubles are clkhash's. A value with a problem has no tokens. Grams
stay numbered until :meth:`forget`; other tokens (whole values, numbers' neighbourhoods, long grams) are numbered anew
in each call and nothing of them is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from secure_match.agreement._schema_models import ExactComparison, Feature, NgramComparison
from secure_match.department._code_points import CodePoints, decode
from secure_match.department._formats import Formats, problem_number
from secure_match.department._gram_table import LONGEST_GRAM, GramTable
from secure_match.department._texts import ByteArray, Int64Array, Texts
from secure_match.department._token_store import Speller
from secure_match.department._tokenise import MissingMode, is_encodable, make_comparer
from secure_match.kernels.token_lists import TokenLists


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Tokenised:
    """Tokens of values.

    Attributes:
        lists: one list of token numbers for each value.
        count: how many tokens are numbered.
        spell: numbers to the bytes that are hashed.
        problems: uint8 of shape (values,): number in ``PROBLEMS`` of what is wrong with each value.
    """

    lists: TokenLists
    count: int
    spell: Speller
    problems: ByteArray


class FeatureTokens:
    """Turns the distinct values of one feature into numbered tokens."""

    __slots__ = ("_comparer", "_feature", "_formats", "_missing", "table")

    def __init__(self, feature: Feature, missing: MissingMode) -> None:
        self._feature, self._missing = feature, missing
        self._formats = Formats(feature.format, feature.encoding)
        comparison = feature.hashing.comparison
        self._comparer = make_comparer(comparison)
        self.table: GramTable | None = None
        if isinstance(comparison, NgramComparison) and comparison.gram_length <= LONGEST_GRAM:
            self.table = GramTable(comparison.gram_length, positional=comparison.positional)

    @property
    def null_text(self) -> bytes | None:
        """What a null is read as: the empty sentinel if the schema has it, else nothing at all."""
        rule = self._feature.hashing.missing_value
        return b"" if rule is not None and rule.sentinel == "" else None

    def tokenise(self, texts: Texts) -> Tokenised:
        """Tokens of distinct values."""
        points = decode(texts)
        formatted, problems = self._formats.apply(texts, points)
        formatted = self._replace_missing(texts, formatted, problems)
        if isinstance(self._feature.hashing.comparison, ExactComparison):
            return self._whole_values(formatted, problems)
        if self.table is None:
            return self._by_value(formatted, problems)
        if formatted is not texts:
            points = decode(formatted)
        ends = np.where(problems == 0, points.ends, points.starts)
        points = CodePoints(points=points.points, starts=points.starts, ends=ends, kinds=points.kinds)
        offsets, tokens = self.table.number(points)
        return Tokenised(
            lists=self._lists(offsets, tokens), count=self.table.count, spell=self._spell_grams, problems=problems
        )

    def _replace_missing(self, texts: Texts, formatted: Texts, problems: ByteArray) -> Texts:
        """What stands for a missing value is hashed as it is, whatever the format says."""
        rule = self._feature.hashing.missing_value
        if rule is None:
            return formatted
        missing = texts.find(rule.sentinel.encode("utf-8", "surrogatepass"))
        if missing < 0:
            return formatted
        text = "" if self._missing == "no_bits" else rule.stand_in
        usable = is_encodable(text, self._feature.encoding)
        problems[missing] = 0 if usable else problem_number("VALUE_CHARSET")
        replacement = Texts.from_items([text.encode() if usable else b""])
        return formatted.replaced(np.array([missing], dtype=np.int64), replacement)

    def _whole_values(self, texts: Texts, problems: ByteArray) -> Tokenised:
        """Each value is its own token; values that are formatted alike are hashed twice, to the same bits."""
        full = (problems == 0) & (texts.lengths > 0)
        values = np.flatnonzero(full)
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(full, dtype=np.int64)])
        encoding = self._feature.encoding

        def spell(wanted: Int64Array) -> list[bytes]:
            items = texts.items(values[wanted])
            return items if encoding in {"ascii", "utf-8"} else [item.decode().encode(encoding) for item in items]

        lists = self._lists(offsets, np.arange(len(values), dtype=np.int32))
        return Tokenised(lists=lists, count=len(values), spell=spell, problems=problems)

    def _by_value(self, texts: Texts, problems: ByteArray) -> Tokenised:
        """Tokens value by value, for numbers and for long grams."""
        numbers: dict[str, int] = {}
        found: list[int] = []
        offsets = np.zeros(len(texts) + 1, dtype=np.int64)
        for index, item in enumerate(texts.items()):
            if not problems[index] and item:
                tokens = self._comparer(item.decode())
                if tokens is None:
                    problems[index] = problem_number("VALUE_NUMERIC")
                found += [numbers.setdefault(token, len(numbers)) for token in tokens or []]
            offsets[index + 1] = len(found)
        spelt = [token.encode(self._feature.encoding) for token in numbers]
        lists = self._lists(offsets, np.array(found, dtype=np.int32))
        return Tokenised(
            lists=lists,
            count=len(spelt),
            spell=lambda wanted: [spelt[number] for number in wanted.tolist()],
            problems=problems,
        )

    def _lists(self, offsets: Int64Array, tokens: np.ndarray[tuple[int], np.dtype[np.int32]]) -> TokenLists:
        strategy = self._feature.hashing.strategy
        return TokenLists(
            offsets=offsets,
            tokens=tokens,
            per_token=strategy.bits_per_token or 0,
            per_list=strategy.bits_per_feature or 0,
        )

    def _spell_grams(self, wanted: Int64Array) -> list[bytes]:
        assert self.table is not None  # noqa: S101  # Only grams are spelt here.
        encoding = self._feature.encoding
        return [text.encode(encoding) for text in self.table.spell(wanted)]
