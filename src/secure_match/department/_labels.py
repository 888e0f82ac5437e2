"""RAW: purposes that keys are derived for. One label, one use. These are names, not secrets."""

from typing import Final

ID_TOKEN: Final = "id-token"  # noqa: S105
OPRF_INPUT: Final = "oprf-input"
IDENTIFIER_TOKEN: Final = "id-token/identifier"  # noqa: S105
BLOCK_TAG: Final = "block-tag"
PASS_BLOCK: Final = "pass-block"  # noqa: S105
PASS_TOKEN: Final = "pass-token"  # noqa: S105
PASS_POSITION: Final = "pass-position"  # noqa: S105
PASS_PERMUTATION: Final = "pass-permutation"  # noqa: S105
PASS_NOISE: Final = "pass-noise"  # noqa: S105
PASS_NOISE_STREAM: Final = "pass-noise/stream"  # noqa: S105
HANDLE: Final = "handle"
ENCODING: Final = "encoding"
