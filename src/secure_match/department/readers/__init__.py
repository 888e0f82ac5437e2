"""RAW: exports to Arrow batches with row numbers. Only readers and ``files.py`` open files in this zone."""

from secure_match.department.readers._csv import ROW_NUMBER, CsvExport

__all__ = ["ROW_NUMBER", "CsvExport"]
