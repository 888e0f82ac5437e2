"""Splink on plaintext, run in the peers' own environment: files in, scored pairs out. It never sees a label.

The models for FEBRL are those of Splink's documentation, with the comparisons, blocking rules, deterministic rules and
training steps of its examples for FEBRL 3 (one file) and FEBRL 4 (two files), and one that adds what those leave out
(street, suburb, state and swapped names), written once and used for every set. Where a set has no
column of ID numbers, everything that names it is left out. The city's model is written in the same style.

Input: a folder with ``request.json`` ({"model", "within", "files"}) and a Parquet file per file (``row`` int64, the
other columns strings, null where missing). Output in the same folder: ``pairs.parquet`` (``left``, ``right``,
``weight``: match weight in bits) and ``report.json`` (seconds).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

SEED = 1
LOWEST_WEIGHT = -20.0
SAMPLED_PAIRS = 10_000_000
"""Random pairs for u, as the documentation recommends; the million of its examples cost the city 0.004 of F1."""
FEBRL_ID, CITY_ID = "soc_sec_id", "id_number"
SWAPPED = "l.given_name = r.surname and l.surname = r.given_name"

Model = dict[str, Any]


def birth(column: str, form: str) -> Any:
    return cl.DateOfBirthComparison(column, input_is_string=True, datetime_format=form, invalid_dates_as_null=True)


def febrl_one_file() -> Model:
    """The example for FEBRL 3."""
    return {
        "comparisons": [
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            birth("date_of_birth", "%Y%m%d"),
            cl.DamerauLevenshteinAtThresholds(FEBRL_ID, [2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
        ],
        "blocks": [[FEBRL_ID], ["given_name"], ["surname"], ["date_of_birth"], ["postcode"]],
        "rules": [
            [FEBRL_ID],
            ["given_name", "surname", "date_of_birth"],
            f"{SWAPPED} and l.date_of_birth = r.date_of_birth",
        ],
        "recall": 0.9,
        "training": [["date_of_birth"], ["postcode"]],
    }


def febrl_two_files() -> Model:
    """The detailed model of the example for FEBRL 4."""
    return {
        "comparisons": [
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            birth("date_of_birth", "%Y%m%d"),
            cl.DamerauLevenshteinAtThresholds(FEBRL_ID, [1, 2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
        ],
        "blocks": [
            ["given_name", "surname"],
            SWAPPED,
            ["date_of_birth"],
            [FEBRL_ID],
            ["state", "address_1"],
            ["street_number", "address_1"],
            ["postcode"],
        ],
        "rules": [[FEBRL_ID], ["given_name", "surname", "date_of_birth"]],
        "recall": 0.8,
        "training": [["date_of_birth"], ["postcode"]],
    }


def febrl_all_fields() -> Model:
    """Every field of the files, names compared in both orders."""
    return {
        "comparisons": [
            cl.ForenameSurnameComparison("given_name", "surname"),
            birth("date_of_birth", "%Y%m%d"),
            cl.DamerauLevenshteinAtThresholds(FEBRL_ID, [1, 2]),
            cl.ExactMatch("street_number"),
            cl.JaroWinklerAtThresholds("address_1", [0.92, 0.8]),
            cl.JaroWinklerAtThresholds("address_2", [0.92, 0.8]),
            cl.JaroWinklerAtThresholds("suburb", [0.92, 0.8]),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
            cl.ExactMatch("state"),
        ],
        "blocks": [
            [FEBRL_ID],
            ["given_name"],
            ["surname"],
            SWAPPED,
            ["date_of_birth"],
            ["postcode"],
            ["address_1"],
            ["suburb", "street_number"],
        ],
        "rules": [[FEBRL_ID], ["given_name", "surname", "date_of_birth"]],
        "recall": 0.8,
        "training": [["date_of_birth"], ["postcode"], ["surname"]],
    }


def city() -> Model:
    """Written for the city in the style of the examples: every field that we encode, too."""
    return {
        "comparisons": [
            cl.LevenshteinAtThresholds("name", [1]).configure(term_frequency_adjustments=True),
            cl.ExactMatch("sex"),
            birth("birth_date", "%Y%m%d"),
            cl.ExactMatch("phone"),
            cl.LevenshteinAtThresholds(CITY_ID, [1, 3]),
        ],
        "blocks": [
            [CITY_ID],
            ["phone"],
            ["name", "substr(birth_date, 1, 4)"],
            ["name", "substr(birth_date, 5)"],
            ["birth_date", "sex"],
        ],
        "rules": [[CITY_ID], ["name", "birth_date", "phone"]],
        "recall": 0.9,
        "training": [["birth_date"], ["name"]],
    }


MODELS: dict[str, Callable[[], Model]] = {
    "febrl_one_file": febrl_one_file,
    "febrl_two_files": febrl_two_files,
    "febrl_all_fields": febrl_all_fields,
    "city": city,
}


def rule(given: list[str] | str) -> Any:
    return given if isinstance(given, str) else block_on(*given)


def usable(given: list[str] | str, columns: set[str]) -> bool:
    """Whether a rule names only columns that the set has; free SQL names none that may be absent."""
    return isinstance(given, str) or not ({FEBRL_ID, CITY_ID} - columns) & set(given)


def settings(model: Model, columns: set[str], *, link_type: str) -> SettingsCreator:
    absent = {FEBRL_ID, CITY_ID} - columns
    comparisons = [
        item
        for item in model["comparisons"]
        if not any(str(name.raw_sql_expression) in absent for name in item.col_expressions.values())
    ]
    return SettingsCreator(
        unique_id_column_name="row",
        link_type=link_type,
        blocking_rules_to_generate_predictions=[rule(item) for item in model["blocks"] if usable(item, columns)],
        comparisons=comparisons,
    )


def score(tables: list[pa.Table], model: Model, *, within: bool) -> pa.Table:
    """Train and predict, as the examples do."""
    columns = set(tables[0].column_names)
    api = DuckDBAPI(connection=duckdb.connect(config={"threads": 2}))
    frames = [api.register(table) for table in tables]
    link_type = "link_only" if not within else "link_and_dedupe" if len(tables) > 1 else "dedupe_only"
    linker = Linker(frames, settings(model, columns, link_type=link_type), log_level=None)
    rules = [rule(item) for item in model["rules"] if usable(item, columns)]
    linker.training.estimate_probability_two_random_records_match(rules, recall=model["recall"])
    linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLED_PAIRS, seed=SEED)
    for item in model["training"]:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*item), estimate_without_term_frequencies=True
        )
    found = linker.inference.predict(threshold_match_weight=LOWEST_WEIGHT)
    return (
        found.query_sql('select row_l as "left", row_r as "right", match_weight as weight from {this} order by 1, 2')
        .as_duckdbpyrelation()
        .arrow()
    )


def main() -> None:
    folder = Path(sys.argv[1])
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    tables = [pq.read_table(folder / name) for name in request["files"]]
    start = time.perf_counter()
    pairs = score(tables, MODELS[request["model"]](), within=request["within"])
    pairs = pairs if isinstance(pairs, pa.Table) else pairs.read_all()
    seconds = time.perf_counter() - start
    pq.write_table(pairs, folder / "pairs.parquet")
    (folder / "report.json").write_text(json.dumps({"seconds": seconds}), encoding="utf-8")


if __name__ == "__main__":
    main()
