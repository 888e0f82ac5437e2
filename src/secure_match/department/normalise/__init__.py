"""RAW: raw text of identity fields to clean values with a state and a reason each, column by column."""

from secure_match.department.normalise._field import NormalisedField
from secure_match.department.normalise._reasons import REASONS
from secure_match.department.normalise._record import normalise_fields
from secure_match.department.normalise._survey import ColumnFacts, ColumnSurvey, survey_columns, surveyed_headers
from secure_match.department.normalise._tally import NormaliseTally
from secure_match.department.normalise._views import view_values

__all__ = [
    "REASONS",
    "ColumnFacts",
    "ColumnSurvey",
    "NormaliseTally",
    "NormalisedField",
    "normalise_fields",
    "survey_columns",
    "surveyed_headers",
    "view_values",
]
