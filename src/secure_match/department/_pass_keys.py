"""RAW: the keys of one pass."""

from __future__ import annotations

from dataclasses import dataclass, replace

from secure_match.department import _labels
from secure_match.department._cmac import KEY_BYTES
from secure_match.department.keys import derive_key
from secure_match.exchange.opaque import Guarded


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class PassKeys(Guarded):
    """Keys of one pass, 32 bytes each.

    All departments have the same, but for ``noise_keys``: those are the department's own, so that nobody else can take
    its noise away, and that of two departments is independent. Passes without noise or balance do without the keys.
    """

    tag_key: bytes
    block_key: bytes
    token_key: bytes
    position_key: bytes
    permutation_key: bytes | None = None
    noise_keys: tuple[bytes, bytes] | None = None

    @classmethod
    def derive(cls, secret: bytes, *scope: str) -> PassKeys:
        """From the shared secret; ``scope`` is fingerprint, epoch and pass id."""
        return cls(
            tag_key=derive_key(secret, _labels.BLOCK_TAG, *scope, length_bytes=KEY_BYTES),
            block_key=derive_key(secret, _labels.PASS_BLOCK, *scope, length_bytes=KEY_BYTES),
            token_key=derive_key(secret, _labels.PASS_TOKEN, *scope, length_bytes=KEY_BYTES),
            position_key=derive_key(secret, _labels.PASS_POSITION, *scope, length_bytes=KEY_BYTES),
            permutation_key=derive_key(secret, _labels.PASS_PERMUTATION, *scope, length_bytes=KEY_BYTES),
        )

    def with_noise(self, handle_secret: bytes, *scope: str) -> PassKeys:
        """The same with keys for noise; ``scope`` is fingerprint, epoch, dataset id and pass id."""
        seed, stream = (
            derive_key(handle_secret, label, *scope, length_bytes=KEY_BYTES)
            for label in (_labels.PASS_NOISE, _labels.PASS_NOISE_STREAM)
        )
        return replace(self, noise_keys=(seed, stream))
