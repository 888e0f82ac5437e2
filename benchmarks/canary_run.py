"""Do marked people or keys stand anywhere outside the departments' own files, after every command and killed ones?

A synthetic city, in which every name begins with two rare characters, goes through ceremony, packages, links,
worklists, questions, a second operator's approval and review: each command in a fresh process, every second one with
``--json``, some on a pseudo-terminal. Encoding, linking and resolving are killed (SIGKILL) at several moments and run
again. Searched, after every kill and at the end: all files except exports, worklists, filled sheets, the truth and the
unlock key; the opened contents of sealed packages; all outputs; TMPDIR, HOME and caches. Looked for: ID numbers,
names, phone numbers, addresses and row keys as they stand in the exports, in every form and unkeyed digest of
``department.leak_scan``, and all private keys and secrets. Left out are values of fewer than eight bytes in GB18030,
which chance would find, and birth dates, which other numbers hold.

Example:
    python benchmarks/canary_run.py --people 10000 --kills 4
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from _canary_search import CanarySearch, read_secrets
from _canary_shell import Shell
from _common import machine

from secure_match.agreement import Agreement, trusted_template
from secure_match.agreement.files import read_agreement, write_trusted_agreement
from secure_match.synthetic import City, CityConfig, generate_city, write_exports

MARK = "𠮷龘"
PASSPHRASE = "worthless passphrase of a canary"
DESK = ["--unlock-key", "unlock.bin"]
ADDRESSES = frozenset({"户籍地址", "AAE006", "live_addr", "家庭住址"})
AGREED = ["--agreement", "agreement.toml"]


def marked(city: City, agreement: Agreement) -> City:
    """The city with the mark before every name that is not empty."""
    exports = {}
    for name, table in city.exports.items():
        dataset = agreement.dataset(name)
        assert dataset is not None
        place = table.schema.get_field_index(dataset.identity["name"])
        names = table.column(place)
        with_mark = pc.binary_join_element_wise(pa.scalar(MARK), names, "")
        cells = pc.if_else(pc.equal(pc.fill_null(names, ""), ""), names, with_mark)
        exports[name] = table.set_column(place, table.schema.field(place), cells)
    return replace(city, exports=exports)


def marks_of(city: City, agreement: Agreement) -> dict[str, list[str]]:
    """Kind to raw values as they stand in the exports."""
    found: dict[str, set[str]] = {}
    for name, table in city.exports.items():
        dataset = agreement.dataset(name)
        assert dataset is not None
        columns = {kind: dataset.identity[kind] for kind in ("id_number", "name", "phone") if kind in dataset.identity}
        columns["row_key"] = dataset.row_key
        columns["address"] = next(header for header in table.column_names if header in ADDRESSES)
        for kind, header in columns.items():
            found.setdefault(kind, set()).update(str(value) for value in table[header].to_pylist() if value)
    return {
        kind: sorted(value for value in values if len(value.encode("gb18030")) >= 8) for kind, values in found.items()
    }


def hold_ceremony(shell: Shell, agreement: Agreement, name: str, derive: list[str], *, approvers: bool = False) -> None:
    """Public keys into an agreement file, shares, and the keys of some departments, all under a prefix."""
    owners = sorted({dataset.owner for dataset in agreement.datasets})
    more = [word for owner in owners for word in ("--approver", f"{owner}-second.public.json")] if approvers else []
    shell.run(
        "agreement", "add-keys", f"{name}.toml", *(f"{party}.public.json" for party in (*owners, "bureau")), *more
    )
    shell.run("agreement", "check", f"{name}.toml")
    for party in owners:
        own = ["--identity", f"{party}.identity", *DESK]
        shell.run("keys", "contribute", f"{name}.toml", *own, "--out", f"{name}-{party}.smk")
    for party in derive:
        shares = [f"{name}-{owner}.smk" for owner in owners]
        own = ["--identity", f"{party}.identity", *DESK]
        shell.run("keys", "derive", f"{name}.toml", *shares, *own, "--out", f"{name}-{party}.key")


def at_desk(party: str, operator: str = "zhang") -> list[str]:
    return ["--identity", f"{party}.identity", *DESK, "--operator", operator]


def encode_words(dataset: str, owner: str, name: str = "agreement") -> list[str]:
    words = ["department", "encode", f"{name}.toml", dataset, f"{dataset}.csv", "--key", f"{name}-{owner}.key"]
    return [*words, *at_desk(owner)]


def resolve_words(dataset: str, owner: str, run: str) -> list[str]:
    words = [
        "department",
        "resolve",
        f"{run}/findings-{owner}.smf",
        f"{dataset}.csv",
        "--key",
        f"agreement-{owner}.key",
    ]
    return [*words, *AGREED, "--dataset", dataset, "--overwrite", *at_desk(owner)]


def month(shell: Shell, agreement: Agreement) -> None:
    """A month's work, the second operator's and the reviewer's included."""
    owners = {dataset.id: dataset.owner for dataset in agreement.datasets}
    for party in (*sorted(set(owners.values())), "bureau"):
        role = "bureau" if party == "bureau" else "department"
        shell.run("keys", "new", "--role", role, "--party", party, "--out", f"{party}.identity", *DESK)
    shell.env["SECURE_MATCH_PASSPHRASE"] = PASSPHRASE
    shell.run("keys", "new", "--role", "reviewer", "--party", "auditor", "--out", "auditor.identity")
    del shell.env["SECURE_MATCH_PASSPHRASE"]
    shell.terminal("keys", "public", "auditor.identity", answer=("Passphrase of", PASSPHRASE))
    hold_ceremony(shell, agreement, "agreement", sorted(set(owners.values())))
    for dataset, owner in owners.items():
        shell.run("department", "inspect", f"{dataset}.csv", *AGREED, "--dataset", dataset)
        shell.run(*encode_words(dataset, owner), "--out", f"{dataset}.smp")
    shell.run(*encode_words("students", owners["students"]), "--dry-run", "--scan", "all")
    shell.terminal(*encode_words("students", owners["students"]), "--out", "students.smp")
    packages = [f"{dataset}.smp" for dataset in owners]
    shell.run("bureau", "link", "agreement.toml", *packages, *at_desk("bureau"), "--out", "run")
    shell.terminal("bureau", "link", "agreement.toml", *packages, *at_desk("bureau"), "--out", "shown")
    for dataset, owner in owners.items():
        shell.run(*resolve_words(dataset, owner, "run"), "--out", f"worklist-{dataset}.csv")
    shell.terminal(*resolve_words("students", owners["students"], "run"), "--out", "worklist-students.xlsx")
    look(shell, "resident_medical", owners["resident_medical"])
    second_operator(shell, agreement, owners)
    review(shell, owners)
    refusals(shell, owners)


def look(shell: Shell, dataset: str, owner: str) -> None:
    """A question to a department, its answer, and a decision."""
    pairs = shell.run("bureau", "review", "list", "run", "--dataset", dataset, "--json", form=False).json()["pairs"]
    if not pairs:
        raise SystemExit("no doubtful pair: the questions cannot be tried")
    shell.run("bureau", "review", "show", "run", pairs[0]["pair"])
    ask = ["bureau", "review", "request", "run", *AGREED, "--party", owner, *at_desk("bureau")]
    shell.run(*ask, "--out", "request.smq")
    desk = [*AGREED, *at_desk(owner)]
    rows = ["--export", f"{dataset}.csv", "--dataset", dataset, "--key", f"agreement-{owner}.key"]
    shell.run("department", "look", "request.smq", *rows, *desk, "--lang", "en", "--out", "sheet.csv")
    path = shell.root / "sheet.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header, *cells = list(csv.reader(stream))
    place = header.index("look answer")
    for row in cells:
        row[place] = "right"
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([header, *cells])
    shell.run("department", "look", "request.smq", "--answers", "sheet.csv", *desk, "--out", "answer.sma")
    shell.run("bureau", "review", "answers", "run", "answer.sma", *AGREED, *at_desk("bureau"))
    reason = ["--verdict", "match", "--operator", "lin", "--reason", "both agree"]
    shell.run("bureau", "review", "decide", "run", pairs[0]["pair"], *reason)
    shell.run("bureau", "review", "export", "run", "--out", "queue.csv")


def second_operator(shell: Shell, agreement: Agreement, owners: dict[str, str]) -> None:
    """The same department under an agreement that asks for two."""
    text = trusted_template()
    (shell.root / "second.toml").write_text(
        text.replace("second_operator = false", "second_operator = true"), encoding="utf-8"
    )
    for owner in sorted(set(owners.values())):
        shell.run("keys", "new", "--role", "department", "--party", owner, "--out", f"{owner}-second.identity", *DESK)
    hold_ceremony(shell, agreement, "second", [owners["population"]], approvers=True)
    owner = owners["population"]
    shell.run(*encode_words("population", owner, "second"), "--out", "second.smp")
    approver = ["--identity", f"{owner}-second.identity", *DESK, "--operator", "li"]
    shell.run("department", "approve", "second.smp.held", "second.toml", *approver)
    shell.run("department", "release", "second.smp.held", "second.toml", *at_desk(owner), "--out", "second.smp")


def review(shell: Shell, owners: dict[str, str]) -> None:
    """The reviewer's commands, and the evaluation by a truth whose persons are called by their marks."""
    packages = [f"{dataset}.smp" for dataset in owners]
    opening = [*AGREED, "--identity", "bureau.identity", *DESK]
    for _ in range(2):
        shell.run("review", "verify", *packages, *AGREED)
        shell.run("review", "inspect", packages[0], *opening)
        shell.run("review", "diff", packages[0], packages[0], *opening)
        shell.run("review", "disclose", "agreement.toml")
    shell.run("review", "sbom", form=False)
    logs = [f"{party}.log" for party in (*sorted(set(owners.values())), "bureau")]
    for log in logs:
        shell.run("review", "log", "verify", log, *AGREED)
        shell.run("review", "log", "show", log)
    shell.run("review", "log", "cross-check", *logs, *AGREED, statuses=(0, 2))
    write_truth(shell.root)
    shell.run("evaluate", "run/links.parquet", "truth.csv", "--out", "evaluation")


def write_truth(root: Path) -> None:
    rows = pq.read_table(root / "run" / "links.parquet").to_pylist()
    known = sorted({(row[f"dataset_{side}"], row[f"handle_{side}"].hex()) for row in rows for side in "ab"})
    lines = [f"{dataset},{handle},{MARK}{place % 997}" for place, (dataset, handle) in enumerate(known)]
    (root / "truth.csv").write_text("\n".join(["dataset,handle,person", *lines]), encoding="utf-8")


def refusals(shell: Shell, owners: dict[str, str]) -> None:
    """Runs that have to fail: wrong key, wrong agreement, a cut package, a broken export, a torn log."""
    root, owner = shell.root, owners["population"]
    wrong = [*encode_words("students", owners["students"])[:6], f"agreement-{owner}.key", *at_desk(owner)]
    shell.run(*wrong, "--out", "never.smp", statuses=(2,))
    other = encode_words("population", owner)
    other[2] = "second.toml"
    shell.run(*other, "--out", "never.smp", statuses=(2,))
    (root / "cut.smp").write_bytes((root / "population.smp").read_bytes()[:-100])
    shell.run("bureau", "link", "agreement.toml", "cut.smp", *at_desk("bureau"), "--out", "cut", statuses=(2,))
    shell.run("review", "verify", "cut.smp", *AGREED, statuses=(2,))
    export = (root / "population.csv").read_bytes()
    (root / "broken.csv").write_bytes(export[: len(export) // 2] + b'"\xff\xff' + export[len(export) // 2 :])
    broken = encode_words("population", owner)
    broken[4] = "broken.csv"
    shell.run(*broken, "--out", "never.smp", statuses=(2,))
    log = root / f"{owners['students']}.log"
    log.write_bytes(log.read_bytes()[:-40])
    shell.run(*encode_words("students", owners["students"]), "--out", "students.smp")


def killed_runs(shell: Shell, owners: dict[str, str], kills: int, search: CanarySearch) -> list[str]:
    """Kill encode, link and resolve at several moments, search what is left, and run each again. Lines that say so."""
    owner = owners["population"]
    packages = [f"{dataset}.smp" for dataset in owners]
    commands = {
        "encode": [*encode_words("population", owner), "--out", "again.smp"],
        "link": ["bureau", "link", "agreement.toml", *packages, *at_desk("bureau"), "--out", "again"],
        "resolve": [*resolve_words("population", owner, "run"), "--out", "worklist-again.csv"],
    }
    lines = []
    for name, words in commands.items():
        whole = shell.run(*words, form=False).seconds
        moments = [whole * (place + 1) / (kills + 1) for place in range(kills)]
        dead = 0
        for moment in moments:
            dead += shell.killed(*words, after=moment)
            search.folder(shell.root)
        shell.run(*words, form=False)
        search.folder(shell.root)
        lines.append(f"  {name}: {whole:.1f} s whole; killed {dead} of {kills}, then run again")
    return lines


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Every command with marked people under a sealed agreement; exit 1 where a mark or key is found.",
        epilog="example: python benchmarks/canary_run.py --people 10000 --kills 4",
    )
    parser.add_argument("--people", type=int, default=10_000, help="marked people of the city (default: 10000)")
    parser.add_argument("--seed", type=int, default=7, help="the city's seed (default: 7)")
    parser.add_argument("--kills", type=int, default=4, help="kills of each of three commands (default: 4)")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "city"
        root.mkdir()
        agreement = read_agreement(write_trusted_agreement(root))
        city = marked(generate_city(CityConfig(people=options.people, seed=options.seed)), agreement)
        write_exports(city, root)
        (root / "unlock.bin").write_bytes(b"a worthless key that unlocks all")
        (root / "unlock.bin").chmod(0o600)
        marks = marks_of(city, agreement)
        print("marks: " + ", ".join(f"{kind} {len(values):,}" for kind, values in marks.items()))
        shell = Shell(root, Path(folder) / "watched")
        month(shell, agreement)
        sealed = read_agreement(root / "agreement.toml")
        secrets = read_secrets(root, sealed) | {"passphrase": PASSPHRASE.encode()}
        search = CanarySearch(marks, secrets)
        if not search.finds(root / "population.csv") or not search.finds(root / "unlock.bin"):
            raise SystemExit("the search does not find what is there: it proves nothing")
        for line in killed_runs(shell, {item.id: item.owner for item in agreement.datasets}, options.kills, search):
            print(line)
        search.folder(root)
        search.folder(shell.watched)
        search.outputs(shell.outputs)
        search.opened(root, sealed)
        print(f"commands: {len(shell.outputs):,}, on a pseudo-terminal {shell.terminals}, killed {shell.kills}")
        print(search.report())
        print(f"secrets looked for: {len(secrets)}; {time.perf_counter() - started:.0f} s")
    if search.hits:
        sys.exit(1)


if __name__ == "__main__":
    main()
