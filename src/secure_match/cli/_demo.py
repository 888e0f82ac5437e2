"""EDGE: ``secure-match demo``: all roles on a synthetic city, through the same stations that the commands use."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from secure_match.agreement import Agreement, Dataset, city_template
from secure_match.agreement.files import read_agreement, write_city_agreement
from secure_match.bureau.files import make_directory, write_json
from secure_match.bureau.stations import LinkOptions, link_packages
from secure_match.cli._bureau import NUMBER_WORDS, show_summary
from secure_match.cli._demo_desks import hold_ceremony, make_desks, make_identities, seal_agreement
from secure_match.cli._demo_measure import DemoRows, SentFiles, measure_findings, measure_leaks, worklist_findings
from secure_match.cli._demo_release import run_second_phase, share_lines
from secure_match.cli._demo_tokens import get_tokens, make_holder_keys
from secure_match.cli._demo_truth import write_truth
from secure_match.cli._department import encode_lines
from secure_match.cli._memory import peak_bytes
from secure_match.cli._output import print_json, say, show_table, step_progress
from secure_match.department.key_files import read_key
from secure_match.department.stations import EncodeReport, encode_export, resolve_findings
from secure_match.errors import Place, UsageError
from secure_match.exchange.desk import Desk as ExchangeDesk
from secure_match.exchange.shares import key_departments
from secure_match.synthetic import City, CityConfig, generate_city, write_exports

app = typer.Typer(help="Run every role on a synthetic city and measure the result against the truth.")

_MARK: Final = ".secure-match-demo"
_DEMO_ID: Final = "demo_city"
_BLOCK_OF_TOKENS: Final = re.compile(r"\[id_token\]\n(?:[^\n]+\n)+")
_KEY_HOLDER: Final = re.compile(r'\[\[parties\]\]\nid = "[a-z]+"[^\n]*\nrole = "keyholder"\n(?:[^\n]+\n)+')
_HMAC: Final = '[id_token]\nprotocol = "hmac"\naccept_offline_guessing = true\n'
_MAX_SEED: Final = (1 << 63) - 1


Protocol = Literal["oprf", "hmac"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Where the files of a demo are.

    ``sent`` holds what left departments; ``bureau`` what came back; ``keys`` everybody's identities, which elsewhere
    would each be with its party, as would the ``logs``; ``ceremony`` the shares of the departments' common key.
    """

    out: Path

    @property
    def sent(self) -> Path:
        return self.out / "sent"

    @property
    def bureau(self) -> Path:
        return self.out / "bureau"

    @property
    def keys(self) -> Path:
        return self.out / "keys"

    @property
    def logs(self) -> Path:
        return self.out / "logs"

    @property
    def ceremony(self) -> Path:
        return self.out / "ceremony"

    @property
    def truth(self) -> Path:
        return self.out / "truth.csv"

    def department(self, party: str) -> Path:
        return self.out / "departments" / party

    def key(self, party: str) -> Path:
        return self.department(party) / f"{party}.key"

    def export(self, dataset: Dataset) -> Path:
        return self.department(dataset.owner) / f"{dataset.id}.csv"

    def package(self, dataset: Dataset) -> Path:
        return self.sent / f"{dataset.id}.smp"

    def tokens(self, party: str) -> Path:
        return self.department(party) / f"{party}.tokens"

    def kept(self, dataset: Dataset) -> Path:
        return self.department(dataset.owner) / f"{dataset.id}.passes"

    def packages(self, agreement: Agreement) -> dict[str, Path]:
        return {dataset.id: self.package(dataset) for dataset in agreement.datasets}

    def worklist(self, dataset: Dataset, ending: str) -> Path:
        return self.department(dataset.owner) / f"worklist-{dataset.id}.{ending}"


@app.callback(invoke_without_command=True)
def demo(
    out: Annotated[Path, typer.Option(help="Directory for all files; made if it is not there.")],
    people: Annotated[int, typer.Option(min=100, max=20_000_000, help="People of the population file.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, max=_MAX_SEED, help="The same seed gives the same city.")] = 7,
    id_tokens: Annotated[
        Protocol,
        typer.Option(help="How ID tokens are made: by a key holder, or by a hash under the departments' shared key."),
    ] = "oprf",
    as_json: Annotated[bool, typer.Option("--json", help="Print summary.json instead of the story.")] = False,
) -> None:
    """Run all roles on a synthetic city: departments encode, the bureau links, departments get their lists.

    Example: secure-match demo --people 20000 --seed 7 --out demo-out
    """
    started = time.monotonic()
    desk = _Desk(out=out)
    _clear(desk)
    with step_progress("demo", 30, quiet=as_json) as step:
        step("a synthetic city")
        city = generate_city(CityConfig(people=people, seed=seed))
        agreement, desks = _set_up(city, desk, seed, id_tokens)
        made = time.monotonic()

        departments = dict.fromkeys(dataset.owner for dataset in agreement.datasets)
        tokens = get_tokens(
            agreement,
            desks,
            {dataset.id: desk.export(dataset) for dataset in agreement.datasets},
            {party: desk.key(party) for party in departments},
            {party: desk.tokens(party) for party in departments},
            holder_keys=desk.keys,
            seed=seed,
            sent=desk.out / "tokens",
            step=step,
        )
        asked_for = time.monotonic()

        reports: list[EncodeReport] = []
        make_directory(desk.sent)
        for dataset in agreement.datasets:
            step(f"{dataset.owner} encodes {dataset.id}")
            key = desk.key(dataset.owner)
            reports.append(
                encode_export(
                    agreement,
                    dataset.id,
                    desk.export(dataset),
                    key,
                    desk.package(dataset),
                    quarantine=desk.department(dataset.owner) / f"{dataset.id}.quarantine.csv",
                    kept=desk.kept(dataset),
                    tokens=desk.tokens(dataset.owner) if tokens.tokens else None,
                    desk=desks[dataset.owner],
                )
            )
        encoded = time.monotonic()

        kept = {dataset.id: desk.kept(dataset) for dataset in agreement.datasets}
        asked = run_second_phase(agreement, desks, desk.packages(agreement), kept, desk.sent, step)
        released = time.monotonic()

        packages = sorted(desk.sent.glob("*.smp"))
        options = LinkOptions(desk=desks[_bureau_of(agreement)])
        _, findings, bureau = link_packages(
            agreement, packages, desk.bureau, clock=time.monotonic, progress=step, options=options
        )
        linked = time.monotonic()

        lists = []
        for dataset in agreement.datasets:
            step(f"{dataset.owner} resolves {dataset.id}")
            outs = [desk.worklist(dataset, ending) for ending in ("csv", "xlsx")]
            lists.append(
                resolve_findings(
                    findings[dataset.owner],
                    desk.export(dataset),
                    desk.key(dataset.owner),
                    outs,
                    dataset_id=dataset.id,
                    desk=desks[dataset.owner],
                )
            )
        resolved = time.monotonic()

        step("measuring")
        found = {
            dataset.id: worklist_findings(dataset, desk.worklist(dataset, "csv")) for dataset in agreement.datasets
        }
        keys = {party: read_key(desk.key(party), desks[party].identity) for party in key_departments(agreement)}
        rows = DemoRows(agreement, city, keys)
        leaks = measure_leaks(
            city, rows, SentFiles.of(agreement, desks, desk.packages(agreement), asked, tokens, findings, desk.bureau)
        )
        write_truth(city, rows, desk.truth)
    measured = time.monotonic()
    stages = {
        "generate": made - started,
        "tokens": asked_for - made,
        "encode": encoded - asked_for,
        "release": released - encoded,
        "link": linked - released,
        "resolve": resolved - linked,
        "measure": measured - resolved,
    }
    summary: dict[str, Any] = {
        "people": people,
        "seed": seed,
        "records": sum(report.read for report in reports),
        "seconds": round(measured - started, 3),
        "stages": {name: round(seconds, 3) for name, seconds in stages.items()},
        "peak_bytes": peak_bytes(),
        **measure_findings(city, found),
        **leaks,
        "departments": [
            {
                "dataset": report.dataset,
                "charset": report.charset,
                "read": report.read,
                "encoded": report.encoded,
                "quarantined": report.quarantined,
                "findings": worklist.findings,
            }
            for report, worklist in zip(reports, lists, strict=True)
        ],
        "id_tokens": {"protocol": agreement.id_token.protocol, "asked": tokens.tokens},
        "second_phase": asked.summary(),
        "bureau": bureau,
    }
    write_json(summary, out / "summary.json")
    if as_json:
        print_json(summary)
    else:
        _tell(agreement, desk, reports, summary)


def _clear(desk: _Desk) -> None:
    """Remove an earlier demo, and nothing else.

    Raises:
        UsageError: ``OUTPUT_NOT_EMPTY`` for a directory with somebody's files.
    """
    if desk.out.exists() and not desk.out.is_dir():
        raise UsageError("this is a file; name a directory", code="OUTPUT_NOT_EMPTY", place=Place(file=desk.out))
    if desk.out.is_dir() and any(desk.out.iterdir()):
        if not (desk.out / _MARK).exists():
            raise UsageError(
                "the directory holds files that no demo wrote; name another",
                code="OUTPUT_NOT_EMPTY",
                place=Place(file=desk.out),
            )
        for name in ("departments", "tokens", "sent", "bureau", "keys", "logs", "ceremony"):
            shutil.rmtree(desk.out / name, ignore_errors=True)
        for name in ("agreement.toml", "summary.json", desk.truth.name):
            (desk.out / name).unlink(missing_ok=True)
    make_directory(desk.out)
    (desk.out / _MARK).write_text("Made by secure-match demo; a new demo may delete what is here.\n", encoding="utf-8")


def _demo_agreement(out: Path, id_tokens: Protocol) -> Agreement:
    """The template under an id of its own: the demo's keys are no secret and must fit no real agreement."""
    path = write_city_agreement(out)
    text = city_template().replace('id = "city_enrolment"', f'id = "{_DEMO_ID}"', 1)
    if id_tokens == "hmac":
        text = _BLOCK_OF_TOKENS.sub(_HMAC, _KEY_HOLDER.sub("", text, count=1), count=1)
    path.write_text(text, encoding="utf-8")
    return read_agreement(path)


def _set_up(city: City, desk: _Desk, seed: int, id_tokens: Protocol) -> tuple[Agreement, dict[str, ExchangeDesk]]:
    """The agreement with everybody's keys, exports and key files at their departments, and a desk for every party."""
    agreement = _demo_agreement(desk.out, id_tokens)
    paths = write_exports(city, desk.out / "departments")
    for dataset in agreement.datasets:
        make_directory(desk.department(dataset.owner))
        paths[dataset.id].replace(desk.export(dataset))
    identities = make_identities(agreement, seed, desk.keys)
    oprf_keys = make_holder_keys(agreement, identities, seed, desk.keys)
    agreement = seal_agreement(desk.out / "agreement.toml", identities, oprf_keys)
    desks = make_desks(agreement, identities, desk.logs)
    keys = {party: desk.key(party) for party in key_departments(agreement)}
    hold_ceremony(agreement, desks, seed, desk.ceremony, keys)
    return agreement, desks


def _bureau_of(agreement: Agreement) -> str:
    return next(party.id for party in agreement.parties if party.role == "bureau")


def _tell(agreement: Agreement, desk: _Desk, reports: list[EncodeReport], summary: dict[str, Any]) -> None:
    titles = {party.id: party.name for party in agreement.parties}
    say(
        f"A synthetic city of {summary['people']:,} people; its departments hold {summary['records']:,} records.",
        "",
    )
    if summary["id_tokens"]["asked"]:
        holder = agreement.key_holders[0]
        counts = ", ".join(f"{party} {count:,}" for party, count in summary["id_tokens"]["asked"].items())
        say(f"[key holder {holder.id} {holder.name}] makes ID tokens of blinded numbers that it cannot read: {counts}")
    for report in reports:
        dataset = agreement.dataset(report.dataset)
        owner = dataset.owner if dataset is not None else ""
        say(f"[department {owner} {titles.get(owner, '')}] encodes; raw values stay in {desk.department(owner)}")
        for line in encode_lines(report):
            say(f"  {line}")
    if summary["second_phase"]:
        say("", "[bureau] asks for the passes of rows that ID tokens do not join; [departments] give them out:")
        say(*share_lines(summary["second_phase"]))
    say("", "[bureau] sees handles, tokens, encodings and codes, and links them:")
    show_summary(summary["bureau"])
    say("", "[departments] turn findings into worklists of their own rows:")
    for item, dataset in zip(summary["departments"], agreement.datasets, strict=True):
        say(f"  {dataset.id}: {item['findings']:,} findings in {desk.worklist(dataset, 'xlsx')}")
    say("")
    names = ("expected", "found", "true_positive", "false_positive", "false_negative", "precision", "recall")
    show_table(
        "Against the truth that only the generator knows",
        ["", "expected", "found", "true +", "false +", "false -", "precision", "recall"],
        [
            [title, *(str(score[name]) for name in names)]
            for title, score in (
                ("duplicates", summary["duplicates"]),
                ("missing", summary["missing"]),
                *((NUMBER_WORDS[kind], score) for kind, score in summary["numbers"]["by_kind"].items()),
            )
        ],
    )
    say(
        f"Searched {summary['scanned_bytes']:,} bytes that left a department for every raw ID number, name, phone and "
        f"address, in raw, hex, base64 and UTF-16 form: {summary['raw_identifier_hits']} hits.",
        f"Packages are sealed and signed; who did what stands in {desk.logs}. To look as a reviewer: secure-match "
        f"review verify {desk.sent}/*.smp --agreement {desk.out / 'agreement.toml'}",
        f"{summary['seconds']:.1f} s in all. Wrote {desk.out / 'summary.json'}. "
        f"Next: open a worklist, or: secure-match evaluate {desk.bureau / 'links.parquet'} {desk.truth}",
    )
