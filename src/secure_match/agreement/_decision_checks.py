"""PUBLIC: what the decisions of a well-formed agreement must satisfy: thresholds, and columns as evidence."""

from __future__ import annotations

from typing import Final

from secure_match.agreement._model import Agreement
from secure_match.agreement._pass_checks import failure

_SIMILARITIES: Final = ("link", "review", "different_ids_link", "different_ids_review")
_SIDES: Final = 2


def verify_thresholds(agreement: Agreement) -> None:
    """Check that decisions are calibrated or fixed, not both, and that fixed similarities are in order.

    Raises:
        AgreementError: ``AGREEMENT_INVALID``, with the path of the key.
    """
    limits = agreement.thresholds
    if limits.calibrate is not None:
        _verify_calibrated(agreement)
        return
    fixed = {name: getattr(limits, name) for name in _SIMILARITIES}
    for name, value in fixed.items():
        if value is None:
            raise failure("give calibrate, or all four similarities", f"thresholds.{name}")
    if fixed["review"] > fixed["link"]:
        raise failure("the review threshold is above the link threshold", "thresholds.review")
    if fixed["different_ids_review"] > fixed["different_ids_link"]:
        raise failure("the review threshold is above the link threshold", "thresholds.different_ids_review")
    if fixed["different_ids_link"] < fixed["link"]:
        raise failure("different valid ID numbers need at least the general threshold", "thresholds.different_ids_link")
    for index, item in enumerate(agreement.passes):
        link, review = agreement.thresholds_of(item)
        if item.review_only and item.link_threshold is not None:
            raise failure("a pass that is for review only has no link threshold", f"passes[{index}].link_threshold")
        if review > link:
            raise failure("the review threshold is above the link threshold", f"passes[{index}].review_threshold")


def _verify_calibrated(agreement: Agreement) -> None:
    for name in _SIMILARITIES:
        if getattr(agreement.thresholds, name) is not None:
            raise failure("with calibrate no similarity decides; take this key out", f"thresholds.{name}")
    for index, item in enumerate(agreement.passes):
        if item.link_threshold is not None:
            raise failure("with calibrate no similarity decides; take this key out", f"passes[{index}].link_threshold")
        if item.review_only:
            raise failure(
                "with calibrate the evidence of every pass counts; take this key out", f"passes[{index}].review_only"
            )


def verify_compared_columns(agreement: Agreement) -> None:
    """Check that columns which count as evidence stand in two datasets at least, alike in all.

    Raises:
        AgreementError: ``AGREEMENT_INVALID``, with the path of the key.
    """
    for index, name in enumerate(agreement.compare_columns):
        key = f"compare_columns[{index}]"
        if name in agreement.compare_columns[:index]:
            raise failure("this column stands twice", key)
        found = [column for dataset in agreement.datasets for column in dataset.columns if column.name == name]
        if len(found) < _SIDES:
            raise failure("fewer than two datasets have a coded column of this name", key)
        if len({(item.type, item.codes, item.bands, item.range) for item in found}) > 1:
            raise failure("the datasets' columns of this name have other types, codes, ranges or bands", key)
        if found[0].type == "month":
            raise failure("a month tells when somebody was enrolled, not who it is; compare codes or integers", key)
