"""AUDIT: verification, disclosure, attacks, privacy report.

The room is reserved so that the import contracts hold from the first day; this version has no code in it.
"""
