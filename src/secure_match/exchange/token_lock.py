"""ENCODED: an identity locked by a secret key inside a PKCS#11 token (a smart card or a security module).

The token computes HMAC-SHA256 of the file's salt; its key is made there, marked sensitive and not extractable. The
identity's own keys are used in this process, as with the other locks: the token keeps a stolen file shut, it does not
sign or open packages. The module that ``module-path`` names is native code of the token's vendor and runs with the
rights of this process.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import Any, Final

from secure_match.errors import KeyFileError
from secure_match.exchange.locks import AnyParameters, TokenParameters, new_salt, wrapping_key, wrong_lock
from secure_match.exchange.opaque import Guarded

_SCHEME: Final = "pkcs11:"
_KEY_BITS: Final = 256
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAddress:
    """Where a key lies (a part of RFC 7512).

    Attributes:
        token: label of the token.
        object: label of the secret key.
        module: path of the vendor's PKCS#11 library.
    """

    token: str
    object: str
    module: str


def parse_token_uri(uri: str) -> TokenAddress:
    """Read ``pkcs11:token=LABEL;object=LABEL?module-path=FILE``.

    Raises:
        KeyFileError: ``PKCS11_URI``; a URI with a PIN is refused too, for the list of processes shows it.
    """
    path, _, query = uri.removeprefix(_SCHEME).partition("?")
    words = dict(part.partition("=")[::2] for part in (*path.split(";"), *query.split("&")) if part)
    if not uri.startswith(_SCHEME) or set(words) != {"token", "object", "module-path"} or not all(words.values()):
        raise KeyFileError(
            "write it as pkcs11:token=LABEL;object=LABEL?module-path=FILE, without a PIN: that comes from "
            "SECURE_MATCH_PKCS11_PIN, the file named in SECURE_MATCH_PKCS11_PIN_FILE, or a prompt",
            code="PKCS11_URI",
        )
    token, item, module = (_unescaped(words[name]) for name in ("token", "object", "module-path"))
    return TokenAddress(token=token, object=item, module=module)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).encode("latin-1", "ignore").decode("utf-8", "ignore")


class TokenLock(Guarded):
    """A secret key in a token, and the PIN that opens it.

    Args:
        address: where the key lies.
        pin: PIN of the token's user.
        create: make the key where the token has none of that label.

    Raises:
        KeyFileError: ``EXTRA_MISSING`` where the extra ``pkcs11`` is not installed.
    """

    __slots__ = ("_address", "_create", "_library", "_pin")

    def __init__(self, address: TokenAddress, pin: str, *, create: bool = False) -> None:
        library: Any = None
        try:
            library = importlib.import_module("pkcs11")
        except ImportError:
            library = None
        if library is None:
            raise KeyFileError("install the extra: pip install 'secure_match[pkcs11]'", code="EXTRA_MISSING")
        self._library, self._address, self._pin, self._create = library, address, pin, create

    def new_parameters(self) -> TokenParameters:
        """See :class:`Lock`."""
        return TokenParameters(kind="pkcs11", salt=new_salt(), token=self._address.token, object=self._address.object)

    def wrapping_key(self, parameters: AnyParameters) -> bytes:
        """See :class:`Lock`; also raises ``PKCS11_FAILED``."""
        if not isinstance(parameters, TokenParameters):
            raise wrong_lock(parameters)
        if (parameters.token, parameters.object) != (self._address.token, self._address.object):
            raise KeyFileError("this identity is locked with another key or token", code="KEY_LOCK")
        problem, mac = "", b""
        try:
            mac = self._mac(bytes.fromhex(parameters.salt))
        except (self._library.exceptions.PKCS11Error, OSError, RuntimeError) as error:
            # Only the name: a vendor's message may hold anything.
            problem = type(error).__name__
        if problem:
            raise KeyFileError(
                f"the token did not answer ({problem}); check its label, the key's label, the PIN and module-path",
                code="PKCS11_FAILED",
            )
        return wrapping_key(mac, parameters.salt, "pkcs11")

    def _mac(self, salt: bytes) -> bytes:
        library = self._library
        mechanism, kind, attribute = library.Mechanism, library.KeyType.GENERIC_SECRET, library.Attribute
        token = library.lib(self._address.module).get_token(token_label=self._address.token)
        with token.open(user_pin=self._pin, rw=self._create) as session:
            try:
                key = session.get_key(
                    object_class=library.ObjectClass.SECRET_KEY, key_type=kind, label=self._address.object
                )
            except library.exceptions.NoSuchKey:
                if not self._create:
                    raise
                key = session.generate_key(
                    kind,
                    _KEY_BITS,
                    label=self._address.object,
                    store=True,
                    mechanism=mechanism.GENERIC_SECRET_KEY_GEN,
                    capabilities=library.MechanismFlag.SIGN,
                    template={attribute.SENSITIVE: True, attribute.EXTRACTABLE: False},
                )
            return bytes(key.sign(salt, mechanism=mechanism.SHA256_HMAC))
