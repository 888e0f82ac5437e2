"""Graph matching, linkability, fingerprints and the dictionary on the synthetic city, for attacks.py.

Two populations: one whose encodings the adversary sees, one whose plaintexts it knows. ``both`` gives both the same
number of people, of whom the overlap is common; ``package`` makes the encoded ones a part of the known, ``roster`` the
known ones a part of the encoded.

Example:
    python benchmarks/attacks.py --only graph epochs
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from secure_match.agreement import Agreement, city_template, parse_agreement
from secure_match.department.normalise import normalise_fields
from secure_match.department.passes import PassKeys, encode_passes
from secure_match.exchange.oprf import OprfKey, blind, evaluate, finalise, key_info, scalars_from
from secure_match.review.attacks import AttackResult
from secure_match.review.attacks.block_graphs import block_graph_matching
from secure_match.review.attacks.graph_matching import graph_matching, own_encodings
from secure_match.review.attacks.linkability import linkability
from secure_match.synthetic import City

BITS, HASHES, QGRAMS = 1024, 15, 2
IDENTITY = ("姓名", "出生日期", "联系电话")
OVERLAPS = (1.0, 0.5, 0.2, 0.05)
MODES = ("both", "package", "roster")
Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw(people: int, overlap: float, mode: str, seed: int, whole: int) -> Drawn:
    """Rows (of ``whole``) that are encoded, rows that are known, and the truth between the two."""
    random = np.random.default_rng(seed)
    shared = round(people * overlap)
    rows = random.permutation(whole)
    encoded, known = rows[:people], rows[:people]
    if mode == "both":
        known = rows[people - shared : 2 * people - shared]
    elif mode == "package":
        encoded = rows[:shared]
    else:
        known = rows[:shared]
    known = random.permutation(known)
    place = np.full(whole, -1)
    place[known] = np.arange(len(known))
    return encoded, known, place[encoded]


def keyed_clk(texts: list[str], key: bytes) -> np.ndarray:
    """The broken target: bigrams of the whole record under one key for everybody."""
    marks = np.zeros((len(texts), BITS), dtype=bool)
    for row, text in enumerate(texts):
        for left, right in zip(" " + text, text + " ", strict=True):
            digest = hashlib.blake2b((left + right).encode(), key=key, digest_size=2 * HASHES).digest()
            marks[row, np.frombuffer(digest, dtype="<u2") % BITS] = True
    return np.packbits(marks, axis=1)


def broken_target(city: City, people: int, seed: int) -> Iterator[AttackResult]:
    """Plain ``clk`` with one global key, at every overlap."""
    table = city.exports["population"]
    columns = [table[name].to_pylist() for name in IDENTITY]
    texts = list(dict.fromkeys("".join(parts) for parts in zip(*columns, strict=True)))
    for mode in MODES:
        for overlap in OVERLAPS[0 if mode == "both" else 1 :]:
            encoded, known, truth = draw(people, overlap, mode, seed, len(texts))
            own = own_encodings([texts[row] for row in known], bits=BITS, hashes=HASHES, qgrams=QGRAMS, seed=seed)
            target = keyed_clk([texts[row] for row in encoded], b"departments")
            settings = {"target": "plain clk", "mode": mode, "overlap": overlap}
            yield graph_matching(target, own, truth, settings=settings, seed=seed)


def encoded_passes(agreement: Agreement, city: City, secret: bytes, epoch: str) -> dict[str, Drawn]:
    """Pass to (tags, encodings, present) of the population file, under keys of that secret and epoch."""
    dataset = next(item for item in agreement.datasets if item.id == "population")
    table = city.exports["population"]
    columns = {field: table[header].combine_chunks() for field, header in dataset.identity.items()}
    fields = normalise_fields(agreement, columns, table.num_rows)
    passes = [(item, PassKeys.derive(secret, agreement.fingerprint, epoch, item.id)) for item in agreement.passes]
    made = {}
    for (item, _), (tags, encodings) in zip(passes, encode_passes(passes, fields), strict=True):
        present = encodings.is_valid().to_numpy(zero_copy_only=False)
        made[item.id] = (_matrix(tags), _matrix(encodings), present)
    return made


def default_release(agreement: Agreement, city: City, people: int, seed: int) -> Iterator[AttackResult]:
    """Every pass of the default release, as if all its rows left, over all blocks at once and block by block."""
    theirs = encoded_passes(agreement, city, b"d" * 32, "2026")
    own = encoded_passes(agreement, city, b"a" * 32, "2026")
    for name, (tags, encodings, present) in theirs.items():
        rows = np.flatnonzero(present)
        for overlap in OVERLAPS:
            some = min(people, len(rows) // 2)
            encoded, known, truth = draw(some, overlap, "both", seed, len(rows))
            left, right = rows[encoded], rows[known]
            settings = {"target": f"default: {name}", "mode": "both", "overlap": overlap}
            yield graph_matching(encodings[left], own[name][1][right], truth, settings=settings, seed=seed)
            yield block_graph_matching(
                encodings[left], tags[left], own[name][1][right], own[name][0][right], truth, settings=settings
            )


def across_epochs(agreement: Agreement, city: City) -> Iterator[AttackResult]:
    """The same people in two epochs, and in two agreements: tags and encodings of every pass, and ID tokens."""
    first = encoded_passes(agreement, city, b"d" * 32, "2026")
    other = parse_agreement(city_template().replace('id = "city_enrolment"', 'id = "another"', 1))
    later = {
        "two epochs": encoded_passes(agreement, city, b"d" * 32, "2027"),
        "two agreements": encoded_passes(other, city, b"d" * 32, "2026"),
    }
    for what, second in later.items():
        for name, (tags, encodings, present) in first.items():
            rows = np.flatnonzero(present)
            order = np.random.default_rng(1).permutation(len(rows))
            same = np.argsort(order)
            moved = rows[order]
            settings = {"target": f"default: {name}, {what}"}
            yield linkability(
                encodings[rows],
                second[name][1][moved],
                same,
                measure="similarity",
                settings={**settings, "column": "clk"},
            )
            for measure in ("equality", "rank"):
                yield linkability(
                    tags[rows], second[name][0][moved], same, measure=measure, settings={**settings, "column": "tag"}
                )
        yield from _across_tokens(agreement if what == "two epochs" else other, city, what)


def _across_tokens(second: Agreement, city: City, what: str) -> Iterator[AttackResult]:
    """ID tokens of the same numbers, each under the key that its holder derives for agreement and epoch."""
    numbers = [text.encode() for text in city.exports["population"]["公民身份号码"].to_pylist() if text]
    inputs = [hashlib.sha256(item).digest() for item in numbers]
    epochs = (("city_enrolment", "2026"), (second.id, "2027" if what == "two epochs" else "2026"))
    left, right = (tokens_of(inputs, agreement, epoch) for agreement, epoch in epochs)
    order = np.random.default_rng(2).permutation(len(left))
    for measure in ("equality", "rank", "similarity"):
        settings = {"target": f"ID tokens (oprf), {what}"}
        yield linkability(left, right[order], np.argsort(order), measure=measure, settings=settings)


def tokens_of(inputs: list[bytes], agreement: str, epoch: str) -> np.ndarray:
    """Tokens under the key of one agreement and epoch, of one long-lived seed; departments' keys are taken as equal."""
    key = OprfKey.derive(b"a seed of benchmarks, no more.".ljust(32, b"."), key_info(agreement, epoch))
    scalars = scalars_from(hashlib.shake_256(b"blinds").digest(64 * len(inputs)))
    return finalise(inputs, scalars, evaluate(key, blind(inputs, scalars)))[:, :16]


def _matrix(column: pa.Array) -> np.ndarray:
    width = column.type.byte_width
    return np.frombuffer(column.fill_null(b"\0" * width).cast(pa.binary(width)).buffers()[1], np.uint8).reshape(
        -1, width
    )[: len(column)]


def show(results: Iterator[AttackResult]) -> None:
    """One line a result: rate, interval, what guessing gives, seconds and settings."""
    for found in results:
        low, high = found.bounds
        more = " ".join(f"{name}={value:.4f}" for name, value in found.fields.items())
        setting = " ".join(f"{name}={value}" for name, value in found.settings.items())
        print(
            f"{found.attack:<24} {found.rate:.4f} [{low:.4f}, {high:.4f}]  {found.hits}/{found.trials}  guessing "
            f"{found.guessing:.5f}  {found.seconds:5.1f} s  {setting}  {more}",
            flush=True,
        )
