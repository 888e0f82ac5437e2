"""The rooms of the package hold what the design says, and nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Final

import pytest

from architecture.source_tree import REPOSITORY, ROOT, calls, imported, trees

SECRET_ACCESS: Final = {
    "cli/_keys.py",
    "department/_row_handles.py",
    "department/blinding.py",
    "department/dataset_encoder.py",
    "department/encoder.py",
    "department/handles.py",
    "department/key_files.py",
    "department/sealed_keys.py",
}
"""Who may open a key. Adding a module here is a decision for a security review."""

IDENTITY_ACCESS: Final = {"department/sealed_keys.py", "exchange/key_files.py"}
"""Who may take private keys of an identity, or the secret of a ceremony, out of their handles."""

FILE_CALLS: Final = {
    "open",
    "io.open",
    "os.open",
    "os.fdopen",
    "os.replace",
    "os.remove",
    ".open",
    ".read_bytes",
    ".read_text",
    ".write_bytes",
    ".write_text",
    ".unlink",
    ".mkdir",
    ".rmdir",
    ".iterdir",
    ".glob",
    ".rename",
    ".touch",
    ".mkstemp",
    ".NamedTemporaryFile",
    ".TemporaryDirectory",
    ".rmtree",
}
FILE_ROOMS: Final = (
    "files.py",
    "chunk_files.py",
    "held_files.py",
    "token_files.py",
    "intake_files.py",
    "kept_files.py",
    "key_files.py",
    "locked_files.py",
    "log_files.py",
    "look_files.py",
    "mapped_files.py",
    "package_files.py",
    "private_folders.py",
    "public_files.py",
    "review_files.py",
    "run_files.py",
    "schema_files.py",
    "secret_files.py",
    "share_files.py",
    "stations.py",
    "work_files.py",
)
FILE_EXCEPTIONS: Final = {
    # The template is package data, not a file of the caller's.
    "agreement/_parse.py": {".read_text"},
    "agreement/tables/_data.py": {".read_text"},
    # Members of an archive that was opened elsewhere.
    "encoded/container.py": {".open"},
    "encoded/layout.py": {".read_bytes"},
    # A session with a PKCS#11 token.
    "exchange/token_lock.py": {".open"},
    # A request's body goes into a private folder, for the station that reads files.
    "keyholder/service.py": {".open"},
    # The library's own temporary file, which it leaves behind.
    "exchange/oprf/_sodium.py": {".unlink"},
    # The package's own sources: their digest names the compiled code.
    "kernels/_popcount.py": {".glob", ".read_bytes"},
}
"""Modules outside ``files.py``, ``readers/``, ``stations.py`` and ``cli/`` with a call that looks like file access."""

CLOCK_AND_CHANCE: Final = ("time", "secrets", "random", "uuid", "os.urandom", "numpy.random")
CLOCK_CALLS: Final = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", ".now", ".utcnow", ".today"}
CLOCK_EXCEPTIONS: Final = {
    "cli/_key_ceremony.py": {"secrets"},
    "cli/_release.py": {".now", "datetime.now"},
    "cli/_department_rehearse.py": {"secrets"},
    "cli/_department_tokens.py": {"secrets"},
    "cli/_keys.py": {"secrets"},
    "cli/_demo.py": {"time"},
    "cli/_demo_desks.py": {".now", "datetime.now"},
    "cli/_desk.py": {".now", "datetime.now"},
    "cli/_key_log.py": {".now", "datetime.now"},
    "cli/_bureau.py": {"time"},
    "cli/_review_looks.py": {"secrets"},
    # Key material, salts and nonces are drawn where they are used: a caller who hands them in can only do it worse.
    "exchange/identities.py": {"secrets"},
    "exchange/key_files.py": {"secrets"},
    "exchange/locks.py": {"secrets"},
    "exchange/sealed.py": {"secrets"},
    "exchange/shares.py": {"secrets"},
    "keyholder/key_files.py": {"secrets"},
    "keyholder/holder.py": {"secrets"},
    "cli/_keyholder.py": {".now", "datetime.now"},
    "cli/_review_options.py": {".now", "datetime.now"},
    "department/readers/_exact_text.py": {"uuid"},  # The type of a database's cells; none is drawn.
}


def modules(room: str = "") -> list[str]:
    return [file for file in trees() if file.startswith(room)]


def test_import_contracts_hold() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_who_opens_keys_is_pinned() -> None:
    openers = {
        file
        for file, tree in trees().items()
        if any(name.startswith("secure_match.department.secret_access") for name in imported(tree))
    }
    assert openers == SECRET_ACCESS


def test_who_opens_identities_is_pinned() -> None:
    openers = {
        file
        for file, tree in trees().items()
        if any(name.startswith("secure_match.exchange.secret_access") for name in imported(tree))
    }
    assert openers == IDENTITY_ACCESS


def test_no_module_reaches_into_an_identity() -> None:
    reached = {
        file
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("_transport_seed", "_signing_seed")
    }
    assert reached == {"exchange/identities.py", "exchange/secret_access.py"}


def test_no_module_reaches_into_a_key() -> None:
    reached = {
        file
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "_secrets"
    }
    assert reached == {"department/keys.py", "department/secret_access.py"}


def test_department_caches_nothing() -> None:
    caches = {"lru_cache", "cache", "cached_property"}
    named = {
        file
        for file in modules("department/")
        for name in imported(trees()[file])
        if name == "functools" or name.split(".")[-1] in caches
    }
    assert named == set()


def test_only_output_prints() -> None:
    printers = {file for file, tree in trees().items() if "print" in set(calls(tree))}
    assert printers == {"cli/_output.py"}


def test_nothing_writes_logs_or_pickles() -> None:
    banned = {"logging", "warnings", "pickle", "marshal", "shelve", "faulthandler"}
    found = {(file, name) for file, tree in trees().items() for name in imported(tree) if name.split(".")[0] in banned}
    assert found == set()


def test_core_opens_no_file() -> None:
    found = {}
    for file, tree in trees().items():
        name = file.rpartition("/")[2]
        if name in FILE_ROOMS or file.startswith("cli/") or "/readers/" in file:
            continue
        used = FILE_CALLS & set(calls(tree))
        if used:
            found[file] = used
    assert found == FILE_EXCEPTIONS


def test_clock_and_chance_are_arguments() -> None:
    found = {}
    for file, tree in trees().items():
        used = {
            clock
            for name in imported(tree)
            for clock in CLOCK_AND_CHANCE
            if name == clock or name.startswith(f"{clock}.")
        }
        used |= CLOCK_CALLS & set(calls(tree))
        if used:
            found[file] = used
    assert {file: used for file, used in found.items() if not _in_attacks(file, used)} == CLOCK_EXCEPTIONS


def _in_attacks(file: str, used: set[str]) -> bool:
    """Attacks say how long they took, and draw from a seed that is an argument; they make nothing that leaves."""
    return file.startswith("review/attacks/") and used == {"time"}


INDEX_GENERATOR: Final = "linkage/_index_search.py"
FIXED_STREAMS: Final = {"linkage/_calibrate.py", "linkage/_random_pairs.py"}
"""These draw from a stream whose number stands beside them: the same pairs, the same result."""
DRAWING_EXCEPTIONS: Final = {
    INDEX_GENERATOR,
    "kernels/_index_plan.py",
    "kernels/_index_statistics.py",
    "linkage/_index_audit.py",
    *FIXED_STREAMS,
}


def test_only_the_synthetic_city_the_index_and_the_evidence_draw_numbers() -> None:
    """City and index from a seed that is an argument; the index's generator is made in one place and handed on.

    The evidence model samples pairs and draws its intervals from fixed streams: functions of their input alone.
    """
    drawing = {
        file
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "random" and isinstance(node.value, ast.Name)
    }
    assert {file for file in drawing if not file.startswith(("synthetic/", "review/attacks/"))} == DRAWING_EXCEPTIONS
    makers = {file for file, tree in trees().items() if "default_rng" in ast.dump(tree)}
    assert makers & DRAWING_EXCEPTIONS == {INDEX_GENERATOR}
    for file in FIXED_STREAMS:
        streams = [
            ast.unparse(node)
            for node in ast.walk(trees()[file])
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "Generator"
        ]
        assert streams == ["np.random.Generator(np.random.PCG64(_STREAM))"]


def test_no_relative_imports() -> None:
    relative = [
        file
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.mark.parametrize("file", modules())
def test_module_says_its_zone_and_is_short(file: str) -> None:
    docstring = ast.get_docstring(trees()[file])
    assert docstring is not None
    assert docstring.split(":")[0] in {"PUBLIC", "ENCODED", "RAW", "KEY", "AUDIT", "EDGE"}
    assert len((ROOT / file).read_text(encoding="utf-8").splitlines()) <= 400


def test_finders_find() -> None:
    tree = ast.parse("import time\nfrom numpy import random\nopen('x')\npath.read_bytes()\nos.open('x')\nprint(1)")
    assert set(imported(tree)) == {"time", "numpy.random"}
    assert {"open", ".read_bytes", "os.open", "print"} <= set(calls(tree))
