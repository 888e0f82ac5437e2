"""RAW: canary rows: some rows of an export whose identifiers are searched in the bytes that are about to leave.

The rows are evenly spaced over the export, or all rows are taken. Of each, the row key and the identity fields that
name or reach a person are searched, as they stand in the export and as they were normalised, in every form of
``leak_scan`` and as unkeyed digests. An encoder that writes identifiers does it for many rows: what touches a share
``s`` of the rows is missed by ``n`` canary rows with probability ``(1 - s)^n``, which for 128 rows and one row in
twenty-five is 0.5 %.

Not searched: a value of fewer than four bytes; a value that stands in the agreement or in a word that the form of a
package puts into it, or is one of its row counts, which everybody may read; the cells of coded columns and states, each
of which a list or range allows.
Memory: beside the canary rows a few MiB, whatever the size of the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement, Dataset
from secure_match.department._canary_search import CanaryOwners, pieces_of
from secure_match.department._leak_digests import DIGESTS
from secure_match.department._leak_forms import FORM_NAMES
from secure_match.department.handles import HandleMaker
from secure_match.department.keys import DepartmentKey
from secure_match.department.leak_scan import IdentifierScanner
from secure_match.department.normalise import normalise_fields
from secure_match.department.normalise._cleaning import clean_text
from secure_match.encoded import EncodedDataset
from secure_match.encoded.layout import PackageLayout
from secure_match.encoded.manifest import DatasetManifest
from secure_match.errors import Place, ReleaseError
from secure_match.exchange.manifest import CONTENT_FORMATS, SealedManifest
from secure_match.kernels._seen import SeenKeys

CANARY_ROWS: Final = 128
ROW_KEY: Final = "row_key"
_KINDS: Final = ("id_number", "identifier", "name", "birth_date", "phone", "address", "text", "digits")
_LEAST_BYTES: Final = 4
_COLUMNS: Final = ("handle", "id_token", "pass.encoding.block", "state.code")
_MEMBERS: Final = ("manifest.json", "rows.arrow", "content.sealed")


def _format_words() -> str:
    """Words that the form of a package puts into it: a surname in one of them (Hand in ``handle``) shows nobody."""
    schemas = [model.model_json_schema() for model in (DatasetManifest, SealedManifest)]
    objects = [item for schema in schemas for item in (schema, *schema["$defs"].values())]
    names = {name for item in objects for name in item.get("properties", ())}
    return "\n".join(sorted({*names, *_COLUMNS, *_MEMBERS, *CONTENT_FORMATS.values()}))


_FORMAT_WORDS: Final = _format_words()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSummary:
    """What was searched for, and where. What is found is an error, so that a summary tells of nothing found.

    Attributes:
        rows: canary rows.
        values: distinct identifiers of theirs that were searched.
        forms: forms in which each was searched.
        public: identifiers that were left out because everybody may read them in the agreement or the counts.
        scanned_bytes: bytes that were searched.
        listed_bytes: cells of coded columns and states, which the code rule looks at instead.
        chance_hits: short patterns on rows that they do not belong to.
        chance_expected: how many of those chance alone would show.
        complete: whether all rows of the export were canary rows.
    """

    rows: int
    values: int
    forms: int
    public: int
    scanned_bytes: int
    listed_bytes: int
    chance_hits: int
    chance_expected: float
    complete: bool


def added_scans(one: ScanSummary | None, two: ScanSummary | None) -> ScanSummary | None:
    """Two searches for the same canary rows as one."""
    if one is None or two is None:
        return one or two
    return replace(
        one,
        scanned_bytes=one.scanned_bytes + two.scanned_bytes,
        listed_bytes=one.listed_bytes + two.listed_bytes,
        chance_hits=one.chance_hits + two.chance_hits,
        chance_expected=round(one.chance_expected + two.chance_expected, 3),
        complete=one.complete and two.complete,
    )


class CanaryRows:
    """Takes canary rows out of the batches of an export as they pass.

    Args:
        agreement: names the identity fields.
        dataset: the export's.
        every: take all rows.
    """

    __slots__ = ("_agreement", "_dataset", "_every", "_kept", "_total")

    def __init__(self, agreement: Agreement, dataset: Dataset, *, every: bool = False) -> None:
        self._agreement, self._dataset, self._every = agreement, dataset, every
        self._kept: list[pa.RecordBatch] = []
        self._total = 0

    def __repr__(self) -> str:
        return f"<CanaryRows: {sum(batch.num_rows for batch in self._kept)} rows>"

    def count(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Pass batches on and count their rows: the first reading."""
        for batch in batches:
            self._total += batch.num_rows
            yield batch

    def take(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Pass the same batches on and keep canary rows: the second reading."""
        wanted = np.unique(np.linspace(0, max(0, self._total - 1), CANARY_ROWS).astype(np.int64))
        columns = [self._dataset.row_key, *self._dataset.identity.values()]
        first = 0
        for batch in batches:
            part = batch.select(list(dict.fromkeys(columns)))
            if not self._every:
                here = wanted[(wanted >= first) & (wanted < first + batch.num_rows)] - first
                part = part.take(pa.array(here))
            self._kept.append(part)
            first += batch.num_rows
            yield batch

    def finish(self, key: DepartmentKey) -> Canaries:
        """What is to be searched, once all batches passed."""
        names = list(dict.fromkeys([self._dataset.row_key, *self._dataset.identity.values()]))
        empty = pa.table([pa.array([], pa.string()) for _ in names], names=names)
        table = pa.Table.from_batches(self._kept).combine_chunks() if self._kept else empty
        columns = {name: pa.concat_arrays(table[name].chunks or [pa.array([], pa.string())]) for name in names}
        identity = {name: columns[header] for name, header in self._dataset.identity.items()}
        fields = normalise_fields(self._agreement, identity, table.num_rows) if table.num_rows else {}
        row_keys = clean_text(columns[self._dataset.row_key])
        values: dict[str, list[pa.Array]] = {ROW_KEY: [columns[self._dataset.row_key], row_keys]}
        for name, raw in identity.items():
            if self._agreement.fields[name].kind in _KINDS:
                values[name] = [raw, clean_text(raw), *([fields[name].values] if name in fields else [])]
        handles, _, _ = HandleMaker(key, self._agreement.id, self._dataset.id).make(row_keys, SeenKeys())
        return Canaries(self._agreement, self._dataset, values, handles, complete=self._every)


class Canaries:
    """Searches what is about to leave for the identifiers of canary rows.

    Args:
        values: kind to columns of texts, all of shape (canary rows,).
        handles: fixed_size_binary(16) of the canary rows.
        complete: whether they are all rows of the export.
    """

    __slots__ = ("_agreement", "_complete", "_dataset", "_handles", "_values")

    def __init__(
        self,
        agreement: Agreement,
        dataset: Dataset,
        values: dict[str, list[pa.Array]],
        handles: pa.Array,
        *,
        complete: bool,
    ) -> None:
        self._agreement, self._dataset, self._complete = agreement, dataset, complete
        self._values, self._handles = values, handles

    def __repr__(self) -> str:
        return f"<Canaries: {len(self._handles)} rows>"

    def verify(
        self,
        package: IO[bytes],
        layout: PackageLayout,
        encoded: EncodedDataset,
        *,
        manifest: bytes = b"",
        public: Sequence[str] = (),
    ) -> ScanSummary:
        """Search a package's bytes, and what a sealed package says in the open.

        Args:
            package: the plain package, readable.
            layout: of it.
            encoded: what is in it.
            manifest: text of the outer manifest.
            public: further words that everybody may read: the operator's name.

        Raises:
            ReleaseError: ``RELEASE_IDENTIFIER`` naming kind, form and count; never a value.
        """
        counts = " ".join(str(count) for count in encoded.manifest.counts.model_dump().values())
        said = "\n".join(
            [self._agreement.canonical_bytes.decode(), counts, encoded.manifest.tool, _FORMAT_WORDS, *public]
        )
        searched, left_out = _searched(self._values, said)
        owners = CanaryOwners(self._values, self._handles, encoded.table["handle"])
        scanner = IdentifierScanner(searched, owners, digests=True)
        hits: dict[str, int] = {}
        scanned = chance = 0
        expected = 0.0
        for data, begins, ranges in pieces_of(package, layout, manifest):
            report = scanner.scan(data, ranges, begins=begins)
            hits = {name: hits.get(name, 0) + report.hits.get(name, 0) for name in {*hits, *report.hits}}
            scanned, chance = scanned + report.scanned_bytes, chance + report.chance_hits
            expected += report.chance_expected
        self._refuse(hits)
        return ScanSummary(
            rows=len(self._handles),
            values=sum(len(column) for column in searched.values()),
            forms=len(set(FORM_NAMES)) + 2 * len(DIGESTS),
            public=left_out,
            scanned_bytes=scanned,
            listed_bytes=sum(stop - start for start, stop in layout.listed),
            chance_hits=chance,
            chance_expected=round(expected, 3),
            complete=self._complete,
        )

    def _refuse(self, hits: dict[str, int]) -> None:
        if not hits:
            return
        parts = [f"{name.replace('/', ' as ')} {count:,} times" for name, count in sorted(hits.items())]
        kind = min(hits).partition("/")[0]
        header = self._dataset.row_key if kind == ROW_KEY else self._dataset.identity[kind]
        raise ReleaseError(
            f"identifiers of this export stand in what would leave: {', '.join(parts)}; nothing was written",
            code="RELEASE_IDENTIFIER",
            place=Place(column=header),
        )


def _searched(values: dict[str, list[pa.Array]], said: str) -> tuple[dict[str, pa.ChunkedArray], int]:
    """Distinct values by kind that are long enough and not public; and how many were left out as public."""
    searched: dict[str, pa.ChunkedArray] = {}
    left_out = 0
    for kind, columns in values.items():
        distinct = pc.unique(pa.chunked_array(columns)).drop_null()
        distinct = distinct.filter(pc.greater_equal(pc.binary_length(distinct), _LEAST_BYTES))
        secret = np.array([text not in said for text in distinct.to_pylist()], dtype=np.bool_)
        left_out += len(distinct) - int(np.count_nonzero(secret))
        searched[kind] = pa.chunked_array([distinct.filter(pa.array(secret))], pa.string())
    return searched, left_out
