"""PUBLIC: the public keys of a sealed agreement: of their kinds, in their form, and of everybody who needs them."""

from __future__ import annotations

import base64
import contextlib
from typing import Final

from secure_match.agreement._model import Agreement, Party
from secure_match.agreement._pass_checks import failure

KEY_FORMS: Final = {
    "transport": ("mlkem768-x25519:", 1184 + 32),
    "signing": ("ed25519:", 32),
    "approval": ("ed25519:", 32),
    "oprf": ("", 32),
}
"""Purpose of a public key to the prefix of its text and its length in bytes."""
_NEEDED: Final = ("transport", "signing")


def verify_public_keys(agreement: Agreement) -> None:
    """Check the public keys of all parties; an agreement without any but ``oprf`` keys is a trial agreement.

    Raises:
        AgreementError: ``AGREEMENT_INVALID``, with the path of the key.
    """
    seen: set[str] = set()
    for index, party in enumerate(agreement.parties):
        key = f"parties[{index}].public_keys"
        if agreement.sealed:
            _verify_needed(agreement, party, key)
        if "oprf" in party.public_keys and party.role != "keyholder":
            raise failure("only a key holder has an oprf key", f"{key}.oprf")
        for purpose, text in party.public_keys.items():
            _verify_form(purpose, text, f"{key}.{purpose}")
            if text in seen:
                raise failure("this key stands twice; every key has one purpose and one party", f"{key}.{purpose}")
            seen.add(text)


def _verify_needed(agreement: Agreement, party: Party, key: str) -> None:
    answers = party.role == "keyholder" and agreement.id_token.protocol == "oprf"
    needs_keys = party.role in ("department", "bureau") or answers or party.public_keys
    absent = [purpose for purpose in _NEEDED if purpose not in party.public_keys]
    if needs_keys and absent:
        raise failure(
            f"the agreement names public keys of some parties, so that packages are sealed; {party.id} has no "
            f"{' and no '.join(absent)} key",
            key,
        )


def _verify_form(purpose: str, text: str, key: str) -> None:
    if purpose not in KEY_FORMS:
        raise failure(f"there is no such purpose; purposes: {', '.join(KEY_FORMS)}", key)
    prefix, length_bytes = KEY_FORMS[purpose]
    data = b""
    with contextlib.suppress(ValueError):
        data = base64.b64decode(text.removeprefix(prefix), validate=True)
    if prefix + base64.b64encode(data).decode("ascii") != text or len(data) != length_bytes:
        raise failure(f"a {purpose} key has the form {prefix}BASE64 with {length_bytes} bytes", key)
