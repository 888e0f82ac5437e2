"""RAW: raw text of identity fields to clean values with a state each, column by column."""

from secure_match.department.normalise._field import NormalisedField
from secure_match.department.normalise._record import normalise_fields

__all__ = ["NormalisedField", "normalise_fields"]
