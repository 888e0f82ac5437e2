"""AUDIT: the software bill of materials of this installation, as CycloneDX 1.6 JSON.

Source: https://cyclonedx.org/docs/1.6/json/. Invariants:

* components are the installed distributions that ``secure_match`` names, with its extras, and those that these name,
* the same installation gives the same bytes: no time, no serial number, components by name,
* nothing is asked of a network; licences are what the distributions state of themselves.

A requirement whose environment marker is false here is still followed if its distribution is installed: it can then be
imported. Only the marker's ``extra`` is heeded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

ROOT: Final = "secure_match"
_REQUIREMENT: Final = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_EXTRA: Final = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
"""A requirement's name and extras, and the extra that a marker asks for (PEP 508)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An installed distribution.

    Attributes:
        name: as it calls itself.
        version: its version.
        requires: its requirements, as PEP 508 texts.
        license_expression: its SPDX expression (PEP 639), or "".
        license_name: what else it calls its licence in one line, or "".
        summary: what it says it is.
    """

    name: str
    version: str
    requires: tuple[str, ...] = ()
    license_expression: str = ""
    license_name: str = ""
    summary: str = ""


Look = Callable[[str], Installed | None]


def normal_name(name: str) -> str:
    """A distribution's name in the one form that compares (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(name: str) -> Installed | None:
    """What this environment has under a name, or None."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    fields = found.metadata

    def first(name: str) -> str:
        return str(next(iter(fields.get_all(name) or []), ""))

    lines = first("License").strip().splitlines()
    classifiers = [text for text in fields.get_all("Classifier") or [] if text.startswith("License :: ")]
    named = lines[0].strip() if len(lines) == 1 else classifiers[0].rpartition(" :: ")[2] if classifiers else ""
    return Installed(
        name=first("Name"),
        version=found.version,
        requires=tuple(found.requires or ()),
        license_expression=first("License-Expression"),
        license_name=named,
        summary=first("Summary"),
    )


def sbom(look: Look = installed) -> dict[str, Any]:
    """The bill of materials.

    Args:
        look: finds an installed distribution by its name.
    """
    found, edges = _closure(look)
    references = {name: f"{name}@{item.version}" for name, item in found.items()}
    root = normal_name(ROOT)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _component(found[root], references[root], kind="application")},
        "components": [_component(found[name], references[name]) for name in sorted(found) if name != root],
        "dependencies": [
            {"ref": references[name], "dependsOn": [references[other] for other in sorted(edges[name])]}
            for name in sorted(found)
        ],
    }


def serialise_sbom(content: dict[str, Any]) -> str:
    """The bill as JSON text, in one form."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _closure(look: Look) -> tuple[dict[str, Installed], dict[str, set[str]]]:
    """Distributions by name, and the names that each leads to; extras are followed where they are asked for."""
    root = look(ROOT) or Installed(name=ROOT, version="0")
    found = {normal_name(ROOT): root}
    edges: dict[str, set[str]] = {}
    every = frozenset(name for text in root.requires for name in _EXTRA.findall(text))
    waiting = [(normal_name(ROOT), every)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        edges.setdefault(name, set())
        for other, asked in _required(found[name], extras):
            item = found.get(other) or look(other)
            if item is not None:
                found[other] = item
                edges[name].add(other)
                waiting.append((other, asked))
    return found, edges


def _required(item: Installed, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in item.requires:
        requirement, _, marker = text.partition(";")
        wanted = _EXTRA.findall(marker)
        parts = _REQUIREMENT.match(requirement)
        if parts is None or (wanted and not extras.intersection(wanted)):
            continue
        asked = frozenset(name.strip() for name in (parts[2] or "").split(",") if name.strip())
        yield normal_name(parts[1]), asked


def _escaped(version: str) -> str:
    """A version as a package URL writes it: what is not unreserved in RFC 3986 is percent-encoded."""
    return re.sub(r"[^A-Za-z0-9._~-]", lambda mark: "".join(f"%{byte:02X}" for byte in mark[0].encode()), version)


def _component(item: Installed, reference: str, *, kind: str = "library") -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": kind,
        "bom-ref": reference,
        "name": item.name,
        "version": item.version,
        "purl": f"pkg:pypi/{normal_name(item.name)}@{_escaped(item.version)}",
    }
    if item.summary:
        component["description"] = item.summary
    if item.license_expression:
        component["licenses"] = [{"expression": item.license_expression}]
    elif item.license_name:
        component["licenses"] = [{"license": {"name": item.license_name}}]
    return component
