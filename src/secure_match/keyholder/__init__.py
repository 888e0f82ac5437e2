"""KEY: evaluation of blinded ID queries, quotas.

The room is reserved so that the import contracts hold from the first day; this version has no code in it.
"""
