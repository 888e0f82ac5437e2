"""PUBLIC: what a well-formed agreement must satisfy for its ID tokens: consent to guessing, or key holders and quotas.

Invariant: under ``oprf`` nothing that leaves is keyed by the ID number alone but its token: a block tag under the
departments' shared key that the number decides would let that key's holders try numbers after all.
"""

from __future__ import annotations

from typing import Final

from secure_match.agreement._disclosure import id_token_field
from secure_match.agreement._kinds import TOKEN_KINDS, FieldKind
from secure_match.agreement._model import Agreement, split_view
from secure_match.agreement._pass_checks import failure

_MOST_KEY_HOLDERS: Final = 2
_DECIDED_BY_NUMBER: Final[tuple[FieldKind, ...]] = (*TOKEN_KINDS, "birth_date", "sex")
"""Kinds that say nothing which an ID number does not say."""


def verify_id_tokens(agreement: Agreement) -> None:
    """Check the table ``[id_token]`` and the key holders.

    An ``oprf`` agreement that names no key of its key holders is a draft: it is valid, and no token is made under it.

    Raises:
        AgreementError: ``AGREEMENT_INVALID``, with the path of the key.
    """
    rules = agreement.id_token
    if rules.protocol == "hmac":
        if not rules.accept_offline_guessing:
            raise failure(
                "with hmac, whoever holds the shared key can try every ID number in seconds; "
                "set accept_offline_guessing = true if the parties accept this",
                "id_token.accept_offline_guessing",
            )
        if rules.quota_rows:
            raise failure("with hmac nobody is asked, so that there is no quota", "id_token.quota_rows")
        return
    owners = {item.owner for item in agreement.datasets if id_token_field(agreement, item) is not None}
    _verify_key_holders(agreement, needed=bool(owners))
    for department in rules.quota_rows:
        if department not in owners:
            raise failure("this department owns no dataset with ID tokens", f"id_token.quota_rows.{department}")
    absent = sorted(owners - set(rules.quota_rows))
    if absent:
        raise failure(
            f"say how many rows {absent[0]} has: the key holder answers no more than 1.05 times as many a month",
            f"id_token.quota_rows.{absent[0]}",
        )


def _verify_key_holders(agreement: Agreement, *, needed: bool) -> None:
    count = len(agreement.key_holders)
    if (needed and not count) or count > _MOST_KEY_HOLDERS:
        raise failure(
            "blinded ID tokens (oprf, the default) need one or two parties of the role keyholder; a small trusted "
            'setting may say protocol = "hmac"',
            "parties",
        )
    keyed = [index for index, party in enumerate(agreement.parties) if "oprf" in party.public_keys]
    if keyed and len(keyed) != count:
        index = next(
            index for index, party in enumerate(agreement.parties) if party.role == "keyholder" and index not in keyed
        )
        raise failure("the other key holder has an oprf key, this one has none", f"parties[{index}].public_keys")


def verify_token_passes(agreement: Agreement) -> None:
    """Check that no pass of an ``oprf`` agreement blocks on what the ID number alone decides.

    Raises:
        AgreementError: ``AGREEMENT_INVALID``, with the path of the key.
    """
    if agreement.id_token.protocol == "hmac":
        return
    for index, item in enumerate(agreement.passes):
        kinds = {agreement.fields[split_view(reference)[0]].kind for reference in item.block_on}
        if kinds & set(TOKEN_KINDS) and kinds <= set(_DECIDED_BY_NUMBER):
            raise failure(
                "with oprf a block may not be the ID number or its part alone: whoever holds the departments' key "
                "could try numbers; add another field (the name, say)",
                f"passes[{index}].block_on",
            )
