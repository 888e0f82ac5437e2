"""RAW: exports to Arrow batches with row numbers. Only readers and ``files.py`` open files in this zone."""

from secure_match.department.readers._csv import CsvExport
from secure_match.department.readers._export import ROW_NUMBER, Export, Ragged, ReadOptions, RefusedRows
from secure_match.department.readers._held import HeldExport
from secure_match.department.readers._open import open_export

__all__ = ["ROW_NUMBER", "CsvExport", "Export", "HeldExport", "Ragged", "ReadOptions", "RefusedRows", "open_export"]
