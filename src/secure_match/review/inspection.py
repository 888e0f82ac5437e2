"""AUDIT: what the rows of a package would betray: what stands alone, what is frequent, what can be told from sizes.

Invariants:

* no value, token, tag or handle is given out: only on how many rows values stand,
* warnings come in the order of the columns they are on; each has a stable name in lower case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.encoded import EncodedDataset, FieldState
from secure_match.review._distributions import SetBits, Spread, group_sizes, set_bits, spread_of
from secure_match.review._inspection_warnings import Warned, warnings_of

_ALL_COMBINATIONS: Final = 5
"""Coded columns up to which every combination is looked at; above, single ones, pairs and all together."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassSpread:
    """What a pass shows.

    Attributes:
        id: of the pass.
        bits: of an encoding.
        blocks: rows by block tag; None where the pass has none.
        encodings: rows by encoding and block tag.
        set_bits: numbers of set bits.
    """

    id: str
    bits: int
    blocks: Spread | None
    encodings: Spread
    set_bits: SetBits


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInspection:
    """What the rows of a package of encodings would betray.

    Attributes:
        columns: (name, Arrow type, share of empty cells 0 to 1), in package order.
        states: field to state to rows.
        codes: names of coded columns to how rows fall into their combinations; an empty cell is a value.
        tokens: rows by ID token; None without tokens.
        passes: in package order.
        fuzzy_share: share of rows with an encoding in any pass, 0 to 1.
        warnings: what a reviewer should look at.
    """

    columns: tuple[tuple[str, str, float], ...]
    states: dict[str, dict[str, int]]
    codes: dict[tuple[str, ...], Spread]
    tokens: Spread | None
    passes: tuple[PassSpread, ...]
    fuzzy_share: float
    warnings: tuple[Warned, ...]

    @property
    def unique_rows(self) -> int:
        """Rows whose combination of all coded columns no other row has; 0 without coded columns."""
        whole = max(self.codes, key=len, default=())
        return self.codes[whole].bands["1"] if whole else 0


def inspect_dataset(dataset: EncodedDataset, *, progress: Progress | None = None) -> DatasetInspection:
    """Look at the rows of a package of encodings.

    Args:
        progress: is told the name of each column or combination before it is looked at.
    """
    tell = progress if progress is not None else _nothing
    table, manifest = dataset.table, dataset.manifest
    tell("codes")
    names = [column.name for column in manifest.coded]
    codes = {
        chosen: spread_of(group_sizes([table[f"code.{name}"] for name in chosen], nulls=True))
        for chosen in _combinations(names)
    }
    tell("id_token")
    tokens = spread_of(group_sizes([table["id_token"]], nulls=False)) if manifest.id_tokens else None
    passes = tuple(_passes(dataset, tell))
    share = _fuzzy_share(dataset)
    return DatasetInspection(
        columns=tuple(
            (field.name, str(field.type), column.null_count / len(dataset) if len(dataset) else 0.0)
            for field, column in zip(table.schema, table.columns, strict=True)
        ),
        states={name: _states(table[f"state.{name}"]) for name in manifest.state_fields},
        codes=codes,
        tokens=tokens,
        passes=passes,
        fuzzy_share=share,
        # Of a second phase the rows were asked for, and the sizes of their blocks are in no package.
        warnings=() if manifest.phase == 2 else warnings_of(len(dataset), codes, tokens, passes, share),
    )


def _nothing(_: str) -> None:
    return


def _combinations(names: list[str]) -> Iterator[tuple[str, ...]]:
    sizes = range(1, len(names) + 1) if len(names) <= _ALL_COMBINATIONS else (1, 2, len(names))
    for size in sizes:
        yield from combinations(names, size)


def _states(column: pa.ChunkedArray) -> dict[str, int]:
    return {state.name.lower(): int(pc.sum(pc.equal(column, state.value)).as_py() or 0) for state in FieldState}


def _passes(dataset: EncodedDataset, tell: Progress) -> Iterator[PassSpread]:
    for item in dataset.manifest.passes:
        tell(f"pass.{item.id}")
        encodings = dataset.table[f"pass.{item.id}.encoding"]
        tags = [dataset.table[f"pass.{item.id}.block"]] if item.blocked else []
        yield PassSpread(
            id=item.id,
            bits=item.bits,
            blocks=spread_of(group_sizes(tags, nulls=False)) if tags else None,
            encodings=spread_of(group_sizes([*tags, encodings], nulls=False)),
            set_bits=set_bits(encodings),
        )


def _fuzzy_share(dataset: EncodedDataset) -> float:
    if not len(dataset) or not dataset.manifest.passes:
        return 0.0
    columns = [dataset.table[f"pass.{item.id}.encoding"] for item in dataset.manifest.passes]
    return float(np.logical_or.reduce([column.is_valid().to_numpy() for column in columns]).mean())


def count_table(table: pa.Table, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows of each combination of values of the columns, ordered by these; for findings, requests and answers."""
    if not columns:
        return [{"rows": table.num_rows}]
    grouped = table.group_by(list(columns)).aggregate([([], "count_all")])
    ordered = grouped.sort_by([(name, "ascending") for name in columns])
    return [{**{name: row[name] for name in columns}, "rows": row["count_all"]} for row in ordered.to_pylist()]
