"""Truth, pairs and clusters on disk: what is read, and what is refused with its place and never with a value."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secure_match.errors import SecureMatchError
from secure_match.linkage.quality import PairEvidence, PairTruth, PersonTruth
from secure_match.linkage.quality._truth_csv import PairRows, PersonRows, parse_truth
from secure_match.linkage.quality.files import read_evaluation, verify_report_outputs, write_report

SECRET = "TOP-SECRET-VALUE"


def handle(number: int) -> str:
    return hashlib.md5(str(number).encode()).hexdigest()


def refusal(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(SecureMatchError) as caught:
        parse_truth(io.BytesIO(data))
    message = str(caught.value)
    assert SECRET not in message
    return message


def people(*cells: str, header: str = "dataset,handle,person,errors") -> str:
    return "\n".join([header, *cells]) + "\n"


def good(number: int, person: str = "p1", errors: str = "") -> str:
    return f"police,{handle(number)},{person},{errors}"


def test_truth_by_person() -> None:
    text = "\ufeff" + people(
        f"p1,x,{handle(1).upper()},police,id_typo;twin",
        f"人员,x,{handle(2)},police,",
        "",
        f'"a,""b",y,{handle(3)},health,twin',
        f"p1,,{handle(3)},police,no-such.kind;id_typo;id_typo",
        header="person,more,handle,dataset,errors",
    )
    said = parse_truth(io.BytesIO(text.replace("\n", "\r\n").encode()))
    assert isinstance(said, PersonRows)
    assert said.person.tolist() == [0, 1, 2, 0]
    assert said.kinds == ("id_typo", "no-such.kind", "twin")
    assert said.errors.tolist() == [0b101, 0, 0b100, 0b011]
    assert said.has_errors
    assert [value.hex() for value in said.rows[1].to_pylist()] == [handle(1), handle(2), handle(3), handle(3)]
    assert said.rows[0].to_pylist() == ["police", "police", "health", "police"]


def test_truth_by_pair() -> None:
    words = ["1", "0", "true", "FALSE", "Match", "non_match"]
    rows = [f"police,{handle(0)},health,{handle(place + 1)},{word}" for place, word in enumerate(words)]
    said = parse_truth(io.BytesIO(people(*rows, header="dataset_a,handle_a,dataset_b,handle_b,is_match").encode()))
    assert isinstance(said, PairRows)
    assert said.is_match.tolist() == [True, False] * 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "TRUTH_HEADER: row 1"),
        (f"{SECRET},handle,person\n", "TRUTH_HEADER: row 1"),
        ("dataset,handle,person,person\n", "TRUTH_HEADER: row 1"),
        ("dataset,handle,person,dataset_a,handle_a,dataset_b,handle_b,is_match\n", "TRUTH_HEADER: row 1"),
        ("dataset,handle,person\n".encode("utf-16"), "TRUTH_HEADER: row 1"),
        ("dataset,handle,person\n", "TRUTH_EMPTY"),
        ("dataset,handle,person", "TRUTH_EMPTY"),
        (people(good(1), f"police,{handle(2)},{SECRET}"), "TRUTH_ROW: row 3"),
        (people(good(1), "", f"{good(2)},{SECRET}"), "TRUTH_ROW: row 4"),
        (people(good(1), f"police,{SECRET},p,"), "TRUTH_VALUE: row 3, column handle"),
        (people(good(1), "", "", good(2), f"police,{'g' * 32},{SECRET},"), "TRUTH_VALUE: row 6, column handle"),
        (people(good(1), f",{handle(2)},{SECRET},"), "TRUTH_VALUE: row 3, column dataset"),
        (people(good(1), good(2, person="")), "TRUTH_VALUE: row 3, column person"),
        (people(good(1), good(2, errors=SECRET)), "TRUTH_VALUE: row 3, column errors"),
        (people(*(good(n, errors=f"kind{n}") for n in range(65))), "TRUTH_VALUE: column errors"),
        (
            people(good(1)).encode() + f"police,{handle(2)},\xff{SECRET},\n".encode("latin-1"),
            "TRUTH_VALUE: row 3, column",
        ),
        (
            people(f"a,{handle(1)},b,{handle(2)},{SECRET}", header="dataset_a,handle_a,dataset_b,handle_b,is_match"),
            "TRUTH_VALUE: row 2, column is_match",
        ),
    ],
)
def test_bad_truth_is_refused_with_its_place(text: str | bytes, expected: str) -> None:
    assert refusal(text).startswith(expected)


def run_table(pairs: list[tuple[int, int]], **changes: Any) -> pa.Table:
    columns: dict[str, Any] = {}
    for side, rows in (("a", [pair[0] for pair in pairs]), ("b", [pair[1] for pair in pairs])):
        columns[f"dataset_{side}"] = pa.array(["police"] * len(pairs)).dictionary_encode()
        columns[f"handle_{side}"] = pa.array([bytes.fromhex(handle(row)) for row in rows], pa.binary(16))
    columns["token_state"] = pa.array(["UNKNOWN"] * len(pairs)).dictionary_encode()
    columns["similarity.birth"] = pa.array([0.5 + place / 10 for place in range(len(pairs))])
    columns["similarity.phone"] = pa.array([None] * len(pairs), pa.float64())
    columns["decision"] = pa.array(["LINK"] * len(pairs)).dictionary_encode()
    columns["refused"] = pa.array([False] * len(pairs))
    columns |= changes
    return pa.table({name: column for name, column in columns.items() if column is not None})


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "truth.csv").write_text(people(*(good(n, f"p{n % 2}") for n in range(4))), encoding="utf-8")
    pq.write_table(run_table([(0, 2), (1, 3), (0, 9)]), tmp_path / "links.parquet")
    return tmp_path


def read(here: Path, **options: Any) -> tuple[PairEvidence, PersonTruth | PairTruth, np.ndarray | None]:
    return read_evaluation(here / "links.parquet", here / "truth.csv", **options)


def test_rows_of_the_truth_come_first(here: Path) -> None:
    pairs, truth, labels = read(here)
    assert list(zip(pairs.row_i.tolist(), pairs.row_j.tolist(), strict=True)) == [(0, 2), (1, 3), (0, 4)]
    assert isinstance(truth, PersonTruth)
    assert truth.person.tolist() == [0, 1, 0, 1]
    assert (pairs.num_rows, pairs.score_name, labels) == (5, "best_similarity", None)
    assert pairs.score.tolist() == [0.5, 0.6, 0.7]
    assert {name: flags.tolist() for name, flags in pairs.compared.items()} == {
        "birth": [True] * 3,
        "phone": [False] * 3,
    }
    assert read(here, score="similarity.birth")[0].score_name == "similarity.birth"


def test_a_model_gives_weight_and_probability(here: Path) -> None:
    more = {
        "match_weight": pa.array([3.5, -1.0, float("inf")]),
        "match_probability": pa.array([0.9, 0.3, 1.0]),
        "weight.birth": pa.array([1, 2, None], pa.float32()),
        "reviewed": pa.array([None, "MATCH", None]).dictionary_encode(),
        "token_state": pa.array(["EQUAL", "DIFFERENT", "EQUAL"]).dictionary_encode(),
    }
    pq.write_table(run_table([(0, 2), (1, 3), (0, 9)], **more), here / "links.parquet")
    pairs, _, _ = read(here)
    assert (pairs.score_name, pairs.reviewed, pairs.implied) == ("match_weight", 1, 1)
    assert pairs.score.tolist() == [3.5, -1.0, float("inf"), 3.5]
    weights = read(here, score="weight.birth")[0].score
    assert weights[:2].tolist() == [1.0, 2.0]
    assert np.isnan(weights[2:]).all()
    pq.write_table(run_table([(0, 2), (1, 3)], token_state=pa.array(["EQUAL", "UNKNOWN"])), here / "links.parquet")
    assert read(here)[0].score.tolist() == [1.0, 0.6]


def test_groups_of_rows_with_dictionaries_of_their_own(here: Path) -> None:
    whole = run_table([(0, 2), (1, 3), (0, 9)], decision=pa.array(["NON_LINK", "LINK", "POSSIBLE_LINK"]))
    with pq.ParquetWriter(here / "links.parquet", whole.schema) as writer:
        for place in range(3):
            writer.write_table(whole.slice(place, 1))
    pairs, _, _ = read(here)
    assert pairs.decision.tolist() == [2, 0, 1]
    assert pairs.linked.tolist() == [False, True, False]


def test_clusters_are_read(here: Path) -> None:
    rows = {
        "dataset": pa.array(["police"] * 3),
        "handle": pa.array([bytes.fromhex(handle(n)) for n in (0, 2, 77)], pa.binary(16)),
        "cluster": pa.array(["x", "x", "y"]),
    }
    pq.write_table(pa.table(rows), here / "clusters.parquet")
    pairs, _, labels = read(here, clusters=here / "clusters.parquet")
    assert labels is not None
    assert len(labels) == pairs.num_rows == 6
    assert labels[0] == labels[2]
    assert len(set(labels.tolist())) == 5


BROKEN_PAIRS: dict[str, tuple[list[tuple[int, int]], dict[str, Any], str]] = {
    "no handles": ([(0, 2)], {"handle_a": None}, "PAIRS_COLUMN: {file}, column handle_a"),
    "handles as text": ([(0, 2)], {"handle_b": pa.array([SECRET])}, "PAIRS_COLUMN: {file}, column handle_b"),
    "no decision": ([(0, 2)], {"decision": None}, "PAIRS_COLUMN: {file}, column decision"),
    "another decision": ([(0, 2)], {"decision": pa.array(["MAYBE"])}, "PAIRS_COLUMN: {file}, column decision"),
    "a value as state": ([(0, 2)], {"token_state": pa.array([SECRET])}, "PAIRS_COLUMN: {file}, column token_state"),
    "an empty state": ([(0, 2)], {"token_state": pa.array([None], pa.string())}, "PAIRS_COLUMN: {file}, column token"),
    "refused as text": ([(0, 2)], {"refused": pa.array(["no"])}, "PAIRS_COLUMN: {file}, column refused"),
    "a pair twice": ([(0, 2), (1, 3), (2, 0)], {}, "PAIRS_REPEATED: {file}, row 3: "),
    "a row with itself": ([(0, 2), (3, 3)], {}, "PAIRS_REPEATED: {file}, row 2: "),
    "weight as text": ([(0, 2)], {"match_weight": pa.array([SECRET])}, "PAIRS_COLUMN: {file}, column match_weight"),
}


@pytest.mark.parametrize("case", BROKEN_PAIRS)
def test_bad_pairs_are_refused_with_their_place(case: str, here: Path) -> None:
    pairs, changes, expected = BROKEN_PAIRS[case]
    pq.write_table(run_table(pairs, **changes), here / "links.parquet")
    with pytest.raises(SecureMatchError) as caught:
        read(here)
    assert str(caught.value).startswith(expected.format(file=here / "links.parquet"))
    assert SECRET not in str(caught.value)


def test_other_files_are_refused(here: Path) -> None:
    with pytest.raises(SecureMatchError, match=r"^THRESHOLD_COLUMN: "):
        read(here, score="token_state")
    (here / "clusters.parquet").write_bytes(b"PAR1" + SECRET.encode())
    with pytest.raises(SecureMatchError, match=r"^PARQUET_DAMAGED: .*clusters\.parquet"):
        read(here, clusters=here / "clusters.parquet")
    pq.write_table(pa.table({"dataset": ["police"], "cluster": [1]}), here / "clusters.parquet")
    with pytest.raises(SecureMatchError, match=r"^CLUSTERS_COLUMN: .*column handle"):
        read(here, clusters=here / "clusters.parquet")
    nested = {"dataset": ["p"], "handle": pa.array([bytes(16)], pa.binary(16)), "cluster": [[1]]}
    pq.write_table(pa.table(nested), here / "clusters.parquet")
    with pytest.raises(SecureMatchError, match=r"^CLUSTERS_COLUMN: .*column cluster"):
        read(here, clusters=here / "clusters.parquet")
    twice = pa.array([bytes(16)] * 2, pa.binary(16))
    pq.write_table(pa.table({"dataset": ["p", "p"], "handle": twice, "cluster": [1, 2]}), here / "clusters.parquet")
    with pytest.raises(SecureMatchError, match=r"^CLUSTERS_REPEATED: .*clusters\.parquet, row 2: "):
        read(here, clusters=here / "clusters.parquet")
    (here / "truth.csv").write_text(people(good(1), "", good(2), good(1)), encoding="utf-8")
    with pytest.raises(SecureMatchError, match=r"^TRUTH_REPEATED: .*truth\.csv, row 5: "):
        read(here)
    header = "dataset_a,handle_a,dataset_b,handle_b,is_match"
    pair = [f"police,{handle(0)},police,{handle(n)},1" for n in (1, 0)]
    (here / "truth.csv").write_text(people(*pair, header=header), encoding="utf-8")
    with pytest.raises(SecureMatchError, match=r"^TRUTH_REPEATED: .*truth\.csv, row 3: "):
        read(here)
    (here / "truth.csv").unlink()
    with pytest.raises(SecureMatchError, match=r"^FILE_NOT_FOUND: .*truth\.csv"):
        read(here)


def test_only_an_earlier_evaluation_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    verify_report_outputs(out, ["evaluation.json"])
    assert not out.exists()
    write_report(out, "evaluation.json", {}, {"sweep.svg": "a plot", "calibration.svg": ""})
    assert sorted(path.name for path in out.iterdir()) == ["evaluation.json", "sweep.svg"]
    write_report(out, "evaluation.json", {}, {"sweep.svg": "", "calibration.svg": ""})
    assert sorted(path.name for path in out.iterdir()) == ["evaluation.json"]
    (out / "evaluation.json").write_text('{"format": "secure_match/evaluation"}', encoding="utf-8")
    verify_report_outputs(out, ["evaluation.json"])
    (out / "evaluation.html").write_text(SECRET, encoding="utf-8")
    with pytest.raises(SecureMatchError, match=r"^FILE_EXISTS: .*evaluation\.html"):
        verify_report_outputs(out, ["evaluation.json", "evaluation.html"])
    with pytest.raises(SecureMatchError, match=r"^FILE_NOT_WRITABLE: "):
        verify_report_outputs(out / "evaluation.html", ["evaluation.json"])
