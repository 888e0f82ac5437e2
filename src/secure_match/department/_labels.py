"""RAW: purposes that keys are derived for. One label, one use. These are names, not secrets."""

from typing import Final

ID_TOKEN: Final = "id-token"  # noqa: S105
BLOCK_TAG: Final = "block-tag"
BLOCK_SECRET: Final = "block-secret"  # noqa: S105
HANDLE: Final = "handle"
ENCODING: Final = "encoding"
