"""Everything that a sealed demo sends is read by a reader that has none of our code: all kinds, both directions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from integration.road import secure_match
from secure_match.agreement import Agreement
from secure_match.agreement.files import read_agreement
from secure_match.cli._unlock import read_identity_from
from secure_match.exchange.files import read_sealed
from secure_match.exchange.identities import public_identity
from secure_match.exchange.secret_access import reveal_seeds

READER = Path(__file__).resolve().parents[2] / "examples" / "read_package.py"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "out"
    done = secure_match("demo", "--people", "400", "--seed", "7", "--out", str(out), cwd=out.parent)
    assert done.status == 0, done.error
    return out


@pytest.fixture(scope="module")
def agreement(demo: Path) -> Agreement:
    return read_agreement(demo / "agreement.toml")


def _read(path: Path, fingerprint: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(READER), str(path), fingerprint, *options]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", check=False, env={"PYTHONUTF8": "1"}
    )


@pytest.mark.parametrize("name", ["sent/population.smp", "sent/resident_medical.smp", "bureau/findings-police.smf"])
def test_the_reader_reads_what_the_demo_sends(demo: Path, agreement: Agreement, tmp_path: Path, name: str) -> None:
    manifest = read_sealed(demo / name).manifest
    identity = read_identity_from(demo / "keys" / f"{manifest.recipient}.identity", demo / "keys" / "unlock.key", None)
    (tmp_path / "seed").write_text(reveal_seeds(identity)[0].hex(), encoding="ascii")
    signer = public_identity(agreement, manifest.sender).signing.hex()
    done = _read(demo / name, agreement.fingerprint, "--signer", signer, "--seed", str(tmp_path / "seed"))
    assert (done.returncode, done.stderr) == (0, "")
    told, _, rows = done.stdout.rpartition("}\n[")
    assert json.loads(told + "}") == manifest.model_dump(mode="json")
    assert len(json.loads("[" + rows)) == 5


def test_the_reader_refuses_them_under_another_agreement_or_key(
    demo: Path, agreement: Agreement, tmp_path: Path
) -> None:
    path = demo / "sent" / "population.smp"
    other = public_identity(agreement, "medical").signing.hex()
    (tmp_path / "seed").write_text("00" * 96, encoding="ascii")
    for done in (
        _read(path, "0" * 64),
        _read(path, agreement.fingerprint, "--signer", other),
        _read(path, agreement.fingerprint, "--seed", str(tmp_path / "seed")),
    ):
        assert done.returncode == 1
        assert done.stderr.startswith("refused: ")
