"""Every way in which a command must refuse: its words, its code, what its place names."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from integration.people import ADA, EXPORTS, csv_bytes
from integration.road import Road, make_key
from secure_match.agreement.files import read_agreement
from secure_match.department.files import read_key, write_shared_secret
from secure_match.department.stations import encode_export

Maker = Callable[[Road, Path], None]
Words = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call that must fail.

    Attributes:
        words: the command; ``{road}`` is the city's folder, paths without it are below the test's own.
        code: the error's code.
        place: a text that the line has to hold, so that a person knows where to look.
        prepare: makes the bad file in the test's own folder.
    """

    words: str
    code: str
    place: str
    prepare: Maker | None = None


def _write(name: str, data: bytes) -> Maker:
    return lambda road, here: _put(here / name, data)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if path.suffix in (".key", ".secret"):
        path.chmod(0o600)


def _agreement(name: str, old: str, new: str) -> Maker:
    """The agreement with one text replaced."""

    def make(road: Road, here: Path) -> None:
        text = road.agreement.read_text(encoding="utf-8")
        assert old in text
        _put(here / name, text.replace(old, new, 1).encode())

    return make


def _key(name: str, *, party: str = "police", agreement: str = "city_enrolment", epoch: str = "2026") -> Maker:
    return lambda road, here: make_key(here / name, party, agreement_id=agreement, key_epoch=epoch)


def _shared(name: str, *, agreement: str = "city_enrolment") -> Maker:
    def make(road: Road, here: Path) -> None:
        _key("made.key", agreement=agreement)(road, here)
        write_shared_secret(read_key(here / "made.key"), here / name)
        (here / "made.key").unlink()

    return make


def _open_to_others(make: Maker, name: str) -> Maker:
    def make_open(road: Road, here: Path) -> None:
        make(road, here)
        (here / name).chmod(0o640)

    return make_open


def _other_secret(road: Road, here: Path) -> None:
    """A key of the right party that has another handle secret."""
    make_key(here / "made.key", "police", agreement_id="city_enrolment", key_epoch="2026", shared="another")
    text = (here / "made.key").read_text()
    secret = text.split('"handle_secret": "')[1][:64]
    _put(here / "other.key", text.replace(secret, secret[::-1]).encode())
    (here / "made.key").unlink()


def _package(name: str, change: Callable[[bytes], bytes], source: str = "sent/population.smp") -> Maker:
    return lambda road, here: _put(here / name, change((road.root / source).read_bytes()))


def _flip(place: float) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        index = int(len(data) * place)
        return data[:index] + bytes([data[index] ^ 0x01]) + data[index + 1 :]

    return change


def _foreign_zip(road: Road, here: Path) -> None:
    (here / "folder").mkdir()
    _put(here / "folder" / "manifest.json", b"{}")
    shutil.make_archive(str(here / "foreign"), "zip", here / "folder")
    shutil.rmtree(here / "folder")


def _export(name: str, *, charset: str = "utf-8", drop: str = "", cells: dict[int, Words] | None = None) -> Maker:
    """The population's export in another charset, without a column, or with rows replaced."""
    rows = [list(row) for row in EXPORTS["population"]]
    if drop:
        place = rows[0].index(drop)
        rows = [row[:place] + row[place + 1 :] for row in rows]
    for number, row in (cells or {}).items():
        rows[number] = row
    return _write(name, csv_bytes(rows, charset))


def _other_secrets_package(road: Road, here: Path) -> None:
    """A package of students that was encoded under another shared secret."""
    make_key(here / "e.key", "education", agreement_id="city_enrolment", key_epoch="2026", shared="another")
    agreement = read_agreement(road.agreement)
    encode_export(agreement, "students", road.export("students"), here / "e.key", here / "foreign.smp")


def _copy(source: str, name: str) -> Maker:
    return lambda road, here: _put(here / name, (road.root / source).read_bytes())


_ROWS: Final = EXPORTS["population"]
_ENCODE: Final = "department encode {road}/agreement.toml population"
_GOOD: Final = "{road}/population.csv --key {road}/police.key --out out.smp"
_KEY: Final = "--key {road}/police.key --out out.smp"
_LINK: Final = "bureau link {road}/agreement.toml"
_RESOLVE: Final = "department resolve {road}/run/findings-police.smf {road}/population.csv"
_POLICE: Final = "--key {road}/police.key --out out.csv"

REFUSALS: Final[dict[str, Refusal]] = {
    # ------------------------------------------------------------ keys
    "key of another party": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key {{road}}/hrss.key --out out.smp",
        code="KEY_PARTY",
        place="hrss.key",
    ),
    "key of another agreement": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key o.key --out out.smp",
        code="KEY_AGREEMENT",
        place="o.key",
        prepare=_key("o.key", agreement="another_city"),
    ),
    "key of another epoch": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key o.key --out out.smp",
        code="KEY_EPOCH",
        place="o.key",
        prepare=_key("o.key", epoch="2025"),
    ),
    "key file that is the export": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key {{road}}/population.csv --out out.smp",
        code="KEY_FORMAT",
        place="population.csv",
    ),
    "key file of random bytes": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key r.key --out out.smp",
        code="KEY_FORMAT",
        place="r.key",
        prepare=_write("r.key", bytes(range(256))),
    ),
    "key file with a short secret": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key s.key --out out.smp",
        code="KEY_FORMAT",
        place="s.key",
        prepare=lambda road, here: _put(here / "s.key", road.key("police").read_bytes().replace(b'2e2e"', b'"')),
    ),
    "key file that is not there": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key none.key --out out.smp",
        code="FILE_NOT_FOUND",
        place="none.key",
    ),
    "key file that others can read": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key open.key --out out.smp",
        code="KEY_PERMISSIONS",
        place="chmod 600 open.key",
        prepare=_open_to_others(_key("open.key"), "open.key"),
    ),
    "shared secret that others can read": Refusal(
        words="keys new {road}/agreement.toml --party hrss --shared-from open.secret --out t.key",
        code="KEY_PERMISSIONS",
        place="chmod 600 open.secret",
        prepare=_open_to_others(_shared("open.secret"), "open.secret"),
    ),
    "new key of an unknown party": Refusal(
        words="keys new {road}/agreement.toml --party treasury --out t.key", code="PARTY_UNKNOWN", place="treasury"
    ),
    "new key of the bureau": Refusal(
        words="keys new {road}/agreement.toml --party bureau --out t.key", code="PARTY_UNKNOWN", place="bureau"
    ),
    "new key over an old one": Refusal(
        words="keys new {road}/agreement.toml --party police --out k.key",
        code="FILE_EXISTS",
        place="k.key",
        prepare=_key("k.key"),
    ),
    "new key shared from another agreement": Refusal(
        words="keys new {road}/agreement.toml --party hrss --shared-from o.secret --out t.key",
        code="KEY_AGREEMENT",
        place="o.secret",
        prepare=_shared("o.secret", agreement="another_city"),
    ),
    "new key shared from a department's own key": Refusal(
        words="keys new {road}/agreement.toml --party hrss --shared-from {road}/police.key --out t.key",
        code="KEY_FORMAT",
        place="police.key",
    ),
    "shared secret over an old one": Refusal(
        words="keys share {road}/police.key --out s.secret",
        code="FILE_EXISTS",
        place="s.secret",
        prepare=_shared("s.secret"),
    ),
    "shared secret where a key is wanted": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key s.secret --out out.smp",
        code="KEY_FORMAT",
        place="s.secret",
        prepare=_shared("s.secret"),
    ),
    "resolve with another party's key": Refusal(
        words=f"{_RESOLVE} --key {{road}}/hrss.key --out out.csv", code="KEY_PARTY", place="hrss.key"
    ),
    "resolve with another key of the party": Refusal(
        words=f"{_RESOLVE} --key other.key --out out.csv",
        code="KEY_MISMATCH",
        place="other.key",
        prepare=_other_secret,
    ),
    "resolve with a key of another agreement": Refusal(
        words=f"{_RESOLVE} --key o.key --out out.csv",
        code="KEY_AGREEMENT",
        place="o.key",
        prepare=_key("o.key", agreement="another_city"),
    ),
    "departments with different shared secrets": Refusal(
        words=f"{_LINK} {{road}}/sent/population.smp foreign.smp --out run",
        code="KEY_MISMATCH",
        place="students",
        prepare=_other_secrets_package,
    ),
    # ------------------------------------------------------------ agreement
    "amended agreement at the bureau": Refusal(
        words="bureau link amended.toml {road}/sent/population.smp --out run",
        code="DEFINITION_MISMATCH",
        place="population",
        prepare=_agreement("amended.toml", "retention_months = 24", "retention_months = 36"),
    ),
    "agreement that is not TOML": Refusal(
        words="agreement check bad.toml",
        code="AGREEMENT_NOT_TOML",
        place="line 2",
        prepare=_write("bad.toml", b"format = 1\nid = = 2\n"),
    ),
    "agreement that is the export": Refusal(
        words="department encode {road}/students.csv population " + _GOOD,
        code="AGREEMENT_NOT_TOML",
        place="students.csv",
    ),
    "agreement with an unknown key": Refusal(
        words="agreement check bad.toml",
        code="AGREEMENT_UNKNOWN_KEY",
        place="limits.max_share",
        prepare=_agreement("bad.toml", "[limits]", "[limits]\nmax_share = 1.0"),
    ),
    "agreement in latin-1": Refusal(
        words="agreement check bad.toml",
        code="AGREEMENT_NOT_TOML",
        place="bad.toml",
        prepare=_write("bad.toml", 'title = "caf\xe9"'.encode("latin-1")),
    ),
    "agreement with a huge number": Refusal(
        words="agreement check bad.toml",
        code="AGREEMENT_NOT_TOML",
        place="bad.toml",
        prepare=_write("bad.toml", b"format = " + b"1" * 5000),
    ),
    "agreement nested too deep": Refusal(
        words="agreement check bad.toml",
        code="AGREEMENT_NOT_TOML",
        place="bad.toml",
        prepare=_write("bad.toml", b"format = " + b"[" * 3000),
    ),
    "agreement with blinded tokens and no key holder": Refusal(
        words="agreement check bad.toml",
        code="AGREEMENT_INVALID",
        place="parties",
        prepare=_agreement("bad.toml", 'protocol = "hmac"', 'protocol = "oprf"'),
    ),
    "agreement that is not there": Refusal(words="agreement check none.toml", code="FILE_NOT_FOUND", place="none.toml"),
    "agreement over an old one": Refusal(
        words="agreement new .",
        code="FILE_EXISTS",
        place="agreement.toml",
        prepare=_copy("agreement.toml", "agreement.toml"),
    ),
    "unknown dataset": Refusal(
        words="department encode {road}/agreement.toml nobody " + _GOOD, code="DATASET_UNKNOWN", place="nobody"
    ),
    # ------------------------------------------------------------ packages
    "package cut in the middle": Refusal(
        words=f"{_LINK} cut.smp --out run",
        code="PACKAGE_TRUNCATED",
        place="cut.smp",
        prepare=_package("cut.smp", lambda data: data[: len(data) // 2]),
    ),
    "package without its last byte": Refusal(
        words=f"{_LINK} cut.smp --out run",
        code="PACKAGE_TRUNCATED",
        place="cut.smp",
        prepare=_package("cut.smp", lambda data: data[:-1]),
    ),
    "package with a flipped bit in its rows": Refusal(
        words=f"{_LINK} {{road}}/sent/students.smp bad.smp --out run",
        code="PACKAGE_DAMAGED",
        place="bad.smp",
        prepare=_package("bad.smp", _flip(0.7)),
    ),
    "package with a flipped bit in its manifest": Refusal(
        words=f"{_LINK} bad.smp --out run",
        code="PACKAGE_DAMAGED",
        place="bad.smp",
        prepare=_package("bad.smp", _flip(0.02)),
    ),
    "empty package": Refusal(
        words=f"{_LINK} empty.smp --out run",
        code="PACKAGE_EMPTY",
        place="empty.smp",
        prepare=_write("empty.smp", b""),
    ),
    "export where a package is wanted": Refusal(
        words=f"{_LINK} {{road}}/population.csv --out run", code="PACKAGE_FOREIGN", place="population.csv"
    ),
    "foreign ZIP where a package is wanted": Refusal(
        words=f"{_LINK} foreign.zip --out run", code="PACKAGE_TRUNCATED", place="foreign.zip", prepare=_foreign_zip
    ),
    "findings where a package is wanted": Refusal(
        words=f"{_LINK} {{road}}/run/findings-police.smf --out run",
        code="PACKAGE_MANIFEST",
        place="findings-police.smf",
    ),
    "package where findings are wanted": Refusal(
        words=f"department resolve {{road}}/sent/population.smp {{road}}/population.csv {_POLICE}",
        code="PACKAGE_MANIFEST",
        place="population.smp",
    ),
    "damaged findings": Refusal(
        words=f"department resolve bad.smf {{road}}/population.csv {_POLICE}",
        code="PACKAGE_DAMAGED",
        place="bad.smf",
        prepare=_package("bad.smf", _flip(0.6), "run/findings-police.smf"),
    ),
    "one dataset twice": Refusal(
        words=f"{_LINK} {{road}}/sent/students.smp again.smp --out run",
        code="DATASET_REPEATED",
        place="again.smp",
        prepare=_copy("sent/students.smp", "again.smp"),
    ),
    "package that is not there": Refusal(words=f"{_LINK} none.smp --out run", code="FILE_NOT_FOUND", place="none.smp"),
    # ------------------------------------------------------------ exports
    "missing column": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}",
        code="COLUMN_MISSING",
        place="column 姓名",
        prepare=_export("e.csv", drop="姓名"),
    ),
    "export of another dataset": Refusal(
        words=f"{_ENCODE} {{road}}/students.csv {_KEY}", code="COLUMN_MISSING", place="column 人员编号"
    ),
    "forced charset that is wrong": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv {_KEY} --charset utf-8", code="INPUT_CHARSET", place="row 1"
    ),
    "charset that nobody knows": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv {_KEY} --charset big5", code="CHARSET_UNKNOWN", place="gb18030"
    ),
    "UTF-16 without a mark": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}",
        code="INPUT_CHARSET",
        place="e.csv",
        prepare=_export("e.csv", charset="utf-16-le"),
    ),
    "a byte that is of no charset": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}",
        code="INPUT_CHARSET",
        place="row 4",
        prepare=lambda road, here: _put(
            here / "e.csv", road.export("population").read_bytes().replace(b"2015", b"20\xff15", 2)
        ),
    ),
    "empty export": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}", code="INPUT_EMPTY", place="e.csv", prepare=_write("e.csv", b"")
    ),
    "export of one empty line": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}", code="INPUT_HEADER", place="row 1", prepare=_write("e.csv", b"\r\n")
    ),
    "header without rows": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}",
        code="INPUT_NO_ROWS",
        place="e.csv",
        prepare=_write("e.csv", csv_bytes(_ROWS[:1], "utf-8")),
    ),
    "export without a header": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}",
        code="COLUMN_MISSING",
        place="column 人员编号",
        prepare=_write("e.csv", csv_bytes(_ROWS[1:4], "utf-8")),
    ),
    "export without a header whose cells repeat": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}",
        code="INPUT_HEADER",
        place="row 1, column number 3",
        prepare=_write("e.csv", csv_bytes([[ADA.id_number, ADA.name, ADA.name]], "utf-8")),
    ),
    "row that is too short": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}",
        code="ROW_WIDTH",
        place="row 4",
        prepare=_export("e.csv", cells={3: _ROWS[3][:-1]}),
    ),
    "row that is too long": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}",
        code="ROW_WIDTH",
        place="row 8",
        prepare=_export("e.csv", cells={7: [*_ROWS[7], ADA.name]}),
    ),
    "quote that never ends": Refusal(
        words=f"{_ENCODE} e.csv {_KEY}",
        code="INPUT_CSV",
        place="row",
        prepare=_write("e.csv", csv_bytes(_ROWS[:3], "utf-8") + f'"{ADA.name},{ADA.id_number}'.encode()),
    ),
    "too many rows would carry encodings": Refusal(
        words="department encode strict.toml population " + _GOOD,
        code="RELEASE_FUZZY_SHARE",
        place="100.0%",
        prepare=_agreement("strict.toml", "max_fuzzy_share = 1.0", "max_fuzzy_share = 0.5"),
    ),
    "export that is not there": Refusal(words=f"{_ENCODE} none.csv {_KEY}", code="FILE_NOT_FOUND", place="none.csv"),
    "export that is a folder": Refusal(
        words=f"{_ENCODE} {{road}} {_KEY}", code="FILE_NOT_FOUND", place="Is a directory"
    ),
    "forced charset on a folder": Refusal(
        words=f"{_ENCODE} {{road}} {_KEY} --charset utf-8", code="FILE_NOT_FOUND", place="Is a directory"
    ),
    "resolve on another export": Refusal(
        words="department resolve {road}/run/findings-hrss.smf e.csv --key {road}/hrss.key --out out.csv",
        code="RESOLVE_NO_ROWS",
        place="e.csv",
        prepare=_write("e.csv", csv_bytes([["AAC001"], [ADA.id_number]], "utf-8")),
    ),
    "resolve on an export without the row key": Refusal(
        words=f"department resolve {{road}}/run/findings-police.smf {{road}}/students.csv {_POLICE}",
        code="RESOLVE_NO_ROW_KEY",
        place="人员编号",
    ),
    "resolve a dataset that was not linked": Refusal(
        words=f"{_RESOLVE} {_POLICE} --dataset students", code="DATASET_UNKNOWN", place="students"
    ),
    # ------------------------------------------------------------ outputs
    "output folder that is not there": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key {{road}}/police.key --out none/out.smp",
        code="FILE_NOT_WRITABLE",
        place="none",
    ),
    "output below a file, no row refused": Refusal(
        words="department encode {road}/agreement.toml students {road}/students.csv --key {road}/education.key "
        "--out file/out.smp",
        code="FILE_NOT_WRITABLE",
        place="file",
        prepare=_write("file", b""),
    ),
    "output below a file, rows refused": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key {{road}}/police.key --out file/out.smp",
        code="FILE_NOT_WRITABLE",
        place="file",
        prepare=_write("file", b""),
    ),
    "output that is a folder": Refusal(
        words="department encode {road}/agreement.toml students {road}/students.csv --key {road}/education.key "
        "--out folder",
        code="FILE_NOT_WRITABLE",
        place="folder",
        prepare=lambda road, here: (here / "folder").mkdir(),
    ),
    "output that is the current folder": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key {{road}}/police.key --out .",
        code="FILE_NOT_WRITABLE",
        place="FILE_NOT_WRITABLE: .",
    ),
    "package not writable, quarantine writable": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key {{road}}/police.key --out none/out.smp --quarantine q.csv",
        code="FILE_NOT_WRITABLE",
        place="none",
    ),
    "package over the export": Refusal(
        words=f"{_ENCODE} e.csv --key {{road}}/police.key --out e.csv",
        code="OUTPUT_IS_INPUT",
        place="e.csv",
        prepare=_export("e.csv"),
    ),
    "package over the key": Refusal(
        words=f"{_ENCODE} {{road}}/population.csv --key k.key --out ./k.key",
        code="OUTPUT_IS_INPUT",
        place="k.key",
        prepare=_key("k.key"),
    ),
    "package over the agreement": Refusal(
        words="department encode a.toml population {road}/population.csv --key {road}/police.key --out a.toml",
        code="OUTPUT_IS_INPUT",
        place="a.toml",
        prepare=_copy("agreement.toml", "a.toml"),
    ),
    "quarantine over the export": Refusal(
        words=f"{_ENCODE} e.csv {_KEY} --quarantine e.csv",
        code="OUTPUT_IS_INPUT",
        place="e.csv",
        prepare=_export("e.csv"),
    ),
    "quarantine over an export of which no row is refused": Refusal(
        words="department encode {road}/agreement.toml students e.csv --key {road}/education.key --out out.smp "
        "--quarantine e.csv",
        code="OUTPUT_IS_INPUT",
        place="e.csv",
        prepare=_copy("students.csv", "e.csv"),
    ),
    "quarantine over the package": Refusal(
        words=f"{_ENCODE} {_GOOD} --quarantine out.smp", code="OUTPUT_IS_INPUT", place="out.smp"
    ),
    "limit of memory without a unit": Refusal(
        words=f"{_LINK} {{road}}/sent/population.smp --out run --memory-limit 8", code="MEMORY_LIMIT", place="8GiB"
    ),
    "limit of memory that is too small": Refusal(
        words=f"{_LINK} {{road}}/sent/population.smp --out run --memory-limit 100MB",
        code="MEMORY_PLAN",
        place="allowed",
    ),
    "run below a file": Refusal(
        words=f"{_LINK} {{road}}/sent/population.smp --out file/run",
        code="FILE_NOT_WRITABLE",
        place="file",
        prepare=_write("file", b""),
    ),
    "run that is a file": Refusal(
        words=f"{_LINK} {{road}}/sent/population.smp --out file",
        code="FILE_NOT_WRITABLE",
        place="file",
        prepare=_write("file", b""),
    ),
    "run whose summary cannot be written": Refusal(
        words=f"{_LINK} {{road}}/sent/population.smp --out run",
        code="FILE_NOT_WRITABLE",
        place="summary.json",
        prepare=lambda road, here: (here / "run" / "summary.json").mkdir(parents=True),
    ),
    "worklist over the export": Refusal(
        words="department resolve {road}/run/findings-police.smf e.csv --key {road}/police.key --out e.csv",
        code="OUTPUT_IS_INPUT",
        place="e.csv",
        prepare=_export("e.csv"),
    ),
    "package over a file that is none": Refusal(
        words=f"{_ENCODE} {_GOOD}",
        code="FILE_EXISTS",
        place="out.smp",
        prepare=_write("out.smp", b"a letter"),
    ),
    "package over findings": Refusal(
        words=f"{_ENCODE} {_GOOD}",
        code="FILE_EXISTS",
        place="out.smp",
        prepare=_copy("run/findings-police.smf", "out.smp"),
    ),
    "package over another department's key": Refusal(
        words=f"{_ENCODE} {_GOOD}", code="FILE_EXISTS", place="out.smp", prepare=_key("out.smp")
    ),
    "quarantine over a file that is none": Refusal(
        words=f"{_ENCODE} {_GOOD} --quarantine notes.csv",
        code="FILE_EXISTS",
        place="notes.csv",
        prepare=_write("notes.csv", b"row_number,name\n"),
    ),
    "worklist over an earlier one": Refusal(
        words=f"{_RESOLVE} {_POLICE}",
        code="FILE_EXISTS",
        place="--overwrite",
        prepare=_write("out.csv", b"with a clerk's notes"),
    ),
    "worklist over a key": Refusal(
        words=f"{_RESOLVE} --key {{road}}/police.key --out k.csv --overwrite",
        code="FILE_EXISTS",
        place="k.csv",
        prepare=_key("k.csv"),
    ),
    "worklist over a shared secret": Refusal(
        words=f"{_RESOLVE} --key {{road}}/police.key --out s.csv --overwrite",
        code="FILE_EXISTS",
        place="s.csv",
        prepare=_shared("s.csv"),
    ),
    "worklist of another format": Refusal(
        words=f"{_RESOLVE} --key {{road}}/police.key --out out.doc", code="WORKLIST_FORMAT", place="out.doc"
    ),
    "worklist below a file": Refusal(
        words=f"{_RESOLVE} --key {{road}}/police.key --out file/out.csv",
        code="FILE_NOT_WRITABLE",
        place="file",
        prepare=_write("file", b""),
    ),
    "worklist that is a folder": Refusal(
        words=f"{_RESOLVE} --key {{road}}/police.key --out out.csv",
        code="FILE_NOT_WRITABLE",
        place="out.csv",
        prepare=lambda road, here: (here / "out.csv").mkdir(),
    ),
    "new agreement below a file": Refusal(
        words="agreement new file/city", code="FILE_NOT_WRITABLE", place="file", prepare=_write("file", b"")
    ),
    "new key below a file": Refusal(
        words="keys new {road}/agreement.toml --party police --out file/k.key",
        code="FILE_NOT_WRITABLE",
        place="file",
        prepare=_write("file", b""),
    ),
    "evaluate without a truth": Refusal(
        words="evaluate {road}/run/links.parquet absent.csv", code="FILE_NOT_FOUND", place="absent.csv"
    ),
    "evaluate an export": Refusal(
        words="evaluate {road}/run/links.parquet {road}/students.csv --out eval",
        code="TRUTH_HEADER",
        place="students.csv, row 1",
    ),
    "evaluate by a truth with a name for a handle": Refusal(
        words="evaluate {road}/run/links.parquet truth.csv --out eval",
        code="TRUTH_VALUE",
        place="truth.csv, row 2, column handle",
        prepare=_write("truth.csv", f"dataset,handle,person\npopulation,{ADA.name},{ADA.id_number}\n".encode()),
    ),
    "evaluate by the truth of another run": Refusal(
        words="evaluate {road}/run/links.parquet truth.csv --out eval",
        code="TRUTH_FOREIGN",
        place="says nothing",
        prepare=_write("truth.csv", f"dataset,handle,person\npopulation,{'0' * 32},{ADA.name}\n".encode()),
    ),
    "evaluate a package": Refusal(
        words="evaluate {road}/sent/population.smp truth.csv",
        code="PARQUET_DAMAGED",
        place="population.smp",
        prepare=_write("truth.csv", f"dataset,handle,person\npopulation,{'0' * 32},{ADA.name}\n".encode()),
    ),
    "evaluate among somebody's files": Refusal(
        words="evaluate {road}/run/links.parquet truth.csv --out .",
        code="FILE_EXISTS",
        place="evaluation.html",
        prepare=_write("evaluation.html", ADA.name.encode()),
    ),
    "demo among somebody's files": Refusal(
        words="demo --people 100 --out home",
        code="OUTPUT_NOT_EMPTY",
        place="home",
        prepare=_write("home/letter.txt", ADA.name.encode()),
    ),
    "demo over a file": Refusal(
        words="demo --people 100 --out file", code="OUTPUT_NOT_EMPTY", place="file", prepare=_write("file", b"x")
    ),
}

BAD_CALLS: Final = {
    "threads 0": (f"{_LINK} {{road}}/sent/population.smp --out run --threads 0", "--threads"),
    "threads of letters": (f"{_LINK} {{road}}/sent/population.smp --out run --threads all", "--threads"),
    "no key": (f"{_ENCODE} {{road}}/population.csv --out out.smp", "--key"),
    "no output": (f"{_ENCODE} {{road}}/population.csv --key {{road}}/police.key", "--out"),
    "no package": (f"{_LINK} --out run", "PACKAGES"),
    "no findings": ("department resolve --out out.csv", "FINDINGS"),
    "unknown option": (f"{_RESOLVE} {_POLICE} --colour", "--colour"),
    "unknown language": (f"{_RESOLVE} {_POLICE} --lang fr", "--lang"),
    "unknown command": ("bureaucracy", "bureaucracy"),
    "no truth": ("evaluate {road}/run/links.parquet", "TRUTH"),
    "too few people": ("demo --people 5 --out d", "--people"),
}
"""Calls that the command line itself refuses, and the word that the message must name."""
