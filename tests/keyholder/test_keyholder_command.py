"""The commands of a key holder, in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exchange.sealed_tiny import identity
from integration.road import secure_match
from keyholder.holder_desk import HOLDER, draft_text, lay_out, write_request
from secure_match.exchange.key_files import write_identity
from secure_match.exchange.locks import KeyFileLock
from secure_match.exchange.oprf.public_files import read_oprf_public

UNLOCK = b"a worthless key that unlocks all"


def test_new_writes_a_key_once_and_public_writes_its_public_file_again(tmp_path: Path) -> None:
    (tmp_path / "draft.toml").write_text(draft_text(), encoding="utf-8")
    words = ["keyholder", "new", "draft.toml", "--party", HOLDER, "--out", "holder.oprf"]
    done = secure_match(*words, "--json", cwd=tmp_path)
    assert done.status == 0, done.error
    made = json.loads("\n".join(done.lines))
    public = read_oprf_public(tmp_path / "holder.oprf.public.json")
    assert (made["key_id"], made["public_key"]) == (public.key_id, public.text)
    again = secure_match(*words, cwd=tmp_path)
    assert again.status == 2
    assert "FILE_EXISTS" in again.error
    done = secure_match("keyholder", "public", "holder.oprf", "--out", "again.json", cwd=tmp_path)
    assert done.status == 0, done.error
    assert read_oprf_public(tmp_path / "again.json") == public


@pytest.mark.parametrize("sealed", [False, True], ids=["trial", "sealed"])
def test_evaluate_answers_and_refuses_above_the_quota(tmp_path: Path, sealed: bool) -> None:
    agreement = lay_out(tmp_path, sealed=sealed)
    write_request(agreement, tmp_path / "police.smb", 40, root=tmp_path)
    write_request(agreement, tmp_path / "more.smb", 1100, turn=1, root=tmp_path)
    desk = ["--operator", "zhang"]
    if sealed:
        (tmp_path / "unlock.bin").write_bytes(UNLOCK)
        (tmp_path / "unlock.bin").chmod(0o600)
        write_identity(identity(HOLDER, role="keyholder"), tmp_path / "holder.identity", KeyFileLock(UNLOCK))
        desk += ["--identity", "holder.identity", "--unlock-key", "unlock.bin"]
    words = ["keyholder", "evaluate", "agreement.toml", "--key", "holder.oprf", *desk]
    done = secure_match(*words, "police.smb", "--out", "police.sme", "--json", cwd=tmp_path)
    assert done.status == 0, done.error
    said = json.loads("\n".join(done.lines))
    assert (said["department"], said["elements"], said["quota"]) == ("police", 40, {"allowed": 1050, "used_before": 0})
    assert (tmp_path / "police.sme").exists()
    refused = secure_match(*words, "more.smb", "--out", "more.sme", cwd=tmp_path)
    assert refused.status == 2
    assert "QUOTA_EXCEEDED" in refused.error
    assert not (tmp_path / "more.sme").exists()
