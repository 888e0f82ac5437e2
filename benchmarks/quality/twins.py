"""Twins who were taken for one person: how many of 1,000 pairs, and by what.

Each city goes from exports to links through the departments' and the bureau's stations, with the default errors and
a share of twin births. A pair of twins counts where both have an encoded row, and is wrongly merged where a cluster
holds rows of both. Its cause is what the strongest link between a row of one and a row of the other says: that a row
has no ID token ("token missing"), that the passes overruled two different numbers ("numbers overruled"), that both rows
have one number ("one number"); with the pass of the highest similarity; or "through others", where no such link is.
"possible" are pairs of twins whose rows wait for review. "upper" is the upper end of the 95 % interval (Wilson) per
1,000 pairs: a city of 100,000 people has about a thousand pairs.

Example:
    python benchmarks/quality/twins.py --people 100000 --twins 0.01 0.03 --seeds 101 102 103
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt
from _common import machine

from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.bureau.stations import link_packages
from secure_match.department import DepartmentKey
from secure_match.department.files import write_key
from secure_match.department.handles import HandleMaker
from secure_match.department.stations import encode_export
from secure_match.kernels._seen import SeenKeys
from secure_match.linkage import Decision, LinkResult, TokenState
from secure_match.synthetic import City, CityConfig, generate_city, write_exports

TARGET_PER_1000 = 1.0
_WILSON_95 = 1.959964
_CAUSES = {
    TokenState.UNKNOWN: "token missing",
    TokenState.DIFFERENT: "numbers overruled",
    TokenState.EQUAL: "one number",
}
IntArray = npt.NDArray[np.int64]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """Pairs of twins of one city, or of several."""

    pairs: int = 0
    merged: int = 0
    possible: int = 0
    seconds: float = 0.0
    causes: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            pairs=self.pairs + other.pairs,
            merged=self.merged + other.merged,
            possible=self.possible + other.possible,
            seconds=self.seconds + other.seconds,
            causes=self.causes + other.causes,
        )

    def document(self) -> dict[str, Any]:
        per_1000 = 1000 * self.merged / self.pairs if self.pairs else None
        return {
            "pairs_of_twins": self.pairs,
            "wrongly_merged": self.merged,
            "per_1000": per_1000,
            "per_1000_upper": 1000 * upper_share(self.merged, self.pairs) if self.pairs else None,
            "possible_links": self.possible,
            "causes": dict(self.causes.most_common()),
            "seconds": round(self.seconds, 1),
        }


def upper_share(hits: int, count: int) -> float:
    """Upper end of Wilson's 95 % interval of a share (Wilson 1927)."""
    square = _WILSON_95**2
    share = hits / count
    middle = share + square / (2 * count)
    spread = _WILSON_95 * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return (middle + spread) / (1 + square / count)


def key_of(agreement: Agreement, owner: str) -> DepartmentKey:
    """A key that protects nothing: the people are made up."""
    shared, own = (hashlib.sha256(f"benchmark key, worthless: {name}".encode()).digest() for name in ("shared", owner))
    return DepartmentKey.create(
        party=owner,
        agreement_id=agreement.id,
        key_epoch=agreement.key_epoch,
        encoding_secret=shared,
        handle_secret=own,
    )


def run_city(agreement: Agreement, config: CityConfig) -> Outcome:
    """Encode and link a city in files, and look at its twins."""
    started = time.perf_counter()
    city = generate_city(config)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exports = write_exports(city, folder / "exports")
        packages = []
        for dataset in agreement.datasets:
            key = folder / f"{dataset.owner}.key"
            if not key.exists():
                write_key(key_of(agreement, dataset.owner), key)
            packages.append(folder / f"{dataset.id}.smp")
            encode_export(agreement, dataset.id, exports[dataset.id], key, packages[-1])
        run, _, _ = link_packages(agreement, packages, folder / "bureau", clock=time.monotonic)
        outcome = look_at_twins(city, run.links, people_of(agreement, city, run.links))
    outcome.seconds = time.perf_counter() - started
    return outcome


def people_of(agreement: Agreement, city: City, links: LinkResult) -> IntArray:
    """The true person of every row of a run, int64 of shape (rows,)."""
    person = np.full(len(links.rows), -1, dtype=np.int64)
    for index, encoded in enumerate(links.rows.datasets):
        dataset = agreement.dataset(encoded.manifest.dataset)
        assert dataset is not None
        truth = city.truth.person_of[dataset.id]
        maker = HandleMaker(key_of(agreement, dataset.owner), agreement.id, dataset.id)
        handles = maker.make(truth["row_key"].combine_chunks(), SeenKeys())[0].to_pylist()
        known = dict(zip(handles, truth["person"].to_pylist(), strict=True))
        here = slice(links.rows.starts[index], links.rows.starts[index + 1])
        person[here] = [known[handle.tobytes()] for handle in links.rows.handles[here]]
    return person


def look_at_twins(city: City, links: LinkResult, person: IntArray) -> Outcome:
    """Count pairs of twins with rows of both in one cluster, and say which links did it."""
    elders, twins = (city.truth.twins[name].to_numpy() for name in ("elder", "twin"))
    clusters: dict[int, set[int]] = defaultdict(set)
    mine = np.flatnonzero(np.isin(person, np.concatenate([elders, twins])))
    for who, label in zip(person[mine].tolist(), links.labels[mine].tolist(), strict=True):
        clusters[who].add(label)
    pairs = [
        (one, two) for one, two in zip(elders.tolist(), twins.tolist(), strict=True) if clusters[one] and clusters[two]
    ]
    merged = {pair for pair in pairs if clusters[pair[0]] & clusters[pair[1]]}
    between = links_between(links, person, set(pairs))
    causes = Counter(cause_of(links, between[pair, Decision.LINK]) for pair in merged)
    possible = {pair for pair, decision in between if decision == Decision.POSSIBLE_LINK} - merged
    return Outcome(pairs=len(pairs), merged=len(merged), possible=len(possible), causes=causes)


def links_between(
    links: LinkResult, person: IntArray, pairs: set[tuple[int, int]]
) -> defaultdict[tuple[tuple[int, int], int], list[int]]:
    """Places of the links and possible links between rows of twins, by pair of twins and decision."""
    chosen = np.flatnonzero((links.decision != Decision.NON_LINK) & ~links.refused)
    one, two = person[links.row_i[chosen]], person[links.row_j[chosen]]
    apart = one != two
    found: defaultdict[tuple[tuple[int, int], int], list[int]] = defaultdict(list)
    for place, left, right in zip(chosen[apart].tolist(), one[apart].tolist(), two[apart].tolist(), strict=True):
        for pair in ((left, right), (right, left)):
            if pair in pairs:
                found[pair, int(links.decision[place])].append(place)
    return found


def cause_of(links: LinkResult, places: list[int]) -> str:
    """What the link with the highest similarity says."""
    best = (-1.0, "through others")
    for place in places:
        state = _CAUSES[TokenState(int(links.token_state[place]))]
        scores = {name: float(values[place]) for name, values in links.similarity.items()}
        scores = {name: score for name, score in scores.items() if not math.isnan(score)}
        name = max(scores, key=lambda item: scores[item], default="no pass")
        best = max(best, (scores.get(name, 0.0), f"{state}, {name}"))
    return best[1]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Pairs of twins that were taken for one person, per 1,000 pairs, by cause.",
        epilog="example: python benchmarks/quality/twins.py --people 100000 --twins 0.01 0.03 --seeds 101 102 103",
    )
    parser.add_argument("--people", type=int, default=100_000, help="people of each city (default: 100000)")
    parser.add_argument("--twins", type=float, nargs="+", default=[0.01, 0.03], help="twin births (default: 0.01 0.03)")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[101, 102, 103, 104, 105], help="seeds (default: 101 to 105)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    agreement = parse_agreement(trusted_template())
    results: list[dict[str, Any]] = []
    if not options.json:
        print(machine())
        print(f"{options.people} people, target at most {TARGET_PER_1000:g} of 1,000 pairs with 0.01 twin births")
        print("twins  seed    pairs  merged  per 1,000   upper  possible  seconds  causes")
    for share in options.twins:
        total = Outcome()
        for seed in options.seeds:
            config = CityConfig(people=options.people, seed=seed, twin_births=share)
            outcome = run_city(agreement, config)
            total += outcome
            results.append({"twin_births": share, "seed": seed, **outcome.document()})
            if not options.json:
                print(line(share, str(seed), outcome), flush=True)
        results.append({"twin_births": share, "seed": None, **total.document()})
        if not options.json:
            print(line(share, "all", total), flush=True)
    if options.json:
        print(json.dumps({"machine": machine(), "people": options.people, "cities": results}, indent=1))


def line(share: float, seed: str, outcome: Outcome) -> str:
    found = outcome.document()
    causes = "; ".join(f"{cause} {count}" for cause, count in outcome.causes.most_common()) or "-"
    rates = [
        f"{found[name]:9.2f}" if found[name] is not None else "        -" for name in ("per_1000", "per_1000_upper")
    ]
    return (
        f"{share:5.3f}  {seed:<6}{outcome.pairs:6}  {outcome.merged:6}  {rates[0]}{rates[1][1:]}  {outcome.possible:8}"
        f"  {outcome.seconds:7.1f}  {causes}"
    )


if __name__ == "__main__":
    main()
