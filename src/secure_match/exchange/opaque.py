"""ENCODED: the base of everything that holds key material: it does not leave its process."""

from __future__ import annotations

from typing import NoReturn


class Guarded:
    """Base of everything that holds key material, derived keys included: it does not leave its process."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: secret>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be pickled or copied")

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be pickled or copied")

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be compared; compare key ids")

    __hash__ = None  # type: ignore[assignment]


class CombinedSecret(Guarded):
    """The shared encoding secret that contributions give, on its way into a department's key."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
