"""Attacks on broken encodings and on the default release of the synthetic city.

The first part validates the attacks: what does not name people in a plain CLK under one key proves nothing elsewhere.
The second part attacks what leaves under the template ``city``: passes of the rows that the bureau would ask for,
worked out from equal ID numbers and equal tags as the bureau works it out from tokens; and, beside it, of all rows, as
if no limit held. The adversary's roster is the population file itself, which favours it.

Example:
    python benchmarks/attacks.py --people 20000 --seed 7
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from _attacks_city import POPULATION, Release, id_numbers, make_release, record_texts
from _attacks_graph import across_epochs, broken_target, default_release, show
from _common import machine

from secure_match.agreement import Agreement, city_template, parse_agreement
from secure_match.department.codes import encode_column
from secure_match.department.normalise import normalise_fields
from secure_match.department.passes import view_of
from secure_match.review.attacks import AttackResult, PlainColumn, SeenPass, draw_known
from secure_match.review.attacks.dictionary import dictionary_costs, macs_per_second
from secure_match.review.attacks.fingerprints import fingerprints
from secure_match.review.attacks.frequency import frequency_alignment, pattern_mining
from secure_match.review.attacks.known_plaintext import LEARNERS, LearnerName, known_plaintext_attacks
from secure_match.review.attacks.membership import membership
from secure_match.review.attacks.propagation import tag_propagation
from secure_match.review.attacks.tags import tag_frequency, tag_structure
from secure_match.review.attacks.targets import diffusion_clk, double_hashing_clk, global_clk
from secure_match.synthetic import City, CityConfig, generate_city

PARTS = ("broken", "graph", "release", "epochs", "codes", "dictionary")
PAIRS = (50, 200, 1_000, 3_000)
KEY = b"one key for everybody, of benchmarks"
NAMES = 60_000


def broken(agreement: Agreement, seed: int) -> Iterator[AttackResult]:
    """Record-level CLKs under one key (2,000 people), and CLKs of names alone (60,000)."""
    city = generate_city(CityConfig(people=2_500, seed=seed))
    texts = list(dict.fromkeys(record_texts(agreement, city)))[:2_000]
    order = np.random.default_rng(seed).permutation(len(texts))
    for name, target in (("clk", global_clk), ("double hashing", double_hashing_clk), ("diffusion", diffusion_clk)):
        seen = _record_pass(f"one key: {name}", texts, target([texts[row] for row in order], KEY))
        for pairs in PAIRS[:3]:
            known = draw_known(order, pairs, seed)
            yield from known_plaintext_attacks(seen, truth=order, known=known, seed=seed)
        yield membership(
            replace(seen, present=np.arange(len(order)) < len(order) // 2),
            truth=order,
            known=draw_known(order[: len(order) // 2], 200, seed),
        )
    names = generate_city(CityConfig(people=NAMES, seed=seed)).exports[POPULATION]["姓名"].to_pylist()
    order = np.random.default_rng(seed).permutation(len(names))
    seen = _record_pass("one key: names", names, global_clk([names[row] or "" for row in order], KEY))
    seen = replace(seen, present=np.array([bool(names[row]) for row in order]))
    yield frequency_alignment(seen, truth=order)
    yield pattern_mining(seen, truth=order)


def released(agreement: Agreement, city: City) -> list[Release]:
    """The files with the passes that would leave: of asked rows, and of the population under the tags of these."""
    population = make_release(agreement, city, POPULATION)
    numbers = id_numbers(agreement, city, POPULATION)
    asked: list[list[bytes]] = [[] for _ in population.passes]
    parts: list[Release] = []
    for dataset in agreement.datasets:
        if dataset.id == POPULATION:
            continue
        whole = make_release(agreement, city, dataset.id)
        own = id_numbers(agreement, city, dataset.id)
        joined = pc.and_(pc.is_in(own, pc.drop_null(numbers)), pc.is_valid(own))
        open_rows = ~joined.to_numpy(zero_copy_only=False).astype(np.bool_)
        passes = [replace(item, present=item.present & open_rows) for item in whole.passes]
        for item, tags in zip(passes, asked, strict=True):
            if item.tags is not None:
                tags += [tag.tobytes() for tag in item.tags[item.present]]
        parts.append(replace(whole, passes=passes))
    given = [_under(item, tags) for item, tags in zip(population.passes, asked, strict=True)]
    return [replace(population, passes=given), *parts]


def on_release(release: Release, scope: str, seed: int, learners: tuple[LearnerName, ...]) -> Iterator[AttackResult]:
    """All attacks on one file's passes."""
    present = np.logical_or.reduce([item.present for item in release.passes])
    rows = len(release.truth)
    print(f"# {release.name}, {scope}: passes of {present.sum():,} of {rows:,} rows ({present.mean():.1%})", flush=True)
    truth = release.truth
    for pairs in PAIRS:
        if pairs > 0.8 * (present & (truth >= 0)).sum():
            continue
        known = draw_known(truth, pairs, seed, present)
        for item in release.passes:
            yield from known_plaintext_attacks(item, truth=truth, known=known, seed=seed, learners=learners)
        yield tag_propagation(release.passes, truth=truth, known=known)
    yield tag_structure(release.passes, truth=truth)
    for item in release.passes:
        if item.tags is not None and item.block_values is not None:
            yield tag_frequency(item.id, item.tags, item.present, item.block_values, truth=truth)
        yield frequency_alignment(item, truth=truth)
        yield pattern_mining(item, truth=truth)
        if release.name != POPULATION:
            yield membership(item, truth=truth, known=draw_known(truth, 200, seed, item.present), seed=seed)


def codes(agreement: Agreement, city: City) -> Iterator[AttackResult]:
    """Coded columns as they leave, and the same columns as the export has them, against the same table in plain."""
    for dataset in agreement.datasets:
        if not dataset.columns:
            continue
        table = city.exports[dataset.id]
        raw = {name: table[header].combine_chunks() for name, header in dataset.identity.items()}
        fields = normalise_fields(agreement, raw, table.num_rows)
        coded: dict[str, np.ndarray] = {}
        plain: dict[str, np.ndarray] = {}
        for column in dataset.columns:
            if column.column is not None:
                source = table[column.column].combine_chunks()
            else:
                source = view_of(fields, str(column.derive))
            made = encode_column(column, source, agreement.valid_months, agreement.code_maps.get(str(column.code_map)))
            coded[column.name], plain[column.name] = _numbers(made.values), _numbers(source)
        truth = np.arange(table.num_rows)
        for name, values in (("as it leaves", coded), ("as in the export", plain)):
            settings: dict[str, str | int | float] = {"target": dataset.id, "columns": name}
            yield fingerprints(values, values, truth, settings=settings)


def _record_pass(name: str, texts: list[str], encodings: np.ndarray) -> SeenPass:
    column = PlainColumn(name="record", values=[text or "" for text in texts], insertions=600)
    return SeenPass(id=name, encodings=encodings, present=np.ones(len(encodings), dtype=np.bool_), columns=[column])


def _under(item: SeenPass, asked: list[bytes]) -> SeenPass:
    if item.tags is None:
        return replace(item, present=np.zeros_like(item.present))
    tags = pa.array([tag.tobytes() for tag in item.tags], pa.binary(16))
    under = pc.is_in(tags, pa.array(asked, pa.binary(16))).to_numpy(zero_copy_only=False).astype(np.bool_)
    return replace(item, present=item.present & under)


def _numbers(values: pa.Array) -> np.ndarray:
    coded = pc.dictionary_encode(values)
    return pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python benchmarks/attacks.py --people 20000 --seed 7",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=int, default=20_000, help="of the city that is released (default: 20000)")
    parser.add_argument("--seed", type=int, default=7, help="of the city and the draws (default: 7)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run (default: all)")
    parser.add_argument(
        "--learners", nargs="+", choices=LEARNERS, default=LEARNERS, help="of known pairs in a release (default: all)"
    )
    parser.add_argument("--population", action="store_true", help="attack no other file's release")
    options = parser.parse_args(arguments)
    print(machine())
    agreement = parse_agreement(city_template())
    if "broken" in options.only:
        show(broken(agreement, options.seed))
    if "graph" in options.only:
        show(broken_target(generate_city(CityConfig(people=4_500, seed=options.seed)), 2_000, options.seed))
        city = generate_city(CityConfig(people=4_500, seed=options.seed))
        show(default_release(agreement, city, 2_000, options.seed))
    if "epochs" in options.only:
        show(across_epochs(agreement, generate_city(CityConfig(people=30_000, seed=options.seed))))
    city = generate_city(CityConfig(people=options.people, seed=options.seed))
    if "release" in options.only:
        learners = tuple(options.learners)
        for release in released(agreement, city):
            if release.name == POPULATION or not options.population:
                show(on_release(release, "two phases", options.seed, learners))
        show(on_release(make_release(agreement, city, POPULATION), "all rows", options.seed, learners))
    if "codes" in options.only:
        show(codes(agreement, city))
    if "dictionary" in options.only:
        speeds = {"mac": macs_per_second(), "oprf": 10_000.0}
        for protocol in ("hmac", "oprf"):
            for cost in dictionary_costs(protocol, speeds):
                print(f"{cost.protocol} {'+'.join(cost.colluders)}: {cost.seconds:,.0f} s offline; {cost.why}")


if __name__ == "__main__":
    main()
