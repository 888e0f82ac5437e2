"""The package's source as syntax trees, for tests that read it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import secure_match

ROOT: Final = Path(secure_match.__file__).parent
REPOSITORY: Final = Path(__file__).parents[2]


@cache
def trees() -> dict[str, ast.Module]:
    """Module file, relative to the package, to its syntax tree."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(ROOT.rglob("*.py"))
    }


def module_names() -> list[str]:
    """Dotted names of all modules."""
    names = []
    for file in trees():
        parts = ["secure_match", *file.removesuffix(".py").split("/")]
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names that a module imports, ``from a import b`` as ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree: ast.Module) -> Iterator[str]:
    """What a module calls: ``name`` for a plain call, ``.name`` for a method, ``module.name`` for a module's."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            yield node.func.id
        elif isinstance(node.func, ast.Attribute):
            yield f".{node.func.attr}"
            if isinstance(node.func.value, ast.Name):
                yield f"{node.func.value.id}.{node.func.attr}"
