"""Blinded ID tokens from exports to packages, through the stations: asked once, proved, kept, and used."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from canary.searcher import Searcher
from department.token_office import HOLDERS, KEYS, Office, answer, distinct_numbers, lay_out_office, steady
from integration.people import EXPORTS, OWNERS, marks
from secure_match.agreement import parse_agreement, trusted_template
from secure_match.department.stations import encode_export
from secure_match.department.token_files import open_token_folder
from secure_match.encoded.files import read_dataset
from secure_match.errors import SecureMatchError
from secure_match.exchange.oprf.files import read_blinded


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return lay_out_office(tmp_path)


def refused(code: str, call: object, *words: object, **more: object) -> SecureMatchError:
    assert callable(call)
    with pytest.raises(SecureMatchError) as caught:
        call(*words, **more)
    assert caught.value.code == code
    assert caught.value.__context__ is None
    return caught.value


def tokens_of(office: Office, dataset: str) -> dict[str, bytes | None]:
    """Row key of an export's row to token, through the command's station."""
    package = office.root / f"{dataset}.smp"
    party = OWNERS[dataset]
    encode_export(
        office.agreement, dataset, office.export(dataset), office.key(party), package, tokens=office.store(party)
    )
    return package_tokens(office, dataset, package)


def package_tokens(office: Office, dataset: str, package: Path) -> dict[str, bytes | None]:
    import pyarrow as pa

    from secure_match.department.handles import HandleMaker
    from secure_match.department.key_files import read_key
    from secure_match.kernels._seen import SeenKeys

    maker = HandleMaker(read_key(office.key(OWNERS[dataset])), office.agreement.id, dataset)
    keys = [row[0] for row in EXPORTS[dataset][1:] if row[0]]
    handles, _, _ = maker.make(pa.array(keys, pa.string()), SeenKeys())
    of_handle = dict(zip(handles.to_pylist(), keys, strict=True))
    table = read_dataset(package).table
    return dict(
        zip([of_handle[handle] for handle in table["handle"].to_pylist()], table["id_token"].to_pylist(), strict=True)
    )


@pytest.mark.parametrize("holders", [1, 2])
def test_tokens_are_equal_where_numbers_are_in_all_departments(tmp_path: Path, holders: int) -> None:
    office = lay_out_office(tmp_path, holders)
    for party in sorted(set(OWNERS.values())):
        assert office.ask(party).tokens == distinct_numbers(party)
    of_number: dict[str, set[bytes | None]] = defaultdict(set)
    for dataset in EXPORTS:
        numbers = {row[0]: row[1] for row in EXPORTS[dataset][1:]}
        for key, token in tokens_of(office, dataset).items():
            of_number[numbers[key]].add(token)
    assert of_number.pop("") == {None}
    assert all(len(tokens) == 1 and None not in tokens for tokens in of_number.values())
    assert len({token for tokens in of_number.values() for token in tokens}) == len(of_number)


def test_a_request_holds_no_mark_and_nothing_but_elements(office: Office) -> None:
    report = office.blind("police")
    (path,) = report.requests
    assert (report.asked, report.kept, report.waiting) == (distinct_numbers("police"), 0, 0)
    content = path.read_bytes()
    assert Searcher(marks()).in_bytes(content) == []
    store = b"".join(item.read_bytes() for item in office.store("police").rglob("*") if item.is_file())
    assert Searcher(marks()).in_bytes(store) == []
    request, _ = read_blinded(path)
    assert request.elements.shape == (report.asked, 32)
    assert request.manifest.datasets == ("population",)


def test_the_store_is_its_owners_alone(office: Office) -> None:
    office.blind("police")
    for path in (office.store("police"), *office.store("police").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0


def test_more_than_a_months_quota_is_refused_before_the_work(office: Office) -> None:
    text = (office.root / "agreement.toml").read_text(encoding="utf-8").replace("police = 100", "police = 6")
    small = Office(root=office.root, agreement=parse_agreement(text))
    assert "7 different numbers" in refused("QUOTA_EXCEEDED", small.blind, "police").message
    assert small.agreement.id_token.allowed_elements("police") == 6
    assert small.agreement.id_token.allowed_elements("nobody") == 0


def test_a_second_month_asks_only_what_is_new(office: Office) -> None:
    office.blind("hrss", "first.smb", "employee_pension")
    waiting = office.blind("hrss", "second.smb")
    assert (waiting.kept, waiting.waiting, waiting.asked) == (0, 2, 1)
    for name in ("first", "second"):
        office.finalise("hrss", answer(office.root / f"hrss.{name}.smb", office.root / f"{name}.sme"))
    later = office.blind("hrss", "third.smb")
    assert (later.kept, later.waiting, later.asked, later.requests) == (3, 0, 0, ())
    assert not (office.root / "hrss.third.smb").exists()


def test_encoding_says_how_many_rows_lack_a_token(office: Office) -> None:
    office.blind("hrss", "first.smb", "employee_pension")
    office.finalise("hrss", answer(office.root / "hrss.first.smb", office.root / "first.sme"))
    assert "1 rows have a valid ID number" in refused("TOKENS_MISSING", tokens_of, office, "resident_pension").message
    assert len(tokens_of(office, "employee_pension")) == 2


def test_numbers_that_a_spreadsheet_cut_are_not_asked(office: Office) -> None:
    """Some of them fit their check by chance; only the whole column shows that they are cut, to ask and to encode."""
    sound = [row[1] for row in EXPORTS["population"][1:6]]
    cut = [f"160101{1950 + place // 27}01{place % 27 + 1:02d}1000" for place in range(270)]
    lines = ["学籍号,身份证件号,学生姓名,性别,出生日期,监护人电话"]
    lines += [f"r{place},{number},甲乙{place},,," for place, number in enumerate(sound + cut)]
    office.export("students").write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = office.blind("education")
    assert (report.rows, report.asked) == (5, 5)
    office.finalise("education", answer(report.requests[0], office.root / "a.sme"))
    package = office.root / "students.smp"
    words = (office.agreement, "students", office.export("students"), office.key("education"), package)
    encode_export(*words, tokens=office.store("education"))
    assert sum(token is not None for token in read_dataset(package).table["id_token"].to_pylist()) == 5


def test_encoding_needs_a_store_and_hmac_takes_none(office: Office) -> None:
    words = ("students", office.export("students"), office.key("education"), office.root / "students.smp")
    refused("TOKENS_NEEDED", encode_export, office.agreement, *words)
    office.ask("education")
    hashed = parse_agreement(trusted_template())
    refused("STORE_AGREEMENT", encode_export, hashed, *words, tokens=office.store("education"))
    refused("FILE_NOT_FOUND", encode_export, office.agreement, *words, tokens=office.root / "none")


def test_a_wrong_answer_is_refused_and_loses_nothing(office: Office) -> None:
    (request,) = office.blind("police").requests
    other = KEYS[HOLDERS[1]]
    refused("ANSWER_KEY", office.finalise, "police", answer(request, office.root / "a.sme", other=other))
    refused("PROOF_WRONG", office.finalise, "police", answer(request, office.root / "b.sme", spoil=2))
    (theirs,) = office.blind("hrss").requests
    refused("PACKAGE_RECIPIENT", office.finalise, "police", answer(theirs, office.root / "c.sme"))
    right = answer(request, office.root / "d.sme")
    report = office.finalise("police", right)
    assert (report.tokens, report.kept, report.missing) == (7, 7, {})
    again = office.finalise("police", right)
    assert (again.tokens, again.kept, again.repeated) == (0, 7, ("d.sme",))


def test_an_answer_that_nobody_waits_for_is_refused(office: Office) -> None:
    (request,) = office.blind("police").requests
    file = answer(request, office.root / "a.sme")
    office.store("police").rename(office.root / "lost")
    office.blind("police", "again.smb")
    refused("ANSWER_UNKNOWN", office.finalise, "police", file)


def test_two_key_holders_are_both_waited_for(tmp_path: Path) -> None:
    office = lay_out_office(tmp_path, 2)
    report = office.blind("police")
    assert [path.name for path in report.requests] == ["police.request.notary.smb", "police.request.archive.smb"]
    first, second = (
        answer(path, path.with_suffix(".sme"), holder) for path, holder in zip(report.requests, HOLDERS, strict=True)
    )
    half = office.finalise("police", second)
    assert (half.tokens, half.missing) == (0, {report.request_id: ("notary",)})
    assert office.finalise("police", second).missing == half.missing
    assert office.finalise("police", first).tokens == 7


def test_without_the_key_nobody_makes_the_tokens_again(tmp_path: Path) -> None:
    """Department and bureau hold everything but the key holder's key: another key gives tokens that nobody has."""
    office = lay_out_office(tmp_path)
    office.ask("police")
    mine = set(tokens_of(office, "population").values())
    (tmp_path / "other").mkdir()
    other = lay_out_office(tmp_path / "other")
    (request,) = other.blind("police").requests
    refused("ANSWER_KEY", other.finalise, "police", answer(request, tmp_path / "x.sme", other=KEYS[HOLDERS[1]]))
    assert other.blind("police", "again.smb").asked == 0
    assert len(mine) == 7


def test_a_run_that_was_stopped_goes_on(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from secure_match.department import _oprf_client, blind_station, finalise_station

    for module in (_oprf_client, blind_station, finalise_station):
        monkeypatch.setattr(module, "CHUNK_ELEMENTS", 3)
    real = blind_station.blinded_chunk
    calls = iter(range(10))

    def stopping(*words: object) -> object:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(blind_station, "blinded_chunk", stopping)
    with pytest.raises(KeyboardInterrupt):
        office.blind("police")
    report = office.blind("police")
    assert (report.asked, report.resumed) == (7, 6)
    assert len(report.open_requests) == 1


def test_an_answer_whose_taking_was_stopped_is_taken_on(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from secure_match.department import finalise_station

    (request,) = office.blind("police").requests
    file = answer(request, office.root / "a.sme")
    real = finalise_station.finalised_chunk
    calls = iter(range(10))

    def stopping(*words: object) -> object:
        if next(calls) == 0:
            raise KeyboardInterrupt
        return real(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(finalise_station, "finalised_chunk", stopping)
    with pytest.raises(KeyboardInterrupt):
        office.finalise("police", file)
    monkeypatch.setattr(finalise_station, "verify_proof", None)  # Proofs that fitted are not checked again.
    report = office.finalise("police", file)
    assert (report.tokens, report.kept, report.missing) == (7, 7, {})


def test_a_damaged_or_swapped_file_of_the_store_is_refused(office: Office) -> None:
    office.ask("police")
    (kept,) = office.store("police").glob("answered-*")
    content = bytearray(kept.read_bytes())
    content[20] ^= 1
    kept.write_bytes(content)
    words = (office.store("police"), office.agreement, "police", None)
    folder = open_token_folder(*words, random=steady("x"))
    refused("STORE_DAMAGED", folder.kept)
    refused("STORE_AGREEMENT", open_token_folder, words[0], words[1], "hrss", None, random=steady("x"))
