"""ENCODED: persons over time, stable ids, spells, merges and splits.

The room is reserved so that the import contracts hold from the first day; this version has no code in it.
"""
