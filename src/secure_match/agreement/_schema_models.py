"""PUBLIC: the parts of a clkhash linkage schema as strict models; version 3 is the form kept in memory.

The names of the keys are clkhash's (https://clkhash.readthedocs.io, "Linkage Schema"). Unknown keys are
errors here although clkhash passes over most of them, because a misspelt key changes every encoding.

Invariant: the limits below are ours, not clkhash's. They keep a schema from asking for more memory than a
machine has, and lie far above any published parameter.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from secure_match.agreement._schema_formats import (
    Base64Text,
    CharacterSet,
    Format,
    NumHashes,
    StringFormat,
    take_integral,
    type_tag,
)
from secure_match.agreement.strict import StrictModel

MAX_LENGTH_BITS: Final = 1 << 24
MAX_FOLDS: Final = 24
MAX_GRAM_LENGTH: Final = 1024
MAX_RESOLUTION: Final = 1 << 16
MAX_FRACTIONAL_PRECISION: Final = 1024
DEFAULT_KEY_BYTES: Final = 64


class KeyDerivation(StrictModel):
    """How per-feature keys come out of the secret: HKDF (RFC 5869). ``key_size`` is in bytes."""

    type: Literal["HKDF"]
    hash: Literal["SHA256", "SHA512"] = "SHA256"
    salt_base64: Base64Text = Field(default="", alias="salt")
    info_base64: Base64Text = Field(default="", alias="info")
    key_size: Annotated[int, Field(ge=1, le=1 << 14)] = Field(default=DEFAULT_KEY_BYTES, alias="keySize")

    @property
    def salt(self) -> bytes:
        """The salt; empty where the schema gives none, which HKDF treats alike."""
        return base64.b64decode(self.salt_base64)

    @property
    def info(self) -> bytes:
        """The context information; empty where the schema gives none."""
        return base64.b64decode(self.info_base64)


class NgramComparison(StrictModel):
    """All substrings of ``gram_length`` characters, padded by spaces; with their place if ``positional``."""

    type: Literal["ngram"]
    gram_length: Annotated[int, Field(ge=1, le=MAX_GRAM_LENGTH)] = Field(alias="n")
    positional: bool = False


class ExactComparison(StrictModel):
    """The whole value as one token."""

    type: Literal["exact"]


PositiveNumber = Annotated[int | float, Field(gt=0, allow_inf_nan=False)]


class NumericComparison(StrictModel):
    """The neighbourhood of a number on a grid (Vatsalan and Christen 2016)."""

    type: Literal["numeric"]
    threshold_distance: Annotated[int | float, Field(gt=0, allow_inf_nan=False)] = Field(alias="thresholdDistance")
    resolution: Annotated[int, Field(ge=1, le=MAX_RESOLUTION)]
    fractional_precision: Annotated[int, Field(ge=0, le=MAX_FRACTIONAL_PRECISION)] = 0

    @property
    def interval(self) -> int:
        """Distance of two neighbouring tokens, on the grid that is scaled by the precision.

        Raises:
            OverflowError: the distance is too large at this precision.
        """
        # An int stays an int: a float product would round where the precision is high.
        return round(self.threshold_distance * int(10**self.fractional_precision))


Comparison = Annotated[
    Annotated[NgramComparison, Tag("<ngram>")]
    | Annotated[ExactComparison, Tag("<exact>")]
    | Annotated[NumericComparison, Tag("<numeric>")],
    type_tag("ngram", "exact", "numeric"),
]


class Strategy(StrictModel):
    """How many bits each token sets: a number per token, or a number per feature spread over its tokens."""

    bits_per_token: NumHashes | None = Field(default=None, alias="bitsPerToken")
    bits_per_feature: NumHashes | None = Field(default=None, alias="bitsPerFeature")

    @model_validator(mode="after")
    def _exactly_one(self) -> Strategy:
        if (self.bits_per_token is None) == (self.bits_per_feature is None):
            raise ValueError("give either bitsPerToken or bitsPerFeature")
        return self


class DoubleHash(StrictModel):
    """Double hashing with HMAC-SHA1 and HMAC-MD5; for old schemas only."""

    type: Literal["doubleHash"]
    prevent_singularity: bool = False


class BlakeHash(StrictModel):
    """Independent hash values from keyed BLAKE2b."""

    type: Literal["blakeHash"]


Hash = Annotated[
    Annotated[DoubleHash, Tag("<doubleHash>")] | Annotated[BlakeHash, Tag("<blakeHash>")],
    type_tag("doubleHash", "blakeHash"),
]


class MissingValue(StrictModel):
    """The text that stands for a missing value, and what clkhash hashes in its place."""

    sentinel: str
    replace_with: str | None = Field(default=None, alias="replaceWith")

    @property
    def stand_in(self) -> str:
        """What is hashed for a missing value."""
        return self.sentinel if self.replace_with is None else self.replace_with


class Hashing(StrictModel):
    """How the values of a feature become bits."""

    comparison: Comparison
    strategy: Strategy
    hash: Hash = BlakeHash(type="blakeHash")
    missing_value: MissingValue | None = Field(default=None, alias="missingValue")


class IgnoredFeature(StrictModel):
    """A column that is not encoded; it still takes its place in the key derivation."""

    identifier: str
    ignored: Literal[True]
    description: str = ""


class Feature(StrictModel):
    """One encoded column."""

    identifier: str
    ignored: bool = False
    format: Format
    hashing: Hashing
    description: str = ""

    @property
    def encoding(self) -> CharacterSet:
        """Character set in which tokens are hashed."""
        return self.format.encoding if isinstance(self.format, StringFormat) else "utf-8"


def feature_tag(value: object) -> str:
    """``<ignored>`` for the short form of an ignored feature, ``<feature>`` for all else."""
    short = isinstance(value, dict) and value.get("ignored") is True and not {"format", "hashing"} & set(value)
    return "<ignored>" if short or isinstance(value, IgnoredFeature) else "<feature>"


AnyFeature = Annotated[
    Annotated[IgnoredFeature, Tag("<ignored>")] | Annotated[Feature, Tag("<feature>")],
    Discriminator(feature_tag),
]
VersionNumber = Annotated[Any, BeforeValidator(take_integral)]


NumFolds = Annotated[int, Field(ge=0, le=MAX_FOLDS)]


class ClkConfig(StrictModel):
    """What holds for the whole CLK. ``length_bits`` is the length after folding."""

    length_bits: Annotated[int, Field(ge=1, le=MAX_LENGTH_BITS)] = Field(alias="l")
    kdf: KeyDerivation
    xor_folds_documented: Annotated[int, Field(ge=0, le=MAX_FOLDS)] | None = Field(default=None, alias="xorFolds")
    xor_folds_obeyed: Annotated[int, Field(ge=0, le=MAX_FOLDS)] | None = Field(default=None, alias="xor_folds")


class SchemaV3(StrictModel):
    """A version 3 document."""

    version: VersionNumber
    config: ClkConfig = Field(alias="clkConfig")
    features: Annotated[tuple[AnyFeature, ...], Field(strict=False, min_length=1)]
