"""An identity locked by a key in a PKCS#11 token, with a real SoftHSM2; skipped where there is none."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.ceremony import PASSPHRASE, identity
from secure_match.errors import SecureMatchError
from secure_match.exchange.key_files import read_identity, write_identity
from secure_match.exchange.locks import PassphraseLock
from secure_match.exchange.token_lock import TokenAddress, TokenLock, parse_token_uri

PLACES = (
    "softhsm/libsofthsm2.so",
    "x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "aarch64-linux-gnu/softhsm/libsofthsm2.so",
)
MODULE = next((path for place in PLACES if (path := Path("/", "usr", "lib", place)).exists()), None)
PIN = "123456"


def refused(code: str) -> Any:
    return pytest.raises(SecureMatchError, match=f"^{code}: ")


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    tool = shutil.which("softhsm2-util")
    pytest.importorskip("pkcs11")
    if tool is None or MODULE is None:
        pytest.skip("no SoftHSM2 here")
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home / 'tokens'}\nobjectstore.backend = file\n")
    with pytest.MonkeyPatch.context() as patch:
        # SoftHSM reads it when the library is loaded, which happens once in a process.
        patch.setenv("SOFTHSM2_CONF", str(home / "softhsm2.conf"))
        command = [tool, "--init-token", "--free", "--label", "police", "--so-pin", PIN, "--pin", PIN]
        subprocess.run(command, check=True, capture_output=True)
        yield str(MODULE)


def test_a_token_locks_and_unlocks(module: str, tmp_path: Path) -> None:
    address = parse_token_uri(f"pkcs11:token=police;object=secure%20match?module-path={module}")
    assert address == TokenAddress(token="police", object="secure match", module=module)
    own, path = identity("police"), tmp_path / "police.identity"
    with refused("PKCS11_FAILED"):
        write_identity(own, path, TokenLock(address, PIN))
    write_identity(own, path, TokenLock(address, PIN, create=True))
    assert read_identity(path, TokenLock(address, PIN)).public == own.public
    with refused("PKCS11_FAILED") as caught:
        read_identity(path, TokenLock(address, "654321"))
    assert "654321" not in str(caught.value)
    assert caught.value.__context__ is None
    with refused("KEY_LOCK"):
        read_identity(path, PassphraseLock(PASSPHRASE))
    other = TokenAddress(token="police", object="another", module=module)
    with refused("KEY_LOCK"):
        read_identity(path, TokenLock(other, PIN))
    # Another key of the same token gives another wrapping key.
    second = tmp_path / "second.identity"
    write_identity(own, second, TokenLock(other, PIN, create=True))
    second.write_text(second.read_text().replace('"another"', '"secure match"'))
    with refused("KEY_UNLOCK"):
        read_identity(second, TokenLock(address, PIN))


def test_a_module_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("pkcs11")
    path = tmp_path / "police.identity"
    address = TokenAddress(token="police", object="secure match", module=str(tmp_path / "none.so"))
    with refused("PKCS11_FAILED"):
        write_identity(identity("police"), path, TokenLock(address, PIN, create=True))
    assert not path.exists()


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "pkcs11:",
        "token=a;object=b?module-path=c",
        "pkcs11:token=a?module-path=c",
        "pkcs11:token=a;object=b",
        "pkcs11:token=;object=b?module-path=c",
        "pkcs11:token=a;object=b?module-path=c&pin-value=123456",
    ],
)
def test_other_uris_are_refused_without_being_repeated(uri: str) -> None:
    with refused("PKCS11_URI") as caught:
        parse_token_uri(uri)
    assert "123456" not in str(caught.value)
