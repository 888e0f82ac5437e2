"""PUBLIC: clkhash linkage schemas of versions 1 and 2 as strict models, and their conversion to version 3.

Invariant: a converted document encodes as clkhash 0.18.3 encodes the original, and the path of every part
that can still be wrong after the conversion is the same in both.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from secure_match.agreement._schema_formats import Format, NumHashes
from secure_match.agreement._schema_models import (
    MAX_GRAM_LENGTH,
    ClkConfig,
    Hash,
    IgnoredFeature,
    MissingValue,
    VersionNumber,
    feature_tag,
)
from secure_match.agreement.strict import StrictModel
from secure_match.errors import LinkageSchemaError, Place

GramLength = Annotated[int, Field(ge=1, le=MAX_GRAM_LENGTH)]


class HashingV1(StrictModel):
    """Version 1: bits per token are ``weight`` times the CLK's ``k``."""

    gram_length: GramLength = Field(alias="ngram")
    positional: bool = False
    weight: Annotated[int | float, Field(ge=0, le=1e6, allow_inf_nan=False)] = 1
    missing_value: MissingValue | None = Field(default=None, alias="missingValue")


class StrategyV2(StrictModel):
    """Version 2: ``k`` bits per token, or ``numBits`` per feature."""

    bits_per_token: NumHashes | None = Field(default=None, alias="k")
    bits_per_feature: NumHashes | None = Field(default=None, alias="numBits")

    @model_validator(mode="after")
    def _exactly_one(self) -> StrategyV2:
        if (self.bits_per_token is None) == (self.bits_per_feature is None):
            raise ValueError("give either k or numBits")
        return self


class HashingV2(StrictModel):
    """Version 2: n-grams only."""

    gram_length: GramLength = Field(alias="ngram")
    positional: bool = False
    strategy: StrategyV2
    hash: Hash | None = None
    missing_value: MissingValue | None = Field(default=None, alias="missingValue")


class FeatureV1(StrictModel):
    """One encoded column of version 1."""

    identifier: str
    ignored: Literal[False] = False
    format: Format
    hashing: HashingV1
    description: str = ""


class FeatureV2(StrictModel):
    """One encoded column of version 2."""

    identifier: str
    ignored: Literal[False] = False
    format: Format
    hashing: HashingV2
    description: str = ""


class ClkConfigV1(ClkConfig):
    """Version 1: bits per token and hash stand here."""

    bits_per_token: Annotated[int, Field(ge=1)] = Field(alias="k")
    hash: Hash


class SchemaV1(StrictModel):
    """A version 1 document."""

    version: VersionNumber
    config: ClkConfigV1 = Field(alias="clkConfig")
    features: Annotated[
        tuple[
            Annotated[
                Annotated[IgnoredFeature, Tag("<ignored>")] | Annotated[FeatureV1, Tag("<feature>")],
                Discriminator(feature_tag),
            ],
            ...,
        ],
        Field(strict=False, min_length=1),
    ]


class SchemaV2(StrictModel):
    """A version 2 document."""

    version: VersionNumber
    config: ClkConfig = Field(alias="clkConfig")
    features: Annotated[
        tuple[
            Annotated[
                Annotated[IgnoredFeature, Tag("<ignored>")] | Annotated[FeatureV2, Tag("<feature>")],
                Discriminator(feature_tag),
            ],
            ...,
        ],
        Field(strict=False, min_length=1),
    ]


def convert_v1(document: dict[str, Any], model: SchemaV1) -> dict[str, Any]:
    """Version 1 to 3. A weight of 0 makes a feature ignored, as in clkhash.

    Raises:
        LinkageSchemaError: ``SCHEMA_INVALID`` where weight times k rounds to no bit at all.
    """
    features: list[dict[str, Any]] = []
    for index, (raw, feature) in enumerate(zip(document["features"], model.features, strict=True)):
        if isinstance(feature, IgnoredFeature):
            features.append(raw)
            continue
        if feature.hashing.weight == 0:
            features.append({"identifier": feature.identifier, "ignored": True})
            continue
        bits = round(feature.hashing.weight * model.config.bits_per_token)
        if bits < 1:
            raise LinkageSchemaError(
                "weight times clkConfig.k rounds to 0 bits per token; use weight 0 to ignore the feature",
                code="SCHEMA_INVALID",
                place=Place(key=f"features[{index}].hashing.weight"),
            )
        hashing = {"strategy": {"bitsPerToken": bits}, "hash": document["clkConfig"]["hash"]}
        features.append(_with_ngram(raw, hashing))
    config = {key: value for key, value in document["clkConfig"].items() if key not in {"k", "hash"}}
    return {"version": 3, "clkConfig": config, "features": features}


def convert_v2(document: dict[str, Any], model: SchemaV2) -> dict[str, Any]:
    """Version 2 to 3: other names for the same things."""
    features: list[dict[str, Any]] = []
    for raw, feature in zip(document["features"], model.features, strict=True):
        if isinstance(feature, IgnoredFeature):
            features.append(raw)
            continue
        strategy = feature.hashing.strategy
        hashing: dict[str, Any] = {
            "strategy": {"bitsPerToken": strategy.bits_per_token}
            if strategy.bits_per_token is not None
            else {"bitsPerFeature": strategy.bits_per_feature}
        }
        if "hash" in raw["hashing"]:
            hashing["hash"] = raw["hashing"]["hash"]
        features.append(_with_ngram(raw, hashing))
    return {"version": 3, "clkConfig": document["clkConfig"], "features": features}


def _with_ngram(raw: dict[str, Any], hashing: dict[str, Any]) -> dict[str, Any]:
    """The feature with ``hashing`` completed by what versions 1 and 2 spell alike."""
    old = raw["hashing"]
    hashing["comparison"] = {
        "type": "ngram",
        "n": old["ngram"],
        "positional": old.get("positional", False),
    }
    if "missingValue" in old:
        hashing["missingValue"] = old["missingValue"]
    return {**raw, "hashing": hashing}
