"""What the bureau takes in under a sealed agreement, by the real commands: which month, which sender, how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from canary.searcher import Searcher
from integration.people import CHARSETS, csv_bytes, marks
from integration.road import Commands, Done, Road
from integration.sealed_road import at_desk, lay_out_keyed
from integration.test_supplement import corrected
from secure_match.audit.files import read_log

MARKS = Searcher(marks())
OWNERS = {"population": "police", "students": "education"}


def encode(commands: Commands, folder: Path, dataset: str, out: str, *more: str, export: str = "") -> None:
    party = OWNERS[dataset]
    words = ["department", "encode", "agreement.toml", dataset, export or f"{dataset}.csv", "--key", f"{party}.key"]
    done = commands.run(*words, *at_desk(party), "--out", out, *more, cwd=folder)
    assert done.status == 0, done.error


@pytest.fixture(scope="module")
def city(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Last month's package of the population, two of this month, a supplement, and the students."""
    folder = tmp_path_factory.mktemp("intake")
    lay_out_keyed(folder)
    encode(commands, folder, "population", "october.smp", "--period", "2026-10")
    encode(commands, folder, "population", "first.smp", "--period", "2026-11")
    encode(commands, folder, "population", "second.smp", "--period", "2026-11")
    encode(commands, folder, "students", "students.smp", "--period", "2026-11")
    mended = csv_bytes(corrected(all_of_it=False), CHARSETS["population"])
    (folder / "mended.csv").write_bytes(mended)
    words = ["--period", "2026-11", "--supplement-to", "first.smp"]
    encode(commands, folder, "population", "more.smp", *words, export="mended.csv")
    return folder


class Bureau:
    """A bureau with a log and a run folder of its own."""

    def __init__(self, commands: Commands, city: Path, folder: Path) -> None:
        self._commands, self._city, self.log, self._out = commands, city, folder / "bureau.log", folder / "run"

    def link(self, *words: str | Path, desk: list[str] | None = None, agreement: str | Path = "agreement.toml") -> Done:
        chosen = at_desk("bureau") if desk is None else desk
        more = ["--out", self._out, "--period", "2026-11", "--log", self.log]
        done = self._commands.run("bureau", "link", agreement, *words, *chosen, *more, cwd=self._city)
        assert MARKS.in_bytes(done.out + done.err) == []
        return done

    def takes(self, *words: str | Path) -> None:
        done = self.link(*words)
        assert done.status == 0, done.error
        assert not list(self._out.glob(".opened*"))

    def refusal(
        self, *words: str | Path, desk: list[str] | None = None, agreement: str | Path = "agreement.toml"
    ) -> str:
        done = self.link(*words, desk=desk, agreement=agreement)
        assert (done.status, done.out) == (2, b""), done.error
        return done.error.split(": ")[1]


@pytest.fixture
def bureau(commands: Commands, city: Path, tmp_path: Path) -> Bureau:
    return Bureau(commands, city, tmp_path)


def test_another_month_is_taken_only_where_it_is_meant(bureau: Bureau) -> None:
    assert bureau.refusal("october.smp", "students.smp") == "PACKAGE_PERIOD"
    assert bureau.refusal("october.smp", "students.smp", "--also-period", "2026-09") == "PACKAGE_PERIOD"
    bureau.takes("october.smp", "students.smp", "--also-period", "2026-10")


def test_last_months_package_does_not_come_back(bureau: Bureau) -> None:
    bureau.takes("first.smp", "students.smp")
    assert bureau.refusal("october.smp", "students.smp", "--also-period", "2026-10") == "PACKAGE_REPLAYED"
    last = read_log(bureau.log)[-2]
    assert (last.action, last.details["code"]) == ("refused", "PACKAGE_REPLAYED")


def test_an_overtaken_package_of_the_same_month_does_not_come_back(bureau: Bureau) -> None:
    bureau.takes("second.smp", "students.smp")
    assert bureau.refusal("first.smp", "students.smp") == "PACKAGE_REPLAYED"
    bureau.takes("second.smp", "students.smp")


def test_the_same_packages_and_their_supplement_may_be_taken_in_again(bureau: Bureau) -> None:
    for _ in range(2):
        bureau.takes("first.smp", "students.smp")
    for _ in range(2):
        bureau.takes("more.smp", "students.smp", "first.smp")
    actions = [entry.action for entry in read_log(bureau.log)]
    assert "refused" not in actions
    assert bureau.refusal("more.smp", "students.smp") == "SUPPLEMENT_BASE"


def test_plain_and_sealed_packages_do_not_mix(bureau: Bureau, road: Road) -> None:
    plain = road.package("students")
    assert bureau.refusal("first.smp", plain) == "PACKAGE_UNSEALED"
    assert bureau.refusal(plain, "first.smp", desk=[], agreement=road.agreement) == "PACKAGE_SEALED"


def test_an_identity_is_named_where_it_is_needed_and_only_there(
    bureau: Bureau, road: Road, commands: Commands, city: Path
) -> None:
    assert bureau.refusal("first.smp", "students.smp", desk=[]) == "IDENTITY_NEEDED"
    assert bureau.refusal(road.package("students"), agreement=road.agreement) == "IDENTITY_UNUSED"
    words = ["department", "encode", "agreement.toml", "students", "students.csv", "--key", "education.key"]
    done = commands.run(*words, "--out", "x.smp", cwd=city)
    assert (done.status, done.error.split(": ")[1]) == (2, "IDENTITY_NEEDED")
    assert not (city / "x.smp").exists()


def test_another_identity_opens_nothing(bureau: Bureau, commands: Commands, city: Path, tmp_path: Path) -> None:
    assert bureau.refusal("first.smp", "students.smp", desk=at_desk("police")) == "PACKAGE_RECIPIENT"
    stranger = tmp_path / "stranger.identity"
    lock = ["--unlock-key", "unlock.bin"]
    made = commands.run("keys", "new", "--role", "bureau", "--party", "bureau", "--out", stranger, *lock, cwd=city)
    assert made.status == 0, made.error
    assert bureau.refusal("first.smp", desk=["--identity", str(stranger), *lock]) == "KEY_PARTY"
    (tmp_path / "wrong.bin").write_bytes(b"w" * 32)
    (tmp_path / "wrong.bin").chmod(0o600)
    wrong = ["--identity", "bureau.identity", "--unlock-key", str(tmp_path / "wrong.bin")]
    assert bureau.refusal("first.smp", desk=wrong) == "KEY_UNLOCK"
    words = ["department", "encode", "agreement.toml", "students", "students.csv", "--key", "education.key"]
    done = commands.run(*words, *at_desk("police"), "--out", "x.smp", cwd=city)
    assert done.status == 2
    assert done.error.split(": ")[1] in {"KEY_PARTY", "KEY_SEAL"}
    assert not (city / "x.smp").exists()


def test_a_department_does_not_take_an_overtaken_list_of_findings(
    commands: Commands, city: Path, tmp_path: Path
) -> None:
    log = tmp_path / "bureau.log"
    for out in ("old", "new"):
        words = ["first.smp", "students.smp", "--out", tmp_path / out, "--period", "2026-11", "--log", log]
        done = commands.run("bureau", "link", "agreement.toml", *words, *at_desk("bureau"), cwd=city)
        assert done.status == 0, done.error

    def resolve(run: str) -> Done:
        own = ["--key", "police.key", "--agreement", "agreement.toml", *at_desk("police")]
        out = ["--log", tmp_path / "police.log", "--out", tmp_path / "list.csv", "--overwrite"]
        findings = tmp_path / run / "findings-police.smf"
        return commands.run("department", "resolve", findings, "population.csv", *own, *out, cwd=city)

    for run, code in (("old", ""), ("new", ""), ("new", ""), ("old", "PACKAGE_REPLAYED")):
        done = resolve(run)
        assert done.status == (2 if code else 0), done.error
        assert code in done.error
