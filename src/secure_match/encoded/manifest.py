"""ENCODED: what a package of encodings says about itself, as a strict model."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from secure_match.agreement.strict import StrictModel, VisibleText, first_problem
from secure_match.errors import PackageError, Place

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
OwnerIdentifier = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,63})?$")]
"""An identifier, or empty under a linkage schema, which names neither dataset nor owner."""
DefinitionId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}(/[a-z][a-z0-9_-]{0,63})?$")]
KeyEpoch = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")]
HexDigest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
KeyId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Count = Annotated[int, Field(ge=0)]


class PassColumn(StrictModel):
    """One pass of the encodings: ``bits`` per encoding, and whether rows carry a block tag.

    An encoding is stored in whole bytes; the unused low bits of its last byte are zero.
    """

    id: Identifier
    bits: Annotated[int, Field(ge=1, le=1 << 24)]
    blocked: bool

    @property
    def width_bytes(self) -> int:
        """Bytes of one stored encoding."""
        return (self.bits + 7) // 8


class CodedColumn(StrictModel):
    """One coded column: ``code`` is a string of the code list, ``month`` is YYYYMM, ``integer`` a number."""

    name: Identifier
    type: Literal["code", "month", "integer"]


class RowCounts(StrictModel):
    """Every row that was read is encoded or quarantined: ``read == encoded + quarantined``."""

    read: Count
    encoded: Count
    quarantined: Count


class DatasetManifest(StrictModel):
    """The readable part of a package of encodings.

    Attributes:
        definition: what the encodings were made by: an agreement or a clkhash linkage schema.
        definition_fingerprint: SHA-256 of its canonical bytes.
        key_id: names the shared encoding key without revealing it; equal ids link, others never do.
        handle_key_id: names the owner's private handle key.
        counts: row counts of the export.
        state_fields: identity fields whose state leaves with the row.
        supplement_to: digest of the package that this one completes; no key at all in a whole package.
        phase: 1 where passes follow on request, 2 where this holds handles and passes alone; no key at all else.
        completes: digest of the package of phase 1 that this one of phase 2 holds passes of.
    """

    format: Literal["secure_match/encoded"] = "secure_match/encoded"
    format_version: Literal[1] = 1
    definition: Literal["agreement", "linkage-schema"]
    definition_id: DefinitionId
    definition_fingerprint: HexDigest
    dataset: OwnerIdentifier
    owner: OwnerIdentifier
    key_epoch: KeyEpoch
    key_id: KeyId
    handle_key_id: KeyId
    counts: RowCounts
    id_tokens: bool
    state_fields: tuple[Identifier, ...] = ()
    passes: tuple[PassColumn, ...]
    coded: tuple[CodedColumn, ...] = ()
    tool: VisibleText
    supplement_to: HexDigest | None = None
    phase: Literal[1, 2] | None = None
    completes: HexDigest | None = None

    @model_serializer(mode="wrap")
    def _without_nothing(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = serialise(self)
        for name in ("supplement_to", "phase", "completes"):
            if content.get(name) is None:
                content.pop(name, None)
        return content


ModelT = TypeVar("ModelT", bound=StrictModel)


def parse_manifest(model: type[ModelT], value: dict[str, Any]) -> ModelT:
    """Validate a manifest against its model.

    Raises:
        PackageError: ``PACKAGE_MANIFEST`` with the path of the first bad key, never its value.
    """
    key: str | None = None
    try:
        # JSON has no tuples: strict models accept its lists only in JSON mode.
        return model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        problem = first_problem(error)
        key, reason = problem.key, problem.reason
    except RecursionError:
        reason = "too many brackets inside brackets"
    raise PackageError(
        f"the manifest is not one this version can read: {reason}", code="PACKAGE_MANIFEST", place=Place(key=key)
    )
