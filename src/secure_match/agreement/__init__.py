"""PUBLIC: what the parties agreed on, and the clkhash linkage schemas that can describe encodings."""

from secure_match.agreement._disclosure import (
    LeavingColumn,
    dataset_fields,
    dataset_passes,
    id_token_field,
    leaving_columns,
)
from secure_match.agreement._linkage_schema import LinkageSchema
from secure_match.agreement._model import (
    Agreement,
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
from secure_match.agreement._parse import city_template, parse_agreement

__all__ = [
    "Agreement",
    "CodedColumn",
    "CoverageRule",
    "Dataset",
    "ExclusionGroup",
    "IdentityField",
    "LeavingColumn",
    "LinkageSchema",
    "Pass",
    "PassField",
    "ValidMonths",
    "city_template",
    "dataset_fields",
    "dataset_passes",
    "id_token_field",
    "leaving_columns",
    "parse_agreement",
    "split_view",
]
