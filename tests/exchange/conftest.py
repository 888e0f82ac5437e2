"""One sealed package, read thousands of times, and readers of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.sealed_tiny import identity, plain_manifest, plain_package, sealed_agreement, sealed_package
from secure_match.agreement import Agreement
from secure_match.errors import SecureMatchError
from secure_match.exchange.files import open_package_to
from secure_match.exchange.identities import Identity

Refusal = Callable[[bytes], str]


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """A package that is right, and what it was made of."""

    agreement: Agreement
    plain: bytes
    sealed: bytes
    folder: Path

    def code(
        self,
        data: bytes,
        *,
        agreement: Agreement | None = None,
        holder: Identity | None = None,
        name: str = "in.smp",
        plain: bytes | None = None,
    ) -> str:
        """The code with which a file is refused; "" where it is accepted. Nothing may be left of a refused one."""
        path, out = self.folder / name, self.folder / "out.smp"
        path.write_bytes(data)
        out.unlink(missing_ok=True)
        try:
            open_package_to(path, agreement or self.agreement, holder or _BUREAU, out, kind="encodings")
        except SecureMatchError as error:
            assert [left.name for left in self.folder.iterdir()] == [name]
            return error.code
        assert out.read_bytes() == (plain or self.plain)
        return ""


_BUREAU = identity("bureau")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    agreement = sealed_agreement()
    plain = plain_package(plain_manifest(agreement))
    folder = tmp_path_factory.mktemp("tiny")
    return Tiny(agreement=agreement, plain=plain, sealed=sealed_package(agreement, plain), folder=folder)
