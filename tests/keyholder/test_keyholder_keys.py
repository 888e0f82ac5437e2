"""Key files of a key holder: what opens them, what is refused, what stays inside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exchange.sealed_tiny import identity
from keyholder.holder_desk import HOLDER, draft_text, lay_out, seed
from secure_match.agreement import parse_agreement
from secure_match.errors import KeyFileError, SecureMatchError
from secure_match.exchange.oprf.public_files import is_oprf_public, read_oprf_public, write_oprf_public
from secure_match.keyholder.key_files import new_keyholder_key, oprf_public_path, read_keyholder_key

DRAFT = parse_agreement(draft_text())
OWN = identity(HOLDER, role="keyholder")


@pytest.mark.parametrize("sealed", [False, True], ids=["trial", "sealed"])
def test_a_key_comes_back_as_it_was_made(tmp_path: Path, sealed: bool) -> None:
    path = tmp_path / "holder.oprf"
    own = OWN if sealed else None
    made = new_keyholder_key(DRAFT, HOLDER, path, identity=own, seed=seed())
    key, public = read_keyholder_key(path, own)
    assert (key.public, public) == (made.key, made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (seed().hex() in path.read_text()) is not sealed
    with pytest.raises(KeyFileError, match="FILE_EXISTS"):
        new_keyholder_key(DRAFT, HOLDER, path, identity=own)


def test_keys_of_two_epochs_differ(tmp_path: Path) -> None:
    later = parse_agreement(draft_text().replace(f'key_epoch = "{DRAFT.key_epoch}"', 'key_epoch = "later"'))
    keys = [new_keyholder_key(each, HOLDER, tmp_path / str(n), seed=seed()) for n, each in enumerate((DRAFT, later))]
    assert keys[0].key != keys[1].key


def test_who_may_not_have_or_open_a_key(tmp_path: Path) -> None:
    path = tmp_path / "holder.oprf"
    for party, own, code in [
        ("police", None, "PARTY_UNKNOWN"),
        ("nobody", None, "PARTY_UNKNOWN"),
        (HOLDER, identity("police"), "KEY_PARTY"),
    ]:
        with pytest.raises(KeyFileError, match=code):
            new_keyholder_key(DRAFT, party, path, identity=own)
    with pytest.raises(KeyFileError, match="KEY_IDENTITY"):
        new_keyholder_key(lay_out(tmp_path, sealed=True), HOLDER, tmp_path / "plain.oprf")
    for own, code in [
        (None, "KEY_IDENTITY"),
        (identity("police"), "KEY_PARTY"),
        (identity(HOLDER, turn=1, role="keyholder"), "KEY_SIGNATURE"),
    ]:
        with pytest.raises(SecureMatchError, match=code):
            read_keyholder_key(path, own)


def test_a_changed_key_file_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, sealed=True)
    path = tmp_path / "holder.oprf"
    content = json.loads(path.read_text())
    for change, code in [
        ({"key_epoch": "other"}, "KEY_SIGNATURE"),
        ({"format": "secure_match/other"}, "KEY_FORMAT"),
        ({"more": 1}, "KEY_FORMAT"),
    ]:
        path.write_text(json.dumps(content | change))
        with pytest.raises(SecureMatchError, match=code):
            read_keyholder_key(path, OWN)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="KEY_PERMISSIONS"):
        read_keyholder_key(path, OWN)


def test_public_files(tmp_path: Path) -> None:
    public = new_keyholder_key(DRAFT, HOLDER, tmp_path / "holder.oprf", seed=seed())
    path = oprf_public_path(tmp_path / "holder.oprf")
    write_oprf_public(public, path)
    assert read_oprf_public(path) == public
    assert is_oprf_public(path)
    assert not is_oprf_public(tmp_path / "holder.oprf")
    content = json.loads(path.read_text())
    for change in ({"key_id": "0" * 16}, {"public_key": "AAAA"}, {"public_key": "A" * 43 + "="}, {"party": "P"}):
        path.write_text(json.dumps(content | change))
        with pytest.raises(KeyFileError, match="KEY_FORMAT"):
            read_oprf_public(path)
