"""PUBLIC: what must hold between the parts of a linkage schema, and its canonical form.

Invariant: what passes here can be encoded under; failures that clkhash shows at the first record show here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from secure_match.agreement._schema_formats import (
    DateFormat,
    EnumFormat,
    Format,
    IntegerFormat,
    StringFormat,
)
from secure_match.agreement._schema_models import (
    MAX_LENGTH_BITS,
    AnyFeature,
    BlakeHash,
    ClkConfig,
    DoubleHash,
    Feature,
    Hashing,
    KeyDerivation,
    NumericComparison,
)
from secure_match.errors import LinkageSchemaError, Place

BLAKE2B_MAX_KEY_BYTES: Final = 64
"""RFC 7693, section 2.1."""

HKDF_MAX_BLOCKS: Final = 255
"""RFC 5869, section 2.3."""

_SAMPLE_DATE: Final = datetime(2003, 2, 1, tzinfo=UTC)
_KEYS_PER_FEATURE: Final = 2
_DIGEST_BYTES: Final = {"SHA256": 32, "SHA512": 64}


def _invalid(key: str, message: str) -> LinkageSchemaError:
    return LinkageSchemaError(message, code="SCHEMA_INVALID", place=Place(key=key))


def effective_folds(config: ClkConfig, *, ignore_documented: bool) -> int:
    """Number of XOR folds from the two spellings of the key.

    Raises:
        LinkageSchemaError: ``SCHEMA_INVALID`` when both are given and differ.
    """
    documented, obeyed = config.xor_folds_documented, config.xor_folds_obeyed
    if ignore_documented or documented is None:
        return obeyed or 0
    if obeyed is not None and obeyed != documented:
        raise _invalid("clkConfig.xorFolds", "xorFolds and xor_folds are both given and differ; keep one")
    return documented


def verify_schema(filter_bits: int, kdf: KeyDerivation, features: Sequence[AnyFeature]) -> None:
    """Check what no single key can tell.

    Raises:
        LinkageSchemaError: ``SCHEMA_INVALID`` with the path of the key to change.
    """
    if filter_bits > MAX_LENGTH_BITS:
        raise _invalid("clkConfig.l", f"l times 2 to the number of folds is more than {MAX_LENGTH_BITS} bits")
    wanted = _KEYS_PER_FEATURE * kdf.key_size * len(features)
    if wanted > HKDF_MAX_BLOCKS * _DIGEST_BYTES[kdf.hash]:
        raise _invalid(
            "clkConfig.kdf.keySize",
            f"HKDF with {kdf.hash} cannot make two keys of this size for each of {len(features)} features",
        )
    for index, feature in enumerate(features):
        if isinstance(feature, Feature) and not feature.ignored:
            _verify_format(f"features[{index}].format", feature.format)
            _verify_grid(f"features[{index}].hashing.comparison", feature.hashing)
            _verify_hash(filter_bits, kdf, feature.hashing)
            _verify_replacement(f"features[{index}].hashing.missingValue.replaceWith", feature)


def _verify_format(key: str, rule: Format) -> None:
    if isinstance(rule, StringFormat):
        if rule.pattern is not None and not _is_pattern(rule.pattern):
            raise _invalid(f"{key}.pattern", "this is not a regular expression that Python's re module can read")
        if rule.max_length is not None and rule.max_length < rule.min_length:
            raise _invalid(key, "maxLength is less than minLength: no value is valid")
    elif isinstance(rule, IntegerFormat):
        if rule.minimum is not None and rule.maximum is not None and rule.maximum < rule.minimum:
            raise _invalid(key, "maximum is less than minimum: no value is valid")
    elif isinstance(rule, DateFormat):
        if not _is_date_format(rule.format):
            raise _invalid(f"{key}.format", "this is not a date format that Python's strptime can read")
    elif not rule.values:
        raise _invalid(f"{key}.values", "no value is valid; list at least one")


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _is_date_format(text: str) -> bool:
    try:
        datetime.strptime(_SAMPLE_DATE.strftime(text), text)  # noqa: DTZ007  # A date has no zone.
    except ValueError as error:
        # A format that this sample cannot fill may still be sound; a bad directive never is.
        return "does not match format" in str(error)
    except re.error:
        return False
    return True


def _verify_grid(key: str, hashing: Hashing) -> None:
    if not isinstance(hashing.comparison, NumericComparison):
        return
    try:
        interval = hashing.comparison.interval
    except OverflowError:
        interval = 0
    if interval == 0:
        raise _invalid(key, "thresholdDistance is zero, or too large, at this fractional_precision")


def _verify_hash(filter_bits: int, kdf: KeyDerivation, hashing: Hashing) -> None:
    if isinstance(hashing.hash, BlakeHash):
        if filter_bits & (filter_bits - 1):
            raise _invalid("clkConfig.l", "blakeHash needs a power of two for l")
        if kdf.key_size > BLAKE2B_MAX_KEY_BYTES:
            raise _invalid("clkConfig.kdf.keySize", f"blakeHash takes keys of at most {BLAKE2B_MAX_KEY_BYTES} bytes")
    elif isinstance(hashing.hash, DoubleHash) and hashing.hash.prevent_singularity and filter_bits == 1:
        raise _invalid("clkConfig.l", "prevent_singularity cannot end with a filter of one bit")


def _verify_replacement(key: str, feature: Feature) -> None:
    missing = feature.hashing.missing_value
    if missing is None or missing.replace_with is None:
        return
    usable = True
    try:
        missing.replace_with.encode(feature.encoding)
        if isinstance(feature.hashing.comparison, NumericComparison) and missing.replace_with:
            float(missing.replace_with)
    except ValueError:
        usable = False
    if not usable:
        raise _invalid(key, "the replacement cannot be encoded: wrong character set, or not a number")


def canonical_document(
    length_bits: int, xor_folds: int, kdf: KeyDerivation, features: Sequence[AnyFeature]
) -> dict[str, Any]:
    """Plain JSON values of all that decides the bytes of a CLK, in one spelling."""
    return {
        "version": 3,
        "clkConfig": {
            "l": length_bits,
            "xorFolds": xor_folds,
            "kdf": {
                "hash": kdf.hash,
                "salt": kdf.salt.hex(),
                "info": kdf.info.hex(),
                "keySize": kdf.key_size,
            },
        },
        "features": [_canonical_feature(feature) for feature in features],
    }


def _canonical_feature(feature: AnyFeature) -> dict[str, Any]:
    if not isinstance(feature, Feature) or feature.ignored:
        return {"identifier": feature.identifier, "ignored": True}
    document = feature.model_dump(by_alias=True, exclude={"description": True, "format": {"description"}})
    if isinstance(feature.format, EnumFormat):
        document["format"]["values"] = sorted(set(feature.format.values))
    if feature.hashing.missing_value is not None:
        document["hashing"]["missingValue"]["replaceWith"] = feature.hashing.missing_value.stand_in
    return document
