"""PUBLIC: what the parties agreed on, and the clkhash linkage schemas that can describe encodings."""

from secure_match.agreement._disclosure import (
    LeavingColumn,
    dataset_fields,
    dataset_passes,
    id_token_field,
    leaving_columns,
)
from secure_match.agreement._encoders import Blip, Hardening
from secure_match.agreement._kinds import TOKEN_KINDS
from secure_match.agreement._linkage_schema import LinkageSchema
from secure_match.agreement._model import (
    Agreement,
    Calibration,
    CodedColumn,
    CoverageRule,
    Dataset,
    ExclusionGroup,
    IdentityField,
    Pass,
    PassField,
    ValidMonths,
    split_view,
)
from secure_match.agreement._number_findings import NUMBER_FINDING_KINDS, NumberFindingKind, NumberFindings
from secure_match.agreement._parse import city_template, parse_agreement, template_text, trusted_template
from secure_match.agreement._release import NEIGHBOUR, Release

__all__ = [
    "NEIGHBOUR",
    "NUMBER_FINDING_KINDS",
    "TOKEN_KINDS",
    "Agreement",
    "Blip",
    "Calibration",
    "CodedColumn",
    "CoverageRule",
    "Dataset",
    "ExclusionGroup",
    "Hardening",
    "IdentityField",
    "LeavingColumn",
    "LinkageSchema",
    "NumberFindingKind",
    "NumberFindings",
    "Pass",
    "PassField",
    "Release",
    "ValidMonths",
    "city_template",
    "dataset_fields",
    "dataset_passes",
    "id_token_field",
    "leaving_columns",
    "parse_agreement",
    "split_view",
    "template_text",
    "trusted_template",
]
