"""Texts of other people: no markup, no escape sequence, no invisible character reaches a terminal as itself."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bureau.hand_rows import AGREEMENT, agreement_text
from encoded.tiny import MANIFEST, TABLE
from hostile.forge import rebuilt
from secure_match.agreement import parse_agreement
from secure_match.cli import _output
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import read_dataset, write_dataset
from secure_match.enrolment import FINDINGS_SCHEMA, FindingsManifest, FindingSource, FindingsPackage, RuleTitle
from secure_match.enrolment.files import read_findings, write_findings
from secure_match.errors import AgreementError, LinkageError, PackageError, Place, SecureMatchError, visible
from secure_match.linkage import verify_linkable

ESCAPE = "\x1b[2J\x1b]0;x\x07"
HIDDEN = [
    "\x00",
    "\x07",
    "\x1b",
    "\x7f",
    "\x85",
    "\x9b",
    "\u00ad",
    "\u200b",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\U000e0041",
]
HIDDEN += ["\u2028", "\u2029", "\ud800", "\udfff"]
ORDINARY = "赵甲\u3000乙 · é 𠮷 \ue000"


@pytest.mark.parametrize("mark", HIDDEN, ids=ascii)
def test_hidden_characters_are_shown(mark: str) -> None:
    shown = visible(f"a{mark}b")
    assert shown.isascii()
    assert shown == f"a\\{ascii(mark)[2:-1]}b"


def test_ordinary_text_stays() -> None:
    assert visible(ORDINARY) == ORDINARY
    assert visible("abc\\x1b") == "abc\\x1b"
    assert visible("a" * 500, longest=100) == "a" * 50 + "…" + "a" * 50


def test_an_error_is_one_bounded_line_of_visible_characters() -> None:
    place = Place(file=f"dir/{ESCAPE}.smp", row=3, column=f"{ESCAPE}\n\u202e赵", key="A" * 1_000_000)
    text = str(SecureMatchError(f"no dataset {ESCAPE}\nnext" + "x" * 100_000, code="X_Y", place=place))
    assert len(text) < 1600
    assert all(unicodedata.category(mark)[0] != "C" for mark in text)
    assert "\\x1b[2J" in text
    assert "\\u202e赵" in text
    assert str(SecureMatchError("的\nb", code="X_Y")) == "X_Y: 的 b"


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setattr(_output, "_out", Console(highlight=False, soft_wrap=True, width=140, force_terminal=True))
    return lambda: capsys.readouterr().out


def test_nothing_is_markup(printed: Any) -> None:
    _output.say("[red]a[/red] :smile: [/nope]")
    _output.show_table("[/nope] [b]t", ["[#x]", "n"], [["[#钱乙] [a 赵甲]", "[link=x]1"]])
    text = printed()
    for literal in ("[red]a[/red] :smile: [/nope]", "[/nope] [b]t", "[#x]", "[#钱乙] [a 赵甲]", "[link=x]1"):
        assert literal in text


def test_nothing_moves_the_cursor(printed: Any) -> None:
    _output.say(f"a{ESCAPE}")
    _output.show_table(f"t{ESCAPE}", [f"h{ESCAPE}", "\u202en"], [[f"c{ESCAPE}\n", "1"]])
    text = printed()
    assert "\x1b[2J" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert text.count("\\x1b[2J") == 4


def test_json_keeps_the_data_and_hides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"a": f"{ESCAPE}\u202e赵\u2028\U000e0041\x9b\ud800"}
    _output.print_json(value)
    text = capsys.readouterr().out
    assert json.loads(text) == value
    assert "赵" in text
    assert all(unicodedata.category(mark)[0] != "C" or mark == "\n" for mark in text)


def changed(old: str, new: str) -> str:
    text = agreement_text()
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize("mark", ["\\u001b", "\\u202E", "\\n", "\\u200B", "\\u0085", "\\u2028"])
@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('title = "常住人口"', 'title = "常住{}人口"', "datasets[0].title"),
        ('codes = ["1", "2", "3"]', 'codes = ["1", "2{}", "3"]', "datasets[0].columns[0].codes[1]"),
        ('column = "人员状态"', 'column = "人员{}状态"', "datasets[0].columns[0].column"),
        ('id = "population"', 'id = "population{}"', "datasets[0].id"),
    ],
)
def test_agreements_refuse_what_cannot_be_seen(mark: str, old: str, new: str, key: str) -> None:
    with pytest.raises(AgreementError) as caught:
        parse_agreement(changed(old, new.replace("{}", mark)))
    assert (caught.value.code, caught.value.place.key) == ("AGREEMENT_INVALID", key)
    if not key.endswith(".id"):
        assert "invisible characters" in str(caught.value)
        assert "Value error" not in str(caught.value)


def test_agreements_with_brackets_are_shown_as_they_are(tmp_path: Path, printed: Any) -> None:
    from secure_match.cli._agreement import check

    path = tmp_path / "agreement.toml"
    text = changed('codes = ["1", "2", "3"]', 'codes = ["1", "2", "3", "[a 赵甲]", "[#x]"]')
    path.write_text(text.replace('title = "常住人口"', 'title = "[/nope]"', 1), encoding="utf-8")
    check(path, as_json=False)
    shown = printed()
    assert "population ([/nope]), owned by" in shown
    assert "1, 2, 3, [a 赵甲], [#x]" in shown


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dataset", ESCAPE),
        ("dataset", "people\n"),
        ("owner", "Police"),
        ("definition_id", "a/b/c"),
        ("definition_id", f"city{ESCAPE}"),
        ("key_epoch", "1\u202e"),
        ("tool", ESCAPE),
        ("tool", "t" * 2001),
        (ESCAPE, 1),
    ],
)
def test_manifests_of_encodings(tmp_path: Path, key: str, value: Any) -> None:
    path = tmp_path / "tiny.smp"
    write_dataset(EncodedDataset(manifest=MANIFEST, table=TABLE), path)
    path.write_bytes(rebuilt(path, manifest={key: value}))
    with pytest.raises(PackageError) as caught:
        read_dataset(path)
    assert (caught.value.code, caught.value.place.key) == ("PACKAGE_MANIFEST", key)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("definition_id", ["clkhash-v3", "clkhash-v3/missing-no-bits"])
def test_packages_of_a_linkage_schema_name_nothing(tmp_path: Path, definition_id: str) -> None:
    path = tmp_path / "tiny.smp"
    write_dataset(EncodedDataset(manifest=MANIFEST, table=TABLE), path)
    named = {
        "dataset": "",
        "owner": "",
        "key_epoch": "",
        "definition": "linkage-schema",
        "definition_id": definition_id,
    }
    path.write_bytes(rebuilt(path, manifest=named))
    dataset = read_dataset(path)
    assert dataset.manifest.definition_id == definition_id
    with pytest.raises(LinkageError) as caught:
        verify_linkable(AGREEMENT, [dataset])
    assert caught.value.code == "DEFINITION_MISMATCH"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"recipient": ESCAPE}, "recipient"),
        ({"agreement_id": "A"}, "agreement_id"),
        ({"dataset_titles": {ESCAPE: "t"}}, None),
        ({"dataset_titles": {"d": "\u202e"}}, "dataset_titles.d"),
        ({"tool": "\x9b"}, "tool"),
        ({"sources": [{"dataset": "../d"}]}, "sources[0].dataset"),
        ({"sources": [{"title": ESCAPE}]}, "sources[0].title"),
        ({"sources": [{"row_key": "k\n"}]}, "sources[0].row_key"),
        ({"rules": [{"id": ESCAPE, "kind": "missing", "title": "t"}]}, "rules[0].id"),
        ({"rules": [{"id": "r", "kind": "missing", "title": ESCAPE}]}, "rules[0].title"),
    ],
)
def test_manifests_of_findings(tmp_path: Path, change: dict[str, Any], key: str | None) -> None:
    source = FindingSource(dataset="d", title="t", row_key="k", handle_key_id="0" * 16, package_digest="0" * 64)
    manifest = FindingsManifest(
        agreement_id="city",
        agreement_fingerprint="0" * 64,
        key_epoch="1",
        recipient="police",
        sources=(source,),
        dataset_titles={"d": "t"},
        rules=(RuleTitle(id="r", kind="missing", title="t"),),
        rows=0,
        tool="test",
    )
    path = tmp_path / "f.smf"
    write_findings(FindingsPackage(manifest=manifest, table=FINDINGS_SCHEMA.empty_table()), path)
    if "sources" in change:
        change = {"sources": [source.model_dump() | change["sources"][0]]}
    path.write_bytes(rebuilt(path, manifest=change))
    with pytest.raises(PackageError) as caught:
        read_findings(path)
    assert caught.value.code == "PACKAGE_MANIFEST"
    assert key is None or caught.value.place.key == key
    assert all(unicodedata.category(mark)[0] != "C" for mark in str(caught.value))
