"""PUBLIC: a clkhash linkage schema of version 1, 2 or 3, verified whole before a single record is encoded.

Invariants:

* what clkhash 0.18.3 would encode under a documented schema is encoded to the same bytes,
* a schema under which clkhash would fail or hang on every record is refused when it is read,
* unknown keys, doubled keys and nulls are errors that name the path of the key.

Deviations from clkhash, all on purpose: the documented spelling ``xorFolds`` is obeyed (clkhash obeys only
``xor_folds``); base64 is decoded strictly; a whole number such as ``20.0`` is taken only where clkhash can
encode with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, NoReturn, Self

from pydantic import BaseModel, ValidationError

from secure_match.agreement._clkhash_versions import SchemaV1, SchemaV2, convert_v1, convert_v2
from secure_match.agreement._schema_checks import canonical_document, effective_folds, verify_schema
from secure_match.agreement._schema_models import AnyFeature, KeyDerivation, SchemaV3
from secure_match.agreement.strict import key_path
from secure_match.errors import LinkageSchemaError, Place

_MODELS: Final[dict[int, type[BaseModel]]] = {1: SchemaV1, 2: SchemaV2, 3: SchemaV3}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkageSchema:
    """A verified linkage schema, in its version 3 form whatever the version of the document was.

    Attributes:
        length_bits: length of a CLK in bits, after folding.
        xor_folds: how often a filter, first of ``length_bits * 2**xor_folds`` bits, is halved by XOR.
        kdf: how per-feature keys are derived.
        features: the columns in order, ignored ones included.
    """

    length_bits: int
    xor_folds: int
    kdf: KeyDerivation
    features: tuple[AnyFeature, ...]

    @classmethod
    def parse(
        cls,
        document: Mapping[str, object] | bytes | str,
        *,
        ignore_xor_folds: bool = False,
        file: str | PurePath | None = None,
    ) -> Self:
        """Read a linkage schema.

        Args:
            document: the JSON object, or its text; bytes are UTF-8 with or without a byte order mark.
            ignore_xor_folds: do as clkhash 0.18.3 does: pass over the documented spelling ``xorFolds`` and
                obey ``xor_folds`` only. For CLKs that must equal old ones of clkhash.
            file: its name, for messages.

        Raises:
            LinkageSchemaError: ``SCHEMA_NOT_JSON``, ``SCHEMA_DUPLICATE_KEY``, ``SCHEMA_VERSION``,
                ``SCHEMA_UNKNOWN_KEY`` or ``SCHEMA_INVALID``; the place names the file and the key's path.
        """
        problem: LinkageSchemaError
        try:
            return cls._from_json(_load(document), ignore_xor_folds=ignore_xor_folds)
        except LinkageSchemaError as error:
            place = Place(file=file, key=error.place.key)
            problem = LinkageSchemaError(error.message, code=error.code, place=place)
        raise problem

    @classmethod
    def _from_json(cls, document: dict[str, Any], *, ignore_xor_folds: bool) -> Self:
        version = _version(document)
        _refuse_nulls(document, ())
        model = _validate(_MODELS[version], document)
        if isinstance(model, SchemaV1):
            model = _validate(SchemaV3, convert_v1(document, model))
        elif isinstance(model, SchemaV2):
            model = _validate(SchemaV3, convert_v2(document, model))
        assert isinstance(model, SchemaV3)  # noqa: S101  # The table of models holds nothing else.
        schema = cls(
            length_bits=model.config.length_bits,
            xor_folds=effective_folds(model.config, ignore_documented=ignore_xor_folds),
            kdf=model.config.kdf,
            features=model.features,
        )
        verify_schema(schema.filter_bits, schema.kdf, schema.features)
        return schema

    @property
    def filter_bits(self) -> int:
        """Length of the Bloom filter before folding, in bits."""
        return self.length_bits << self.xor_folds

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the canonical JSON of all that decides the bytes of a CLK.

        Free-text descriptions, spelled-out defaults, the order of enumerated values and the version of the
        document make no difference.
        """
        document = canonical_document(self.length_bits, self.xor_folds, self.kdf, self.features)
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


class _DoubledKeyError(Exception):
    """A JSON object has a key twice."""


def _unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _DoubledKeyError(next(key for key in keys if keys.count(key) > 1))
    return value


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _load(document: Mapping[str, object] | bytes | str) -> dict[str, Any]:
    """The document as plain JSON values."""
    code, message = "SCHEMA_NOT_JSON", "the linkage schema is not a JSON object in UTF-8"
    value: object = None
    place = Place()
    try:
        if isinstance(document, Mapping):
            document = json.dumps(dict(document))
        elif isinstance(document, bytes):
            document = document.decode("utf-8-sig")
        value = json.loads(document, object_pairs_hook=_unique_object, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except _DoubledKeyError as error:
        place = Place(key=str(error))
        code, message = "SCHEMA_DUPLICATE_KEY", "a key stands twice in one object of the linkage schema"
        value = None
    except (ValueError, TypeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise LinkageSchemaError(message, code=code, place=place)
    return value


def _version(document: dict[str, Any]) -> int:
    version = document.get("version")
    if isinstance(version, bool) or not isinstance(version, int | float) or version not in _MODELS:
        raise LinkageSchemaError(
            "give the version of the linkage schema: 1, 2 or 3",
            code="SCHEMA_VERSION",
            place=Place(key="version"),
        )
    return int(version)


def _refuse_nulls(value: object, path: tuple[str | int, ...]) -> None:
    if value is None:
        raise LinkageSchemaError(
            "null is not a value here; remove the key", code="SCHEMA_INVALID", place=Place(key=key_path(path))
        )
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_nulls(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_nulls(item, (*path, index))


def _validate(model: type[BaseModel], document: dict[str, Any]) -> BaseModel:
    location: tuple[str | int, ...] = ()
    reason = kind = ""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        # The tags of tagged unions stand in the location beside the keys; the last part is always a key.
        location = tuple(
            part
            for index, part in enumerate(first["loc"])
            if not (isinstance(part, str) and part.startswith("<") and part.endswith(">"))
            or (index == len(first["loc"]) - 1 and first["type"] == "extra_forbidden")
        )
        kind, reason = first["type"], first["msg"].removeprefix("Value error, ")
    unknown = kind == "extra_forbidden"
    raise LinkageSchemaError(
        "unknown key; correct its spelling or remove it" if unknown else reason,
        code="SCHEMA_UNKNOWN_KEY" if unknown else "SCHEMA_INVALID",
        place=Place(key=key_path(location)),
    )
