"""DBF: code pages, deleted records, field types, damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from people import PEOPLE, SECRETS, columns_of, dbf_bytes

from secure_match.department.readers import ROW_NUMBER, ReadOptions, open_export
from secure_match.errors import SecureMatchError


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def read_all(path: Path, options: ReadOptions | None) -> None:
    export = open_export(path, options)
    for _ in export.batches([name for name in export.header if name]):
        pass


def refusal(path: Path, options: ReadOptions | None = None) -> SecureMatchError:
    with pytest.raises(SecureMatchError) as caught:
        read_all(path, options)
    assert caught.value.__context__ is None
    assert not any(secret in str(caught.value) for secret in SECRETS)
    return caught.value


@pytest.mark.parametrize(
    ("language", "note"),
    [
        (0, "charset GB18030 (the file does not say; decoded strictly)"),
        (0x4D, "charset GB18030 (language byte 0x4D)"),
        (0x7A, "charset GB18030 (language byte 0x7A)"),
    ],
)
def test_code_pages(tmp_path: Path, language: int, note: str) -> None:
    export = open_export(write(tmp_path / "p.dbf", dbf_bytes(PEOPLE, language=language)))
    assert export.notes == (note,)
    assert columns_of(export) == PEOPLE


def test_other_code_pages_need_a_word(tmp_path: Path) -> None:
    names = ("A", "B", "C", "D", "E")
    fields = [(name, "C", 60) for name in names]
    path = write(tmp_path / "p.dbf", dbf_bytes(PEOPLE, fields=fields, language=0x03, codec="utf-8"))
    assert refusal(path).code == "INPUT_CHARSET"
    assert columns_of(open_export(path, ReadOptions(charset="utf-8")), names) == PEOPLE
    assert refusal(path, ReadOptions(charset="utf-16-le")).code == "INPUT_CHARSET"


@pytest.mark.parametrize("version", [0x03, 0x30, 0xF5])
def test_deleted_records_are_counted_and_keep_their_numbers(tmp_path: Path, version: int) -> None:
    content = dbf_bytes(PEOPLE, deleted=frozenset({1, 3}), version=version)
    export = open_export(write(tmp_path / "p.dbf", content))
    assert export.notes[-1] == "2 deleted records are passed over"
    assert columns_of(export) == [PEOPLE[1], *PEOPLE[3:]]
    assert next(iter(export.batches(["编号"])))[ROW_NUMBER].to_pylist()[:3] == [2, 4, 5]


def test_field_types(tmp_path: Path) -> None:
    fields = [("C", "C", 4), ("N", "N", 20), ("F", "F", 8), ("D", "D", 8), ("L", "L", 1), ("I", "I", 4), ("M", "M", 10)]
    rows = [
        ("张", "999999195001010000", "12.50", "20010203", "T", (7).to_bytes(4, "little"), ""),
        ("\x01\x02", "  -3", "", "", "?", (-1).to_bytes(4, "little", signed=True), ""),
        ("b", "****", "", "2001", "n", (0).to_bytes(4, "little"), ""),
    ]
    path = write(tmp_path / "p.dbf", dbf_bytes(rows, fields=fields))
    export = open_export(path)
    (batch,) = export.batches(["C", "N", "F", "D", "L", "I"])
    assert list(batch.to_pydict().values()) == [
        [1, 2, 3],
        ["张", "\x01\x02", "b"],
        ["999999195001010000", "-3", "****"],
        ["12.50", "", ""],
        ["2001-02-03", "", "2001"],
        ["TRUE", "", "FALSE"],
        ["7", "-1", "0"],
    ]
    assert export.numeric_columns == {}
    error = refusal(path)
    assert (error.code, error.place.column) == ("COLUMN_TYPE", "M")


def test_damage(tmp_path: Path) -> None:
    whole = dbf_bytes(PEOPLE)
    first = int.from_bytes(whole[8:10], "little")
    record = int.from_bytes(whole[10:12], "little")

    def code_of(content: bytes) -> tuple[str, int | None]:
        error = refusal(write(tmp_path / "p.dbf", content))
        return error.code, error.place.row

    assert code_of(whole[: first + 3 * record]) == ("DBF_DAMAGED", None)
    assert code_of(whole[:100]) == ("DBF_DAMAGED", None)
    assert code_of(whole[:4] + (3).to_bytes(4, "little") + whole[8:]) == ("DBF_DAMAGED", None)
    assert code_of(whole[:4] + b"\xff" * 4 + whole[8:]) == ("DBF_DAMAGED", None)
    assert code_of(whole[:10] + b"\x01\x00" + whole[12:]) == ("DBF_DAMAGED", None)
    place = first + 2 * record
    assert code_of(whole[:place] + b"?" + whole[place + 1 :]) == ("DBF_DAMAGED", 3)
    assert code_of(whole[: place + 1] + b"\xff" + whole[place + 2 :]) == ("INPUT_CHARSET", 3)
    assert code_of(whole[: place + 1] + b"\x00K" + whole[place + 3 :]) == ("INPUT_NUL", 3)
    assert code_of(dbf_bytes([])) == ("INPUT_NO_ROWS", None)
    assert code_of(dbf_bytes(PEOPLE[:2], deleted=frozenset({1, 2}))) == ("INPUT_NO_ROWS", None)


def test_records_of_every_control_character(tmp_path: Path) -> None:
    """No control character is left to stand between the cells, so each is decoded alone."""
    rows = [(chr(code) + "张", "x") for code in range(1, 32)]
    export = open_export(write(tmp_path / "p.dbf", dbf_bytes(rows, fields=[("a", "C", 3), ("b", "C", 1)])))
    assert columns_of(export, ("a", "b")) == rows
