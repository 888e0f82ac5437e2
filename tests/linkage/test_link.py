"""Linking of tiny datasets made by hand: tokens, passes, thresholds, the constraint, and what is refused."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bureau.hand_rows import AGREEMENT, Row, encode, person
from secure_match.agreement import Agreement
from secure_match.encoded import EncodedDataset
from secure_match.errors import LinkageError, PackageError
from secure_match.linkage import Decision, LinkResult, TokenState, link

OPEN = {"first_month": "202601", "last_month": None}
PHONE = "13912345678"
Pair = tuple[str, str]


def enrolled(sequence: int, name: str | None, row_key: str, **more: Any) -> Row:
    return person(sequence, name, row_key=row_key, **(OPEN | more))


def citizen(sequence: int, name: str | None, row_key: str, **more: Any) -> Row:
    return person(sequence, name, row_key=row_key, **({"status": "1"} | more))


class Names:
    """Rows by the row key that they were made from."""

    def __init__(self, agreement: Agreement = AGREEMENT, **rows: list[Row]) -> None:
        self.agreement = agreement
        self.datasets = [encode(name, given, agreement) for name, given in rows.items()]
        self.of: dict[bytes, str] = {}
        for name, given in rows.items():
            for row in given:
                (handle,) = encode(name, [row], agreement).table["handle"].to_pylist()
                self.of[handle] = row["row_key"]

    def link(self) -> tuple[LinkResult, dict[Pair, tuple[str, str]]]:
        """The result, and pair of row keys to token state and decision."""
        result = link(self.agreement, self.datasets)
        named = [self.of[handle.tobytes()] for handle in result.rows.handles]
        pairs = {
            (named[i], named[j]): (TokenState(state).name, Decision(decision).name)
            for i, j, state, decision in zip(
                result.row_i, result.row_j, result.token_state, result.decision, strict=True
            )
        }
        return result, {(min(pair), max(pair)): value for pair, value in pairs.items()}

    def clusters(self, result: LinkResult) -> set[tuple[str, ...]]:
        named = [self.of[handle.tobytes()] for handle in result.rows.handles]
        groups: dict[int, list[str]] = {}
        for name, label in zip(named, result.labels.tolist(), strict=True):
            groups.setdefault(label, []).append(name)
        return {tuple(sorted(group)) for group in groups.values()}


def test_equal_id_numbers_link_whatever_else_differs() -> None:
    city = Names(
        employee_medical=[enrolled(1, "张三", "e1")],
        resident_medical=[enrolled(1, "王二麻", "r1")],
        students=[person(1, None, row_key="s1")],
    )
    result, pairs = city.link()
    assert pairs == {("e1", "r1"): ("EQUAL", "LINK"), ("e1", "s1"): ("EQUAL", "LINK")}
    assert city.clusters(result) == {("e1", "r1", "s1")}
    assert [report.candidates for report in result.passes] == [0, 0, 0]


def test_a_missing_id_number_links_by_name_and_birth_date() -> None:
    city = Names(
        employee_medical=[enrolled(1, "欧阳震华", "e1"), enrolled(3, "王五", "e3", birth="19900102")],
        resident_medical=[enrolled(1, "欧阳震华", "r1", known=False), enrolled(3, "王五", "r3", known=False)],
    )
    result, pairs = city.link()
    # r3 has e3's name and another birth date, which is similar: a clerk has to look.
    assert pairs[("e1", "r1")] == ("UNKNOWN", "LINK")
    assert pairs[("e3", "r3")] == ("UNKNOWN", "POSSIBLE_LINK")
    assert len(pairs) == 2
    assert city.clusters(result) == {("e1", "r1"), ("e3",), ("r3",)}
    place = result.decision.tolist().index(Decision.LINK)
    assert set(result.similarity) == {"birth", "name", "phone"}
    assert result.similarity["birth"][place] == 1.0
    assert np.isnan(result.similarity["phone"][place])


def test_nothing_known_agrees_with_nothing() -> None:
    bare = {"known": False, "birth": ""}
    city = Names(
        employee_medical=[enrolled(1, "张三", "e1", phone=PHONE, **bare), enrolled(2, None, "e2")],
        resident_medical=[enrolled(1, "李四", "r1", phone=PHONE, **bare), enrolled(4, None, "r2")],
    )
    result, pairs = city.link()
    assert pairs == {}
    assert city.clusters(result) == {("e1",), ("e2",), ("r1",), ("r2",)}


def test_different_id_numbers_need_two_passes_or_a_very_similar_encoding() -> None:
    """One name, sex and birth date with two valid numbers."""
    city = Names(
        employee_medical=[enrolled(1, "张三", "e1"), enrolled(11, "欧阳震华", "e2"), enrolled(21, "王小明", "e3")],
        resident_medical=[enrolled(3, "张三", "r1"), enrolled(13, "欧阳震化", "r2"), enrolled(23, "赵大海", "r3")],
    )
    result, pairs = city.link()
    assert pairs[("e1", "r1")] == ("DIFFERENT", "LINK")
    assert pairs.get(("e2", "r2"), ("", ""))[1] != "LINK"
    assert ("e3", "r3") not in pairs
    assert ("e1", "r1") in city.clusters(result)


def test_two_passes_over_their_thresholds_link_two_different_numbers() -> None:
    strict = AGREEMENT.thresholds.model_copy(update={"different_ids_link": 1.0, "different_ids_review": 1.0})
    one_pass = tuple(item for item in AGREEMENT.passes if item.id == "phone")
    rows = {
        "employee_medical": [enrolled(1, "欧阳震华", "e1", phone=PHONE)],
        "resident_medical": [enrolled(3, "欧阳震化", "r1", phone=PHONE)],
    }
    # The name differs in one character of four: in no pass is the similarity 1.
    for passes, decision in ((AGREEMENT.passes, "LINK"), (one_pass, "POSSIBLE_LINK")):
        low = tuple(item.model_copy(update={"link_threshold": 0.5, "review_threshold": 0.5}) for item in passes)
        city = Names(AGREEMENT.model_copy(update={"thresholds": strict, "passes": low}), **rows)
        result, pairs = city.link()
        assert pairs == {("e1", "r1"): ("DIFFERENT", decision)}
        over = [name for name, values in result.similarity.items() if values[0] >= 0.5]
        assert over == (["birth", "phone"] if len(passes) > 1 else ["phone"])
        assert all(values[0] < 1.0 or np.isnan(values[0]) for values in result.similarity.values())


def test_a_person_stands_in_the_population_once() -> None:
    city = Names(
        population=[citizen(1, "张三", "p1"), citizen(3, "张三", "p2", known=False)],
        employee_medical=[enrolled(1, "张三", "e1")],
    )
    result, pairs = city.link()
    assert pairs[("p1", "p2")] == ("UNKNOWN", "LINK")
    assert pairs[("e1", "p1")] == ("EQUAL", "LINK")
    # The equal number is the stronger link; it is taken first, and the others would join two people.
    assert city.clusters(result) == {("e1", "p1"), ("p2",)}
    refused = {
        (int(i), int(j)) for i, j in zip(result.row_i[result.refused], result.row_j[result.refused], strict=True)
    }
    assert len(refused) == 2
    assert set(result.pairs_table().filter(pa.array(result.refused))["decision"].to_pylist()) == {"LINK"}
    free = AGREEMENT.datasets[0].model_copy(update={"one_record_per_person": False})
    city = Names(
        AGREEMENT.model_copy(update={"datasets": (free, *AGREEMENT.datasets[1:])}),
        population=[citizen(1, "张三", "p1"), citizen(3, "张三", "p2", known=False)],
        employee_medical=[enrolled(1, "张三", "e1")],
    )
    result, _ = city.link()
    assert city.clusters(result) == {("e1", "p1", "p2")}
    assert not result.refused.any()


def test_the_similarity_is_dice() -> None:
    city = Names(
        employee_medical=[enrolled(1, "欧阳震华", "e1")], resident_medical=[enrolled(1, "欧阳震化", "r1", known=False)]
    )
    result, _ = city.link()
    one, two = (int.from_bytes(dataset.encodings("birth")[0].tobytes(), "big") for dataset in city.datasets)
    dice = 2 * (one & two).bit_count() / (one.bit_count() + two.bit_count())
    assert result.similarity["birth"].tolist() == [pytest.approx(dice, abs=1e-12)]


def shuffled(dataset: EncodedDataset, random: Random) -> EncodedDataset:
    order = list(range(len(dataset)))
    random.shuffle(order)
    return EncodedDataset(manifest=dataset.manifest, table=dataset.table.take(pa.array(order, pa.int64())))


def test_the_order_of_datasets_changes_nothing() -> None:
    random = Random(4)
    names = ["张三", "李四", "王五", "欧阳震华", "欧阳震化", "张三丰"]

    def some(make: Any, count: int) -> list[Row]:
        rows = []
        for place in range(count):
            known = random.random() < 0.7
            birth = random.choice(["19900101", "19900102", "20000101"])
            rows.append(make(random.randrange(20), random.choice(names), f"k{place}", birth=birth, known=known))
        return rows

    datasets = [
        encode("population", some(citizen, 40)),
        encode("employee_medical", some(enrolled, 40)),
        encode("resident_medical", some(enrolled, 40)),
    ]
    expected = link(AGREEMENT, datasets)
    assert len(expected.row_i) > 50
    assert np.all(np.lexsort((expected.row_j, expected.row_i)) == np.arange(len(expected.row_i)))
    assert (expected.row_i < expected.row_j).all()
    for threads in (1, 2, None):
        random.shuffle(datasets)
        result = link(AGREEMENT, datasets, threads=threads)
        assert result.pairs_table().equals(expected.pairs_table())
        assert result.labels.tolist() == expected.labels.tolist()
        assert result.rows.handles.tobytes() == expected.rows.handles.tobytes()
        assert result.passes == expected.passes


def test_rows_that_do_not_stand_in_the_order_of_their_handles_are_refused() -> None:
    dataset = encode("population", [citizen(place, "张三", f"p{place}") for place in range(20)])
    link(AGREEMENT, [dataset])
    with pytest.raises(PackageError) as caught:
        link(AGREEMENT, [shuffled(dataset, Random(1))])
    assert caught.value.code == "PACKAGE_ORDER"


def test_a_block_that_is_too_large_is_reported_and_not_compared() -> None:
    limits = AGREEMENT.limits.model_copy(update={"max_block_rows": 3})
    agreement = AGREEMENT.model_copy(update={"limits": limits})
    rows = [
        enrolled(place, name, f"e{place}", known=False) for place, name in zip((1, 3, 5, 7), "张李王赵", strict=True)
    ]
    result = link(agreement, [encode("employee_medical", rows, agreement)])
    birth = next(report for report in result.passes if report.id == "birth")
    assert (birth.skipped_blocks, birth.skipped_rows, birth.compared) == (1, 4, 0)
    result = link(agreement, [encode("employee_medical", rows[:3], agreement)])
    birth = next(report for report in result.passes if report.id == "birth")
    assert (birth.skipped_blocks, birth.skipped_rows, birth.compared) == (0, 0, 3)


ONE = encode("employee_medical", [enrolled(1, "张三", "e1")])


def with_manifest(**changes: Any) -> EncodedDataset:
    return EncodedDataset(manifest=ONE.manifest.model_copy(update=changes), table=ONE.table)


def refused(*datasets: EncodedDataset, agreement: Agreement = AGREEMENT) -> str:
    with pytest.raises(LinkageError) as caught:
        link(agreement, datasets)
    return caught.value.code


def test_datasets_that_do_not_belong_together() -> None:
    resident = encode("resident_medical", [enrolled(1, "张三", "r1")], encoding_secret=b"o" * 32)
    amended = AGREEMENT.model_copy(update={"title": "other"})
    assert refused() == "NO_DATASETS"
    assert refused(ONE, resident) == "KEY_MISMATCH"
    assert refused(resident, ONE) == "KEY_MISMATCH"
    assert refused(ONE, agreement=amended) == "DEFINITION_MISMATCH"
    assert refused(with_manifest(definition_fingerprint="0" * 64)) == "DEFINITION_MISMATCH"
    assert refused(with_manifest(key_epoch="1")) == "EPOCH_MISMATCH"
    assert refused(with_manifest(dataset="soldiers")) == "DATASET_UNKNOWN"
    assert refused(with_manifest(owner="police")) == "DATASET_OWNER"
    assert refused(ONE, ONE) == "DATASET_REPEATED"


def test_datasets_whose_columns_are_not_the_agreements() -> None:
    without = EncodedDataset(
        manifest=ONE.manifest.model_copy(update={"id_tokens": False}), table=ONE.table.drop_columns(["id_token"])
    )
    assert refused(without) == "DATASET_COLUMNS"
    # The columns of another dataset under this one's name.
    students = encode("students", [person(1, "张三")])
    manifest = students.manifest.model_copy(update={"dataset": "employee_medical", "owner": "medical"})
    assert refused(EncodedDataset(manifest=manifest, table=students.table)) == "DATASET_COLUMNS"


def test_empty_datasets_link_to_nothing() -> None:
    result = link(AGREEMENT, [encode("population", []), encode("students", [])])
    assert (len(result.row_i), len(result.labels), result.pairs_table().num_rows) == (0, 0, 0)


def test_a_number_on_too_many_rows_is_no_number() -> None:
    """A placeholder that passes the check must not make one person of everybody who has it."""
    content = AGREEMENT.model_dump()
    content["limits"]["max_rows_per_person"] = 2
    agreement = Agreement.model_validate(content)
    number = enrolled(1, "甲一", "x")["id_number"]
    rows = [
        enrolled(place, name, name, id_number=number) for place, name in enumerate(("甲一", "乙二", "丙三"), start=1)
    ]
    few, _ = Names(agreement, employee_medical=rows[:2]).link()
    assert (few.crowded_tokens.tokens, few.crowded_tokens.rows) == (0, 0)
    assert (few.decision == Decision.LINK).sum() == 1
    many, _ = Names(agreement, employee_medical=rows).link()
    assert (many.crowded_tokens.tokens, many.crowded_tokens.rows) == (1, 3)
    assert (many.decision == Decision.LINK).sum() == 0
