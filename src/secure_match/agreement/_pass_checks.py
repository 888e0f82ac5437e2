"""PUBLIC: what the passes of a well-formed agreement must also satisfy: they name fields and parts that there are."""

from __future__ import annotations

from secure_match.agreement._encoders import UNRELATED_AT_HALF, Hardening
from secure_match.agreement._kinds import VIEWS
from secure_match.agreement._model import Agreement, Pass, split_view
from secure_match.errors import AgreementError, Place


def failure(message: str, key: str, code: str = "AGREEMENT_INVALID") -> AgreementError:
    """The error for a key of an agreement, given as its path."""
    return AgreementError(message, code=code, place=Place(key=key))


def verify_view(agreement: Agreement, reference: str, key: str) -> None:
    """Check that a reference names an identity field, and a part that its kind has.

    Raises:
        AgreementError: ``AGREEMENT_INVALID``, with ``key`` as its place.
    """
    name, view = split_view(reference)
    field = agreement.fields.get(name)
    if field is None:
        raise failure(f"there is no identity field {name}; fields: {', '.join(agreement.fields)}", key)
    if view and view not in VIEWS[field.kind]:
        known = ", ".join(VIEWS[field.kind]) or "none"
        raise failure(f"a field of kind {field.kind} has no part {view}; parts: {known}", key)


def verify_passes(agreement: Agreement) -> None:
    """Check every pass, in the order of the agreement.

    Raises:
        AgreementError: ``AGREEMENT_INVALID``, with the path of the key.
    """
    for index, item in enumerate(agreement.passes):
        key = f"passes[{index}]"
        _verify_fields(agreement, item, key)
        _verify_shared(item, key)
        _verify_encoder(agreement, item, key)


def _verify_fields(agreement: Agreement, item: Pass, key: str) -> None:
    for position, reference in enumerate(item.block_on):
        verify_view(agreement, reference, f"{key}.block_on[{position}]")
    if len(set(item.block_on)) != len(item.block_on):
        raise failure("a field stands twice", f"{key}.block_on")
    names = [field.field for field in item.fields]
    if len(set(names)) != len(names):
        raise failure("a field stands twice", f"{key}.fields")
    for position, field in enumerate(item.fields):
        verify_view(agreement, field.field, f"{key}.fields[{position}].field")
        if field.field in item.block_on:
            raise failure(
                "a field that blocks is equal in all compared rows; encoding it says nothing",
                f"{key}.fields[{position}]",
            )


def _verify_shared(item: Pass, key: str) -> None:
    """Shared fields have tokens of one form: others could not be equal, and one field has nothing to share with."""
    shared = [(position, field) for position, field in enumerate(item.fields) if field.shared]
    if len(shared) == 1:
        raise failure("this field shares its q-grams with no other", f"{key}.fields[{shared[0][0]}].shared")
    for position, field in shared[1:]:
        first = shared[0][1]
        if (field.qgram_sizes, field.positional) != (first.qgram_sizes, first.positional):
            raise failure(
                "shared fields of a pass have the same qgram_sizes and the same positional",
                f"{key}.fields[{position}]",
            )


def _verify_encoder(agreement: Agreement, item: Pass, key: str) -> None:
    """Hardening says something and leaves something, and a pass does not propose every pair of its blocks."""
    if item.majorities is not None and item.encoder != "majority_xor":
        raise failure("only the encoder majority_xor has majorities", f"{key}.majorities")
    if item.hardening == Hardening():
        raise failure("this says nothing; take it out, or name what is done", f"{key}.hardening")
    if item.encoder == "majority_xor" and item.hardening is not None:
        for name in ("xor_fold", "rule90"):
            if getattr(item.hardening, name):
                raise failure(
                    "this doubles the votes behind each bit of majority_xor; say majorities, and fewer bits, instead",
                    f"{key}.hardening.{name}",
                )
    half = item.encoder == "majority_xor" or (item.hardening is not None and item.hardening.balance)
    if half and agreement.thresholds_of(item)[1] <= UNRELATED_AT_HALF:
        raise failure(
            "half of the bits of these encodings are set, so unrelated rows have a similarity of 0.5 or more; "
            "give the pass a review_threshold above that",
            f"{key}.review_threshold",
        )
