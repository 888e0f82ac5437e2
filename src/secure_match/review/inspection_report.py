"""AUDIT: an inspection as JSON and as the tables and lines that people read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from secure_match.encoded import EncodedDataset
from secure_match.review._collusion import Language
from secure_match.review._distributions import SetBits, Spread
from secure_match.review._inspection_texts import say
from secure_match.review.files import ReadPackage
from secure_match.review.inspection import DatasetInspection, Progress, count_table, inspect_dataset

JSON_FORMAT: Final = "secure_match/package-inspection"
_COUNTED: Final[dict[str, tuple[str, ...]]] = {
    "findings": ("dataset", "kind", "rule", "other_dataset", "evidence"),
    "look-request": ("dataset", "fields"),
    "look-answer": ("verdict",),
    "blinded": (),
    "evaluated": (),
}
"""Kind of a package that holds no encodings to the columns by which its rows are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageInspection:
    """What was found about a package.

    Attributes:
        package: what was read.
        rows: rows of the content; of a sealed package that was not opened, as its manifest states.
        dataset: of a package of encodings that could be read; else None.
        counts: of any other kind that could be read: rows by their codes.
    """

    package: ReadPackage
    rows: int | None
    dataset: DatasetInspection | None
    counts: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table for people."""

    title: str
    header: list[str]
    rows: list[list[str]]


def inspect_package(package: ReadPackage, *, progress: Progress | None = None) -> PackageInspection:
    """Look at a package of any kind."""
    table = package.table
    if table is None:
        stated = package.manifest.get("counts", {})
        rows = stated.get("encoded") if isinstance(stated, dict) and stated else None
        rows = rows if rows is not None else package.manifest.get("rows", package.manifest.get("elements"))
        return PackageInspection(package=package, rows=rows, dataset=None, counts=[])
    dataset, counts = None, []
    if isinstance(package.content, EncodedDataset):
        dataset = inspect_dataset(package.content, progress=progress)
    else:
        counts = count_table(table, _COUNTED[package.kind])
    return PackageInspection(package=package, rows=table.num_rows, dataset=dataset, counts=counts)


def inspection_json(inspection: PackageInspection, language: Language) -> dict[str, Any]:
    """The inspection for machines; warnings also in words."""
    package, found = inspection.package, inspection.dataset
    sealed = package.sealed
    content: dict[str, Any] = {
        "format": JSON_FORMAT,
        "format_version": 1,
        "file": package.path.name,
        "kind": package.kind,
        "sealed": sealed is not None,
        "opened": package.content is not None,
        "package": sealed.id if sealed is not None else None,
        "content_digest": package.digest,
        "rows": inspection.rows,
        "manifest": package.manifest,
        "counts": inspection.counts,
    }
    if sealed is not None:
        content["stated_columns"] = [note.model_dump(mode="json") for note in sealed.manifest.columns]
    if found is not None:
        content |= {
            "columns": [{"name": name, "type": kind, "empty": share} for name, kind, share in found.columns],
            "states": found.states,
            "codes": [{"columns": list(names), **_spread_json(spread)} for names, spread in found.codes.items()],
            "unique_rows": found.unique_rows,
            "id_tokens": _spread_json(found.tokens) if found.tokens is not None else None,
            "passes": [
                {
                    "id": item.id,
                    "bits": item.bits,
                    "blocks": _spread_json(item.blocks) if item.blocks is not None else None,
                    "encodings": _spread_json(item.encodings),
                    "set_bits": _bits_json(item.set_bits),
                }
                for item in found.passes
            ],
            "fuzzy_share": found.fuzzy_share,
            "warnings": [
                {
                    "name": item.name,
                    "where": item.where,
                    "rows": item.rows,
                    "measure": item.measure,
                    "text": item.text(language),
                }
                for item in found.warnings
            ],
        }
    return content


def _spread_json(spread: Spread) -> dict[str, Any]:
    return {
        "rows": spread.rows,
        "groups": spread.groups,
        "groups_by_size": spread.bands,
        "rows_by_size": spread.rows_in_bands,
        "largest": list(spread.largest),
        "largest_share": spread.largest_share,
        "entropy_bits": spread.entropy_bits,
        "min_entropy_bits": spread.min_entropy_bits,
    }


def _bits_json(bits: SetBits) -> dict[str, Any]:
    least, lower, median, upper, most = bits.quantiles
    return {
        "rows": bits.rows,
        "least": least,
        "lower_quartile": lower,
        "median": median,
        "upper_quartile": upper,
        "most": most,
        "mean": bits.mean,
        "deviation": bits.deviation,
    }


def inspection_tables(inspection: PackageInspection, language: Language) -> list[Table]:
    """The tables for people, in reading order; none is empty."""
    found = inspection.dataset
    if found is None:
        return _stated_tables(inspection, language)
    tables = [
        Table(
            title=say("columns", language),
            header=[say("column", language), say("type", language), say("empty", language)],
            rows=[[name, kind, f"{share:.1%}"] for name, kind, share in found.columns],
        )
    ]
    if found.states:
        tables.append(
            Table(
                title=say("states", language),
                header=[say("column", language), *next(iter(found.states.values()))],
                rows=[[name, *(f"{rows:,}" for rows in states.values())] for name, states in found.states.items()],
            )
        )
    spreads = [(" + ".join(names), spread) for names, spread in found.codes.items()]
    if spreads:
        tables.append(_spread_table(say("codes", language), spreads, language))
    spreads = [("id_token", found.tokens)] if found.tokens is not None else []
    spreads += [(f"pass.{item.id}.block", item.blocks) for item in found.passes if item.blocks is not None]
    spreads += [(f"pass.{item.id}.encoding", item.encodings) for item in found.passes]
    if spreads:
        tables.append(_spread_table(say("frequencies", language), spreads, language))
    if found.passes:
        header = [say("pass", language), say("row_count", language)]
        header += [say(name, language) for name in ("least", "lower", "median", "upper", "most", "mean", "deviation")]
        tables.append(
            Table(
                title=say("set_bits", language),
                header=header,
                rows=[
                    [
                        item.id,
                        f"{item.set_bits.rows:,}",
                        *map(str, item.set_bits.quantiles),
                        f"{item.set_bits.mean:.1f}",
                        f"{item.set_bits.deviation:.1f}",
                    ]
                    for item in found.passes
                ],
            )
        )
    return tables


def _stated_tables(inspection: PackageInspection, language: Language) -> list[Table]:
    sealed = inspection.package.sealed
    if inspection.counts:
        header = list(inspection.counts[0])
        rows = [["" if cell is None else str(cell) for cell in row.values()] for row in inspection.counts]
        return [Table(title=say("counts", language), header=header, rows=rows)]
    if sealed is None or not sealed.manifest.columns:
        return []
    header = [say(name, language) for name in ("column", "type", "allowed")]
    notes = [[note.name, note.type, note.allowed] for note in sealed.manifest.columns]
    return [Table(title=say("stated", language), header=header, rows=notes)]


def _spread_table(title: str, spreads: list[tuple[str, Spread]], language: Language) -> Table:
    bands = list(spreads[0][1].bands)
    header = [say("column", language), say("row_count", language), say("groups", language)]
    header += [say("band", language, band=band) for band in bands]
    header += [say("largest", language), say("share", language), say("min_entropy", language)]
    return Table(
        title=title,
        header=header,
        rows=[
            [
                name,
                f"{spread.rows:,}",
                f"{spread.groups:,}",
                *(f"{spread.bands[band]:,}" for band in bands),
                f"{spread.largest[0] if spread.largest else 0:,}",
                f"{spread.largest_share:.1%}",
                f"{spread.min_entropy_bits:.1f}",
            ]
            for name, spread in spreads
        ],
    )
