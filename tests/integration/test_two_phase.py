"""A release in two phases, from file to file: what leaves, what is asked for, what is given out and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from integration.people import EXPORTS, OWNERS
from integration.road import Road, lay_out
from secure_match.agreement import Agreement
from secure_match.agreement.files import read_agreement
from secure_match.bureau.pass_station import AskingReport, request_passes
from secure_match.bureau.stations import link_packages
from secure_match.department.kept_files import kept_path, released_path
from secure_match.department.pass_station import PassesReport, release_passes
from secure_match.department.stations import encode_export
from secure_match.encoded import matrix_from_binary
from secure_match.encoded.files import read_dataset, read_package, read_pass_request, write_dataset, write_pass_request
from secure_match.encoded.manifest import parse_manifest
from secure_match.encoded.pass_requests import PASS_REQUEST_SCHEMA, PassRequest, PassRequestManifest
from secure_match.encoded.phases import join_phases, pass_columns
from secure_match.errors import SecureMatchError

ENROLMENTS = [dataset for dataset in EXPORTS if dataset != "population"]


class City:
    """The hand-written city under an agreement of two phases."""

    def __init__(self, root: Path, limits: str = "free_fuzzy_rows = 50\n") -> None:
        self.road: Road = lay_out(root)
        text = self.road.agreement.read_text(encoding="utf-8")
        text = text.replace("smallest_cell = 1\n", "smallest_cell = 1\ntwo_phase = true\n")
        text = text.replace("max_fuzzy_share = 1.0\n", f"max_fuzzy_share = 0.01\n{limits}")
        self.road.agreement.write_text(text, encoding="utf-8")
        self.agreement: Agreement = read_agreement(self.road.agreement)
        (root / "sent").mkdir(exist_ok=True)

    def encode(self) -> None:
        for dataset, owner in OWNERS.items():
            here = self.road
            encode_export(self.agreement, dataset, here.export(dataset), here.key(owner), here.package(dataset))

    def ask(self, *more: Path, name: str = "requests") -> AskingReport:
        return request_passes(self.agreement, [*self.road.packages, *more], self.road.root / name)

    def answer(self, report: AskingReport) -> list[PassesReport]:
        found: list[PassesReport] = []
        for item in report.requests:
            kept = [kept_path(self.road.package(dataset)) for dataset in item.values]
            found += release_passes(self.agreement, item.path, kept, self.road.root / "sent")
        return found


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    made = City(tmp_path_factory.mktemp("city"))
    made.encode()
    return made


@pytest.fixture(scope="module")
def enrolments(city: City) -> list[PassesReport]:
    return city.answer(city.ask())


@pytest.fixture(scope="module")
def population(city: City, enrolments: list[PassesReport]) -> list[PassesReport]:
    return city.answer(city.ask(*written(enrolments), name="second"))


def written(reports: list[PassesReport]) -> list[Path]:
    return [item.package for item in reports if item.package is not None]


def refused(code: str, work: Callable[[], object]) -> SecureMatchError:
    with pytest.raises(SecureMatchError) as caught:
        work()
    assert caught.value.code == code
    return caught.value


def test_the_first_phase_has_no_pass_and_passes_stay_with_their_owner_alone(city: City) -> None:
    for dataset in EXPORTS:
        path = city.road.package(dataset)
        first, digest = read_package(path)
        assert not [name for name in first.table.column_names if name.startswith("pass.")]
        assert (first.manifest.phase, first.manifest.passes) == (1, ())
        kept = read_dataset(kept_path(path))
        assert kept.manifest.completes == digest
        assert kept.table["handle"].equals(first.table["handle"])
        assert kept_path(path).stat().st_mode & 0o077 == 0


def test_rows_without_an_equal_token_in_the_population_are_asked_for_and_no_others(
    city: City, enrolments: list[PassesReport]
) -> None:
    known = set(read_dataset(city.road.package("population")).table["id_token"].drop_null().to_pylist())
    for dataset in ENROLMENTS:
        table = read_dataset(city.road.package(dataset)).table
        tokens = table["id_token"].to_pylist()
        due = {handle for handle, token in zip(table["handle"].to_pylist(), tokens, strict=True) if token not in known}
        path = city.road.root / "sent" / f"{dataset}-passes.smp"
        given = set(read_dataset(path).table["handle"].to_pylist()) if path.exists() else set()
        # Who has no pass at all has nothing to give.
        kept = read_dataset(kept_path(city.road.package(dataset)))
        encoded = np.logical_or.reduce([kept.encoded_rows(item.id) for item in kept.manifest.passes])
        able = set(kept.table["handle"].filter(pa.array(encoded)).to_pylist())
        assert given == due & able
    assert any(item.rows for item in enrolments)


def test_the_population_gives_passes_under_the_named_tags_alone(
    city: City, enrolments: list[PassesReport], population: list[PassesReport]
) -> None:
    assert enrolments
    (answer,) = population
    assert (answer.dataset, answer.by) == ("population", "tag")
    given = read_dataset(city.road.root / "sent" / "population-passes.smp")
    kept = read_dataset(kept_path(city.road.package("population")))
    asked = read_pass_request(city.road.root / "second" / "passes-police.smr").values("population")
    whole = dict(zip(kept.table["handle"].to_pylist(), range(len(kept)), strict=True))
    cells = 0
    for item in given.manifest.passes:
        named = set(asked[item.id].to_pylist()) if item.id in asked else set()
        tags, all_tags = (part.table[f"pass.{item.id}.block"].to_pylist() for part in (given, kept))
        assert {tag for tag in tags if tag is not None} <= named
        given_rows = {handle for handle, tag in zip(given.table["handle"].to_pylist(), tags, strict=True) if tag}
        assert given_rows == {handle for handle, row in whole.items() if all_tags[row] in named}
        cells += len(given_rows)
    assert cells


def test_what_is_joined_is_what_was_encoded(city: City, enrolments: list[PassesReport]) -> None:
    for item in enrolments:
        if item.package is None:
            continue
        first, digest = read_package(city.road.package(item.dataset))
        declared = city.agreement.dataset(item.dataset)
        assert declared is not None
        joined = join_phases(first, [digest], [read_dataset(item.package)], pass_columns(city.agreement, declared))
        kept = read_dataset(kept_path(city.road.package(item.dataset)))
        for column in joined.manifest.passes:
            there = joined.encoded_rows(column.id)
            assert (joined.encodings(column.id)[there] == kept.encodings(column.id)[there]).all()
            rows = matrix_from_binary(joined.table[f"pass.{column.id}.block"])
            assert (rows[1] == there).all()


def test_the_run_says_what_it_took_and_finds_people(
    city: City, enrolments: list[PassesReport], population: list[PassesReport]
) -> None:
    packages = [*city.road.packages, *written(enrolments), *written(population)]
    run, _, summary = link_packages(city.agreement, packages, city.road.root / "run", clock=lambda: 0.0)
    assert {item["dataset"]: item["rows"] for item in summary["datasets"]} == {
        dataset: len(read_dataset(city.road.package(dataset))) for dataset in EXPORTS
    }
    assert run.summary["links"]["link_by_id_token"]
    # Without answers the bureau links by tokens alone.
    alone, _, _ = link_packages(city.agreement, city.road.packages, city.road.root / "alone", clock=lambda: 0.0)
    assert alone.summary["links"]["link_by_passes"] == 0


def test_asking_twice_gives_the_same_bytes(city: City, enrolments: list[PassesReport]) -> None:
    before = {item.dataset: item.package.read_bytes() for item in enrolments if item.package is not None}
    again = city.answer(city.ask(name="again"))
    assert {item.dataset: item.package.read_bytes() for item in again if item.package is not None} == before
    assert [item.released for item in again] == [item.released for item in enrolments]


def test_more_than_the_agreed_share_is_refused_over_all_requests(tmp_path: Path) -> None:
    city = City(tmp_path, limits="free_fuzzy_rows = 2\n")
    city.encode()
    dataset = "employee_medical"
    kept = kept_path(city.road.package(dataset))
    first, digest = read_package(city.road.package(dataset))
    handles = first.table["handle"].to_pylist()
    assert len(handles) > 2
    for number, chosen in enumerate((handles[:2], handles[1:2])):
        request = made_request(city, dataset, digest, chosen, tmp_path / f"{number}.smr")
        release_passes(city.agreement, request, [kept], tmp_path / "sent")
    released = released_path(kept).read_bytes()
    assert len(released) == 32
    more = made_request(city, dataset, digest, handles[2:3], tmp_path / "more.smr")
    (tmp_path / "other").mkdir()
    refused("RELEASE_FUZZY_SHARE", lambda: release_passes(city.agreement, more, [kept], tmp_path / "other"))
    assert not list((tmp_path / "other").iterdir())
    assert released_path(kept).read_bytes() == released
    released_path(kept).write_bytes(released[:-1])
    refused("RELEASED_LIST", lambda: release_passes(city.agreement, more, [kept], tmp_path / "other"))


def made_request(city: City, dataset: str, digest: str, handles: list[bytes], path: Path, **changes: object) -> Path:
    """A request that the bureau might write."""
    way = str(changes.get("by", "handle"))
    table = pa.table(
        [[dataset] * len(handles), [""] * len(handles), pa.array(sorted(handles), pa.binary(16))],
        schema=PASS_REQUEST_SCHEMA,
    )
    content = {
        "agreement_id": city.agreement.id,
        "agreement_fingerprint": changes.get("fingerprint", city.agreement.fingerprint),
        "key_epoch": city.agreement.key_epoch,
        "recipient": OWNERS[dataset],
        "sources": [{"dataset": dataset, "packages": [digest], "by": way, "rows": len(handles)}],
        "rows": len(handles),
        "tool": "secure_match test",
    }
    write_pass_request(PassRequest(manifest=parse_manifest(PassRequestManifest, content), table=table), path)
    return path


def test_the_population_is_not_given_out_by_handle(city: City, tmp_path: Path) -> None:
    first, digest = read_package(city.road.package("population"))
    request = made_request(city, "population", digest, first.table["handle"].to_pylist()[:1], tmp_path / "r.smr")
    kept = [kept_path(city.road.package("population"))]
    refused("REQUEST_WAY", lambda: release_passes(city.agreement, request, kept, tmp_path))


def test_requests_of_others_and_without_what_was_kept_are_refused(city: City, tmp_path: Path) -> None:
    first, digest = read_package(city.road.package("students"))
    handles = first.table["handle"].to_pylist()[:1]
    other = made_request(city, "students", digest, handles, tmp_path / "o.smr", fingerprint="0" * 64)
    kept = [kept_path(city.road.package("students"))]
    refused("DEFINITION_MISMATCH", lambda: release_passes(city.agreement, other, kept, tmp_path))
    mine = made_request(city, "students", digest, handles, tmp_path / "m.smr")
    refused("PHASE_BASE", lambda: release_passes(city.agreement, mine, [], tmp_path))
    refused("PHASE_BASE", lambda: release_passes(city.agreement, mine, [city.road.package("students")], tmp_path))
    stranger = made_request(city, "students", "1" * 64, handles, tmp_path / "s.smr")
    refused("PHASE_BASE", lambda: release_passes(city.agreement, stranger, kept, tmp_path))


def test_packages_of_the_wrong_phase_are_refused_at_intake(
    city: City, enrolments: list[PassesReport], tmp_path: Path
) -> None:
    given = written(enrolments)[0]
    dataset = read_dataset(given).manifest.dataset
    others = [path for path in city.road.packages if path != city.road.package(dataset)]

    def link(*packages: Path) -> object:
        return link_packages(city.agreement, packages, tmp_path / "run", clock=lambda: 0.0)

    refused("PHASE_BASE", lambda: link(*others, given))
    copy = tmp_path / "copy.smp"
    shutil.copyfile(given, copy)
    refused("PHASE_ROWS", lambda: link(*city.road.packages, given, copy))
    refused("PHASE_BASE", lambda: request_passes(city.agreement, [*others, given], tmp_path / "requests"))
    # A department that sends the passes of all rows at once is not let in.
    first, digest = read_package(city.road.package(dataset))
    declared = city.agreement.dataset(dataset)
    assert declared is not None
    kept = read_dataset(kept_path(city.road.package(dataset)))
    whole = join_phases(first, [digest], [kept], pass_columns(city.agreement, declared))
    write_dataset(whole, tmp_path / "whole.smp")
    refused("PHASE_UNKNOWN", lambda: link(*others, tmp_path / "whole.smp"))


def test_under_one_phase_there_is_nothing_to_ask_for(road: Road, tmp_path: Path) -> None:
    agreement = read_agreement(road.agreement)
    refused("ONE_PHASE", lambda: request_passes(agreement, road.packages, tmp_path))
