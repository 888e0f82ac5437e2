"""ENCODED: the only thing that leaves a department, and its file format."""

from secure_match.encoded._dataset import (
    EncodedDataset,
    FieldState,
    binary_from_matrix,
    dataset_schema,
    matrix_from_binary,
)
from secure_match.encoded.manifest import CodedColumn, DatasetManifest, PassColumn, RowCounts

__all__ = [
    "CodedColumn",
    "DatasetManifest",
    "EncodedDataset",
    "FieldState",
    "PassColumn",
    "RowCounts",
    "binary_from_matrix",
    "dataset_schema",
    "matrix_from_binary",
]
