"""The documents are true: what they show is what happens, links lead somewhere, codes and keys are all there."""

from __future__ import annotations

import ast
import importlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import numpy as np
import pyarrow as pa
import pytest
import typer
from docs_console import REPOSITORY, blocks, demo_output, matches, run_document, run_python
from pydantic import BaseModel

from secure_match.agreement import Agreement, Pass
from secure_match.department import DepartmentKey, _labels
from secure_match.department.handles import HandleMaker
from secure_match.department.keys import derive_key, derive_key_id
from secure_match.department.normalise import NormalisedField
from secure_match.department.passes import PassKeys, encode_pass, tokenise
from secure_match.department.tokens import id_tokens
from secure_match.kernels._seen import SeenKeys

DOCS = REPOSITORY / "docs"
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md"), *REPOSITORY.glob("examples/*/*.md")])
TWINS = [
    path
    for path in DOCUMENTS
    if path.with_name(path.name.replace(".md", ".zh-CN.md")) in DOCUMENTS and not path.name.endswith(".zh-CN.md")
]
HOW_TOS = ("department", "inspect", "bureau", "review-links", "evaluate", "reviewer", "keys", "developer", "rehearse")
WITH_PYTHON = (
    "README.md",
    "docs/how-to/bureau.md",
    "docs/how-to/evaluate.md",
    "docs/how-to/developer.md",
    "docs/reference/python-api.md",
    "docs/spec/package.md",
)
DEMO = "--people 20000 --seed 7 --out demo-out"
PASS_KEYS = {
    "tag_key": "block-tag",
    "block_key": "pass-block",
    "token_key": "pass-token",
    "position_key": "pass-position",
}
CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
NO_CODES = {
    "ARROW_FILE": "a format",
    "ARROW_STREAM": "a format",
    "ARROW_DEFAULT_MEMORY_POOL": "a variable of the environment",
    "LOW_PROBABILITY": "why a pair is in the queue",
    "NON_MATCH": "what a clerk decided",
    "O_BINARY": "a flag of the system",
    "O_NOFOLLOW": "a flag of the system",
    "POSSIBLE_LINK": "a decision",
    "LC_ALL": "a variable of the environment",
    "LC_MESSAGES": "a variable of the environment",
    "SECURE_MATCH_DB_PASSWORD": "a variable of the environment",
    "SECURE_MATCH_DB_PASSWORD_FILE": "a variable of the environment",
    "SECURE_MATCH_IDENTITY": "a variable of the environment",
    "SECURE_MATCH_LOG": "a variable of the environment",
    "SECURE_MATCH_OPERATOR": "a variable of the environment",
    "SECURE_MATCH_PASSPHRASE": "a variable of the environment",
    "SECURE_MATCH_PASSPHRASE_FILE": "a variable of the environment",
    "SECURE_MATCH_PKCS11_PIN": "a variable of the environment",
    "SECURE_MATCH_PKCS11_PIN_FILE": "a variable of the environment",
    "SECURE_MATCH_UNLOCK_KEY": "a variable of the environment",
    "SECURE_MATCH_UNLOCK_PKCS11": "a variable of the environment",
}
"""Texts of the source that look like codes and are none."""


@dataclass(slots=True)
class Runs:
    """What differs from a document when it is run, by document; and the directories that the runs leave."""

    tutorial: Path
    problems: dict[str, list[str]] = field(default_factory=dict)
    python: dict[str, str] = field(default_factory=dict)
    demo: str = ""


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Run everything that the English documents show; the Chinese ones show the same."""
    result = Runs(tutorial=tmp_path_factory.mktemp("tutorial"))
    readme, demo = tmp_path_factory.mktemp("readme"), tmp_path_factory.mktemp("demo")

    def run_tutorial() -> None:
        result.problems["docs/tutorial.md"] = run_document(DOCS / "tutorial.md", result.tutorial)
        for role in (role for role in HOW_TOS if role not in ("reviewer", "rehearse")):
            document = DOCS / "how-to" / f"{role}.md"
            result.problems[name_of(document)] = run_document(document, result.tutorial)
        codes = {name: "\n".join(blocks(REPOSITORY / name, "python")) for name in WITH_PYTHON}
        result.python = run_python(codes, result.tutorial)

    def run_readme() -> None:
        result.problems["README.md"] = run_document(REPOSITORY / "README.md", readme)
        result.demo = demo_output(demo, DEMO)

    def run_reviewer() -> None:
        # Somebody from outside has the document and nothing else.
        document = DOCS / "how-to" / "reviewer.md"
        result.problems[name_of(document)] = run_document(document, tmp_path_factory.mktemp("reviewer"))
        rehearse = DOCS / "how-to" / "rehearse.md"
        result.problems[name_of(rehearse)] = run_document(rehearse, tmp_path_factory.mktemp("rehearse"))

    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(run_tutorial), pool.submit(run_readme), pool.submit(run_reviewer)]:
            job.result()
    return result


@pytest.mark.parametrize("name", ["README.md", "docs/tutorial.md", *(f"docs/how-to/{role}.md" for role in HOW_TOS)])
def test_commands_do_what_the_document_shows(runs: Runs, name: str) -> None:
    assert runs.problems[name] == []


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_shows_the_end_of_the_demo(runs: Runs, name: str) -> None:
    shown = (REPOSITORY / name).read_text(encoding="utf-8").split("<!-- demo:")[1].split("```text\n")[1]
    lines = tuple(shown.split("```")[0].splitlines())
    assert matches(("…", *lines), runs.demo), runs.demo


@pytest.mark.parametrize("name", WITH_PYTHON)
def test_python_runs(runs: Runs, name: str) -> None:
    assert runs.python[name] == ""


@pytest.mark.parametrize("path", TWINS, ids=name_of)
def test_twins_show_the_same(path: Path) -> None:
    other = path.with_name(path.name.replace(".md", ".zh-CN.md"))
    assert blocks(path, "console", "shell", "python") == blocks(other, "console", "shell", "python")
    demo = [block for block in blocks(path, "text") if "precision" in block]
    assert demo == [block for block in blocks(other, "text") if "precision" in block]


def test_the_expected_documents_have_twins() -> None:
    expected = {
        "README.md",
        "docs/tutorial.md",
        "docs/reference/standards.md",
        *(f"docs/how-to/{role}.md" for role in (*HOW_TOS, "audit", "keyholder", "tokens")),
    }
    assert {name_of(path) for path in TWINS} == expected


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.is_file() or (anchor and anchor not in _anchors(there)):
            broken.append(target)
    assert broken == []


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_error_code_is_documented_and_every_documented_one_exists() -> None:
    text = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", text, flags=re.MULTILINE))
    found = _codes_in_source()
    assert NO_CODES.keys() <= found
    assert documented == found - NO_CODES.keys()


def _codes_in_source() -> set[str]:
    """All code-like texts of the source; what a module exports is no code."""
    codes: set[str] = set()
    for path in (REPOSITORY / "src" / "secure_match").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        exported: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.Assign) and any(getattr(item, "id", "") == "__all__" for item in node.targets):
                exported |= set(ast.literal_eval(node.value))
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        codes |= {text for text in texts - exported if CODE.fullmatch(text)}
        codes |= {
            keyword.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            for keyword in node.keywords
            if keyword.arg == "code"
            and isinstance(keyword.value, ast.Constant)
            and isinstance(keyword.value.value, str)
        }
    return codes


def test_every_command_and_option_is_documented() -> None:
    text = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    sections = dict(
        re.findall(r"^## secure-match ([a-z -]+?)(?: [A-Z][^\n]*)?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    )
    expected = _options_in_source()
    assert set(sections) == set(expected)
    for name, options in expected.items():
        assert set(re.findall(r"^\| `(--[a-z0-9-]+)` \|", sections[name], flags=re.MULTILINE)) == options, name


def _options_in_source() -> dict[str, set[str]]:
    """Command to its long options, without the ones that Typer adds."""
    found: dict[str, set[str]] = {}
    for role in ("agreement", "keys", "department", "keyholder", "bureau", "review", "evaluate", "demo"):
        module = "reviewer" if role == "review" else role
        command: Any = typer.main.get_command(importlib.import_module(f"secure_match.cli._{module}").app)
        found |= _options_of(role, command)
    return found


def _options_of(name: str, command: Any) -> dict[str, set[str]]:
    inner = getattr(command, "commands", None)
    if inner:
        each = [_options_of(f"{name} {word}", item) for word, item in inner.items()]
        return {key: value for found in each for key, value in found.items()}
    options = {text for option in command.params for text in option.opts if text.startswith("--")}
    return {name: options - {"--install-completion", "--show-completion"}}


def test_every_key_of_the_agreement_is_documented() -> None:
    text = (DOCS / "reference" / "agreement.md").read_text(encoding="utf-8")
    missing = {name for name in _model_keys(Agreement, set()) if f"`{name}`" not in text and f"{name}]" not in text}
    assert missing - {"fields", "first", "last", "first_month", "last_month"} == set()


def _model_keys(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[str]:
    if model in seen:
        return set()
    seen.add(model)
    names = set(model.model_fields)
    for item in model.model_fields.values():
        for inner in _models_in(item.annotation):
            names |= _model_keys(inner, seen)
    return names


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is not None or isinstance(annotation, UnionType):
        return [inner for item in get_args(annotation) for inner in _models_in(item)]
    return []


@pytest.mark.parametrize("path", [*DOCUMENTS, *sorted(REPOSITORY.glob("examples/city_by_hand/*.*"))], ids=name_of)
def test_nothing_that_does_not_belong_into_a_repository(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.~:/)\]>-])/(?:home|root|tmp|work|usr|etc|var|opt|mnt|Users)\b", text) == []
    assert re.findall(r"pypi\.org|pythonhosted|index-url|mirrors?\.|artifactory", text, flags=re.IGNORECASE) == []
    numbers = re.findall(r"(?<![0-9A-Za-z])(?:\d{17}[0-9Xx]|\d{15})(?![0-9A-Za-z])", text)
    assert [number for number in numbers if not number.startswith("339902")] == []
    phones = re.findall(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])", text)
    assert [phone for phone in phones if not phone.startswith("199000000")] == []


@pytest.mark.parametrize("path", sorted((DOCS / "adr").glob("0*.md")), ids=name_of)
def test_a_decision_has_its_four_parts(path: Path) -> None:
    headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings == ["Context", "Decision", "Options refused", "Consequences"]
    assert f"]({path.name})" in (DOCS / "adr" / "README.md").read_text(encoding="utf-8")


def _column(value: str) -> NormalisedField:
    return NormalisedField(values=pa.array([value], pa.string()), states=np.zeros(1, dtype=np.uint8))


def test_the_vectors_of_the_specification() -> None:
    data = json.loads((DOCS / "spec" / "passes-vectors.json").read_text(encoding="utf-8"))
    given, vectors = data["inputs"], {item["id"]: item for item in data["vectors"]}
    shared, handle = bytes.fromhex(given["shared_secret"]), bytes.fromhex(given["handle_secret"])
    scope = (given["agreement_fingerprint"], given["key_epoch"])
    tiny: dict[str, Any] = {}
    exec(blocks(DOCS / "spec" / "passes.md", "python")[0], tiny)

    token_key = derive_key(shared, _labels.ID_TOKEN, *scope)
    assert token_key.hex() == tiny["derive"](shared, "id-token", *scope).hex() == vectors["id-token"]["key"]
    token = id_tokens(_column(given["id_number"]), token_key)[0].as_py()
    assert token == tiny["prf"](token_key, given["id_number"].encode(), 16)
    assert token.hex() == vectors["id-token"]["result"]
    token_key = derive_key(shared, _labels.IDENTIFIER_TOKEN, *scope)
    expected = tiny["derive"](shared, "id-token/identifier", *scope)
    assert token_key.hex() == expected.hex() == vectors["identifier-token"]["key"]
    token = id_tokens(_column(given["identifier"]), token_key)[0].as_py()
    assert token == tiny["prf"](token_key, given["identifier"].encode(), 16)
    assert token.hex() == vectors["identifier-token"]["result"]

    key = DepartmentKey.create(
        party="police",
        agreement_id=given["agreement_id"],
        key_epoch=given["key_epoch"],
        encoding_secret=shared,
        handle_secret=handle,
    )
    maker = HandleMaker(key, given["agreement_id"], given["dataset"])
    handle_key = tiny["derive"](handle, "handle", given["agreement_id"], given["dataset"])
    made = maker.make(pa.array([given["row_key"]]), SeenKeys())[0][0].as_py()
    assert made == tiny["prf"](handle_key, given["row_key"].encode(), 16)
    assert made.hex() == vectors["handle"]["result"]
    assert maker.key_id == vectors["handle-key-id"]["result"]
    public_name = derive_key_id(shared, _labels.ENCODING, given["agreement_id"], given["key_epoch"])
    assert public_name == vectors["key-id"]["result"]

    fields = {name: _column(given[name]) for name in ("name", "given_name", "surname", "birth_date", "sex")}
    for vector in (item for item in data["vectors"] if "pass" in item):
        item = Pass.model_validate_json(json.dumps(vector["pass"]))
        keys = PassKeys.derive(shared, *scope, item.id)
        tags, encodings = encode_pass(item, fields, keys)
        for name, purpose in PASS_KEYS.items():
            shown_key = tiny["derive"](shared, purpose, *scope, item.id).hex()
            assert getattr(keys, name).hex() == shown_key == vector[name]
        assert (None if tags is None else tags[0].as_py().hex()) == vector["block_tag"]
        assert encodings[0].as_py().hex() == vector["encoding"]
        for part in item.fields:
            tokens = [text.decode() for text, _ in tokenise(part, given[part.field])]
            assert tokens == vector["tokens"][part.field]
        block = vector["block_value"].encode()
        if item.block_on:
            assert tiny["mac"](keys.tag_key, block).hex() == vector["block_tag"]
        secrets = (keys.block_key, keys.token_key, keys.position_key)
        parts = [
            ("" if part.shared else part.field, given[part.field], part.qgram_sizes, part.positional, part.insertions)
            for part in item.fields
        ]
        assert tiny["encode"](secrets, block, parts, item.bits).hex() == vector["encoding"]
    shown = (DOCS / "spec" / "passes.md").read_text(encoding="utf-8")
    for part in (*PASS_KEYS, "block_tag", "encoding"):
        assert f"`{vectors['pass-birth'][part]}`" in shown
