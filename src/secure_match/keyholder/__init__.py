"""KEY: the party that evaluates blinded ID numbers under its secret key: it sees none, and counts what it answers.

Key files: ``key_files``; the work: ``stations``; the same over HTTPS: ``service`` (extra ``service``).
"""
