"""PUBLIC: public keys into the text of an agreement, which keeps its comments, order and white space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, InlineTable, Table

from secure_match.agreement._parse import parse_agreement
from secure_match.errors import AgreementError

_LONG_LIVED: Final = ("signing", "approval")


def add_public_keys(
    text: str, keys: Mapping[str, tuple[str, Mapping[str, str]]], *, replace_signing: bool = False
) -> str:
    """Write public keys into the text of an agreement.

    Args:
        text: an ``agreement.toml``; parties that are not named keep what they have.
        keys: party id to its role and its keys by purpose. A party's keys of other purposes stay.
        replace_signing: whether a signing key that is there may change. It is long-lived, so that a change without a
            reason that the others know of is a warning sign.

    Returns:
        The new text, a valid agreement.

    Raises:
        AgreementError: ``PARTY_UNKNOWN``; ``KEYS_ROLE`` where the agreement gives the party another role;
            ``KEYS_CHANGED`` where a signing key would change; ``KEYS_FORM`` where parties are not written as
            ``[[parties]]``; and what ``parse_agreement`` raises of the result, which must not lack anybody's keys.
    """
    document: tomlkit.TOMLDocument | None = None
    try:
        document = tomlkit.parse(text)
    except TOMLKitError:
        document = None
    if document is None:
        # Its error says where, in the words of all other commands.
        parse_agreement(text)
        raise AgreementError("not TOML", code="AGREEMENT_NOT_TOML")
    tables = document.get("parties")
    if not isinstance(tables, AoT):
        raise AgreementError("write each party as a table [[parties]], to add keys to it", code="KEYS_FORM")
    for party, (role, given) in keys.items():
        _add(_table_of(tables, party), party, role, given, replace_signing=replace_signing)
    result = tomlkit.dumps(document)
    parse_agreement(result)
    return result


def _table_of(tables: AoT, party: str) -> Table:
    found = [table for table in tables if isinstance(table, Table) and table.get("id") == party]
    if len(found) != 1:
        raise AgreementError(f"the agreement has no party {party}", code="PARTY_UNKNOWN")
    return found[0]


def _add(table: Table, party: str, role: str, given: Mapping[str, str], *, replace_signing: bool) -> None:
    if table.get("role") != role:
        raise AgreementError(f"the keys of {party} were made for another role, {role}", code="KEYS_ROLE")
    before = table.get("public_keys", {})
    old = dict(before.items()) if isinstance(before, Mapping) else {}
    changed = any(name in given and old.get(name, given[name]) != given[name] for name in _LONG_LIVED)
    if changed and not replace_signing:
        raise AgreementError(
            f"{party} has another signing key in the agreement; ask {party} by telephone why, then add "
            "--replace-signing",
            code="KEYS_CHANGED",
        )
    inline = tomlkit.inline_table()
    inline.update({name: str(value) for name, value in {**old, **given}.items()})
    if "public_keys" in table:
        table["public_keys"] = inline
    else:
        _append(table, inline)


def _append(table: Table, inline: InlineTable) -> None:
    """Behind the last key of the table, in front of comments that introduce the next section of the file."""
    body = table.value.body
    tail = []
    while body and body[-1][0] is None:
        tail.append(body.pop()[1])
    table.append("public_keys", inline)
    for item in reversed(tail):
        table.value.append(None, item)
