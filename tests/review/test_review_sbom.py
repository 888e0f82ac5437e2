"""The bill of materials: what is installed and named, in CycloneDX's own schema, the same each time."""

from __future__ import annotations

import pytest

from secure_match import __version__
from secure_match.review.sbom import Installed, sbom, serialise_sbom

MADE = {
    "secure_match": Installed(
        name="secure_match",
        version="1",
        requires=("Some.Lib>=2", 'extra-lib[fast]>=1; extra == "excel"', 'absent>=1; python_version < "3"'),
    ),
    "some-lib": Installed(name="Some.Lib", version="2+local", license_expression="MIT", requires=("leaf",)),
    "extra-lib": Installed(
        name="extra-lib", version="1", requires=('leaf; extra == "slow"', 'speed ; extra == "fast"'), license_name="BSD"
    ),
    "leaf": Installed(name="leaf", version="3", requires=("some-lib",), summary="A leaf."),
    "speed": Installed(name="speed", version="4"),
    "stranger": Installed(name="stranger", version="9"),
}


def test_the_closure_of_what_is_named() -> None:
    content = sbom(MADE.get)
    assert [item["purl"] for item in content["components"]] == [
        "pkg:pypi/extra-lib@1",
        "pkg:pypi/leaf@3",
        "pkg:pypi/some-lib@2%2Blocal",
        "pkg:pypi/speed@4",
    ]
    edges = {item["ref"]: item["dependsOn"] for item in content["dependencies"]}
    assert edges["secure-match@1"] == ["extra-lib@1", "some-lib@2+local"]
    assert edges["extra-lib@1"] == ["speed@4"]
    assert edges["leaf@3"] == ["some-lib@2+local"]
    assert content["components"][2]["licenses"] == [{"expression": "MIT"}]
    assert content["components"][0]["licenses"] == [{"license": {"name": "BSD"}}]


def test_this_installation_is_valid_by_the_schema_and_the_same_twice() -> None:
    schema = pytest.importorskip("cyclonedx.schema")
    json_schema = pytest.importorskip("cyclonedx.validation.json")
    text = serialise_sbom(sbom())
    for content in (text, serialise_sbom(sbom(MADE.get))):
        assert json_schema.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(content) is None
    assert text == serialise_sbom(sbom())
    found = sbom()
    assert found["metadata"]["component"]["version"] == __version__
    names = {item["name"].lower() for item in found["components"]}
    assert {"cryptography", "numpy", "pyarrow", "pydantic", "numba", "llvmlite", "typer"} <= names
    assert not {"pytest", "ruff", "mypy"} & names
    assert "timestamp" not in text
    assert "serialNumber" not in text
