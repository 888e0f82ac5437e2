"""How fast a department asks for ID tokens and takes the answers, from file to file, against a bare loop over ``rbcl``.

Ours is the two stations: the export is read, numbers are made canonical and keyed, blinded, written with the store, and
answers are proved, unblinded and kept. The peer blinds and unblinds as many inputs with one call of ``rbcl`` each and
nothing else: no file, no proof, no store, one core. Both alternate. The rate per core is by the seconds that processors
worked, so that other work of the machine does not count. Also printed: ``encode`` of the same export with tokens of the
store beside ``hmac``; and, once, whether tokens are equal exactly where ID numbers are, over two departments.

Example:
    python benchmarks/blind_tokens.py --people 10000 --repeats 3
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import secrets
import statistics
import tempfile
import time
from pathlib import Path

import rbcl
from _common import describe, describe_ratio, in_turn, machine, seconds

from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.department.blind_station import blind_exports
from secure_match.department.encode_station import encode_export
from secure_match.department.finalise_station import finalise_answers
from secure_match.department.key_files import write_key
from secure_match.department.keys import DepartmentKey
from secure_match.encoded.files import read_dataset
from secure_match.exchange.oprf import OprfKey, evaluate, key_info, prove, scalars_from
from secure_match.exchange.oprf.files import (
    EvaluatedAnswer,
    EvaluatedManifest,
    chunk_ranges,
    read_blinded,
    write_evaluated,
)

TARGET_RATE = 4000
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
HOLDER = OprfKey.derive(b"benchmark key, protects nothing.", key_info("city_enrolment", "2026"))


def number(place: int) -> str:
    """A number of a region that is not assigned."""
    first = (
        f"160101{1950 + place // 10_000 % 60}{place // 1000 % 9 + 1:02d}{place // 9000 % 27 + 1:02d}{place % 1000:03d}"
    )
    return first + "10X98765432"[sum(int(a) * b for a, b in zip(first, WEIGHTS, strict=True)) % 11]


def agreements() -> dict[str, Agreement]:
    """The city's agreement with both protocols, without the pass that blocks on the number's part alone."""
    text = trusted_template().replace(
        'block_on = ["id_number.partial"]', 'block_on = ["id_number.partial", "name.surname"]'
    )
    head, _, rest = text.partition("[id_token]")
    rest = rest.partition("# ------")[2]
    point = base64.b64encode(HOLDER.public).decode()
    holder = (
        f'[[parties]]\nid = "notary"\nrole = "keyholder"\nname = "N"\npublic_keys = {{ oprf = "{point}" }}\n\n# ------'
    )
    quota = "{ police = 10_000_000, hrss = 10_000_000, medical = 1, education = 1 }"
    texts = {
        "oprf": f'[id_token]\nprotocol = "oprf"\nquota_rows = {quota}\n\n{holder}',
        "hmac": '[id_token]\nprotocol = "hmac"\naccept_offline_guessing = true\n\n# ------',
    }
    return {name: parse_agreement(head + token + rest) for name, token in texts.items()}


def prepare(folder: Path, people: int, agreement: Agreement) -> None:
    """A population export with a number each, a pension export with every second of them, and both keys."""
    with (folder / "population.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["人员编号", "公民身份号码", "姓名", "性别", "出生日期", "联系电话", "人员状态"])
        rows.writerows([f"p{place}", number(place), "甲乙", "", "", "", "1"] for place in range(people))
    with (folder / "employee_pension.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["AAC001", "AAC002", "AAC003", "AAC004", "AAC006", "AAE005", "AAE041", "AAE042"])
        rows.writerows([f"e{place}", number(place), "甲乙", "", "", "", "202601", ""] for place in range(0, people, 2))
    for party in ("police", "hrss"):
        key = DepartmentKey.create(
            party=party,
            agreement_id=agreement.id,
            key_epoch=agreement.key_epoch,
            encoding_secret=b"benchmark secret, protects nothi",
            handle_secret=b"benchmark handle, protects nothi",
        )
        write_key(key, folder / f"{party}.key")


def answer(request: Path, out: Path) -> None:
    """What the key holder does; it is not timed here."""
    asked, digest = read_blinded(request)
    elements = evaluate(HOLDER, asked.elements)
    proofs = [
        prove(HOLDER, asked.elements[a:b], elements[a:b], scalars_from(secrets.token_bytes(64))[0].tobytes())
        for a, b in chunk_ranges(len(elements))
    ]
    said = asked.manifest.model_dump(
        include={"agreement_id", "agreement_fingerprint", "key_epoch", "request_id", "tool"}
    )
    said |= {
        "sender": "notary",
        "recipient": asked.manifest.sender,
        "request_digest": digest,
        "elements": len(elements),
    }
    said |= {"public_key": base64.b64encode(HOLDER.public).decode()}
    said |= {"proofs": tuple(base64.b64encode(proof).decode() for proof in proofs)}
    write_evaluated(EvaluatedAnswer(manifest=EvaluatedManifest(**said), elements=elements), out)


def ask(agreement: Agreement, folder: Path, party: str, dataset: str, turn: int) -> tuple[float, float]:
    """Blind and finalise; the seconds of both stations without the key holder's, on the clock and of all processors."""
    store, request, file = (
        folder / f"{party}{turn}.tokens",
        folder / f"{party}{turn}.smb",
        folder / f"{party}{turn}.sme",
    )
    exports, key = [(dataset, folder / f"{dataset}.csv")], folder / f"{party}.key"
    busy = time.process_time()
    spent = seconds(lambda: blind_exports(agreement, exports, key, store, request, random=secrets.token_bytes))
    busy = time.process_time() - busy
    answer(request, file)
    begun = time.process_time()
    spent += seconds(lambda: finalise_answers(agreement, [file], store, random=secrets.token_bytes))
    return spent, busy + time.process_time() - begun


def bare_loop(count: int) -> None:
    """Blind and unblind with one call each."""
    secret = rbcl.crypto_core_ristretto255_scalar_random()
    for place in range(count):
        point = rbcl.crypto_core_ristretto255_from_hash(hashlib.sha512(place.to_bytes(8, "big")).digest())
        scalar = rbcl.crypto_core_ristretto255_scalar_random()
        blinded = rbcl.crypto_scalarmult_ristretto255(scalar, point)
        inverse = rbcl.crypto_core_ristretto255_scalar_invert(scalar)
        hashlib.sha512(rbcl.crypto_scalarmult_ristretto255(inverse, blinded)).digest()
    del secret


def tokens_of(folder: Path, agreement: Agreement, party: str, dataset: str) -> dict[bytes, bytes]:
    """Handle to token of an encoded export."""
    out = folder / f"{dataset}.smp"
    key, store = folder / f"{party}.key", folder / f"{party}0.tokens"
    encode_export(agreement, dataset, folder / f"{dataset}.csv", key, out, tokens=store)
    table = read_dataset(out).table
    return dict(zip(table["handle"].to_pylist(), table["id_token"].to_pylist(), strict=True))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    chosen = agreements()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, given.people, chosen["oprf"])
        ask(chosen["oprf"], folder, "hrss", "employee_pension", 0)
        ask(chosen["oprf"], folder, "police", "population", 0)
        population = tokens_of(folder, chosen["oprf"], "police", "population")
        pension = tokens_of(folder, chosen["oprf"], "hrss", "employee_pension")
        shared = len(set(population.values()) & set(pension.values()))
        print(
            f"{given.people:,} ID numbers: {len(set(population.values())):,} different tokens; of "
            f"{len(pension):,} rows of another department {shared:,} have the token of their number"
        )
        ours: list[float] = []
        busy: list[float] = []
        theirs: list[float] = []
        for turn in range(1, given.repeats + 1):
            spent, worked = ask(chosen["oprf"], folder, "police", "population", turn)
            ours.append(spent)
            busy.append(worked)
            theirs.append(seconds(lambda: bare_loop(given.people)))
        print(f"blind and finalise, {given.people:,} numbers; target {TARGET_RATE:,} a second and core")
        print(describe("stations, all cores", ours, given.people, "numbers"))
        print(describe("bare rbcl, one core", theirs, given.people, "numbers"))
        print(describe_ratio(ours, theirs))
        print(describe("stations, per core", busy, given.people, "numbers"))
        print(describe_ratio(busy, theirs))
        encode = [
            lambda word=word: encode_export(
                chosen[word],
                "population",
                folder / "population.csv",
                folder / "police.key",
                folder / "timed.smp",
                tokens=folder / "police0.tokens" if word == "oprf" else None,
            )
            for word in ("oprf", "hmac")
        ]
        encode[1]()
        times = in_turn(*encode, given.repeats)
        print("encode the same export")
        for word, spent in zip(("oprf", "hmac"), times, strict=True):
            print(describe(word, spent, given.people, "rows"))
        print(f"  oprf / hmac            {statistics.median(times[0]) / statistics.median(times[1]):.2f}")


if __name__ == "__main__":
    main()
